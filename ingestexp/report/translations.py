"""A window in the words of other batching systems, and what those words can't say.

Must live here: names, units and meanings of their settings, from their own documentation. Must not: measuring,
choosing (`window_choice`).

Sources: Apache Kafka 4 producer configs (`linger.ms`, `batch.size`); librdkafka CONFIGURATION.md (`linger.ms` = `queue.
buffering.max.ms`, `batch.num.messages`, `batch.size`); Vector, sinks, `batch.*`; OpenTelemetry Collector, batch
processor (`send_batch_size` triggers, `send_batch_max_size` limits, the timer starts anew at every send).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_NEVER_MS: Final = 86_400_000
MOST_MESSAGES: Final = 1_000_000
MOST_LINGER_MS: Final = 900_000
MOST_BATCH_BYTES: Final = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Translation:
    """`settings`: as they are typed there. `differs`: what does not carry over."""

    system: str
    settings: str
    differs: str


def translations(max_size: int, max_wait_ms: float | None, payload_bytes: float) -> list[Translation]:
    """`payload_bytes`: of a mean item; systems that count bytes get `max_size` of those."""
    nbytes = min(MOST_BATCH_BYTES, math.ceil(max_size * max(payload_bytes, 1)))
    timer = _NEVER_MS if max_wait_ms is None else max_wait_ms
    whole_ms = math.ceil(timer)
    rounded = " max_wait is rounded up to whole ms." if whole_ms != timer else ""
    no_timer = " It has no `no timer`: a day stands for it." if max_wait_ms is None else ""
    greedy = max_wait_ms == 0
    vector_s = max(timer, 1) / 1e3
    return [
        Translation(
            "Kafka producer",
            f"linger.ms={whole_ms} batch.size={nbytes}",
            f"counts bytes (of {max_size} mean payloads, headers not counted), for each partition by itself: "
            f"k partitions share the rate, so each fills k times slower.{rounded}{no_timer}",
        ),
        Translation(
            "librdkafka",
            f"linger.ms={min(timer, MOST_LINGER_MS):g} batch.num.messages={min(max_size, MOST_MESSAGES)} "
            f"batch.size={nbytes + 1024}",
            f"for each partition by itself; batch.size must not bite first, so it has some room.{no_timer}",
        ),
        Translation(
            "Vector sink",
            f"batch.max_events={max_size} batch.timeout_secs={vector_s:g} batch.max_bytes={nbytes * 4}",
            "for each partition of the sink (stream, key prefix) by itself; bytes are of events in memory."
            + (" It has no greedy batch: 1 ms stands for max_wait 0." if greedy else no_timer),
        ),
        Translation(
            "OpenTelemetry Collector",
            f"batch: {{timeout: {timer:g}ms, send_batch_size: {max_size}, send_batch_max_size: {max_size}}}",
            "the timer runs from the last send, not from the oldest item: waits are half as long on average, the "
            "bound is the same; items are spans, points or records, and an acknowledged batch may still be lost in the "
            "exporter."
            + (
                " timeout 0 sends every request as it comes: nothing is merged while a send is under way."
                if greedy
                else no_timer
            ),
        ),
    ]
