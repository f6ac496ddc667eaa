"""The pipeline machine: `handle(event, now_ns) -> effects`. Same events, same times, same effects: always.

Must live here: the order of things — what an event changes, which batch goes next, when to wake. Must not: the
rules themselves (`policy`, `window`, `on_failure`, `control`), clocks, I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.core.attempts import Attempts
from ingestexp.core.batch import FlushCause
from ingestexp.core.effects import Effect, Unsettled, WakeAt
from ingestexp.core.events import DRAIN, STOP, TIMER_FIRED, Arrived, Event, SendFailed, SendSettled, Unspilled
from ingestexp.core.isolation import Isolation
from ingestexp.core.policy import Admission
from ingestexp.core.span import NEVER, UNKNOWN, Block, Span
from ingestexp.core.spilling import SpillAdmission
from ingestexp.core.window import close_batch

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.core.control import Control
    from ingestexp.core.on_failure import OnFailure
    from ingestexp.core.policy import Overflow
    from ingestexp.core.queue import Bounds
    from ingestexp.core.spilling import SpillRules

_BYTES = int(FlushCause.BYTES)


class Pipeline:
    """Queue, window, retries and the count of free workers. Counters are running totals of items.

    `ordered`: no new batch is sent while one waits for its next attempt (head-of-line blocking).
    """

    __slots__ = (
        "_attempts",
        "_drained_at_ns",
        "_flying",
        "_isolation",
        "_next_batch_id",
        "_queue",
        "_waiting",
        "_wake_at_ns",
        "_whole",
        "admission",
        "control",
        "draining",
        "free_workers",
        "offered",
        "ordered",
        "stopped",
        "unsettled",
    )

    def __init__(
        self,
        *,
        bounds: Bounds,
        overflow: Overflow,
        control: Control,
        on_failure: OnFailure,
        workers: int = 1,
        ordered: bool = False,
        spill: SpillRules | None = None,
    ) -> None:
        self.admission = Admission(bounds, overflow) if spill is None else SpillAdmission(bounds, spill)
        self.control = control
        self.ordered = ordered
        self.free_workers = workers
        self.draining = False
        self.stopped = False
        self.offered = self._whole = self.unsettled = 0
        self._queue = self.admission.queue
        self._attempts = Attempts()
        self._flying = self._attempts.flying
        self._waiting = self._attempts.waiting
        self._isolation = Isolation(on_failure, self.admission, self._attempts)
        self._next_batch_id = 0
        self._drained_at_ns = NEVER
        self._wake_at_ns = NEVER

    @property
    def in_flight(self) -> int:
        """Batches handed to workers and not yet settled."""
        return len(self._flying)

    @property
    def committed(self) -> int:
        """Items that the sink took, in whole batches or in part of one."""
        return self._whole + self._isolation.committed

    @property
    def dead_lettered(self) -> int:
        """Items that were parked."""
        return self._isolation.dead_lettered

    @property
    def dropped(self) -> int:
        """Items that the overflow policy or `skip_batch` let go."""
        return self.admission.dropped + self._isolation.skipped

    @property
    def settled(self) -> int:
        """Items whose fate is known."""
        return self.committed + self.dropped + self.dead_lettered + self.unsettled

    @property
    def done(self) -> bool:
        """The load is over and nothing is left to do."""
        return self.stopped or (self.draining and self.settled == self.offered)

    def wants(self, block: Block, first: int, end: int) -> int:
        """How many of the arrivals first..end-1 may be told at once before an answer could change (at least 1).

        For a driver that tells arrivals at their own due times; it must not tell any past the next settle or timer.
        """
        admission, queue = self.admission, self._queue
        if not (room := admission.room()):
            return admission.wants_when_full(block, first, end, self.free_workers)
        if self.free_workers:
            limits = self.control.limits
            room = min(room, limits.max_size - queue.items if queue.items else 1)
            if limits.max_bytes < NEVER:
                room = min(room, block.fit(first, end, limits.max_bytes - queue.nbytes - 1) - first + 1)
        if admission.bounds.nbytes < NEVER:
            room = min(room, block.fit(first, end, admission.room_bytes()) - first)
        return min(max(room, 1), end - first)

    def handle(self, event: Event, now_ns: int) -> list[Effect]:
        """Take note of the event and say what is to be done about it, in order."""
        effects: list[Effect] = []
        kind = type(event)
        if kind is Arrived:
            span: Span = event.span  # type: ignore[union-attr]
            self.offered += span.end - span.first
            if self.stopped or not self.admission.admit(span):
                self._not_admitted(span, now_ns, effects)
            if not self.free_workers and not self.admission.paused:
                return effects  # nobody could take it
        elif kind is SendSettled:
            batch: Batch = event.batch  # type: ignore[union-attr]
            if self._flying.pop(batch.batch_id, None) is None:
                return effects  # given up before: it is unsettled already
            self.free_workers += 1
            self._whole += batch.item_count
            if self.control.observes:
                self.control.observe(batch, now_ns)
            effects.append(event)  # type: ignore[arg-type]
        elif kind is SendFailed:
            self._fail(event, now_ns, effects)  # type: ignore[arg-type]
        elif event is TIMER_FIRED:
            self._wake_at_ns = NEVER
        elif event is DRAIN:
            self.draining = True
            self._drained_at_ns = now_ns
        elif event is STOP:
            self._stop(effects)
        else:
            self._hear(event, effects)
        if not self.stopped:
            self._dispatch(now_ns, effects)
        return effects

    def _not_admitted(self, span: Span, now_ns: int, effects: list[Effect]) -> None:
        if self.stopped:
            span.admitted_at_ns = UNKNOWN
            self._give_up(span, "blocked", None, effects)
        else:
            self.admission.overflow_by(span, now_ns, effects)

    def _fail(self, event: SendFailed, now_ns: int, effects: list[Effect]) -> None:
        batch = event.batch
        if self._flying.pop(batch.batch_id, None) is None:
            return
        self.free_workers += 1
        if self.control.observes:
            self.control.observe(batch, now_ns)
        self._isolation.fail(event, now_ns, effects)

    def _stop(self, effects: list[Effect]) -> None:
        """Everything not settled is unsettled: what is out, then what is queued, then what is held at the source."""
        self.stopped = True
        for span, reason, batch in self._attempts.give_up():
            self._give_up(span, reason, batch, effects)
        for span, reason in self.admission.clear():
            self._give_up(span, reason, None, effects)

    def _hear(self, event: Event, effects: list[Effect]) -> None:
        """What the disk says; after the end only what is left on it."""
        if not self.stopped:
            self.admission.hear(event, effects)
        elif isinstance(event, Unspilled):
            for span in event.spans:
                self._give_up(span, "spilled", None, effects)

    def _give_up(self, span: Span, reason: str, batch: Batch | None, effects: list[Effect]) -> None:
        self.unsettled += span.end - span.first
        effects.append(Unsettled(span, reason, batch))

    def _dispatch(self, now_ns: int, effects: list[Effect]) -> None:
        """Give every free worker a batch, as long as there is one; then say when to look again."""
        admission, queue, waiting, flying = self.admission, self._queue, self._waiting, self._flying
        if admission.paused:
            admission.release(now_ns, effects)
        while self.free_workers:
            batch: Batch | None = None
            if waiting and waiting[0][0] <= now_ns:
                batch = self._retry()
            elif queue.items and not (waiting and self.ordered):
                batch = close_batch(self._next_batch_id, queue, self.control.limits, now_ns, self._drained_at_ns)
                if batch is None and admission.stuck():
                    limits = self.control.limits
                    batch = close_batch(self._next_batch_id, queue, limits, now_ns, self._drained_at_ns, _BYTES)
            if batch is None:
                wake_at_ns = self._next_wake_ns()
                break
            flying[self._next_batch_id] = batch
            self._next_batch_id += 1
            self.free_workers -= 1
            batch.in_flight = len(flying)
            effects.append(batch)
            if admission.paused:
                admission.release(now_ns, effects)
        else:
            wake_at_ns = NEVER
        if admission.behind:
            admission.ask_back(self.free_workers, effects)
        if wake_at_ns != self._wake_at_ns:
            self._wake_at_ns = wake_at_ns
            effects.append(WakeAt(wake_at_ns))

    def _retry(self) -> Batch:
        batch = self._attempts.again(self._next_batch_id, self._queue.items)
        self.admission.reserved_items -= batch.item_count
        self.admission.reserved_bytes -= batch.payload_bytes
        return batch

    def _next_wake_ns(self) -> int:
        """When a free worker could find something to send without another event."""
        waiting = self._waiting
        wake_at_ns = waiting[0][0] if waiting else NEVER
        if self._queue.items and not (self.ordered and waiting):
            aged_at_ns = self._queue.first_arrival_ns() + self.control.limits.max_wait_ns
            wake_at_ns = aged_at_ns if aged_at_ns < wake_at_ns else wake_at_ns
        return wake_at_ns
