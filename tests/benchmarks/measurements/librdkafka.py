"""librdkafka (confluent-kafka) into its own mock broker, a delivery callback per message.

What it is to be compared with: our `null` sink under `saturate`. Alike: 200-byte payloads, batches, the fate of
every single message is known to the caller afterwards. **Not** alike, in our favour: librdkafka is called once a
message from Python and encodes, checksums and sends every byte over a loopback socket to the mock broker and waits
for its acknowledgement; our harness is handed chunks and has no wire. So the ratio tells how much headroom the
harness has over the load a Kafka producer can make in this language: it doesn't tell of a faster Kafka.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any, Final

from confluent_kafka import Producer

from tests.benchmarks.rows import FAILED, Row

PAYLOAD: Final = b"x" * 200
ROUNDS: Final = 3
MESSAGES: Final = 2_000_000
POLL_EVERY: Final = 5_000

CONFIG: Final[dict[str, Any]] = {
    "bootstrap.servers": "",
    "test.mock.num.brokers": 1,
    "acks": 1,
    "linger.ms": 5,
    "batch.num.messages": 100_000,
    "batch.size": 4_000_000,
    # A longer queue (1 M) was slower here, not faster: callbacks find their messages cold.
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 1_000_000,
    "log_level": 3,
}


class Tally:
    """Delivery callbacks, counted: the least a caller can do with them."""

    def __init__(self) -> None:
        self.delivered = 0
        self.failed = 0

    def __call__(self, error: Any, _message: Any) -> None:
        if error is None:
            self.delivered += 1
        else:
            self.failed += 1


def deliver(producer: Any, messages: int) -> tuple[float, Tally]:
    """Send and wait for every callback. Returns (seconds, what the callbacks said)."""
    tally = Tally()
    produce, poll = producer.produce, producer.poll
    started = time.perf_counter()
    sent = 0
    while sent < messages:
        try:
            for _ in range(min(POLL_EVERY, messages - sent)):
                produce("items", PAYLOAD, on_delivery=tally)
                sent += 1
        except BufferError:
            poll(0.01)  # the local queue is full: serve callbacks until there is room
        poll(0)
    producer.flush()
    return time.perf_counter() - started, tally


def measure() -> list[Row]:
    producer = Producer(CONFIG)
    deliver(producer, MESSAGES // 20)  # metadata, connection, allocator
    rates = []
    for _ in range(ROUNDS):
        seconds, tally = deliver(producer, MESSAGES)
        if tally.failed or tally.delivered != MESSAGES:
            note = f"{tally.delivered} of {MESSAGES} delivered, {tally.failed} failed"
            return [Row(FAILED, "messages lost", float("nan"), "", ok=False, note=note)]
        rates.append(MESSAGES / seconds)
    spread = f"{min(rates):,.0f}…{max(rates):,.0f}"
    note = f"median of {ROUNDS} rounds of {MESSAGES / 1e6:g} M messages of {len(PAYLOAD)} bytes, {spread}"
    return [Row("messages_per_s", "delivered, each with a callback", median(rates), "messages/s", note=note)]
