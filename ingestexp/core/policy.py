"""What happens to an arrival when the queue is full.

Must live here: the overflow policies and the bookkeeping of room: what waits in the queue, what waits for its
next attempt (it counts too, or an outage would grow memory without bound), what is held back at the source.
Must not: when batches close, who sends.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING

from ingestexp.core.effects import PAUSE, RESUME, Dropped, Effect
from ingestexp.core.queue import ItemQueue
from ingestexp.core.span import NEVER, UNKNOWN, Block, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.events import Event
    from ingestexp.core.queue import Bounds


class Overflow(IntEnum):
    """Block the source, drop the arrival, drop the oldest, grow without bound, or go on on disk (`spilling`)."""

    BLOCK = 0
    DROP_NEWEST = 1
    DROP_OLDEST = 2
    UNBOUNDED = 3
    SPILL = 4


class Admission:
    """The door of the queue. `reserved_*` are items waiting for their next attempt, `held` those blocked outside.

    `behind` the queue wait those that `spilling` sent to disk, `leaving_items` of them still on their way there.
    """

    __slots__ = (
        "behind",
        "bounds",
        "dropped",
        "held",
        "leaving_items",
        "overflow",
        "paused",
        "queue",
        "reserved_bytes",
        "reserved_items",
    )

    def __init__(self, bounds: Bounds, overflow: Overflow) -> None:
        self.queue = ItemQueue()
        self.bounds = bounds
        self.overflow = overflow
        self.reserved_items = 0
        self.reserved_bytes = 0
        self.dropped = self.behind = self.leaving_items = 0
        self.held: deque[Span] = deque()
        self.paused = False

    @property
    def spilled_items(self) -> int:
        """On disk, or being read."""
        return self.behind - self.leaving_items

    def room(self) -> int:
        """How many more items may be admitted, bytes aside."""
        return max(0, self.bounds.items - self.queue.items - self.reserved_items)

    def room_bytes(self) -> int:
        return max(0, self.bounds.nbytes - self.queue.nbytes - self.reserved_bytes)

    def fitting(self, block: Block, first: int, end: int) -> int:
        """How many of the items first..end-1 fit now, counted from `first`."""
        return block.fit(first, min(end, first + self.room()), self.room_bytes()) - first

    def admit(self, span: Span) -> bool:
        """Let the whole span in if there is room for all of it."""
        queue = self.queue
        items = queue.items + span.end - span.first
        if self.paused or items + self.reserved_items > self.bounds.items:
            return False
        span.nbytes = nbytes = span.block.nbytes(span.first, span.end)
        nbytes += queue.nbytes
        if nbytes + self.reserved_bytes > self.bounds.nbytes:
            return False
        queue.spans.append(span)  # as `push` does, without the call
        queue.items = items
        queue.nbytes = nbytes
        return True

    def overflow_by(self, span: Span, now_ns: int, effects: list[Effect]) -> None:
        """Admit what fits of a span that does not fit as a whole; the policy decides about the rest."""
        if self.overflow is Overflow.DROP_NEWEST:
            self._drop_newest(span, effects)
        elif self.overflow is Overflow.DROP_OLDEST:
            self._drop_oldest(span, now_ns, effects)
        else:
            self.held.append(span)
            if not self.paused:
                self._admit_held(None, effects)
                if self.held:
                    self.paused = True
                    effects.append(PAUSE)

    def release(self, now_ns: int, effects: list[Effect]) -> None:
        """Let held items in once half the capacity is free (not at every batch), and resume the source after them."""
        if 2 * (self.queue.items + self.reserved_items) > self.bounds.items:
            return
        if 2 * (self.queue.nbytes + self.reserved_bytes) > self.bounds.nbytes:
            return
        self._admit_held(now_ns, effects)
        if not self.held:
            self.paused = False
            effects.append(RESUME)

    def wants_when_full(self, block: Block, first: int, end: int, free_workers: int) -> int:
        """How many of the arrivals may be told at once while there is no room: as many as get the same answer."""
        return end - first if self.overflow is Overflow.DROP_NEWEST and not free_workers else 1

    def clear(self) -> Iterator[tuple[Span, str]]:
        """(span, why it is unsettled) of all that waits, in order; forgets it."""
        for span in self.queue.clear():
            yield span, "queued"
        while self.held:
            span = self.held.popleft()
            span.admitted_at_ns = UNKNOWN
            yield span, "blocked"

    def hear(self, event: Event, effects: list[Effect]) -> None:
        """What a disk says: nothing to a policy that has none."""

    def ask_back(self, free_workers: int, effects: list[Effect]) -> None:
        """Ask for what is on disk, once it is time to."""

    def stuck(self) -> bool:
        """The queue can't grow: its source is held back and no retry will make room. Waiting longer is for nothing."""
        return bool(self.held) and not self.reserved_items

    def _admit_held(self, now_ns: int | None, effects: list[Effect]) -> None:
        """`now_ns` None: the span arrives just now and keeps its own admission stamp."""
        held = self.held
        while held:
            span = held[0]
            count = self.fitting(span.block, span.first, span.end)
            if count:
                part = cut(span, span.first + count)
                if now_ns is not None:
                    part.admitted_at_ns = now_ns
                self.queue.push(part)
            elif self._oversized(span):
                self._drop(
                    cut(span, span.first + 1), "oversized", span.admitted_at_ns if now_ns is None else now_ns, effects
                )
            else:
                return
            if span.first == span.end:
                held.popleft()

    def _drop_newest(self, span: Span, effects: list[Effect]) -> None:
        at_ns = span.admitted_at_ns
        while span.first < span.end:
            count = self.fitting(span.block, span.first, span.end)
            if count:
                part = cut(span, span.first + count)
                self.queue.push(part)
            elif not self.room():
                self._drop(cut(span, span.end), "overflow_newest", at_ns, effects)
            else:  # bytes are short: a smaller item behind this one may still fit
                reason = "oversized" if self._oversized(span) else "overflow_newest"
                self._drop(cut(span, span.first + 1), reason, at_ns, effects)

    def _drop_oldest(self, span: Span, now_ns: int, effects: list[Effect]) -> None:
        """One by one where bytes are limited, at once where they are not: the outcome is the same."""
        bounded_bytes = self.bounds.nbytes < NEVER
        while span.first < span.end:
            count = self.fitting(span.block, span.first, span.end)
            if count:
                part = cut(span, span.first + count)
                self.queue.push(part)
                continue
            if self._oversized(span):
                self._drop(cut(span, span.first + 1), "oversized", span.admitted_at_ns, effects)
                continue
            size = span.block.nbytes(span.first, span.first + 1)
            if self.reserved_items >= self.bounds.items or self.reserved_bytes + size > self.bounds.nbytes:
                # Items between two attempts take up the room and can't be recalled: evicting would be for nothing.
                self._drop(cut(span, span.first + 1), "overflow_newest", span.admitted_at_ns, effects)
                continue
            for victim in self.queue.evict(1 if bounded_bytes else span.end - span.first):
                self.dropped += victim.end - victim.first
                effects.append(Dropped(victim, "overflow_oldest", now_ns))

    def _oversized(self, span: Span) -> bool:
        return span.block.nbytes(span.first, span.first + 1) > self.bounds.nbytes

    def _drop(self, span: Span, reason: str, at_ns: int, effects: list[Effect]) -> None:
        span.admitted_at_ns = UNKNOWN
        self.dropped += span.end - span.first
        last = effects[-1] if effects else None
        if (
            isinstance(last, Dropped)
            and last.span.end == span.first
            and last.span.block is span.block
            and (last.reason, last.at_ns, last.span.offered_at_ns) == (reason, at_ns, span.offered_at_ns)
        ):
            last.span.end = span.end
        else:
            effects.append(Dropped(span, reason, at_ns))


def cut(span: Span, end: int) -> Span:
    """The head of the span up to `end`, as a span of its own; the span keeps the rest."""
    head = Span(span.block, span.first, end, span.offered_at_ns, span.admitted_at_ns)
    span.first = end
    return head
