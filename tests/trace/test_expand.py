"""A record a span becomes a row an item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from ingestexp.core.span import AS_DUE, UNKNOWN, Span
from ingestexp.core.window import Limits
from ingestexp.engine.drive import drive
from ingestexp.engine.simulated import SimulatedLane
from ingestexp.trace import schema
from ingestexp.trace.expand import batch_rows, item_rows
from ingestexp.trace.recorder import Recorder
from ingestexp.trace.records import ACK_DTYPE, BATCH_DTYPE, SPAN_DTYPE, BlockFacts
from ingestexp.trace.writer import TraceWriter
from tests.core.item_notes import BATCH_COLUMNS, ITEM_COLUMNS, ItemNotes
from tests.core.scripts import setups
from tests.core.test_wants import World, worlds
from tests.trace.pages import batch_of, block_of, recorded, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.script import Setup


def item_dicts(
    records: list[tuple[int, ...]], blocks: list[BlockFacts], phases: tuple[str, ...] = ("a", "b")
) -> list[dict[str, object]]:
    table = item_rows(np.array(records, SPAN_DTYPE), {facts.number: facts for facts in blocks}, phases)
    assert table.schema.equals(schema.ITEMS)
    return table.to_pylist()  # type: ignore[no-any-return]


def record(first: int, end: int, block: int = 0, **stamps: int) -> tuple[int, ...]:
    given_ = {
        "offered": AS_DUE,
        "admitted": AS_DUE,
        "first_sent": 50,
        "sent": 60,
        "settled": 70,
        "batch": 3,
        "outcome": 0,
    }
    given_ |= {"reason": 0, "attempts": 1} | stamps
    named = [given_[name] for name in ("offered", "admitted", "first_sent", "sent", "settled", "batch")]
    return (first, end, *named, block, given_["outcome"], given_["reason"], given_["attempts"])


DUE = np.array([5, 6, 8, 13], np.int64)


def test_as_due_becomes_each_items_own_intended_instant() -> None:
    rows = item_dicts([record(10, 14)], [BlockFacts(0, 10, 4, DUE, 7, 1)])
    assert [row["item_id"] for row in rows] == [10, 11, 12, 13]
    for name in ("intended_at_ns", "offered_at_ns", "admitted_at_ns"):
        assert [row[name] for row in rows] == [5, 6, 8, 13]
    assert {(row["sent_at_ns"], row["settled_at_ns"], row["payload_bytes"], row["phase"]) for row in rows} == {
        (60, 70, 7, "b")
    }


def test_unknown_becomes_null_and_instants_of_all_kinds_mix() -> None:
    unsent = {"first_sent": UNKNOWN, "sent": UNKNOWN, "settled": UNKNOWN, "batch": -1, "attempts": 0}
    rows = item_dicts(
        [
            record(10, 11, admitted=40),
            record(11, 12, admitted=UNKNOWN, outcome=3, reason=6, **unsent),
            record(12, 14),
        ],
        [BlockFacts(0, 10, 4, DUE, 7, 0)],
    )
    assert [row["admitted_at_ns"] for row in rows] == [40, None, 8, 13]
    assert [row["settled_at_ns"] for row in rows] == [70, None, 70, 70]
    assert [row["batch_id"] for row in rows] == [3, None, 3, 3]
    assert [row["outcome"] for row in rows] == ["committed", "unsettled", "committed", "committed"]
    assert [row["reason"] for row in rows] == [None, "blocked", None, None]
    assert [row["attempt_count"] for row in rows] == [1, 0, 1, 1]


def test_rows_keep_the_order_of_the_records_over_several_blocks_phases_and_uneven_sizes() -> None:
    blocks = [
        BlockFacts(0, 0, 3, np.array([1, 2, 3], np.int64), np.array([9, 0, 4], np.int32), 0),
        BlockFacts(1, 3, 2, np.array([4, 5], np.int64), 0, 1),
    ]
    rows = item_dicts([record(4, 5, 1), record(0, 1), record(1, 3), record(3, 4, 1)], blocks)
    assert [(row["item_id"], row["intended_at_ns"], row["payload_bytes"], row["phase"]) for row in rows] == [
        (4, 5, 0, "b"),
        (0, 1, 9, "a"),
        (1, 2, 0, "a"),
        (2, 3, 4, "a"),
        (3, 4, 0, "b"),
    ]


def test_a_saturating_loads_items_are_intended_when_admitted_or_else_when_offered() -> None:
    rows = item_dicts(
        [record(0, 2, offered=11, admitted=15), record(2, 3, offered=12, admitted=UNKNOWN)],
        [BlockFacts(0, 0, 3, None, 1, 0)],
    )
    assert [row["intended_at_ns"] for row in rows] == [15, 15, 12]


def test_the_columns_that_nothing_sets_yet_are_whole_in_a_table_of_any_length() -> None:
    count = (1 << 19) + 3
    facts = BlockFacts(0, 0, count, np.arange(count, dtype=np.int64), 1, 0)
    table = item_rows(np.array([record(0, count)], SPAN_DTYPE), {0: facts}, ("a",))
    assert table.num_rows == count
    assert table.column("was_spilled").unique().to_pylist() == [False]
    assert table.column("envelope_id").null_count == table.column("origin_run").null_count == count
    assert table.column("redrive_round").unique().to_pylist() == [0]


def test_batch_rows_have_every_column_of_the_schema_with_codes_spelled_out() -> None:
    records = np.zeros(2, BATCH_DTYPE)
    records["parent_batch_id"] = [-1, 0]
    records["flush_cause"] = [2, 5]
    records["outcome"] = [1, 0]
    records["error"] = [0, -1]
    records["limits"] = [1, 0]
    records["next_attempt_at_ns"] = [90, UNKNOWN]
    table = batch_rows(records, np.zeros(1, ACK_DTYPE), [Limits(512, 5), Limits(512)], ["no route"])
    assert table.schema.equals(schema.BATCHES)
    columns = ("parent_batch_id", "flush_cause", "outcome", "error", "window_max_wait_ns", "next_attempt_at_ns")
    assert [tuple(row[name] for name in columns) for row in table.to_pylist()] == [
        (None, "age", "failed", "no route", None, 90),
        (0, "retry", "committed", None, 5, None),
    ]


def test_what_the_sink_counted_stands_in_the_batch_row(tmp_path: Path) -> None:
    def tell(recorder: Recorder) -> None:
        block = block_of(recorder, 0, [1, 2], 30)
        batch = batch_of(4, [Span(block, 0, 2, AS_DUE, AS_DUE)])
        batch.cpu_ns, batch.worker, batch.in_flight = 77, 2, 3
        recorder.committed(batch)

    columns = ("batch_id", "commits", "fsyncs", "round_trips", "syscalls", "wire_bytes", "compress_ns", "cpu_ns")
    assert rows_of(recorded(tmp_path, ("a",), tell), "batches", columns) == [(4, 1, 2, 3, 4, 5, 6, 77)]
    assert rows_of(tmp_path, "batches", ("worker", "in_flight", "payload_bytes", "window_max_size")) == [
        (2, 3, 60, 512)
    ]


@pytest.mark.parametrize("kind", ["items", "batches", "samples", "dead_letters"])
def test_an_empty_trace_has_a_part_of_each_kind_with_the_columns_of_the_schema(tmp_path: Path, kind: str) -> None:
    recorded(tmp_path, ("a",), lambda recorder: None)
    (part,) = (tmp_path / kind).iterdir()
    table = pq.read_table(part)
    assert table.num_rows == 0
    assert table.column_names == getattr(schema, kind.upper()).names
    assert pq.read_metadata(part).metadata[b"ingestexp.schema_version"] == str(schema.SCHEMA_VERSION).encode()


@settings(max_examples=40)
@given(worlds, setups())
def test_the_trace_says_of_every_item_and_attempt_what_a_naive_recorder_says(
    tmp_path_factory: pytest.TempPathFactory, world: World, setup: Setup
) -> None:
    """Packed, handed over, expanded, written and read back: nothing is lost and nothing moves."""
    folder = tmp_path_factory.mktemp("trace")
    writer = TraceWriter(folder, ("steady",), simulated=True)
    packed, naive = Recorder(writer), ItemNotes()
    for recorder in (packed, naive):
        core = setup.pipeline()
        lane = SimulatedLane(core, world.blocks(recorder), world, world.drain_ns, lambda: 0.5, fails=world.fails)
        drive(lane, core, recorder)
    packed.hand_over()
    writer.close()
    assert rows_of(folder, "items", ITEM_COLUMNS) == naive.items
    assert rows_of(folder, "batches", BATCH_COLUMNS) == naive.batches
    parked = [row[0] for row in naive.items if row[8] == "dead_lettered"]
    assert [row[0] for row in rows_of(folder, "dead_letters", ("item_id",))] == parked


def test_limits_have_a_readable_name() -> None:
    assert "max_size=3" in repr(Limits(3))
