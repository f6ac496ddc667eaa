"""The simulated lane with a disk for `policy=spill`: SIMULATED, it takes no time and writes no file.

Must live here: spans kept in order in place of segments, what the core is told of them. Must not: the order of other
events (`simulated`), what goes to disk (`core.spilling`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, cast

from ingestexp.core.events import SPILL_FULL, SPILL_ROOM, STOP, Spilled, Unspilled
from ingestexp.core.span import Span
from ingestexp.engine.blocks import make_block
from ingestexp.engine.simulated import SimulatedLane
from ingestexp.trace.records import Marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.events import Event
    from ingestexp.core.spilling import SpillRules
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.drive import Recording

ITEM_BYTES: Final = 20
"""What a real spill writes beside an item's payload, about."""


class SimulatedSpill(Protocol):
    """`figures` is filled in as the run goes on: for the manifest."""

    rules: SpillRules
    figures: dict[str, object]


class SpillingSimulatedLane(SimulatedLane):
    """Call `on_disk` before it starts."""

    def on_disk(self, spill: SimulatedSpill, recorder: Recording) -> SpillingSimulatedLane:
        """`recorder` has to know of the blocks that come back."""
        self._max_bytes = spill.rules.max_bytes
        self._figures = spill.figures
        self._recorder = recorder
        self._disk: deque[Span] = deque()
        self._handed: deque[Span] = deque()
        self._wish: tuple[int, int] | None = None
        self._full = False
        self._held_bytes = self._peak_bytes = self._spilled_items = 0
        return self

    def spill(self, span: Span) -> None:
        self._handed.append(span)

    def unspill(self, max_items: int, max_bytes: int) -> None:
        self._wish = (max_items, max_bytes)

    def events(self) -> Iterator[Event]:
        """As without a disk; what the disk has to say follows at the same instant what it was asked by."""
        self._figures["simulated"] = True
        self._figures["durability"] = "none: simulated, without files and without taking time"
        for event in super().events():
            yield event
            if event is STOP:
                self._handed.clear()
                while self._disk:
                    yield Unspilled([self._came_back(self._disk.popleft())])
            elif self._handed or self._wish:
                yield from self._answers()
        self._figures.update(
            spilled_items=self._spilled_items, peak_bytes=self._peak_bytes, left_bytes=self._held_bytes
        )

    def _answers(self) -> Iterator[Event]:
        while True:
            if self._wish is not None:
                (max_items, max_bytes), self._wish = self._wish, None
                yield Unspilled(self._read(max_items, max_bytes))
            elif not self._handed:
                return
            else:
                span = self._written()
                if span is None:
                    if self._full:
                        return
                    self._full = True
                    yield SPILL_FULL
                    continue
                if self._full:
                    self._full = False
                    yield SPILL_ROOM
                yield Spilled(len(span))

    def _written(self) -> Span | None:
        """The head of what is to be written, as much of it as there is room for."""
        head = self._handed[0]
        left = self._max_bytes - self._held_bytes
        end = min(head.end, head.first + max(0, left) // ITEM_BYTES)
        while end > head.first and _disk_bytes(head, end) > left:
            end = head.first + (end - head.first) // 2
        if end == head.first:
            return None
        size = _disk_bytes(head, end)
        span = _cut_head(self._handed, end)
        self._held_bytes += size
        self._peak_bytes = max(self._peak_bytes, self._held_bytes)
        self._spilled_items += len(span)
        self._disk.append(span)
        return span

    def _read(self, max_items: int, max_bytes: int) -> list[Span]:
        found: list[Span] = []
        while self._disk and max_items:
            head = self._disk[0]
            end = head.block.fit(head.first, min(head.end, head.first + max_items), max_bytes)
            if end == head.first:
                if found:
                    break
                end += 1
            self._held_bytes -= _disk_bytes(head, end)
            span = _cut_head(self._disk, end)
            max_items -= len(span)
            max_bytes -= span.block.nbytes(span.first, span.end)
            found.append(self._came_back(span))
        return found

    def _came_back(self, span: Span) -> Span:
        """In a block of its own, as from a real disk: nothing keeps the old one alive."""
        block = cast("EvenBlock", span.block)
        first, end = span.first, span.end
        due_ns, sizes = block.due_part(first, end), block.sizes_part(first, end)
        fresh = make_block(self._recorder, first, end - first, due_ns, sizes, block.phase, None, Marks(True))
        return Span(fresh, first, end, span.offered_at_ns, span.admitted_at_ns)


def _disk_bytes(span: Span, end: int) -> int:
    return span.block.nbytes(span.first, end) + ITEM_BYTES * (end - span.first)


def _cut_head(spans: deque[Span], end: int) -> Span:
    """The first span up to `end`; the rest stays. The core's own span is left alone."""
    head = spans[0]
    if end == head.end:
        return spans.popleft()
    spans[0] = Span(head.block, end, head.end, head.offered_at_ns, head.admitted_at_ns)
    return Span(head.block, head.first, end, head.offered_at_ns, head.admitted_at_ns)
