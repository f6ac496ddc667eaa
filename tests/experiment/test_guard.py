"""Attacks by a shared YAML: each one refused, none leaving a trace. And what honest sharing may do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.guard import MAX_FILE_BYTES, MAX_FILES
from ingestexp.experiment.schema.load import PoissonLoad, ReplayLoad
from ingestexp.experiment.schema.sink import SqliteSinkConfig
from tests.experiment.shared_folder import GLOBAL, Shared


def test_an_honest_experiment_is_composed(shared: Shared) -> None:
    shared.write(
        GLOBAL + "defaults:\n  - override /window: per_item\nload:\n  rate_per_s: 7\nseed: ${window.max_size}\n"
    )
    found = shared.plan("load.duration_s=2")
    assert found.mistakes == []
    assert found.configs[0].load == PoissonLoad(rate_per_s=7, duration_s=2)
    assert (found.configs[0].window.max_size, found.configs[0].seed) == (1, 1)


def test_an_honest_choice_names_its_schema(shared: Shared) -> None:
    shared.write("defaults:\n  - /schema/load/poisson@_here_\n  - _self_\nrate_per_s: 3\n", "load/mine.yaml")
    found = plan(["load=mine"], False, shared.folder)
    assert found.mistakes == []
    assert found.configs[0].load == PoissonLoad(rate_per_s=3)


def test_what_is_typed_wins_over_what_is_shared(shared: Shared) -> None:
    shared.write(GLOBAL + "load:\n  rate_per_s: 7\n")
    assert shared.plan("load.rate_per_s=9").configs[0].load == PoissonLoad(rate_per_s=9)


@pytest.mark.parametrize(
    "text",
    [
        "hydra:\n  callbacks:\n    evil:\n      _target_: os.mkdir\n      name: MARK\n",
        "hydra:\n  launcher:\n    _target_: os.mkdir\n    path: MARK\n",
        "hydra:\n  sweeper:\n    params:\n      seed: 1,2,3\n",
        "hydra:\n  job_logging:\n    formatters:\n      x:\n        (): os.mkdir\n        path: MARK\n",
        "hydra:\n  job_logging:\n    handlers:\n      f: {class: logging.FileHandler, filename: MARK}\n",
        "hydra:\n  hydra_logging:\n    root:\n      level: DEBUG\n",
        "hydra:\n  job:\n    env_set:\n      PYTHONPATH: MARK\n",
        "hydra:\n  job:\n    env_copy: [HOME]\n",
        "hydra:\n  job:\n    chdir: true\n",
        "hydra:\n  run:\n    dir: MARK\n",
        "hydra:\n  sweep:\n    dir: MARK\n",
        "hydra:\n  output_subdir: ../../mark\n",
        "hydra:\n  searchpath: [pkg://os]\n",
        "hydra:\n  help:\n    template: gotcha\n",
    ],
)
def test_hydras_own_settings_are_the_users(shared: Shared, text: str) -> None:
    assert shared.write(GLOBAL + text).refused()


@pytest.mark.parametrize("default", ["/part@hydra.run", "/part@_global_.hydra.run", "override /hydra/output: mine"])
def test_nothing_is_placed_into_hydra_through_a_defaults_list(shared: Shared, default: str) -> None:
    shared.write(f"{GLOBAL}defaults:\n  - {default}\n")
    shared.write("dir: MARK\n", "part.yaml")
    assert shared.refused()


def test_a_package_header_does_not_reach_into_hydra(shared: Shared) -> None:
    shared.write(f"{GLOBAL}defaults:\n  - /part\n")
    shared.write("# @package hydra.run\ndir: MARK\n", "part.yaml")
    assert "hydra.run" in shared.refused()


@pytest.mark.parametrize("name", ["hydra/launcher/basic.yaml", "hydra/output/mine.yaml"])
def test_the_folder_brings_no_settings_of_hydra(shared: Shared, name: str) -> None:
    assert "Hydra's own settings" in shared.write("{}\n").write("_target_: os.mkdir\n", name).refused()


def test_the_folder_replaces_no_schema(shared: Shared) -> None:
    assert "schema" in shared.write("{}\n").write("rate_per_s: 1\n", "schema/load/poisson.yaml").refused()


@pytest.mark.parametrize("name", ["load/poisson.yaml", "config.yaml", "sink/sqlite.yaml"])
def test_a_file_that_ours_would_shadow_is_named(shared: Shared, name: str) -> None:
    assert name in shared.write("{}\n").write("seed: 3\n", name).refused()


@pytest.mark.parametrize(
    "text",
    [
        "load:\n  _target_: os.mkdir\n  path: MARK\n",
        "_target_: os.mkdir\n",
        "load:\n  '()': os.mkdir\n",
        "load: !!python/object/apply:os.mkdir [MARK]\n",
        "load: !evil {}\n",
    ],
)
def test_nothing_is_instantiated(shared: Shared, text: str) -> None:
    assert shared.write(GLOBAL + text).refused()


@pytest.mark.parametrize(
    "value",
    [
        "${oc.env:HOME}",
        "${oc.${part}:HOME}",
        "${hydra:runtime.cwd}",
        "${oc.decode:'1'}",
        "${now:%Y}",
        "${sink.path}${sink.path}",
        "\\${oc.env:HOME}",
    ],
)
def test_no_resolver_and_no_growing_references(shared: Shared, value: str) -> None:
    assert (
        "interpolations" in shared.write(f"{GLOBAL}load:\n  path: '{value.replace(chr(39), chr(39) * 2)}'\n").refused()
    )


def test_the_environment_does_not_reach_a_config_even_if_typed() -> None:
    assert "oc.env" in plan(["sink.path=${oc.env:HOME}"]).mistakes[0].why


def test_an_alias_bomb_is_seen_before_it_grows(shared: Shared) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    shared.write("a0: &a0 [1, 2, 3]\n" + "\n".join(levels) + "\n")
    start = time.perf_counter()
    assert "aliases" in shared.refused()
    assert time.perf_counter() - start < 2


def test_an_alias_of_itself_and_depth_without_end_are_refused(shared: Shared) -> None:
    assert "aliases" in shared.write("a: &a [*a]\n").refused()
    assert "nested" in shared.write("a: " + "[" * 5000 + "]" * 5000 + "\n").refused()


def test_size_and_number_of_files_are_capped(shared: Shared) -> None:
    shared.write("# " + "x" * MAX_FILE_BYTES + "\n")
    assert "larger" in shared.refused()
    shared.write("{}\n")
    for number in range(MAX_FILES):
        shared.write("{}\n", f"many/{number}.yaml")
    assert "YAML files" in shared.refused()


def test_links_out_of_the_folder_are_not_followed(shared: Shared, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.yaml").write_text("seed: 3\n")
    (shared.folder / "linked").symlink_to(tmp_path / "outside")
    assert "symbolic link" in shared.write("{}\n").refused()
    (shared.folder / "linked").unlink()
    (shared.folder / "experiment" / "x.yaml").symlink_to(tmp_path / "outside" / "x.yaml")
    assert "symbolic link" in shared.refused()


@pytest.mark.parametrize("where", ["../outside/requests.csv", "/etc/hostname", "inside/../../outside/requests.csv"])
def test_files_to_read_lie_within_the_folder(shared: Shared, tmp_path: Path, where: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "requests.csv").write_text("t\n1\n")
    shared.write(f"{GLOBAL}defaults:\n  - override /load: replay\nload:\n  path: {where}\n  timestamp_column: t\n")
    assert "may not leave its folder" in shared.refused()


def test_a_relative_file_is_relative_to_the_shared_folder(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared.folder.parent)
    shared.write("t\n1\n2\n", "requests.csv")
    shared.write(f"{GLOBAL}defaults:\n  - override /load: replay\nload: {{path: requests.csv, timestamp_column: t}}\n")
    load = shared.plan().configs[0].load
    assert isinstance(load, ReplayLoad)
    assert load.path == str(shared.folder / "requests.csv")


def test_a_typed_path_is_the_users_own(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared.folder.parent)
    Path("mine.csv").write_text("t\n1\n2\n")
    shared.write(f"{GLOBAL}defaults:\n  - override /load: replay\nload: {{path: x.csv, timestamp_column: t}}\n")
    found = shared.plan("load.path=mine.csv")
    assert found.mistakes == []
    assert isinstance(load := found.configs[0].load, ReplayLoad)
    assert load.path == str(shared.folder.parent / "mine.csv")


@pytest.mark.parametrize("where", ["MARK", "../mark", "manifest.json", "items/000000.parquet", "sink/../../x"])
def test_a_shared_sink_writes_into_the_run_folder_only(shared: Shared, where: str) -> None:
    assert "run folder" in shared.write(f"{GLOBAL}sink:\n  path: {where}\n").refused()


def test_a_shared_sink_may_name_its_file_there(shared: Shared) -> None:
    sink = shared.write(f"{GLOBAL}sink:\n  path: sink.db\n").plan().configs[0].sink
    assert isinstance(sink, SqliteSinkConfig)
    assert sink.path == "sink.db"


def test_cells_are_checked_one_by_one(shared: Shared) -> None:
    shared.write(GLOBAL + "seed: 2\n", "experiment/fine.yaml").write(GLOBAL + "hydra:\n  run:\n    dir: MARK\n")
    found = plan(["+experiment=fine,theirs"], True, shared.folder)
    assert [mistake.key for mistake in found.mistakes] == ["hydra.run"]


def test_broken_yaml_is_named_with_its_line(shared: Shared) -> None:
    assert "line 2" in shared.write("a: 1\nb: ]\n").refused()


@pytest.mark.parametrize("entry", ["../../other/question", "/load/../../../x@_global_.load", "../secret@_global_.sink"])
def test_a_defaults_list_does_not_draw_in_files_from_elsewhere(shared: Shared, entry: str) -> None:
    assert "may not leave its folder" in shared.write(f"{GLOBAL}defaults:\n  - {entry}\n").refused()
