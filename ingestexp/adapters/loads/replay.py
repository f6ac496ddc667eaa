"""`load=replay`: arrivals as they were recorded, faster or slower, once or several times.

Must live here: playing a recording. Must not: reading one (recording).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.adapters.loads.reader import read_recording
from ingestexp.adapters.loads.recording import ReplayError
from ingestexp.ports import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.adapters.loads.recording import Recording
    from ingestexp.ports import Int64s, Notices

__all__ = ["Replay", "ReplayError"]


class Replay:
    """Row r is due at (stamp[r] - stamp[0]) / time_scale; the items of a row with a count are due all at once.

    `loop` plays the recording so many times end to end, with the mean gap of its rows between the end of one and
    the start of the next. `part` (from, to) plays only that part of the recording's time, as shares of its span.
    Reads the file at construction; raises ReplayError.
    """

    phases: tuple[str, ...] = ("replay",)

    def __init__(
        self,
        path: str | Path,
        timestamp_column: str | None,
        size_column: str | None,
        count_column: str | None,
        timestamp_pattern: str | None,
        timestamp_format: str | None,
        time_scale: float,
        loop: int,
        notices: Notices,
        part: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        if not (time_scale > 0 and math.isfinite(time_scale)):
            raise ReplayError(f"load.time_scale={time_scale}: must be above 0 (1000 plays 1000 times faster)")
        if loop < 1:
            raise ReplayError(f"load.loop={loop}: must be at least 1 (1 plays the recording once)")
        found = read_recording(
            Path(path), timestamp_column, size_column, count_column, timestamp_pattern, timestamp_format, notices
        )
        if part != (0.0, 1.0):
            found = _cut(found, part)
        self._time_scale = time_scale
        self._loop = loop
        self._rel_ns: Int64s = found.stamps_ns - found.stamps_ns[0]
        self._sizes = found.sizes
        self._ends: Int64s | None = None if found.counts is None else np.cumsum(found.counts)
        self._items = len(self._rel_ns) if self._ends is None else int(self._ends[-1])
        span_ns = int(self._rel_ns[-1])
        mean_gap_ns = span_ns / max(1, len(self._rel_ns) - 1)
        self._period_ns = round((span_ns + mean_gap_ns) / time_scale)
        self.duration_ns = (loop - 1) * self._period_ns + int(span_ns / time_scale) + 1
        self.expected_items = self._items * loop
        if self.duration_ns >= 1 << 62:
            raise ReplayError(f"load.time_scale={time_scale}, load.loop={loop}: the replay would take over 146 years")

    @property
    def size_bounds(self) -> tuple[int, int] | None:
        """(smallest, largest) dictated payload size in bytes; None if the recording has no sizes."""
        return None if self._sizes is None else (int(self._sizes.min()), int(self._sizes.max()))

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        for played in range(self._loop):
            for first in range(0, self._items, max_items):
                yield self._stretch(first, min(first + max_items, self._items), played * self._period_ns)

    def _stretch(self, first: int, end: int, offset_ns: int) -> Arrivals:
        """Items first..end-1 of one playing."""
        if self._ends is None:
            due_ns, sizes = self._due_ns(first, end), None if self._sizes is None else self._sizes[first:end].copy()
        else:
            first_row = int(self._ends.searchsorted(first, "right"))
            end_row = int(self._ends.searchsorted(end, "left")) + 1
            counts = np.diff(np.minimum(self._ends[first_row:end_row], end), prepend=first)
            due_ns = np.repeat(self._due_ns(first_row, end_row), counts)
            sizes = None if self._sizes is None else np.repeat(self._sizes[first_row:end_row], counts)
        due_ns += offset_ns
        return Arrivals(due_ns, sizes)

    def _due_ns(self, first_row: int, end_row: int) -> Int64s:
        rel_ns = self._rel_ns[first_row:end_row]
        return rel_ns.copy() if self._time_scale == 1 else (rel_ns / self._time_scale).astype(np.int64)


def _cut(found: Recording, part: tuple[float, float]) -> Recording:
    """The rows from one share of the recording's span up to, not including, another (1 includes its end)."""
    rel_ns = found.stamps_ns - found.stamps_ns[0]
    start, end = (float(share) * float(rel_ns[-1]) for share in part)
    kept = np.flatnonzero((rel_ns >= start) & ((rel_ns < end) | (part[1] == 1)))
    if not kept.size:
        raise ReplayError(f"load.from_ratio={part[0]}, load.to_ratio={part[1]}: no row lies in that part")
    return found.take(kept)
