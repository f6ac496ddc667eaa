"""A window in the words of other batching systems, and what those words can't say.

Must live here: names, units and meanings of their settings, from their own documentation. Must not: measuring,
choosing (`window_choice`).

Sources: Apache Kafka 4 producer configs (`linger.ms`, `batch.size`, `max.request.size`); librdkafka CONFIGURATION.md
(`linger.ms` = `queue.buffering.max.ms`, at most 900,000; `batch.num.messages`, `batch.size`, `message.max.bytes`);
Vector, sinks, `batch.*`; OpenTelemetry Collector, batch processor (`send_batch_size` triggers, `send_batch_max_size`
limits, `timeout` is a Go duration, the timer starts anew at every send).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_NEVER_MS: Final = 86_400_000
MOST_MESSAGES: Final = 1_000_000
MOST_LINGER_MS: Final = 900_000
MOST_BATCH_BYTES: Final = 2_147_483_647
_LARGEST: Final = "max.request.size (1 MB as it comes) and the broker's message.max.bytes cap a batch."


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
    linger = min(timer, MOST_LINGER_MS)
    longest = "It has no `no timer`: 15 minutes, its longest linger, stand for it."
    shortened = "Its longest linger is 15 minutes: that stands for max_wait."
    capped = f" {longest if max_wait_ms is None else shortened}" if linger < timer else ""
    greedy = max_wait_ms == 0
    vector_s = max(timer, 1) / 1e3
    return [
        Translation(
            "Kafka producer",
            f"linger.ms={whole_ms} batch.size={nbytes}",
            f"counts bytes (of {max_size} mean payloads, headers not counted), for each partition by itself: "
            f"k partitions share the rate, so each fills k times slower. {_LARGEST}{rounded}{no_timer}",
        ),
        Translation(
            "librdkafka",
            f"linger.ms={_plain(linger)} batch.num.messages={min(max_size, MOST_MESSAGES)} batch.size={nbytes + 1024}",
            "for each partition by itself; batch.size must not bite first, so it has some room; message.max.bytes "
            f"(1 MB as it comes) caps it, the broker's message.max.bytes too.{capped}",
        ),
        Translation(
            "Vector sink",
            f"batch.max_events={max_size} batch.timeout_secs={_plain(vector_s)} batch.max_bytes={nbytes * 4}",
            "for each partition of the sink (stream, key prefix) by itself; bytes are of events in memory."
            + (" It has no greedy batch: 1 ms stands for max_wait 0." if greedy else no_timer),
        ),
        Translation(
            "OpenTelemetry Collector",
            f"batch: {{timeout: {_duration(timer)}, send_batch_size: {max_size}, send_batch_max_size: {max_size}}}",
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


def _plain(value: float) -> str:
    """Without an exponent, which these systems' parsers do not all take."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _duration(timer_ms: float) -> str:
    """As Go's time.ParseDuration takes it."""
    whole_s = timer_ms >= 10_000 and timer_ms % 1000 == 0
    return f"{_plain(timer_ms / 1000)}s" if whole_s else f"{_plain(timer_ms)}ms"
