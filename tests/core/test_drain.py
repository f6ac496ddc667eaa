"""A drain leaves nothing behind: for every policy, for byte limits, behind failures."""

from __future__ import annotations

import pytest
from hypothesis import given

from ingestexp.core.batch import Batch
from ingestexp.core.effects import Dropped
from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER
from tests.core.script import Setup, Step, World
from tests.core.scripts import scripts, setups


@given(setups(), scripts)
def test_once_settles_succeed_a_drain_ends_with_nothing_queued_held_or_in_flight(
    setup: Setup, script: list[Step]
) -> None:
    world = World(setup).play(script).finish()
    core = world.core
    assert core.done
    assert core.settled == core.offered == world.next_id
    assert (core.in_flight, core.admission.queue.items, core.admission.reserved_items) == (0, 0, 0)
    assert core.free_workers == setup.workers
    assert world.wake_at_ns == NEVER


@given(setups(max_size_fits=False), scripts)
def test_a_window_that_the_capacity_can_never_fill_does_not_deadlock(setup: Setup, script: list[Step]) -> None:
    """Validation refuses it where it can see it (items); bytes it can't."""
    assert World(setup).play(script).finish().core.done


@pytest.mark.parametrize("overflow", list(Overflow))
def test_a_size_only_window_behind_a_byte_bound_keeps_moving_before_any_drain(overflow: Overflow) -> None:
    """max_wait NEVER and max_size out of reach of capacity_bytes: under `block` only a flush can make room."""
    setup = Setup(overflow=overflow, capacity_bytes=NEVER if overflow is Overflow.UNBOUNDED else 100, max_size=1000)
    world = World(setup)
    for _ in range(30):
        world.arrive((10,) * 3)
        while world.flying:
            world.settle(world.flying[0])
    if overflow is Overflow.BLOCK:
        assert world.core.committed >= 80
    world.finish()
    if overflow in (Overflow.BLOCK, Overflow.UNBOUNDED, Overflow.SPILL):
        assert world.core.committed == 90
    else:
        assert world.core.dropped == 80


@pytest.mark.parametrize("overflow", [Overflow.BLOCK, Overflow.DROP_NEWEST, Overflow.DROP_OLDEST])
def test_an_item_larger_than_the_whole_queue_is_dropped_as_oversized_and_nothing_else_is(overflow: Overflow) -> None:
    world = World(Setup(overflow=overflow, capacity_bytes=50, max_size=2))
    world.arrive((10, 51, 10))
    world.arrive((200,))
    world.finish()
    dropped = [e for _, _, effects in world.log for e in effects if isinstance(e, Dropped)]
    assert [(e.span.first, e.span.end, e.reason) for e in dropped] == [(1, 2, "oversized"), (3, 4, "oversized")]
    assert world.core.committed == 2


def test_an_item_of_exactly_the_capacity_is_kept() -> None:
    world = World(Setup(capacity_bytes=50, max_size=2))
    world.arrive((50, 50, 50))
    world.finish()
    assert world.core.committed == 3


def test_a_drain_sends_the_open_window_at_once_and_calls_it_drain() -> None:
    world = World(Setup(max_size=10))
    world.arrive((1, 1, 1))
    assert not world.flying
    world.play([Step("drain", 5)])
    (batch,) = world.flying
    assert (batch.cause, batch.item_count, batch.closed_at_ns) == (3, 3, 5)


def test_what_arrives_after_the_drain_is_sent_as_well() -> None:
    """An interrupted load may have one more span on its way."""
    world = World(Setup(max_size=10)).play([Step("drain")])
    world.arrive((1, 1))
    assert next(type(effect) for effect in world.log[-1][2]) is Batch
