"""The pipeline's own time per batch at `max_size=1`, beside the sink's: settled to next sent, with a backlog.

Twice: beside `sqlite`, where each batch follows an fsync's sleep and finds the processor's caches cold, and beside
`null`, where nothing sleeps: what the code itself takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

if TYPE_CHECKING:
    from tests.benchmarks.product import Run


def own_and_sink_us(done: Run) -> tuple[float, float, str]:
    """(median own time, median of the sink's, how many batches and their p99)."""
    batches = done.table("batches", "sent_at_ns", "settled_at_ns", "depth_at_close").sort_by("sent_at_ns")
    sent, settled, depth = (batches[name].to_numpy() for name in batches.column_names)
    backlogged = depth[1:] > 1  # nothing to wait for: what passes between two writes is ours
    own_us = (sent[1:] - settled[:-1])[backlogged] / 1e3
    note = f"{len(own_us):,} batches; p99 {np.nanpercentile(own_us, 99):.0f} µs"
    return float(np.nanmedian(own_us)), float(np.nanmedian((settled - sent) / 1e3)), note


def measure() -> list[Row]:
    with run("load.rate_per_s=20000", "load.duration_s=3", "window.max_size=1", "run.drain_s=0") as done:
        own_us, sink_us, note = own_and_sink_us(done)
    with run("load=saturate", "load.item_count=200000", "window.max_size=1", "sink='null'") as done:
        hot_us, null_us, hot_note = own_and_sink_us(done)
    return [
        Row.at_most("own_us", "own time per batch, median, beside sqlite", own_us, "µs", 20, note),
        Row("sink_us", "sqlite's time per batch, median", sink_us, "µs"),
        Row("hot_own_us", "own time per batch, median, beside null", hot_us, "µs", note=hot_note),
        Row("null_us", "null's time per batch, median", null_us, "µs"),
    ]
