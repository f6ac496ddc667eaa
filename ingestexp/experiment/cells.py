"""The cells of a sweep: stages x variants x grid x the command line's own sweeps x repeats.

Must live here: which overrides make up a cell, its label and its hash. Must not: composing (`compose`), where and when
a cell runs (`sweep`).

Of overrides of the same key the later one counts: the stage's, the variant's, the grid's, the command line's.
"""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.command_line import quote_null_sink
from ingestexp.experiment.manifest import config_hash, plain_config
from ingestexp.experiment.mistake import Mistake, did_you_mean
from ingestexp.experiment.paths import ANALYSIS
from ingestexp.experiment.schema.sweep import StageConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ingestexp.experiment.schema.run import RunConfig
    from ingestexp.experiment.schema.sweep import ExperimentSection, RateFrom, RedriveFrom, SweepSection

MAX_CELLS: Final = 10_000
"""Of a sweep. More is a slip of a range, and would be days of runs."""

DECISIONS: Final = ("window",)
"""What may be decided between two stages (`report.decisions`)."""

PLAIN_LABEL: Final = "default"
"""Of a cell that differs from no other but by its repeat."""


@dataclass(slots=True)
class Recipe:
    """What a cell is composed from, its repeats aside. `overrides` are tokens on top of the defaults."""

    stage: StageConfig
    variant: str
    overrides: list[str]
    repeats: int


@dataclass(slots=True)
class Cell:
    """One run of a sweep. `rate_from`, `decided_by`, `redrive_from`: some keys are known only between stages."""

    number: int
    stage: str
    variant: str
    repeat: int
    overrides: list[str]
    config: RunConfig
    rate_from: RateFrom | None = None
    decided_by: str | None = None
    redrive_from: RedriveFrom | None = None
    cell_hash: str = field(default="")

    def __post_init__(self) -> None:
        self.cell_hash = self.cell_hash or self._hash()

    def _hash(self) -> str:
        """12 hex digits of the config with stage, variant and repeat: what a resumed sweep knows a cell by."""
        plain = plain_config(self.config)
        plain.pop("progress", None)
        rate = None
        if self.rate_from is not None:
            rate = [self.rate_from.stage, self.rate_from.variant, self.rate_from.factor]
            plain["load"].pop("rate_per_s", None)
        cell = [self.stage, self.variant, self.repeat, self.decided_by]
        facts = {"config": plain, "cell": cell, "rate_from": rate}
        if self.redrive_from is not None:
            facts["redrive_from"] = [self.redrive_from.stage, self.redrive_from.variant]
        return config_hash(facts)


def is_sweep(sweep: SweepSection) -> bool:
    """Whether the config itself asks for more than one run."""
    return bool(sweep.variants or sweep.grid or sweep.stages or sweep.repeats > 1)


def recipes(sweep: SweepSection, axes: Mapping[str, Sequence[str]], fixed: Sequence[str]) -> list[Recipe]:
    """All recipes as declared. `axes` are the command line's own sweeps, key -> tokens; `fixed` its other tokens."""
    return list(_recipes(sweep, axes, fixed))


def _recipes(sweep: SweepSection, axes: Mapping[str, Sequence[str]], fixed: Sequence[str]) -> Iterator[Recipe]:
    for stage in sweep.stages or [StageConfig()]:
        names = list(sweep.variants) if stage.variants is None else stage.variants
        grid = {**sweep.grid, **stage.grid}
        grid_axes = [[f"{key}={literal(value)}" for value in values] for key, values in grid.items()]
        for name in names or [""]:
            for chosen in itertools.product(*grid_axes, *axes.values()):
                from_grid, from_line = chosen[: len(grid_axes)], chosen[len(grid_axes) :]
                varied = [token for token, axis in zip(chosen, [*grid_axes, *axes.values()], strict=True) if axis[1:]]
                label = " ".join([name] * bool(name) + [token.lstrip("+") for token in varied])
                in_yaml = [*stage.overrides, *sweep.variants.get(name, []), *from_grid]
                overrides = [*map(quote_null_sink, in_yaml), *fixed, *from_line]
                yield Recipe(stage, label or PLAIN_LABEL, overrides, stage.repeats or sweep.repeats)


def cell_count(sweep: SweepSection, axes: Mapping[str, Sequence[str]]) -> int:
    """How many cells there will be, without making any."""
    total = 0
    for stage in sweep.stages or [StageConfig()]:
        variants = len(sweep.variants) if stage.variants is None else len(stage.variants)
        grid = {**sweep.grid, **stage.grid}
        total += max(variants, 1) * math.prod(map(len, grid.values())) * (stage.repeats or sweep.repeats)
    return total * math.prod(len(axis) for axis in axes.values())


def literal(value: Any) -> str:
    """A value as Hydra's grammar takes it back."""
    if value is None:
        return "null"
    return value if isinstance(value, str) else json.dumps(value)


def sweep_mistakes(sweep: SweepSection, experiment: ExperimentSection, typed_keys: frozenset[str]) -> list[Mistake]:
    """What is wrong with the sections `sweep` and `experiment` as such."""
    sections = (_override_mistakes(sweep, typed_keys), _stage_mistakes(sweep), _criterion_mistakes(experiment))
    return [*itertools.chain(*sections), *_kill_mistakes(sweep, experiment)]


def _override_mistakes(sweep: SweepSection, typed_keys: frozenset[str]) -> Iterator[Mistake]:
    places = [(f"sweep.variants.{name}", tokens) for name, tokens in sweep.variants.items()]
    grids = [("sweep.grid", sweep.grid)]
    for index, stage in enumerate(sweep.stages):
        places.append((f"sweep.stages[{index}].overrides", stage.overrides))
        grids.append((f"sweep.stages[{index}].grid", stage.grid))
    for place, tokens in places:
        for token in tokens:
            key, equals, _ = token.partition("=")
            yield from _key_mistakes(place, token, key)
            if not equals:
                yield Mistake(place, token, "has to be an override, key=value")
            elif key.lstrip("+") in typed_keys and place.startswith("sweep.variants"):
                yield Mistake(key.lstrip("+"), "", f"is what the variants differ in ({place}): don't give it as well")
    for place, grid in grids:
        for key, values in grid.items():
            yield from _key_mistakes(place, key, key)
            if not values:
                yield Mistake(f"{place}.{key}", "[]", "needs at least one value")


def _key_mistakes(place: str, shown: str, key: str) -> Iterator[Mistake]:
    if key.startswith("~"):
        yield Mistake(place, shown, "no key can be taken away: set it to null where that is allowed")
    elif key.lstrip("+").partition(".")[0].partition("@")[0].partition("/")[0] in ("hydra", "sweep", "experiment"):
        yield Mistake(place, shown, "a cell may set what belongs to a run, not the sweep's or Hydra's own settings")


def _stage_mistakes(sweep: SweepSection) -> Iterator[Mistake]:
    earlier: dict[str, list[str]] = {}
    for index, stage in enumerate(sweep.stages):
        place = f"sweep.stages[{index}]"
        names = list(sweep.variants) if stage.variants is None else stage.variants
        if not stage.name:
            yield Mistake(f"{place}.name", "", "every stage needs a name")
        elif stage.name in earlier:
            yield Mistake(f"{place}.name", stage.name, "two stages can't have one name")
        for name in names:
            if name not in sweep.variants:
                why = f"is not one of the variants{did_you_mean(name, sweep.variants)}"
                yield Mistake(f"{place}.variants", name, f"{why} ({', '.join(sweep.variants) or 'there are none'})")
        if stage.decided_by not in (None, *DECISIONS):
            yield Mistake(f"{place}.decided_by", str(stage.decided_by), f"is no decision ({', '.join(DECISIONS)})")
        source = stage.rate_from
        if source is not None:
            if source.stage not in earlier:
                why = f"is not an earlier stage ({', '.join(earlier) or 'there is none'})"
                yield Mistake(f"{place}.rate_from.stage", source.stage, why)
            elif source.variant not in earlier[source.stage]:
                why = f"is not a variant of stage {source.stage} ({', '.join(earlier[source.stage])})"
                yield Mistake(f"{place}.rate_from.variant", source.variant, why)
        if stage.redrive_from is not None:
            yield from _redrive_mistakes(f"{place}.redrive_from", stage.redrive_from, names or [PLAIN_LABEL], earlier)
        earlier[stage.name] = names or [PLAIN_LABEL]


def _redrive_mistakes(
    place: str, source: RedriveFrom, names: Sequence[str], earlier: Mapping[str, list[str]]
) -> Iterator[Mistake]:
    if source.stage not in earlier:
        why = f"is not an earlier stage ({', '.join(earlier) or 'there is none'})"
        yield Mistake(f"{place}.stage", source.stage, why)
        return
    for name in names if source.variant is None else [source.variant]:
        if name not in earlier[source.stage]:
            why = f"is not a variant of stage {source.stage} ({', '.join(earlier[source.stage])})"
            yield Mistake(f"{place}.variant", name, why)


def _kill_mistakes(sweep: SweepSection, experiment: ExperimentSection) -> Iterator[Mistake]:
    for name in experiment.may_be_oom_killed:
        if name not in sweep.variants:
            why = f"is not one of the variants{did_you_mean(name, sweep.variants)}"
            known = ", ".join(sweep.variants) or "there are none"
            yield Mistake("experiment.may_be_oom_killed", name, f"{why} ({known})")


def _criterion_mistakes(experiment: ExperimentSection) -> Iterator[Mistake]:
    for index, criterion in enumerate(experiment.acceptance):
        place = f"experiment.acceptance[{index}]"
        if not criterion.name:
            yield Mistake(f"{place}.name", "", "every criterion needs a name")
        if criterion.at_least is None and criterion.at_most is None:
            yield Mistake(place, criterion.name, "needs a bound: at_least, at_most or both")
        yield from _query_mistakes(f"{place}.query", criterion.query, "acceptance")
    for index, table in enumerate(experiment.tables):
        yield from _query_mistakes(f"experiment.tables[{index}]", table, "tables")


def _query_mistakes(key: str, name: str, folder: str) -> Iterator[Mistake]:
    known = sorted(file.stem for file in (ANALYSIS / folder).glob("*.sql"))
    if name not in known:
        yield Mistake(key, name, f"is no query of analysis/{folder}{did_you_mean(name, known)} ({', '.join(known)})")
