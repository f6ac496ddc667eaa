"""What a pipeline takes in that its sink cannot, `policy=spill` against memory alone, 200-byte items; and reads back.

The sink is `model` at 512 items a second, so everything but a thousandth waits; `load=saturate` offers as fast as the
policy takes it. Memory alone is `policy=block` with a capacity for all of it: the same run without a disk. Accepted by
the spill means flushed to the disk. Reading back is `recovered_items` over the run's own segments: checksums and
columns, from the page cache. A second shape goes all the way to a sink that takes everything at once, where memory
alone never holds more than a few blocks: there the flushes of the disk set the pace, and no reach is set.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Final

from ingestexp.adapters.spill.recovery import recovered_items
from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

if TYPE_CHECKING:
    from tests.benchmarks.product import Run

ITEMS: Final = 3_000_000
ROUNDS: Final = 5
COMMON: Final = (
    "load=saturate",
    f"load.item_count={ITEMS}",
    "load.duration_s=null",
    "sink=model",
    "sink.fixed_ms=1000",
    "payload.size_cv=0",
    "payload.size_bytes=200",
    "window.max_size=512",
    "run.drain_s=0",
)
THROUGH: Final = (
    "load=saturate",
    "load.item_count=5000000",
    "load.duration_s=null",
    "sink='null'",
    "payload.size_cv=0",
    "payload.size_bytes=200",
    "window.max_size=512",
)
"""All the way to a sink that takes everything at once: written, flushed, read back and sent, against sent alone."""
THROUGH_ROUNDS: Final = 3
MEMORY: Final = ("policy=block", f"policy.capacity={ITEMS}")
SPILL: Final = ("policy=spill", "policy.capacity=100000", "policy.spill_max_bytes=4294967296")
TIMEOUT_S = 600


def measure() -> list[Row]:
    memory: list[float] = []
    spill: list[float] = []
    back: list[float] = []
    rss: dict[str, float] = {}
    for _ in range(ROUNDS):
        with run(*COMMON, *MEMORY) as done:
            memory.append(taken_in_per_s(done))
            rss["memory"] = done.manifest["counters"]["peak_rss_bytes"] / 1e6
        with run(*COMMON, *SPILL) as done:
            spill.append(taken_in_per_s(done))
            rss["spill"] = done.manifest["counters"]["peak_rss_bytes"] / 1e6
            assert done.manifest["policy"]["left_bytes"] > 0.9 * 200 * ITEMS
            back.append(read_back_per_s(done))
    through: dict[str, list[float]] = {"memory": [], "spill": []}
    written = 0.0
    for _ in range(THROUGH_ROUNDS):
        with run(*THROUGH) as done:
            through["memory"].append(done.items_per_s())
        with run(*THROUGH, *SPILL) as done:
            through["spill"].append(done.items_per_s())
            written = done.manifest["policy"]["bytes_written"] / done.committed / 200
    ratio = median(through["spill"]) / median(through["memory"])
    over = median(spill) / median(memory)
    return [
        Row("memory_per_s", "taken in, memory alone", median(memory), "items/s", note=_spread(memory)),
        Row("spill_per_s", "taken in, spilled and flushed", median(spill), "items/s", note=_spread(spill)),
        Row.at_least(
            "over_memory", "spilled ÷ memory alone", over, "×", 0.3, f"medians of {ROUNDS} alternating rounds"
        ),
        Row.at_least("back_per_s", "read back, checked", median(back), "items/s", 1e6, _spread(back)),
        Row(
            "through_per_s",
            "through memory to null",
            median(through["memory"]),
            "items/s",
            note=_spread(through["memory"]),
        ),
        Row(
            "through_spill_per_s",
            "through the disk to null",
            median(through["spill"]),
            "items/s",
            note=_spread(through["spill"]),
        ),
        Row(
            "through_ratio", "the one ÷ the other", ratio, "×", note=f"{written:.2f} bytes written for each of payload"
        ),
        Row("memory_rss_mb", "peak RSS, memory alone", rss["memory"], "MB"),
        Row("spill_rss_mb", "peak RSS, spilled", rss["spill"], "MB"),
    ]


def taken_in_per_s(done: Run) -> float:
    """Items that were offered and not refused, by the time the load took to be taken in."""
    counters = done.manifest["counters"]
    assert counters["offered"] == ITEMS
    assert counters["dropped"] == 0
    return ITEMS / (float(done.manifest["load_ended_at_ns"]) / 1e9)


def read_back_per_s(done: Run) -> float:
    started = time.perf_counter()
    items = sum(len(stretch.payloads) for stretch in recovered_items(done.folder / "spill"))
    return items / (time.perf_counter() - started)


def _spread(found: list[float]) -> str:
    return f"{min(found) / 1e6:.2f}…{max(found) / 1e6:.2f} M"
