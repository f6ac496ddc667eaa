"""A pipeline in virtual time against a modelled sink, and its rows: the stand on which theory is tried.

Must live here: running the lane, reading the evidence back, an observer of the depth. Must not: formulas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from ingestexp.adapters.sinks.model import ModelSink, Noise
from ingestexp.core.control import Static
from ingestexp.core.on_failure import RetryBatch
from ingestexp.core.pipeline import Pipeline
from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.engine.blocks import make_block
from ingestexp.engine.drive import drive
from ingestexp.engine.simulated import SimulatedLane
from ingestexp.trace.recorder import Recorder
from ingestexp.trace.writer import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.core.window import Limits
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.ports import Int64s

BLOCK_ITEMS = 32_768


@dataclass(slots=True)
class DepthObserver:
    """Counts the items in the system (queued or being written) at fixed instants, independently of the rows."""

    core: Pipeline
    every_ns: int
    next_at_ns: int = 0
    seen: list[int] = field(default_factory=list)

    def observe(self, now_ns: int) -> None:
        self.next_at_ns = now_ns + self.every_ns
        self.seen.append(self.core.offered - self.core.settled)


@dataclass(slots=True)
class Rows:
    """Columns of the trace as NumPy arrays, by name; items in id order."""

    items: dict[str, Any]
    batches: dict[str, Any]
    depths: list[int]


def poisson_ns(rate_per_s: float, count: int, seed: int) -> Int64s:
    """Due times of `count` Poisson arrivals, ns."""
    gaps = np.random.default_rng(seed).exponential(1e9 / rate_per_s, count)
    return np.cumsum(gaps).astype(np.int64)


def sink(fixed_ms: float, per_item_us: float = 0.0, noise: Noise = Noise.none, seed: int = 1) -> ModelSink:
    return ModelSink(fixed_ms, per_item_us, 0.0, noise, 0.0, None, np.random.default_rng(seed))


def simulate(
    folder: Path, due_ns: Int64s, cost: ModelSink, limits: Limits, workers: int = 1, sample_every_ns: int | None = None
) -> Rows:
    """Run the arrivals through an unbounded queue to the end and read the closed trace back."""
    core = Pipeline(
        bounds=Bounds(),
        overflow=Overflow.UNBOUNDED,
        control=Static(limits),
        on_failure=RetryBatch(Retry(1, 1)),
        workers=workers,
    )
    writer = TraceWriter(folder, ("steady",), simulated=True)
    recorder = Recorder(writer)
    observer = DepthObserver(core, sample_every_ns) if sample_every_ns else None
    lane = SimulatedLane(core, _blocks(recorder, due_ns), cost, 1 << 60, lambda: 0.5, observer)
    drive(lane, core, recorder)
    recorder.hand_over()
    writer.close()
    assert core.committed == len(due_ns)
    items = pq.read_table(folder / "items").sort_by("item_id")
    batches = pq.read_table(folder / "batches").sort_by("batch_id")
    return Rows(_columns(items), _columns(batches), observer.seen if observer else [])


def _columns(table: Any) -> dict[str, Any]:
    return {name: table.column(name).to_numpy() for name in table.column_names if table.column(name).null_count == 0}


def _blocks(recorder: Recorder, due_ns: Int64s) -> Iterator[EvenBlock]:
    for first in range(0, len(due_ns), BLOCK_ITEMS):
        due = due_ns[first : first + BLOCK_ITEMS]
        yield make_block(recorder, first, len(due), due, 100, 0, None)
