"""The evidence's row schemas: the one thing that `analysis/` relies on.

Must live here: column names, types, the values that coded columns take, the version. Must not: how rows are
collected or written.

Instants (`_at_ns`) are int64 nanoseconds from the run's start; NULL where the stage was not reached.
Rows of `items` stand in settle order, so every closed part is a complete prefix.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

SCHEMA_VERSION: Final = 1

_code = pa.dictionary(pa.int8(), pa.string())

OUTCOMES: Final = ("committed", "dropped", "dead_lettered", "unsettled")
"""What became of an item, by code."""

REASONS: Final = (
    "",  # NULL: nothing to explain
    "overflow_newest",  # dropped: the queue was full and it was the newest
    "overflow_oldest",  # dropped: the queue was full and it was the oldest
    "oversized",  # dropped: larger than the whole queue may hold
    "attempts_exhausted",  # dead-lettered: on_failure.max_attempts transient failures
    "rejected",  # dead-lettered: the sink refuses it for good
    "blocked",  # unsettled: still held back at the source
    "queued",  # unsettled: still in the queue
    "retrying",  # unsettled: waiting for its next attempt
    "in_flight",  # unsettled: its write had not returned
    "skipped",  # dropped: its batch could not be sent, and on_failure=skip_batch lets the whole of it go
    "redrive_rounds",  # dead-lettered: redriven redrive.max_rounds times, not offered again
    "spilled",  # unsettled: still on disk, in the spill's segments
)
"""Why, by code."""

FLUSH_CAUSES: Final = ("size", "bytes", "age", "drain", "split", "retry")
"""In the order of `core.batch.FlushCause`."""

BATCH_OUTCOMES: Final = ("committed", "failed", "rejected", "partial", "unsettled")
"""What became of a send attempt: `failed` is transient, `rejected` permanent, `partial` some items refused."""

ITEMS: Final = pa.schema(
    [
        pa.field("item_id", pa.int64(), nullable=False),
        pa.field("intended_at_ns", pa.int64(), nullable=False),
        pa.field("offered_at_ns", pa.int64()),
        pa.field("admitted_at_ns", pa.int64()),
        pa.field("first_sent_at_ns", pa.int64()),
        pa.field("sent_at_ns", pa.int64()),
        pa.field("settled_at_ns", pa.int64()),
        pa.field("batch_id", pa.int32()),
        pa.field("outcome", _code, nullable=False),
        pa.field("reason", _code),
        pa.field("attempt_count", pa.int16(), nullable=False),
        pa.field("payload_bytes", pa.int32(), nullable=False),
        pa.field("phase", _code, nullable=False),
        pa.field("was_spilled", pa.bool_(), nullable=False),
        pa.field("envelope_id", pa.int64()),
        pa.field("origin_run", pa.string()),
        pa.field("redrive_round", pa.int16(), nullable=False),
    ]
)
"""One row per item. batch_id: its last attempt. settled_at_ns: when it was committed, dropped or parked."""

BATCHES: Final = pa.schema(
    [
        pa.field("batch_id", pa.int32(), nullable=False),
        pa.field("parent_batch_id", pa.int32()),
        pa.field("attempt", pa.int16(), nullable=False),
        pa.field("flush_cause", _code, nullable=False),
        pa.field("first_item_id", pa.int64(), nullable=False),
        pa.field("last_item_id", pa.int64(), nullable=False),
        pa.field("opened_at_ns", pa.int64(), nullable=False),
        pa.field("closed_at_ns", pa.int64(), nullable=False),
        pa.field("sent_at_ns", pa.int64()),
        pa.field("settled_at_ns", pa.int64()),
        pa.field("next_attempt_at_ns", pa.int64()),
        pa.field("item_count", pa.int32(), nullable=False),
        pa.field("payload_bytes", pa.int64(), nullable=False),
        pa.field("wire_bytes", pa.int64(), nullable=False),
        pa.field("compress_ns", pa.int64(), nullable=False),
        pa.field("cpu_ns", pa.int64(), nullable=False),
        pa.field("commits", pa.int32(), nullable=False),
        pa.field("fsyncs", pa.int32(), nullable=False),
        pa.field("round_trips", pa.int32(), nullable=False),
        pa.field("syscalls", pa.int32(), nullable=False),
        pa.field("outcome", _code, nullable=False),
        pa.field("error", pa.string()),
        pa.field("window_max_size", pa.int32(), nullable=False),
        pa.field("window_max_wait_ns", pa.int64()),
        pa.field("depth_at_close", pa.int64(), nullable=False),
        pa.field("oldest_age_ns", pa.int64(), nullable=False),
        pa.field("in_flight", pa.int16(), nullable=False),
        pa.field("worker", pa.int16(), nullable=False),
    ]
)
"""One row per send attempt; a retry has the failed attempt as parent. cpu_ns: the worker's CPU time in `write`."""

SAMPLES: Final = pa.schema(
    [
        pa.field("at_ns", pa.int64(), nullable=False),
        pa.field("depth_items", pa.int64(), nullable=False),
        pa.field("depth_bytes", pa.int64(), nullable=False),
        pa.field("oldest_age_ns", pa.int64(), nullable=False),
        pa.field("lag_items", pa.int64(), nullable=False),
        pa.field("in_flight", pa.int16(), nullable=False),
        pa.field("offered", pa.int64(), nullable=False),
        pa.field("committed", pa.int64(), nullable=False),
        pa.field("dropped", pa.int64(), nullable=False),
        pa.field("dead_lettered", pa.int64(), nullable=False),
        pa.field("spilled", pa.int64(), nullable=False),
        pa.field("retrying_items", pa.int64(), nullable=False),
        pa.field("rss_bytes", pa.int64()),
        pa.field("cpu_ns", pa.int64()),
        pa.field("steal_ns", pa.int64()),
        pa.field("psi_cpu_some_us", pa.int64()),
        pa.field("psi_io_full_us", pa.int64()),
        pa.field("stall_max_ns", pa.int64()),
        pa.field("disk_stall_max_ns", pa.int64()),
        pa.field("window_max_size", pa.int32(), nullable=False),
        pa.field("window_max_wait_ns", pa.int64()),
        pa.field("writer_stall_ns", pa.int64(), nullable=False),
    ]
)
"""The run over time. Counters are running totals since the start; lag = due - settled at `at_ns`."""

DEAD_LETTERS: Final = pa.schema(
    [
        pa.field("item_id", pa.int64(), nullable=False),
        pa.field("intended_at_ns", pa.int64(), nullable=False),
        pa.field("dead_lettered_at_ns", pa.int64(), nullable=False),
        pa.field("reason", _code, nullable=False),
        pa.field("error", pa.string()),
        pa.field("attempt_count", pa.int16(), nullable=False),
        pa.field("batch_id", pa.int32()),
        pa.field("payload", pa.binary()),
        pa.field("first_arrival_at", pa.timestamp("ns", "UTC")),
        pa.field("lineage", pa.list_(pa.int32())),
        pa.field("origin_run", pa.string()),
        pa.field("redrive_round", pa.int16()),
    ]
)
"""The parked items with their payloads: what a redrive needs. first_arrival_at: the intended arrival in the run where
it first came in, by the calendar (NULL: simulated). lineage: the batches it was sent in, the first attempt first."""

REDRIVEN: Final = pa.schema(
    [
        pa.field("item_id", pa.int64(), nullable=False),
        pa.field("plan", _code, nullable=False),
        pa.field("redrive_round", pa.int16(), nullable=False),
        pa.field("origin_run", pa.string(), nullable=False),
        pa.field("first_arrival_at", pa.timestamp("ns", "UTC"), nullable=False),
        pa.field("parked_after_ns", pa.int64(), nullable=False),
        pa.field("was_spilled", pa.bool_(), nullable=False),
    ]
)
"""One row a dead letter that a redrive found (was_spilled: an item that a killed run left in its spill), and what was
planned for it before anything was sent: offered, already_there (in the store), rounds_exhausted. parked_after_ns: from
its first arrival to when it was parked last (or taken in)."""

REDRIVE_PLANS: Final = ("offered", "already_there", "rounds_exhausted")
"""What is planned for a dead letter, by code."""

HELD_BEFORE: Final = pa.schema([pa.field("item_id", pa.int64(), nullable=False)])
"""The ids that the store held when a redrive opened it."""

FAULTS: Final = pa.schema(
    [
        pa.field("fault", _code, nullable=False),
        pa.field("item_id", pa.int64()),
        pa.field("kind", _code),
        pa.field("from_ns", pa.int64()),
        pa.field("to_ns", pa.int64()),
        pa.field("factor", pa.float64()),
        pa.field("rate", pa.float64()),
        pa.field("hit_count", pa.int64()),
    ]
)
"""What was done on purpose: one row a poisoned item, and one a fault of attempts (hit_count: how many it refused or
slowed). Instants are due, not seen."""

ENVELOPES: Final = pa.schema(
    [
        pa.field("envelope_id", pa.int64(), nullable=False),
        pa.field("intended_at_ns", pa.int64(), nullable=False),
        pa.field("offered_at_ns", pa.int64()),
        pa.field("blocked_ns", pa.int64()),
        pa.field("decode_started_at_ns", pa.int64()),
        pa.field("decoded_at_ns", pa.int64()),
        pa.field("codec", _code, nullable=False),
        pa.field("body_bytes", pa.int64(), nullable=False),
        pa.field("inflated_bytes", pa.int64()),
        pa.field("item_count", pa.int32()),
        pa.field("first_item_id", pa.int64()),
        pa.field("outcome", _code, nullable=False),
        pa.field("reason", _code),
        pa.field("detail", pa.string()),
        pa.field("is_bomb", pa.bool_(), nullable=False),
        pa.field("shape", _code),
    ]
)
"""One row an envelope: accepted, rejected, or unoffered (held back at the source to the end). Of a rejected one the
number of items is NULL and inflated_bytes is how far it got. is_bomb, shape: put in by the run itself, on purpose."""

ENVELOPE_DEAD_LETTERS: Final = pa.schema(
    [
        pa.field("envelope_id", pa.int64(), nullable=False),
        pa.field("dead_lettered_at_ns", pa.int64(), nullable=False),
        pa.field("codec", _code, nullable=False),
        pa.field("reason", _code, nullable=False),
        pa.field("detail", pa.string()),
        pa.field("body", pa.binary(), nullable=False),
    ]
)
"""The rejected envelopes as they came, compressed. They hold no items that anybody has counted."""
