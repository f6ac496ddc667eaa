"""What poisoned items cost, by table and view, on runs made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from ingestexp.experiment.paths import ANALYSIS
from tests.analysis.poisoned import COUNT, SIZE, poisoned_run
from tests.analysis.test_tables import NO_WARMUP, ask, picked
from tests.report.evidence import MS, SECOND, Row, item, paced_rows, write_run

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS = ("control", "retry_batch", "skip_batch", "split_and_retry", "report_items")


def view(runs: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"SET VARIABLE runs = '{runs}'")
        connection.execute((ANALYSIS / "views.sql").read_text())
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("table", ["failure_isolation", "collateral_latency", "lag_slope", "lag_over_time"])
def test_every_table_answers_on_nothing_at_all(tmp_path: Path, table: str) -> None:
    assert ask(tmp_path / "nothing", f"tables/{table}.sql") == []


def test_a_batchs_writes_are_counted_down_its_descent(tmp_path: Path) -> None:
    """One of eight: 1 + 2 · log2(8) writes; two in different halves share the first."""
    run = poisoned_run(tmp_path / "run", "split_and_retry", [20, 40, 47])
    found = view(run, "SELECT first_item_id, last_item_id, poison_count, write_count FROM poisoned_batches ORDER BY 1")
    assert found == [(16, 23, 1, 7), (40, 47, 2, 11)]


def test_a_chain_of_retries_is_followed_to_its_end(tmp_path: Path) -> None:
    run = poisoned_run(tmp_path / "run", "retry_batch")
    ((writes,),) = view(run, "SELECT write_count FROM poisoned_batches")
    assert [(writes,)] == view(run, "SELECT count(*) FROM batches WHERE first_item_id = 16")
    assert writes > 50


def test_what_each_reaction_costs(tmp_path: Path) -> None:
    for number, variant in enumerate(VARIANTS):
        poisoned_run(tmp_path / variant, variant, [20, 41], number=number)
    rows = ask(tmp_path, "tables/failure_isolation.sql")
    assert [row["variant"] for row in rows] == list(VARIANTS)
    found = {
        row["variant"]: [row[key] for key in ("poison", "extra_writes", "writes_most", "poison_parked", "good_lost")]
        for row in rows
    }
    assert found["control"] == [0, 0, None, 0, 0]
    assert found["skip_batch"] == [2, 0, 1, 0, 2 * (SIZE - 1)]
    assert found["split_and_retry"] == [2, 12, 7, 2, 0]
    assert found["report_items"] == [2, 2, 2, 2, 0]
    assert found["retry_batch"][3:] == [0, 0]
    assert [row["good_unsettled"] for row in rows] == [0, COUNT - 16 - 2, 0, 0, 0]
    assert {row["duplicates"] for row in rows} == {0}


def test_an_item_that_is_committed_twice_is_a_duplicate(tmp_path: Path) -> None:
    items, batches = paced_rows(40, lambda _: 2.0)
    batches.append({**batches[1], "batch_id": 9, "parent_batch_id": 1, "attempt": 2})
    (row,) = ask(write_run(tmp_path / "run", items, batches), "tables/failure_isolation.sql")
    assert (row["duplicates"], row["extra_writes"]) == (10, 1)


def test_batch_mates_are_slower_than_the_innocent_at_large(tmp_path: Path) -> None:
    """Bisection keeps the mates of item 20 waiting for 1 to 7 writes; the poisoned one itself counts nowhere."""
    for number, variant in enumerate(VARIANTS):
        poisoned_run(tmp_path / variant, variant, number=number)
    rows = {row["variant"]: row for row in ask(tmp_path, "tables/collateral_latency.sql")}
    split = rows["split_and_retry"]
    assert (split["innocents"], split["mates"], split["unsettled"]) == (COUNT - 1, SIZE - 1, 0)
    assert split["control_ms"] == rows["control"]["innocent_p99_ms"] == pytest.approx(9, rel=1e-3)
    # Due from 16 ms on, refused at 25; 16 to 19 are committed at 26, 21 at 30, 22 and 23 at 31.
    assert split["mate_p50_ms"] == pytest.approx(9, rel=1e-3)
    assert rows["report_items"]["mate_p50_ms"] == pytest.approx(7, rel=1e-3)
    assert split["mate_p99_ms"] == pytest.approx(10, rel=1e-3)
    assert rows["control"]["mates"] == 0
    assert rows["control"]["mate_p99_ms"] is None
    assert rows["retry_batch"]["unsettled"] == COUNT - 16 - 1
    assert rows["retry_batch"]["mate_p99_ms"] == pytest.approx(84, rel=1e-3)
    assert rows["skip_batch"]["mates"] == 0  # they have no latency: they are lost


def test_lag_over_time_counts_what_is_due_and_not_settled(tmp_path: Path) -> None:
    """Item 0 is settled at 15 ms, item 1 dropped at 12, item 2 never."""
    rows: list[Row] = [item(0, 0, settled_at_ns=15 * MS)]
    rows += [item(1, 11 * MS, outcome="dropped", settled_at_ns=12 * MS), item(2, 25 * MS, outcome="unsettled")]
    run = write_run(tmp_path / "run", rows, load_ended_at_ns=40 * MS, ended_at_ns=50 * MS)
    found = ask(run, "tables/lag_over_time.sql", bin_count=4)
    assert picked(found, "at_ms", "lag_items") == [(10, 1), (20, 0), (30, 1), (40, 1)]


def slopes(folder: Path) -> list[Row]:
    return ask(folder, "tables/lag_slope.sql")


def test_a_flat_lag_has_no_slope(tmp_path: Path) -> None:
    (row,) = slopes(write_run(tmp_path / "run", *paced_rows(10_000, lambda n: 2.0 + n * 7919 % 13)))
    assert row["low_ratio"] < 0 < row["high_ratio"] < 0.01
    assert row["offered_per_s"] == pytest.approx(2000, rel=0.01)


def test_a_lag_that_grows_is_measured(tmp_path: Path) -> None:
    """Ten items every 9 ms instead of every 5: of 2,000 a second 1,111 are settled."""
    rows = paced_rows(10_000, lambda _: 2.0, queue_ms=lambda n: 4.0 * n)
    (row,) = slopes(write_run(tmp_path / "run", *rows, load_ended_at_ns=5 * SECOND))
    assert row["slope_per_s"] == pytest.approx(2000 - 10 / 0.009, rel=0.01)
    assert row["low_ratio"] < row["slope_ratio"] < row["high_ratio"]
    assert row["low_ratio"] > 0.4


def test_repeats_share_a_slope_and_not_a_level(tmp_path: Path) -> None:
    for repeat, service_ms in enumerate((2.0, 40.0)):
        cell = {"number": repeat, "stage": "", "variant": "a", "repeat": repeat}
        rows = paced_rows(10_000, lambda _, ms=service_ms: ms)  # type: ignore[misc]
        write_run(tmp_path / f"{repeat}", *rows, cell=cell)
    (row,) = slopes(tmp_path)
    assert (row["runs"], row["blocks"]) == (2, 100)
    assert abs(row["slope_ratio"]) < 0.001
    assert row["high_ratio"] < 0.005


def test_a_lag_that_wanders_has_a_wider_interval_than_one_that_jumps(tmp_path: Path) -> None:
    """The same delays, once in an order in which neighbours are alike."""
    delays = [n * 7919 % 50 for n in range(1000)]
    slow = [delays[n // 200 * 200 + n % 200 // 20] for n in range(1000)]
    found = []
    for number, waits in enumerate((delays, slow)):
        folder = tmp_path / f"{number}"
        (row,) = slopes(write_run(folder, *paced_rows(10_000, lambda n, w=waits: 2.0 + w[n])))  # type: ignore[misc]
        found.append(row)
    assert found[0]["autocorrelation"] < 0.3
    widths = [row["high_ratio"] - row["low_ratio"] for row in found]
    assert widths[1] > widths[0]


def test_a_run_of_few_batches_has_no_interval(tmp_path: Path) -> None:
    rows = paced_rows(60, lambda _: 2.0)
    (row,) = slopes(write_run(tmp_path / "run", *rows, slo=NO_WARMUP))
    assert row["slope_per_s"] is None
    assert row["high_ratio"] is None
