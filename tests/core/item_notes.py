"""The naive recorder: one tuple an item, written when its fate is told. What the packed trace has to agree with.

Must live here: `drive.Recording` over plain Python values. Must not: anything of `trace` (it is the yardstick).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ingestexp.core.batch import FlushCause
from ingestexp.core.span import AS_DUE, NEVER, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span

ITEM_COLUMNS: Final = (
    "item_id",
    "intended_at_ns",
    "offered_at_ns",
    "admitted_at_ns",
    "first_sent_at_ns",
    "sent_at_ns",
    "settled_at_ns",
    "batch_id",
    "outcome",
    "reason",
    "attempt_count",
    "payload_bytes",
    "phase",
)
BATCH_COLUMNS: Final = (
    "batch_id",
    "parent_batch_id",
    "attempt",
    "flush_cause",
    "first_item_id",
    "last_item_id",
    "opened_at_ns",
    "closed_at_ns",
    "sent_at_ns",
    "settled_at_ns",
    "next_attempt_at_ns",
    "item_count",
    "payload_bytes",
    "outcome",
    "error",
    "window_max_size",
    "window_max_wait_ns",
    "depth_at_close",
    "oldest_age_ns",
    "in_flight",
    "worker",
)


class ItemNotes:
    """`items` and `batches` hold rows in the order of ITEM_COLUMNS and BATCH_COLUMNS, in settle order."""

    def __init__(self, phases: tuple[str, ...] = ("steady",)) -> None:
        self.items: list[tuple[Any, ...]] = []
        self.batches: list[tuple[Any, ...]] = []
        self._phases = phases
        self._block_phases: list[str] = []

    def register(self, first: int, count: int, due_ns: Any, sizes: Any, phase: int, marks: Any = None) -> int:
        self._block_phases.append(self._phases[phase])
        return len(self._block_phases) - 1

    def committed(self, batch: Batch) -> None:
        self._batch(batch, "committed", batch.settled_at_ns)
        self._all(batch, "committed", None)

    def attempt_failed(self, batch: Batch, permanent: bool) -> None:
        self._batch(batch, "rejected" if permanent else "failed", batch.settled_at_ns)

    def dead_lettered(self, batch: Batch, permanent: bool, reason: str) -> None:
        self.attempt_failed(batch, permanent)
        self._all(batch, "dead_lettered", reason)

    def skipped(self, batch: Batch, permanent: bool) -> None:
        self.attempt_failed(batch, permanent)
        self._all(batch, "dropped", "skipped")

    def partly_committed(self, batch: Batch, spans: list[Span]) -> None:
        self._batch(batch, "partial", batch.settled_at_ns)
        for span in spans:
            self._span(span, "committed", None, batch.settled_at_ns, batch)

    def parked(self, batch: Batch, spans: list[Span], reason: str, errors: Mapping[int, str]) -> None:
        for span in spans:
            self._span(span, "dead_lettered", reason, batch.settled_at_ns, batch)

    def dropped(self, span: Span, reason: str, at_ns: int) -> None:
        self._span(span, "dropped", reason, at_ns, None)

    def unsettled(self, span: Span, reason: str, batch: Batch | None) -> None:
        if batch is not None and reason == "in_flight" and span is batch.spans[0]:
            self._batch(batch, "unsettled", UNKNOWN)
        self._span(span, "unsettled", reason, UNKNOWN, batch)

    def let_go(self, span: Span) -> None: ...

    def tick(self, now_ns: int) -> None: ...

    def hand_over(self) -> None: ...

    def _all(self, batch: Batch, outcome: str, reason: str | None) -> None:
        for span in batch.spans:
            self._span(span, outcome, reason, batch.settled_at_ns, batch)

    def _span(self, span: Span, outcome: str, reason: str | None, at_ns: int, batch: Batch | None) -> None:
        for item_id in range(span.first, span.end):
            due_ns = span.block.due(item_id)
            if due_ns == AS_DUE:  # a saturating load: intended when admitted
                due_ns = span.admitted_at_ns if span.admitted_at_ns >= 0 else span.offered_at_ns
            stamps = (
                span.offered_at_ns,
                span.admitted_at_ns,
                batch.first_sent_at_ns if batch else UNKNOWN,
                batch.sent_at_ns if batch else UNKNOWN,
                at_ns,
            )
            self.items.append(
                (
                    item_id,
                    due_ns,
                    *(due_ns if at == AS_DUE else _known(at) for at in stamps),
                    batch.batch_id if batch else None,
                    outcome,
                    reason,
                    batch.attempt if batch else 0,
                    span.block.nbytes(item_id, item_id + 1),
                    self._block_phases[span.block.number],  # type: ignore[attr-defined]
                )
            )

    def _batch(self, batch: Batch, outcome: str, settled_at_ns: int) -> None:
        limits = batch.limits
        self.batches.append(
            (
                batch.batch_id,
                _known(batch.parent_batch_id),
                batch.attempt,
                FlushCause(batch.cause).name.lower(),
                batch.spans[0].first,
                batch.spans[-1].end - 1,
                batch.opened_at_ns,
                batch.closed_at_ns,
                _known(batch.sent_at_ns),
                _known(settled_at_ns),
                _known(batch.next_attempt_at_ns),
                batch.item_count,
                batch.payload_bytes,
                outcome,
                batch.error or None,
                limits.max_size,
                limits.max_wait_ns if limits.max_wait_ns < NEVER else None,
                batch.depth_at_close,
                batch.oldest_age_ns,
                batch.in_flight,
                batch.worker,
            )
        )


def _known(value: int) -> int | None:
    return value if value >= 0 else None
