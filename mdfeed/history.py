"""The last packets of the feed in memory, for replay on request.

Invariant: the packets held are consecutive; memory is at most `packets_max` packets of 1,400 bytes.
"""

from __future__ import annotations

from mdfeed.packets import Body


class History:
    """A ring of packet bodies; what fell out of it is only to be had by snapshot."""

    def __init__(self, packets_max: int) -> None:
        self._packets_max = packets_max
        self._bodies: dict[int, Body] = {}
        self._oldest = 0
        self._newest = -1
        self.next_sequence = 1

    @property
    def available_from(self) -> int:
        """Sequence of the oldest message held; next_sequence when there is none."""
        return self._bodies[self._oldest].first_sequence if self._bodies else self.next_sequence

    def append(self, body: Body) -> None:
        """Takes the next packet; the oldest goes when there is no room."""
        assert body.first_sequence == self.next_sequence, "history has no hole"
        self._newest += 1
        self._bodies[self._newest] = body
        self.next_sequence = body.next_sequence
        if len(self._bodies) > self._packets_max:
            del self._bodies[self._oldest]
            self._oldest += 1

    def packets(self, from_sequence: int, to_sequence: int, limit: int) -> list[Body]:
        """Whole packets that cover from..to, at most `limit`; from_sequence must be held."""
        assert self.available_from <= from_sequence <= to_sequence < self.next_sequence
        number = self._find(from_sequence)
        bodies: list[Body] = []
        while number <= self._newest and len(bodies) < limit:
            body = self._bodies[number]
            if body.first_sequence > to_sequence:
                break
            bodies.append(body)
            number += 1
        return bodies

    def _find(self, sequence: int) -> int:
        """Number of the packet that holds `sequence`, by bisection."""
        low, high = self._oldest, self._newest
        while low < high:
            middle = (low + high + 1) // 2
            if self._bodies[middle].first_sequence <= sequence:
                low = middle
            else:
                high = middle - 1
        return low
