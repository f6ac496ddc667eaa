"""What two simulated runs with a fixed seed leave behind, as one hash a table.

Must live here: the runs, the canonical form of a table. Must not: the expected hashes (`fingerprints.json`), which
`python -m tests.golden.fingerprint` writes anew after a change that is meant to change the evidence.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.parquet as pq

from ingestexp.adapters.loads.poisson import Poisson
from ingestexp.adapters.sinks.model import ModelSink, Noise
from ingestexp.core.control import Static
from ingestexp.core.on_failure import RetryBatch
from ingestexp.core.pipeline import Pipeline
from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.core.window import Limits
from ingestexp.engine.blocks import make_block
from ingestexp.engine.drive import drive
from ingestexp.engine.sampler import Sampler
from ingestexp.engine.simulated import SimulatedLane
from ingestexp.trace.recorder import Recorder
from ingestexp.trace.writer import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.engine.blocks import EvenBlock

EXPECTED: Final = Path(__file__).with_name("fingerprints.json")
TABLES: Final = ("items", "batches", "samples", "dead_letters")

# Exponential draws, not lognormal ones: NumPy makes those of whole numbers and a table, not of the platform's log.
_NOISE: Final = Noise.exponential


def steady(folder: Path) -> None:
    """5,000 items in 2.5 virtual seconds, two workers, size and age windows, `block`."""
    core = Pipeline(
        bounds=Bounds(300, 60_000),
        overflow=Overflow.BLOCK,
        control=Static(Limits(32, 8_000_000)),
        on_failure=RetryBatch(Retry(3, 1_000_000)),
        workers=2,
    )
    _run(folder, core, 2_000, 2.5, 20.0, lambda batch: None)


def failing(folder: Path) -> None:
    """3,000 items, `drop_oldest`, byte windows, half of the attempts fail, two allowed."""
    core = Pipeline(
        bounds=Bounds(64),
        overflow=Overflow.DROP_OLDEST,
        control=Static(Limits(40, 5_000_000, 4_000)),
        on_failure=RetryBatch(Retry(2, 3_000_000, jitter=0.5)),
        ordered=True,
    )
    _run(folder, core, 3_000, 1.0, 9.0, lambda batch: "scripted failure" if batch.batch_id % 4 < 2 else None)


SCENARIOS: Final[dict[str, Callable[[Path], None]]] = {"steady": steady, "failing": failing}


def _run(
    folder: Path,
    core: Pipeline,
    rate_per_s: float,
    duration_s: float,
    fixed_ms: float,
    fails: Callable[[Batch], str | None],
) -> None:
    load_rng, noise_rng, jitter_rng = (np.random.default_rng([7, stream]) for stream in range(3))
    load = Poisson(rate_per_s, duration_s, load_rng)
    cost = ModelSink(fixed_ms, 5.0, 1.0, _NOISE, 0.0, None, noise_rng)
    writer = TraceWriter(folder, load.phases, simulated=True)
    recorder = Recorder(writer)
    sampler = Sampler(core, load, 50_000_000, writer, None)

    def blocks() -> Iterator[EvenBlock]:
        first = 0
        for stretch in load.stretches(1_000):
            count = len(stretch.due_ns)
            sizes = (np.arange(first, first + count) * 37 % 211).astype(np.int32)
            yield make_block(recorder, first, count, stretch.due_ns, sizes, stretch.phase, None)
            first += count

    lane = SimulatedLane(core, blocks(), cost, 10**10, jitter_rng.random, sampler, fails)
    drive(lane, core, recorder)
    recorder.hand_over()
    sampler.flush(lane.at_ns, 0)
    writer.close()


def fingerprint(folder: Path) -> dict[str, str]:
    """sha256 a table, over names and values in order: the same for every pyarrow and every file layout."""
    return {name: _digest(pq.read_table(folder / name)) for name in TABLES}


def _digest(table: Any) -> str:
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update(json.dumps([name, table.column(name).to_pylist()]).encode())
    return digest.hexdigest()


def current() -> dict[str, dict[str, str]]:
    found = {}
    for name, scenario in SCENARIOS.items():
        with tempfile.TemporaryDirectory() as folder:
            scenario(Path(folder))
            found[name] = fingerprint(Path(folder))
    return found


if __name__ == "__main__":
    EXPECTED.write_text(json.dumps(current(), indent=2) + "\n")
