"""Takes note of every fate on the hot path: packs scalars, expands nothing.

Must live here: packing records and handing full segments to the writer. Must not: Parquet, rows.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from ingestexp.core.span import UNKNOWN
from ingestexp.trace.records import (
    ACK_STRUCT,
    BATCH_OUTCOME_CODES,
    BATCH_STRUCT,
    LOOSE_STRUCT,
    OUTCOME_CODES,
    REASON_CODES,
    BlockFacts,
    Marks,
)
from ingestexp.trace.segment import SEGMENT_RECORDS, Segment, SegmentSink, attempts_of
from ingestexp.trace.tally import NOTHING, Totals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span
    from ingestexp.core.window import Limits
    from ingestexp.ports import Settled

SEGMENT_ITEMS: Final = 262_144
SEGMENT_NS: Final = 1_000_000_000

_COMMITTED: Final = BATCH_OUTCOME_CODES["committed"]
_DEAD_LETTERED, _DROPPED, _UNSETTLED = (OUTCOME_CODES[name] for name in ("dead_lettered", "dropped", "unsettled"))
_ACK_BYTES = ACK_STRUCT.size
_LOOSE_BYTES = LOOSE_STRUCT.size
_BATCH_BYTES = BATCH_STRUCT.size

_NOT_YET: Final = object()


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
        self._ack: Settled | object | None = _NOT_YET
        self._limits: Limits | None = None
        self._open()

    @property
    def totals(self) -> Totals:
        """What all attempts so far add up to."""
        return self._totals.plus(*attempts_of(self._segment))

    def register(self, first: int, count: int, due_ns: Any, sizes: Any, phase: int, marks: Marks | None = None) -> int:
        """Make a block of arrivals known, before any of its items settles; returns its number."""
        with self._lock:
            number = self._next_block
            self._next_block = number + 1
            self._blocks.append(BlockFacts(number, first, count, due_ns, sizes, phase, marks))
        return number

    def committed(self, batch: Batch, outcome: int = _COMMITTED) -> None:
        """The attempt's row and, unless `outcome` says that it came to nothing, those of its items."""
        segment = self._segment
        row = segment.batch_count
        if row == SEGMENT_RECORDS:
            self.hand_over()
            segment = self._segment
            row = 0
        if batch.ack is not self._ack:
            self._note_ack(batch.ack)
        if batch.limits is not self._limits:
            segment.limits.append(batch.limits)
            self._limits = batch.limits
        spans, settled_at_ns = batch.spans, batch.settled_at_ns
        head = spans[0]
        BATCH_STRUCT.pack_into(
            segment.batches,
            row * _BATCH_BYTES,
            batch.batch_id,
            batch.parent_batch_id,
            batch.attempt,
            batch.cause,
            outcome,
            head.first,
            spans[-1].end - 1,
            batch.opened_at_ns,
            batch.closed_at_ns,
            batch.sent_at_ns,
            settled_at_ns,
            batch.next_attempt_at_ns,
            batch.payload_bytes,
            batch.cpu_ns,
            batch.depth_at_close,
            batch.oldest_age_ns,
            batch.item_count,
            batch.in_flight,
            batch.worker,
            self._error_code(batch.error) if outcome else -1,
            segment.ack_count - 1,
            len(segment.limits) - 1,
            head.block.number,  # type: ignore[attr-defined]
            0 if outcome else head.end,
            head.offered_at_ns,
            head.admitted_at_ns,
            batch.first_sent_at_ns,
        )
        segment.batch_count = row + 1
        if outcome:
            return
        self._items += head.end - head.first
        if len(spans) > 1:
            for span in spans[1:]:
                self._span(span, _COMMITTED, 0, settled_at_ns, batch)
        if self._items >= SEGMENT_ITEMS or settled_at_ns >= self._closes_at_ns:
            self._segment.last_at_ns = settled_at_ns
            self.hand_over()

    def attempt_failed(self, batch: Batch, permanent: bool) -> None:
        self.committed(batch, BATCH_OUTCOME_CODES["rejected" if permanent else "failed"])

    def dead_lettered(self, batch: Batch, permanent: bool, reason: str) -> None:
        self.attempt_failed(batch, permanent)
        self.parked(batch, batch.spans, reason, {})

    def parked(self, batch: Batch, spans: list[Span], reason: str, errors: Mapping[int, str]) -> None:
        """Of an attempt that is noted. `errors` {item id: why}; of the others the attempt's error holds."""
        self._all(batch, spans, _DEAD_LETTERED, reason)
        self._segment.parked.append((batch, spans, reason, errors))

    def partly_committed(self, batch: Batch, spans: list[Span]) -> None:
        self.committed(batch, BATCH_OUTCOME_CODES["partial"])
        self._all(batch, spans, _COMMITTED, "")

    def skipped(self, batch: Batch, permanent: bool) -> None:
        self.attempt_failed(batch, permanent)
        self._all(batch, batch.spans, _DROPPED, "skipped")

    def dropped(self, span: Span, reason: str, at_ns: int) -> None:
        self._span(span, _DROPPED, REASON_CODES[reason], at_ns, None)

    def unsettled(self, span: Span, reason: str, batch: Batch | None) -> None:
        if batch is not None and reason == "in_flight" and span is batch.spans[0]:
            self.committed(batch, BATCH_OUTCOME_CODES["unsettled"])  # its write had not returned
        self._span(span, _UNSETTLED, REASON_CODES[reason], UNKNOWN, batch)

    def let_go(self, span: Span) -> None:
        """The items are on disk: they come back in a block of their own, so the facts of this one need not wait."""
        self._segment.let_go.append((span.block.number, span.end - span.first))  # type: ignore[attr-defined]
        self._items += span.end - span.first
        if self._items >= SEGMENT_ITEMS:
            self.hand_over()

    def tick(self, now_ns: int) -> None:
        """Close the segment by time even when nothing settles any more."""
        segment = self._segment
        if (segment.span_count or segment.batch_count or segment.let_go) and now_ns >= self._closes_at_ns:
            self._segment.last_at_ns = now_ns
            self.hand_over()

    def hand_over(self) -> None:
        """Give the open segment to the writer (waits if the writer is behind) and start the next."""
        segment = self._segment
        segment.last_at_ns = max(segment.last_at_ns, self._opened_at_ns)
        with self._lock:  # a block registered from here on belongs to the next segment, as its items do
            segment.blocks, self._blocks = self._blocks, []
        self._totals = self._totals.plus(*attempts_of(segment))
        self._sink.put(segment)
        self._opened_at_ns = segment.last_at_ns
        self._closes_at_ns = self._opened_at_ns + self._segment_ns
        self._open()

    def _open(self) -> None:
        self._segment = self._sink.spare() or Segment()
        self._items = 0
        self._ack, self._limits = _NOT_YET, None

    def _note_ack(self, ack: Settled | None) -> None:
        """What the sink counted for the attempts from here on."""
        segment = self._segment
        said = ack or NOTHING
        ACK_STRUCT.pack_into(
            segment.acks,
            segment.ack_count * _ACK_BYTES,
            said.wire_bytes,
            said.compress_ns,
            said.commits,
            said.fsyncs,
            said.round_trips,
            said.syscalls,
        )
        segment.ack_count += 1
        self._ack = ack

    def _all(self, batch: Batch, spans: list[Span], outcome: int, reason: str) -> None:
        for span in spans:
            self._span(span, outcome, REASON_CODES[reason], batch.settled_at_ns, batch)

    def _span(self, span: Span, outcome: int, reason: int, at_ns: int, batch: Batch | None) -> None:
        """A loose span: all but the first one of a committed batch."""
        segment = self._segment
        row = segment.span_count
        if row == SEGMENT_RECORDS:
            self.hand_over()
            segment = self._segment
            row = 0
        LOOSE_STRUCT.pack_into(
            segment.spans,
            row * _LOOSE_BYTES,
            span.first,
            span.end,
            span.offered_at_ns,
            span.admitted_at_ns,
            batch.first_sent_at_ns if batch else UNKNOWN,
            batch.sent_at_ns if batch else UNKNOWN,
            at_ns,
            batch.batch_id if batch else -1,
            span.block.number,  # type: ignore[attr-defined]
            outcome,
            reason,
            batch.attempt if batch else 0,
            segment.batch_count,
        )
        segment.span_count = row + 1
        self._items += span.end - span.first
        if self._items >= SEGMENT_ITEMS:
            segment.last_at_ns = max(at_ns, segment.last_at_ns)
            self.hand_over()

    def _error_code(self, error: str) -> int:
        if not error:
            return -1
        if error not in self._segment.errors:
            self._segment.errors.append(error)
        return self._segment.errors.index(error)
