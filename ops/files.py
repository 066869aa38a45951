"""Copies that are whole and on disk when they count: written under another name, synced, then given their own."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

CHUNK_BYTES = 1 << 20


def make_private(directory: Path) -> None:
    """The directory, for its owner alone, made if it is not there."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700)
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """What was made, renamed or removed in it survives a power loss."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_durably(source: Path, target: Path, size: int | None = None) -> str:
    """Copies the first `size` bytes (all) to a new file of mode 0600, on disk when it returns; their SHA-256."""
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as writing:
        left = size
        while data := reading.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
            digest.update(data)
            writing.write(data)
            left = None if left is None else left - len(data)
        writing.flush()
        os.fsync(writing.fileno())
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
