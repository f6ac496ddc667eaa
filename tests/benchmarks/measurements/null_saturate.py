"""The harness's headroom: `null` sink under `saturate`, 200-byte payloads owned, a row for every item on disk.

Chunks in, no wire: this is what the framework itself can carry, not a faster Kafka (see `librdkafka`).
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

if TYPE_CHECKING:
    from tests.benchmarks.rows import Found

ITEMS: Final = 40_000_000
ROUNDS: Final = 3
COMMON: Final = (
    "load=saturate",
    f"load.item_count={ITEMS}",
    "load.duration_s=null",
    "sink='null'",
    "payload.size_cv=0",
)


def measure() -> list[Row]:
    rates: dict[str, list[float]] = {"true": [], "false": []}
    for _ in range(ROUNDS):
        for traced, found in rates.items():
            with run(*COMMON, "window.max_size=512", f"trace.enabled={traced}") as done:
                assert done.committed == ITEMS
                found.append(done.items_per_s())
    spread = {traced: f"{min(found) / 1e6:.1f}…{max(found) / 1e6:.1f} M" for traced, found in rates.items()}
    return [
        Row.at_least(
            "traced_per_s",
            "null, saturate, trace on, parts closed",
            median(rates["true"]),
            "items/s",
            8e6,
            f"median of {ROUNDS} × {ITEMS / 1e6:g} M items, {spread['true']}",
        ),
        Row("untraced_per_s", "the same, trace off", median(rates["false"]), "items/s", note=spread["false"]),
    ]


def ratios(found: Found) -> list[Row]:
    ours = found.value("null_saturate", "traced_per_s")
    theirs = found.value("librdkafka", "messages_per_s")
    if ours is None or theirs is None:
        return []
    note = "headroom of the harness (chunks in, no wire), not a faster Kafka"
    return [Row.at_least("over_librdkafka", "null, traced ÷ librdkafka with callbacks", ours / theirs, "×", 8, note)]
