"""What the spill's two lanes share: what was handed over, what was asked for, what has settled; blocks that come back.

Must live here: state that only whoever has the turn may touch, spans to stretches and back. Must not: threads' waits
(`spill_lane`), which items go (`core.spilling`), files (the store).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

from ingestexp.core.span import Span
from ingestexp.engine.blocks import make_block
from ingestexp.spill_port import Stretch
from ingestexp.trace.records import Marks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.drive import Recording
    from ingestexp.spill_port import SpillStore

GROUP_BYTES: Final = 16 << 20
"""Written with one flush, at most (one span at least)."""
READ_ITEMS: Final = 65_536
READ_BYTES: Final = 16 << 20
RELEASE_ITEMS: Final = 32_768
"""So many items that came back have to settle before a lane is woken to delete the segments they were in."""


class SpillDesk:
    """`on_disk_items` are those that the core was told of; `full`: what is next in line did not fit on the disk."""

    def __init__(self, store: SpillStore, recorder: Recording) -> None:
        self.store = store
        self.wish: tuple[int, int] | None = None
        self.full = False
        self.on_disk_items = 0
        self.handed: deque[Span] = deque()
        self.wake_writer: Callable[[], None] = lambda: None
        self.wake_reader: Callable[[], None] = lambda: None
        self._recorder = recorder
        self._settled: dict[int, int] = {}
        self._settled_items = 0

    # -- with the turn held ---------------------------------------------------------------------------

    def hand(self, span: Span) -> None:
        self.handed.append(span)
        self.wake_writer()

    def ask(self, max_items: int, max_bytes: int) -> None:
        self.wish = (max_items, max_bytes)
        self.wake_reader()

    def settled(self, spans: list[Span]) -> None:
        """Whatever of these came from disk need not be there any more."""
        for span in spans:
            segment: int = cast("EvenBlock", span.block).segment
            if segment >= 0:
                count = span.end - span.first
                self._settled[segment] = self._settled.get(segment, 0) + count
                self._settled_items += count
        if self.may_release:
            self.wake_reader()

    @property
    def may_release(self) -> bool:
        return self._settled_items >= (1 if self.full else RELEASE_ITEMS)

    def take_over_settled(self) -> dict[int, int]:
        """Items by segment."""
        settled, self._settled = self._settled, {}
        self._settled_items = 0
        return settled

    def poke(self) -> None:
        self.wake_writer()
        self.wake_reader()

    def group(self) -> list[Span]:
        """What is written next, taken out of what was handed over."""
        group: list[Span] = []
        nbytes = 0
        while self.handed and (nbytes < GROUP_BYTES or not group):
            span = self.handed.popleft()
            nbytes += span.nbytes
            group.append(span)
        return group

    def keep_rest(self, group: list[Span], written: int) -> None:
        """What did not fit on the disk stands first in line again."""
        rest: list[Span] = []
        for span in group:
            taken = min(written, span.end - span.first)
            written -= taken
            if span.first + taken < span.end:
                part = Span(span.block, span.first + taken, span.end, span.offered_at_ns, span.admitted_at_ns)
                part.nbytes = span.block.nbytes(part.first, part.end)
                rest.append(part)
        self.handed.extendleft(reversed(rest))

    def left(self) -> Iterator[list[Span]]:
        """After the lanes have gone home: what is still on disk and was told so, a piece at a time."""
        self.release(self.take_over_settled())
        while self.on_disk_items:
            spans = self.read(min(READ_ITEMS, self.on_disk_items), READ_BYTES)
            self.on_disk_items -= sum(len(span) for span in spans)
            yield spans

    # -- with the turn not held -----------------------------------------------------------------------

    def read(self, max_items: int, max_bytes: int) -> list[Span]:
        """At most so much, but for one item at least. Not more than is on disk may be asked for."""
        spans: list[Span] = []
        while max_items > 0 and max_bytes > 0:
            for stretch in self.store.take(max_items, max_bytes):
                span = self._came_back(stretch)
                max_items -= span.end - span.first
                max_bytes -= span.block.nbytes(span.first, span.end)
                spans.append(span)
        return spans

    def _came_back(self, stretch: Stretch) -> Span:
        count = len(stretch.payloads)
        marks = Marks(True, stretch.origin_run, stretch.redrive_round, stretch.envelope_ids)
        sizes: Any = stretch.sizes
        if sizes.min() == sizes.max():
            sizes = int(sizes[0])
        first, due_ns = stretch.first, stretch.due_ns
        block = make_block(self._recorder, first, count, due_ns, sizes, stretch.phase, stretch.payloads, marks)
        block.segment = stretch.segment
        return Span(block, first, first + count, stretch.offered_at_ns, stretch.admitted_at_ns)

    def release(self, settled: dict[int, int]) -> int:
        """File bytes set free."""
        return sum(self.store.release(segment, items) for segment, items in settled.items())


def stretch_of(span: Span, first: int, end: int) -> Stretch:
    """The items first..end-1 of the span for the store: views."""
    block = cast("EvenBlock", span.block)
    marks = block.marks or Marks()
    ids = marks.envelope_ids
    return Stretch(
        first,
        block.due_part(first, end),
        span.offered_at_ns,
        span.admitted_at_ns,
        block.payloads(first, end),
        block.phase,
        marks.origin_run,
        marks.redrive_round,
        None if ids is None else ids[first - block.first : end - block.first],
    )
