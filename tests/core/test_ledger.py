"""Every item has one fate: the ledger by id, from the effects alone."""

from __future__ import annotations

from collections import Counter

from hypothesis import given

from ingestexp.core.effects import DeadLettered, Dropped, Effect, Unsettled
from ingestexp.core.events import SendFailed, SendSettled
from tests.core.noting import name_of
from tests.core.script import Setup, Step, World
from tests.core.scripts import scripts, setups


def fates(world: World) -> Counter[tuple[int, str]]:
    """How often each (item id, kind of fate) was told."""
    counts: Counter[tuple[int, str]] = Counter()
    for _, _, effects in world.log:
        for effect in effects:
            counts.update((item_id, name_of(effect)) for item_id in ids_of(effect))
    return counts


def ids_of(effect: Effect) -> list[int]:
    """The items whose fate this effect is."""
    if isinstance(effect, SendSettled | DeadLettered):
        return [item_id for span in effect.batch.spans for item_id in range(span.first, span.end)]
    if isinstance(effect, Dropped | Unsettled):
        return list(range(effect.span.first, effect.span.end))
    return []


@given(setups(), scripts)
def test_after_a_drain_every_offered_id_has_exactly_one_fate_and_none_is_unsettled(
    setup: Setup, script: list[Step]
) -> None:
    world = World(setup).play(script).finish()
    told = fates(world)
    assert sorted(item_id for item_id, _ in told.elements()) == list(range(world.next_id))
    assert "Unsettled" not in {kind for _, kind in told}


@given(setups(), scripts)
def test_after_a_stop_every_offered_id_has_exactly_one_fate(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script).stop()
    assert sorted(item_id for item_id, _ in fates(world).elements()) == list(range(world.next_id))
    assert world.core.done


@given(setups(), scripts)
def test_the_running_totals_count_what_the_effects_say(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script).stop()
    told = Counter(kind for _, kind in fates(world).elements())
    core = world.core
    assert core.offered == world.next_id
    totals = {
        "Committed": core.committed,
        "Dropped": core.dropped,
        "DeadLettered": core.dead_lettered,
        "Unsettled": core.unsettled,
    }
    assert totals == {kind: told[kind] for kind in totals}


@given(setups(), scripts)
def test_a_write_that_returns_after_the_stop_changes_nothing(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script).stop()
    core = world.core
    before = (core.committed, core.dead_lettered, core.unsettled, core.in_flight)
    for number, batch in enumerate(world.flying):
        late = SendFailed(batch, False, 0.0) if number % 2 else SendSettled(batch)
        assert core.handle(late, world.now_ns + 1) == []
    assert (core.committed, core.dead_lettered, core.unsettled, core.in_flight) == before


@given(setups(), scripts)
def test_what_is_unsettled_says_at_which_stage_it_was(setup: Setup, script: list[Step]) -> None:
    """in_flight and retrying name the attempt they belong to; queued and blocked were never sent."""
    world = World(setup).play(script)
    flying = {item_id for batch in world.flying for span in batch.spans for item_id in range(span.first, span.end)}
    world.stop()
    for _, _, effects in world.log:
        for effect in effects:
            if isinstance(effect, Unsettled):
                assert (effect.reason in ("in_flight", "retrying")) == (effect.batch is not None)
                assert (effect.reason == "in_flight") == (effect.span.first in flying)


@given(setups(), scripts)
def test_the_same_script_gives_the_same_effects_twice(setup: Setup, script: list[Step]) -> None:
    first, second = (World(setup).play(script).finish() for _ in range(2))
    assert first.notes == second.notes
