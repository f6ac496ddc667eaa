"""The simulated lane: virtual time that jumps to the next completion, arrival or timer.

Must live here: the total order of events (time, then completion < timer < arrival, then batch id). Must not: real
time, payload bytes. The same seed gives the same trace, byte for byte.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Protocol

from ingestexp.core.events import DRAIN, STOP, TIMER_FIRED, Arrived, SendFailed, SendSettled
from ingestexp.core.span import AS_DUE, NEVER, Span
from ingestexp.ports import Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.core.events import Event
    from ingestexp.core.pipeline import Pipeline
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.ports import CostModel

_ACK = Settled(commits=1)


class Observer(Protocol):
    """Looks at the run at fixed instants, between events."""

    next_at_ns: int

    def observe(self, now_ns: int) -> None: ...


class SimulatedLane:
    """One lane for the load, all workers and the timer. `blocks` are the arrivals in order, without payloads.

    `fails` may turn an attempt down: it returns the error's text, or None. `uniform` draws the retry jitter.
    The run is given up at `drain_ns` after the load's end: `load_end_ns` by its own calendar, also while the source is
    still blocked then (None: the load ends with its last arrival).
    """

    def __init__(
        self,
        core: Pipeline,
        blocks: Iterator[EvenBlock],
        cost: CostModel,
        drain_ns: int,
        uniform: Callable[[], float],
        observer: Observer | None = None,
        fails: Callable[[Batch], str | None] | None = None,
        load_end_ns: int | None = None,
    ) -> None:
        self.load_ended_at_ns = 0
        self._core = core
        self._blocks = blocks
        self._cost = cost
        self._drain_ns = drain_ns
        self._deadline_ns = NEVER if load_end_ns is None else load_end_ns + drain_ns
        self._uniform = uniform
        self._observer = observer
        self._fails = fails
        self._now_ns = 0
        self._wake_at_ns = NEVER
        self._paused = False
        self._resumed_at_ns = -1
        self._writes: list[tuple[int, int, Batch]] = []
        self._idle = list(range(core.free_workers - 1, -1, -1))

    # -- what the core wants --------------------------------------------------------------------------

    def now_ns(self) -> int:
        return self._now_ns

    def send(self, batch: Batch) -> None:
        now_ns = self._now_ns
        batch.sent_at_ns = now_ns
        if batch.first_sent_at_ns < 0:
            batch.first_sent_at_ns = now_ns
        batch.worker = self._idle.pop()
        done_at_ns = now_ns + self._cost.service_ns(batch.item_count, batch.payload_bytes)
        heappush(self._writes, (done_at_ns, batch.batch_id, batch))

    def wake_at(self, at_ns: int) -> None:
        self._wake_at_ns = at_ns

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._resumed_at_ns = self._now_ns

    # -- what happens ---------------------------------------------------------------------------------

    def events(self) -> Iterator[Event]:
        core = self._core
        writes, idle = self._writes, self._idle
        observer, fails = self._observer, self._fails
        for block in self._blocks:
            at, base, end_of_block = block.due_view(), block.first, block.end
            first = base
            while first < end_of_block:
                due_ns = at[first - base]
                next_ns = writes[0][0] if writes else NEVER
                timed = self._wake_at_ns < next_ns
                if timed:
                    next_ns = self._wake_at_ns
                if observer is not None and observer.next_at_ns <= next_ns and observer.next_at_ns <= due_ns:
                    self._observe(observer)
                elif self._paused and next_ns > self._deadline_ns:
                    yield from self._give_up(block, first)
                    return
                elif (due_ns >= next_ns and due_ns > self._resumed_at_ns) or self._paused:
                    if timed or fails is not None:
                        yield self._settle_or_fire(timed)
                    else:  # as `_settle_or_fire` does, without the call
                        batch = heappop(writes)[2]
                        self._now_ns = batch.settled_at_ns = next_ns
                        idle.append(batch.worker)
                        batch.ack = _ACK
                        yield SendSettled(batch)
                elif due_ns <= self._resumed_at_ns:  # fell due while the source was blocked: told now
                    end = block.due_until(self._resumed_at_ns, first)
                    end = first + core.wants(block, first, end)
                    span = Span(block, first, end, AS_DUE, self._now_ns)
                    first = end
                    yield Arrived(span)
                else:
                    end = first + 1
                    if observer is not None and observer.next_at_ns < next_ns:
                        next_ns = observer.next_at_ns
                    if end < end_of_block and at[end - base] < next_ns:
                        end = first + core.wants(block, first, end_of_block)
                        if at[end - 1 - base] >= next_ns:
                            end = block.due_until(next_ns - 1, first)
                    self._now_ns = at[end - 1 - base]
                    span = Span(block, first, end, AS_DUE, AS_DUE)
                    first = end
                    yield Arrived(span)
        yield from self._drain()

    def _drain(self) -> Iterator[Event]:
        self.load_ended_at_ns = self._now_ns
        deadline_ns = self._deadline_ns if self._deadline_ns < NEVER else self._now_ns + self._drain_ns
        yield DRAIN
        while not self._core.done:
            next_ns = self._writes[0][0] if self._writes else NEVER
            timed = self._wake_at_ns < next_ns
            next_ns = min(next_ns, self._wake_at_ns)
            observer = self._observer
            if observer is not None and observer.next_at_ns <= min(next_ns, deadline_ns):
                self._observe(observer)
            elif next_ns > deadline_ns:
                self._now_ns = deadline_ns
                yield STOP
                return
            else:
                yield self._settle_or_fire(timed)

    def _give_up(self, block: EvenBlock, first: int) -> Iterator[Event]:
        """The time to drain is over and the source still blocked: what never got past it is unsettled too."""
        self._now_ns = self.load_ended_at_ns = self._deadline_ns
        yield STOP
        yield Arrived(Span(block, first, block.end, AS_DUE, AS_DUE))
        for rest in self._blocks:
            yield Arrived(Span(rest, rest.first, rest.end, AS_DUE, AS_DUE))

    def _observe(self, observer: Observer) -> None:
        self._now_ns = max(self._now_ns, observer.next_at_ns)
        observer.observe(self._now_ns)

    def _settle_or_fire(self, timed: bool) -> Event:
        """On to the timer's instant or to the next completion."""
        if timed:
            self._now_ns = max(self._now_ns, self._wake_at_ns)
            self._wake_at_ns = NEVER  # cleared before it is told, or the lane would fire it for ever
            return TIMER_FIRED
        self._now_ns, _, batch = heappop(self._writes)
        batch.settled_at_ns = self._now_ns
        self._idle.append(batch.worker)
        error = self._fails(batch) if self._fails is not None else None
        if error is None:
            batch.ack = _ACK
            return SendSettled(batch)
        batch.error = error
        return SendFailed(batch, False, self._uniform())
