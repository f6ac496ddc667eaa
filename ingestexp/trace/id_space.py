"""Which ids a run's items have: 0..n-1, or, in a redrive, those of its dead letters and then its own.

Must live here: from an id to its place in an array of all items. Must not: fates, files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ingestexp.ports import Int64s


class IdSpace:
    """`redriven` (k,) ascending, all below `base`; then base..base+live_count-1. `count` of them in all."""

    def __init__(self, live_count: int, base: int = 0, redriven: Int64s | None = None) -> None:
        self.redriven = np.empty(0, np.int64) if redriven is None else redriven
        self.base = base
        self.count = len(self.redriven) + live_count

    def places(self, ids: Int64s) -> Int64s:
        """Of each id its place in 0..count-1, -1 of an id that the run has not."""
        first_live = len(self.redriven)
        places = ids - (self.base - first_live)
        if first_live or self.base:
            near = np.minimum(np.searchsorted(self.redriven, ids), max(first_live - 1, 0))
            known = self.redriven[near] == ids if first_live else np.zeros(len(ids), np.bool_)
            places = np.where(known, near, np.where(ids >= self.base, places, -1))
        places[(places < 0) | (places >= self.count)] = -1
        return places
