"""What the sinks' counters add up to, and the stand-in for a recorder when the trace is off.

Must live here: sums over the run. Must not: anything per item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ingestexp.ports import Settled

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span

NOTHING: Final = Settled()
"""The counters of an attempt that did not come to its end."""


class Totals:
    """What the sinks' counters add up to over the run."""

    __slots__ = ("attempts_failed", "batches", "commits", "cpu_ns", "fsyncs", "round_trips", "syscalls", "wire_bytes")

    def __init__(self) -> None:
        self.batches = self.attempts_failed = self.commits = self.fsyncs = 0
        self.round_trips = self.syscalls = self.wire_bytes = self.cpu_ns = 0

    def add(self, batch: Batch) -> None:
        ack: Settled = batch.ack or NOTHING
        self.batches += 1
        self.commits += ack.commits
        self.fsyncs += ack.fsyncs
        self.round_trips += ack.round_trips
        self.syscalls += ack.syscalls
        self.wire_bytes += ack.wire_bytes


class Tally:
    """Instead of a recorder when the trace is off: adds up the sinks' counters, keeps nothing of any item."""

    def __init__(self) -> None:
        self.totals = Totals()

    def register(self, first: int, count: int, due_ns: Any, sizes: Any, phase: int) -> int:
        return 0

    def committed(self, batch: Batch) -> None:
        self.totals.add(batch)

    def attempt_failed(self, batch: Batch, permanent: bool) -> None:
        self.totals.add(batch)
        self.totals.attempts_failed += 1

    def dead_lettered(self, batch: Batch, permanent: bool, reason: str) -> None:
        self.attempt_failed(batch, permanent)

    def dropped(self, span: Span, reason: str, at_ns: int) -> None: ...

    def unsettled(self, span: Span, reason: str, batch: Batch | None) -> None: ...

    def tick(self, now_ns: int) -> None: ...

    def hand_over(self) -> None: ...
