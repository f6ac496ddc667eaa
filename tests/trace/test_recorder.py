"""The recorder's segments: full by records, by items, by time; and what a run's totals add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.core.span import AS_DUE, UNKNOWN, Span
from ingestexp.ports import Settled
from ingestexp.trace.recorder import SEGMENT_ITEMS, Recorder
from ingestexp.trace.segment import SEGMENT_RECORDS, Segment
from ingestexp.trace.tally import Tally
from tests.contracts.batches import ListBlock
from tests.trace.pages import batch_of, block_of, recorded, rows_of, span_of

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


class Counting:
    """A sink of segments that only counts what it is given."""

    def __init__(self) -> None:
        self.spans: list[int] = []
        self.batches: list[int] = []

    def put(self, segment: Segment | pa.Table) -> None:
        assert isinstance(segment, Segment)
        self.spans.append(segment.span_count)
        self.batches.append(segment.batch_count)

    def spare(self) -> Segment | None:
        return None


def test_a_batch_of_more_spans_than_a_segment_holds_is_spread_over_segments(tmp_path: Path) -> None:
    """A queue of single arrivals under a huge window: one span an item."""
    count = 2 * SEGMENT_RECORDS + 5

    def tell(recorder: Recorder) -> None:
        block = block_of(recorder, 0, list(range(count + 1)), 3)
        recorder.committed(batch_of(0, [Span(block, item_id, item_id + 1, AS_DUE, AS_DUE) for item_id in range(count)]))
        recorder.committed(batch_of(1, [Span(block, count, count + 1, AS_DUE, AS_DUE)]))

    rows = rows_of(recorded(tmp_path, ("a",), tell), "items", ("item_id", "intended_at_ns", "batch_id"))
    assert sorted(rows) == [(item_id, item_id, 0) for item_id in range(count)] + [(count, count, 1)]
    assert rows_of(tmp_path, "batches", ("batch_id", "item_count")) == [(0, count), (1, 1)]


def test_drops_and_unsettled_items_fill_segments_as_well() -> None:
    sink = Counting()
    recorder = Recorder(sink)
    block = block_of(recorder, 0, list(range(3 * SEGMENT_RECORDS)), 3)
    for item_id in range(0, 2 * SEGMENT_RECORDS + 2, 2):
        recorder.dropped(span_of(block, item_id, item_id + 1, AS_DUE), "overflow_newest", 5)
        recorder.unsettled(span_of(block, item_id + 1, item_id + 2, AS_DUE, AS_DUE), "queued", None)
    recorder.hand_over()
    assert sink.spans == [SEGMENT_RECORDS, SEGMENT_RECORDS, 2]


def test_attempts_that_fail_for_ever_fill_segments_too() -> None:
    """An outage settles nothing, yet its attempts are rows."""
    sink = Counting()
    recorder = Recorder(sink)
    block = block_of(recorder, 0, [1], 3)
    for batch_id in range(SEGMENT_RECORDS + 1):
        recorder.attempt_failed(batch_of(batch_id, [span_of(block, 0, 1)]), False)
    recorder.hand_over()
    assert sum(sink.batches) == SEGMENT_RECORDS + 1
    assert max(sink.batches) <= SEGMENT_RECORDS


def test_attempts_of_an_outage_are_handed_over_by_time_though_nothing_settles() -> None:
    """A run killed in the middle of an outage has to show the outage."""
    sink = Counting()
    recorder = Recorder(sink, segment_ns=1_000)
    block = block_of(recorder, 0, [1], 3)
    recorder.attempt_failed(batch_of(0, [span_of(block, 0, 1)]), False)
    recorder.tick(900)
    assert sink.batches == []
    recorder.tick(2_000)
    assert sink.batches == [1]


def test_a_segment_is_handed_over_by_items_and_by_time() -> None:
    sink = Counting()
    recorder = Recorder(sink, segment_ns=1_000)
    block = block_of(recorder, 0, list(range(SEGMENT_ITEMS + 9)), 3)
    recorder.committed(batch_of(0, [span_of(block, 0, SEGMENT_ITEMS)], settled_at_ns=10))
    assert sink.batches == [1]
    recorder.committed(batch_of(1, [span_of(block, SEGMENT_ITEMS, SEGMENT_ITEMS + 1)], settled_at_ns=500))
    assert sink.batches == [1]
    recorder.committed(batch_of(2, [span_of(block, SEGMENT_ITEMS + 1, SEGMENT_ITEMS + 2)], settled_at_ns=1_100))
    assert sink.batches == [1, 2]
    recorder.committed(batch_of(3, [span_of(block, SEGMENT_ITEMS + 2, SEGMENT_ITEMS + 3)], settled_at_ns=1_200))
    recorder.tick(1_300)
    assert sink.batches == [1, 2]
    recorder.tick(2_500)
    assert sink.batches == [1, 2, 1]


def test_the_totals_are_the_sums_of_what_the_sink_counted_and_of_attempts_that_failed() -> None:
    recorder = Recorder(Counting())
    block = block_of(recorder, 0, [1, 2, 3, 4], 3)
    recorder.committed(batch_of(0, [span_of(block, 0, 1)]))
    recorder.committed(batch_of(1, [span_of(block, 1, 2)]))
    failed = batch_of(2, [span_of(block, 2, 3)])
    failed.ack = None
    failed.error = "away"
    recorder.attempt_failed(failed, False)
    recorder.dead_lettered(failed, True, "rejected")
    hanging = batch_of(3, [span_of(block, 3, 4)], settled_at_ns=UNKNOWN)
    hanging.ack = None
    recorder.unsettled(hanging.spans[0], "in_flight", hanging)
    totals = recorder.totals
    assert (totals.batches, totals.attempts_failed) == (5, 2)
    assert totals.sums() == {"commits": 2, "fsyncs": 4, "round_trips": 6, "syscalls": 8, "wire_bytes": 10}


def test_a_sink_that_answers_with_one_object_and_one_that_makes_new_ones_are_summed_alike() -> None:
    recorder, tally = Recorder(Counting()), Tally()
    block = block_of(recorder, 0, list(range(9)), 3)
    same, other = Settled(commits=1, fsyncs=1), Settled(commits=7)
    for item_id, ack in enumerate([same, same, other, same, None, same, Settled(commits=1), other, other]):
        batch = batch_of(item_id, [span_of(block, item_id, item_id + 1)])
        batch.ack = ack
        recorder.committed(batch)
        tally.committed(batch)
    assert recorder.totals.sums() == tally.totals.sums()
    assert (tally.totals.sums()["commits"], tally.totals.sums()["fsyncs"]) == (4 + 1 + 3 * 7, 4)


def test_dead_letters_keep_their_payloads_reason_error_and_attempts(tmp_path: Path) -> None:
    def tell(recorder: Recorder) -> None:
        block = ListBlock(0, [b"alpha", b"", b"gamma"])
        block.number = recorder.register(0, 3, None, 5, 0)  # type: ignore[attr-defined]
        batch = batch_of(7, [Span(block, 0, 3, 40, 50)], attempt=3)
        batch.error = "no such table"
        recorder.dead_lettered(batch, True, "rejected")

    folder = recorded(tmp_path, ("a",), tell)
    columns = ("item_id", "reason", "error", "attempt_count", "batch_id", "payload", "dead_lettered_at_ns")
    assert rows_of(folder, "dead_letters", columns) == [
        (0, "rejected", "no such table", 3, 7, b"alpha", 200),
        (1, "rejected", "no such table", 3, 7, b"", 200),
        (2, "rejected", "no such table", 3, 7, b"gamma", 200),
    ]
    assert rows_of(folder, "items", ("outcome", "reason", "batch_id")) == [("dead_lettered", "rejected", 7)] * 3
    assert rows_of(folder, "batches", ("outcome", "error")) == [("rejected", "no such table")]


def test_a_block_registered_while_a_segment_waits_for_its_encoder_is_not_lost() -> None:
    """The source registers its next block without the turn, also while a worker is held up in `put`."""
    given: list[list[int]] = []

    class Slow(Counting):
        def put(self, segment: Segment | pa.Table) -> None:
            assert isinstance(segment, Segment)
            given.append([facts.number for facts in segment.blocks])
            if len(given) == 1:
                block_of(recorder, 10, [0], 3)

    recorder = Recorder(Slow())
    block_of(recorder, 0, [0], 3)
    recorder.hand_over()
    recorder.hand_over()
    assert given == [[0], [1]]
