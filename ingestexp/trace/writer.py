"""Turns segments into closed Parquet parts, in a thread of its own behind a bounded queue.

Must live here: the thread, its queue, its stalls, its errors. Must not: what a row looks like (`expand`), part
files (`parts`). An error (disk full) is kept and raised to whoever hands over next: the run ends, closed parts stay.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa

from ingestexp.core.span import NEVER
from ingestexp.trace import schema
from ingestexp.trace.expand import batch_rows, item_rows
from ingestexp.trace.parts import PART_NS, PartWriter
from ingestexp.trace.records import BATCH_DTYPE, SPAN_DTYPE, BlockFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.ports import LiveBlock
    from ingestexp.trace.recorder import Segment

QUEUE_SEGMENTS: Final = 4

_DELTA_BATCHES: Final = ("batch_id", "first_item_id", "last_item_id")
_DELTA: Final = ("item_id", "intended_at_ns", "batch_id")
_DELTA_SIMULATED: Final = (*_DELTA, "offered_at_ns", "admitted_at_ns")  # offered and admitted as due


class TraceError(Exception):
    """The evidence can't be written any more, in words meant for the user."""


class TraceWriter:
    """Implements `SegmentSink`. `stall_ns` is how long the pipeline waited for this writer, in all.

    `watch` is called in the writer's thread with every table of `items` rows (for the progress line).
    """

    def __init__(
        self,
        folder: Path,
        phases: Sequence[str],
        simulated: bool = False,
        watch: Callable[[pa.Table], None] | None = None,
    ) -> None:
        self.stall_ns = 0
        self._phases = tuple(phases)
        self._watch = watch
        self._blocks: dict[int, BlockFacts] = {}
        self._error: Exception | None = None
        self._queue: queue.Queue[Segment | pa.Table | None] = queue.Queue(QUEUE_SEGMENTS)
        # A virtual second may pass in no time: a simulated trace rolls by rows alone, so that it stays reproducible.
        part_ns = NEVER if simulated else PART_NS
        delta = _DELTA_SIMULATED if simulated else _DELTA
        try:
            self.items = PartWriter(folder / "items", schema.ITEMS, delta, part_ns)
            self.batches = PartWriter(folder / "batches", schema.BATCHES, _DELTA_BATCHES, part_ns)
            self.samples = PartWriter(folder / "samples", schema.SAMPLES, (), part_ns)
            self.dead_letters = PartWriter(folder / "dead_letters", schema.DEAD_LETTERS, (), part_ns)
        except OSError as error:
            raise TraceError(f"cannot write the trace under {folder}: {error.strerror or error}") from error
        self._thread = threading.Thread(target=self._run, name="trace-writer", daemon=True)
        self._thread.start()

    @property
    def thread_id(self) -> int:
        return self._thread.native_id or 0

    def put(self, segment: Segment | pa.Table) -> None:
        """Hand over a segment; waits while the queue is full. Raises TraceError once writing has failed."""
        if self._error is not None:
            raise TraceError(f"cannot write the trace: {_words(self._error)}") from self._error
        try:
            self._queue.put_nowait(segment)
        except queue.Full:
            started = time.perf_counter_ns()
            self._queue.put(segment)
            self.stall_ns += time.perf_counter_ns() - started

    def put_samples(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Hand over rows of `samples`, in the schema's order."""
        columns = [
            pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema.SAMPLES, strict=True)
        ]
        self.put(pa.Table.from_arrays(columns, schema=schema.SAMPLES))

    def close(self) -> None:
        """Write what is queued, close all parts. Raises TraceError."""
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise TraceError(f"cannot write the trace: {_words(self._error)}") from self._error

    def _parts(self) -> tuple[PartWriter, ...]:
        return (self.items, self.batches, self.samples, self.dead_letters)

    def _run(self) -> None:
        while True:
            segment = self._queue.get()
            if self._error is not None:
                if segment is None:
                    return
                continue  # keep the queue moving: nobody may hang on a full one
            try:
                if segment is None:
                    for part in self._parts():
                        part.close_part()
                    return
                self._write(segment)
            except Exception as error:
                self._error = error
                for part in self._parts():
                    part.abandon()
                if segment is None:
                    return

    def _write(self, segment: Segment | pa.Table) -> None:
        if isinstance(segment, pa.Table):
            self.samples.write(segment, segment.column("at_ns")[-1].as_py())
            return
        for facts in segment.blocks:
            self._blocks[facts.number] = facts
        at_ns = segment.last_at_ns
        if segment.span_count:
            records = np.frombuffer(segment.spans, SPAN_DTYPE, segment.span_count)
            table = item_rows(records, self._blocks, self._phases)
            self.items.write(table, at_ns)
            self._forget(records)
            if self._watch is not None:
                self._watch(table)
        if segment.batch_count:
            self.batches.write(
                batch_rows(np.frombuffer(segment.batches, BATCH_DTYPE, segment.batch_count), segment.errors), at_ns
            )
        if segment.parked:
            for batch, reason in segment.parked:
                self.dead_letters.write(dead_letter_rows(batch, reason), at_ns)

    def _forget(self, records: Any) -> None:
        """Let go of blocks all of whose items are written."""
        numbers, inverse = np.unique(records["block"], return_inverse=True)
        written = np.bincount(inverse, weights=records["end"] - records["first"])
        for number, count in zip(numbers.tolist(), written.tolist(), strict=True):
            facts = self._blocks[number]
            facts.remaining -= int(count)
            if not facts.remaining:
                del self._blocks[number]


def dead_letter_rows(batch: Batch, reason: str) -> pa.Table:
    """The `dead_letters` rows of a parked batch, payloads included (NULL where the block has none: simulated)."""
    ids: list[int] = []
    intended: list[int] = []
    payloads: list[pa.Array] = []
    for span in batch.spans:
        ids.extend(range(span.first, span.end))
        for item_id in range(span.first, span.end):
            due = span.block.due(item_id)
            intended.append(due if due >= 0 else max(span.admitted_at_ns, 0))
        owned = cast("LiveBlock", span.block).payloads(span.first, span.end)
        payloads.append(pa.nulls(span.end - span.first, pa.binary()) if owned is None else owned)
    count = len(ids)
    return pa.Table.from_pydict(
        {
            "item_id": ids,
            "intended_at_ns": intended,
            "dead_lettered_at_ns": [batch.settled_at_ns] * count,
            "reason": pa.array([reason] * count, pa.string())
            .dictionary_encode()
            .cast(schema.DEAD_LETTERS.field("reason").type),
            "error": [batch.error or None] * count,
            "attempt_count": [batch.attempt] * count,
            "batch_id": [batch.batch_id] * count,
            "payload": pa.chunked_array(payloads, pa.binary()),
        },
        schema=schema.DEAD_LETTERS,
    )


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return str(error) or type(error).__name__
