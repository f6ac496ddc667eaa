"""From the command line to typed configs, before Hydra makes a folder: every cell, every mistake.

Must live here: the cells of a sweep, which override is to blame, the order of the checks. Must not: what an error
means (`explain`), what is a mistake (`validate`, `guard`), Hydra's internals (`session`).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hydra.types import RunMode

from ingestexp.experiment.explain import explain, known_keys, no_such_key, unreadable
from ingestexp.experiment.guard import check_folder, check_hydra, confine
from ingestexp.experiment.mistake import Mistake
from ingestexp.experiment.paths import CONF
from ingestexp.experiment.schema.run import RunConfig
from ingestexp.experiment.session import UnknownKeyError, as_current, session, typed
from ingestexp.experiment.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

    from ingestexp.experiment.session import Session

MAX_CELLS: Final = 10_000
"""Of a sweep. More is a slip of a range, and would be days of runs."""

MAX_BAD_CELLS: Final = 20
"""So many are looked into: to name a mistake takes 0.1 s and more, and those of later cells are mostly the same."""


@dataclass(slots=True)
class Plan:
    """What is to be run: the typed configs of all cells, and where Hydra will put them."""

    configs: list[RunConfig] = field(default_factory=list)
    folder: str = ""
    multirun: bool = False
    typed_keys: frozenset[str] = frozenset()
    mistakes: list[Mistake] = field(default_factory=list)


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
        result = _plan(here, overrides, multirun)
    if foreign is not None:
        result.mistakes += _changed_settings(here, config_name)
    for config in result.configs:
        result.mistakes += confine(config, result.typed_keys, foreign)
        result.mistakes += validate(config)
    result.mistakes = list(dict.fromkeys(result.mistakes))  # the cells of a sweep share theirs
    return result


def _changed_settings(theirs: Session, config_name: str) -> list[Mistake]:
    """Every set of choices that was composed, against the same without the foreign folder."""
    with session(None, config_name) as ours:
        mistakes = []
        for groups, composed in theirs.bases.items():
            own = ours.base([token for token in groups if token.lstrip("+~").startswith("hydra")])
            mistakes += check_hydra(own, composed)
    return mistakes


def _plan(here: Session, overrides: Sequence[str], multirun: bool) -> Plan:
    result = Plan(multirun=multirun)
    parsed: list[Override] = []
    for token in overrides:
        try:
            override = here.parser.parse_overrides([token])[0]
        except Exception as error:
            result.mistakes.append(unreadable(token, error))
            continue
        if override.is_delete() and not override.is_hydra_override():
            result.mistakes.append(Mistake(token, "", "no key can be taken away: set it to null where that is allowed"))
        else:
            parsed.append(override)
    result.typed_keys = frozenset(itertools.chain.from_iterable(_keys_given(override) for override in parsed))
    cells = list(_cells(here, parsed, result))
    bad_cells = 0
    for index, cell in enumerate(cells):
        if bad_cells == MAX_BAD_CELLS:
            break
        try:
            composed = here.compose(cell)
            result.configs.append(typed(composed))
        except Exception as error:
            bad_cells += 1
            found, rest = diagnose(here, cell, error)
            result.mistakes += found
            if rest is not None:
                result.configs.append(rest)  # so that validation can add what it finds in the others
            continue
        if index == 0:
            _describe(composed, result)
    if not result.multirun:
        for override in parsed:
            if override.is_sweep_override():
                why = "several values make a sweep: add -m (or write [a,b] for a list, 'a,b' in quotes for text)"
                result.mistakes.append(Mistake(*_halves(override), why))
    return result


def _keys_given(override: Override) -> Iterator[str]:
    """The keys that a token sets, those within a dictionary value too."""

    def within(prefix: str, value: Any) -> Iterator[str]:
        yield prefix
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from within(f"{prefix}.{key}", inner)

    value = None if override.is_sweep_override() else override.value()
    return within(override.get_key_element().lstrip("+~"), value)


def _describe(composed: DictConfig, result: Plan) -> None:
    """Mode and folder, from the first cell. (Sweeping over Hydra's own settings is something Hydra refuses.)"""
    result.multirun = result.multirun or composed.hydra.mode == RunMode.MULTIRUN
    try:
        with as_current(composed):
            result.folder = str(composed.hydra.sweep.dir if result.multirun else composed.hydra.run.dir)
    except Exception as error:
        result.mistakes.append(explain(error, "hydra.run.dir"))


def _cells(here: Session, parsed: Sequence[Override], result: Plan) -> Iterator[list[Override]]:
    """The product of all sweeps, as Hydra's basic sweeper makes it; the last of a repeated key counts."""
    axes: dict[str, list[Override]] = {}
    for override in parsed:
        key = override.get_key_element()
        if not override.is_sweep_override():
            axes[key] = [override]
        elif not override.is_discrete_sweep():
            why = "an interval has no end of values: use choice(…), range(…) or a,b,c"
            result.mistakes.append(Mistake(*_halves(override), why))
        else:
            lines = itertools.islice(override.sweep_string_iterator(), MAX_CELLS + 1)
            try:
                axes[key] = here.parser.parse_overrides([f"{key}={line}" for line in lines])
            except Exception as error:
                result.mistakes.append(explain(error, override.input_line or ""))
    if math.prod(len(axis) for axis in axes.values()) > MAX_CELLS:
        sizes = " × ".join(f"{key}: {len(axis):,}" for key, axis in axes.items() if len(axis) > 1)
        result.mistakes.append(Mistake("sweep", "", f"more than {MAX_CELLS:,} cells ({sizes})"))
        return
    for cell in itertools.product(*axes.values()):
        yield list(cell)


def diagnose(here: Session, cell: Sequence[Override], error: Exception) -> tuple[list[Mistake], RunConfig | None]:
    """Each override alone on the good groups: all mistakes at once, and the config without the bad ones."""
    mistakes: list[Mistake] = []
    good: list[Override] = []
    failed: set[str] = set()
    best: RunConfig | None = None
    for override in sorted(cell, key=lambda each: not here.is_group(each)):
        group = override.key_or_group.partition(".")[0]
        if group in failed:
            continue  # its keys belong to a choice that isn't there
        try:
            best = typed(here.compose([*good, override]))
            good.append(override)
        except Exception as problem:
            if here.is_group(override):
                failed.add(group)
            mistakes.append(_explained(problem, override.input_line or "", best))
    return mistakes or [_explained(error, "", best)], best


def _explained(error: Exception, token: str, best: RunConfig | None) -> Mistake:
    known = known_keys(best or RunConfig())
    if isinstance(error, UnknownKeyError):
        value = token.partition("=")[2]
        return Mistake(error.full_key, value, no_such_key(error.full_key, error.holder, known))
    return explain(error, token, known)


def _halves(override: Override) -> tuple[str, str]:
    key, _, value = (override.input_line or "").partition("=")
    return key, value
