"""Telling `wants()` arrivals at once equals telling them one by one: the same rows, item by item and batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from ingestexp.core.pipeline import Pipeline
from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER
from ingestexp.core.spilling import SpillRules
from ingestexp.engine.blocks import make_block
from ingestexp.engine.drive import drive
from ingestexp.engine.simulated_spill import SpillingSimulatedLane
from ingestexp.experiment.spill import Spilling
from tests.core.item_notes import ItemNotes
from tests.core.script import Setup
from tests.core.scripts import setups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Block
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.drive import Recording


class OneByOne(Pipeline):
    """The same machine, told every arrival by itself."""

    __slots__ = ()

    def wants(self, block: Block, first: int, end: int) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class World:
    """Gaps between arrivals, their sizes, what a write costs, which attempts fail, when the run is given up."""

    gaps_ns: tuple[int, ...]
    sizes: tuple[int, ...]
    block_items: int
    fixed_ns: int
    per_item_ns: int
    fails_every: int
    drain_ns: int

    def service_ns(self, item_count: int, payload_bytes: int) -> int:
        return self.fixed_ns + self.per_item_ns * item_count

    def fails(self, batch: Batch) -> str | None:
        turn = batch.spans[0].first * 7 + batch.attempt * 3
        return "scripted" if self.fails_every and turn % self.fails_every == 0 else None

    def blocks(self, notes: Recording) -> Iterator[EvenBlock]:
        due = np.cumsum(np.array(self.gaps_ns, np.int64))
        for first in range(0, len(due), self.block_items):
            end = min(len(due), first + self.block_items)
            own = [self.sizes[item_id % len(self.sizes)] for item_id in range(first, end)]
            sizes = own[0] if len(set(own)) == 1 else np.array(own, np.int32)
            yield make_block(notes, first, end - first, due[first:end], sizes, 0, None)


worlds = st.builds(
    World,
    gaps_ns=st.lists(st.sampled_from([0, 0, 1, 2, 5, 30]), min_size=1, max_size=60).map(tuple),
    sizes=st.lists(st.integers(0, 12), min_size=1, max_size=8).map(tuple),
    block_items=st.sampled_from([3, 7, 100]),
    fixed_ns=st.sampled_from([0, 3, 20, 60]),
    per_item_ns=st.integers(0, 3),
    fails_every=st.sampled_from([0, 0, 2, 3, 5]),
    drain_ns=st.sampled_from([20, 10**6]),
)


def rows(world: World, setup: Setup, kind: type[Pipeline]) -> ItemNotes:
    notes = ItemNotes()
    core = setup.pipeline(kind)
    lane = SpillingSimulatedLane(core, world.blocks(notes), world, world.drain_ns, lambda: 0.5, fails=world.fails)
    lane.on_disk(Spilling(SpillRules(setup.spill_bytes, setup.spill_drops), None), notes)
    drive(lane, core, notes)
    assert core.offered == core.settled == len(notes.items)
    return notes


@given(worlds, setups())
@example(World((0, 0), (0, 0), 100, 20, 0, 0, 10**6), Setup())
@example(World((0,) * 6, (10, 0, 10, 0, 0, 5), 100, 20, 0, 0, 10**6), Setup(max_size=5, max_bytes=10))
@example(World((1,) * 20, (5,), 100, 3, 0, 0, 10**6), Setup(max_size=16, max_bytes=10))
@example(World((1,) * 50, (5,), 100, 60, 0, 0, 10**6), Setup(Overflow.DROP_NEWEST, capacity=6))
@example(World((0,) * 60, (5,), 100, 60, 0, 0, 10**6), Setup(Overflow.SPILL, capacity=6))
@example(World((1,) * 50, (5, 1), 7, 60, 0, 3, 20), Setup(Overflow.SPILL, 8, spill_bytes=300, spill_drops=True))
@example(World((1,) * 50, (5, 1), 7, 60, 0, 2, 10**6), Setup(Overflow.BLOCK, capacity=6, max_wait_ns=NEVER))
def test_arrivals_told_at_once_leave_the_same_rows_as_arrivals_told_one_by_one(world: World, setup: Setup) -> None:
    at_once, one_by_one = rows(world, setup, Pipeline), rows(world, setup, OneByOne)
    assert at_once.items == one_by_one.items
    assert at_once.batches == one_by_one.batches


def test_a_busy_pipeline_wants_many_at_once() -> None:
    """Or the simulated clock would be no faster than one event an item."""
    world = World((1,) * 1000, (5,), 1000, 200, 0, 0, 10**6)
    told: list[int] = []

    class Counting(Pipeline):
        __slots__ = ()

        def wants(self, block: Block, first: int, end: int) -> int:
            told.append(first)
            return super().wants(block, first, end)

    rows(world, Setup(max_size=100, max_wait_ns=50), Counting)
    assert len(told) <= 20
