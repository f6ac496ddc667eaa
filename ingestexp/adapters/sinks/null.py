"""The sink that keeps nothing: what the pipeline itself costs.

Must live here: nothing that takes time. Must not: pretence (it is not durable, and says so).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestexp.ports import Settled

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.ports import Int64s

_NOTHING = Settled()
"""Shared by all writes: nobody changes a `Settled`."""


class NullSink:
    """Accepts every batch at once and forgets it."""

    name = "null"
    durable = False
    simulated = False

    def open(self) -> None:
        """Nothing to open."""

    def write(self, batch: Batch, worker: int) -> Settled:
        return _NOTHING

    def close(self) -> None:
        """Nothing to close."""

    def read_back(self) -> Int64s:
        """Always empty."""
        return np.empty(0, np.int64)

    def describe(self) -> dict[str, object]:
        return {"durability": "none: every batch is forgotten at once", "counters": "all 0: nothing is written"}
