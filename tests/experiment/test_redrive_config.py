"""What a redrive may be asked for: every mistake in words, and nothing written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ingestexp.experiment.check import check
from ingestexp.experiment.command_line import parse
from ingestexp.experiment.compose import plan
from ingestexp.experiment.guard import confine
from ingestexp.experiment.preflight import preflight
from tests.experiment.redrives import ROOT, SHORT, ingested, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingested(tmp_path_factory.mktemp("config") / "origin")


def mistakes(*overrides: str) -> list[tuple[str, str]]:
    found = plan([*SHORT, *overrides])
    return [(each.key, each.why) for each in found.mistakes or preflight(found.configs[0])]


def test_the_key_is_redrive_from_wherever_it_shows(origin: Path) -> None:
    found = plan([f"redrive.from={origin}"])
    assert found.mistakes == []
    assert found.configs[0].redrive.folder == str(origin)
    ((key, why),) = mistakes("redrive.frm=x")
    assert (key, why) == (
        "redrive.frm",
        "no such key; did you mean redrive.from? (keys here: from, rate_per_s, max_rounds)",
    )


def test_latest_is_the_run_that_it_names_now(origin: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(origin)
    assert plan([f"redrive.from={tmp_path}/latest"]).configs[0].redrive.folder == os.path.realpath(origin)


@pytest.mark.parametrize(
    ("overrides", "key", "why"),
    [
        (["redrive.from=''"], "redrive.from", "has to name a run's folder"),
        (["redrive.from={origin}x"], "redrive.from", "there is no such folder; did you mean origin?"),
        (["redrive.from={root}/conf"], "redrive.from", "is no run: it has no manifest.json"),
        (["redrive.from={origin}", "clock=simulated", "sink=model"], "clock", "a redrive needs clock=live"),
        (["redrive.from={origin}", "trace.enabled=false"], "trace.enabled", "what is refused again would be lost"),
        (["redrive.from={origin}", "load=saturate"], "load", "has no arrival times"),
        (["redrive.from={origin}", "policy=spill"], "policy", "a redrive needs another policy"),
        (["redrive.from={origin}", "decode.codec=gzip"], "decode.codec", "decode.codec=none"),
        (["redrive.from={origin}", "sink=log_file"], "sink", "add sink=sqlite, or name another store by sink.path"),
        (["redrive.from={origin}", "sink='null'"], "sink", "keeps nothing"),
        (
            ["redrive.from={origin}", "sink.path={origin}/other.sqlite"],
            "sink.path",
            "goes on with a store that is there",
        ),
        (["redrive.max_rounds=0"], "redrive.max_rounds", "must be at least 1"),
        (["redrive.rate_per_s=0"], "redrive.rate_per_s", "must be above 0"),
    ],
)
def test_each_mistake_names_its_key_and_what_is_allowed(overrides: list[str], key: str, why: str, origin: Path) -> None:
    given = [each.format(origin=origin, root=ROOT) for each in overrides]
    found = plan(given)
    said = [(each.key, each.why) for each in found.mistakes or preflight(found.configs[0])]
    assert [name for name, _ in said] == [key]
    assert why in said[0][1]


def test_runs_without_dead_letters_to_send_are_refused_in_words(tmp_path: Path) -> None:
    clean = run(tmp_path / "clean")
    simulated = run(tmp_path / "simulated", "clock=simulated", "sink=model")
    untraced = run(tmp_path / "untraced", "trace.enabled=false")
    kept_nothing = run(tmp_path / "null", "sink='null'")
    for folder, why in (
        (clean, "has no dead letters and nothing left in a spill: there is nothing to redrive"),
        (simulated, "is a simulated run: its dead letters have no payloads, there is nothing to send"),
        (untraced, "is a run without a trace (trace.enabled=false): it kept no dead letters"),
        (kept_nothing, "is a run into sink=null, which keeps nothing: what is there already could not be told"),
    ):
        assert mistakes(f"redrive.from={folder}") == [("redrive.from", why)]


def test_a_store_that_is_gone_is_missed_before_anything_runs(origin: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("manifest.json", "dead_letters"):
        (moved / name).symlink_to(origin / name)
    ((key, why),) = mistakes(f"redrive.from={moved}")
    assert key == "redrive.from"
    assert f"{moved}/sink.sqlite is not" in why


def test_looking_at_the_folder_writes_nothing(origin: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in origin.rglob("*")}
    assert mistakes(f"redrive.from={origin}", "sink.schema_version=2") == []
    assert {path: path.stat().st_mtime_ns for path in origin.rglob("*")} == before


def test_a_shared_yaml_may_not_name_a_run_since_its_store_is_written_to(origin: Path, tmp_path: Path) -> None:
    config = plan([f"redrive.from={origin}"]).configs[0]
    ((key, why),) = [(each.key, each.why) for each in confine(config, frozenset(), tmp_path)]
    assert (key, why) == ("redrive.from", "is for the user to say: it leads to a store that is written to")
    assert confine(config, frozenset({"redrive.from"}), tmp_path) == []


def test_cells_of_a_sweep_can_not_all_redrive_one_run(origin: Path, tmp_path: Path) -> None:
    line = parse([f"redrive.from={origin}", "-m", "seed=1,2", f"hydra.sweep.dir={tmp_path}/sweep"])
    assert not isinstance(line, list)
    why = "is the same for 2 cells: what one of them cured is not there for the next"
    assert [(each.key, each.why) for each in check(line).mistakes] == [("redrive.from", why)]
