"""Batches made by hand, for tests of anything that takes one.

Must live here: a block over a list of payloads, and the batch around it. Must not: assertions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from ingestexp.core.batch import Batch, FlushCause
from ingestexp.core.span import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.core.window import Limits


class ListBlock:
    """A `ports.LiveBlock` over `payloads` of items first, first + 1, …, all due at 0."""

    def __init__(self, first: int, payloads: Sequence[bytes]) -> None:
        self.first = first
        # Sliced out of a longer array, as in the engine: offsets that don't start at 0.
        self.array = pa.array([b"before", *payloads, b"after"], pa.binary()).slice(1, len(payloads))
        self.sizes = [len(payload) for payload in payloads]

    def due(self, item_id: int) -> int:
        return 0

    def nbytes(self, first: int, end: int) -> int:
        return sum(self.sizes[first - self.first : end - self.first])

    def fit(self, first: int, end: int, budget: int) -> int:
        while end > first and self.nbytes(first, end) > budget:
            end -= 1
        return end

    def payloads(self, first: int, end: int) -> Any:
        return self.array.slice(first - self.first, end - first)


def batch_of(*spans: tuple[int, Sequence[bytes]]) -> Batch:
    """A batch of several spans, each (first id, payloads)."""
    rows = [Span(ListBlock(first, payloads), first, first + len(payloads), 0, 0) for first, payloads in spans]
    count = sum(len(row) for row in rows)
    nbytes = sum(row.block.nbytes(row.first, row.end) for row in rows)
    return Batch(
        batch_id=0,
        cause=FlushCause.SIZE,
        spans=rows,
        item_count=count,
        payload_bytes=nbytes,
        opened_at_ns=0,
        closed_at_ns=0,
        limits=cast("Limits", None),
        depth_at_close=0,
        oldest_age_ns=0,
    )


def json_batch(first: int, count: int, tag: str = "a") -> Batch:
    """Items first..first+count-1, each a JSON document of about 200 bytes that names its id and `tag`."""
    return batch_of((first, [json_payload(item_id, tag) for item_id in range(first, first + count)]))


def json_payload(item_id: int, tag: str = "a") -> bytes:
    event = {"id": item_id, "tag": tag, "straße": "é" * 20, "fill": "x" * (80 + item_id % 40)}
    return json.dumps(event, ensure_ascii=False).encode()
