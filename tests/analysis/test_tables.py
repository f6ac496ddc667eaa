"""Each table of `analysis/tables` on a small input made by hand, with the rows it must give.

Must live here: one input and its rows a table. Must not: the report's own code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest

from ingestexp.experiment.paths import ANALYSIS
from tests.report.evidence import MS, SECOND, batch, item, paced_rows, write_run

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]


def ask(runs: Path | str, *files: str, **variables: int) -> list[Row]:
    """The rows of the last of the files."""
    with duckdb.connect() as connection:
        connection.execute(f"SET VARIABLE runs = '{runs}'")
        connection.execute((ANALYSIS / "views.sql").read_text())
        for name, value in variables.items():
            connection.execute(f"SET VARIABLE {name} = {value}::BIGINT")
        for file in files:
            result = connection.execute((ANALYSIS / file).read_text())
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def settled(item_id: int, intended_ms: float, response_ms: float, service_ms: float = 1.0, **columns: Any) -> Row:
    """A committed item of batch 0 with nothing but the stages that latency needs."""
    intended, done = int(intended_ms * MS), int((intended_ms + response_ms) * MS)
    sent = done - int(service_ms * MS)
    stamps = {"offered_at_ns": intended, "admitted_at_ns": intended, "first_sent_at_ns": sent, "sent_at_ns": sent}
    return item(item_id, intended, **{"settled_at_ns": done, "batch_id": 0, **stamps, **columns})


def picked(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


NO_WARMUP: Row = {"percentile": 99.0, "bound_ms": 50.0, "warmup_s": 0.0}


def test_outcome_counts(tmp_path: Path) -> None:
    rows = [settled(0, 0, 3), settled(1, 600, 3)]
    rows += [item(2, 700 * MS, outcome="dropped", reason="overflow_newest", settled_at_ns=700 * MS)]
    found = ask(write_run(tmp_path / "run", rows), "tables/outcome_counts.sql")
    expected = [("committed", None, 2, 1), ("dropped", "overflow_newest", 1, 1)]
    assert picked(found, "outcome", "reason", "item_count", "measured_count") == expected


def test_fixed_cost_per_item(tmp_path: Path) -> None:
    rows = [settled(i, i, 3) for i in range(4)]
    sent = [batch(0, 0, 3), batch(1, 4, 5, outcome="failed", commits=0, fsyncs=1)]
    (found,) = ask(write_run(tmp_path / "run", rows, sent), "tables/fixed_cost_per_item.sql")
    assert (found["commits"], found["attempt_count"], found["failed_attempt_count"]) == (1, 2, 1)
    assert found["commits_per_item"] == 0.25
    assert found["fsyncs_per_item"] == 0.5
    assert found["syscalls_per_item"] == 1.5
    assert found["items_per_commit"] == 4.0


def test_workers_are_busy_while_they_write(tmp_path: Path) -> None:
    """One batch of 3 s and one without an end, sent 1 s before the run's: 4 s of 10 on one worker."""
    sent = [
        batch(0, 0, 3, sent_at_ns=0, settled_at_ns=3 * SECOND),
        batch(1, 4, 5, outcome="unsettled", sent_at_ns=9 * SECOND, settled_at_ns=None),
    ]
    run = write_run(tmp_path / "run", [settled(i, i, 3) for i in range(4)], sent, ended_at_ns=10 * SECOND)
    (found,) = ask(run, "tables/fixed_cost_per_item.sql")
    assert found["busy_ratio"] == 0.4


def test_latency_quantiles_are_nearest_rank(tmp_path: Path) -> None:
    rows = [settled(i, 10 * i, i + 1) for i in range(100)]
    found = ask(write_run(tmp_path / "run", rows, slo=NO_WARMUP), "tables/latency_quantiles.sql")
    response = {row["quantile"]: row["value_ns"] / MS for row in found if row["measure"] == "response"}
    assert response == {"p50": 50, "p95": 95, "p99": 99, "p99.9": 100, "max": 100, "slo": 99, "slo_with_losses": 99}
    assert {row["value_ns"] for row in found if row["measure"] == "service"} == {MS}


def test_latency_quantiles_agree_with_a_full_sort(tmp_path: Path) -> None:
    values = np.sort(np.random.default_rng(1).lognormal(1, 1.5, 3000))
    rows = [settled(i, 5 * i, float(value), service_ms=0) for i, value in enumerate(values)]
    found = ask(write_run(tmp_path / "run", rows, slo=NO_WARMUP), "tables/latency_quantiles.sql")
    exact = sorted(row["settled_at_ns"] - row["intended_at_ns"] for row in rows)
    ranks = {"p50": 1500, "p95": 2850, "p99": 2970, "p99.9": 2997, "max": 3000}
    response = {row["quantile"]: row["value_ns"] for row in found if row["measure"] == "response"}
    assert {name: response[name] for name in ranks} == {name: exact[rank - 1] for name, rank in ranks.items()}


def test_unsettled_items_make_lower_bounds_where_they_matter(tmp_path: Path) -> None:
    """90 items take 1..90 ms; ten are unsettled, aged 40 ms or more at the end."""
    rows = [settled(i, i, i + 1) for i in range(90)]
    rows += [item(90 + i, (90 + i) * MS, outcome="unsettled", reason="queued") for i in range(10)]
    run = write_run(tmp_path / "run", rows, slo=NO_WARMUP, ended_at_ns=139 * MS)
    found = ask(run, "tables/latency_quantiles.sql")
    response = {r["quantile"]: (r["value_ns"] / MS, r["is_lower_bound"]) for r in found if r["measure"] == "response"}
    assert response["p50"] == (45, True)  # aged 40..49 ms: the true median may lie up to 50 ms
    assert response["max"] == (90, True)
    calm = write_run(tmp_path / "calm", rows, slo=NO_WARMUP, ended_at_ns=10_000 * MS)
    found = ask(calm, "tables/latency_quantiles.sql")
    bounds = {row["quantile"]: row["is_lower_bound"] for row in found if row["measure"] == "response"}
    assert [bounds[name] for name in ("p50", "p95", "max")] == [False, True, True]


def test_losses_count_as_infinite_beside(tmp_path: Path) -> None:
    rows = [settled(i, i, 1) for i in range(98)]
    rows += [
        item(98 + i, (98 + i) * MS, outcome="dropped", reason="oversized", settled_at_ns=99 * MS) for i in range(2)
    ]
    found = ask(write_run(tmp_path / "run", rows, slo=NO_WARMUP), "tables/latency_quantiles.sql")
    response = {row["quantile"]: row["value_ns"] for row in found if row["measure"] == "response"}
    assert (response["slo"], response["slo_with_losses"]) == (MS, None)


def test_generator_lateness(tmp_path: Path) -> None:
    rows = [settled(i, 10 * i, 300, offered_at_ns=(10 * i + i + 1) * MS) for i in range(100)]
    (found,) = ask(write_run(tmp_path / "run", rows, slo=NO_WARMUP), "tables/generator_lateness.sql")
    assert (found["p50_ns"] / MS, found["p99_ns"] / MS, found["max_ns"] / MS) == (50, 99, 100)


def test_latency_blame_splits_the_slowest(tmp_path: Path) -> None:
    slow = item(
        1, 100 * MS, offered_at_ns=101 * MS, admitted_at_ns=103 * MS, first_sent_at_ns=113 * MS, sent_at_ns=129 * MS,
        settled_at_ns=161 * MS, batch_id=1, attempt_count=2,
    )  # fmt: skip
    sent = [batch(0, 0, 0), batch(1, 1, 1, closed_at_ns=107 * MS)]
    run = write_run(tmp_path / "run", [settled(0, 0, 2), slow], sent, slo=NO_WARMUP)
    (found,) = ask(run, "tables/latency_blame.sql")
    parts = ("lateness_ns", "blocked_ns", "window_ns", "queue_ns", "retry_ns", "service_ns", "response_ns")
    assert [found[part] / MS for part in parts] == [1, 2, 4, 6, 16, 32, 61]
    assert (found["item_count"], found["unsettled_count"]) == (1, 0)


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"reason": "blocked", "offered_at_ns": None}, [0, 900, 0, 0, 0, 0]),
        ({"reason": "queued", "offered_at_ns": 101 * MS, "admitted_at_ns": 103 * MS}, [1, 2, 0, 897, 0, 0]),
    ],
)
def test_blame_of_an_unsettled_item_ends_in_the_stage_it_was_in(tmp_path: Path, columns: Row, parts: list[int]) -> None:
    row = item(0, 100 * MS, outcome="unsettled", **columns)
    run = write_run(tmp_path / "run", [row], slo=NO_WARMUP, ended_at_ns=1000 * MS)
    (found,) = ask(run, "tables/latency_blame.sql")
    names = ("lateness_ns", "blocked_ns", "window_ns", "queue_ns", "retry_ns", "service_ns")
    assert [found[name] / MS for name in names] == parts


def test_batch_size_histogram(tmp_path: Path) -> None:
    sizes = [(1, "age"), (2, "age"), (3, "age"), (4, "age"), (9, "age"), (10, "size"), (10, "size"), (10, "retry")]
    sent = [batch(i, 0, size - 1, cause=cause) for i, (size, cause) in enumerate(sizes)]
    found = ask(write_run(tmp_path / "run", [], sent), "tables/batch_size_histogram.sql")
    assert picked(found, "bin_low", "bin_high", "is_full", "flush_cause", "batch_count", "item_count") == [
        (1, 1, False, "age", 1, 1),
        (2, 2, False, "age", 1, 2),
        (3, 4, False, "age", 2, 7),
        (9, 9, False, "age", 1, 9),
        (10, 10, True, "retry", 1, 10),
        (10, 10, True, "size", 2, 20),
    ]


def test_backlog_slope_of_a_run_that_keeps_half_the_pace(tmp_path: Path) -> None:
    """1,000 items a second are due for 4 s, 500 a second are settled: the backlog gains 500 items a second."""
    rows = [settled(i, i, i + 1) for i in range(4000)]
    (found,) = ask(write_run(tmp_path / "run", rows, slo=NO_WARMUP), "tables/backlog_slope.sql")
    assert found["slope_items_per_s"] == pytest.approx(500, rel=0.02)
    assert found["lag_at_end"] == pytest.approx(2000, rel=0.02)
    assert (found["grows"], found["grows_without_lateness"]) == (True, True)


def test_backlog_of_unsettled_items_grows_and_a_steady_one_does_not(tmp_path: Path) -> None:
    open_rows = [item(i, i * MS, outcome="unsettled", reason="queued") for i in range(4000)]
    (found,) = ask(write_run(tmp_path / "open", open_rows, slo=NO_WARMUP), "tables/backlog_slope.sql")
    assert found["slope_items_per_s"] == pytest.approx(1000, rel=0.02)
    steady = write_run(tmp_path / "steady", *paced_rows(4000, lambda n: 2.0 + n % 7), slo=NO_WARMUP)
    (found,) = ask(steady, "tables/backlog_slope.sql")
    assert found["grows"] is False


def test_a_queue_that_wanders_for_a_short_while_does_not_grow(tmp_path: Path) -> None:
    """200 items, 1 a ms, settled in batches of 7 that run a little late towards the end: less than chance would do."""
    rows = [settled(i, i, 8 + 7 - i % 7 + (i * 0.2 if i > 100 else 0)) for i in range(200)]
    (found,) = ask(write_run(tmp_path / "run", rows, slo=NO_WARMUP), "tables/backlog_slope.sql")
    assert found["slope_items_per_s"] > 0
    assert not found["grows"]


def test_throughput_over_time(tmp_path: Path) -> None:
    rows = [settled(0, 10, 20), settled(1, 20, 90), settled(2, 130, 5)]
    found = ask(write_run(tmp_path / "run", rows), "tables/throughput_over_time.sql")
    expected = [(0, 2, 1, 1, 20.0), (100 * MS, 1, 2, 0, 10.0)]
    assert picked(found, "from_ns", "due_count", "committed_count", "lag_items", "due_per_s") == expected


def test_run_extent_counts_stalls(tmp_path: Path) -> None:
    items, batches = paced_rows(1000, lambda number: 30.0 if number in (20, 60) else 2.0)
    (found,) = ask(write_run(tmp_path / "run", items, batches, slo=NO_WARMUP), "tables/run_extent.sql")
    assert (found["item_count"], found["attempt_count"], found["stall_count"]) == (1000, 100, 2)
    assert found["last_due_ns"] == 999 * MS // 2
    assert found["stall_cycle_ns"] == pytest.approx(found["last_settled_ns"] / 2)


def test_verdict_blocks_hold_whole_batches_and_count_exceedances(tmp_path: Path) -> None:
    items, batches = paced_rows(100, lambda number: 60.0 if number == 5 else 2.0, gap_ms=1.0)
    run = write_run(tmp_path / "run", items, batches, slo=NO_WARMUP, load_ended_at_ns=100 * MS)
    found = ask(run, "tables/verdict_blocks.sql", block_count=5)
    per_block: dict[int, list[int]] = {}
    for row in found:
        counts = per_block.setdefault(row["block"], [0, 0])
        counts[0] += row["item_count"]
        counts[1] += row["over_count"]
    assert per_block == {0: [20, 0], 1: [20, 0], 2: [20, 10], 3: [20, 0], 4: [20, 0]}


def test_tables_take_any_set_of_runs(tmp_path: Path) -> None:
    write_run(tmp_path / "day" / "a", [settled(0, 600, 3)])
    write_run(tmp_path / "day" / "b", [settled(0, 600, 4), settled(1, 601, 4)])
    (tmp_path / "other").mkdir()
    found = ask(f"{tmp_path}/day/*, {tmp_path}/other/", "tables/outcome_counts.sql")
    assert [(row["run"].rpartition("/")[2], row["item_count"]) for row in found] == [("a", 1), ("b", 2)]


@pytest.mark.parametrize("file", sorted(path.name for path in (ANALYSIS / "tables").glob("*.sql")))
def test_every_table_answers_on_nothing_at_all(tmp_path: Path, file: str) -> None:
    """No run folder, and a run without an item: columns, and no error."""
    assert ask(tmp_path / "nothing", f"tables/{file}") == []
    ask(write_run(tmp_path / "run", []), f"tables/{file}")


@pytest.mark.parametrize("path", sorted(ANALYSIS.glob("*/*.sql")), ids=lambda path: path.stem)
def test_every_query_says_what_it_answers(path: Path) -> None:
    header = "\n".join(line for line in path.read_text().splitlines() if line.startswith("--"))
    assert "Question:" in header or "Claim:" in header
    assert "Grain:" in header
