"""Each query of `analysis/acceptance` on a small sweep made by hand, with the values it must give.

Must live here: one input and its rows a query. Must not: how rows are judged (`tests/report/test_criteria.py`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.experiment.paths import ANALYSIS
from tests.analysis.test_tables import NO_WARMUP, ask, picked, settled
from tests.report.evidence import MS, SECOND, Row, batch, manifest, write_run

if TYPE_CHECKING:
    from pathlib import Path

QUERIES = sorted(file.name for file in (ANALYSIS / "acceptance").glob("*.sql"))


class Runs:
    """Runs of a sweep, a cell after the other; 100 items in a second, in batches of `size`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0

    def add(self, stage: str, variant: str, verdict: Row, repeat: int = 0, **how: Any) -> Runs:
        size, window = how.pop("size", 1), how.pop("window", (10, 5.0))
        service_ms, cause = how.pop("service_ms", lambda n: 1.0), how.pop("cause", "size")
        self._number += 1
        cell = {"number": self._number, "stage": stage, "variant": variant, "repeat": repeat}
        config = manifest([])["config"] | {"window": {"max_size": window[0], "max_wait_ms": window[1]}}
        sent = []
        for number, first in enumerate(range(0, 100, size)):
            last = min(first + size, 100) - 1
            done = (first + 1) * MS + int(service_ms(last - first + 1) * MS)
            stamps: Row = {"closed_at_ns": (first + 1) * MS, "sent_at_ns": (first + 1) * MS, "settled_at_ns": done}
            sent.append(batch(number, first, last, cause=cause, **stamps))
        changes: Row = {
            "cell": cell,
            "config": config,
            "slo": NO_WARMUP,
            "load_ended_at_ns": SECOND,
            "ended_at_ns": SECOND,
        }
        run = write_run(
            self.folder / f"{self._number:04}", [settled(i, i, 3) for i in range(100)], sent, **{**changes, **how}
        )
        (run / "verdict.json").write_text(json.dumps({"reason": "because", **verdict}))
        return self

    def values(self, query: str) -> list[Any]:
        return [value for (value,) in picked(ask(self.folder, f"acceptance/{query}.sql"), "value")]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_answers_on_nothing_at_all(tmp_path: Path, query: str) -> None:
    assert ask(tmp_path / "nothing", f"acceptance/{query}") == []


def test_keeps_slo_leaves_capacity_runs_out(runs: Runs) -> None:
    runs.add("", "a", {"result": "PASS"}).add("", "b", {"result": "FAIL"}).add("", "c", {"result": None})
    assert runs.add("", "d", {"result": "INCONCLUSIVE"}).values("keeps_slo") == [1, 0, None]


def test_capacity_is_a_ratio_of_pairs(runs: Runs) -> None:
    """Both commit 100 items, one of them in a load of two seconds."""
    for repeat in range(2):
        runs.add("capacity", "per_item", {}, repeat, load_ended_at_ns=2 * SECOND)
        runs.add("capacity", "batched", {}, repeat, size=10)
    runs.add("capacity", "batched", {}, 9)  # no partner
    assert runs.values("capacity_ratio") == [2.0, 2.0]


def test_backlogs_at_the_same_load(runs: Runs) -> None:
    runs.add("same load", "per_item", {"growing": True}).add("same load", "batched", {"growing": False})
    runs.add("price", "per_item", {"growing": False})
    assert runs.values("per_item_backlog_grows") == [1]
    assert runs.values("batched_backlog_grows") == [0]


def test_commits_an_item_in_pairs(runs: Runs) -> None:
    runs.add("same load", "per_item", {}).add("same load", "batched", {}, size=20)
    assert runs.values("commits_per_item_ratio") == [20]


def test_batched_keeps_the_slo_where_it_is_asked(runs: Runs) -> None:
    runs.add("same load", "batched", {"result": "PASS"}).add("near the limit", "batched", {"result": "FAIL"})
    assert runs.add("price", "batched", {"result": "FAIL"}).values("batched_keeps_slo") == [1, 0]


def test_a_fixed_cost_of_ten_items_is_found_in_the_service_times(runs: Runs) -> None:
    for size in (1, 5, 20):
        runs.add("capacity", f"{size}", {}, size=size, service_ms=lambda n: 10.0 + n)
    (value,) = runs.values("fixed_cost_dominates")
    assert value == pytest.approx(10, rel=1e-6)


@pytest.mark.parametrize(
    ("per_item", "other", "value"), [("FAIL", "FAIL", 1), ("PASS", "FAIL", None), ("FAIL", "PASS", None)]
)
def test_the_slo_bites_if_one_item_a_batch_and_another_window_break_it(
    runs: Runs, per_item: str, other: str, value: int | None
) -> None:
    runs.add("tune peak", "per_item", {"result": per_item}, window=(1, 0.0))
    runs.add("tune peak", "8", {"result": other}, window=(8, 0.0)).add(
        "tune low", "8", {"result": "PASS"}, window=(8, 0.0)
    )
    (row,) = ask(runs.folder, "acceptance/window_slo_bites.sql")
    assert row["value"] == value
    assert (row["why"] is None) == (value == 1)


def test_the_slo_does_not_bite_where_everything_passes(runs: Runs) -> None:
    runs.add("tune peak", "per_item", {"result": "PASS"}, window=(1, 0.0))
    assert runs.values("window_slo_bites") == [None]


def test_the_chosen_window_on_new_loads(runs: Runs) -> None:
    runs.add("validate peak", "chosen", {"result": "PASS", "value_ms": 9.0}, size=10, window=(10, 5.0))
    runs.add("validate low", "chosen", {"result": "INVALID", "value_ms": 7.5}, cause="age", window=(10, 5.0))
    runs.add("tune peak", "8", {"result": "FAIL"})
    assert runs.values("window_validates") == [1, None]
    assert runs.values("window_fills_at_peak") == [1.0]
    assert runs.values("window_timer_at_low") == [1.0]
    assert runs.values("window_bounded_at_low") == [2.5]


def test_half_a_window_fails(runs: Runs) -> None:
    runs.add("contrast low", "size_only", {"result": "FAIL", "value_ms": 900.0}, window=(128, None))
    runs.add("contrast peak", "time_only", {"result": "FAIL"}, size=100, window=(100_000, 25.0))
    runs.add("validate peak", "chosen", {"result": "PASS"}, window=(25, 5.0))
    assert runs.values("window_size_only_stalls") == [1]
    assert runs.values("window_time_only_overgrows") == [4.0]


def test_killed_at_the_limit_is_asked_of_those_that_may_be(runs: Runs) -> None:
    """Killed there; completed; out of memory without a counter; and one that nobody expects to be killed."""
    limit: Row = {"limit_mb": 100.0, "enforced_by": "cgroup v2", "oom_kill_count": 1}
    for number, (status, memory) in enumerate(
        [("oom_killed", limit), ("completed", limit | {"oom_kill_count": 0}), ("failed", limit), ("completed", limit)]
    ):
        runs.add("", "unbounded", {"result": None}, number, status=status, memory=memory)
        file = runs.folder / f"{number + 1:04}/manifest.json"
        facts = json.loads(file.read_text())
        facts["cell"]["may_be_oom_killed"] = number < 3
        file.write_text(json.dumps(facts))
    assert runs.values("killed_at_limit") == [1, 0, None]
