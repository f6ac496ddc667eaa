"""Unreadable recordings: the message names the file, the line or row, and what stands there."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestexp.adapters.loads.replay import Replay, ReplayError
from ingestexp.ports import Notices

if TYPE_CHECKING:
    from pathlib import Path

MANY = "".join(f"{row},1,1\n" for row in range(2, 1_000_000))


def refused(path: Path, **changes: Any) -> str:
    keys: dict[str, Any] = {
        "timestamp_column": "at", "size_column": None, "count_column": None,
        "timestamp_pattern": None, "timestamp_format": None, "time_scale": 1.0, "loop": 1,
    }  # fmt: skip
    with pytest.raises(ReplayError) as caught:
        Replay(path, **(keys | changes), notices=Notices())
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("at,n,size\n", "has a header line, but no rows"),
        ("at,n,size\n1,1,1\nyesterday,1,1\n", "line 3, column at: 'yesterday' is no time stamp like the first one (1)"),
        ("at,n,size\nyesterday,1,1\n", "line 2, column at: 'yesterday' is no time stamp; allowed: a stamp such as"),
        ("at,n,size\n2020-01-01,1,1\n7,1,1\n", "line 3, column at: '7' is no time stamp like the first one (2020"),
        ("at,n,size\n1,1,1\n,1,1\n", "line 3, column at: ''"),
        ("at,n,size\n1,1,1\nnan,1,1\n", "line 3, column at: nan is no number of seconds"),
        ("at,n,size\n1,1,1\nNULL,1,1\n", "line 3, column at: 'NULL'"),
        ("at,n,size\n1700158546680,1,1\n", "line 2, column at: 1700158546680 is no number of seconds before the"),
        ("at,n,size\n1,1,1\n\n2,-4,1\n", "line 4, column n: -4 is out of range; allowed: whole numbers from 0"),
        ("at,n,size\n1,1,1\n2,1.5,1\n", "line 3, column n: '1.5' is no whole number"),
        ("at,n,size\n1,1,1\n2,1,-1\n", "line 3, column size: -1 is out of range"),
        ("at,n,size\n1,1,3000000000\n", "line 2, column size: 3000000000 is out of range"),
        ("at,n,size\n1,,1\n", "line 2, column n: '' is no whole number"),
        ("at,n,size\n1,1,1\n2,1\n", "line 3: 2 fields where the header has 3"),
        ("at,n,size\n1,0,1\n2,0,1\n", "column n is 0 in every row"),
        (f"at,n,size\n{MANY}oops{'s' * 99},1,1\n", "line 1000000, column at: 'oops" + "s" * 53 + "...' is no time"),
    ],
    ids=lambda text: text[:30] if isinstance(text, str) else None,
)  # fmt: skip
def test_a_bad_csv_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "recorded.csv"
    path.write_text(text)
    message = refused(path, count_column="n", size_column="size")
    assert str(path) in message
    assert said in message


def test_a_missing_column_names_those_there_and_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "recorded.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n1,2,3\n")
    message = refused(path, timestamp_column="timestamp")
    assert "which has TIMESTAMP, ContextTokens, GeneratedTokens (did you mean TIMESTAMP?)" in message
    message = refused(path, timestamp_column="TIMESTAMP", count_column="GenerateTokens")
    assert "load.count_column=GenerateTokens" in message
    assert "did you mean GeneratedTokens?" in message
    assert "load.timestamp_column is not set" in refused(path, timestamp_column=None)


def test_a_missing_or_damaged_file(tmp_path: Path) -> None:
    for name in ("none.csv", "none.parquet", "none.log"):
        assert refused(tmp_path / name) == f"load.path: there is no file {tmp_path / name}"
    for name in ("a.csv.gz", "a.log.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(b"at\n1\n" * 10_000)[:-20])
        message = refused(path, timestamp_pattern="(.*)" if "log" in name else None)
        assert "ends too early" in message or "Truncated compressed stream" in message
        path.write_bytes(b"at\n1\n")
        assert "cannot be read: Not a gzipped file" in refused(path)
    path = tmp_path / "a.parquet"
    path.write_bytes(b"no parquet")
    assert f"{path}: cannot be read as Parquet" in refused(path)
    (tmp_path / "folder.csv").mkdir()
    assert "Is a directory" in refused(tmp_path / "folder.csv")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"at": [1.0, None, 3.0], "n": [1, 1, 1]}, "row 2, column at: is empty (NULL)"),
        ({"at": [1.0, float("inf"), 3.0], "n": [1, 1, 1]}, "row 2, column at: inf is no number"),
        ({"at": [1, 2, 3], "n": [1, 1, None]}, "row 3, column n: is empty (NULL)"),
        ({"at": [1, 2, 3], "n": [1, 0.5, 1]}, "row 2, column n: '0.5' is no whole number"),
        ({"at": [True, False], "n": [1, 1]}, "column at: of type bool"),
        ({"at": pa.array([], pa.int64()), "n": pa.array([], pa.int64())}, "has no rows"),
        ({"time": [1]}, "no such column in"),
    ],
)
def test_a_bad_parquet_file(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    path = tmp_path / "recorded.parquet"
    pq.write_table(pa.table(table), path)
    message = refused(path, count_column="n")
    assert str(path) in message
    assert said in message


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "line 2: load.timestamp_pattern=\\[([^\\]]+)\\] does not match 'nothing'"),
        ({"timestamp_pattern": "(nothing|17)"}, "line 2: 'nothing' is no time stamp like the first one (17)"),
        ({"timestamp_format": "%Y"}, "line 1: '17/May/2015:10:05:03 +0000' does not match load.timestamp_format=%Y"),
        ({"timestamp_pattern": "["}, "load.timestamp_pattern=[: not a regular expression"),
        ({"timestamp_pattern": "x"}, "load.timestamp_pattern=x: needs one (group)"),
        ({"count_column": "n"}, "load.count_column=n: "),
    ],
)
def test_a_bad_log_file(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    path = tmp_path / "access.log"
    path.write_text("[17/May/2015:10:05:03 +0000]\nnothing\n")
    assert said in refused(path, **({"timestamp_column": None} | keys))


def test_an_empty_log_file(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("\n")
    assert "is empty" in refused(path, timestamp_column=None)
