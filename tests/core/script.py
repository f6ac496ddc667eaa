"""A scripted world around the core: it tells arrivals, settles, fails, fires timers, and keeps what was answered.

Must live here: the driver that obeys the core as the lanes do, without threads or a clock. Must not: assertions
about the core (the tests'), random draws (`scripts`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestexp.core.batch import Batch
from ingestexp.core.control import Static
from ingestexp.core.effects import (
    PAUSE,
    RESUME,
    Effect,
    WakeAt,
)
from ingestexp.core.events import DRAIN, STOP, TIMER_FIRED, Arrived, Event, SendFailed, SendSettled, Unspilled
from ingestexp.core.on_failure import ReportItems, RetryBatch, SkipBatch, SplitAndRetry
from ingestexp.core.pipeline import Pipeline
from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.core.span import AS_DUE, NEVER, Span
from ingestexp.core.spilling import SpillRules
from ingestexp.core.window import Limits
from ingestexp.engine.blocks import EvenBlock, UnevenBlock
from tests.core.disk import Disk
from tests.core.noting import note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Setup:
    """A pipeline's parameters. `disk_lazy`: this world's disk works as time passes, not at once."""

    overflow: Overflow = Overflow.BLOCK
    capacity: int = NEVER
    capacity_bytes: int = NEVER
    max_size: int = 4
    max_wait_ns: int = NEVER
    max_bytes: int = NEVER
    workers: int = 1
    ordered: bool = False
    max_attempts: int = 3
    backoff_ns: int = 7
    timer_late_ns: int = 0
    spill_bytes: int = NEVER
    spill_drops: bool = False
    disk_lazy: bool = False
    on_failure: type[RetryBatch | SkipBatch | SplitAndRetry | ReportItems] = RetryBatch

    def pipeline(self, kind: type[Pipeline] = Pipeline) -> Pipeline:
        return kind(
            bounds=Bounds(self.capacity, self.capacity_bytes),
            overflow=self.overflow,
            control=Static(Limits(self.max_size, self.max_wait_ns, self.max_bytes)),
            on_failure=self.on_failure(Retry(self.max_attempts, self.backoff_ns)),
            workers=self.workers,
            ordered=self.ordered,
            spill=SpillRules(self.spill_bytes, self.spill_drops) if self.overflow is Overflow.SPILL else None,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a script, `gap_ns` after the one before. `pick` chooses among what is in flight."""

    kind: str
    gap_ns: int = 0
    sizes: tuple[int, ...] = ()
    pick: int = 0


class Deadlock(AssertionError):
    """Nothing in flight, no timer set, and yet not everything is settled; or a timer that gets nowhere."""


def make_block(first: int, due_ns: Sequence[int], sizes: Sequence[int]) -> EvenBlock:
    """A block without payloads: even if all sizes are the same."""
    due = np.array(due_ns, np.int64)
    if len(set(sizes)) == 1:
        return EvenBlock(0, first, len(due), due, sizes[0], None)
    return UnevenBlock(0, first, len(due), due, np.array(sizes, np.int32), None)


class World:
    """Plays a script against one pipeline. `log` holds (instant, event, effects), `watch` sees each as it happens."""

    def __init__(
        self,
        setup: Setup,
        watch: Callable[[World, Event, list[Effect]], None] | None = None,
        core: Pipeline | None = None,
    ) -> None:
        self.setup = setup
        self.core = core or setup.pipeline()
        self.now_ns = 0
        self.wake_at_ns = NEVER
        self.paused = False
        self.flying: list[Batch] = []
        self.log: list[tuple[int, Event, list[Effect]]] = []
        self.notes: list[tuple[Any, ...]] = []
        self.next_id = 0
        self.disk = Disk(setup.spill_bytes)
        self._watch = watch
        self._busy = False
        self._withheld: deque[tuple[EvenBlock, int, int]] = deque()

    # -- the script -----------------------------------------------------------------------------------

    def play(self, steps: Sequence[Step]) -> World:
        for step in steps:
            self.advance(self.now_ns + step.gap_ns)
            if step.kind == "arrive":
                self.arrive(step.sizes)
            elif step.kind in ("drain", "stop"):
                self.handle(DRAIN if step.kind == "drain" else STOP)
            elif self.flying:
                batch = self.flying[step.pick % len(self.flying)]
                if step.kind == "settle":
                    self.settle(batch)
                else:
                    self.fail(batch, permanent=step.kind == "reject")
        return self

    def arrive(self, sizes: Sequence[int]) -> None:
        """A span of len(sizes) items falls due now; told at once, or at the resume if the core has paused the load."""
        block = make_block(self.next_id, [self.now_ns] * len(sizes), sizes)
        self.next_id = block.end
        self._withheld.append((block, block.first, block.end))
        self._tell()

    def settle(self, batch: Batch) -> None:
        self.flying.remove(batch)
        batch.settled_at_ns = self.now_ns
        self.handle(SendSettled(batch))

    def fail(self, batch: Batch, permanent: bool = False) -> None:
        self.flying.remove(batch)
        batch.settled_at_ns = self.now_ns
        batch.error = "scripted"
        self.handle(SendFailed(batch, permanent, 0.5))

    def advance(self, to_ns: int) -> None:
        """Let time pass, firing the timer where it falls (or `timer_late_ns` after)."""
        while self.wake_at_ns < NEVER and max(self.now_ns, self.wake_at_ns + self.setup.timer_late_ns) <= to_ns:
            self.now_ns = max(self.now_ns, self.wake_at_ns + self.setup.timer_late_ns)
            self.wake_at_ns = NEVER
            self.handle(TIMER_FIRED)
        self.now_ns = to_ns
        self._listen()

    def finish(self) -> World:
        """The end of a run whose sink is well: all that fell due is told, then drained. Raises Deadlock."""
        self._settle_until(lambda: not self._withheld)
        self.handle(DRAIN)
        self._settle_until(lambda: self.core.done)
        return self

    def stop(self) -> World:
        """Give up, as a live run does: what is still held back at the source is told after the STOP."""
        self.handle(STOP)
        self.paused = False
        self._tell()
        return self

    def _settle_until(self, over: Callable[[], bool]) -> None:
        while not over():
            self._listen()
            if over():
                return
            if self.flying:
                self.advance(self.now_ns + 1)
                self.settle(self.flying[0])
            elif self.wake_at_ns < NEVER:
                self.advance(self.wake_at_ns + self.setup.timer_late_ns)
            else:
                raise Deadlock(f"{self.core.offered} offered, {self.core.settled} settled, paused: {self.paused}")

    # -- the core -------------------------------------------------------------------------------------

    def handle(self, event: Event) -> list[Effect]:
        """Tell the core and obey it."""
        effects = self.core.handle(event, self.now_ns)
        for effect in effects:
            self.notes.append((self.now_ns, *note(effect)))
            if isinstance(effect, Batch):
                self._send(effect)
            elif isinstance(effect, WakeAt):
                if effect.at_ns <= self.now_ns:
                    raise Deadlock(f"a timer wished for {effect.at_ns} at {self.now_ns}: it would fire for ever")
                self.wake_at_ns = effect.at_ns
            elif effect is PAUSE or effect is RESUME:
                self.paused = effect is PAUSE
            self.disk.wants(effect)
        self.log.append((self.now_ns, event, effects))
        if self._watch is not None:
            self._watch(self, event, effects)
        if effects and not self.paused and self._withheld and not isinstance(event, Arrived):
            self._tell()
        if event is STOP:
            self.handle(Unspilled(self.disk.left()))
        elif not self.setup.disk_lazy:
            self._listen()
        return effects

    def _listen(self) -> None:
        """Tell the core what the disk has to say."""
        if self._busy or self.core.stopped:
            return
        self._busy = True
        for event in self.disk.events():
            self.handle(event)
        self._busy = False

    def _send(self, batch: Batch) -> None:
        batch.sent_at_ns = self.now_ns
        if batch.first_sent_at_ns < 0:
            batch.first_sent_at_ns = self.now_ns
        self.flying.append(batch)

    def _tell(self) -> None:
        while self._withheld and not self.paused:
            block, first, end = self._withheld.popleft()
            late = block.due(first) < self.now_ns
            admitted_at_ns = self.now_ns if late or end - first > 1 else AS_DUE
            self.handle(Arrived(Span(block, first, end, AS_DUE, admitted_at_ns)))
