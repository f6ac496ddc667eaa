"""The spill's two lanes: one writes and flushes, one reads and deletes, so that neither waits for the other's disk.

Must live here: the threads' waits and their events. Must not: what they share (`spill_desk`), which items go
(`core.spilling`), files (the store).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ingestexp.core.events import SPILL_FULL, SPILL_ROOM, Spilled, Unspilled
from ingestexp.engine.spill_desk import READ_BYTES, READ_ITEMS, stretch_of
from ingestexp.spill_port import SpillDiskFull

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.core.events import Event
    from ingestexp.core.span import Span
    from ingestexp.engine.drive import Lane
    from ingestexp.engine.floor import Floor
    from ingestexp.engine.spill_desk import SpillDesk


class _DiskLane:
    """Waits at its gate; works with the turn not held."""

    def __init__(self, floor: Floor, desk: SpillDesk) -> None:
        self.at_ns = 0
        self._floor = floor
        self._desk = desk
        self._gate = threading.Lock()
        self._gate.acquire()
        self.now_ns = floor.clock.now_ns
        self.wake_at = floor.set_timer
        self.pause = floor.pause
        self.resume = floor.resume
        self.spill = floor.spill
        self.unspill = floor.unspill

    def send(self, batch: Batch) -> None:
        self._floor.hand_to_idle(batch)

    def poke(self) -> None:
        """With the turn held."""
        if self._gate.locked():
            self._gate.release()

    def events(self) -> Iterator[Event]:
        turn = self._floor.turn
        turn.acquire()
        try:
            while not self._floor.finished:
                event = self._next()
                if event is not None:
                    self.at_ns = self.now_ns()
                    yield event
        finally:
            turn.release()

    def _next(self) -> Event | None:
        """With the turn held: work, or wait to be poked."""
        raise NotImplementedError

    def _outside(self, work: Any, *arguments: Any) -> Any:
        """Do it with the turn not held."""
        self._floor.turn.release()
        try:
            return work(*arguments)
        finally:
            self._floor.turn.acquire()


class SpillWriteLane(_DiskLane):
    """Writes what was handed over: as much with one flush as there is by then."""

    def _next(self) -> Event | None:
        desk = self._desk
        if not desk.handed or desk.full:
            self._outside(self._gate.acquire)
            return None
        group = desk.group()
        written: int = self._outside(self._write, group)
        desk.keep_rest(group, written)
        if not written:
            desk.full = True
            desk.wake_reader()
            return SPILL_FULL
        if self._floor.core.stopped:
            return None  # these have a fate already
        desk.on_disk_items += written
        return Spilled(written)

    def _write(self, group: list[Span]) -> int:
        """How many items of the group are on disk for good: all, what there was room for, or 0."""
        store = self._desk.store
        stretches = [stretch_of(span, span.first, span.end) for span in group]
        try:
            while not store.append(stretches):
                head = group[0]
                if len(stretches) > 1:
                    stretches = stretches[: len(stretches) // 2]
                elif (count := len(stretches[0].payloads)) > 1:
                    stretches = [stretch_of(head, head.first, head.first + count // 2)]
                else:
                    return 0
            store.sync()
        except SpillDiskFull:
            if not store.nbytes:
                raise  # nothing of ours would make room
            return 0
        return sum(len(stretch.payloads) for stretch in stretches)


class SpillReadLane(_DiskLane):
    """Reads what was asked for; deletes what was settled."""

    def _next(self) -> Event | None:
        desk = self._desk
        if desk.wish is not None:
            (max_items, max_bytes), desk.wish = desk.wish, None
            max_items = min(max_items, READ_ITEMS, desk.on_disk_items)
            spans: list[Span] = self._outside(desk.read, max_items, min(max_bytes, READ_BYTES))
            desk.on_disk_items -= sum(len(span) for span in spans)
            return Unspilled(spans)
        if desk.may_release:
            freed: int = self._outside(desk.release, desk.take_over_settled())
            if freed and desk.full:
                desk.full = False
                desk.wake_writer()
                return SPILL_ROOM
            return None
        self._outside(self._gate.acquire)
        return None


def spill_lanes(floor: Floor, desk: SpillDesk) -> list[Lane]:
    """Both, to be woken by the desk."""
    writer, reader = SpillWriteLane(floor, desk), SpillReadLane(floor, desk)
    desk.wake_writer, desk.wake_reader = writer.poke, reader.poke
    return [writer, reader]
