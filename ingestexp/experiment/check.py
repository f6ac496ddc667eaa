"""Everything that is found out before Hydra makes a folder: the plan of a command line, or all its mistakes.

Must live here: the order of these checks and the folder's own. Must not: a single check of a key, running.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.compose import Plan, plan
from ingestexp.experiment.guard import check_folder
from ingestexp.experiment.mistake import Mistake
from ingestexp.experiment.paths import CONF
from ingestexp.experiment.schema.run import ClockKind
from ingestexp.experiment.schema.sweep import SweepSection
from ingestexp.experiment.sweep_folder import read_sweep

if TYPE_CHECKING:
    from ingestexp.experiment.command_line import CommandLine


def check(line: CommandLine) -> Plan:
    """Composes, validates and, if there is to be a run, reads the files it names and looks at its folder."""
    if not line.composes:
        return Plan(mistakes=[] if line.foreign is None else check_folder(line.foreign, CONF))
    result = plan(line.overrides, line.multirun, line.foreign, line.config_name)
    if not line.runs or result.mistakes:
        return result
    result.mistakes += run_folder(result)
    result.mistakes += _shared_sinks(result)
    result.mistakes += _cores(result)
    if not result.mistakes:
        from ingestexp.experiment.preflight import preflight

        seen: list[object] = []
        for config in result.configs:
            inputs = (config.load, config.payload, config.sink, config.redrive)
            if inputs not in seen:  # the cells of a sweep mostly name the same files
                seen.append(inputs)
                result.mistakes += preflight(config)
    return result


def run_folder(result: Plan) -> list[Mistake]:
    """The folder must be writable, and must not hold evidence: that is never overwritten.

    A sweep may go on in a folder that holds some of its own cells and no others.
    """
    key = "hydra.sweep.dir" if result.multirun else "hydra.run.dir"
    if not result.folder.strip():
        return [Mistake(key, '""', "has to name a folder for the evidence, as in runs/mine")]
    folder = Path(result.folder).absolute()
    held = folder.glob("*/manifest.json") if result.multirun else folder.glob("manifest.json")
    sweep = read_sweep(folder) if result.multirun else None
    if sweep is not None:
        return _not_ours(result, key, sweep)
    found = next(iter(held), None)
    if found is not None:
        why = f"already holds a run ({found.relative_to(folder)}); evidence is never overwritten: name another folder"
        return [Mistake(key, result.folder, why)]
    there = next(parent for parent in (folder, *folder.parents) if parent.exists() or parent.is_symlink())
    if not there.is_dir():
        return [Mistake(key, result.folder, f"can't be made: {there} is not a folder")]
    if not os.access(there, os.W_OK | os.X_OK):
        return [Mistake(key, result.folder, f"can't be made: {there} may not be written by this user")]
    return []


def _not_ours(result: Plan, key: str, sweep: dict[str, Any]) -> list[Mistake]:
    """Why the sweep that the folder holds is not one to go on with."""
    if not result.sweep.resume:
        return [Mistake(key, result.folder, "already holds a sweep: to start anew, name another folder")]
    held = {row["cell_hash"] for row in sweep.get("cells") or []}
    foreign = len(held - {cell.cell_hash for cell in result.cells})
    if not foreign:
        return []
    why = f"holds a sweep with {foreign} cell{'s' * (foreign > 1)} that this one does not have: name another folder"
    return [Mistake(key, result.folder, why)]


def _cores(result: Plan) -> list[Mistake]:
    """Of this machine; what another cluster has is known when it is joined. The default is good for one core too."""
    sweep, allowed = result.sweep, len(os.sched_getaffinity(0))
    alone = not result.multirun or sweep.address != "local"
    if alone or sweep.cores_per_run <= max(allowed, SweepSection().cores_per_run):
        return []
    if all(config.clock is ClockKind.simulated for config in result.configs):
        return []
    why = f"is more than the {allowed} that may be used here: at most {allowed} is allowed"
    return [Mistake("sweep.cores_per_run", str(sweep.cores_per_run), why)]


def _shared_sinks(result: Plan) -> list[Mistake]:
    """Each cell needs a store of its own."""
    paths: dict[str, int] = {}
    redriven: dict[str, int] = {}
    for config in result.configs:
        if config.redrive.folder:
            redriven[config.redrive.folder] = redriven.get(config.redrive.folder, 0) + 1
        path = getattr(config.sink, "path", None)
        if path is not None and Path(path).is_absolute():
            paths[path] = paths.get(path, 0) + 1
    return [
        Mistake("sink.path", path, f"is the same for {count} cells of the sweep: leave it out, or sweep over it too")
        for path, count in paths.items()
        if count > 1
    ] + [
        Mistake(
            "redrive.from", folder, f"is the same for {count} cells: what one of them cured is not there for the next"
        )
        for folder, count in redriven.items()
        if count > 1
    ]
