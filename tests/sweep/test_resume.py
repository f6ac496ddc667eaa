"""What of an earlier sweep counts: nothing of another code, nothing of another host, and each is called what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.experiment.sweep_folder import plan_hash
from ingestexp.sweep.job import CellJob
from ingestexp.sweep.resume import Earlier, find, leaves_nothing_to_do, take_stock
from tests.sweep.by_hand import CODE, HOST, leave_manifest, leave_sweep, plan_in

if TYPE_CHECKING:
    from pathlib import Path

HERE = [HOST]


def earlier(folder: Path, *changes: dict[str, Any]) -> Earlier:
    """A sweep with a cell for each of the changed manifests."""
    whole = plan_in(folder, f"seed=range(1,{len(changes) + 1})")
    leave_sweep(folder, whole)
    for cell, changed in zip(whole.cells, changes, strict=True):
        leave_manifest(folder, CellJob.of(cell), **changed)
    found, notes = find(whole, CODE, HOST)
    assert found is not None
    assert notes == []
    return found


@pytest.mark.parametrize(
    ("fact", "words"), [("cores_allowed", "cores"), ("filesystem", "filesystem"), ("cpu_model", "processor")]
)
def test_a_finished_cell_of_another_host_is_named_and_not_mixed_in(tmp_path: Path, fact: str, words: str) -> None:
    found = earlier(tmp_path / "sweep", {}, {"host": {**HOST, fact: "another"}}, {"status": "failed"})
    take_stock(found, CODE, HERE)
    assert found.kept == 1
    assert found.notes == [f"1 finished cell of another host ({words}): not mixed in, run again"]


def test_foreign_cells_are_not_called_failed(tmp_path: Path) -> None:
    found = earlier(tmp_path / "sweep", {"code_version": "0"}, {"code_version": "0"}, {"status": "crashed"}, {})
    take_stock(found, CODE, HERE)
    assert found.notes == [f"2 finished cells of code 0 (now {CODE}): not mixed in, run again"]
    assert found.says == "1 of 4 cells are finished, 1 that failed or was cut short runs again"


def test_an_unfinished_sweep_of_another_host_is_left_alone_and_says_in_what_it_differs(tmp_path: Path) -> None:
    top = tmp_path / "runs" / "day"
    whole = plan_in(top / "old", "seed=1,2")
    leave_sweep(
        top / "old",
        whole,
        plan_hash=plan_hash(cell.cell_hash for cell in whole.cells),
        host={**HOST, "cores_allowed": 8},
    )
    whole.folder, whole.typed_keys = str(top / "new"), frozenset()
    found, notes = find(whole, CODE, HOST)
    assert found is None
    assert notes == [f"{top / 'old'} is unfinished but not gone on with: it was run on another host (cores)"]
    found, notes = find(whole, CODE, {**HOST, "cores_allowed": 8})
    assert found is not None
    assert found.folder == top / "old"


@pytest.mark.parametrize(
    ("changes", "nothing"),
    [
        ({}, True),
        ({"status": "failed"}, False),
        ({"host": {**HOST, "kernel": "another"}}, False),
        ({"self_checks": {"host": {"disturbed": True}}}, False),
    ],
)
def test_whether_a_sweep_leaves_anything_to_do(tmp_path: Path, changes: dict[str, Any], nothing: bool) -> None:
    found = earlier(tmp_path / "sweep", {}, changes)
    take_stock(found, CODE, HERE)
    whole = plan_in(tmp_path / "sweep", "seed=1,2")
    assert leaves_nothing_to_do(found, whole) is nothing
    whole.sweep.rerun_disturbed = False
    assert leaves_nothing_to_do(found, whole) is (nothing or "self_checks" in changes)


def test_where_the_host_was_disturbed_all_the_time_nothing_is_left_to_do(tmp_path: Path) -> None:
    found = earlier(tmp_path / "sweep", *[{"self_checks": {"host": {"disturbed": True}}}] * 4)
    take_stock(found, CODE, HERE)
    whole = plan_in(tmp_path / "sweep", "seed=range(1,5)")
    assert not leaves_nothing_to_do(found, whole), "nobody has judged them yet"
    for result, nothing in (("PASS", True), ("INVALID", False)):
        for attempt in found.attempts.values():
            (found.folder / attempt.folder / "verdict.json").write_text(json.dumps({"result": result}))
        assert leaves_nothing_to_do(found, whole) is nothing, "only what the host decided is worth another run"
