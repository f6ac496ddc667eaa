"""The lane beside the source's: dead letters of an earlier run, offered again at a rate of their own.

Must live here: their pace, their place on this run's clock, parking those that had their rounds. Must not: where they
come from, which of them are offered (`DeadLetterFeed`), what becomes of them.

They keep their ids and their first arrival, which lies before this run: their due times are negative. They go through
the same queue, window and sink as the load.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from ingestexp.core.batch import Batch, FlushCause
from ingestexp.core.events import Arrived
from ingestexp.core.span import AS_DUE, UNKNOWN, Span
from ingestexp.core.window import Limits
from ingestexp.engine.blocks import make_block
from ingestexp.engine.source import LONGEST_SLEEP_S, TICK_S, SourceLane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from ingestexp.core.events import Event
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.floor import Floor
    from ingestexp.ports import Int32s, Int64s, PayloadArray

LATEST_DUE_NS: Final = min(AS_DUE, UNKNOWN) - 1
"""Of a dead letter, however the calendar was set meanwhile: before the run, and no word for "as due" or "unknown"."""

CATCH_UP_NS: Final = 50_000_000
"""How far behind its pace the lane may make up for; what was lost beyond that is lost."""

WHILE_PAUSED_S: Final = 0.005
_UNSENT_LIMITS: Final = Limits(1)


@dataclass(slots=True)
class Stretch:
    """Dead letters with consecutive ids. `marks`: origin run and round. `refusal`: why they are not offered again."""

    first: int
    arrived_unix_ns: Int64s
    sizes: Int32s
    payloads: PayloadArray
    marks: Any
    refusal: str | None = None


class DeadLetterFeed(Protocol):
    """`count` dead letters that are to be offered, besides those that are to be parked again at once."""

    count: int

    def stretches(self) -> Iterator[Stretch]:
        """Read as they are asked for. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Redriving:
    """What a live run offers beside its load. `base_id`: of the load's first item, above all dead letters' ids."""

    feed: DeadLetterFeed
    rate_per_s: float
    base_id: int


class RedriveLane(SourceLane):
    """`rate_per_s` items a second from the clock's zero on; `parked` were parked again without being offered."""

    def __init__(self, floor: Floor, feed: DeadLetterFeed, rate_per_s: float) -> None:
        super().__init__(floor)
        floor.sources += 1
        self.zero_unix_ns = 0
        self.parked = 0
        self._offered = 0
        self.duration_ns = round(feed.count / rate_per_s * 1e9)
        self._interval_ns = 1e9 / rate_per_s
        self._stretches = feed.stretches()
        self._open: tuple[EvenBlock, int] | None = None

    def events(self) -> Iterator[Event]:
        time.sleep(max(0.0, -self.now_ns() / 1e9))  # the clock's zero lies a little ahead
        next_at_ns = float(self.now_ns())
        while (here := self._next_block()) is not None:
            block, first = here
            if self.closing or self._floor.finished:
                break
            if self._floor.paused:  # the gate is the load's: it goes first
                time.sleep(WHILE_PAUSED_S)
                continue
            now_ns = self.now_ns()
            next_at_ns = max(next_at_ns, now_ns - CATCH_UP_NS)
            count = int((now_ns - next_at_ns) / self._interval_ns) + 1 if now_ns >= next_at_ns else 0
            if not count:
                time.sleep(min(max((next_at_ns - now_ns) / 1e9, TICK_S), LONGEST_SLEEP_S))
                continue
            end = min(block.end, first + count)
            with self._floor.turn:
                self.at_ns = now_ns = self.now_ns()
                yield Arrived(Span(block, first, end, now_ns, now_ns))
            self._offered += end - first
            self._open = (block, end) if end < block.end else None
            next_at_ns += (end - first) * self._interval_ns
        yield from self._drain()

    def offered_so_far(self) -> int:
        return self._offered

    def left_over(self) -> Iterator[Span]:
        """What was never offered, for the ledger: it is still where it came from. Ask with the turn held."""
        while (here := self._next_block(nullcontext())) is not None:
            block, first = here
            self._open = None
            yield Span(block, first, block.end, UNKNOWN, UNKNOWN)

    def _next_block(self, turn: AbstractContextManager[Any] | None = None) -> tuple[EvenBlock, int] | None:
        """The block at work and its first item that was not offered. Parks what is not to be offered on the way."""
        while self._open is None:
            stretch = next(self._stretches, None)
            if stretch is None:
                return None
            block = self._block(stretch)
            if stretch.refusal is None:
                self._open = (block, block.first)
            else:
                with turn or self._floor.turn:
                    self._park(block, stretch.refusal)
        return self._open

    def _block(self, stretch: Stretch) -> EvenBlock:
        due_ns = np.minimum(stretch.arrived_unix_ns - self.zero_unix_ns, LATEST_DUE_NS)
        count = len(due_ns)
        sizes = int(stretch.sizes[0]) if count == 1 else stretch.sizes
        recorder = self._floor.recorder
        return make_block(recorder, stretch.first, count, due_ns, sizes, 0, stretch.payloads, stretch.marks)

    def _park(self, block: EvenBlock, refusal: str) -> None:
        """Dead-letter a whole block that was not sent in this run, with the turn held."""
        now_ns = max(self.now_ns(), 0)
        count = block.end - block.first
        span = Span(block, block.first, block.end, UNKNOWN, UNKNOWN)
        cause = int(FlushCause.RETRY)
        unsent = Batch(-1, cause, [span], count, 0, now_ns, now_ns, _UNSENT_LIMITS, 0, 0)
        unsent.attempt = 0
        unsent.settled_at_ns = now_ns
        unsent.error = refusal
        self.parked += count
        self._floor.recorder.parked(unsent, [span], "redrive_rounds", {})
