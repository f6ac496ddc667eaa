"""The table `faults`: every row there, in bounded pieces, under its name only when whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingestexp.trace.faults import AttemptRow, write_faults
from ingestexp.trace.schema import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.ports import Int8s, Int64s


def pieces(counts: list[int]) -> Iterator[tuple[Int64s, Int8s]]:
    first = 0
    for count in counts:
        ids = np.arange(first, first + count)
        yield ids, (ids % 2).astype(np.int8)
        first += count


def test_faults_of_attempts_and_poisoned_items_stand_in_one_table(tmp_path: Path) -> None:
    rows: list[AttemptRow] = [("outage", 5, 9, None, None, 3), ("brownout", 1, 2, 4.0, None, 7)]
    write_faults(
        tmp_path, [*rows, ("flaky_sink", None, None, None, 0.1, 2)], pieces([2, 0, 1]), ("not_json", "too_new")
    )
    table = pq.read_table(tmp_path / "faults")
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("outage", None, None, 5, 9, None, None, 3),
        ("brownout", None, None, 1, 2, 4.0, None, 7),
        ("flaky_sink", None, None, None, None, None, 0.1, 2),
        ("poison", 0, "not_json", None, None, None, None, None),
        ("poison", 1, "too_new", None, None, None, None, None),
        ("poison", 2, "not_json", None, None, None, None, None),
    ]
    assert [path.name for path in (tmp_path / "faults").iterdir()] == ["000000.parquet"]


def test_many_items_are_written_a_piece_at_a_time_in_few_row_groups(tmp_path: Path) -> None:
    asked: list[int] = []

    def watched() -> Iterator[tuple[Int64s, Int8s]]:
        for number, piece in enumerate(pieces([65_536] * 20 + [10] * 1000)):
            asked.append(number)
            yield piece

    write_faults(tmp_path, [], watched(), ("not_json", "too_new"))
    meta = pq.read_metadata(tmp_path / "faults" / "000000.parquet")
    assert meta.num_rows == 20 * 65_536 + 10_000
    assert meta.num_row_groups == 11
    assert meta.schema.names == FAULTS.names
    assert len(asked) == 1020


def test_a_table_that_could_not_be_finished_has_no_name(tmp_path: Path) -> None:
    def breaks() -> Iterator[tuple[Int64s, Int8s]]:
        yield from pieces([200_000])
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_faults(tmp_path, [], breaks(), ("not_json", "too_new"))
    assert not (tmp_path / "faults" / "000000.parquet").exists()
