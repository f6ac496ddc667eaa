"""From the rows of `verdict_blocks` to the exceedances of one run, block by block.

Must live here: turning columns into counts. Must not: SQL (`analysis/`), what follows from them (`verdict`).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from ingestexp.report.verdict import Blocks

MAX_BUCKETS: Final = 1500
"""Enough for an interval's ends; the figures themselves are exact."""
CLOSE: Final = 1 << 16
"""Integers within such a range are told apart without sorting."""


def blocks_of(cells: dict[str, Any] | None, stalled: frozenset[int] = frozenset()) -> Blocks:
    """From the columns of `verdict_blocks` of one run, and the numbers of `stalled_blocks`; no rows: no block."""
    if cells is None or not len(cells["block"]):
        empty = np.zeros(0, dtype=np.int64)
        return Blocks(empty, empty, empty, empty.reshape(0, 0), empty)
    blocks, row = _distinct(cells["block"])
    fine = cells["bucket"].astype(np.int64)
    step = max(1, math.ceil((int(fine.max()) - int(fine.min()) + 1) / MAX_BUCKETS))
    buckets, column = _distinct(fine // step)
    histogram = np.zeros((len(blocks), len(buckets)), dtype=np.int64)
    np.add.at(histogram, (row, column), cells["item_count"])

    def by_block(name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.bincount(row, weights=cells[name], minlength=len(blocks)).astype(np.int64)

    return Blocks(
        by_block("item_count"),
        by_block("over_count"),
        by_block("over_without_lateness_count"),
        histogram,
        buckets * step + step // 2,
        np.isin(blocks, list(stalled)).astype(np.int64) if stalled else None,
    )


def _distinct(values: Any) -> tuple[Any, Any]:
    """As `np.unique` with the inverse, of integers; without sorting where they lie close together."""
    lowest = int(values.min())
    if int(values.max()) - lowest > CLOSE:
        return np.unique(values, return_inverse=True)
    places = values - lowest
    there = np.bincount(places) > 0
    return np.flatnonzero(there).astype(np.int64) + lowest, (np.cumsum(there) - 1)[places]
