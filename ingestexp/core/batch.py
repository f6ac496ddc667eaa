"""One send attempt: which spans go to the sink together, and what is known of the attempt.

The core fills in everything above the line; the worker that does the attempt fills in the rest.
A retry is a batch of its own (a new `batch_id`, the failed one as `parent_batch_id`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ingestexp.core.span import UNKNOWN

if TYPE_CHECKING:
    from ingestexp.core.span import Span
    from ingestexp.core.window import Limits


class FlushCause(IntEnum):
    """Which trigger closed the batch: the diagnosis of what bounds the pipeline."""

    SIZE = 0
    BYTES = 1
    AGE = 2
    DRAIN = 3
    SPLIT = 4
    RETRY = 5


Lineage = tuple[Any, int] | None
"""The attempts before, the last one outermost: ((None, 3), 7) is batch 3, then 7."""


class Batch:
    """A batch on its way to the sink: one row of the `batches` table.

    `opened_at_ns` is the arrival of its first item. `closed_at_ns` is the arrival of the item that filled it up, but
    first + max_wait at the latest: what comes after is the wait for a free worker, and items that joined an overdue
    batch did not wait for its window at all. A retry keeps both stamps.
    """

    __slots__ = (
        "ack",
        "attempt",
        "batch_id",
        "cause",
        "closed_at_ns",
        "cpu_ns",
        "depth_at_close",
        "error",
        "failures",
        "first_sent_at_ns",
        "in_flight",
        "item_count",
        "limits",
        "lineage",
        "next_attempt_at_ns",
        "oldest_age_ns",
        "opened_at_ns",
        "parent_batch_id",
        "payload_bytes",
        "sent_at_ns",
        "settled_at_ns",
        "spans",
        "worker",
    )

    def __init__(
        self,
        batch_id: int,
        cause: int,
        spans: list[Span],
        item_count: int,
        payload_bytes: int,
        opened_at_ns: int,
        closed_at_ns: int,
        limits: Limits,
        depth_at_close: int,
        oldest_age_ns: int,
    ) -> None:
        self.batch_id = batch_id
        self.cause = cause
        self.spans = spans
        self.item_count = item_count
        self.payload_bytes = payload_bytes
        self.opened_at_ns = opened_at_ns
        self.closed_at_ns = closed_at_ns
        self.limits = limits
        self.attempt = 1
        self.failures = 0  # of the attempts before, those that count against the limit
        self.parent_batch_id = -1
        self.lineage: Lineage = None
        self.depth_at_close = depth_at_close
        self.oldest_age_ns = oldest_age_ns
        self.in_flight = 1
        # -- filled in by the driver ------------------------------------------------------------
        self.first_sent_at_ns = UNKNOWN
        self.sent_at_ns = UNKNOWN
        self.settled_at_ns = UNKNOWN
        self.next_attempt_at_ns = UNKNOWN
        self.cpu_ns = 0
        self.worker = 0
        self.ack: Any = None
        self.error = ""

    def __len__(self) -> int:
        return self.item_count
