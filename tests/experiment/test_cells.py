"""Stages, variants, grid, repeats: which cells a config asks for, and what names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestexp.experiment.compose import Plan, plan
from ingestexp.experiment.schema.load import SaturateLoad

if TYPE_CHECKING:
    from ingestexp.experiment.mistake import Mistake

VARIANTS = "+sweep.variants={per_item:['window=per_item'],batched:['window.max_size=512']}"


def good(*overrides: str, multirun: bool = True) -> Plan:
    found = plan(list(overrides), multirun)
    assert found.mistakes == []
    return found


def mistakes(*overrides: str) -> list[Mistake]:
    return plan(list(overrides), True).mistakes


def test_a_plain_grid_is_labelled_by_what_differs() -> None:
    found = good("window.max_size=1,64", "slo.bound_ms=20", "seed=5")
    assert [cell.variant for cell in found.cells] == ["window.max_size=1", "window.max_size=64"]
    assert [cell.config.window.max_size for cell in found.cells] == [1, 64]
    assert {(cell.stage, cell.repeat, cell.config.seed) for cell in found.cells} == {("", 0, 5)}


def test_variants_times_grid_times_repeats_and_repeat_k_has_the_same_seed_everywhere() -> None:
    found = good(VARIANTS, "+sweep.grid={load.rate_per_s:[1000,2000]}", "sweep.repeats=3", "seed=7", multirun=False)
    assert found.multirun, "a config that names variants is a sweep without -m too"
    assert len(found.cells) == 12
    assert [cell.number for cell in found.cells] == list(range(12))
    assert found.cells[3].variant == "per_item load.rate_per_s=2000"
    assert {(cell.repeat, cell.config.seed) for cell in found.cells} == {(0, 7), (1, 8), (2, 9)}
    assert {cell.config.window.max_size for cell in found.cells if cell.variant.startswith("batched")} == {512}
    assert len({cell.cell_hash for cell in found.cells}) == 12


def test_a_stage_has_its_own_overrides_variants_and_repeats_and_the_command_line_wins_over_them() -> None:
    stages = (
        "sweep.stages=["
        "{name: pilot, overrides: ['load=saturate','load.item_count=null','load.duration_s=3'], repeats: 1},"
        "{name: limit, variants: [batched], rate_from: {stage: pilot, variant: batched, factor: 0.7}}]"
    )
    found = good(VARIANTS, stages, "sweep.repeats=2", "load.duration_s=1")
    assert [(cell.stage, cell.variant, cell.repeat) for cell in found.cells] == [
        ("pilot", "per_item", 0),
        ("pilot", "batched", 0),
        ("limit", "batched", 0),
        ("limit", "batched", 1),
    ]
    pilot = found.cells[0].config.load
    assert isinstance(pilot, SaturateLoad)
    assert pilot.duration_s == 1
    limit = found.cells[2].rate_from
    assert limit is not None
    assert (limit.stage, limit.variant, limit.factor) == ("pilot", "batched", 0.7)


def test_the_hash_knows_the_cell_but_neither_the_sweep_nor_a_rate_that_is_measured_later() -> None:
    def hashes(*more: str) -> list[str]:
        return [cell.cell_hash for cell in good(VARIANTS, *more).cells]

    assert hashes() == hashes("sweep.dry_run=true", "progress='off'", "experiment.question=why")
    assert hashes() == hashes("sweep.repeats=2")[::2]
    assert set(hashes()).isdisjoint(hashes("seed=2"))
    measured = (
        "sweep.stages=[{name: a},{name: b, rate_from: {stage: a, variant: batched, factor: 0.5}}]",
        VARIANTS,
    )
    slow, fast = (good(*measured, f"load.rate_per_s={rate}").cells for rate in (10, 20))
    assert [cell.cell_hash for cell in slow[2:]] == [cell.cell_hash for cell in fast[2:]]
    assert slow[0].cell_hash != fast[0].cell_hash


@pytest.mark.parametrize(
    ("override", "key", "why"),
    [
        ("+sweep.variants={a:['window.max_sise=1']}", "window.max_sise", "max_size"),
        ("+sweep.variants={a:['window.max_size=1,2']}", "window.max_size", "grid"),
        ("+sweep.variants={a:['hydra.run.dir=x']}", "sweep.variants.a", "Hydra's own"),
        ("+sweep.variants={a:[window]}", "sweep.variants.a", "key=value"),
        ("sweep.stages=[{name: a, variants: [x]}]", "sweep.stages[0].variants", "not one of the variants"),
        ("sweep.stages=[{name: a},{name: a}]", "sweep.stages[1].name", "one name"),
        (
            "sweep.stages=[{name: a},{name: b, rate_from: {stage: c, variant: x}}]",
            "sweep.stages[1].rate_from.stage",
            "not an earlier stage (a)",
        ),
        ("+sweep.grid={window.max_size:[]}", "sweep.grid.window.max_size", "at least one value"),
        ("sweep.repeats=0", "sweep.repeats", "at least 1"),
        ("experiment.may_be_oom_killed=[none]", "experiment.may_be_oom_killed", "not one of the variants"),
        ("experiment.tables=[nonsense]", "experiment.tables[0]", "no query of analysis/tables"),
        (
            "experiment.acceptance=[{name: x, query: nothing, at_least: 1}]",
            "experiment.acceptance[0].query",
            "no query",
        ),
    ],
)
def test_mistakes_of_a_sweep_name_their_place(override: str, key: str, why: str) -> None:
    found = [each for each in mistakes(override) if each.key == key]
    assert found, mistakes(override)
    assert why in found[0].why


def test_what_the_variants_differ_in_cannot_be_given_as_well() -> None:
    assert any("variants differ in" in each.why for each in mistakes(VARIANTS, "window.max_size=8"))


def test_what_the_command_line_says_of_one_choice_is_not_for_stages_that_pick_another() -> None:
    stages = "sweep.stages=[{name: a, overrides: ['load=bursty']},{name: b, overrides: ['load=poisson']}]"
    cells = good(stages, "load.on_ms=7", "load.duration_s=2").cells
    assert [getattr(cell.config.load, "on_ms", None) for cell in cells] == [7, None]
    assert [getattr(cell.config.load, "duration_s", None) for cell in cells] == [2, 2]
    assert [each.key for each in mistakes(stages, "load.on_mss=7")] == ["load.on_mss"]


@pytest.mark.parametrize("plus", ["", "+"])
def test_what_only_a_stage_has_a_place_for_is_kept_from_hydra_which_composes_the_base(plus: str) -> None:
    stages = f"{plus}sweep.stages=[{{name: a, overrides: ['load=bursty']}},{{name: b, overrides: ['load=poisson']}}]"
    found = plan([stages, "load.on_ms=7", "load.duration_s=2"])
    assert found.multirun
    assert found.folder
    assert found.of_stages == {"load.on_ms=7"}
    alone = plan(["load.on_ms=7"])
    assert [each.key for each in alone.mistakes] == ["load.on_ms"]
