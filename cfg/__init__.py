"""Configuration, logging, readiness and the life of a daemon: what every process of the venue starts from.

This package imports nothing else of ours, so that every other package may import it.
"""

from __future__ import annotations

__version__ = "0.1.0"
