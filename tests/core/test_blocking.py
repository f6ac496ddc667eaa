"""Backpressure: when the load is paused and when it may go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given

from ingestexp.core.batch import Batch
from ingestexp.core.effects import PAUSE, RESUME, Effect
from ingestexp.core.policy import Overflow
from tests.core.script import Setup, Step, World
from tests.core.scripts import scripts, setups
from tests.core.test_limits import sent

if TYPE_CHECKING:
    from ingestexp.core.events import Event


@given(setups(), scripts)
def test_pause_and_resume_alternate_and_only_block_and_spill_pause(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script).finish()
    orders = [effect for _, _, effects in world.log for effect in effects if effect in (PAUSE, RESUME)]
    assert orders == [PAUSE, RESUME] * (len(orders) // 2)
    assert not orders or setup.overflow in (Overflow.BLOCK, Overflow.SPILL)


@given(setups(), scripts)
def test_the_load_is_never_left_paused_with_nothing_to_wait_for(setup: Setup, script: list[Step]) -> None:
    def watch(world: World, event: Event, effects: list[Effect]) -> None:
        if world.paused:
            admission = world.core.admission
            assert world.flying or admission.reserved_items or admission.leaving_items

    World(setup, watch).play(script).finish()


def test_the_load_resumes_at_half_capacity_and_not_at_every_batch() -> None:
    world = World(Setup(capacity=8, max_size=2))
    world.arrive((1, 1))  # the worker is busy from now on
    world.arrive((1,) * 8)
    world.arrive((1,))
    depths = []
    while world.paused:
        world.settle(world.flying[0])
        depths.append(world.core.admission.queue.items)
    assert depths == [6, 5]  # 8 - 2; then 6 - 2 = half of 8, and the item that was held back is let in


def test_bytes_count_for_the_half_as_items_do() -> None:
    world = World(Setup(capacity_bytes=80, max_size=2))
    world.arrive((1, 1))
    world.arrive((10,) * 8)
    world.arrive((10,))
    settles = 0
    while world.paused:
        world.settle(world.flying[0])
        settles += 1
    assert settles == 2


def test_what_waits_for_its_next_attempt_takes_room_too() -> None:
    """Otherwise an outage would grow memory without bound: every failed batch would make room for a new one."""
    world = World(Setup(capacity=4, max_size=2, max_attempts=9, backoff_ns=1000))
    for _ in range(10):
        world.arrive((1, 1))
        if world.flying:
            world.fail(world.flying[0])
    admission = world.core.admission
    assert world.paused
    assert admission.queue.items + admission.reserved_items <= 4


def test_an_item_held_back_is_admitted_when_it_is_let_in_and_offered_when_it_was_due() -> None:
    """Its wait at the door is the policy's, and its age in the window starts at the door."""
    world = World(Setup(capacity=2, max_size=2, max_wait_ns=50))
    world.arrive((1, 1))
    world.play([Step("arrive", 10, (1, 1)), Step("arrive", 10, (1,))])
    assert world.paused
    world.play([Step("settle", 100)])
    world.finish()
    last = sent(world)[-1][1]
    (span,) = last.spans
    assert (span.block.due(span.first), span.admitted_at_ns) == (20, 120)


def test_a_span_larger_than_the_queue_passes_in_pieces_and_in_order() -> None:
    world = World(Setup(capacity=4, max_size=3, workers=2))
    world.arrive((1,) * 50)
    world.finish()
    assert world.core.committed == 50
    assert [effect.batch_id for _, _, es in world.log for effect in es if isinstance(effect, Batch)] == list(
        range(world.core.committed // 3 + bool(50 % 3))
    )
