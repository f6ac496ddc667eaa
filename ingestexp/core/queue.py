"""The bounded FIFO between the load and the window, in items and in bytes.

Must live here: spans in order, their totals, taking from the head, admitting at the tail. Must not: what
happens when it is full (`policy`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ingestexp.core.span import NEVER, Span

if TYPE_CHECKING:
    from ingestexp.core.window import Limits


class Bounds:
    """What may wait at most: `items` and `nbytes` (NEVER: no limit)."""

    __slots__ = ("items", "nbytes")

    def __init__(self, items: int = NEVER, nbytes: int = NEVER) -> None:
        self.items = items
        self.nbytes = nbytes


class ItemQueue:
    """Spans in arrival order. `items` and `nbytes` are what waits in it now."""

    __slots__ = ("items", "nbytes", "spans")

    def __init__(self) -> None:
        self.spans: deque[Span] = deque()
        self.items = 0
        self.nbytes = 0

    def first_arrival_ns(self) -> int:
        """When the oldest waiting item was admitted. The queue must not be empty."""
        head = self.spans[0]
        at = head.admitted_at_ns
        return at if at >= 0 else head.block.due(head.first)

    def push(self, span: Span) -> None:
        span.nbytes = nbytes = span.block.nbytes(span.first, span.end)
        self.spans.append(span)
        self.items += span.end - span.first
        self.nbytes += nbytes

    def take(self, limits: Limits) -> list[Span]:
        """Take out the longest head within the limits, at least one item."""
        head = self.spans[0]
        first = head.first
        end = first + limits.max_size
        if end == head.end:  # the hot paths: a batch that is a span, and one cut from a span
            if head.nbytes <= limits.max_bytes:
                self.items -= limits.max_size
                self.nbytes -= head.nbytes
                return [self.spans.popleft()]
        elif end < head.end:
            nbytes = head.block.nbytes(first, end)
            if nbytes <= limits.max_bytes:
                self.items -= limits.max_size
                self.nbytes -= nbytes
                return [self._cut_head(end, nbytes)]
        return self._take_across(limits.max_size, limits.max_bytes)

    def _take_across(self, max_size: int, max_bytes: int) -> list[Span]:
        taken: list[Span] = []
        items = nbytes = 0
        spans = self.spans
        while spans and items < max_size:
            head = spans[0]
            end = min(head.end, head.first + max_size - items)
            size = head.block.nbytes(head.first, end)
            if nbytes + size > max_bytes:
                end = head.block.fit(head.first, end, max_bytes - nbytes)
                if end == head.first:
                    if items:
                        break
                    end += 1  # larger than max_bytes all by itself: it travels alone
                size = head.block.nbytes(head.first, end)
            items += end - head.first
            nbytes += size
            taken.append(self._cut_head(end, size))
            if nbytes > max_bytes:
                break
        self.items -= items
        self.nbytes -= nbytes
        return taken

    def evict(self, count: int) -> list[Span]:
        """Take the `count` oldest items out (at most what is there), to drop them."""
        evicted: list[Span] = []
        while count and self.spans:
            head = self.spans[0]
            end = min(head.end, head.first + count)
            count -= end - head.first
            size = head.block.nbytes(head.first, end)
            self.items -= end - head.first
            self.nbytes -= size
            evicted.append(self._cut_head(end, size))
        return evicted

    def clear(self) -> list[Span]:
        """Take everything out."""
        everything = list(self.spans)
        self.spans.clear()
        self.items = self.nbytes = 0
        return everything

    def _cut_head(self, end: int, nbytes: int) -> Span:
        head = self.spans[0]
        if end == head.end:
            return self.spans.popleft()
        part = Span(head.block, head.first, end, head.offered_at_ns, head.admitted_at_ns)
        head.first = end
        head.nbytes -= nbytes
        return part
