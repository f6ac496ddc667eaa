"""What the live lanes share: the turn, the idle workers, the timer, the end.

Must live here: state that only whoever has the turn may touch, and the clock. Must not: waiting for arrivals
(`source`) or for writes (`worker`).
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ingestexp.core.span import NEVER

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.core.pipeline import Pipeline
    from ingestexp.core.span import Span
    from ingestexp.engine.drive import Recording
    from ingestexp.engine.spill_desk import SpillDesk
    from ingestexp.engine.worker import WorkerLane


class RunClock:
    """Monotonic nanoseconds from the start of the run; negative before it."""

    def __init__(self) -> None:
        self._zero_ns = time.perf_counter_ns()

    def start_in(self, delay_ns: int) -> None:
        """Put the zero `delay_ns` from now."""
        self._zero_ns = time.perf_counter_ns() + delay_ns

    def now_ns(self) -> int:
        return time.perf_counter_ns() - self._zero_ns


class Floor:
    """One turn at a time. An idle worker is the timer: the one that has been idle longest keeps it."""

    def __init__(self, core: Pipeline, recorder: Recording, clock: RunClock) -> None:
        self.core = core
        self.recorder = recorder
        self.clock = clock
        self.turn = threading.Lock()
        self.idle: list[WorkerLane] = []
        self.sources = 1  # lanes that still have something to offer
        self.wake_at_ns = NEVER
        self.finished = False
        self.ended_at_ns = 0
        self.error: BaseException | None = None
        self.paused = False
        self.resumed_at_ns = -1
        self.source_gate = threading.Lock()
        self.source_gate.acquire()
        self.over = threading.Event()
        self.spill_desk: SpillDesk | None = None

    # Everything below is called with the turn held.

    def hand_to_idle(self, batch: Batch) -> None:
        """Wake an idle worker for the batch: the last to lie down, so that the timekeeper goes last."""
        worker = self.idle.pop()
        worker.batch = batch
        worker.poke()

    def set_timer(self, at_ns: int) -> None:
        self.wake_at_ns = at_ns
        if at_ns < NEVER and self.idle and self.idle[0].waits_until_ns > at_ns:
            self.idle[0].poke()

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self.resumed_at_ns = self.clock.now_ns()
        self.poke_source()

    def spill(self, span: Span) -> None:
        if self.spill_desk is not None:
            self.spill_desk.hand(span)

    def unspill(self, max_items: int, max_bytes: int) -> None:
        if self.spill_desk is not None:
            self.spill_desk.ask(max_items, max_bytes)

    def poke_source(self) -> None:
        if self.source_gate.locked():
            self.source_gate.release()

    def check_done(self) -> bool:
        """End the run once nothing is left to do."""
        if not self.finished and self.core.done:
            self.finish()
        return self.finished

    def finish(self) -> None:
        self.finished = True
        self.ended_at_ns = self.clock.now_ns()
        for worker in self.idle:
            worker.poke()
        self.poke_source()
        if self.spill_desk is not None:
            self.spill_desk.poke()
        self.over.set()

    def fail(self, error: BaseException) -> None:
        """The run can't go on: keep the first error, let everybody go home."""
        if self.error is None:
            self.error = error
        if not self.finished:
            self.finish()
