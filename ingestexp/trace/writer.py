"""Hands segments to the encoders and keeps what they share: the blocks' facts, the first error, the stalls.

Must live here: who encodes what, bounded queues, the end. Must not: what a row looks like (`expand`), threads' work
(`encoder`), part files (`parts`). An error (disk full) is kept and raised to whoever hands over next: the run ends,
closed parts stay.
"""

from __future__ import annotations

import functools
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ingestexp.core.span import AS_DUE, NEVER, UNKNOWN
from ingestexp.core.window import Limits
from ingestexp.trace import schema
from ingestexp.trace.encoder import Encoder, written_by_block
from ingestexp.trace.expand import batch_rows, item_rows, span_records
from ingestexp.trace.parts import PART_NS, SHORT_PART_NS
from ingestexp.trace.records import ACK_DTYPE, BATCH_DTYPE, LOOSE_DTYPE, SPAN_DTYPE, BlockFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from ingestexp.trace.segment import Segment

MANY_RECORDS: Final = 16_384
"""A segment of so many is full of small batches. In a simulated run the run itself makes their rows, in one go: in an
encoder's thread every array operation hands the interpreter over, which costs more than the operation."""

ENCODERS: Final = 2
"""Encoding sets the pace of a saturated run. Segments go round, so a simulated trace is the same every time."""


class TraceError(Exception):
    """The evidence can't be written any more, in words meant for the user."""


class TraceWriter:
    """Implements `SegmentSink`. `stall_ns` is how long the pipeline waited for the encoders, in all.

    `watch` is called in an encoder's thread with every table of `items` rows (for the progress line). Parts are closed
    every `part_ns`, more often where the run `may_be_killed`. A virtual second may pass in no time: a simulated trace
    rolls by rows alone, so that it stays reproducible.
    """

    def __init__(
        self,
        folder: Path,
        phases: Sequence[str],
        simulated: bool = False,
        watch: Callable[[pa.Table], None] | None = None,
        may_be_killed: bool = False,
    ) -> None:
        self.part_ns = NEVER if simulated else SHORT_PART_NS if may_be_killed else PART_NS
        self.stall_ns = 0
        self.zero_unix_ns: int | None = None  # the instant 0 of a live run's clock, once that is known
        self._simulated = simulated
        self.error: Exception | None = None
        self.phases = tuple(phases)
        self.blocks: dict[int, BlockFacts] = {}
        self.watch: Callable[[pa.Table], None] = watch or (lambda table: None)
        self._lock = threading.Lock()
        self._spare: list[Segment] = []
        self._turn = 0
        try:
            self._encoders = [Encoder(self, folder, (number, ENCODERS), simulated) for number in range(ENCODERS)]
            if not simulated:  # which may be killed at any moment, and is read while it runs
                self._fill_empty_folders()
        except OSError as error:
            raise TraceError(f"cannot write the trace under {folder}: {error.strerror or error}") from error
        _warm_up(self.phases)
        for encoder in self._encoders:
            encoder.thread.start()

    @property
    def item_rows(self) -> int:
        return sum(encoder.items.row_count for encoder in self._encoders)

    @property
    def item_bytes(self) -> int:
        """On disk, closed parts only."""
        return sum(encoder.items.byte_count for encoder in self._encoders)

    @property
    def item_parts(self) -> int:
        return sum(encoder.items.part_count for encoder in self._encoders)

    def put(self, segment: Segment) -> None:
        """Hand over a segment; waits while its encoder's queue is full. Raises TraceError once writing has failed."""
        with self._lock:
            self.blocks.update((facts.number, facts) for facts in segment.blocks)
        self.written(segment.let_go)
        if self._simulated and segment.batch_count + segment.span_count > MANY_RECORDS:
            segment.rows = self.rows_of(segment)
        self._turn = (self._turn + 1) % ENCODERS
        self._hand_to(self._encoders[self._turn], segment)

    def put_samples(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Hand over rows of `samples`, in the schema's order."""
        columns = [
            pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema.SAMPLES, strict=True)
        ]
        self._hand_to(self._encoders[0], pa.Table.from_arrays(columns, schema=schema.SAMPLES))

    def spare(self) -> Segment | None:
        """A segment whose buffers may be used again: touching fresh memory in mid-run costs milliseconds."""
        return self._spare.pop() if self._spare else None

    def close(self) -> None:
        """Write what is queued, close all parts. Raises TraceError."""
        for encoder in self._encoders:
            encoder.queue.put(None)
        for encoder in self._encoders:
            encoder.thread.join()
        self._raise_kept()
        try:
            self._fill_empty_folders()
        except OSError as error:
            self.error = error
        self._raise_kept()

    # -- for the encoders -----------------------------------------------------------------------------

    def rows_of(self, segment: Segment) -> tuple[pa.Table | None, pa.Table | None]:
        """The segment's rows of `items` and of `batches`, None where there are none."""
        items = batches = None
        attempts = np.frombuffer(segment.batches, BATCH_DTYPE, segment.batch_count)
        spans = span_records(attempts, np.frombuffer(segment.spans, LOOSE_DTYPE, segment.span_count))
        if len(spans):
            items = item_rows(spans, self.blocks, self.phases)
            self.written(written_by_block(spans))
        if segment.batch_count:
            acks = np.frombuffer(segment.acks, ACK_DTYPE, segment.ack_count)
            batches = batch_rows(attempts, acks, segment.limits, segment.errors)
        return items, batches

    def written(self, items_by_block: Iterable[tuple[int, int]]) -> None:
        """Let go of blocks all of whose items are written."""
        with self._lock:
            for number, count in items_by_block:
                facts = self.blocks[number]
                facts.remaining -= count
                if not facts.remaining:
                    del self.blocks[number]

    def recycle(self, segment: Segment) -> None:
        self._spare.append(segment.clear())  # its blocks and dead letters are not to be kept alive

    def _fill_empty_folders(self) -> None:
        for same in zip(*(encoder.parts for encoder in self._encoders), strict=True):
            if not any(part.part_count for part in same):
                same[0].write_empty()

    def _hand_to(self, encoder: Encoder, work: Segment | pa.Table) -> None:
        self._raise_kept()
        try:
            encoder.queue.put_nowait(work)
        except queue.Full:
            started = time.perf_counter_ns()
            encoder.queue.put(work)
            self.stall_ns += time.perf_counter_ns() - started

    def _raise_kept(self) -> None:
        if self.error is not None:
            raise TraceError(f"cannot write the trace: {_words(self.error)}") from self.error


@functools.cache
def _warm_up(phases: tuple[str, ...]) -> None:
    """Expand a few made-up records: what libraries load on first use would otherwise hold up a run in its middle."""
    spans = np.zeros(2, SPAN_DTYPE)
    spans["first"], spans["end"], spans["offered"] = (0, 1), (1, 2), (AS_DUE, UNKNOWN)
    spans["batch"] = (0, -1)
    facts = BlockFacts(0, 0, 2, np.zeros(2, np.int64), np.ones(2, np.int32), 0)
    item_rows(spans, {0: facts}, phases or ("",))
    batch_rows(np.zeros(1, BATCH_DTYPE), np.zeros(1, ACK_DTYPE), [Limits(1)], ["warm-up"])


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return str(error) or type(error).__name__
