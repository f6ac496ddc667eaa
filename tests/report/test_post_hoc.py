"""A bound that was changed after the runs were there is judged by, and named as such."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.experiment.manifest import config_hash
from ingestexp.report.__main__ import main
from ingestexp.report.post_hoc import slo_is_post_hoc
from tests.report.evidence import growing, passing
from tests.report.sweeps import Cell, criterion, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

GROWS = criterion("per_item_backlog_grows", at_least=1)
CELLS = [Cell(growing, "per_item", "same load"), Cell(passing, "batched", "same load")]


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ([GROWS], None),
        (None, None),
        ([{**GROWS, "says": "in other words"}], None),
        ([{**GROWS, "at_least": 2}], "post hoc: criterion per_item_backlog_grows was ≥ 2 when the sweep ran"),
        ([{**GROWS, "judge": "mean"}], "was per_item_backlog_grows, judged by mean, when the sweep ran"),
        ([], "post hoc: criterion per_item_backlog_grows was not declared when the sweep ran"),
        ([GROWS, criterion("keeps_slo", at_most=3)], "criterion keeps_slo was ≤ 3 when the sweep ran, it is left out"),
    ],
)
def test_a_criterion_that_is_not_as_it_was_declared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], declared: list[dict[str, Any]] | None, says: str | None
) -> None:
    folder = write_sweep(tmp_path / "sweep", CELLS, [GROWS], acceptance_declared=declared)
    for command in ("show", "accept"):
        assert main([command, str(folder)]) == 0, "it is judged by what is asked now"
        shown = capsys.readouterr().out
        assert (says or "post hoc") in shown if says else "post hoc" not in shown
    main(["accept", str(folder), "--format", "json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert bool(row["post_hoc"]) is bool(says and "left out" not in says)


def test_the_slo_of_a_run_is_fixed_by_the_hash_of_its_config() -> None:
    slo = {"percentile": 99.0, "bound_ms": 50.0}
    config = {"seed": 1, "slo": slo}
    manifest = {"config": config, "slo": slo, "config_hash": config_hash(config)}
    looser = {**slo, "bound_ms": 500.0}
    assert not slo_is_post_hoc(manifest)
    assert slo_is_post_hoc({**manifest, "slo": looser})
    assert slo_is_post_hoc({**manifest, "slo": looser, "config": {**config, "slo": looser}})
    assert not slo_is_post_hoc({"slo": slo}), "nothing to compare with"


def test_a_run_with_another_slo_than_it_was_started_with_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_sweep(tmp_path / "sweep", CELLS, [GROWS])
    file = folder / "0001-abcdef" / "manifest.json"
    facts = json.loads(file.read_text())
    facts["config"]["slo"] = {**facts["slo"], "bound_ms": 1.0}
    file.write_text(json.dumps(facts))
    main(["show", str(folder)])
    assert "post hoc: the SLO of 0001-abcdef was changed after the run" in capsys.readouterr().out
    assert json.loads((file.parent / "verdict.json").read_text())["post_hoc"] is True
