"""A live run from the first thread to the last: start, watch, end.

Must live here: threads, their places, the deadline, what an interrupt does. Must not: waiting for arrivals or
writes (the lanes), the trace's files.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from ingestexp.core.events import STOP, Arrived, Unspilled
from ingestexp.engine.drive import drive, obey
from ingestexp.engine.envelope_lane import EnvelopeLane
from ingestexp.engine.envelope_load import EnvelopedLoad
from ingestexp.engine.floor import Floor, RunClock
from ingestexp.engine.placement import all_cores, calm_collector, pin_thread, sharpen_timer, split_cores, wake_collector
from ingestexp.engine.redrive_lane import RedriveLane
from ingestexp.engine.source import OpenLoopLane, SaturateLane
from ingestexp.engine.spill_desk import SpillDesk
from ingestexp.engine.spill_lane import spill_lanes
from ingestexp.engine.spill_release import ReleasingRecorder
from ingestexp.engine.worker import WorkerLane
from ingestexp.ports import Saturate, Timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestexp.core.effects import Effect
    from ingestexp.core.pipeline import Pipeline
    from ingestexp.engine.drive import Lane, Recording
    from ingestexp.engine.redrive_lane import Redriving
    from ingestexp.engine.sampler import Sampler
    from ingestexp.ports import Load, Payloads, Sink
    from ingestexp.spill_port import SpillStore

START_DELAY_NS = 20_000_000
LAST_WRITES_S = 10.0


class Watcher(Protocol):
    """Looks at the run between samples (the progress line) and passes on what the user wants."""

    def look(self, now_ns: int, core: Pipeline) -> None: ...

    def interrupts(self) -> int:
        """How often the user asked for the end: 1 drains, 2 stops at once."""


@dataclass(slots=True)
class RunEnd:
    """How the run ended. Instants by the run's clock, ns; `source_core` None when the source had none of its own.

    `parked_again`: dead letters that had their rounds, of which the core knows nothing.
    """

    load_ended_at_ns: int
    ended_at_ns: int
    interrupted: bool
    error: BaseException | None
    source_core: int | None
    started_wall_s: float
    parked_again: int = 0


class LiveRun:
    """Owns the threads of one run. `uniform` draws the retry jitter (with the turn not held).

    `spill` is where `policy=spill` puts what finds no room in memory; it is closed by whoever made it.
    `redriving` is offered beside the load; `begun` is told the instant 0 of the run's clock, in ns of the calendar.
    """

    def __init__(
        self,
        core: Pipeline,
        recorder: Recording,
        load: Load | Saturate,
        payloads: Payloads,
        sink: Sink,
        uniform: Callable[[], float],
        drain_ns: int,
        sampler: Sampler,
        watcher: Watcher,
        redriving: Redriving | None = None,
        begun: Callable[[int], None] = lambda zero_unix_ns: None,
        spill: SpillStore | None = None,
    ) -> None:
        releasing = None if spill is None else ReleasingRecorder(recorder)
        recorder = releasing or recorder
        self._begun = begun
        self._core = core
        self._recorder = recorder
        self._load = load
        self._drain_ns = drain_ns
        self._sampler = sampler
        self._watcher = watcher
        self._clock = RunClock()
        self._floor = Floor(core, recorder, self._clock)
        self._disk_lanes: list[Lane] = []
        if spill is not None and releasing is not None:
            releasing.desk = self._floor.spill_desk = desk = SpillDesk(spill, recorder)
            self._disk_lanes = spill_lanes(self._floor, desk)
        if isinstance(sink, Timed):
            sink.start(self._clock)
        self._workers = [WorkerLane(number, self._floor, sink, uniform) for number in range(core.free_workers)]
        self._source: OpenLoopLane | SaturateLane | EnvelopeLane
        if isinstance(load, Saturate):
            self._source = SaturateLane(self._floor, load, payloads)
        elif isinstance(load, EnvelopedLoad):
            self._source = EnvelopeLane(self._floor, load, payloads, redriving.base_id if redriving else 0)
        else:
            self._source = OpenLoopLane(self._floor, load, payloads, redriving.base_id if redriving else 0)
        self._redrive = None if redriving is None else RedriveLane(self._floor, redriving.feed, redriving.rate_per_s)
        if self._redrive is not None:
            sampler.offered_beside = self._redrive.offered_so_far
        payloads.take(0, 64)  # the first take may cost an allocator's start

    def run(self) -> RunEnd:
        """Run to the end: the load over and everything settled, or given up `drain_ns` later, or interrupted."""
        # A saturating source has no lateness to protect: there the scheduler knows better.
        source_core, other_cores = (None, all_cores()) if isinstance(self._load, Saturate) else split_cores()
        lanes: list[tuple[Lane, frozenset[int]]] = [(worker, other_cores) for worker in self._workers]
        lanes.append((self._source, frozenset([source_core]) if source_core is not None else other_cores))
        lanes += [(lane, other_cores) for lane in (self._redrive, *self._disk_lanes) if lane is not None]
        threads = [
            threading.Thread(target=self._thread, args=lane, name=f"lane-{number}", daemon=True)
            for number, lane in enumerate(lanes)
        ]
        calm_collector()
        try:
            pin_thread(other_cores)
            self._start_workers(threads[: len(self._workers)])
            self._clock.start_in(START_DELAY_NS)
            zero_unix_ns = time.time_ns() + START_DELAY_NS
            self._begun(zero_unix_ns)
            if self._redrive is not None:
                self._redrive.zero_unix_ns = zero_unix_ns
            for thread in threads[len(self._workers) :]:
                thread.start()
            interrupted = self._watch()
            if self._floor.error is not None:
                self._break_off()
            for thread in threads:
                thread.join(LAST_WRITES_S)
            self._give_up_the_rest()
        finally:
            wake_collector()
            pin_thread(other_cores | ({source_core} if source_core is not None else set()))
        floor = self._floor
        return RunEnd(
            self._load_ended_at_ns(),
            floor.ended_at_ns,
            interrupted,
            floor.error,
            source_core,
            zero_unix_ns / 1e9,
            0 if self._redrive is None else self._redrive.parked,
        )

    def _start_workers(self, threads: list[threading.Thread]) -> None:
        """And wait until they are idle: on a busy host a thread may need longer than the clock's start leaves it."""
        for thread in threads:
            thread.start()
        while len(self._floor.idle) < len(threads) and not self._floor.finished:
            time.sleep(0.0005)

    def _thread(self, lane: Lane, cores: frozenset[int]) -> None:
        pin_thread(cores)
        sharpen_timer()
        try:
            drive(lane, self._core, self._recorder)
        except BaseException as error:
            with self._floor.turn:
                self._floor.fail(error)

    def _watch(self) -> bool:
        """Sample and report until the run is over; True if the user ended it."""
        floor, sampler = self._floor, self._sampler
        seen = 0
        while not floor.over.wait(max(0.001, (sampler.next_at_ns - self._clock.now_ns()) / 1e9)):
            now_ns = self._clock.now_ns()
            if now_ns >= max(0, sampler.next_at_ns):
                sampler.look_ahead(now_ns)
                with floor.turn:
                    sampler.observe(now_ns)
                    try:
                        self._recorder.tick(now_ns)
                        sampler.flush(now_ns)
                    except Exception as error:
                        floor.fail(error)
                self._watcher.look(now_ns, self._core)
            interrupts = self._watcher.interrupts()
            if interrupts > seen:
                seen = interrupts
                self._source.close()
                if self._redrive is not None:
                    self._redrive.close()
            if interrupts > 1 or now_ns > self._deadline_ns():
                with floor.turn:
                    self._stop()
        return bool(self._watcher.interrupts())

    def _deadline_ns(self) -> int:
        redrive_ends_at_ns = 0 if self._redrive is None or self._redrive.closing else self._redrive.duration_ns
        return max(self._load_ended_at_ns(otherwise=self._clock.now_ns()), redrive_ends_at_ns) + self._drain_ns

    def _load_ended_at_ns(self, otherwise: int = 0) -> int:
        """By the load's own calendar, unless it was cut short; a saturating load has none but its source's."""
        ended_at_ns = self._source.load_ended_at_ns
        if not isinstance(self._load, Saturate):
            cut_short = self._source.closing and ended_at_ns
            return min(ended_at_ns, self._load.duration_ns) if cut_short else self._load.duration_ns
        return ended_at_ns or otherwise

    def _stop(self) -> None:
        """Give up what has not settled (with the turn held)."""
        floor = self._floor
        if not floor.finished:
            self._obey_all(self._core.handle(STOP, self._clock.now_ns()))
            floor.finish()

    def _break_off(self) -> None:
        """After an error, which is kept: else a worker would go on with what is queued."""
        with self._floor.turn, contextlib.suppress(Exception):
            self._obey_all(self._core.handle(STOP, self._clock.now_ns()))

    def _give_up_the_rest(self) -> None:
        """After the lanes have gone home: whatever has no fate yet is unsettled, also what never left the source."""
        floor, core = self._floor, self._core
        with floor.turn:
            behind = self._source.left_blocked or core.stopped
            until_ns = self._load_ended_at_ns() if behind else -1
            try:
                if not core.stopped:
                    self._obey_all(core.handle(STOP, floor.ended_at_ns))
                left_over = () if self._redrive is None else self._redrive.left_over()
                for span in chain(self._source.blocked_at_source(until_ns), left_over):
                    self._obey_all(core.handle(Arrived(span), floor.ended_at_ns))
                for spans in () if floor.spill_desk is None else floor.spill_desk.left():
                    self._obey_all(core.handle(Unspilled(spans), floor.ended_at_ns))
            except Exception as error:
                floor.fail(error)  # the evidence could not be written

    def _obey_all(self, effects: list[Effect]) -> None:
        for effect in effects:
            obey(effect, self._source, self._recorder)
