"""A core and its image, read at another address: from any command on, both do the same."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from random import Random

import pytest

from engine.book import Event
from engine.core import Core
from tests.property.commands import CAPACITY
from tests.property.drawn import RandomSource
from tests.property.pair import Pair

COMMANDS = 3_000
#: Applied commands between two images, on average; parts of one command count, and an image falls between two of them.
IMAGE_EVERY, IMAGE_EVERY_IN_JOBS = 60, 4


def image_of(core: Core) -> bytes:
    """What image_write writes."""
    with tempfile.TemporaryFile() as file:
        core.write_image(file.fileno())
        file.seek(0)
        return file.read()


class PairWithTwin(Pair):
    """Both cores, and a third one that every now and then becomes the C core's image and goes on from there."""

    def __init__(self, source: RandomSource, dice: Random) -> None:
        super().__init__(CAPACITY, source, hash_every=50, audit_every=1_000)
        self.dice = dice
        self.twin: Core | None = None
        self.images = self.images_in_jobs = self.followed = 0

    def apply(self, message: bytes) -> list[Event]:
        epoch, time_ns = self.source.epoch, self.source.time_ns
        events = super().apply(message)
        if self.twin is not None:
            followed = self.twin.apply(self.sequence, epoch, time_ns, message)
            assert followed == [event.encode() for event in events], "the image goes on like what it was taken of"
            assert self.twin.next_timer_ns() == self.core.next_timer_ns()
            self.followed += 1
        if self.dice.randrange(IMAGE_EVERY_IN_JOBS if self.core.pending else IMAGE_EVERY) == 0:
            self._become()
        return events

    def _become(self) -> None:
        if self.twin is not None:
            assert self.twin.state_hash() == self.core.state_hash()
        self.twin = Core(CAPACITY)
        assert self.twin.read_image(image_of(self.core))
        assert self.twin.state_hash() == self.reference.state_hash()
        assert self.twin.audit() == 0
        assert self.twin.event_sequence == self.core.event_sequence
        self.images += 1
        self.images_in_jobs += self.core.pending


@pytest.mark.parametrize("seed", [201, 202])
def test_an_image_goes_on_like_the_core_it_was_taken_of(seed: int) -> None:
    """At any command, in the middle of jobs too: the same events from there on, the same hash, a sound audit."""
    source = RandomSource(seed)
    pair = PairWithTwin(source, Random(seed))
    queue = source.everything()
    for _ in range(COMMANDS):
        pair.send(*(queue.pop(0) if queue else source.draw()))
    assert pair.twin is not None and pair.twin.state_hash() == pair.core.state_hash()
    assert pair.images > 20 and pair.images_in_jobs > 0 and pair.followed > 1_000


def test_a_damaged_image_leaves_the_core_as_new() -> None:
    """Any byte changed, any end cut off: not read, and the core begins again from nothing."""
    source = RandomSource(7)
    pair = Pair(CAPACITY, source, hash_every=100, audit_every=1_000)
    queue = source.everything()
    for _ in range(200):
        pair.send(*(queue.pop(0) if queue else source.draw()))
    image = image_of(pair.core)
    empty = Core(CAPACITY).state_hash()
    other = Core(CAPACITY)
    dice = Random(7)
    for _ in range(200):
        place = dice.randrange(len(image))
        damaged = bytearray(image)
        damaged[place] ^= 1 << dice.randrange(8)
        assert not other.read_image(bytes(damaged)), f"byte {place}"
        assert not other.read_image(image[:place]), f"cut at {place}"
        assert other.state_hash() == empty and other.event_sequence == 0
    assert other.read_image(image)
    assert other.state_hash() == pair.core.state_hash()


def test_an_image_is_for_cores_of_the_same_pools() -> None:
    """One order more is another layout: the image is refused, whatever it holds."""
    core = Core(CAPACITY)
    assert not Core(replace(CAPACITY, orders=CAPACITY.orders + 1)).read_image(image_of(core))
    assert Core(CAPACITY).read_image(image_of(core))
