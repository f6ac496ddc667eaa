"""What may be in a batch, in the queue and in flight at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given

from ingestexp.core.batch import Batch, FlushCause
from ingestexp.core.events import DRAIN, Event, SendFailed
from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER
from tests.core.script import Setup, Step, World
from tests.core.scripts import scripts, setups

if TYPE_CHECKING:
    from ingestexp.core.effects import Effect


def sent(world: World) -> list[tuple[int, Batch]]:
    """(instant, batch) of every attempt, in the order of the sends."""
    return [(at, e) for at, _, effects in world.log for e in effects if isinstance(e, Batch)]


@given(setups(), scripts)
def test_no_batch_holds_more_than_max_size_items(setup: Setup, script: list[Step]) -> None:
    for _, batch in sent(World(setup).play(script).finish()):
        assert 1 <= batch.item_count <= setup.max_size
        assert batch.item_count == sum(len(span) for span in batch.spans)


@given(setups(), scripts)
def test_no_batch_holds_more_than_max_bytes_unless_it_is_one_item(setup: Setup, script: list[Step]) -> None:
    for _, batch in sent(World(setup).play(script).finish()):
        assert batch.payload_bytes <= setup.max_bytes or batch.item_count == 1
        assert batch.payload_bytes == sum(span.block.nbytes(span.first, span.end) for span in batch.spans)


@given(setups(), scripts)
def test_the_queue_alone_never_holds_more_than_the_capacity(setup: Setup, script: list[Step]) -> None:
    def watch(world: World, event: Event, effects: list[Effect]) -> None:
        queue = world.core.admission.queue
        assert 0 <= queue.items <= setup.capacity
        assert 0 <= queue.nbytes <= setup.capacity_bytes

    World(setup, watch).play(script).finish()


@given(setups(), scripts)
def test_only_a_failing_attempt_can_take_what_waits_past_the_capacity(setup: Setup, script: list[Step]) -> None:
    """Queued and between attempts together: nothing is admitted beyond it; what fails has no other place."""
    before = (0, 0)

    def watch(world: World, event: Event, effects: list[Effect]) -> None:
        nonlocal before
        admission = world.core.admission
        items = admission.queue.items + admission.reserved_items
        nbytes = admission.queue.nbytes + admission.reserved_bytes
        if not isinstance(event, SendFailed):
            assert items <= max(setup.capacity, before[0])
            assert nbytes <= max(setup.capacity_bytes, before[1])
        before = (items, nbytes)

    World(setup, watch).play(script).finish()


@given(setups(), scripts)
def test_there_are_never_more_sends_than_free_workers(setup: Setup, script: list[Step]) -> None:
    def watch(world: World, event: Event, effects: list[Effect]) -> None:
        assert len(world.flying) == world.core.in_flight <= setup.workers
        assert world.core.free_workers == setup.workers - len(world.flying)

    for _, batch in sent(World(setup, watch).play(script).finish()):
        assert 1 <= batch.in_flight <= setup.workers


@given(setups(), scripts)
def test_the_flush_cause_is_the_trigger_that_fired(setup: Setup, script: list[Step]) -> None:
    world = World(setup).play(script).finish()
    drained_at_ns = next(at for at, event, _ in world.log if event is DRAIN)
    bounded_bytes = setup.max_bytes < NEVER
    stuck = setup.overflow in (Overflow.BLOCK, Overflow.SPILL)
    for at_ns, batch in sent(world):
        match FlushCause(batch.cause):
            case FlushCause.SIZE:
                assert batch.item_count == setup.max_size
            case FlushCause.BYTES:
                assert bounded_bytes or stuck
                assert batch.item_count < setup.max_size or batch.payload_bytes >= setup.max_bytes
            case FlushCause.AGE:
                assert at_ns - batch.opened_at_ns >= setup.max_wait_ns
            case FlushCause.DRAIN:
                assert at_ns >= drained_at_ns
            case FlushCause.RETRY:
                assert batch.attempt > 1
            case FlushCause.SPLIT:
                raise AssertionError("nothing splits batches under retry_batch")


@given(setups(), scripts)
def test_a_batch_opens_with_its_first_arrival_and_closes_between_its_last_one_and_its_send(
    setup: Setup, script: list[Step]
) -> None:
    for at_ns, batch in sent(World(setup).play(script).finish()):
        first, last = batch.spans[0], batch.spans[-1]
        assert batch.opened_at_ns == first.arrival_of(first.first)
        joined_at_ns = last.arrival_of(last.end - 1)  # when overdue, it joined a window that waited for a worker only
        assert batch.opened_at_ns <= joined_at_ns <= at_ns
        assert min(joined_at_ns, batch.opened_at_ns + setup.max_wait_ns) <= batch.closed_at_ns <= at_ns


def test_a_window_of_bytes_is_closed_by_the_arrival_that_no_longer_fits() -> None:
    world = World(Setup(max_size=9, max_bytes=10))
    world.play([Step("arrive", 0, (6,)), Step("arrive", 10, (6,))])
    (batch,) = world.flying
    assert (FlushCause(batch.cause), batch.item_count, batch.closed_at_ns) == (FlushCause.BYTES, 1, 10)
