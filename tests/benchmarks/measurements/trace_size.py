"""The trace on disk: poisson 100k/s for 10 s, windows of 512, bytes per item in `items/`."""

from __future__ import annotations

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row


def measure() -> list[Row]:
    with run("load.rate_per_s=100000", "load.duration_s=10", "window.max_size=512", "sink='null'") as done:
        per_item = done.manifest["self_checks"]["trace"]["bytes_per_item"]
        note = f"{done.committed:,} items"
    return [Row.at_most("bytes_per_item", "items/ on disk", per_item, "bytes/item", 6, note)]
