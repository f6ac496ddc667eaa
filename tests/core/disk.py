"""A scripted disk for the policy `spill`: it writes, fills up and reads back, at once or when time passes.

Must live here: what a spill does between the core's wishes and its own answers. Must not: files.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ingestexp.core.effects import Effect, Spill, Unspill
from ingestexp.core.events import SPILL_FULL, SPILL_ROOM, Event, Spilled, Unspilled
from ingestexp.core.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator


class Disk:
    """Holds `max_bytes` of payload. `events` are its answers, one step at a time."""

    def __init__(self, max_bytes: int) -> None:
        self.spans: deque[Span] = deque()
        self.nbytes = 0
        self.spilled = 0
        self._max_bytes = max_bytes
        self._writes: deque[Span] = deque()
        self._wish: Unspill | None = None
        self._full = False

    def wants(self, effect: Effect) -> None:
        if isinstance(effect, Spill):
            self._writes.append(effect.span)
        elif isinstance(effect, Unspill):
            assert self._wish is None, "asked twice"
            self._wish = effect

    def events(self) -> Iterator[Event]:
        """What it has to say now; ends when there is nothing to be done, or no room to do it."""
        while True:
            if self._wish is not None:
                wish, self._wish = self._wish, None
                yield Unspilled(self._read(wish.max_items, wish.max_bytes))
            elif not self._writes:
                return
            else:
                head = self._writes[0]
                end = head.block.fit(head.first, head.end, self._max_bytes - self.nbytes)
                if end == head.first:
                    if self._full:
                        return
                    self._full = True
                    yield SPILL_FULL
                    continue
                if self._full:
                    self._full = False
                    yield SPILL_ROOM
                span = self._cut(self._writes, end)
                self.nbytes += span.block.nbytes(span.first, span.end)
                self.spans.append(span)
                self.spilled += len(span)
                yield Spilled(len(span))

    def left(self) -> list[Span]:
        """After a STOP: what is on disk. What was on its way there is not its business any more."""
        self._writes.clear()
        spans = list(self.spans)
        self.spans.clear()
        return spans

    def _read(self, max_items: int, max_bytes: int) -> list[Span]:
        found: list[Span] = []
        while self.spans and max_items:
            head = self.spans[0]
            end = head.block.fit(head.first, min(head.end, head.first + max_items), max_bytes)
            if end == head.first:
                if found:
                    break
                end += 1
            span = self._cut(self.spans, end)
            size = span.block.nbytes(span.first, span.end)
            self.nbytes -= size
            max_bytes -= size
            max_items -= len(span)
            found.append(span)
        assert found, "asked for nothing"
        return found

    def _cut(self, spans: deque[Span], end: int) -> Span:
        head = spans[0]
        if end == head.end:
            return spans.popleft()
        part = Span(head.block, head.first, end, head.offered_at_ns, head.admitted_at_ns)
        spans[0] = Span(head.block, end, head.end, head.offered_at_ns, head.admitted_at_ns)
        return part
