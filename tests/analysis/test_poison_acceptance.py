"""The criteria of `experiment=poison` on runs made by hand: each one holds, and each one is broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.analysis.poisoned import SIZE, poisoned_run
from tests.analysis.test_tables import ask
from tests.report.evidence import SECOND, Row, paced_rows, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def values(folder: Path, query: str) -> list[Any]:
    return [row["value"] for row in ask(folder, f"acceptance/{query}.sql")]


def paced(folder: Path, variant: str, service_ms: Callable[[int], float], result: str = "PASS", **how: Any) -> Path:
    """Five seconds of a stage `10 poisoned`, without any poison: what only looks at time."""
    queue_ms, number, repeat = how.pop("queue_ms", lambda _: 0.0), how.pop("number", 0), how.pop("repeat", 0)
    cell = {"number": number, "stage": "10 poisoned", "variant": variant, "repeat": repeat}
    cell["is_disturbed"] = result == "DISTURBED"
    rows = paced_rows(10_000, service_ms, queue_ms=queue_ms)
    run = write_run(folder, *rows, cell=cell, load_ended_at_ns=5 * SECOND, ended_at_ns=10 * SECOND, **how)
    result = "FAIL" if result == "DISTURBED" else result
    (run / "verdict.json").write_text(json.dumps({"result": result, "reason": "because", "growing": False}))
    return run


def test_bisection_and_naming_put_everything_where_it_belongs(tmp_path: Path) -> None:
    poisoned_run(tmp_path / "a", "split_and_retry", [20, 40, 47])
    poisoned_run(tmp_path / "b", "report_items", [20, 40, 47], number=1)
    poisoned_run(tmp_path / "c", "skip_batch", [20])
    assert values(tmp_path, "poison_misplaced_items") == [0, 0]


def as_split(run: Path) -> None:
    """The defense is off, under the name of the one that was meant to be on."""
    facts = json.loads((run / "manifest.json").read_text())
    facts["cell"]["variant"] = "split_and_retry"
    (run / "manifest.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("variant", ["skip_batch", "retry_batch"])
def test_without_the_defense_items_are_out_of_place(tmp_path: Path, variant: str) -> None:
    as_split(poisoned_run(tmp_path / "run", variant))
    ((value),) = values(tmp_path, "poison_misplaced_items")
    assert value >= SIZE


@pytest.mark.parametrize(("key", "number", "misplaced"), [("missing", 3, 6), ("foreign", 2, 4), ("held", 80, 1)])
def test_what_the_sink_lacks_or_has_too_many_counts(tmp_path: Path, key: str, number: int, misplaced: int) -> None:
    """`held` does not change with the two others here, so each of these is seen twice."""
    readback = {"ok": False, "held": 79, "committed": 79, "missing": 0, "unsettled_but_held": 0, "foreign": 0}
    poisoned_run(tmp_path / "run", "split_and_retry", self_checks={"readback": readback | {key: number}})
    assert values(tmp_path, "poison_misplaced_items") == [misplaced]


def test_a_run_without_poison_or_read_back_proves_nothing(tmp_path: Path) -> None:
    poisoned_run(tmp_path / "a", "split_and_retry", [])
    poisoned_run(tmp_path / "b", "split_and_retry", [20], number=1, self_checks={"readback": None})
    rows = ask(tmp_path, "acceptance/poison_misplaced_items.sql")
    assert [row["value"] for row in rows] == [None, None]
    assert "nothing was poisoned" in rows[0]["why"]
    assert "not read back" in rows[1]["why"]


def test_the_writes_of_the_worst_batch_with_one_poisoned_item(tmp_path: Path) -> None:
    """Eight items: 1 + 2 · log2(8) = 7. The batch with two of them does not count."""
    poisoned_run(tmp_path / "a", "split_and_retry", [20, 40, 47])
    poisoned_run(tmp_path / "b", "split_and_retry", [40, 47], number=1)
    assert values(tmp_path, "poison_split_writes") == [7, None]


def test_a_batch_that_is_retried_for_ever_is_never_done_with(tmp_path: Path) -> None:
    """However few attempts it had time for: its eight items count as well."""
    as_split(poisoned_run(tmp_path / "run", "retry_batch"))
    (row,) = ask(tmp_path, "acceptance/poison_split_writes.sql")
    assert row["open_count"] == 1
    (costs,) = ask(tmp_path, "tables/failure_isolation.sql")
    assert row["value"] == costs["writes_most"] + SIZE


def test_naming_saves_writes(tmp_path: Path) -> None:
    """One more for the batch, instead of six; of another seed or count there is no pair."""
    poisoned_run(tmp_path / "a", "split_and_retry")
    poisoned_run(tmp_path / "b", "report_items")
    poisoned_run(tmp_path / "c", "report_items", seed=8)
    poisoned_run(tmp_path / "d", "report_items", [20, 41])
    assert values(tmp_path, "poison_report_writes_ratio") == [pytest.approx(1 / 6)]


@pytest.mark.parametrize(
    ("variant", "verdict", "value"),
    [
        ("retry_batch", {"result": "FAIL", "growing": True}, 1),
        ("retry_batch", {"result": "INVALID", "growing": True}, 1),
        ("retry_batch", {"result": "FAIL", "growing": False}, 0),
        ("split_and_retry", {"result": "FAIL", "growing": True}, 0),
    ],
)
def test_a_spiral_is_one_that_nothing_passes(tmp_path: Path, variant: str, verdict: Row, value: int) -> None:
    run = poisoned_run(tmp_path / "run", variant, verdict=verdict)
    facts = json.loads((run / "manifest.json").read_text())
    facts["cell"]["variant"] = "retry_batch"
    (run / "manifest.json").write_text(json.dumps(facts))
    assert values(tmp_path, "poison_retry_backlog_grows") == [value]


def test_no_spiral_is_seen_where_no_poisoned_batch_was_sent(tmp_path: Path) -> None:
    poisoned_run(tmp_path / "run", "retry_batch", [5000], verdict={"result": "FAIL", "growing": True})
    (row,) = ask(tmp_path, "acceptance/poison_retry_backlog_grows.sql")
    assert (row["value"], "no batch" in row["why"]) == (None, True)


def test_skipping_loses_the_mates_of_each_poisoned_item(tmp_path: Path) -> None:
    poisoned_run(tmp_path / "a", "skip_batch", [20, 41])
    poisoned_run(tmp_path / "b", "skip_batch", [5000], number=1)
    assert values(tmp_path, "poison_skip_good_items_lost") == [2 * (SIZE - 1), 0]


def slope_row(folder: Path) -> Row:
    (row,) = ask(folder, "acceptance/poison_split_lag_slope.sql")
    return row


def test_a_flat_lag_holds_also_on_a_disturbed_host(tmp_path: Path) -> None:
    paced(tmp_path / "a", "control", lambda _: 2.0)
    paced(tmp_path / "b", "split_and_retry", lambda n: 2.0 + n * 7919 % 13, "INVALID")
    row = slope_row(tmp_path)
    assert row["low"] < row["value"] < row["high"] <= 0.01


@pytest.mark.parametrize(
    ("result", "control_ms", "reads_as"),
    [
        ("FAIL", 0.0, "grows"),
        ("INVALID", 0.0, "the host was disturbed"),
        ("DISTURBED", 0.0, "the host was disturbed"),
        ("FAIL", 1.0, "the control grows too"),
    ],
)
def test_a_lag_that_grows_breaks_it_unless_it_is_not_the_poisons_doing(
    tmp_path: Path, result: str, control_ms: float, reads_as: str
) -> None:
    paced(tmp_path / "a", "control", lambda _: 2.0, queue_ms=lambda n: control_ms * n)
    paced(tmp_path / "b", "split_and_retry", lambda _: 2.0, result, queue_ms=lambda n: 4.0 * n)
    row = slope_row(tmp_path)
    assert row["reads_as"] == reads_as
    if reads_as == "grows":
        assert row["low"] > 0.4
    else:
        assert row["value"] is row["high"] is None
        assert reads_as in row["why"]


def test_the_innocent_against_the_same_arrivals_without_poison(tmp_path: Path) -> None:
    """The control's p99 is 6.5 ms (4.5 of it the batch fills): 12.5 ms more are allowed, a quarter
    of the SLO's bound. Pairs are of one seed."""
    for seed, service_ms in ((1, 4.0), (2, 40.0), (3, 5.0)):
        paced(tmp_path / f"c{seed}", "control", lambda _: 2.0, seed=seed, number=2 * seed, repeat=seed)
        paced(
            tmp_path / f"s{seed}",
            "split_and_retry",
            lambda _, ms=service_ms: ms,  # type: ignore[misc]
            seed=seed,
            number=2 * seed + 1,
            repeat=seed,
        )
    found = ask(tmp_path, "acceptance/poison_split_innocent_latency.sql")
    assert [row["allowed_ms"] for row in found] == [pytest.approx(19.0, rel=1e-3)] * 3
    ratios = [pytest.approx(ms / 19.0, rel=2e-3) for ms in (8.5, 44.5, 9.5)]
    assert [row["ratio"] for row in found] == ratios
    assert [row["value"] for row in found] == [ratios[2]] * 3, "the median pair"


def test_where_most_pairs_tell_nothing_the_median_of_the_rest_is_none(tmp_path: Path) -> None:
    for seed, result in enumerate(("PASS", "INVALID", "INVALID")):
        paced(tmp_path / f"c{seed}", "control", lambda _: 2.0, seed=seed, repeat=seed)
        paced(tmp_path / f"s{seed}", "split_and_retry", lambda _: 40.0, result, seed=seed, repeat=seed)
    found = ask(tmp_path, "acceptance/poison_split_innocent_latency.sql")
    assert [row["value"] for row in found] == [None] * 3
    assert all("the host was disturbed" in row["why"] for row in found)


@pytest.mark.parametrize("service_ms", [4.0, 40.0])
@pytest.mark.parametrize("result", ["INVALID", "DISTURBED"])
def test_a_disturbed_host_decides_nothing_about_the_innocent(tmp_path: Path, service_ms: float, result: str) -> None:
    paced(tmp_path / "c", "control", lambda _: 2.0)
    paced(tmp_path / "s", "split_and_retry", lambda _: service_ms, result)
    (row,) = ask(tmp_path, "acceptance/poison_split_innocent_latency.sql")
    assert (row["value"] is None) == (service_ms > 10)


def test_a_control_that_breaks_the_slo_is_no_measure(tmp_path: Path) -> None:
    paced(tmp_path / "c", "control", lambda _: 60.0)
    paced(tmp_path / "s", "split_and_retry", lambda _: 61.0)
    (row,) = ask(tmp_path, "acceptance/poison_split_innocent_latency.sql")
    assert row["value"] is None
    assert "control" in row["why"]
