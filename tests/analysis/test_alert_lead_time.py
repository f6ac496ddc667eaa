"""`tables/alert_lead_time.sql` and the criteria that ask it, on traces made by hand whose leads are known.

Must live here: one trace and its leads. Must not: how rows are judged (`tests/report/test_criteria.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.analysis.test_tables import Row, ask, settled
from tests.report.alert_evidence import alert_run, jump
from tests.report.evidence import manifest, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Sweep:
    """Runs of `alert_run`, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0

    def add(
        self, stage: str, faulty: bool | None = None, clock: str = "simulated", **shows: Callable[[int], int]
    ) -> Sweep:
        self._number += 1
        cell = {"stage": stage, "variant": "any", "repeat": 0, "number": self._number}
        breaks = stage.endswith("fault") if faulty is None else faulty
        alert_run(self.folder / f"{self._number:04}", breaks, shows, cell=cell, clock=clock)
        return self

    def of_faults(self) -> Path:
        """No healthy test run at all."""
        self.add("train healthy", depth_items=jump(0, 5, 5))
        self.add("train fault", depth_items=jump(1500, 5, 8)).add("test fault", depth_items=jump(1500, 5, 8))
        return self.folder

    def scores(self, **variables: int) -> dict[tuple[str, str], Row]:
        found = ask(self.folder, "tables/alert_lead_time.sql", **variables)
        return {(row["clock"], row["metric"]): row for row in found}

    def value(self, query: str) -> Any:
        (row,) = ask(self.folder, f"acceptance/{query}.sql")
        return row["value"]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


def test_the_lead_is_from_the_first_alarm_to_the_breach(sweep: Sweep) -> None:
    """The SLO breaks with the second item over its bound among about a hundred: due at 2010 ms, over after 2060. Depth
    rises above what is healthy at 1500, which the sample of 1500 shows; the lag does so too late."""
    sweep.add("train healthy", depth_items=lambda _: 7, lag_items=lambda _: 3)
    sweep.add("test healthy", depth_items=lambda _: 7, lag_items=lambda _: 3)
    for stage in ("train fault", "test fault"):
        sweep.add(stage, depth_items=jump(1500, 7, 8), lag_items=jump(2500, 3, 9))
    scores = sweep.scores()
    depth, lag = scores["simulated", "depth_items"], scores["simulated", "lag_items"]
    assert (depth["rank"], depth["threshold"]) == (1, 7)
    assert (depth["test_lead_p50_ms"], depth["test_lead_min_ms"], depth["test_miss_count"]) == (600, 600, 0)
    assert (lag["test_lead_p50_ms"], lag["test_lead_min_ms"], lag["test_miss_count"]) == (0, None, 1)
    assert depth["healthy_alarms_per_min"] == 0
    assert sweep.value("alerting_lead") == 600
    assert sweep.value("alerting_false_alarms") == 0


def test_an_alarm_before_the_fault_is_no_lead(sweep: Sweep) -> None:
    """Only from the fault's beginning on: what stood above the threshold before counts from there."""
    sweep.add("train healthy", depth_items=lambda _: 7)
    sweep.add("train fault", depth_items=lambda now: 9 if now < 800 or now >= 1900 else 7)
    sweep.add("test fault", depth_items=jump(300, 7, 9))
    depth = sweep.scores()["simulated", "depth_items"]
    assert (depth["train_lead_p50_ms"], depth["test_lead_p50_ms"]) == (200, 1100)


def test_thresholds_come_from_healthy_train_runs_alone(sweep: Sweep) -> None:
    """One burst to 20 in 4 s of healthy time is more than one a minute: the threshold is above it. In the test runs the
    same metric goes to 30 twice: two alarms in 4 s."""
    twice = {500: 30, 1500: 30}
    sweep.add("train healthy", depth_items=lambda now: 20 if now == 500 else 5)
    sweep.add("test healthy", depth_items=lambda now: twice.get(now, 5))
    sweep.add("train fault", depth_items=jump(1500, 5, 21)).add("test fault", depth_items=jump(1500, 5, 21))
    depth = sweep.scores()["simulated", "depth_items"]
    assert depth["threshold"] == 20
    assert depth["healthy_alarms_per_min"] * depth["healthy_test_min"] == pytest.approx(2)
    assert sweep.value("alerting_false_alarms") == pytest.approx(depth["healthy_alarms_per_min"])


def test_more_false_alarms_allowed_is_a_lower_threshold_and_a_longer_lead(sweep: Sweep) -> None:
    sweep.add("train healthy", depth_items=lambda now: 20 if now == 500 else 5)
    for stage in ("train fault", "test fault"):
        sweep.add(stage, depth_items=lambda now: 5 if now < 1200 else 10 if now < 1700 else 21)
    assert sweep.scores()["simulated", "depth_items"]["test_lead_p50_ms"] == 400
    depth = sweep.scores(alarms_per_min=20)["simulated", "depth_items"]  # one in the four seconds
    assert (depth["threshold"], depth["test_lead_p50_ms"]) == (5, 900)


def test_what_a_stalled_host_breaks_is_not_healthy(sweep: Sweep) -> None:
    """A healthy run whose SLO breaks at 2.1 s: what its depth shows from a second before sets no threshold."""
    sweep.add("train healthy", faulty=True, depth_items=jump(1200, 5, 50))
    sweep.add("train fault", depth_items=jump(1500, 5, 8)).add("test fault", depth_items=jump(1500, 5, 8))
    assert sweep.scores()["simulated", "depth_items"]["threshold"] == 5


def test_false_alarms_are_counted_in_calm_time_alone(sweep: Sweep) -> None:
    """A healthy test run that breaks its SLO at 2.1 s is healthy up to 1.1 s; without such runs there is no rate."""
    sweep.add("train healthy", depth_items=jump(0, 5, 5)).add("test healthy", faulty=True, depth_items=jump(0, 5, 5))
    for stage in ("train fault", "test fault"):
        sweep.add(stage, depth_items=jump(1500, 5, 8))
    some = sweep.scores()["simulated", "depth_items"]
    assert (some["healthy_alarms_per_min"], some["test_lead_p50_ms"]) == (0, 600)
    assert some["healthy_test_min"] == pytest.approx(1.1 / 60, rel=0.1)
    (row,) = ask(Sweep(sweep.folder / "none").of_faults(), "acceptance/alerting_false_alarms.sql")
    assert (row["value"], row["why"]) == (None, "there is no healthy test run")


def test_runs_that_keep_the_slo_have_no_lead(sweep: Sweep) -> None:
    sweep.add("train healthy", depth_items=lambda _: 5)
    sweep.add("train fault", depth_items=jump(1500, 5, 8))
    sweep.add("test fault", faulty=False, depth_items=jump(1500, 5, 8))
    depth = sweep.scores()["simulated", "depth_items"]
    assert (depth["train_run_count"], depth["test_run_count"], depth["left_out_count"]) == (1, 0, 1)
    assert sweep.value("alerting_lead") is None


def test_the_choice_is_made_on_the_train_runs_and_a_miss_elsewhere_shows(sweep: Sweep) -> None:
    sweep.add("train healthy", depth_items=lambda _: 5, lag_items=lambda _: 5)
    sweep.add("train fault", depth_items=jump(1200, 5, 8), lag_items=jump(1900, 5, 8))
    sweep.add("test fault", depth_items=jump(3000, 5, 8), lag_items=jump(1900, 5, 8))
    scores = sweep.scores()
    assert scores["simulated", "depth_items"]["rank"] == 1
    assert scores["simulated", "depth_items"]["test_miss_count"] == 1
    assert sweep.value("alerting_lead") == 0


def test_what_was_not_measured_is_not_ranked(sweep: Sweep) -> None:
    sweep.add("train healthy").add("train fault").add("test fault")
    rss = sweep.scores()["simulated", "rss_bytes"]
    assert (rss["rank"], rss["threshold"], rss["why"]) == (None, None, "not measured in these runs")
    drops = sweep.scores()["simulated", "drop_rate_per_s"]
    assert (drops["threshold"], drops["rank"], drops["test_miss_count"]) == (0, None, 1)
    assert drops["why"] == "never above its threshold in a run with a fault"


def test_live_runs_are_scored_by_themselves(sweep: Sweep) -> None:
    """The simulated choice is looked up among the live runs, with a threshold of theirs."""
    for clock, calm in (("simulated", 5), ("live", 50)):
        sweep.add("train healthy", clock=clock, depth_items=jump(0, calm, calm))
        for stage in ("train fault", "test fault"):
            sweep.add(stage, clock=clock, depth_items=jump(1500, calm, calm + 1))
    assert sweep.scores()["live", "depth_items"]["threshold"] == 50
    assert sweep.value("alerting_live_lead") == 600


def test_drops_and_closing_causes_are_seen_through_a_trailing_window(sweep: Sweep) -> None:
    sweep.add("train healthy")
    for stage in ("train fault", "test fault"):
        sweep.add(stage, dropped=lambda now: max(0, now - 1500) // 50)
    drops = sweep.scores()["simulated", "drop_rate_per_s"]
    assert (drops["threshold"], drops["test_lead_p50_ms"]) == (0, 550)  # the first drop shows at 1550


def test_no_run_of_such_a_stage_is_no_row(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [settled(0, 0, 3)], config=manifest([])["config"])
    assert ask(tmp_path / "run", "tables/alert_lead_time.sql") == []
