"""What a power cut leaves of a directory: all that was synced, and of the rest a seeded choice of its pieces.

Data is durable once a sync of its file that began after the write has returned; a name once its directory was synced.
Unsynced writes reach the disk wholly, in any pages, in any sectors of a page, or not at all; unsynced names as any
prefix of what happened in their directory. After a failed sync Linux calls the pages clean: they wait for no later
sync, and only a new write to the same page takes them along.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.shim.oplog import Entry, Op, read, write_base

PAGE_BYTES, SECTOR_BYTES = 4096, 512
#: How much of a file's unsynced pages is kept, and how many of those are torn: one pair is drawn per file.
_KEEP = (0.0, 1.0, 0.5, 0.9, 0.1)
_TEAR = (0.0, 0.0, 0.3)
_NOTHING = (0.0,)


class Untracked(Exception):
    """A file was changed by means the shim does not follow: nobody can say what of it is durable."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What a cut did to what had not been synced: pages, names, and when (CLOCK_MONOTONIC) it happened."""

    pages_lost: int
    pages_torn: int
    pages_kept: int
    names_lost: int
    cut_ns: int


@dataclass(frozen=True, slots=True)
class _Change:
    """A write (`data` or `size` zeros at `offset`) or, with resizes, the file's new size."""

    offset: int
    size: int
    data: bytes
    resizes: bool = False

    def apply(self, content: bytearray) -> None:
        if self.resizes:
            del content[self.size :]
            content.extend(bytes(self.size - len(content)))
            return
        content.extend(bytes(max(0, self.offset + self.size - len(content))))
        content[self.offset : self.offset + self.size] = self.data or bytes(self.size)

    def pages(self) -> range:
        if self.resizes or self.size == 0:
            return range(0)
        return range(self.offset // PAGE_BYTES, (self.offset + self.size - 1) // PAGE_BYTES + 1)


@dataclass(slots=True)
class _File:
    """One inode: what programs see, what the disk has, and the changes between them in order."""

    seen: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[_Change] = field(default_factory=list)
    settled: int = 0  # changes that have left `pending`
    forsaken: dict[int, bytes] = field(default_factory=dict)  # pages of a failed sync: clean, but not on the disk

    def change(self, change: _Change) -> None:
        for page in change.pages():
            if page in self.forsaken:
                whole = self.forsaken.pop(page)
                self.pending.append(_Change(page * PAGE_BYTES, len(whole), whole))
        if change.resizes:
            self.forsaken = {page: data for page, data in self.forsaken.items() if page * PAGE_BYTES < change.size}
        change.apply(self.seen)
        self.pending.append(change)

    def mark(self) -> int:
        return self.settled + len(self.pending)

    def synced(self, mark: int) -> None:
        count = max(0, mark - self.settled)
        for change in self.pending[:count]:
            change.apply(self.durable)
        self._settle(count, [])

    def sync_failed(self, mark: int) -> None:
        count = max(0, mark - self.settled)
        failed = self.pending[:count]
        for page in {page for change in failed for page in change.pages()}:
            self.forsaken[page] = bytes(self.seen[page * PAGE_BYTES : (page + 1) * PAGE_BYTES])
        # The file's size is metadata, which a later sync does write.
        sizes = [_Change(0, _size_after(failed, len(self.durable)), b"", resizes=True)] if failed else []
        self._settle(count, sizes)

    def _settle(self, count: int, instead: list[_Change]) -> None:
        self.pending[:count] = instead
        self.settled += count - len(instead)


def _size_after(changes: Iterable[_Change], size: int) -> int:
    for change in changes:
        size = change.size if change.resizes else max(size, change.offset + change.size)
    return size


@dataclass(frozen=True, slots=True)
class _Naming:
    """A change of names: `file` appears at `path` (None: a directory), `old` disappears, or both at once."""

    number: int
    directories: frozenset[str]
    path: str
    old: str
    file: _File | None


class Disk:
    """The files below one directory as a log tells them: as programs see them, and as the disk has them."""

    def __init__(self, log: Path) -> None:
        self.names: dict[str, _File | None] = {}
        self.durable_names: dict[str, _File | None] = {}
        self.cut_ns = 0  # of the CUT, or of the last entry of a process that was killed from outside
        self._namings: list[_Naming] = []
        self._named = 0
        self._files: dict[int, _File] = {}
        self._untracked: dict[str, None] = {}
        self._syncing: dict[tuple[int, int], int] = {}
        cut = False
        for entry in read(log):
            self._take(entry)
            self.cut_ns = self.cut_ns if cut else entry.time_ns
            cut = cut or entry.op == Op.CUT
        still = [path for path in self._untracked if path in self.names]
        if still:
            raise Untracked(f"changed by a mapping or an in-kernel copy, which the shim does not log: {still}")

    def seen(self) -> dict[str, bytes]:
        """Every file as programs saw it last."""
        return {path: bytes(file.seen) for path, file in self.names.items() if file is not None}

    def cut(self, seed: int | None) -> tuple[dict[str, bytes | None], Loss]:
        """What the disk has after a power cut, None for a directory; the same for the same log and seed.

        Without a seed everything unsynced is lost.
        """
        chance = random.Random(seed)
        everything = seed is None
        names, names_lost = (self.durable_names, len(self._namings)) if everything else self._surviving_names(chance)
        counts = [0, 0, 0]
        image: dict[str, bytes | None] = {}
        for path, file in sorted(names.items()):
            if all(parent in names for parent in _parents(path)):
                image[path] = (
                    None if file is None else _survivor(file, chance, counts, _NOTHING if everything else _KEEP)
                )
        lost, torn, kept = counts
        return image, Loss(lost, torn, kept, names_lost, self.cut_ns)

    def _surviving_names(self, chance: random.Random) -> tuple[dict[str, _File | None], int]:
        """The durable names with a prefix of each directory's unsynced ones; and how many of those were lost."""
        names, lost = dict(self.durable_names), 0
        for directory in sorted({_directory(naming.path or naming.old) for naming in self._namings}):
            own = [naming for naming in self._namings if _directory(naming.path or naming.old) == directory]
            kept = chance.choice((0, len(own), chance.randint(0, len(own))))
            lost += len(own) - kept
            for naming in own[:kept]:
                _rename(names, naming)
        return names, lost

    def _take(self, entry: Entry) -> None:
        match entry.op:
            case Op.CREATE:
                self._files[entry.file] = _File()
                self._name(entry.path, "", self._files[entry.file])
            case Op.MKDIR:
                self._name(entry.path, "", None)
            case Op.LINK:
                self._name(entry.data.decode(), "", self._files[entry.file])
            case Op.RENAME:
                if self.names.get(entry.path) is None:
                    raise Untracked(f"{entry.path}: a directory was renamed, which is not followed")
                self._name(entry.data.decode(), entry.path, self.names[entry.path])
            case Op.UNLINK:
                self._name("", entry.path, None)
            case Op.WRITE:
                self._files[entry.file].change(_Change(entry.offset, len(entry.data), entry.data))
            case Op.ZEROS:
                self._files[entry.file].change(_Change(entry.offset, entry.size, b""))
            case Op.TRUNCATE:
                self._files[entry.file].change(_Change(0, entry.size, b"", resizes=True))
            case Op.EXTEND:
                file = self._files[entry.file]
                file.change(_Change(0, max(entry.size, len(file.seen)), b"", resizes=True))
            case Op.SYNC_BEGIN | Op.SYNC_END:
                self._sync(entry)
            case Op.UNTRACKED:
                self._untracked[entry.path] = None
            case Op.CUT:
                pass

    def _name(self, path: str, old: str, file: _File | None) -> None:
        directories = frozenset(_directory(name) for name in (path, old) if name)
        naming = _Naming(self._named, directories, path, old, file)
        self._named += 1
        self._namings.append(naming)
        _rename(self.names, naming)

    def _sync(self, entry: Entry) -> None:
        key = (entry.thread, entry.file)
        directory = entry.path == "" or (entry.path in self.names and self.names[entry.path] is None)
        file = None if directory else self._files[entry.file]
        if entry.op == Op.SYNC_BEGIN:
            self._syncing[key] = self._named if file is None else file.mark()
            return
        mark = self._syncing.pop(key)
        if file is None:
            if entry.result == 0:
                self._sync_directory(entry.path, mark)
        elif entry.result == 0:
            file.synced(mark)
        else:
            file.sync_failed(mark)

    def _sync_directory(self, directory: str, mark: int) -> None:
        waiting = []
        for naming in self._namings:
            if naming.number < mark and directory in naming.directories:
                _rename(self.durable_names, naming)
            else:
                waiting.append(naming)
        self._namings = waiting


def _directory(path: str) -> str:
    return path.rpartition("/")[0]


def _parents(path: str) -> Iterator[str]:
    while path := _directory(path):
        yield path


def _rename(names: dict[str, _File | None], naming: _Naming) -> None:
    if naming.old:
        names.pop(naming.old, None)
    if naming.path:
        names[naming.path] = naming.file


def _survivor(file: _File, chance: random.Random, counts: list[int], shares: Sequence[float]) -> bytes:
    """The file's content after the cut, of its unsynced pages one of these shares; counts pages lost, torn and kept."""
    keep, tear = chance.choice(shares), chance.choice(_TEAR)
    kept_changes = {0.0: 0, 1.0: len(file.pending)}.get(keep, chance.randint(0, len(file.pending)))
    size = _size_after(file.pending[:kept_changes], len(file.durable))
    content, changes = _since_last_shrink(file, kept_changes)
    content.extend(bytes(max(0, _page_end(max(size, len(content))) - len(content))))
    touched: dict[int, list[_Change]] = {}
    for change in changes:
        for page in change.pages():
            touched.setdefault(page, []).append(change)
    for page in sorted({*touched, *file.forsaken}):
        at = page * PAGE_BYTES
        if at >= len(content):
            counts[0] += 1
            continue
        versions = list(_versions(bytes(content[at : at + PAGE_BYTES]), file.forsaken.get(page), at, touched.get(page)))
        chosen, kind = _choose(versions, keep, tear, chance)
        content[at : at + PAGE_BYTES] = chosen
        counts[kind] += 1
    del content[size:]
    return bytes(content)


def _since_last_shrink(file: _File, kept_changes: int) -> tuple[bytearray, list[_Change]]:
    """What page writes apply to: before a truncation that was lost come no writes that followed it, and vice versa."""
    content, size, begin, end = bytearray(file.durable), len(file.durable), 0, len(file.pending)
    for index, change in enumerate(file.pending):
        after = _size_after([change], size)
        if after < size and index >= kept_changes:
            end = index
            break
        if after < size:
            del content[after:]
            begin = index + 1
        size = after
    return content, file.pending[begin:end]


def _page_end(size: int) -> int:
    return -(-size // PAGE_BYTES) * PAGE_BYTES


def _versions(durable: bytes, forsaken: bytes | None, at: int, changes: list[_Change] | None) -> Iterator[bytes]:
    """What a page held after each of its unsynced changes, the durable state first."""
    yield durable
    if forsaken is not None:
        yield forsaken.ljust(PAGE_BYTES, b"\0")
    page = bytearray(durable)
    for change in changes or ():
        first, last = max(change.offset, at), min(change.offset + change.size, at + PAGE_BYTES)
        piece = change.data[first - change.offset : last - change.offset] if change.data else bytes(last - first)
        page[first - at : last - at] = piece
        yield bytes(page)


def _choose(versions: list[bytes], keep: float, tear: float, chance: random.Random) -> tuple[bytes, int]:
    """One version, or sectors of several; and 0 for a lost, 1 for a torn, 2 for a kept page."""
    if chance.random() >= keep:
        return versions[0], 0
    newest = versions[-1] if keep == 1 else chance.choice(versions[1:])
    if chance.random() >= tear:
        return newest, 2
    sectors = (
        chance.choice((versions[0], newest))[at : at + SECTOR_BYTES] for at in range(0, PAGE_BYTES, SECTOR_BYTES)
    )
    return b"".join(sectors), 1


def restore_durable(shim_log: Path, state_dir: Path, seed: int | None) -> Loss:
    """Replaces what is below state_dir by what was durable when the process died, and begins the log anew from there.

    `state_dir` is the directory of the Shim that wrote the log. No process may use it. Without a seed everything
    unsynced is lost.
    """
    image, loss = Disk(shim_log).cut(seed)
    for path in state_dir.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for name, content in sorted(image.items()):
        if content is None:
            (state_dir / name).mkdir(mode=0o750)
        else:
            (state_dir / name).write_bytes(content)
    write_base(shim_log, state_dir.resolve())
    return loss


def main() -> int:
    """Print what a log says of every file; with --seed, what a power cut would leave."""
    parser = argparse.ArgumentParser(prog="tests.faults.power_cut", description="Reads a log of the fault shim.")
    parser.add_argument("log", type=Path)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    disk = Disk(options.log)
    if options.seed is None:
        for path, content in sorted(disk.seen().items()):
            print(f"{path}: {len(content)} bytes")
        return 0
    image, loss = disk.cut(options.seed)
    for path, after in sorted(image.items()):
        print(f"{path}: {'directory' if after is None else f'{len(after)} bytes'}")
    print(loss)
    return 0


if __name__ == "__main__":
    sys.exit(main())
