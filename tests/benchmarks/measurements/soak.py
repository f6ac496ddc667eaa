"""Bounded memory: 50 M items through `null` at 2 M/s, resident set over time."""

from __future__ import annotations

from typing import Final

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

SETTLED_S: Final = 10.0


def measure() -> list[Row]:
    with run(
        "load=constant",
        "load.rate_per_s=2000000",
        "load.duration_s=25",
        "sink='null'",
        "payload.size_cv=0",
        "policy.capacity=1000000",
    ) as done:
        samples = done.table("samples", "at_ns", "rss_bytes")
        committed = done.committed
    at_s, rss_gb = samples["at_ns"].to_numpy() / 1e9, samples["rss_bytes"].to_numpy() / 1e9
    late = at_s >= SETTLED_S
    growth_mb = (rss_gb[late].max() - rss_gb[~late].max()) * 1e3
    return [
        Row.at_most("peak_rss_gb", "peak RSS", float(rss_gb.max()), "GB", 0.5, f"{committed:,} items committed"),
        Row.at_most("growth_mb", "peak after 10 s over peak before", float(growth_mb), "MB", 20),
    ]
