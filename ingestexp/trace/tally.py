"""What the sinks' counters add up to, and the stand-in for a recorder when the trace is off.

Must live here: sums over the run. Must not: anything per item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.ports import Settled
from ingestexp.trace.records import BATCH_OUTCOME_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span

_FAILED: Final = [code for name, code in BATCH_OUTCOME_CODES.items() if name not in ("committed", "unsettled")]

NOTHING: Final = Settled()
"""The counters of an attempt that did not come to its end."""


class Totals:
    """Running sums of the attempts' counters. A sink that answers with one and the same object is summed at the end."""

    __slots__ = ("_ack", "_repeats", "_sums", "attempts_failed", "batches")

    def __init__(self) -> None:
        self.batches = 0
        self.attempts_failed = 0
        self._ack = NOTHING
        self._repeats = 0
        self._sums = {"commits": 0, "fsyncs": 0, "round_trips": 0, "syscalls": 0, "wire_bytes": 0}

    def add(self, batch: Batch) -> None:
        self.batches += 1
        ack = batch.ack
        if ack is self._ack:
            self._repeats += 1
        else:
            self._take_in()
            self._ack = ack or NOTHING
            self._repeats = 1

    def plus(self, records: Any, acks: Any) -> Totals:
        """These and the attempts of `records` (BATCH_DTYPE, (n,)), as a sum of its own. `acks` ACK_DTYPE, (m,)."""
        both = Totals()
        both.batches = self.batches + len(records)
        outcomes = records["outcome"]
        repeats = np.bincount(records["ack"], minlength=len(acks))
        both.attempts_failed = self.attempts_failed + int(np.isin(outcomes, _FAILED).sum())
        both._sums = {name: total + int(repeats @ acks[name]) for name, total in self.sums().items()}
        return both

    def sums(self) -> dict[str, int]:
        """commits, fsyncs, round_trips, syscalls, wire_bytes so far."""
        self._take_in()
        return dict(self._sums)

    def _take_in(self) -> None:
        if self._repeats and self._ack is not NOTHING:
            for name in self._sums:
                self._sums[name] += self._repeats * int(getattr(self._ack, name))
        self._repeats = 0


class Tally:
    """Instead of a recorder when the trace is off: adds up the sinks' counters, keeps nothing of any item."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.committed = self.totals.add

    def register(self, first: int, count: int, due_ns: Any, sizes: Any, phase: int, marks: Any = None) -> int:
        return 0

    def attempt_failed(self, batch: Batch, permanent: bool) -> None:
        self.totals.add(batch)
        self.totals.attempts_failed += 1

    def dead_lettered(self, batch: Batch, permanent: bool, reason: str) -> None:
        self.attempt_failed(batch, permanent)

    def skipped(self, batch: Batch, permanent: bool) -> None:
        self.attempt_failed(batch, permanent)

    def partly_committed(self, batch: Batch, spans: list[Span]) -> None:
        self.attempt_failed(batch, True)

    def parked(self, batch: Batch, spans: list[Span], reason: str, errors: Mapping[int, str]) -> None: ...

    def dropped(self, span: Span, reason: str, at_ns: int) -> None: ...

    def unsettled(self, span: Span, reason: str, batch: Batch | None) -> None:
        if batch is not None and reason == "in_flight" and span is batch.spans[0]:
            self.totals.add(batch)

    def let_go(self, span: Span) -> None: ...

    def tick(self, now_ns: int) -> None: ...

    def hand_over(self) -> None: ...
