"""A recording: when items arrived once, and the error that every reader of recordings raises.

Must live here: these two. Must not: the reading (reader), nor the playing (replay).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ingestexp.ports import Int32s, Int64s


class ReplayError(ValueError):
    """A recording can't be replayed: file, row or line, the offending text, what is allowed. Meant for the user."""


@dataclass(slots=True)
class Recording:
    """`stamps_ns` int64 (rows,), ns since the file's own epoch; `sizes` int32 and `counts` int64 (rows,), or None."""

    stamps_ns: Int64s
    sizes: Int32s | None = None
    counts: Int64s | None = None

    def take(self, rows: Int64s) -> Recording:
        """The given rows in the given order (an index array or a mask)."""
        return Recording(
            self.stamps_ns[rows],
            None if self.sizes is None else self.sizes[rows],
            None if self.counts is None else self.counts[rows],
        )


def concat(parts: list[Recording]) -> Recording:
    """Parts of one file in file order, at least one."""
    sizes = [part.sizes for part in parts if part.sizes is not None]
    counts = [part.counts for part in parts if part.counts is not None]
    return Recording(
        np.concatenate([part.stamps_ns for part in parts]),
        np.concatenate(sizes) if sizes else None,
        np.concatenate(counts) if counts else None,
    )
