"""What stands for a ClOrdID among those its session has used: two that differ in any character stay apart."""

from __future__ import annotations

from engine.book_state import clordid_key

SESSIONS = 256
LENGTH = 8


def test_clordids_that_differ_in_one_character_have_keys_of_their_own() -> None:
    """Whatever the session's number and whichever character it is: else a new ClOrdID is taken for a used one."""
    for session in range(1, SESSIONS + 1):
        clordids = {
            b"A" * at + bytes([character]) + b"A" * (LENGTH - at - 1)
            for at in range(LENGTH)
            for character in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        }
        keys = {clordid_key(session, clordid) for clordid in clordids}
        assert len(keys) == len(clordids), f"session {session}"
