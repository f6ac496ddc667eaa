"""All tables of `analysis/tables` over a simulated trace of 100 M items, in one session, on two threads."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import duckdb

from ingestexp.experiment.paths import ANALYSIS
from ingestexp.report.evidence import MEMORY_LIMIT
from tests.benchmarks.harness import ROOT
from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

TIMEOUT_S: Final = 600.0
ROUNDS: Final = 2
THREADS: Final = 2
NEED_TWO_RUNS: Final = ("paired_arrivals", "paired_responses")
"""They join two runs item by item, and one has a row an item."""

LOAD: Final = (
    "clock=simulated",
    "sink=model",
    "sink.fixed_ms=0.003",
    "sink.per_item_us=0.033",
    "sink.noise=lognormal",
    "load.rate_per_s=20000000",
    "load.duration_s=5",
    "window.max_size=512",
)
"""Four fifths of what the sink can take: batches are full, the queue wanders, latencies spread over a factor of ten."""


def measure() -> list[Row]:
    with run(*LOAD) as done:
        rounds = [asked(done.folder) for _ in range(ROUNDS)]
        items = done.committed
    best = min(rounds, key=lambda each: float(each["total_s"]))
    slowest = sorted(best["tables_s"].items(), key=lambda each: -each[1])[:4]
    note = (
        f"{items:,} items; best of {ROUNDS}, CPU {best['cpu_s']:.1f} s; views and counting {best['counting_s']:.1f} s, "
    )
    note += ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest)
    rss_gb = max(float(each["peak_rss_gb"]) for each in rounds)
    return [
        Row.at_most("total_s", f"all tables but {', '.join(NEED_TWO_RUNS)}", best["total_s"], "s", 20, note),
        Row.at_most("peak_rss_gb", "peak RSS", rss_gb, "GB", 4, f"DuckDB's memory_limit {MEMORY_LIMIT}"),
    ]


def asked(run_dir: Path) -> dict[str, Any]:
    """What `ask` found, in a process of its own: a peak is a process's."""
    command = [sys.executable, "-m", "tests.benchmarks.measurements.tables", str(run_dir)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ask(run_dir: Path) -> dict[str, Any]:
    """Every table once, its rows fetched, as a session that asks for all of them would."""
    began_s = time.monotonic()
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "preserve_insertion_order": False,
    }
    tables_s: dict[str, float] = {}
    with duckdb.connect(config=settings) as connection:
        connection.execute(f"SET VARIABLE runs = '{run_dir}'")
        for file in ("views.sql", "counted_once.sql"):
            connection.execute((ANALYSIS / file).read_text(encoding="utf-8"))
        counting_s = time.monotonic() - began_s
        for table in sorted((ANALYSIS / "tables").glob("*.sql")):
            if table.stem in NEED_TWO_RUNS:
                continue
            before_s = time.monotonic()
            connection.execute(table.read_text(encoding="utf-8")).fetchnumpy()
            tables_s[table.stem] = time.monotonic() - before_s
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "total_s": time.monotonic() - began_s,
        "counting_s": counting_s,
        "tables_s": tables_s,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_rss_gb": used.ru_maxrss * 1024 / 1e9,
    }


if __name__ == "__main__":
    print(json.dumps(ask(Path(sys.argv[1]))))
