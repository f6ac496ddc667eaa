"""Hand-made records and folders, for tests of what turns them into rows.

Must live here: building spans, batches, a trace folder. Must not: assertions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from ingestexp.core.batch import Batch, FlushCause
from ingestexp.core.span import UNKNOWN, Span
from ingestexp.core.window import Limits
from ingestexp.engine.blocks import EvenBlock, make_block
from ingestexp.ports import Settled
from ingestexp.trace.recorder import Recorder
from ingestexp.trace.writer import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ingestexp.engine.drive import Recording


def recorded(folder: Path, phases: tuple[str, ...], tell: Callable[[Recorder], None]) -> Path:
    """A closed trace of what `tell` tells the recorder."""
    writer = TraceWriter(folder, phases)
    recorder = Recorder(writer)
    tell(recorder)
    recorder.hand_over()
    writer.close()
    return folder


def block_of(
    recorder: Recording,
    first: int,
    due_ns: Sequence[int] | None,
    sizes: int | Sequence[int],
    count: int = 0,
    phase: int = 0,
) -> EvenBlock:
    """A registered block; `count` only where there are no due times (saturate)."""
    due = None if due_ns is None else np.array(due_ns, np.int64)
    own = sizes if isinstance(sizes, int) else np.array(sizes, np.int32)
    return make_block(recorder, first, count if due is None else len(due), due, own, phase, None)


def batch_of(
    batch_id: int, spans: list[Span], sent_at_ns: int = 100, settled_at_ns: int = 200, attempt: int = 1
) -> Batch:
    """A batch that was sent and has settled."""
    count = sum(len(span) for span in spans)
    nbytes = sum(span.block.nbytes(span.first, span.end) for span in spans)
    batch = Batch(batch_id, FlushCause.SIZE, spans, count, nbytes, 10, 20, Limits(512, 5_000), count, 30)
    batch.first_sent_at_ns = batch.sent_at_ns = sent_at_ns
    batch.settled_at_ns = settled_at_ns
    batch.attempt = attempt
    batch.ack = Settled(commits=1, fsyncs=2, round_trips=3, syscalls=4, wire_bytes=5, compress_ns=6)
    return batch


def span_of(block: EvenBlock, first: int, end: int, offered: int = UNKNOWN, admitted: int = UNKNOWN) -> Span:
    return Span(block, first, end, offered, admitted)


def rows_of(folder: Path, kind: str, columns: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
    """The closed rows as tuples, part after part, in the order they were written."""
    rows: list[tuple[Any, ...]] = []
    for path in sorted((folder / kind).glob("[0-9]*.parquet")):
        table = pq.read_table(path, columns=None if columns is None else list(columns))
        rows += zip(*(table.column(name).to_pylist() for name in columns or table.column_names), strict=True)
    return rows
