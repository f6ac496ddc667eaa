"""The policy `spill`, decision by decision: shares of memory, order, what is asked back and when, a full disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from ingestexp.core.batch import Batch
from ingestexp.core.effects import PAUSE, RESUME, Dropped, LetGo, Spill, Unsettled, Unspill
from ingestexp.core.events import SPILL_FULL, SPILL_ROOM, STOP, Arrived, SendSettled, Spilled, Unspilled
from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER, Span
from tests.core.script import Setup, Step, World, make_block
from tests.core.scripts import scripts, setups

if TYPE_CHECKING:
    from ingestexp.core.pipeline import Pipeline

SPILLING = Setup(Overflow.SPILL, capacity=20, max_size=5, spill_bytes=1000)


def told(core: Pipeline, first: int, count: int) -> list[object]:
    """The effects of an arrival of one-byte items at 0."""
    block = make_block(first, [0] * count, [1] * count)
    return list(core.handle(Arrived(Span(block, first, first + count, 0, 0)), 0))


def spans(effects: list[object], kind: type) -> list[tuple[int, int]]:
    return [(effect.span.first, effect.span.end) for effect in effects if isinstance(effect, kind)]  # type: ignore[attr-defined]


def a_busy_core(setup: Setup = SPILLING) -> Pipeline:
    """Items 0..4 at the only worker, 5..14 in the queue, which is its full share."""
    core = setup.pipeline()
    told(core, 0, 5)
    assert told(core, 5, 10) == []
    return core


def test_what_finds_no_room_is_spilled_and_everything_behind_it_too() -> None:
    core = a_busy_core()
    assert spans(told(core, 15, 3), Spill) == [(15, 18)]
    assert spans(told(core, 18, 1), Spill) == [(18, 19)]
    assert core.admission.leaving_items == 4
    assert spans(core.handle(Spilled(4), 0), LetGo) == [(15, 18), (18, 19)]  # type: ignore[arg-type]
    assert (core.admission.leaving_items, core.admission.spilled_items) == (0, 4)
    assert spans(told(core, 19, 1), Spill) == [(19, 20)], "also once it is on disk"


def test_the_source_is_paused_when_the_disk_is_slower_than_the_load_and_resumed_at_half_of_the_share() -> None:
    core = a_busy_core()
    effects = told(core, 15, 12)
    assert spans(effects, Spill) == [(15, 25)]
    assert effects[-1] is PAUSE
    assert core.handle(Spilled(4), 0)[-1] is not RESUME
    effects = list(core.handle(Spilled(1), 9))
    assert spans(effects, Spill) == [(25, 27)]
    assert RESUME in effects


def test_a_stretch_is_asked_back_once_the_queue_is_down_to_a_quarter_of_the_capacity() -> None:
    world = World(Setup(Overflow.SPILL, capacity=20, max_size=5, disk_lazy=True))
    for _ in range(4):
        world.arrive((1,) * 5)
    world.advance(1)
    asked = []
    for _ in range(3):
        world.settle(world.flying[0])
        asked.append(
            [(e.max_items, world.core.admission.queue.items) for e in world.log[-1][2] if isinstance(e, Unspill)]
        )
    assert asked[0] == [(5, 5)]
    assert asked[1] == [], "one wish at a time"
    world.finish()
    assert world.core.committed == 20


def test_when_the_spill_is_full_the_rules_decide() -> None:
    for drops in (False, True):
        core = a_busy_core(Setup(Overflow.SPILL, capacity=20, max_size=5, spill_bytes=1000, spill_drops=drops))
        told(core, 15, 10)
        core.handle(SPILL_FULL, 0)
        effects = told(core, 25, 3)
        assert spans(effects, Dropped) == ([(25, 28)] if drops else [])
        assert (PAUSE in effects) == (not drops)
        core.handle(SPILL_ROOM, 0)
        effects = told(core, 28, 2)
        assert spans(effects, Dropped) == []
        assert core.admission.paused


def test_what_was_held_when_the_spill_filled_up_is_dropped_and_the_load_goes_on() -> None:
    core = a_busy_core(Setup(Overflow.SPILL, capacity=20, max_size=5, spill_bytes=1000, spill_drops=True))
    told(core, 15, 12)
    assert core.admission.paused
    effects = list(core.handle(SPILL_FULL, 7))
    assert spans(effects, Dropped) == [(25, 27)]  # type: ignore[arg-type]
    assert effects[-1] is RESUME


def test_a_window_that_waits_for_what_a_full_disk_holds_back_is_closed() -> None:
    """The segments are full of items that are in the queue again; only sending those makes room. No timer would."""
    core = Setup(Overflow.SPILL, capacity=20, max_size=8, spill_bytes=1000).pipeline()
    (first,) = (effect for effect in told(core, 0, 8) if isinstance(effect, Batch))
    told(core, 8, 10)
    told(core, 18, 4)
    core.handle(Spilled(4), 0)
    effects = core.handle(SendSettled(first), 0)
    (second,) = (effect for effect in effects if isinstance(effect, Batch))
    assert any(isinstance(effect, Unspill) for effect in effects)
    told(core, 22, 6)
    core.handle(SPILL_FULL, 0)
    core.handle(Unspilled([Span(make_block(18, [0] * 4, [1] * 4), 18, 22, 0, 0)]), 0)
    assert (core.admission.queue.items, core.admission.spilled_items, core.admission.leaving_items) == (6, 0, 6)
    (third,) = (effect for effect in core.handle(SendSettled(second), 0) if isinstance(effect, Batch))
    assert (third.item_count, third.spans[0].first) == (6, 16)


def test_after_the_end_what_is_left_on_disk_is_unsettled_as_it_is_read() -> None:
    core = a_busy_core()
    told(core, 15, 8)
    core.handle(Spilled(5), 0)
    effects = core.handle(STOP, 9)
    assert [(e.span.first, e.span.end, e.reason) for e in effects if isinstance(e, Unsettled)] == [
        (0, 5, "in_flight"),
        (5, 15, "queued"),
        (20, 23, "queued"),
    ]
    assert core.handle(Spilled(3), 9) == [], "too late: it has a fate"
    block = make_block(15, [0] * 5, [1] * 5)
    (effect,) = core.handle(Unspilled([Span(block, 15, 20, 0, 0)]), 9)
    assert isinstance(effect, Unsettled)
    assert effect.reason == "spilled"
    assert core.settled == core.offered


@pytest.mark.parametrize("disk_lazy", [False, True])
@given(setups(), scripts)
def test_memory_holds_no_more_than_the_capacity(disk_lazy: bool, setup: Setup, script: list[Step]) -> None:
    """Queued and on their way to the disk, in items; in bytes one item more may be on its way back."""
    spilling = Setup(
        Overflow.SPILL,
        capacity=setup.capacity,
        capacity_bytes=setup.capacity_bytes,
        max_size=setup.max_size,
        max_wait_ns=setup.max_wait_ns,
        workers=setup.workers,
        spill_bytes=setup.spill_bytes,
        disk_lazy=disk_lazy,
    )

    def watch(world: World, event: object, effects: object) -> None:
        admission = world.core.admission
        if not admission.reserved_items:
            assert admission.queue.items + admission.leaving_items <= max(1, setup.capacity)
            assert setup.capacity_bytes == NEVER or admission.queue.nbytes <= setup.capacity_bytes

    world = World(spilling, watch).play(script).finish()
    assert world.core.committed + world.core.dropped + world.core.dead_lettered == world.core.offered
