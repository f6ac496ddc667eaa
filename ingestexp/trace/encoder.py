"""One thread that turns segments into closed Parquet parts.

Must live here: from a segment to rows to parts, the parts' encodings. Must not: which segments it gets, what an error
means for the run (`writer`).
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ingestexp.trace import schema
from ingestexp.trace.dead_letters import dead_letter_rows
from ingestexp.trace.parts import PartWriter

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.trace.segment import Segment
    from ingestexp.trace.writer import TraceWriter

QUEUE_SEGMENTS: Final = 2

_DELTA_BATCHES: Final = ("batch_id", "first_item_id", "last_item_id")
_DELTA: Final = ("item_id", "intended_at_ns", "batch_id")
_DELTA_SIMULATED: Final = (*_DELTA, "offered_at_ns", "admitted_at_ns")  # offered and admitted as due


class Encoder:
    """The `share` (k, n): the k-th of n encoders of one trace. Raises OSError where the folders can't be made."""

    def __init__(self, owner: TraceWriter, folder: Path, share: tuple[int, int], simulated: bool) -> None:
        self.queue: queue.Queue[Segment | pa.Table | None] = queue.Queue(QUEUE_SEGMENTS)
        self._owner = owner
        part_ns = owner.part_ns
        delta = _DELTA_SIMULATED if simulated else _DELTA
        self.items = PartWriter(folder / "items", schema.ITEMS, delta, part_ns, share)
        self.batches = PartWriter(folder / "batches", schema.BATCHES, _DELTA_BATCHES, part_ns, share)
        self.samples = PartWriter(folder / "samples", schema.SAMPLES, (), part_ns, share)
        self.dead_letters = PartWriter(folder / "dead_letters", schema.DEAD_LETTERS, (), part_ns, share)
        self.parts = (self.items, self.batches, self.samples, self.dead_letters)
        self.thread = threading.Thread(target=self._run, name=f"trace-{share[0]}", daemon=True)

    def _run(self) -> None:
        owner, parts = self._owner, self.parts
        while True:
            segment = self.queue.get()
            try:
                if owner.error is None:  # else only keep the queue moving: nobody may hang on a full one
                    if segment is None:
                        for part in parts:
                            part.close_part()
                    else:
                        self._write(segment)
            except Exception as error:
                owner.error = owner.error or error
            if owner.error is not None:
                for part in parts:
                    part.abandon()
            if segment is None:
                return

    def _write(self, segment: Segment | pa.Table) -> None:
        if isinstance(segment, pa.Table):
            self.samples.write(segment, segment.column("at_ns")[-1].as_py())
            return
        at_ns = segment.last_at_ns
        items, batches = segment.rows or self._owner.rows_of(segment)
        if items is not None:
            self.items.write(items, at_ns)
            self._owner.watch(items)
        if batches is not None:
            self.batches.write(batches, at_ns)
        for batch, spans, reason, errors in segment.parked:
            rows = dead_letter_rows(batch, spans, reason, errors, self._owner.zero_unix_ns)
            self.dead_letters.write(rows, at_ns)
        self._owner.recycle(segment)


def written_by_block(records: Any) -> list[tuple[int, int]]:
    """(block number, items) that these span records speak of."""
    numbers, inverse = np.unique(records["block"], return_inverse=True)
    counts = np.bincount(inverse, weights=records["end"] - records["first"])
    return [(number, int(count)) for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)]
