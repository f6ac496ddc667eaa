"""A worker's lane: write, settle, find the next batch oneself; idle, be the timer.

Must live here: the wait for work or time, the attempt and its stamps (outside the turn). Must not: decisions.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ingestexp.core.events import TIMER_FIRED, SendFailed, SendSettled
from ingestexp.core.span import NEVER
from ingestexp.ports import BatchRejected, TransientSinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.core.events import Event
    from ingestexp.engine.floor import Floor
    from ingestexp.ports import Sink

_LONGEST_WAIT_S = 3600.0


class WorkerLane:
    """One batch in flight at a time. `uniform` draws the retry jitter."""

    def __init__(self, number: int, floor: Floor, sink: Sink, uniform: Callable[[], float]) -> None:
        self.at_ns = 0
        self.batch: Batch | None = None
        self.waits_until_ns = NEVER
        self._number = number
        self._floor = floor
        self._sink = sink
        self._uniform = uniform
        self._gate = threading.Lock()
        self._gate.acquire()
        self.now_ns = floor.clock.now_ns
        self.wake_at = floor.set_timer
        self.pause = floor.pause
        self.resume = floor.resume
        self.spill = floor.spill
        self.unspill = floor.unspill

    def send(self, batch: Batch) -> None:
        if self.batch is None:
            self.batch = batch
        else:
            self._floor.hand_to_idle(batch)

    def poke(self) -> None:
        """Wake this worker from its wait (with the turn held)."""
        if self._gate.locked():
            self._gate.release()

    def events(self) -> Iterator[Event]:
        floor = self._floor
        turn = floor.turn
        turn.acquire()
        try:
            while True:
                batch = self.batch
                if batch is not None:
                    turn.release()
                    try:
                        event = self._attempt(batch)
                    finally:
                        turn.acquire()
                    self.batch = None
                    self.at_ns = self.now_ns()
                    yield event
                elif floor.check_done():
                    return
                elif self._wait():
                    yield TIMER_FIRED
        finally:
            turn.release()

    def _attempt(self, batch: Batch) -> Event:
        now_ns = self.now_ns
        batch.worker = self._number
        cpu_ns = time.thread_time_ns()
        sent_at_ns = now_ns()
        batch.sent_at_ns = sent_at_ns
        if batch.first_sent_at_ns < 0:
            batch.first_sent_at_ns = sent_at_ns
        event: Event
        try:
            ack = self._sink.write(batch, self._number)
        except (TransientSinkError, BatchRejected) as error:
            batch.error = str(error)
            refused = error.item_errors if isinstance(error, BatchRejected) else None
            event = SendFailed(batch, isinstance(error, BatchRejected), self._uniform(), refused)
        else:
            batch.ack = ack
            if ack.item_errors:
                batch.error = f"{len(ack.item_errors)} of {batch.item_count} items refused"
                event = SendFailed(batch, True, self._uniform(), ack.item_errors, others_taken=True)
            else:
                event = SendSettled(batch)
        batch.settled_at_ns = now_ns()
        batch.cpu_ns = time.thread_time_ns() - cpu_ns
        return event

    def _wait(self) -> bool:
        """Lie down until there is a batch (False), the timer fires (True) or the plans changed (False)."""
        floor = self._floor
        floor.idle.append(self)
        timeout_s = -1.0
        if floor.idle[0] is self and floor.wake_at_ns < NEVER:
            self.waits_until_ns = floor.wake_at_ns
            timeout_s = min(max(0.0, (floor.wake_at_ns - self.now_ns()) / 1e9), _LONGEST_WAIT_S)
        floor.turn.release()
        try:
            self._gate.acquire(timeout=timeout_s)
        finally:
            floor.turn.acquire()
        self.waits_until_ns = NEVER
        if not self._gate.locked():
            self._gate.acquire()  # poked between the time-out and the turn
        if self.batch is not None:
            return False
        keeper = floor.idle[0] is self
        floor.idle.remove(self)
        if keeper and floor.idle:
            floor.idle[0].poke()  # the next one keeps the time
        self.at_ns = self.now_ns()
        if floor.finished or self.at_ns < floor.wake_at_ns:
            return False
        floor.wake_at_ns = NEVER  # cleared before it is told, or the lane would fire it for ever
        return True
