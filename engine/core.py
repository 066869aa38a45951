"""The C core behind Python names: asked and commanded like the reference in engine.book, answered by engine/native.

For tests and tools. The engine daemon drives the C core from its C loop and crosses into Python for none of this.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import Any, NamedTuple

from engine._native import ffi, lib
from engine.book import Capacity, Check, Divergence, Verdict

VERDICTS = tuple(Verdict)  # by value
ENTRY_HEADER = Struct("<II")  # size of the SBE message, crc32c or 0 (engine.wire.frame)


class BookOrder(NamedTuple):
    """A resting order (struct core_order_view of engine/native/api.h)."""

    order_id: int
    priority: int
    price_ticks: int
    leaves_lots: int
    displayed_lots: int  # what the market sees of the leaves: less for an iceberg
    account: int
    session: int


class Core:
    """One C core with its memory; single-threaded. MemoryError when the pools asked for can't be had."""

    def __init__(self, capacity: Capacity) -> None:
        asked = ffi.new(
            "struct core_capacity *",
            {
                "orders": capacity.orders,
                "price_pages": capacity.price_pages,
                "clordids": capacity.clordids,
                "accounts": capacity.accounts,
                "assets": capacity.assets,
                "instruments": capacity.instruments,
                "sessions": capacity.sessions,
                "trades": capacity.trades,
            },
        )
        core = lib.core_new(asked)
        if core == ffi.NULL:
            raise MemoryError(f"no memory for {capacity}")
        self._core: Any = ffi.gc(core, lib.core_free)
        self._out: Any = ffi.new("uint64_t[]", 1)
        self._written: Any = ffi.new("size_t *")
        self._halves: Any = ffi.new("uint64_t[2]")
        self._count: Any = ffi.new("uint32_t *")

    def check(self, role: int, message: bytes) -> Check:
        """What the loop must do with a message that came in by `role`; changes nothing."""
        result = lib.core_check(self._core, role, message, len(message))
        return Check(
            VERDICTS[result.verdict],
            result.reason,
            result.template_id,
            result.session,
            result.session_epoch,
            result.client_seq,
            result.last_client_seq,
        )

    def apply(self, sequence: int, epoch: int, time_ns: int, message: bytes) -> list[bytes]:
        """Applies a checked message; returns its events as SBE messages in order.

        Raises Divergence for a StateHash that differs. Anything else that core_check would not let pass is a
        programmer's error and aborts the process.
        """
        room = lib.core_output_max(self._core)
        if len(self._out) * 8 < room:
            self._out = ffi.new("uint64_t[]", (room + 7) // 8)
        result = lib.core_apply(
            self._core,
            sequence,
            epoch,
            time_ns,
            message,
            len(message),
            ffi.cast("uint8_t *", self._out),
            len(self._out) * 8,
            self._written,
            self._count,
        )
        if result == lib.CORE_DIVERGED:
            raise Divergence(f"command {sequence}: state hash {self.state_hash():032x} is not the journal's")
        return self._events(self._written[0], self._count[0])

    def _events(self, size: int, count: int) -> list[bytes]:
        """The messages of the entries just written."""
        entries = bytes(ffi.buffer(self._out, size))
        messages = []
        offset = 0
        for _ in range(count):
            length, _checksum = ENTRY_HEADER.unpack_from(entries, offset)
            start = offset + ENTRY_HEADER.size
            messages.append(entries[start : start + length])
            offset = start + length + -length % 8
        assert offset == size, "entries fill what was written"
        return messages

    @property
    def pending(self) -> bool:
        """True while Continue must be the next command."""
        return bool(lib.core_pending(self._core))

    @property
    def event_sequence(self) -> int:
        """Sequence of the last event, 0 before the first."""
        return int(lib.core_event_sequence(self._core))

    def next_timer_ns(self) -> int:
        """When a ClockTick is due next, 0 when nothing ever is."""
        return int(lib.core_next_timer(self._core))

    @property
    def venue_state(self) -> int:
        """The whole venue's TradingState."""
        return int(lib.core_venue_state(self._core))

    @property
    def orders_in_use(self) -> int:
        """How many orders are open."""
        return int(lib.core_orders_in_use(self._core))

    def state_hash(self) -> int:
        """128 bits over all of the state (docs/ENGINE.md section 7)."""
        halves = self._halves
        lib.core_hash(self._core, halves)
        return int(halves[1]) << 64 | int(halves[0])

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """(available_units, reserved_units); zeros when there is none."""
        pair = ffi.new("int64_t[2]")
        lib.core_balance(self._core, account, asset, pair)
        return int(pair[0]), int(pair[1])

    def book(self, instrument: int, side: int) -> list[BookOrder]:
        """The resting orders of one side in priority order."""
        count = lib.core_book(self._core, instrument, side, ffi.NULL, 0)
        views = ffi.new("struct core_order_view[]", count)
        lib.core_book(self._core, instrument, side, views, count)
        return [
            BookOrder(v.order_id, v.priority, v.price_ticks, v.leaves_lots, v.displayed_lots, v.account, v.session)
            for v in (views[i] for i in range(count))
        ]

    @property
    def handle(self) -> Any:
        """The struct core * itself, alive as long as this object."""
        return self._core

    def write_image(self, file: int, crc: int = 0) -> int:
        """Writes the whole state at the file's position (engine/native/image.h); returns bytes, raises OSError."""
        written = int(lib.image_write(self._core, file, crc))
        if written < 0:
            raise OSError(ffi.errno, os.strerror(ffi.errno))
        return written

    def read_image(self, image: bytes | memoryview, crc: int = 0) -> bool:
        """Becomes what was written; False, and as new, when the image is damaged or of another layout."""
        return bool(lib.image_read(self._core, ffi.from_buffer(image), len(image), crc))

    def audit(self) -> int:
        """Scans every invariant: 0, or the line of engine/native/audit.c of the first that fails."""
        return int(lib.core_audit(self._core))
