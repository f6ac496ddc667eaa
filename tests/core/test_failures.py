"""Retries and dead letters: what an attempt that failed keeps, and when it is the last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingestexp.core.batch import Batch, FlushCause
from ingestexp.core.effects import AttemptFailed, DeadLettered
from ingestexp.core.events import SendSettled
from ingestexp.core.retry import Retry
from tests.core.script import Setup, Step, World
from tests.core.scripts import scripts, setups
from tests.core.test_limits import sent


@given(setups(), scripts)
def test_a_retry_keeps_items_and_first_stamps_and_names_the_attempt_that_failed(
    setup: Setup, script: list[Step]
) -> None:
    world = World(setup).play(script).finish()
    by_id = {batch.batch_id: batch for _, batch in sent(world)}
    for at_ns, batch in sent(world):
        if batch.attempt == 1:
            assert batch.parent_batch_id == -1
            continue
        failed = by_id[batch.parent_batch_id]
        assert batch.cause == FlushCause.RETRY
        assert batch.attempt == failed.attempt + 1
        assert [(s.first, s.end) for s in batch.spans] == [(s.first, s.end) for s in failed.spans]
        kept = ("opened_at_ns", "closed_at_ns", "first_sent_at_ns", "item_count", "payload_bytes")
        assert [getattr(batch, name) for name in kept] == [getattr(failed, name) for name in kept]
        assert at_ns >= failed.next_attempt_at_ns >= failed.settled_at_ns + setup.backoff_ns


@given(setups(), scripts)
def test_no_batch_is_tried_more_often_than_allowed_and_every_attempt_ends_once(
    setup: Setup, script: list[Step]
) -> None:
    world = World(setup).play(script).finish()
    ends: list[int] = []
    for _, _, effects in world.log:
        for effect in effects:
            if isinstance(effect, SendSettled | AttemptFailed | DeadLettered):
                ends.append(effect.batch.batch_id)
                assert effect.batch.attempt <= setup.max_attempts
            if isinstance(effect, DeadLettered):
                assert effect.batch.attempt == setup.max_attempts
                assert effect.reason == ("rejected" if effect.permanent else "attempts_exhausted")
    assert sorted(ends) == [batch.batch_id for _, batch in sent(world)]


@given(setups(), scripts)
def test_a_retry_does_not_wait_once_it_is_due_and_a_worker_is_free(setup: Setup, script: list[Step]) -> None:
    """Backoff holds no worker, and nothing new overtakes a retry that is due."""
    world = World(setup).play(script).finish()
    due_ns: dict[int, int] = {}
    for at_ns, _, effects in world.log:
        for effect in effects:
            if isinstance(effect, AttemptFailed):
                due_ns[effect.batch.batch_id] = effect.batch.next_attempt_at_ns
            elif isinstance(effect, Batch):
                due_ns.pop(effect.parent_batch_id, None)
                assert effect.attempt > 1 or not [due for due in due_ns.values() if due <= at_ns]


def test_a_failed_batch_leaves_its_worker_to_the_next_one() -> None:
    world = World(Setup(max_size=2, backoff_ns=1000))
    world.arrive((1, 1, 1, 1))
    world.fail(world.flying[0])
    (other,) = world.flying
    assert (other.attempt, other.spans[0].first) == (1, 2)


@given(st.integers(1, 70), st.floats(0, 1, exclude_max=True), st.floats(0, 1))
def test_a_backoff_lies_between_its_jittered_floor_and_its_cap(attempt: int, uniform: float, jitter: float) -> None:
    retry = Retry(max_attempts=80, backoff_ns=100, factor=2.0, max_backoff_ns=5_000, jitter=jitter)
    full_ns = min(100 * 2 ** (attempt - 1), 5_000)
    assert full_ns * (1 - jitter) - 1 <= retry.delay_ns(attempt, uniform) <= full_ns
    assert retry.delay_ns(attempt, uniform) == int(full_ns * (1.0 - jitter * uniform))
