"""The overflow policy `spill`: what finds no room in memory waits on disk, in order.

Half the capacity is the queue's share; the other half is for items on their way to the disk. As long as anything is
behind the queue (on its way, on disk, on its way back), arrivals go behind it too: first in, first out. A stretch is
asked back when the queue has come down to a quarter of the capacity, or a worker is idle. Where the disk is slower
than the load, the items on their way fill their share and the source is paused; where the spill itself is full, the
rules say whether to pause it or to drop the arrival.

Must live here: what goes to disk, what is asked back, and the room it takes up. Must not: files, threads.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ingestexp.core.effects import PAUSE, RESUME, Effect, LetGo, Spill, Unspill
from ingestexp.core.events import SPILL_FULL, Spilled, Unspilled
from ingestexp.core.policy import Admission, Overflow, cut
from ingestexp.core.queue import Bounds
from ingestexp.core.span import NEVER, Block, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.events import Event


class SpillRules:
    """`max_bytes` the spill holds at most; `drops`: then the arrival is dropped, else the source is paused."""

    __slots__ = ("drops", "max_bytes")

    def __init__(self, max_bytes: int, drops: bool = False) -> None:
        self.max_bytes = max_bytes
        self.drops = drops


class SpillAdmission(Admission):
    """An item larger than half of `capacity_bytes` or than a quarter of the spill is `oversized`."""

    __slots__ = ("_asked", "_full", "_leaving", "_rules", "_share", "leaving_bytes")

    def __init__(self, bounds: Bounds, rules: SpillRules) -> None:
        share = Bounds(bounds.items // 2, bounds.nbytes if bounds.nbytes == NEVER else bounds.nbytes // 2)
        left_bytes = bounds.nbytes if bounds.nbytes == NEVER else bounds.nbytes - share.nbytes
        super().__init__(Bounds(bounds.items - share.items, left_bytes), Overflow.SPILL)
        share.nbytes = min(share.nbytes, rules.max_bytes // 4)
        self._rules = rules
        self._share = share
        self._leaving: deque[Span] = deque()
        self._full = False
        self._asked = False
        self.leaving_bytes = 0

    # -- in -------------------------------------------------------------------------------------------

    def room(self) -> int:
        """Of the queue: none while anything is behind it."""
        return 0 if self.behind else super().room()

    def wants_when_full(self, block: Block, first: int, end: int, free_workers: int) -> int:
        return 1 if free_workers or not self.behind else max(1, self._spillable(block, first, end))

    def admit(self, span: Span) -> bool:
        return not self.behind and super().admit(span)

    def overflow_by(self, span: Span, now_ns: int, effects: list[Effect]) -> None:
        """What fits goes into the queue, the rest to disk; what finds no room there either is held, or dropped."""
        self.held.append(span)
        if not self.paused:
            self._admit_held(None, effects)
            if self.held:
                self.paused = True
                effects.append(PAUSE)

    def release(self, now_ns: int, effects: list[Effect]) -> None:
        """Let held items in once half of the share is free, or they are to be dropped; resume the source after them."""
        waits = not (self._full and self._rules.drops)
        if waits and 2 * self.leaving_items > self._share.items:
            return
        if waits and self._share.nbytes < NEVER and 2 * self.leaving_bytes > self._share.nbytes:
            return
        self._admit_held(now_ns, effects)
        if not self.held:
            self.paused = False
            effects.append(RESUME)

    def _admit_held(self, now_ns: int | None, effects: list[Effect]) -> None:
        held, share = self.held, self._share
        while held:
            span = held[0]
            at_ns = span.admitted_at_ns if now_ns is None else now_ns
            block, first = span.block, span.first
            if count := self.fitting(block, first, span.end):
                part = cut(span, first + count)
                part.admitted_at_ns = at_ns
                self.queue.push(part)
            elif count := self._spillable(block, first, span.end):
                part = cut(span, first + count)
                part.admitted_at_ns = at_ns
                self._spill(part, effects)
            elif block.nbytes(first, first + 1) > share.nbytes:
                self._drop(cut(span, first + 1), "oversized", at_ns, effects)
            elif self._full and self._rules.drops:
                self._drop(cut(span, span.end), "overflow_newest", at_ns, effects)
            else:
                return
            if span.first == span.end:
                held.popleft()

    def _spillable(self, block: Block, first: int, end: int) -> int:
        """How many of the items may be on their way to the disk now, counted from `first`."""
        room = self._share.items - self.leaving_items
        return block.fit(first, min(end, first + room), self._share.nbytes - self.leaving_bytes) - first

    def _spill(self, span: Span, effects: list[Effect]) -> None:
        span.nbytes = span.block.nbytes(span.first, span.end)
        self.leaving_items += span.end - span.first
        self.leaving_bytes += span.nbytes
        self.behind += span.end - span.first
        self._leaving.append(span)
        effects.append(Spill(span))

    # -- what the disk says ---------------------------------------------------------------------------

    def hear(self, event: Event, effects: list[Effect]) -> None:
        if isinstance(event, Spilled):
            self._let_go(event.items, effects)
        elif isinstance(event, Unspilled):
            self._asked = False
            for span in event.spans:
                self.behind -= span.end - span.first
                self.queue.push(span)
        else:
            self._full = event is SPILL_FULL

    def _let_go(self, items: int, effects: list[Effect]) -> None:
        """The memory of the oldest `items` on their way is not needed any more."""
        self.leaving_items -= items
        while items:
            head = self._leaving[0]
            span = self._leaving.popleft() if head.end - head.first <= items else cut(head, head.first + items)
            items -= span.end - span.first
            self.leaving_bytes -= span.block.nbytes(span.first, span.end)
            effects.append(LetGo(span))

    # -- back -----------------------------------------------------------------------------------------

    def ask_back(self, free_workers: int, effects: list[Effect]) -> None:
        """Ask for what fits, once it is time to."""
        if self._may_ask(free_workers):
            self._asked = True
            effects.append(Unspill(super().room(), self.room_bytes()))

    def stuck(self) -> bool:
        """Asked with a worker idle: the queue holds less than a window and yet can't grow.

        It has no room for what is on disk; or the disk is full of what is in the queue, and what is on its way waits
        for that to be sent.
        """
        if not self.behind:
            return super().stuck()
        if self._asked or self.reserved_items:
            return False
        return not self._may_ask(1) if self.spilled_items else self._full

    def _may_ask(self, free_workers: int) -> bool:
        if self._asked or not self.spilled_items or not super().room() or not self.room_bytes():
            return False
        low = 2 * (self.queue.items + self.reserved_items) <= self.bounds.items
        low_bytes = self.bounds.nbytes == NEVER or 2 * (self.queue.nbytes + self.reserved_bytes) <= self.bounds.nbytes
        return free_workers > 0 or (low and low_bytes)

    def clear(self) -> Iterator[tuple[Span, str]]:
        """What is on disk stays there: it is told after the end, as it is read."""
        for span in self.queue.clear():
            yield span, "queued"
        while self._leaving:
            yield self._leaving.popleft(), "queued"
        yield from super().clear()
