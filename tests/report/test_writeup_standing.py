"""`report writeup` on evidence that is missing, fails, is invalid, simulated, or recommends nothing: it says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ingestexp.report import writeup
from ingestexp.report.__main__ import main
from ingestexp.report.writeup_facts import TOPICS
from tests.report.sweeps import criterion
from tests.report.test_writeup import NUMBER, claim_of, figures, written
from tests.report.writeup_evidence import alerting, before_after, overflow_choice, window_tuning

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


def test_what_was_not_run_is_named_with_its_command_and_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    told = written(capsys, code=1)
    assert [claim["verdict"] for claim in told["claims"]] == ["MISSING"] * 4
    assert NUMBER.findall(told["text"]) == []
    for topic in TOPICS:
        assert f"python -m ingestexp +experiment={topic.experiment}" in told["text"]


def test_a_sweep_that_did_not_get_that_far_says_so(tmp_path: Path, capsys: Capture) -> None:
    """An alerting sweep's runs under the name of a tuning one: no stage `tune …`."""
    folder = alerting(tmp_path / "sweep", live=False)
    facts = json.loads((folder / "sweep.yaml").read_text())
    facts["experiment"] |= {"name": "window_tuning", "acceptance": []}
    (folder / "sweep.yaml").write_text(json.dumps(facts))
    claim = claim_of(written(capsys, str(folder), code=1), "window_tuning")
    assert claim["verdict"] == "MISSING"
    assert claim["sentence"].startswith("The window is not shown: its sweep did not get that far; run python")


def test_what_does_not_hold_is_said(tmp_path: Path, capsys: Capture) -> None:
    bounds = [criterion("commits_per_item_ratio", at_least=1000), criterion("capacity_ratio", at_least=0.1)]
    folder = before_after(tmp_path / "sweep", acceptance=bounds)
    claim = claim_of(written(capsys, str(folder), code=1), "before_after")
    assert claim["verdict"] == "FAIL"
    assert claim["sentence"].endswith("Not proven: commits_per_item_ratio FAIL.")
    assert main(["writeup", str(folder)]) == 1
    assert "FAIL commits_per_item_ratio: 1 of 1 do not hold" in capsys.readouterr().out


def test_where_much_is_not_proven_the_rest_is_said_briefly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    folder = str(before_after(tmp_path / "sweep"))
    long = written(capsys, folder, code=1)
    monkeypatch.setattr(writeup, "MOST_WORDS", long["word_count"] - 1)
    brief = written(capsys, folder, code=1)
    assert brief["word_count"] < long["word_count"]
    assert "a batch beside" in long["text"]
    assert "a batch beside" not in brief["text"]
    assert "(÷ 20)" in brief["text"]


def test_what_an_invalid_run_bears_is_said(tmp_path: Path, capsys: Capture) -> None:
    """The ledger of its runs does not balance."""
    checks = {"ledger": {"balanced": False, "missing_ids": 3, "repeated_ids": 0}, "readback": None}
    folder = before_after(tmp_path / "sweep", self_checks=checks)
    claim = claim_of(written(capsys, str(folder), code=1), "before_after")
    assert claim["verdict"] == "INVALID"
    assert claim["sentence"].endswith("Not proven: commits_per_item_ratio INVALID.")


def test_simulated_evidence_is_called_simulated(tmp_path: Path, capsys: Capture) -> None:
    before_after(tmp_path / "a", clock="simulated")
    window_tuning(tmp_path / "b", clock="simulated")
    overflow_choice(tmp_path / "c", clock="simulated")
    text = written(capsys, str(tmp_path), code=1)["text"]
    assert "the fixed cost of sqlite (simulated)" in text
    assert "5 ms on sqlite (simulated)" in text
    assert "50 ms on sqlite (simulated), block" in text


def test_no_window_that_keeps_the_slo_is_no_choice(tmp_path: Path, capsys: Capture) -> None:
    told = written(capsys, str(window_tuning(tmp_path / "sweep", broken=("1", "10", "20"))), code=1)
    sentence = claim_of(told, "window_tuning")["sentence"]
    assert sentence.startswith("No window holds on sqlite: none of 3 kept p99 within 50 ms under all 2 loads.")
    assert figures(told)["max_size"] is None


def test_no_policy_that_keeps_the_slo_is_said(tmp_path: Path, capsys: Capture) -> None:
    folder = overflow_choice(tmp_path / "sweep", response_ms=90, slo={"percentile": 99.0, "bound_ms": 1.0})
    sentence = claim_of(written(capsys, str(folder), code=1), "overflow_choice")["sentence"]
    assert sentence.startswith(
        "No overflow policy keeps p99 within 1 ms on sqlite; block with room for 200 items loses least"
    )


def test_without_live_runs_nothing_is_said_of_them(tmp_path: Path, capsys: Capture) -> None:
    sentence = claim_of(written(capsys, str(alerting(tmp_path / "sweep", live=False)), code=1), "alerting")["sentence"]
    assert "on unseen simulated runs" in sentence
    assert "live" not in sentence
