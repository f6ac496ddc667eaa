"""The source's lanes: offer what fell due (open loop), or as fast as the queue takes (saturate).

Must live here: sleeping until arrivals are due, cutting payload blocks just ahead of them, stamping what is offered.
Must not: what becomes of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from ingestexp.core.events import DRAIN, Arrived
from ingestexp.core.span import AS_DUE, Span
from ingestexp.engine.blocks import make_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.core.events import Event
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.floor import Floor
    from ingestexp.ports import Int32s, Int64s, Load, Payloads, Saturate

TICK_S: Final = 0.0002
LONGEST_SLEEP_S: Final = 0.05
MOST_BLOCK_ITEMS: Final = 8192
MOST_BLOCK_BYTES: Final = 4 << 20
BLOCK_AHEAD_S: Final = 0.02


class SourceLane:
    """What the lanes share: the floor's effects, and the wait while the policy blocks."""

    def __init__(self, floor: Floor) -> None:
        self.at_ns = 0
        self.closing = False
        self.left_blocked = False
        self.load_ended_at_ns = 0
        self._floor = floor
        self.now_ns = floor.clock.now_ns
        self.wake_at = floor.set_timer
        self.pause = floor.pause
        self.resume = floor.resume
        self.spill = floor.spill
        self.unspill = floor.unspill

    def send(self, batch: Batch) -> None:
        self._floor.hand_to_idle(batch)

    def close(self) -> None:
        """End the load now (Ctrl-C). Any thread."""
        self.closing = True
        self._floor.poke_source()

    def _blocked(self, until_ns: int | None = None) -> bool:
        """Wait while the queue is full; False once there is room, True when the run or the time is over before."""
        floor = self._floor
        while floor.paused and not self.closing and not floor.finished:
            left_s = LONGEST_SLEEP_S if until_ns is None else (until_ns - self.now_ns()) / 1e9
            if left_s <= 0:
                break
            floor.source_gate.acquire(timeout=min(left_s, LONGEST_SLEEP_S))
        self.left_blocked = self.closing or floor.finished or floor.paused
        return self.left_blocked

    def _drain(self) -> Iterator[Event]:
        """This lane has nothing more to offer; the last one drains the pipeline."""
        floor = self._floor
        with floor.turn:
            self.at_ns = self.load_ended_at_ns = self.now_ns()
            floor.sources -= 1
            if not floor.finished and not floor.sources:
                yield DRAIN
                floor.check_done()


class OpenLoopLane(SourceLane):
    """Arrivals never wait for the system, unless the policy blocks; even then they count from their due time."""

    def __init__(self, floor: Floor, load: Load, payloads: Payloads, base_id: int = 0) -> None:
        """`base_id`: of the first item; what an item carries goes by its place in the load."""
        super().__init__(floor)
        self._load = load
        self._payloads = payloads
        self._base_id = base_id
        self._first_unoffered: tuple[EvenBlock, int] | None = None
        self._owning = True
        self._blocks = self._cut_blocks()

    def events(self) -> Iterator[Event]:
        for block in self._blocks:
            first = block.first
            while first < block.end:
                self._first_unoffered = (block, first)
                if self._floor.paused and self._blocked():
                    break
                end = block.due_until(self.now_ns(), first)
                if end == first:
                    self._sleep_until(block.due(first))
                    if self.closing or self._floor.finished:
                        break
                    continue
                if self._floor.finished:
                    break
                with self._floor.turn:
                    self.at_ns = now_ns = self.now_ns()
                    end, offered_at_ns = self._stamp(block, first, end, now_ns)
                    yield Arrived(Span(block, first, end, offered_at_ns, now_ns))
                first = end
                if end < block.end:
                    time.sleep(TICK_S)
            else:
                self._first_unoffered = None
                continue
            break
        yield from self._drain()

    def blocked_at_source(self, until_ns: int) -> Iterator[Span]:
        """What was due by `until_ns` and never offered, for the ledger. Call it when the run has ended."""
        if self._first_unoffered is None:
            return
        block, first = self._first_unoffered
        self._first_unoffered = None
        self._owning = False  # blocks from here on carry no payloads: nobody will ask for them
        while (end := block.due_until(until_ns, first)) > first:
            yield Span(block, first, end, AS_DUE, AS_DUE)
            following = next(self._blocks, None) if end == block.end else None
            if following is None:
                return
            block, first = following, following.first

    def _stamp(self, block: EvenBlock, first: int, end: int, now_ns: int) -> tuple[int, int]:
        """What fell due while the policy blocked was offered as due: its wait is not the generator's lateness."""
        resumed_at_ns = self._floor.resumed_at_ns
        if block.due(first) > resumed_at_ns:
            return end, now_ns
        return min(end, block.due_until(resumed_at_ns, first)), AS_DUE

    def _sleep_until(self, due_ns: int) -> None:
        """Sleep a tick at least (never spin) and not past the next look at the end of the run."""
        remaining_s = (due_ns - self.now_ns()) / 1e9
        time.sleep(min(max(remaining_s, TICK_S), LONGEST_SLEEP_S))

    def _cut_blocks(self) -> Iterator[EvenBlock]:
        """Blocks of about 20 ms of load, payloads owned: small enough to be made between two ticks."""
        first = 0
        per_s = self._load.expected_items / max(self._load.duration_ns / 1e9, 1e-9)
        at_most = int(min(max(per_s * BLOCK_AHEAD_S, 256), MOST_BLOCK_ITEMS))
        for stretch in self._load.stretches(MOST_BLOCK_ITEMS):
            count = len(stretch.due_ns)
            sizes = self._sizes(first, count, stretch.sizes)
            start = 0
            while start < count:
                end = min(count, start + at_most)
                end = start + _within_bytes(sizes, start, end)
                part = sizes if isinstance(sizes, int) else sizes[start:end]
                due_ns = stretch.due_ns[start:end]
                yield self._block(first + start, due_ns, part, stretch.phase, stretch.sizes is not None)
                start = end
            first += count

    def _sizes(self, first: int, count: int, dictated: Int32s | None) -> Int32s | int:
        return self._payloads.sizes(first, count) if dictated is None else dictated

    def _block(self, first: int, due_ns: Int64s, sizes: Int32s | int, phase: int, dictated: bool) -> EvenBlock:
        due = np.ascontiguousarray(due_ns)
        owned = None
        if self._owning:
            given = sizes if dictated and not isinstance(sizes, int) else None
            owned = self._payloads.take(first, len(due), given)
        return make_block(self._floor.recorder, self._base_id + first, len(due), due, sizes, phase, owned)


class SaturateLane(SourceLane):
    """As fast as the queue takes: measures capacity. An item is intended when it is admitted."""

    def __init__(self, floor: Floor, load: Saturate, payloads: Payloads) -> None:
        super().__init__(floor)
        self._load = load
        self._payloads = payloads

    def events(self) -> Iterator[Event]:
        floor = self._floor
        first = 0
        time.sleep(max(0.0, -self.now_ns() / 1e9))  # the clock's zero lies a little ahead
        budget = MOST_BLOCK_BYTES / max(1.0, self._payloads.mean_bytes)
        count = max(1, min(MOST_BLOCK_ITEMS, int(budget)))
        last = self._load.item_count
        end_ns = self._load.duration_ns
        while not self.closing and not floor.finished:
            if last is not None:
                count = min(count, last - first)
                if not count:
                    break
            if floor.paused and self._blocked(end_ns):
                break
            if end_ns is not None and self.now_ns() >= end_ns:
                break
            sizes = self._payloads.sizes(first, count)
            owned = self._payloads.take(first, count)
            with floor.turn:
                block = make_block(floor.recorder, first, count, None, sizes, 0, owned)
                self.at_ns = now_ns = self.now_ns()
                yield Arrived(Span(block, first, first + count, now_ns, now_ns))
            first += count
        yield from self._drain()

    def blocked_at_source(self, until_ns: int) -> Iterator[Span]:
        """Nothing: what was not offered was not intended."""
        yield from ()


def _within_bytes(sizes: Int32s | int, start: int, end: int) -> int:
    """How many items from `start` on make a block of bounded bytes (at least one)."""
    if isinstance(sizes, int):
        return max(1, min(end - start, MOST_BLOCK_BYTES // max(1, sizes)))
    total = np.cumsum(sizes[start:end], dtype=np.int64)
    return max(1, int(np.searchsorted(total, MOST_BLOCK_BYTES, side="right")))
