"""The simulated lane: virtual time that jumps to the next completion, arrival or timer.

Must live here: the total order of events (time, then completion < timer < arrival, then batch id). Must not: real
time, payload bytes. The same seed gives the same trace, byte for byte.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Protocol

from ingestexp.core.events import DRAIN, STOP, TIMER_FIRED, Arrived, SendFailed, SendSettled
from ingestexp.core.span import AS_DUE, NEVER, Span
from ingestexp.engine.drive import NoSpill
from ingestexp.ports import BatchRejected, Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.core.events import Event
    from ingestexp.core.pipeline import Pipeline
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.ports import CostModel, SinkError

_ACK = Settled(commits=1)


class Observer(Protocol):
    """Looks at the run at fixed instants, between events."""

    next_at_ns: int

    def observe(self, now_ns: int) -> None: ...


class _Nobody:
    next_at_ns = NEVER

    def observe(self, now_ns: int) -> None: ...


class SimulatedLane(NoSpill):
    """One lane for the load, all workers and the timer. `blocks` are the arrivals in order, without payloads.

    `slows` may change what a write takes, as it begins; `fails` may turn it down as it ends: it returns the error (a
    text alone: a transient one), or None. `uniform` draws the retry jitter.
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
        fails: Callable[[Batch], SinkError | str | None] | None = None,
        load_end_ns: int | None = None,
        slows: Callable[[Batch, int], int] | None = None,
    ) -> None:
        self.at_ns = 0
        self.load_ended_at_ns = 0
        self._core = core
        self._blocks = blocks
        self._cost = cost
        self._drain_ns = drain_ns
        self._deadline_ns = NEVER if load_end_ns is None else load_end_ns + drain_ns
        self._uniform = uniform
        self._observer = observer or _Nobody()
        self._fails = fails
        self._slows = slows
        self._wake_at_ns = NEVER
        self._paused = False
        self._held_until_ns = -1
        self._writes: list[tuple[int, int, Batch]] = []
        self._idle = list(range(core.free_workers - 1, -1, -1))
        # Arrivals due before it come next. At most the next completion, timer or observation; -1: look closely.
        self._next_ns = -1
        self._next_settles = False  # a completion is what comes then

    # -- what the core wants --------------------------------------------------------------------------

    def send(self, batch: Batch) -> None:
        batch.sent_at_ns = at_ns = self.at_ns
        if batch.first_sent_at_ns < 0:
            batch.first_sent_at_ns = at_ns
        batch.worker = self._idle.pop()
        service_ns = self._cost.service_ns(batch.item_count, batch.payload_bytes)
        at_ns += service_ns if self._slows is None else self._slows(batch, service_ns)
        heappush(self._writes, (at_ns, batch.batch_id, batch))
        if at_ns < self._next_ns:
            self._next_ns = at_ns
            self._next_settles = True

    def wake_at(self, at_ns: int) -> None:
        self._wake_at_ns = at_ns
        if at_ns < self._next_ns:
            self._next_ns = at_ns
            self._next_settles = False

    def pause(self) -> None:
        self._paused = True
        self._held_until_ns = NEVER
        self._look_closely()

    def resume(self) -> None:
        self._paused = False
        self._held_until_ns = self.at_ns
        self._look_closely()

    # -- what happens ---------------------------------------------------------------------------------

    def events(self) -> Iterator[Event]:
        core, writes, idle, observer = self._core, self._writes, self._idle, self._observer
        certain = self._fails is None
        # Told again and again: the core keeps no event.
        settled, arrived = SendSettled.__new__(SendSettled), Arrived.__new__(Arrived)
        for block in self._blocks:
            at, base, end_of_block = block.due_view(), block.first, block.end
            first = base
            due_ns = at[0] if first < end_of_block else NEVER
            while first < end_of_block:
                next_ns = self._next_ns
                if due_ns < next_ns:
                    self.at_ns = admitted_at_ns = due_ns
                    end = first + 1
                    due_ns = at[end - base] if end < end_of_block else NEVER
                    if due_ns < next_ns:  # more than one before anything else happens
                        end = first + core.wants(block, first, end_of_block)
                        if at[end - 1 - base] >= next_ns:
                            end = block.due_until(next_ns - 1, first)
                        self.at_ns = at[end - 1 - base]
                        due_ns = at[end - base] if end < end_of_block else NEVER
                        admitted_at_ns = AS_DUE
                    arrived.span = Span(block, first, end, AS_DUE, admitted_at_ns)
                    first = end
                    yield arrived
                elif certain and self._next_settles:
                    settled.batch = batch = heappop(writes)[2]  # as `_settle_or_fire` does, without the call
                    self.at_ns = batch.settled_at_ns = next_ns
                    idle.append(batch.worker)
                    batch.ack = _ACK
                    if writes or self._wake_at_ns < NEVER:
                        self._plan()
                    else:
                        self._next_ns = observer.next_at_ns
                        self._next_settles = False
                    yield settled
                elif due_ns <= self._held_until_ns:
                    event = self._while_held(block, first)
                    if event is STOP:
                        yield from self._give_up(block, first)
                        return
                    if event is not None:
                        if type(event) is Arrived:
                            first = event.span.end
                            due_ns = at[first - base] if first < end_of_block else NEVER
                        yield event
                elif next_ns < 0:
                    self._plan()
                elif observer.next_at_ns == next_ns:
                    self._observe()
                    self._plan()
                else:
                    event = self._settle_or_fire()
                    self._plan()
                    yield event
        yield from self._drain()

    def _plan(self) -> None:
        """What comes next but for arrivals: at one instant first an observation, then a completion, then the timer."""
        next_ns = self._writes[0][0] if self._writes else NEVER
        self._next_settles = next_ns < NEVER
        if self._wake_at_ns < next_ns:
            next_ns = self._wake_at_ns
            self._next_settles = False
        if self._observer.next_at_ns <= next_ns:
            next_ns = self._observer.next_at_ns
            self._next_settles = False
        self._next_ns = next_ns

    def _next_event_ns(self) -> int:
        """The next completion's or the timer's instant, whichever is first."""
        return min(self._writes[0][0] if self._writes else NEVER, self._wake_at_ns)

    def _look_closely(self) -> None:
        """Whatever is due next, the source's blocking comes before it."""
        self._next_ns = -1
        self._next_settles = False

    def _while_held(self, block: EvenBlock, first: int) -> Event | None:
        """What comes next while the source is blocked, or catching up after it was (None: only looked at)."""
        if not self._paused:  # fell due while the source was blocked: told now
            end = first + self._core.wants(block, first, block.due_until(self._held_until_ns, first))
            return Arrived(Span(block, first, end, AS_DUE, self.at_ns))
        next_ns = self._next_event_ns()
        if next_ns > self._deadline_ns:
            return STOP
        if self._observer.next_at_ns <= next_ns:
            self._observe()
            return None
        return self._settle_or_fire()

    def _drain(self) -> Iterator[Event]:
        self.load_ended_at_ns = self.at_ns
        deadline_ns = self._deadline_ns if self._deadline_ns < NEVER else self.at_ns + self._drain_ns
        yield DRAIN
        while not self._core.done:
            next_ns = self._next_event_ns()
            if self._observer.next_at_ns <= min(next_ns, deadline_ns):
                self._observe()
            elif next_ns > deadline_ns:
                self.at_ns = deadline_ns
                yield STOP
                return
            else:
                yield self._settle_or_fire()

    def _give_up(self, block: EvenBlock, first: int) -> Iterator[Event]:
        """The time to drain is over and the source still blocked: what never got past it is unsettled too."""
        self.at_ns = self.load_ended_at_ns = self._deadline_ns
        yield STOP
        yield Arrived(Span(block, first, block.end, AS_DUE, AS_DUE))
        for rest in self._blocks:
            yield Arrived(Span(rest, rest.first, rest.end, AS_DUE, AS_DUE))

    def _observe(self) -> None:
        observer = self._observer
        self.at_ns = max(self.at_ns, observer.next_at_ns)
        observer.observe(self.at_ns)

    def _settle_or_fire(self) -> Event:
        """On to the next completion or to the timer's instant, whichever is first (a tie: the completion)."""
        if not self._writes or self._wake_at_ns < self._writes[0][0]:
            self.at_ns = max(self.at_ns, self._wake_at_ns)
            self._wake_at_ns = NEVER  # cleared before it is told, or the lane would fire it for ever
            return TIMER_FIRED
        self.at_ns, _, batch = heappop(self._writes)
        batch.settled_at_ns = self.at_ns
        self._idle.append(batch.worker)
        error = self._fails(batch) if self._fails is not None else None
        if error is None:
            batch.ack = _ACK
            return SendSettled(batch)
        batch.error = str(error)
        refused = error.item_errors if isinstance(error, BatchRejected) else None
        return SendFailed(batch, isinstance(error, BatchRejected), self._uniform(), refused)
