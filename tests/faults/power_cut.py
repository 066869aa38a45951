"""What a power cut leaves of a directory: all that was synced, and of the rest a seeded choice of its pieces.

Data is durable once a sync of its file that began after the write has returned; a name once its directory was synced.
Unsynced writes reach the disk wholly, in any pages, in any sectors of a page, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Loss:
    """What a cut did to what had not been synced."""

    pages_lost: int
    pages_torn: int
    pages_kept: int
    names_lost: int
    cut_ns: int


def restore_durable(shim_log: Path, state_dir: Path, seed: int) -> Loss:
    """Replaces what is below state_dir by what was durable when the process died, and begins the log anew from there.

    `state_dir` is the directory of the Shim that wrote the log. No process may use it.
    """
    raise NotImplementedError
