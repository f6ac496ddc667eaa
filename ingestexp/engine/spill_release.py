"""Tells the spill's desk what has a fate: what is settled need not stay on disk.

Must live here: a recording around a recording. Must not: what a fate is, when a segment is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span
    from ingestexp.engine.drive import Recording
    from ingestexp.engine.spill_desk import SpillDesk


class ReleasingRecorder:
    """Passes everything on; committed, dropped and dead-lettered items are released. Unsettled ones stay on disk."""

    def __init__(self, inner: Recording) -> None:
        self.desk: SpillDesk | None = None
        self._inner = inner
        self.register = inner.register
        self.attempt_failed = inner.attempt_failed
        self.unsettled = inner.unsettled
        self.let_go = inner.let_go
        self.tick = inner.tick
        self.hand_over = inner.hand_over

    def committed(self, batch: Batch) -> None:
        self._inner.committed(batch)
        self._settled(batch.spans)

    def dead_lettered(self, batch: Batch, permanent: bool, reason: str) -> None:
        self._inner.dead_lettered(batch, permanent, reason)
        self._settled(batch.spans)

    def skipped(self, batch: Batch, permanent: bool) -> None:
        self._inner.skipped(batch, permanent)
        self._settled(batch.spans)

    def partly_committed(self, batch: Batch, spans: list[Span]) -> None:
        self._inner.partly_committed(batch, spans)
        self._settled(spans)

    def parked(self, batch: Batch, spans: list[Span], reason: str, errors: Mapping[int, str]) -> None:
        self._inner.parked(batch, spans, reason, errors)
        self._settled(spans)

    def dropped(self, span: Span, reason: str, at_ns: int) -> None:
        self._inner.dropped(span, reason, at_ns)
        self._settled([span])

    def __getattr__(self, name: str) -> Any:
        """What a recorder has beside the port (envelopes, totals)."""
        return getattr(self._inner, name)

    def _settled(self, spans: list[Span]) -> None:
        if self.desk is not None:
            self.desk.settled(spans)
