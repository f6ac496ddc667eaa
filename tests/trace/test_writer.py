"""The writer's thread: it keeps nothing that is written, and counts the time the pipeline waited for it."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestexp.core.span import AS_DUE
from ingestexp.engine.blocks import EvenBlock
from ingestexp.trace.encoder import QUEUE_SEGMENTS
from ingestexp.trace.recorder import Recorder
from ingestexp.trace.writer import ENCODERS, TraceWriter
from tests.trace.pages import batch_of, block_of, rows_of, span_of

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

MOST_WAITING = ENCODERS * (QUEUE_SEGMENTS + 1)


class Due(np.ndarray[Any, np.dtype[np.int64]]):
    """Due times that can be watched."""


def test_due_times_of_a_block_are_let_go_once_all_its_items_are_written(tmp_path: Path) -> None:
    """Or a long run's due times would pile up in memory. The last block keeps one item that is not settled."""
    writer = TraceWriter(tmp_path, ("a",))
    recorder = Recorder(writer)
    watched = []
    for number in range(5):
        due = np.arange(10, dtype=np.int64).view(Due)
        watched.append(weakref.ref(due))
        first = number * 10
        block = EvenBlock(recorder.register(first, 10, due, 3, 0), first, 10, None, 3, None)
        recorder.committed(batch_of(number, [span_of(block, first, first + (10 if number < 4 else 9), AS_DUE, AS_DUE)]))
        recorder.hand_over()
    del due
    writer.close()
    gc.collect()
    assert [ref() is not None for ref in watched] == [False] * 4 + [True]
    assert writer.item_rows == 49


def test_the_queue_is_bounded_and_the_wait_for_it_is_counted(tmp_path: Path) -> None:
    """A writer that hangs holds the pipeline up after a few segments: memory stays bounded, the stall is on record."""
    hang = threading.Event()
    seen: list[int] = []

    def watch(table: pa.Table) -> None:
        seen.append(table.num_rows)
        assert hang.wait(20)

    writer = TraceWriter(tmp_path, ("a",), watch=watch)
    recorder = Recorder(writer)
    block = block_of(recorder, 0, list(range(MOST_WAITING + 2)), 3)
    handed = []

    def tell() -> None:
        for item_id in range(MOST_WAITING + 2):
            recorder.committed(batch_of(item_id, [span_of(block, item_id, item_id + 1, AS_DUE, AS_DUE)]))
            recorder.hand_over()
            handed.append(item_id)

    pipeline = threading.Thread(target=tell)
    pipeline.start()
    pipeline.join(0.2)  # it can't end: the bound is reached
    assert pipeline.is_alive()
    assert len(handed) <= MOST_WAITING
    hang.set()
    pipeline.join(20)
    writer.close()
    assert writer.stall_ns > 0
    assert seen == [1] * (MOST_WAITING + 2)
    assert sorted(row[0] for row in rows_of(tmp_path, "items", ("item_id",))) == list(range(MOST_WAITING + 2))


def test_parts_are_closed_often_where_the_run_may_be_killed_and_never_by_time_where_it_is_simulated(
    tmp_path: Path,
) -> None:
    live = TraceWriter(tmp_path / "live", ("a",))
    limited = TraceWriter(tmp_path / "limited", ("a",), may_be_killed=True)
    virtual = TraceWriter(tmp_path / "virtual", ("a",), simulated=True)
    for writer in (live, limited, virtual):
        writer.close()
    assert limited.part_ns * 5 <= live.part_ns <= 1_000_000_000
    assert virtual.part_ns > 10**18
