"""The internal wire of the venue: schema, codecs, frames, endpoints and counters layout that all daemons share; no
behaviour.
"""
