"""The pipeline's own time per batch at `max_size=1`, beside the sink's: settled to next sent, with a backlog."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row


def measure() -> list[Row]:
    with run("load.rate_per_s=20000", "load.duration_s=3", "window.max_size=1", "run.drain_s=0") as done:
        batches = done.table("batches", "sent_at_ns", "settled_at_ns", "depth_at_close")
    sent, settled, depth = (batches[name].to_numpy() for name in batches.column_names)
    backlogged = depth[1:] > 1  # nothing to wait for: what passes between two writes is ours
    own_us = (sent[1:] - settled[:-1])[backlogged] / 1e3
    sink_us = (settled - sent)[:-1][np.isfinite(settled[:-1])] / 1e3
    note = f"{len(own_us):,} batches; p99 {np.nanpercentile(own_us, 99):.0f} µs"
    return [
        Row.at_most("own_us", "own time per batch, median", float(np.nanmedian(own_us)), "µs", 20, note),
        Row("sink_us", "the sink's time per batch, median", float(np.nanmedian(sink_us)), "µs"),
    ]
