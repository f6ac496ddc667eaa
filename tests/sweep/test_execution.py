"""The head of `sweep.yaml` when a sweep goes on: what was declared before the first cell ran is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.experiment.manifest import host_facts
from ingestexp.experiment.sweep_folder import read_sweep
from ingestexp.sweep import execution
from ingestexp.sweep.job import CellJob
from ingestexp.sweep.resume import find
from tests.sweep.by_hand import CODE, leave_manifest, leave_sweep, plan_in

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.compose import Plan


@pytest.fixture(autouse=True)
def _nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "print_tables", lambda folder, record: 0)


def asking(folder: Path, at_least: int) -> Plan:
    return plan_in(folder, "seed=1,2", f"experiment.acceptance=[{{name: x, query: keeps_slo, at_least: {at_least}}}]")


def run_again(folder: Path, whole: Plan) -> dict[str, Any]:
    """Every cell is finished, so nothing is run."""
    for cell in whole.cells:
        leave_manifest(folder, CellJob.of(cell), host=host_facts(folder))
    earlier, notes = find(whole, CODE, host_facts(folder))
    execution.Execution(whole, folder, [], {}, earlier, notes).run(CODE, host_facts(folder))
    facts = read_sweep(folder)
    assert facts is not None
    return facts


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "from before it was kept"])
def test_the_first_declaration_stays(tmp_path: Path, kept: bool) -> None:
    folder = tmp_path / "sweep"
    first = [{"name": "x", "query": "keeps_slo", "at_least": 1}]
    head: dict[str, Any] = {"experiment": {"acceptance": first}}
    if kept:
        head = {"experiment": {"acceptance": [{**first[0], "at_least": 5}]}, "acceptance_declared": first}
    leave_sweep(folder, asking(folder, 1), **head)
    facts = run_again(folder, asking(folder, 0))
    assert facts["experiment"]["acceptance"][0]["at_least"] == 0
    assert facts["acceptance_declared"] == first
    assert facts["status"] == "completed"
    assert [row["status"] for row in facts["cells"]] == ["completed"] * 2
    assert run_again(folder, asking(folder, 2))["acceptance_declared"] == first
