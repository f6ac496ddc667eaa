"""The lane of the spill: a thread of its own that writes, flushes and reads with the turn not held.

Must live here: what is handed to the disk and what comes back, as blocks; the wait for either. Must not: which items
go (`core.spilling`), files (the store).
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

from ingestexp.core.events import SPILL_FULL, SPILL_ROOM, Spilled, Unspilled
from ingestexp.core.span import Span
from ingestexp.engine.blocks import make_block
from ingestexp.spill_port import SpillDiskFull, Stretch
from ingestexp.trace.records import Marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.core.events import Event
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.floor import Floor
    from ingestexp.spill_port import SpillStore

GROUP_BYTES: Final = 16 << 20
"""Written with one flush, at most (one span at least)."""
READ_ITEMS: Final = 65_536
READ_BYTES: Final = 16 << 20
RELEASE_ITEMS: Final = 32_768
"""So many items that came back have to settle before the lane is woken to delete the segments they were in."""


class SpillLane:
    """One write or one read at a time; a read goes first, for somebody waits for it."""

    def __init__(self, floor: Floor, store: SpillStore) -> None:
        self.at_ns = 0
        self._floor = floor
        self._store = store
        self._handed: deque[Span] = deque()
        self._wish: tuple[int, int] | None = None
        self._full = False
        self._on_disk_items = 0  # as the core was told
        self._settled: dict[int, int] = {}
        self._settled_items = 0
        self._gate = threading.Lock()
        self._gate.acquire()
        self.now_ns = floor.clock.now_ns
        self.wake_at = floor.set_timer
        self.pause = floor.pause
        self.resume = floor.resume
        self.spill = floor.spill
        self.unspill = floor.unspill

    # -- with the turn held ---------------------------------------------------------------------------

    def send(self, batch: Batch) -> None:
        self._floor.hand_to_idle(batch)

    def hand(self, span: Span) -> None:
        self._handed.append(span)
        self.poke()

    def ask(self, max_items: int, max_bytes: int) -> None:
        self._wish = (max_items, max_bytes)
        self.poke()

    def settled(self, spans: list[Span]) -> None:
        """Whatever of these came from disk need not be there any more."""
        for span in spans:
            segment: int = cast("EvenBlock", span.block).segment
            if segment >= 0:
                count = span.end - span.first
                self._settled[segment] = self._settled.get(segment, 0) + count
                self._settled_items += count
        if self._settled_items and (self._full or self._settled_items >= RELEASE_ITEMS):
            self.poke()

    def poke(self) -> None:
        if self._gate.locked():
            self._gate.release()

    # -- the thread -----------------------------------------------------------------------------------

    def events(self) -> Iterator[Event]:
        floor, turn = self._floor, self._floor.turn
        turn.acquire()
        try:
            while not floor.finished:
                if self._wish is not None:
                    wish, self._wish = self._wish, None
                    yield self._stamped(Unspilled(self._outside(self._read, *wish)))
                elif self._settled_items and (self._full or self._settled_items >= RELEASE_ITEMS):
                    if self._outside(self._release, self._taken_over()) and self._full:
                        self._full = False
                        yield self._stamped(SPILL_ROOM)
                elif self._handed and not self._full:
                    group = self._group()
                    written = self._outside(self._write, group)
                    self._keep_rest(group, written)
                    if written and not floor.core.stopped:
                        self._on_disk_items += written
                        yield self._stamped(Spilled(written))
                    elif not written:
                        self._full = True
                        yield self._stamped(SPILL_FULL)
                else:
                    turn.release()
                    try:
                        self._gate.acquire()
                    finally:
                        turn.acquire()
        finally:
            turn.release()

    def left(self) -> Iterator[list[Span]]:
        """After the lanes have gone home: what is still on disk and was told so, a piece at a time."""
        self._release(self._taken_over())
        while self._on_disk_items:
            yield self._read(self._on_disk_items, READ_BYTES)

    def _outside(self, work: Any, *arguments: Any) -> Any:
        self._floor.turn.release()
        try:
            return work(*arguments)
        finally:
            self._floor.turn.acquire()

    def _stamped(self, event: Event) -> Event:
        self.at_ns = self.now_ns()
        return event

    def _group(self) -> list[Span]:
        """What is written next, taken out of what was handed over."""
        group: list[Span] = []
        nbytes = 0
        while self._handed and (nbytes < GROUP_BYTES or not group):
            span = self._handed.popleft()
            nbytes += span.nbytes
            group.append(span)
        return group

    def _keep_rest(self, group: list[Span], written: int) -> None:
        """What did not fit on the disk stands first in line again."""
        rest: list[Span] = []
        for span in group:
            taken = min(written, span.end - span.first)
            written -= taken
            if span.first + taken < span.end:
                part = Span(span.block, span.first + taken, span.end, span.offered_at_ns, span.admitted_at_ns)
                part.nbytes = span.block.nbytes(part.first, part.end)
                rest.append(part)
        self._handed.extendleft(reversed(rest))

    def _taken_over(self) -> dict[int, int]:
        settled, self._settled = self._settled, {}
        self._settled_items = 0
        return settled

    # -- with the turn not held -----------------------------------------------------------------------

    def _write(self, group: list[Span]) -> int:
        """How many items of the group are on disk for good: all, what there was room for, or 0."""
        store = self._store
        stretches = [_stretch(span, span.first, span.end) for span in group]
        try:
            while not store.append(stretches):
                head = group[0]
                if len(stretches) > 1:
                    stretches = stretches[: len(stretches) // 2]
                elif (count := len(stretches[0].payloads)) > 1:
                    stretches = [_stretch(head, head.first, head.first + count // 2)]
                else:
                    return 0
            store.sync()
        except SpillDiskFull:
            if not store.nbytes:
                raise  # nothing of ours would make room
            return 0
        return sum(len(stretch.payloads) for stretch in stretches)

    def _read(self, max_items: int, max_bytes: int) -> list[Span]:
        """At most what was asked for, but for one item at least; fewer where that is plenty."""
        max_items = min(max_items, READ_ITEMS, self._on_disk_items)
        max_bytes = min(max_bytes, READ_BYTES)
        spans: list[Span] = []
        while max_items > 0 and max_bytes > 0:
            for stretch in self._store.take(max_items, max_bytes):
                span = self._came_back(stretch)
                max_items -= span.end - span.first
                max_bytes -= span.block.nbytes(span.first, span.end)
                self._on_disk_items -= span.end - span.first
                spans.append(span)
        return spans

    def _came_back(self, stretch: Stretch) -> Span:
        count = len(stretch.payloads)
        marks = Marks(True, stretch.origin_run, stretch.redrive_round, stretch.envelope_ids)
        sizes: Any = stretch.sizes
        if sizes.min() == sizes.max():
            sizes = int(sizes[0])
        recorder = self._floor.recorder
        block = make_block(
            recorder, stretch.first, count, stretch.due_ns, sizes, stretch.phase, stretch.payloads, marks
        )
        block.segment = stretch.segment
        return Span(block, stretch.first, stretch.first + count, stretch.offered_at_ns, stretch.admitted_at_ns)

    def _release(self, settled: dict[int, int]) -> int:
        """File bytes set free."""
        return sum(self._store.release(segment, items) for segment, items in settled.items())


def _stretch(span: Span, first: int, end: int) -> Stretch:
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
