"""A stage that redrives the dead letters of an earlier one's runs: which run, and what is wrong to ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.sweep_folder import ended_as_meant
from ingestexp.sweep.freezing import NothingToGoBy, freeze, with_frozen
from ingestexp.sweep.job import CellJob

VARIANTS = "+sweep.variants={a:[],b:[]}"
STAGES = "sweep.stages=[{name: ingest},{name: redrive, redrive_from: {stage: ingest%s}}]"


def planned(of: str = "", *overrides: str) -> list[CellJob]:
    found = plan([VARIANTS, STAGES % of, "sweep.repeats=2", *overrides])
    assert found.mistakes == []
    return [CellJob.of(cell) for cell in found.cells]


def frozen_sources(folder: Path, of: str = "", status: str = "completed") -> list[str]:
    """The folder that each cell of the second stage redrives, after a first stage of this status."""
    found = plan([VARIANTS, STAGES % of, "sweep.repeats=2"])
    first = [cell for cell in found.cells if cell.stage == "ingest"]
    second = [cell for cell in found.cells if cell.stage == "redrive"]
    rows = [
        {
            "stage": c.stage,
            "variant": c.variant,
            "repeat": c.repeat,
            "status": status,
            "folder": f"{c.variant}{c.repeat}",
        }
        for c in first
    ]
    frozen = freeze(second, {}, rows, folder)
    jobs = [with_frozen(CellJob.of(cell), frozen) for cell in second]
    assert [job.frozen["redrive.from"] for job in jobs] == [job.config.redrive.folder for job in jobs]
    return [Path(job.config.redrive.folder or "").name for job in jobs]


def test_each_cell_redrives_the_run_of_its_own_variant_and_repeat(tmp_path: Path) -> None:
    assert sorted(frozen_sources(tmp_path)) == ["a0", "a1", "b0", "b1"]


def test_a_named_variant_is_the_one_for_all(tmp_path: Path) -> None:
    assert sorted(frozen_sources(tmp_path, ", variant: a")) == ["a0", "a0", "a1", "a1"]


def test_what_did_not_finish_is_nothing_to_redrive(tmp_path: Path) -> None:
    with pytest.raises(NothingToGoBy, match="needs the run of ingest/a #0, which is not finished"):
        frozen_sources(tmp_path, status="failed")


def test_the_hash_knows_where_a_cell_redrives_from() -> None:
    one, other = planned(), planned(", variant: a")
    assert [job.cell_hash for job in one[:4]] == [job.cell_hash for job in other[:4]]
    assert {job.cell_hash for job in one[4:]}.isdisjoint(job.cell_hash for job in other[4:])


@pytest.mark.parametrize(
    ("source", "key", "why"),
    [
        ("{stage: ingst}", "sweep.stages[1].redrive_from.stage", "is not an earlier stage (ingest)"),
        ("{stage: redrive}", "sweep.stages[1].redrive_from.stage", "is not an earlier stage (ingest)"),
        (
            "{stage: ingest, variant: c}",
            "sweep.stages[1].redrive_from.variant",
            "is not a variant of stage ingest (a, b)",
        ),
    ],
)
def test_what_is_not_there_is_named(source: str, key: str, why: str) -> None:
    stages = f"sweep.stages=[{{name: ingest}},{{name: redrive, redrive_from: {source}}}]"
    (mistake,) = plan([VARIANTS, stages]).mistakes
    assert (mistake.key, mistake.why) == (key, why)


@pytest.mark.parametrize(
    ("status", "fault", "meant"),
    [
        ("crashed", {"kill": {"after_writes": 3}}, True),
        ("crashed", {"kill": None}, False),
        ("failed", {"kill": {}}, False),
    ],
)
def test_a_run_that_kills_itself_ended_as_it_was_meant_to(status: str, fault: dict[str, object], meant: bool) -> None:
    assert ended_as_meant({"status": status, "config": {"fault": fault}}) is meant
