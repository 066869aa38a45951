"""The public schema (feed.xml, SBE 1.0) and the codecs derived from it."""
