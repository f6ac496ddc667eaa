"""The manifest: replaced in one step, with room set aside for its end, and told of a crash by the next who looks."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ingestexp.experiment.manifest import RESERVE_BYTES, Manifest, boot_id, first_facts, host_facts
from ingestexp.experiment.schema import RunConfig

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def begun(folder: Path) -> Manifest:
    manifest = Manifest(folder, first_facts(RunConfig(), folder, ["python", "-m", "ingestexp"]))
    manifest.begin()
    return manifest


def status(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_text())["status"])


def test_room_for_the_end_is_set_aside_and_given_back(tmp_path: Path) -> None:
    manifest = begun(tmp_path)
    assert sum(file.stat().st_blocks * 512 for file in tmp_path.glob(".tmp-*")) >= RESERVE_BYTES
    assert status(tmp_path) == "running"
    manifest.finish("completed", None)
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]
    assert status(tmp_path) == "completed"


def test_a_crash_is_recorded_on_the_machine_where_it_happened(tmp_path: Path) -> None:
    begun(tmp_path).record_crash("its process is gone")
    assert status(tmp_path) == "crashed"


def test_another_machines_run_is_not_ours_to_judge(tmp_path: Path) -> None:
    manifest = begun(tmp_path)
    assert boot_id() is not None
    manifest.facts["host"]["boot_id"] = "another"
    manifest.record_crash("its process is gone")
    assert status(tmp_path) == "running"


def test_the_same_settings_have_the_same_hash(tmp_path: Path) -> None:
    one, other = RunConfig(), RunConfig()
    other.window.max_size = 64
    hashes = [first_facts(config, tmp_path, [])["config_hash"] for config in (one, RunConfig(), other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_run_that_is_pinned_is_on_the_same_host_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = host_facts(tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(before["cores_allowed"] + 1)))
    assert host_facts(tmp_path) == before
