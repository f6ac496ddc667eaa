"""Stage after stage, without Ray: what is left to do, and what earlier stages decide about later ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report import record, window_choice
from ingestexp.report.evidence import EvidenceError
from ingestexp.report.judging import Judged
from ingestexp.report.verdict import FAIL, INVALID, PASS, Verdict
from ingestexp.sweep import stages
from ingestexp.sweep.job import CellJob
from ingestexp.sweep.record import SweepRecord
from ingestexp.sweep.resume import find, take_stock
from tests.sweep.by_hand import CODE, HOST, Hands, Line, Seats, leave_manifest, order_in, plan_in

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.compose import Plan

STAGES = (
    "sweep.stages=[{name: tune low, variants: [small, big]},"
    "{name: validate one, variants: [chosen], decided_by: window},"
    "{name: validate two, variants: [chosen], decided_by: window, overrides: ['seed=7']}]"
)
TUNED = ("+sweep.variants={small:['window.max_size=8'],big:['window.max_size=64'],chosen:[]}", STAGES)


class Rule:
    """Stands in for the choice of a window."""

    def __init__(self, max_size: int | None) -> None:
        self.max_size = max_size
        self.asked = 0

    def __call__(self, folder: Path, lines: Any) -> Rule:
        self.asked += 1
        if self.max_size is None:
            raise EvidenceError("none of the 2 windows kept the SLO")
        return self

    def facts(self) -> dict[str, Any]:
        values = {"window.max_size": self.max_size, "window.max_wait_ms": None}
        return {"by": "window", "values": values, "says": f"window.max_size={self.max_size}"}


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Rule:
    found = Rule(8)
    monkeypatch.setattr(window_choice, "choose_window", found)
    return found


def conduct(
    monkeypatch: pytest.MonkeyPatch, folder: Path, whole: Plan, hands: Hands, going_on: bool = False
) -> tuple[Line, SweepRecord]:
    monkeypatch.setattr(stages, "Dispatcher", hands.employed)
    earlier = None
    if going_on:
        earlier, _ = find(whole, CODE, HOST)
        assert earlier is not None
        take_stock(earlier, CODE, [HOST])
    folder.mkdir(exist_ok=True)
    head = {"sweep_id": "by hand", "code_version": CODE, "host": HOST}
    before = [] if earlier is None else list(earlier.sweep["stages"])
    line, record = Line(), SweepRecord(folder, head, before)
    cluster: Any = Seats()
    terminal: Any = line
    stages.Conductor(whole, cluster, order_in(folder), record, terminal, lambda: 0, earlier).run()
    record.finish("interrupted")
    return line, record


def windows(record: SweepRecord, folder: Path) -> dict[str, int]:
    """Of the cells that count, by stage."""
    found = {}
    for row in record.rows.values():
        cell = json.loads((folder / row["folder"] / "manifest.json").read_text())["cell"]
        assert not cell["superseded"]
        found[row["stage"]] = cell.get("frozen", {}).get("window.max_size")
    return found


def test_what_is_to_run_once_more_is_among_what_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = plan_in(tmp_path / "sweep", "window.max_size=1,8", "load.duration_s=1")
    hands = Hands(disturbed=("window.max_size=1 #0",))
    line, _ = conduct(monkeypatch, tmp_path / "sweep", whole, hands)
    assert len(hands.done) == 4, "both of the pair, once more"
    assert line.etas[1:] == pytest.approx([1.0, 2.0, 1.0]), "seconds; a cell takes one"


SIX = ("window.max_size=1,2,3,4,5,6", "load.duration_s=1")


def disturbed_beside(sizes: tuple[int, ...]) -> Hands:
    return Hands(disturbed=tuple(f"window.max_size={size} #0" for size in sizes))


@pytest.mark.parametrize(("disturbed", "runs"), [((1, 2, 3), 9), ((1, 2, 3, 4), 6)])
def test_where_the_host_is_disturbed_all_the_time_not_all_of_it_runs_once_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, disturbed: tuple[int, ...], runs: int
) -> None:
    hands = disturbed_beside(disturbed)
    line, _ = conduct(monkeypatch, tmp_path / "sweep", plan_in(tmp_path / "sweep", *SIX), hands)
    assert len(hands.done) == runs
    assert ("would be no calmer" in " ".join(line.said)) == (runs == 6)


def test_what_a_host_that_is_always_disturbed_spoiled_runs_once_more_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Runs 1 to 4 were disturbed; the evidence of the second is such that its verdict is the host's."""

    def judged(run_dirs: list[Path]) -> list[Judged]:
        results = [
            Verdict(PASS, ""),
            Verdict(INVALID, "the host"),
            Verdict(FAIL, ""),
            Verdict(INVALID, "", broken=True),
        ]
        by_folder = sorted(run_dirs)
        return [
            Judged(run_dir, {}, results[by_folder.index(run_dir)], None, None, False, False) for run_dir in run_dirs
        ]

    monkeypatch.setattr(record, "record_verdicts", judged)
    hands = disturbed_beside((1, 2, 3, 4))
    conduct(monkeypatch, tmp_path / "sweep", plan_in(tmp_path / "sweep", *SIX), hands)
    assert hands.done[6:] == ["window.max_size=2 #0"]


def test_a_window_is_decided_once_and_holds_for_all_stages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: Rule
) -> None:
    line, record = conduct(monkeypatch, tmp_path / "sweep", plan_in(tmp_path / "sweep", *TUNED), Hands())
    assert rule.asked == 1
    assert line.steps == ["deciding the window from the stages before …"]
    assert line.said == ["decided: window.max_size=8"]
    assert windows(record, tmp_path / "sweep") == {"tune low": None, "validate one": 8, "validate two": 8}
    assert [stage.get("decided", {}).get("says") for stage in record.stages] == [None, *["window.max_size=8"] * 2]


def test_where_no_window_will_do_that_is_found_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: Rule
) -> None:
    rule.max_size = None
    line, record = conduct(monkeypatch, tmp_path / "sweep", plan_in(tmp_path / "sweep", *TUNED), Hands())
    assert rule.asked == 1
    assert [said.partition(":")[0] for said in line.said] == [
        "stage validate one is left out",
        "stage validate two is left out",
    ]
    assert sorted(row["status"] for row in record.rows.values()) == ["completed"] * 2 + ["failed"] * 2


def resumed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, rule: Rule, missing: str, then: int
) -> tuple[Hands, Line, SweepRecord]:
    """Run it all, lose the cells of these stages, and go on when the rule says `then`."""
    whole = plan_in(folder, *TUNED)
    conduct(monkeypatch, folder, whole, Hands())
    for cell in whole.cells:
        if cell.stage in missing:
            leave_manifest(folder, CellJob.of(cell), "failed")
    rule.max_size, hands = then, Hands()
    line, record = conduct(monkeypatch, folder, plan_in(folder, *TUNED), hands, going_on=True)
    return hands, line, record


def test_a_decision_holds_when_the_sweep_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: Rule) -> None:
    hands, line, record = resumed(monkeypatch, tmp_path / "sweep", rule, "validate two", then=64)
    assert rule.asked == 1
    assert hands.done == ["validate two · chosen #0"]
    assert line.said == ["decided before: window.max_size=8"]
    assert windows(record, tmp_path / "sweep") == {"tune low": None, "validate one": 8, "validate two": 8}


def test_tune_cells_that_ran_again_decide_anew_for_all_stages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: Rule
) -> None:
    hands, line, record = resumed(monkeypatch, tmp_path / "sweep", rule, "tune low, validate two", then=64)
    assert rule.asked == 2
    assert line.said == [
        "decided anew, since 2 cells that it rests on ran again, and it is another: window.max_size=64",
        "stage validate one: 1 finished before under another decision, to run again",
    ]
    assert sorted(hands.done)[2:] == ["validate one · chosen #0", "validate two · chosen #0"]
    assert windows(record, tmp_path / "sweep") == {"tune low": None, "validate one": 64, "validate two": 64}
    assert record.stages[1]["decided"]["values"]["window.max_size"] == 64


def test_the_same_decision_again_leaves_finished_stages_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: Rule
) -> None:
    hands, line, _ = resumed(monkeypatch, tmp_path / "sweep", rule, "tune low", then=8)
    assert len(line.said) == 1
    assert "and it is the same" in line.said[0]
    assert len(hands.done) == 2, "the tune cells alone"
