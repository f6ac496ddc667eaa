"""Sweeps that can't begin: exit code 2, one screen that names the key, and nothing left behind. No Ray is started."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ingestexp.experiment.check import check
from ingestexp.experiment.command_line import CommandLine, parse
from tests.sweep.rig import SIMULATED, Home

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.mistake import Mistake


def mistakes(*argv: str) -> list[Mistake]:
    line = parse(list(argv))
    assert isinstance(line, CommandLine)
    return check(line).mistakes


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_a_ray_that_cannot_be_reached(tmp_path: Path, address: str) -> None:
    done = Home(tmp_path).run("-m", *SIMULATED, "seed=1,2", f"sweep.address={address}")
    assert done.code == 2
    assert f"sweep.address={address} no Ray cluster can be reached there" in done.words
    assert done.words.count("ingestexp:") == 1
    assert list(tmp_path.iterdir()) == []


def test_more_cores_than_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    there = len(os.sched_getaffinity(0))
    (found,) = mistakes("-m", "seed=1,2", "sweep.cores_per_run=99")
    assert found.subject == "sweep.cores_per_run=99"
    assert f"at most {there} is allowed" in found.why
    assert mistakes("-m", *SIMULATED, "seed=1,2", "sweep.cores_per_run=99") == [], "simulated cells take one each"
    assert mistakes("-m", "seed=1,2", "sweep.cores_per_run=99", "sweep.address=auto") == [], "not known yet"
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    assert mistakes("-m", "seed=1,2") == [], "the default is good for one core too"
