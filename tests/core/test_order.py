"""First in, first out, within what is kept."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from ingestexp.core.effects import Dropped, Effect
from ingestexp.core.events import Arrived, Event
from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER
from tests.core.script import Setup, Step, World
from tests.core.scripts import scripts, setups
from tests.core.test_limits import sent


@given(setups(), scripts)
def test_first_sends_ascend_in_id_order_whatever_was_dropped_between(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script).finish()
    firsts = [
        item_id
        for _, batch in sent(world)
        if batch.attempt == 1
        for span in batch.spans
        for item_id in range(span.first, span.end)
    ]
    assert firsts == sorted(set(firsts))


@given(setups(), scripts)
def test_batch_ids_are_dense_and_ascend_in_send_order(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script).finish()
    ids = [batch.batch_id for _, batch in sent(world)]
    assert ids == list(range(len(ids)))


@given(setups(), scripts)
def test_under_ordered_no_new_batch_is_sent_while_one_waits_for_its_next_attempt(
    setup: Setup, script: list[Step]
) -> None:
    world = World(setup).play(script).finish()
    waiting: set[int] = set()
    for _, name, *facts in world.notes:
        if name == "AttemptFailed":
            waiting.add(facts[0])
        elif name == "Send":
            batch_id, _, attempt, parent = facts[:4]
            waiting.discard(parent)
            assert not (setup.ordered and attempt == 1 and waiting), batch_id


@given(setups(), scripts)
def test_each_policy_drops_only_what_it_may(setup: Setup, script: list[Step]) -> None:
    """block and unbounded drop only what is larger than the queue; drop_oldest the newest only behind retries."""
    allowed = {
        Overflow.BLOCK: {"oversized"},
        Overflow.UNBOUNDED: set(),
        Overflow.DROP_NEWEST: {"oversized", "overflow_newest"},
        Overflow.DROP_OLDEST: {"oversized", "overflow_oldest", "overflow_newest"},
        Overflow.SPILL: {"oversized", "overflow_newest"} if setup.spill_drops else {"oversized"},
    }[setup.overflow]
    most_bytes = setup.capacity_bytes
    if setup.overflow is Overflow.SPILL:
        most_bytes = min(most_bytes // 2, setup.spill_bytes // 4)
    world = World(setup).play(script).finish()
    for _, _, effects in world.log:
        for effect in effects:
            if isinstance(effect, Dropped):
                assert effect.reason in allowed
                if effect.reason == "oversized":
                    block = effect.span.block
                    for item_id in range(effect.span.first, effect.span.end):
                        assert block.nbytes(item_id, item_id + 1) > most_bytes


@given(setups(), scripts)
def test_an_overflow_drops_exactly_what_there_is_no_room_for(setup: Setup, script: list[Step]) -> None:
    """In items; with a byte limit sizes decide which ones. What waits for its next attempt takes room, and stays."""
    unlimited_bytes = replace(setup, capacity_bytes=NEVER)
    offered = queued = retrying = 0

    def watch(world: World, event: Event, effects: list[Effect]) -> None:
        nonlocal offered, queued, retrying
        if isinstance(event, Arrived) and setup.overflow in (Overflow.DROP_NEWEST, Overflow.DROP_OLDEST):
            arrived = world.core.offered - offered
            excess = max(0, queued + retrying + arrived - setup.capacity)
            may_go = arrived if setup.overflow is Overflow.DROP_NEWEST else arrived + queued
            assert sum(len(effect.span) for effect in effects if isinstance(effect, Dropped)) == min(excess, may_go)
        offered = world.core.offered
        queued, retrying = world.core.admission.queue.items, world.core.admission.reserved_items

    World(unlimited_bytes, watch).play(script).finish()
