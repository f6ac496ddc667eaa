"""No item waits past max_wait while a worker is free: the timer was asked for, and what is due goes out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from ingestexp.core.batch import Batch
from ingestexp.core.effects import AttemptFailed, DeadLettered, Effect, WakeAt
from ingestexp.core.events import TIMER_FIRED, Event, SendSettled
from ingestexp.core.span import NEVER
from tests.core.script import Setup, Step, World
from tests.core.scripts import scripts, setups


@given(setups(), scripts)
def test_while_a_worker_is_free_the_oldest_item_is_under_age_and_the_timer_is_set_for_it(
    setup: Setup, script: list[Step]
) -> None:
    def watch(world: World, event: Event, effects: list[Effect]) -> None:
        core = world.core
        queue = core.admission.queue
        head_of_line = setup.ordered and core.admission.reserved_items
        if core.free_workers and queue.items and not head_of_line:
            due_ns = queue.first_arrival_ns() + setup.max_wait_ns
            assert world.now_ns < due_ns
            assert world.wake_at_ns <= min(due_ns, NEVER)

    World(setup, watch).play(script).finish()


@given(setups(), scripts)
def test_a_first_send_is_at_most_max_wait_after_its_oldest_item_unless_no_worker_was_free(
    setup: Setup, script: list[Step]
) -> None:
    """Seen from outside: by the sends alone, with a timer that fires exactly. What was on disk is over age at once."""
    punctual = replace(setup, timer_late_ns=0, ordered=False)
    free_count, free_since_ns = punctual.workers, 0
    world = World(punctual).play(script).finish()
    for at_ns, _, effects in world.log:
        for effect in effects:
            if isinstance(effect, SendSettled | AttemptFailed | DeadLettered):
                free_since_ns = free_since_ns if free_count else at_ns
                free_count += 1
            elif isinstance(effect, Batch):
                free_count -= 1
                if effect.attempt == 1 and not world.disk.spilled:
                    assert at_ns <= max(effect.opened_at_ns + punctual.max_wait_ns, free_since_ns)


@given(setups(), scripts)
def test_a_wish_for_the_timer_lies_ahead_and_is_told_only_when_it_changes(setup: Setup, script: list[Step]) -> None:
    wish_ns = NEVER
    for at_ns, event, effects in World(setup).play(script).finish().log:
        if event is TIMER_FIRED:
            wish_ns = NEVER
        wishes = [effect.at_ns for effect in effects if isinstance(effect, WakeAt)]
        assert len(wishes) <= 1
        for wanted_ns in wishes:
            assert wanted_ns > at_ns
            assert wanted_ns != wish_ns
            wish_ns = wanted_ns


@given(setups(), scripts)
def test_a_timer_that_fires_for_nothing_changes_nothing_but_its_own_wish(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script)
    wish_ns = world.wake_at_ns
    effects = world.handle(TIMER_FIRED)
    assert [type(effect) for effect in effects] == ([WakeAt] if wish_ns < NEVER else [])
    assert world.wake_at_ns == wish_ns
