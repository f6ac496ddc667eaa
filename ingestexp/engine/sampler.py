"""The run over time: a row of `samples` at fixed instants.

Must live here: what is looked at, and the count of what fell due. Must not: when (the lanes and the live run's main
loop), how rows are stored (`trace`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.core.span import NEVER
from ingestexp.ports import Saturate

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestexp.core.pipeline import Pipeline
    from ingestexp.engine.probes import HostProbe
    from ingestexp.ports import Load
    from ingestexp.trace.writer import TraceWriter

FLUSH_NS: Final = 1_000_000_000
MOST_STRETCHES: Final = 128
"""Looked through at one go: a recording may have millions of items due at one instant."""


class DueCounter:
    """How many items fell due by an instant, from the load itself: a blocked source does not hide them."""

    def __init__(self, load: Load | Saturate) -> None:
        self._stretches = iter(()) if isinstance(load, Saturate) else load.stretches(8192)
        self._due: Any = np.empty(0, np.int64)
        self._before = 0

    def at(self, now_ns: int) -> int:
        """Items with an intended arrival <= `now_ns`; never ask for an earlier instant than before.

        Counts at most a million items further than the last time, so it may lag behind a steeper load.
        """
        for _ in range(MOST_STRETCHES):
            if len(self._due) and self._due[-1] > now_ns:
                break
            self._before += len(self._due)
            stretch = next(self._stretches, None)
            self._due = np.empty(0, np.int64) if stretch is None else stretch.due_ns
            if stretch is None:
                break
        return self._before + int(np.searchsorted(self._due, now_ns, side="right"))


class Sampler:
    """Takes a row every `every_ns`. Without a `probe` (simulated clock) the host's figures are NULL.

    `offered_beside`: how many items that are not the load's were offered so far.
    """

    def __init__(
        self,
        core: Pipeline,
        load: Load | Saturate,
        every_ns: int,
        writer: TraceWriter | None,
        probe: HostProbe | None,
    ) -> None:
        self.next_at_ns = 0
        self.every_ns = every_ns
        self.peak_rss_bytes = 0
        self.offered_beside: Callable[[], int] = lambda: 0
        self._core = core
        self._saturate = isinstance(load, Saturate)
        self._due = DueCounter(load)
        self._writer = writer
        self._probe = probe
        self._rows: list[tuple[Any, ...]] = []
        self._flushed_at_ns = 0

    def look_ahead(self, now_ns: int) -> None:
        """Count what is due by then: the slow part of an observation, to be done without the turn."""
        if self._core.admission.paused:
            self._due.at(now_ns)

    def observe(self, now_ns: int) -> None:
        """Take a row now (with the turn held, in a live run) and plan the next."""
        self.next_at_ns = now_ns - now_ns % self.every_ns + self.every_ns
        self._rows.append(self._row(now_ns))

    def flush(self, now_ns: int, at_least_ns: int | None = None) -> None:
        """Hand the rows over when the oldest is `at_least_ns` old (0: in any case; None: as parts are closed)."""
        if at_least_ns is None:
            at_least_ns = FLUSH_NS if self._writer is None else min(FLUSH_NS, self._writer.part_ns)
        if not self._rows or now_ns - self._flushed_at_ns < at_least_ns:
            return
        rows, self._rows = self._rows, []
        self._flushed_at_ns = now_ns
        if self._writer is not None:
            self._writer.put_samples(rows)

    def lag_items(self, now_ns: int) -> int:
        """Due minus settled: unlike arrived minus settled, `block` can't cap it.

        While the source is not held back, what was offered is what is due, but for its lateness.
        """
        core = self._core
        due = core.offered
        if core.admission.paused and not self._saturate:
            due = max(due, self._due.at(now_ns) + self.offered_beside())
        return due - core.settled

    def _row(self, now_ns: int) -> tuple[Any, ...]:
        core = self._core
        admission = core.admission
        queue = admission.queue
        limits = core.control.limits
        probe = self._probe
        rss_bytes = probe.rss_bytes() if probe else None
        self.peak_rss_bytes = max(self.peak_rss_bytes, rss_bytes or 0)
        return (
            now_ns,
            queue.items,
            queue.nbytes,
            max(0, now_ns - queue.first_arrival_ns()) if queue.items else 0,
            self.lag_items(now_ns),
            core.in_flight,
            core.offered,
            core.committed,
            core.dropped,
            core.dead_lettered,
            admission.spilled_items,
            admission.reserved_items,
            rss_bytes,
            probe.cpu_ns() if probe else None,
            probe.steal_ns() if probe else None,
            probe.psi_cpu_some_us() if probe else None,
            probe.psi_io_full_us() if probe else None,
            probe.stall_max_ns() if probe else None,
            probe.disk_stall_max_ns() if probe else None,
            limits.max_size,
            limits.max_wait_ns if limits.max_wait_ns < NEVER else None,
            self._writer.stall_ns if self._writer and probe else 0,
        )
