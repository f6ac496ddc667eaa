"""What is left of a block's payloads when some of them will not be asked for any more.

Must live here: which ranges are kept, and giving back the memory of the others. Must not: what is dropped (the policy).
A slice of an array keeps the whole of it alive: a queue that drops most of each block would hold all that it dropped.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from ingestexp.trace.payloads import copied

if TYPE_CHECKING:
    from ingestexp.ports import PayloadArray


class KeptPayloads:
    """In the place of the array of `count` payloads. `forget` with the turn held, `slice` from any thread.

    The rest is copied once half of what is held is no longer wanted, so that a payload is copied about twice at most.
    """

    __slots__ = ("_held", "_held_count", "_kept", "_kept_count")

    def __init__(self, array: PayloadArray, count: int) -> None:
        self._kept = [(0, count)]
        self._kept_count = self._held_count = count
        self._held: tuple[list[int], list[int], Any] = ([0], [0], array)
        """Starts of the held ranges, by offset in the block and in the array, and the array: replaced as one."""

    def slice(self, offset: int, length: int) -> Any:
        """The payloads of a range none of which was forgotten, as an Arrow slice without a copy."""
        starts, places, array = self._held
        index = bisect_right(starts, offset) - 1
        return array.slice(places[index] + offset - starts[index], length)

    def forget(self, offset: int, length: int) -> None:
        """These will not be asked for any more. They lie in a range none of which was forgotten."""
        index = bisect_right(self._kept, (offset, 1 << 62)) - 1
        first, end = self._kept[index]
        rest = [(first, offset), (offset + length, end)]
        self._kept[index : index + 1] = [part for part in rest if part[0] < part[1]]
        self._kept_count -= length
        if 2 * self._kept_count <= self._held_count:
            self._copy()

    def _copy(self) -> None:
        starts, places, at = [], [], 0
        for first, end in self._kept:
            starts.append(first)
            places.append(at)
            at += end - first
        slices = [self.slice(first, end - first) for first, end in self._kept]
        self._held = (starts, places, copied(slices)) if slices else ([], [], None)
        self._held_count = at
