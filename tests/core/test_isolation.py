"""Poison: which items a strategy loses, keeps and parks, and what it writes for that."""

from __future__ import annotations

from collections import Counter
from math import ceil, log2
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestexp.core.batch import Batch, FlushCause
from ingestexp.core.control import Static
from ingestexp.core.effects import AttemptFailed, DeadLettered, Parked, PartlyCommitted, Skipped
from ingestexp.core.events import DRAIN, TIMER_FIRED, Arrived, Event, SendFailed, SendSettled
from ingestexp.core.isolation import parted
from ingestexp.core.on_failure import OnFailure, ReportItems, RetryBatch, SkipBatch, SplitAndRetry
from ingestexp.core.pipeline import Pipeline
from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.core.span import AS_DUE, NEVER, Span
from ingestexp.core.window import Limits
from tests.core.script import make_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.core.effects import Effect

BACKOFF_NS = 10


class PoisonedSink:
    """Refuses a batch for good that holds one of `poison`; the first `flaky` attempts fail for a while."""

    def __init__(self, poison: frozenset[int], names_items: bool = False, takes_others: bool = False) -> None:
        self.poison = poison
        self.names_items = names_items
        self.takes_others = takes_others
        self.flaky = 0
        self.writes = 0
        self.holds: Counter[int] = Counter()

    def write(self, batch: Batch) -> Event:
        self.writes += 1
        batch.sent_at_ns = batch.settled_at_ns = 0
        if self.flaky:
            self.flaky -= 1
            return SendFailed(batch, False, 0.0)
        ids = {item_id for span in batch.spans for item_id in range(span.first, span.end)}
        refused = {item_id: f"item {item_id} is bad" for item_id in sorted(ids & self.poison)}
        if not refused:
            self.holds.update(ids)
            return SendSettled(batch)
        if self.takes_others:
            self.holds.update(ids - self.poison)
        return SendFailed(batch, True, 0.0, refused if self.names_items else None, self.takes_others)


class Outcomes:
    """By item, from the effects alone."""

    def __init__(self) -> None:
        self.committed: Counter[int] = Counter()
        self.parked: Counter[int] = Counter()
        self.skipped: Counter[int] = Counter()
        self.batches: list[Batch] = []

    def take(self, effect: Effect) -> None:
        match effect:
            case SendSettled():
                _count(self.committed, effect.batch.spans)
            case PartlyCommitted():
                _count(self.committed, effect.spans)
            case DeadLettered():
                _count(self.parked, effect.batch.spans)
            case Parked():
                _count(self.parked, effect.spans)
            case Skipped():
                _count(self.skipped, effect.batch.spans)
            case Batch():
                self.batches.append(effect)
            case _:
                assert isinstance(effect, AttemptFailed) or effect is not None


def _count(counter: Counter[int], spans: Sequence[Span]) -> None:
    counter.update(item_id for span in spans for item_id in range(span.first, span.end))


def play(
    on_failure: OnFailure, sink: PoisonedSink, count: int, max_size: int, ordered: bool = False, stretch: int = 7
) -> tuple[Outcomes, Pipeline]:
    """All items arrive at once, in spans of `stretch`; each write answers before the next one is sent."""
    core = Pipeline(
        bounds=Bounds(NEVER, NEVER),
        overflow=Overflow.BLOCK,
        control=Static(Limits(max_size)),
        on_failure=on_failure,
        ordered=ordered,
    )
    outcomes = Outcomes()
    block = make_block(0, [0] * count, [10] * count)
    spans = [Span(block, first, min(count, first + stretch), AS_DUE, 0) for first in range(0, count, stretch)]
    events: list[Event] = [*map(Arrived, spans), DRAIN]
    flying: list[Batch] = []
    now_ns = 0
    while not core.done:
        event = events.pop(0) if events else sink.write(flying.pop(0)) if flying else None
        if event is None:
            now_ns = core._next_wake_ns()
            assert now_ns < NEVER, "nothing in flight, nothing to wait for"
            event = TIMER_FIRED
        for effect in core.handle(event, now_ns):
            outcomes.take(effect)
            if isinstance(effect, Batch):
                flying.append(effect)
    return outcomes, core


poisons = st.sets(st.integers(0, 99), max_size=12).map(frozenset)


@given(poisons, st.integers(1, 40), st.booleans(), st.integers(1, 30))
def test_split_and_retry_parks_exactly_the_poison_and_commits_all_others_once(
    poison: frozenset[int], max_size: int, ordered: bool, stretch: int
) -> None:
    sink = PoisonedSink(poison)
    found, core = play(SplitAndRetry(Retry(3, BACKOFF_NS)), sink, 100, max_size, ordered, stretch)
    assert found.parked == Counter(poison)
    assert found.committed == sink.holds == Counter(set(range(100)) - poison)
    assert (core.committed, core.dead_lettered, core.dropped) == (100 - len(poison), len(poison), 0)
    assert core.admission.reserved_items == core.admission.reserved_bytes == 0


@given(poisons, st.integers(1, 40), st.booleans(), st.booleans(), st.integers(1, 30))
def test_report_items_parks_exactly_what_the_sink_names_whether_or_not_it_took_the_others(
    poison: frozenset[int], max_size: int, takes_others: bool, ordered: bool, stretch: int
) -> None:
    sink = PoisonedSink(poison, names_items=True, takes_others=takes_others)
    found, core = play(ReportItems(Retry(3, BACKOFF_NS)), sink, 100, max_size, ordered, stretch)
    assert found.parked == Counter(poison)
    assert found.committed == sink.holds == Counter(set(range(100)) - poison)
    batches = ceil(100 / max_size)
    assert sink.writes <= batches + (0 if takes_others else min(batches, len(poison)))
    assert core.admission.reserved_items == core.admission.reserved_bytes == 0


@given(poisons, st.integers(1, 40))
def test_report_items_bisects_where_the_sink_names_nothing(poison: frozenset[int], max_size: int) -> None:
    found, _ = play(ReportItems(Retry(3, BACKOFF_NS)), PoisonedSink(poison), 100, max_size)
    assert found.parked == Counter(poison)
    assert found.committed == Counter(set(range(100)) - poison)


@given(poisons, st.integers(1, 40))
def test_skip_batch_lets_the_whole_batch_go_and_goes_on(poison: frozenset[int], max_size: int) -> None:
    sink = PoisonedSink(poison)
    found, core = play(SkipBatch(Retry(3, BACKOFF_NS)), sink, 100, max_size)
    lost = {item_id for item_id in range(100) if {bad // max_size for bad in poison} & {item_id // max_size}}
    assert found.skipped == Counter(lost)
    assert found.committed == Counter(set(range(100)) - lost)
    assert not found.parked
    assert core.dropped == len(lost)
    assert sink.writes == ceil(100 / max_size)


@given(poisons, st.integers(1, 40))
def test_retry_batch_parks_the_innocent_with_the_poison_after_its_last_attempt(
    poison: frozenset[int], max_size: int
) -> None:
    sink = PoisonedSink(poison)
    found, _ = play(RetryBatch(Retry(4, BACKOFF_NS)), sink, 100, max_size)
    lost = {item_id for item_id in range(100) if {bad // max_size for bad in poison} & {item_id // max_size}}
    assert found.parked == Counter(lost)
    bad_batches = len({bad // max_size for bad in poison})
    assert sink.writes == ceil(100 / max_size) + 3 * bad_batches


def test_retry_batch_without_a_limit_never_gives_a_batch_up() -> None:
    retry = Retry(NEVER, BACKOFF_NS, max_backoff_ns=BACKOFF_NS)
    assert not retry.exhausted(1_000_000)
    assert retry.delay_ns(1_000_000, 0.5) == BACKOFF_NS


@pytest.mark.parametrize("position", [0, 1, 255, 256, 300, 510, 511])
def test_one_poison_in_512_costs_at_most_two_writes_a_halving_and_one(position: int) -> None:
    sink = PoisonedSink(frozenset([position]))
    found, _ = play(SplitAndRetry(Retry(3, BACKOFF_NS)), sink, 512, 512, stretch=512)
    assert sink.writes <= 2 * log2(512) + 1
    assert found.parked == Counter([position])
    by_id = {batch.batch_id: batch for batch in found.batches}
    for batch in found.batches[1:]:
        parent = by_id[batch.parent_batch_id]
        assert batch.cause == FlushCause.SPLIT
        assert batch.item_count in (parent.item_count // 2, parent.item_count - parent.item_count // 2)
        assert batch.attempt == parent.attempt + 1


@given(st.sets(st.integers(0, 63), min_size=1, max_size=8).map(frozenset))
def test_halves_are_sent_in_the_order_of_their_items(poison: frozenset[int]) -> None:
    found, _ = play(SplitAndRetry(Retry(3, BACKOFF_NS)), PoisonedSink(poison), 64, 64, stretch=64)
    ends = [batch.spans[0].first for batch in found.batches]
    leaves = [batch for batch in found.batches if batch.batch_id not in {b.parent_batch_id for b in found.batches}]
    assert [batch.spans[0].first for batch in leaves] == sorted(batch.spans[0].first for batch in leaves)
    assert ends[0] == 0


@given(st.integers(0, 10), poisons)
def test_a_transient_failure_splits_nothing_and_parks_nothing_while_attempts_remain(
    flaky: int, poison: frozenset[int]
) -> None:
    sink = PoisonedSink(poison)
    sink.flaky = flaky
    found, _ = play(SplitAndRetry(Retry(11, BACKOFF_NS)), sink, 100, 25)
    assert found.parked == Counter(poison)
    assert found.committed == Counter(set(range(100)) - poison)


def test_the_halvings_of_a_batch_do_not_use_up_its_attempts() -> None:
    sink = PoisonedSink(frozenset([77]))
    found, _ = play(SplitAndRetry(Retry(1, BACKOFF_NS)), sink, 128, 128)
    assert found.parked == Counter([77])


def test_a_sink_that_names_items_of_another_batch_gets_the_batch_bisected() -> None:
    class Confused(PoisonedSink):
        def write(self, batch: Batch) -> Event:
            event = super().write(batch)
            if isinstance(event, SendFailed) and event.item_errors:
                event.item_errors = {10_000: "who?"}
            return event

    found, _ = play(ReportItems(Retry(2, BACKOFF_NS)), Confused(frozenset([3]), names_items=True), 16, 8)
    assert found.parked == Counter([3])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.sets(st.integers(-3, 40)))
def test_parting_spans_loses_no_item_and_keeps_their_order(gaps: list[int], refused: set[int]) -> None:
    block = make_block(0, [0] * 60, [1] * 60)
    spans, at = [], 0
    for gap in gaps:
        spans.append(Span(block, at + gap, at + gap + 5, AS_DUE, 0))
        at += gap + 5
    ids = [item_id for span in spans for item_id in range(span.first, span.end)]
    others, out = parted(spans, refused)
    assert [i for span in others for i in range(span.first, span.end)] == [i for i in ids if i not in refused]
    assert [i for span in out for i in range(span.first, span.end)] == [i for i in ids if i in refused]
