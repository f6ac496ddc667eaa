"""From the command line to typed configs, before Hydra makes a folder: every cell, every mistake.

Must live here: the cells of a sweep, the order of the checks. Must not: which override is to blame (`diagnose`), what
is a mistake (`validate`, `guard`), Hydra's internals (`session`).
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hydra.types import RunMode

from ingestexp.experiment.axes import axes, halves, keys_given, parsed
from ingestexp.experiment.cells import MAX_CELLS, Cell, Recipe, cell_count, is_sweep, recipes, sweep_mistakes
from ingestexp.experiment.diagnose import diagnose
from ingestexp.experiment.explain import explain, unreadable
from ingestexp.experiment.guard import check_folder, check_hydra, confine
from ingestexp.experiment.mistake import Mistake
from ingestexp.experiment.paths import CONF
from ingestexp.experiment.schema.sweep import StageConfig, SweepSection
from ingestexp.experiment.session import as_current, session, typed
from ingestexp.experiment.validate import validate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

    from ingestexp.experiment.schema.run import RunConfig
    from ingestexp.experiment.schema.sweep import ExperimentSection
    from ingestexp.experiment.session import Session

MAX_BAD_CELLS: Final = 20
"""So many are looked into: to name a mistake takes 0.1 s and more, and those of later cells are mostly the same."""


@dataclass(slots=True)
class Plan:
    """What is to be run: the typed configs of all cells, and where they are put. A single run is one cell."""

    cells: list[Cell] = field(default_factory=list)
    folder: str = ""
    multirun: bool = False
    typed_keys: frozenset[str] = frozenset()
    mistakes: list[Mistake] = field(default_factory=list)
    of_stages: frozenset[str] = frozenset()
    """Words of the command line that only stages' choices have a place for: not for Hydra, which composes the base."""

    @property
    def configs(self) -> list[RunConfig]:
        return [cell.config for cell in self.cells]

    @property
    def sweep(self) -> SweepSection:
        return self.cells[0].config.sweep

    @property
    def experiment(self) -> ExperimentSection:
        return self.cells[0].config.experiment


def plan(
    overrides: Sequence[str], multirun: bool = False, foreign: Path | None = None, config_name: str = "config"
) -> Plan:
    """All cells typed, or all mistakes: of the command line, of shared YAML, of values.

    Files with rows are not read yet (`build.preflight`). Nothing is written anywhere.
    """
    if foreign is not None:
        refused = check_folder(foreign, CONF)
        if refused:
            return Plan(mistakes=refused)
    with session(foreign, config_name) as here:
        result, drafts = _plan(here, overrides, multirun)
    if foreign is not None:
        result.mistakes += _changed_settings(here, config_name)
    for recipe, config in drafts:
        result.mistakes += confine(config, result.typed_keys, foreign)
        result.mistakes += validate(config)
        _repeat(recipe, config, result.cells)
    result.mistakes = list(dict.fromkeys(result.mistakes))  # the cells of a sweep share theirs
    return result


def _repeat(recipe: Recipe, config: RunConfig, cells: list[Cell]) -> None:
    """Repeat k of every cell has the seed + k: the same arrivals in all of them."""
    stage = recipe.stage
    for repeat in range(recipe.repeats):
        each = copy.copy(config) if repeat else config
        each.seed = config.seed + repeat
        cells.append(
            Cell(
                len(cells),
                stage.name,
                recipe.variant,
                repeat,
                recipe.overrides,
                each,
                rate_from=stage.rate_from,
                decided_by=stage.decided_by,
                redrive_from=stage.redrive_from,
            )
        )


def _changed_settings(theirs: Session, config_name: str) -> list[Mistake]:
    """Every set of choices that was composed, against the same without the foreign folder."""
    with session(None, config_name) as ours:
        mistakes = []
        for groups, composed in theirs.bases.items():
            own = ours.base([token for token in groups if token.lstrip("+~").startswith("hydra")])
            mistakes += check_hydra(own, composed)
    return mistakes


def _plan(here: Session, tokens: Sequence[str], multirun: bool) -> tuple[Plan, list[tuple[Recipe, RunConfig]]]:
    result = Plan(multirun=multirun)
    given = parsed(here, tokens, result.mistakes)
    result.typed_keys = frozenset(itertools.chain.from_iterable(keys_given(override) for override in given))
    by_key = axes(here, given, result.mistakes)
    fixed = [axis[0] for axis in by_key.values() if len(axis) == 1]
    varied = {key: [str(each.input_line) for each in axis] for key, axis in by_key.items() if len(axis) > 1}
    sweep = _describe(here, [axis[0] for axis in by_key.values() if axis], result)
    count = cell_count(sweep, varied)
    if count > MAX_CELLS:
        sizes = " × ".join(f"{key}: {len(axis):,}" for key, axis in varied.items())
        result.mistakes.append(Mistake("sweep", "", f"more than {MAX_CELLS:,} cells ({sizes or f'{count:,}'})"))
        return result, []
    drafts: list[tuple[Recipe, RunConfig]] = []
    parsing = {str(each.input_line): each for axis in by_key.values() for each in axis}
    bad_cells = 0
    line_keys = dict.fromkeys(by_key, False)  # whether any stage has a place for it
    for recipe in recipes(sweep, varied, [str(each.input_line) for each in fixed]):
        if bad_cells == MAX_BAD_CELLS:
            break
        cell = _fitting(here, _cell(here, recipe, parsing, result), recipe.stage, line_keys)
        try:
            drafts.append((recipe, here.cell(cell)))
        except Exception as error:
            bad_cells += 1
            found, rest = diagnose(here, cell, error)
            result.mistakes += found
            if rest is not None:
                drafts.append((recipe, rest))  # so that validation can add what it finds in the others
    result.mistakes += [
        Mistake(key, "", "no stage of the experiment has such a key") for key, fits in line_keys.items() if not fits
    ]
    if not result.multirun:
        for override in given:
            if override.is_sweep_override():
                why = "several values make a sweep: add -m (or write [a,b] for a list, 'a,b' in quotes for text)"
                result.mistakes.append(Mistake(*halves(override), why))
    return result, drafts


def _cell(here: Session, recipe: Recipe, parsing: dict[str, Override], result: Plan) -> list[Override]:
    """The overrides of a recipe, parsed once each; of those of one key the last counts."""
    by_key: dict[str, Override] = {}
    for token in recipe.overrides:
        if token not in parsing:
            try:
                parsing[token] = here.parser.parse_overrides([token])[0]
            except Exception as error:
                result.mistakes.append(unreadable(token, error))
                continue
            if parsing[token].is_sweep_override():
                why = "several values: list them in the grid, a variant is one choice"
                result.mistakes.append(Mistake(*halves(parsing[token]), why))
        override = parsing[token]
        if not override.is_sweep_override():
            by_key.pop(override.get_key_element(), None)
            by_key[override.get_key_element()] = override
    return list(by_key.values())


def _fitting(here: Session, cell: list[Override], stage: StageConfig, line_keys: dict[str, bool]) -> Sequence[Override]:
    """Without what the command line says of another choice: `load.path` is not for a stage that picks load=poisson."""
    picked = {token.partition("=")[0].lstrip("+") for token in stage.overrides}
    groups = [str(override.input_line) for override in cell if here.is_group(override)]
    kept = []
    for override in cell:
        key = override.get_key_element().lstrip("+")
        group = key.partition(".")[0]
        if key in line_keys and group != key and group in picked and not here.has_key(groups, key):
            continue
        if override.get_key_element() in line_keys:
            line_keys[override.get_key_element()] = True
        kept.append(override)
    return kept


def _describe(here: Session, first: Sequence[Override], result: Plan) -> SweepSection:
    """Mode, folder and what the config says of a sweep, from the first cell of the command line.

    (Sweeping over Hydra's own settings is something Hydra refuses.)
    """
    try:
        composed, config = _composed(here, first, result)
    except Exception as error:
        rest = diagnose(here, first, error)[1]  # whose mistakes come up again, cell by cell
        return SweepSection() if rest is None else rest.sweep
    result.multirun = result.multirun or composed.hydra.mode == RunMode.MULTIRUN or is_sweep(config.sweep)
    result.mistakes += sweep_mistakes(config.sweep, config.experiment, result.typed_keys)
    try:
        with as_current(composed):
            result.folder = str(composed.hydra.sweep.dir if result.multirun else composed.hydra.run.dir)
    except Exception as error:
        result.mistakes.append(explain(error, "hydra.run.dir"))
    return config.sweep


def _composed(here: Session, first: Sequence[Override], result: Plan) -> tuple[DictConfig, RunConfig]:
    """The base; if need be, without what only the choices of its stages have a place for. Raises what Hydra raises."""
    try:
        composed = here.compose(first)
        return composed, typed(composed)
    except Exception:
        groups = [str(each.input_line) for each in first if here.is_group(each)]
        fits = [here.is_group(each) or here.has_key(groups, each.get_key_element().lstrip("+")) for each in first]
        if all(fits):
            raise
        composed = here.compose(list(itertools.compress(first, fits)))
        config = typed(composed)
        if not config.sweep.stages:
            raise
        result.of_stages = frozenset(str(each.input_line) for each, fit in zip(first, fits, strict=True) if not fit)
        return composed, config
