"""The modelled sink: a cost formula instead of a store.

Must live here: cost = (fixed + per item + per byte) x noise, for the simulated clock and, by sleeping, for the live
one. Must not: a claim that anything was kept.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.adapters.sinks.noise import Noise, NoiseFileError, draws
from ingestexp.ports import Settled

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.ports import Int64s

__all__ = ["ModelSink", "Noise", "NoiseFileError"]

_ONE_MODELLED_COMMIT = Settled(commits=1)


class ModelSink:
    """T(n, bytes) = (F + V*n + W*bytes) * noise, noise of mean 1 (ALGORITHMS A: the fixed-cost model).

    `fixed_ms` F, `per_item_us` V, `per_byte_ns` W; all >= 0. Raises NoiseFileError or ValueError at construction.
    """

    name = "model"
    durable = False
    simulated = True

    def __init__(
        self,
        fixed_ms: float,
        per_item_us: float,
        per_byte_ns: float,
        noise: Noise,
        noise_cv: float,
        noise_path: Path | None,
        rng: np.random.Generator,
        clock_sleep: bool = True,
    ) -> None:
        self._fixed_ns = fixed_ms * 1e6
        self._per_item_ns = per_item_us * 1e3
        self._per_byte_ns = per_byte_ns
        self._noise = Noise(noise)
        self._certain = self._noise is Noise.none
        self._noise_cv = noise_cv
        self._noise_path = noise_path
        self._next_factor = draws(self._noise, noise_cv, noise_path, rng)
        self._clock_sleep = clock_sleep
        self._drawing = threading.Lock()

    def service_ns(self, item_count: int, payload_bytes: int) -> int:
        """The next write's duration, ns. For one thread: `write` takes a lock around it."""
        cost_ns = self._fixed_ns + self._per_item_ns * item_count + self._per_byte_ns * payload_bytes
        return int(cost_ns if self._certain else cost_ns * self._next_factor())

    def open(self) -> None:
        """Nothing to open."""

    def write(self, batch: Batch, worker: int) -> Settled:
        """Takes as long as the formula says (plus the sleep's own overshoot, 0.05-0.1 ms on Linux)."""
        with self._drawing:
            duration_ns = self.service_ns(batch.item_count, batch.payload_bytes)
        if self._clock_sleep:
            time.sleep(duration_ns / 1e9)
        return _ONE_MODELLED_COMMIT

    def close(self) -> None:
        """Nothing to close."""

    def read_back(self) -> Int64s:
        """Always empty."""
        return np.empty(0, np.int64)

    def describe(self) -> dict[str, object]:
        return {
            "durability": "none: costs are modelled, nothing is kept",
            "counters": "commits are modelled, one a batch; everything else is 0",
            "cost_parameters": {
                "fixed_ms": self._fixed_ns / 1e6,
                "per_item_us": self._per_item_ns / 1e3,
                "per_byte_ns": self._per_byte_ns,
                "noise": self._noise.value,
                "noise_cv": self._noise_cv,
                "noise_path": None if self._noise_path is None else str(self._noise_path),
            },
        }
