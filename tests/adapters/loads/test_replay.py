"""What a replay plays."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestexp.adapters.loads.replay import Replay, ReplayError
from ingestexp.ports import Notices
from tests.contracts.load_contract import joined

DATA = Path("../shared/data")


def replay(path: Path, notices: Notices | None = None, **changes: Any) -> Replay:
    keys: dict[str, Any] = {
        "timestamp_column": "at", "size_column": None, "count_column": None,
        "timestamp_pattern": None, "timestamp_format": None, "time_scale": 1.0, "loop": 1,
    }  # fmt: skip
    return Replay(path, **(keys | changes), notices=notices or Notices())


def due(load: Replay, max_items: int = 1000) -> list[int]:
    due_ns: list[int] = joined(list(load.stretches(max_items)))[0].tolist()
    return due_ns


@pytest.fixture
def csv(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "recorded.csv"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("stamps", "expected_ns"),
    [
        (["2023-11-16 18:15:46.6805900", "2023-11-16 18:15:50.9951690"], 4_314_579_000),
        (["2023-11-16T18:15:46.000000001", "2023-11-16T18:15:46.000000003"], 2),
        (["2023-11-16T18:15:46Z", "2023-11-16 18:15:47.5Z"], 1_500_000_000),
        (["2023-11-16 18:15:46.5 UTC", "2023-11-16 18:15:47 UTC"], 500_000_000),
        (["2023-11-16T18:15:46+02:00", "2023-11-16T18:15:46 +0100"], 3_600_000_000_000),
        (["2023-11-16", "2023-11-17"], 86_400_000_000_000),
        (["1700158546.680590001", "1700158546.680590003"], 2),
        (["-1.5", " 2 "], 3_500_000_000),
        (["0.12345678912345", "1e0"], 876_543_211),
        (["1.23456789012345e-2", "0.5"], 487_654_321),
    ],
)
def test_stamps_are_read_to_the_nanosecond(csv: Any, stamps: list[str], expected_ns: int) -> None:
    assert due(replay(csv("\n".join(["at", *stamps])))) == [0, expected_ns]


def test_other_stamps_are_read_by_a_format(csv: Any) -> None:
    path = csv("at\n16/11/2023 18:15\n16/11/2023 18:16\n")
    assert due(replay(path, timestamp_format="%d/%m/%Y %H:%M")) == [0, 60 * 10**9]


def test_counts_expand_rows_and_zero_means_no_item(csv: Any) -> None:
    path = csv("at,items,bytes\n5,0,1\n10,2,7\n11,0,8\n12,3,9\n")
    load = replay(path, count_column="items", size_column="bytes")
    due_ns, sizes, _ = joined(list(load.stretches(4)))
    assert due_ns.tolist() == [0, 0, 2 * 10**9, 2 * 10**9, 2 * 10**9]
    assert sizes is not None
    assert sizes.dtype == np.int32
    assert sizes.tolist() == [7, 7, 9, 9, 9]
    assert load.size_bounds == (7, 9)
    assert load.expected_items == 5


@given(counts=st.lists(st.integers(0, 40), min_size=1).filter(any), max_items=st.integers(1, 100))
@settings(max_examples=30, deadline=None)
def test_any_counts_give_each_row_its_items(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], max_items: int
) -> None:
    path = tmp_path_factory.mktemp("counts") / "r.csv"
    path.write_text("\n".join(["at,n", *(f"{row},{count}" for row, count in enumerate(counts))]))
    rows = np.repeat(np.arange(len(counts)), counts)
    assert due(replay(path, count_column="n"), max_items) == ((rows - rows[0]) * 10**9).tolist()


def test_time_scale_divides_the_time(csv: Any) -> None:
    load = replay(csv("at\n100\n101\n103.5\n"), time_scale=1000)
    assert due(load) == [0, 1_000_000, 3_500_000]
    assert load.duration_ns == 3_500_001


def test_loops_follow_one_another_at_the_mean_gap(csv: Any) -> None:
    load = replay(csv("at\n0\n1\n4\n"), loop=3)
    assert due(load) == [s * 10**9 for s in (0, 1, 4, 6, 7, 10, 12, 13, 16)]
    assert load.expected_items == 9


def test_rows_out_of_order_are_sorted_stably_with_a_notice(csv: Any) -> None:
    notices = Notices()
    load = replay(csv("at,bytes\n3,1\n1,2\n2,3\n1,4\n5,5\n"), notices, size_column="bytes")
    due_ns, sizes, _ = joined(list(load.stretches(10)))
    assert due_ns.tolist() == [0, 0, 10**9, 2 * 10**9, 4 * 10**9]
    assert sizes is not None
    assert sizes.tolist() == [2, 4, 3, 1, 5]
    assert len(notices.lines) == 1
    assert "3 of 5 rows" in notices.lines[0]


def test_a_recording_in_order_gives_no_notice(csv: Any) -> None:
    notices = Notices()
    replay(csv("at\n1\n1\n2\n"), notices)
    assert notices.lines == []


def test_gzip_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recorded.csv.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbfat,x\r\n1,a\r\n\r\n2,"b\nc"\r\n'))
    assert due(replay(path)) == [0, 10**9]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1_000, 3_000], pa.timestamp("ms")),
        pa.array([1, 3], pa.timestamp("s", "UTC")),
        pa.array([1, 3], pa.int32()),
        pa.array([1.0, 3.0], pa.float32()),
        pa.array(["1", "3"]).dictionary_encode(),
        pa.array(["2020-01-01 00:00:00", "2020-01-01 00:00:02"], pa.large_string()),
    ],
    ids=str,
)
def test_parquet_stamps_of_any_sensible_type_are_read(tmp_path: Path, column: Any) -> None:
    path = tmp_path / "recorded.parquet"
    pq.write_table(pa.table({"at": column, "n": [1, 2]}), path)
    assert due(replay(path, count_column="n")) == [0, 2 * 10**9, 2 * 10**9]


def test_log_lines_of_the_combined_format_are_read(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(
        'a - - [17/May/2015:10:05:03 +0000] "GET /"\n\na - - [17/May/2015:12:05:04 +0200] "GET /" caf\xe9\n', "latin-1"
    )
    assert due(replay(path, timestamp_column=None)) == [0, 10**9]


def test_log_lines_with_a_pattern_of_their_own_are_read(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("INFO t=1700158546.5 hello\nINFO t=1700158546.75 world\n")
    assert due(replay(path, timestamp_column=None, timestamp_pattern=r"t=([\d.]+)")) == [0, 250_000_000]


@pytest.mark.skipif(not DATA.exists(), reason="no recordings of real traffic here")
def test_the_azure_trace_plays_at_a_thousand_times_its_speed() -> None:
    load = replay(DATA / "azure_llm_conversation.csv", timestamp_column="TIMESTAMP", time_scale=1000)
    due_ns = due(load, 8192)
    assert len(due_ns) == 19_366
    assert due_ns[1] == 4_314_579
    expanded = replay(
        DATA / "azure_llm_conversation.csv",
        timestamp_column="TIMESTAMP", count_column="GeneratedTokens", size_column="ContextTokens",
    )  # fmt: skip
    assert sum(len(s.due_ns) for s in expanded.stretches(65_536)) == expanded.expected_items == 4_088_665


@pytest.mark.skipif(not DATA.exists(), reason="no recordings of real traffic here")
def test_the_apache_log_plays_line_by_line() -> None:
    notices = Notices()
    assert len(due(replay(DATA / "apache_access.log.gz", notices, timestamp_column=None))) == 10_000
    assert "sorted" in notices.lines[0]


def test_nonsense_settings_are_refused(csv: Any) -> None:
    path = csv("at\n1\n2\n")
    for time_scale in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ReplayError, match=r"load\.time_scale"):
            replay(path, time_scale=time_scale)
    with pytest.raises(ReplayError, match=r"load\.loop=0"):
        replay(path, loop=0)


def test_two_halves_of_a_recording_are_the_whole_and_each_starts_at_once(csv: Any) -> None:
    path = csv("at,n\n0,1\n1,2\n2.9,3\n5,4\n9,5\n10,6\n")
    columns: dict[str, Any] = {"count_column": "n"}
    first, second = (replay(path, part=part, **columns) for part in ((0.0, 0.5), (0.5, 1.0)))
    assert [load.expected_items for load in (first, second)] == [6, 15]
    assert due(first) == [0, 10**9, 10**9, *[2_900_000_000] * 3]
    assert due(second) == [0] * 4 + [4 * 10**9] * 5 + [5 * 10**9] * 6
    with pytest.raises(ReplayError, match=r"from_ratio=0\.6, load\.to_ratio=0\.8: no row"):
        replay(path, part=(0.6, 0.8))
