"""Takes note of every fate on the hot path: packs scalars, expands nothing.

Must live here: packing records and handing full segments to the writer. Must not: Parquet, rows.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.core.span import UNKNOWN
from ingestexp.trace.records import (
    BATCH_DTYPE,
    BATCH_OUTCOME_CODES,
    BATCH_STRUCT,
    OUTCOME_CODES,
    REASON_CODES,
    SPAN_STRUCT,
    BlockFacts,
)
from ingestexp.trace.segment import SEGMENT_RECORDS, Segment, SegmentSink
from ingestexp.trace.tally import NOTHING, Totals

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span
    from ingestexp.ports import Settled

SEGMENT_ITEMS: Final = 262_144
SEGMENT_NS: Final = 1_000_000_000

_COMMITTED: Final = BATCH_OUTCOME_CODES["committed"]
_SPAN_BYTES = SPAN_STRUCT.size
_BATCH_BYTES = BATCH_STRUCT.size


class Recorder:
    """Called only by whoever has the turn; only `register` may be called without it."""

    def __init__(self, sink: SegmentSink, segment_ns: int = SEGMENT_NS) -> None:
        """A segment is handed over when full or `segment_ns` old (by the run's clock)."""
        self._segment_ns = segment_ns
        self._totals = Totals()
        self._sink = sink
        self._lock = threading.Lock()
        self._blocks: list[BlockFacts] = []
        self._next_block = 0
        self._opened_at_ns = 0
        self._closes_at_ns = segment_ns
        self._open()

    @property
    def totals(self) -> Totals:
        """What all attempts so far add up to."""
        return self._totals.plus(_batches(self._segment))

    def register(self, first: int, count: int, due_ns: Any, sizes: Any, phase: int) -> int:
        """Make a block of arrivals known, before any of its items settles; returns its number."""
        with self._lock:
            number = self._next_block
            self._next_block = number + 1
            self._blocks.append(BlockFacts(number, first, count, due_ns, sizes, phase))
        return number

    def committed(self, batch: Batch, outcome: int = _COMMITTED) -> None:
        """The attempt's row and, unless `outcome` says that it came to nothing, those of its items."""
        segment = self._segment
        at, row = segment.span_count, segment.batch_count
        if row == SEGMENT_RECORDS or at == SEGMENT_RECORDS:
            self.hand_over()
            segment = self._segment
            at = row = 0
        spans, limits, settled_at_ns = batch.spans, batch.limits, batch.settled_at_ns
        ack: Settled = batch.ack or NOTHING
        BATCH_STRUCT.pack_into(
            segment.batches,
            row * _BATCH_BYTES,
            batch.batch_id,
            batch.parent_batch_id,
            batch.attempt,
            batch.cause,
            outcome,
            spans[0].first,
            spans[-1].end - 1,
            batch.opened_at_ns,
            batch.closed_at_ns,
            batch.sent_at_ns,
            settled_at_ns,
            batch.next_attempt_at_ns,
            batch.payload_bytes,
            ack.wire_bytes,
            ack.compress_ns,
            batch.cpu_ns,
            limits.max_wait_ns,
            batch.depth_at_close,
            batch.oldest_age_ns,
            batch.item_count,
            ack.commits,
            ack.fsyncs,
            ack.round_trips,
            ack.syscalls,
            limits.max_size,
            batch.in_flight,
            batch.worker,
            self._error_code(batch.error) if outcome else -1,
        )
        segment.batch_count = row + 1
        if outcome:
            return
        for span in spans:
            if at == SEGMENT_RECORDS:
                segment.span_count = at
                self.hand_over()
                segment = self._segment
                at = 0
            SPAN_STRUCT.pack_into(
                segment.spans,
                at * _SPAN_BYTES,
                span.first,
                span.end,
                span.offered_at_ns,
                span.admitted_at_ns,
                batch.first_sent_at_ns,
                batch.sent_at_ns,
                settled_at_ns,
                batch.batch_id,
                span.block.number,  # type: ignore[attr-defined]
                0,
                0,
                batch.attempt,
            )
            at += 1
        segment.span_count = at
        self._items += batch.item_count
        if self._items >= SEGMENT_ITEMS or settled_at_ns >= self._closes_at_ns:
            segment.last_at_ns = settled_at_ns
            self.hand_over()

    def attempt_failed(self, batch: Batch, permanent: bool) -> None:
        self.committed(batch, BATCH_OUTCOME_CODES["rejected" if permanent else "failed"])

    def dead_lettered(self, batch: Batch, permanent: bool, reason: str) -> None:
        self.attempt_failed(batch, permanent)
        for span in batch.spans:
            self._span(span, "dead_lettered", reason, batch.settled_at_ns, batch)
        self._segment.parked.append((batch, reason))

    def dropped(self, span: Span, reason: str, at_ns: int) -> None:
        self._span(span, "dropped", reason, at_ns, None)

    def unsettled(self, span: Span, reason: str, batch: Batch | None) -> None:
        if batch is not None and reason == "in_flight" and span is batch.spans[0]:
            self.committed(batch, BATCH_OUTCOME_CODES["unsettled"])  # its write had not returned
        self._span(span, "unsettled", reason, UNKNOWN, batch)

    def tick(self, now_ns: int) -> None:
        """Close the segment by time even when nothing settles any more."""
        segment = self._segment
        if (segment.span_count or segment.batch_count) and now_ns >= self._closes_at_ns:
            segment.last_at_ns = now_ns
            self.hand_over()

    def hand_over(self) -> None:
        """Give the open segment to the writer (waits if the writer is behind) and start the next."""
        segment = self._segment
        segment.last_at_ns = max(segment.last_at_ns, self._opened_at_ns)
        with self._lock:  # a block registered from here on belongs to the next segment, as its items do
            segment.blocks, self._blocks = self._blocks, []
        self._totals = self._totals.plus(_batches(segment))
        self._sink.put(segment)
        self._opened_at_ns = segment.last_at_ns
        self._closes_at_ns = self._opened_at_ns + self._segment_ns
        self._open()

    def _open(self) -> None:
        self._segment = self._sink.spare() or Segment()
        self._items = 0

    def _span(self, span: Span, outcome: str, reason: str, at_ns: int, batch: Batch | None) -> None:
        segment = self._segment
        if segment.span_count == SEGMENT_RECORDS:
            self.hand_over()
            segment = self._segment
        SPAN_STRUCT.pack_into(
            segment.spans,
            segment.span_count * _SPAN_BYTES,
            span.first,
            span.end,
            span.offered_at_ns,
            span.admitted_at_ns,
            batch.first_sent_at_ns if batch else UNKNOWN,
            batch.sent_at_ns if batch else UNKNOWN,
            at_ns,
            batch.batch_id if batch else -1,
            span.block.number,  # type: ignore[attr-defined]
            OUTCOME_CODES[outcome],
            REASON_CODES[reason],
            batch.attempt if batch else 0,
        )
        segment.span_count += 1
        self._items += span.end - span.first
        if self._items >= SEGMENT_ITEMS:
            segment.last_at_ns = max(at_ns, segment.last_at_ns)
            self.hand_over()

    def _error_code(self, error: str) -> int:
        if not error:
            return -1
        errors = self._segment.errors
        if error not in errors:
            errors.append(error)
        return errors.index(error)


def _batches(segment: Segment) -> Any:
    """The attempts noted in the segment: BATCH_DTYPE, (batch_count,), a view."""
    return np.frombuffer(segment.batches, BATCH_DTYPE, segment.batch_count)
