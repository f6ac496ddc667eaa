"""Part files: hidden while they are written, whole under their final names, rolled in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ingestexp.trace.parts import PART_NS, PartWriter

if TYPE_CHECKING:
    from pathlib import Path

ROWS = pa.schema([pa.field("item_id", pa.int64(), nullable=False)])
SECOND_NS = 1_000_000_000


def rows(*ids: int) -> pa.Table:
    return pa.table({"item_id": list(ids)}, ROWS)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_empty_part_makes_a_glob_over_the_folder_read_and_takes_no_number_from_the_others(tmp_path: Path) -> None:
    for run in ("first", "second"):  # of a process: the second is given the same bytes
        writer = PartWriter(tmp_path / run, ROWS)
        writer.write_empty()
        assert names(tmp_path / run) == ["000000.parquet"]
        table = pq.read_table(tmp_path / run / "000000.parquet")
        assert (table.num_rows, table.schema.names) == (0, ["item_id"])
        writer.write(rows(1), 0)
        writer.close_part()
        assert names(tmp_path / run) == ["000000.parquet", "000001.parquet"]
        assert (writer.row_count, writer.part_count) == (1, 2)
    assert (tmp_path / "first/000000.parquet").read_bytes() == (tmp_path / "second/000000.parquet").read_bytes()


def test_a_part_carries_a_hidden_name_until_it_is_closed(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, ROWS, ("item_id",))
    writer.write(rows(1, 2), 10)
    assert names(tmp_path) == [".tmp-000001.parquet"]
    writer.close_part()
    assert names(tmp_path) == ["000001.parquet"]
    assert pq.read_table(tmp_path / "000001.parquet").column("item_id").to_pylist() == [1, 2]
    assert writer.byte_count == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert (writer.row_count, writer.part_count) == (2, 1)


def test_a_part_is_closed_by_the_runs_clock_within_a_second_of_its_first_row(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, ROWS)
    assert PART_NS <= SECOND_NS
    for tenth in range(31):
        writer.write(rows(tenth), tenth * SECOND_NS // 10)
        closed = sum(pq.read_metadata(path).num_rows for path in tmp_path.glob("0*.parquet"))
        assert tenth + 1 - closed <= 11
    assert writer.part_count >= 3


def test_closing_twice_or_with_nothing_written_makes_no_part(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, ROWS)
    writer.close_part()
    writer.write(rows(1), 0)
    writer.close_part()
    writer.close_part()
    assert names(tmp_path) == ["000001.parquet"]


def test_an_abandoned_part_never_gets_a_final_name(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, ROWS)
    writer.write(rows(1), 0)
    writer.abandon()
    writer.close_part()
    assert [name for name in names(tmp_path) if not name.startswith(".")] == []


def test_delta_columns_are_packed_as_such_and_the_others_are_not(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, ROWS, ("item_id",))
    writer.write(rows(*range(100_000)), 0)
    writer.close_part()
    column = pq.read_metadata(tmp_path / "000001.parquet").row_group(0).column(0)
    assert "DELTA_BINARY_PACKED" in column.encodings
    assert column.total_compressed_size < 10_000
