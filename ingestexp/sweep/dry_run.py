"""`sweep.dry_run=true`: what would be run, where, and about how long. Writes nothing, starts nothing.

Must live here: that listing. Must not: deciding any of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.manifest import plain_config
from ingestexp.experiment.mistake import printable, shown
from ingestexp.sweep.dispatch import Kind
from ingestexp.sweep.estimate import expected_s, in_words
from ingestexp.sweep.turns import in_turn, kind_of

if TYPE_CHECKING:
    from ingestexp.experiment.compose import Plan

MOST_LINES: Final = 200


def print_dry_run(plan: Plan) -> None:
    """On standard output; on another cluster than this machine the cores are not known yet."""
    sweep = plan.sweep
    kinds = {cell.number: kind_of(cell.config, sweep) for cell in plan.cells}
    cores = len(os.sched_getaffinity(0))
    each = min(sweep.cores_per_run, cores)
    at_once = {Kind.simulated: cores, Kind.live: max(1, cores // each), Kind.exclusive: 1}
    print(f"{len(plan.cells)} cells, in this order:")
    cells = [cell for name in dict.fromkeys(c.stage for c in plan.cells) for cell in in_turn(_of(plan, name))]
    for cell in cells[:MOST_LINES]:
        rate = cell.rate_from
        later = f"  rate {rate.factor:g} × {rate.stage}/{rate.variant}" if rate is not None else ""
        later += f"  {cell.decided_by} decided by the stages before" if cell.decided_by else ""
        label = f"{cell.stage} · {cell.variant} #{cell.repeat}".removeprefix(" · ")
        print(printable(f"  {cell.number:04d}  {kinds[cell.number].value:<9}  {label}{later}"))
    if len(cells) > MOST_LINES:
        print(f"  … and {len(cells) - MOST_LINES} more")
    total_s = 0.0
    for kind in Kind:
        chosen = [cell for cell in plan.cells if kinds[cell.number] is kind]
        if chosen:
            seconds = sum(expected_s(cell.config, kind) for cell in chosen) / at_once[kind]
            total_s += seconds
            print(f"{kind.value}: {len(chosen)} cells, {_cores(kind, at_once[kind], each)}, about {in_words(seconds)}")
    where = "a Ray of our own" if sweep.address == "local" else f"the Ray cluster at {sweep.address}"
    print(f"on {where}, {cores} cores here; about {in_words(total_s)} in all, Ray's start and the tables aside")


def print_run(plan: Plan) -> None:
    """A single run: its settings, those that are null left out, and how long it will take."""
    config = plan.configs[0]
    kind = kind_of(config, plan.sweep)
    print(f"one {config.clock.value} run with seed {config.seed}, which is not run:")
    for section, settings in plain_config(config).items():
        if isinstance(settings, dict):
            words = [str(settings["kind"])] if "kind" in settings else []
            words += [f"{key}={shown(value)}" for key, value in settings.items() if value is not None and key != "kind"]
            print(printable(f"  {section:<10}  {'  '.join(words)}"))
    print(f"about {in_words(expected_s(config, kind))}, and at most {config.run.drain_s:g} s more to drain")


def _of(plan: Plan, stage: str) -> list[Any]:
    return [cell for cell in plan.cells if cell.stage == stage]


def _cores(kind: Kind, at_once: int, each: int) -> str:
    if kind is Kind.simulated:
        return f"{at_once} at once, one core each"
    if kind is Kind.exclusive:
        return f"one at a time with {each} core{'s' * (each > 1)} of its own, nothing beside it"
    return f"{at_once} at once, {each} core{'s' * (each > 1)} each"
