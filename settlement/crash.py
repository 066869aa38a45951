"""Named points at which a test may let this process die as if killed.

In production the variable is not set and a point costs one comparison. VENUE_CRASH_AT=name:count dies the count-th time
the point is passed, by os._exit: no cleanup, no flush, like kill -9.
"""

import os

VARIABLE = "VENUE_CRASH_AT"
KILLED = 137

#: Every point there is, so that a test can take each in turn and a misspelt one is refused.
POINTS = (
    "ingest.before_commit",
    "ingest.after_commit",
    "blocks.before_commit",
    "blocks.after_commit",
    "final.before_commit",
    "final.after_commit",
    "sign.before_commit",
    "sign.after_commit",
    "send.before_mark",
    "send.after_mark",
    "bump.before_commit",
    "bump.after_commit",
    "credit.before_send",
    "credit.after_send",
    "status.before_send",
    "status.after_send",
)

_wanted, _, _count = os.environ.get(VARIABLE, "").partition(":")
_left = int(_count or 1)
assert not _wanted or _wanted in POINTS, f"{VARIABLE} names no crash point: {_wanted}"


def crash_point(name: str) -> None:
    """Dies here if the environment says so."""
    global _left
    if name != _wanted:
        return
    _left -= 1
    if _left == 0:
        os._exit(KILLED)
