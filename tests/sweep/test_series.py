"""`+experiment=a,b`: one after another on one Ray, one table of criteria; when the series ends before its end."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ingestexp.sweep import series
from tests.sweep.rig import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sweep.rig import Home

EXPERIMENT = """# @package _global_
defaults: [{{override /sink: model}}]
experiment:
  name: {name}
  acceptance: [{{name: slo, query: keeps_slo, at_least: 1, says: "keeps the SLO (1 PASS)"}}]
clock: simulated
slo: {{bound_ms: {bound_ms}, warmup_s: 0}}
load: {{rate_per_s: 1000, duration_s: 0.5}}
sweep:
  variants: {{small: [window.max_size=8], large: [window.max_size=64]}}
"""


@pytest.mark.parametrize(
    ("words", "split"),
    [
        (["+experiment=a,b", "load.duration_s=1"], (["a", "b"], ["load.duration_s=1"])),
        (["x=1", "experiment=a,b/c"], (["a", "b/c"], ["x=1"])),
        (["+experiment=a"], None),
        (["-m", "+experiment=a,b"], None),  # an axis of one grid, as ever
        (["+experiment=[a,b]"], None),
        ([], None),
    ],
)
def test_what_names_a_series(words: list[str], split: tuple[list[str], list[str]] | None) -> None:
    assert series.split(words) == split


THREE = ["poison", "redrive", "overflow"]


@pytest.mark.parametrize(
    ("codes", "called", "worst"),
    [
        ([0, 0, 0], 3, 0),
        ([1, 3, 0], 3, 3),  # a cell failed: the others are wanted all the same
        ([0, 2], 2, 2),  # a mistake: the next one has it too
        ([1, 130], 2, 130),  # Ctrl-C ends it all
    ],
)
def test_what_follows_an_experiments_end(codes: list[int], called: int, worst: int) -> None:
    calls: list[list[str]] = []

    def run(words: list[str]) -> int:
        calls.append(words)
        return codes[len(calls) - 1]

    assert series.run_series(THREE, ["seed=1"], None, run) == worst
    assert calls == [[f"+experiment={name}", "seed=1"] for name in THREE[:called]]


def test_a_mistake_in_the_third_comes_out_before_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert series.run_series(["poison", "nope"], ["hydra.sweep.dir=runs/x"], None, lambda words: 1 // 0) == 2
    said = capsys.readouterr().err
    assert "experiment=nope" in said
    assert "there are alerting," in said
    assert "hydra.sweep.dir=runs/x" in said


@pytest.mark.xdist_group("ray")
def test_two_experiments_share_a_ray_and_a_table(own: Home) -> None:
    folder = own.path / "mine" / "experiment"
    (folder / "deep").mkdir(parents=True)
    for file, name, bound_ms in (("easy", "easy", 1000), ("deep/hard", "hard", 1)):
        (folder / f"{file}.yaml").write_text(EXPERIMENT.format(name=name, bound_ms=bound_ms))
    done = own.run("--config-dir", "mine", "+experiment=easy,deep/hard", "progress=on")
    assert done.code == 1, done.words
    assert done.words.count("starting Ray") == 1
    assert "1 of 2 criteria PASS" in done.out
    table = done.out[done.out.rindex("acceptance\n") :]
    assert [line.split()[:3] for line in table.splitlines() if line.split()[:1] in (["easy"], ["hard"])] == [
        ["easy", "slo", "PASS"],
        ["hard", "slo", "FAIL"],
    ]
    assert len(own.sweeps) == 2


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_runs_them_all_in_one_go(tmp_path: Path) -> None:
    """Python is a stand-in that notes what it is called with; its exit code is make's."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\nexit 3\n')
    python.chmod(0o755)
    (tmp_path / "run.stamp").touch()
    command = ["make", "-C", str(ROOT), f"VENV={tmp_path}", "EXPERIMENTS=one two", "ARGS=seed=4", "acceptance"]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert (tmp_path / "calls").read_text() == "-m ingestexp +experiment=one,two sweep.resume=false seed=4\n"
