"""A stretch of packed records on its way from the recorder to the writer.

Must live here: its buffers, and what a sink of segments promises. Must not: packing, Parquet.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from ingestexp.trace.records import ACK_DTYPE, ACK_STRUCT, BATCH_DTYPE, BATCH_STRUCT, LOOSE_STRUCT, BlockFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span
    from ingestexp.core.window import Limits

SEGMENT_RECORDS: Final = 32_768


class Segment:
    """A closed stretch of records, in settle order. `batches`, (loose) `spans` and `acks` are packed bytes."""

    __slots__ = (
        "ack_count",
        "acks",
        "batch_count",
        "batches",
        "blocks",
        "errors",
        "last_at_ns",
        "let_go",
        "limits",
        "parked",
        "rows",
        "span_count",
        "spans",
    )

    def __init__(self) -> None:
        # Anonymous maps, not bytearrays: those are written over in full when they are made.
        self.spans = mmap.mmap(-1, SEGMENT_RECORDS * LOOSE_STRUCT.size)
        self.batches = mmap.mmap(-1, SEGMENT_RECORDS * BATCH_STRUCT.size)
        self.acks = mmap.mmap(-1, SEGMENT_RECORDS * ACK_STRUCT.size)
        self.span_count = self.batch_count = self.ack_count = 0
        self.limits: list[Limits] = []
        self.blocks: list[BlockFacts] = []  # registered since the last segment
        self.errors: list[str] = []
        self.parked: list[tuple[Batch, list[Span], str, Mapping[int, str]]] = []
        self.let_go: list[tuple[int, int]] = []  # (block number, items) that come back from disk in another block
        self.last_at_ns = 0
        self.rows: tuple[pa.Table | None, pa.Table | None] | None = None  # of items and batches, once they are made

    def clear(self) -> Segment:
        """Empty, its buffers to be used again for another stretch."""
        self.span_count = self.batch_count = self.ack_count = self.last_at_ns = 0
        self.limits = []
        self.blocks = []
        self.errors = []
        self.parked = []
        self.let_go = []
        self.rows = None
        return self


def attempts_of(segment: Segment) -> tuple[Any, Any]:
    """The attempts noted in the segment, BATCH_DTYPE (batch_count,), and their ACK_DTYPE (ack_count,): views."""
    batches = np.frombuffer(segment.batches, BATCH_DTYPE, segment.batch_count)
    return batches, np.frombuffer(segment.acks, ACK_DTYPE, segment.ack_count)


class SegmentSink(Protocol):
    def put(self, segment: Segment) -> None: ...

    def spare(self) -> Segment | None: ...
