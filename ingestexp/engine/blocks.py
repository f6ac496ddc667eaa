"""Blocks of arrivals as the engine makes them: due times and sizes, with payloads (live) or without (simulated).

Must live here: the concrete `Block`s. Must not: when they are offered (the lanes).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestexp.core.span import AS_DUE
from ingestexp.engine.kept_payloads import KeptPayloads

if TYPE_CHECKING:
    from ingestexp.engine.drive import Recording
    from ingestexp.ports import Int32s, Int64s, PayloadArray
    from ingestexp.trace.records import Marks


class EvenBlock:
    """All payloads are of one size. `due_ns` None: intended when admitted (saturate). `owned` None: simulated.

    `segment`: of the spill, where it was read from (-1: nowhere).
    """

    __slots__ = ("_due", "_owned", "_size", "end", "first", "marks", "number", "phase", "segment")

    def __init__(
        self, number: int, first: int, count: int, due_ns: Int64s | None, size: int, owned: PayloadArray | None
    ) -> None:
        self.marks: Marks | None = None
        self.phase = 0
        self.segment = -1
        self.number = number
        self.first = first
        self.end = first + count
        self._due = None if due_ns is None else due_ns.data
        self._size = size
        self._owned: PayloadArray | KeptPayloads | None = owned

    def due(self, item_id: int) -> int:
        if self._due is None:
            return AS_DUE
        due: int = self._due[item_id - self.first]
        return due

    def due_view(self) -> memoryview:
        """Due times of all items, ns, by position in the block."""
        if self._due is None:
            raise TypeError("a block of a saturating load has no due times")
        return self._due

    def due_until(self, at_ns: int, first: int) -> int:
        """The first id >= `first` that is due after `at_ns`."""
        if self._due is None:
            return self.end
        return bisect_right(self._due, at_ns, first - self.first) + self.first

    def nbytes(self, first: int, end: int) -> int:
        return (end - first) * self._size

    def fit(self, first: int, end: int, budget: int) -> int:
        if not self._size:
            return end
        return min(end, first + max(0, budget) // self._size)

    def due_part(self, first: int, end: int) -> Int64s | None:
        """Due times of the items first..end-1, int64 (n,), a view; None where they are intended when admitted."""
        return None if self._due is None else np.frombuffer(self._due, np.int64)[first - self.first : end - self.first]

    def sizes_part(self, first: int, end: int) -> Int32s | int:
        """Payload bytes of the items first..end-1, int32 (n,), or one int for all."""
        return self._size

    def payloads(self, first: int, end: int) -> Any:
        """An Arrow slice without a copy; None where the block is simulated."""
        if self._owned is None:
            return None
        return self._owned.slice(first - self.first, end - first)

    def forget(self, first: int, end: int) -> None:
        """The payloads of items first..end-1 will not be asked for any more (with the turn held)."""
        if self._owned is None:
            return
        if not isinstance(self._owned, KeptPayloads):
            self._owned = KeptPayloads(self._owned, self.end - self.first)
        self._owned.forget(first - self.first, end - first)


class UnevenBlock(EvenBlock):
    """Payloads of different sizes: their running total answers for any range."""

    __slots__ = ("_total",)

    def __init__(
        self, number: int, first: int, count: int, due_ns: Int64s | None, sizes: Int32s, owned: PayloadArray | None
    ) -> None:
        super().__init__(number, first, count, due_ns, 0, owned)
        total = np.zeros(count + 1, np.int64)
        np.cumsum(sizes, out=total[1:])
        self._total = total.data

    def nbytes(self, first: int, end: int) -> int:
        total, base = self._total, self.first
        nbytes: int = total[end - base] - total[first - base]
        return nbytes

    def sizes_part(self, first: int, end: int) -> Int32s | int:
        total = np.frombuffer(self._total, np.int64)[first - self.first : end - self.first + 1]
        return np.diff(total).astype(np.int32)

    def fit(self, first: int, end: int, budget: int) -> int:
        base = self.first
        limit = self._total[first - base] + max(0, budget)
        return bisect_right(self._total, limit, first - base, end - base + 1) - 1 + base


def make_block(
    recorder: Recording,
    first: int,
    count: int,
    due_ns: Int64s | None,
    sizes: Int32s | int,
    phase: int,
    owned: PayloadArray | None,
    marks: Marks | None = None,
) -> EvenBlock:
    """A block that the trace knows of. `marks`: what sets its items apart there."""
    number = recorder.register(first, count, due_ns, sizes, phase, marks)
    block: EvenBlock
    if isinstance(sizes, int):
        block = EvenBlock(number, first, count, due_ns, sizes, owned)
    else:
        block = UnevenBlock(number, first, count, due_ns, sizes, owned)
    block.marks = marks
    block.phase = phase
    return block
