"""What was declared only after the runs were there: it is judged by, and named as such.

Must live here: the comparison with what `sweep.yaml` and the manifests kept from before. Must not: judging
(`criteria`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.manifest import config_hash
from ingestexp.report.criteria import Criterion, criterion_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.report.sweep_figures import Cell

Row = dict[str, Any]


def criteria_of(facts: Row) -> tuple[list[Criterion], list[str]]:
    """The criteria of a sweep as they are now, each with what it was, and sentences about those that are not as then.

    `facts`: of `sweep.yaml`. One that was written before `acceptance_declared` was kept tells of no change.
    """
    now = [criterion_of(each) for each in (facts.get("experiment") or {}).get("acceptance") or []]
    if facts.get("acceptance_declared") is None:
        return now, []
    declared = {each.name: each for each in map(criterion_of, facts["acceptance_declared"])}
    now = [replace(each, post_hoc=_was(each, declared.get(each.name))) for each in now]
    notes = [f"post hoc: criterion {each.name} {each.post_hoc}" for each in now if each.post_hoc]
    left_out = [each for name, each in declared.items() if name not in {criterion.name for criterion in now}]
    notes += [
        f"post hoc: criterion {each.name} was {each.bound} when the sweep ran, it is left out" for each in left_out
    ]
    return now, notes


def _was(now: Criterion, then: Criterion | None) -> str | None:
    """Read after the criterion's name; None: it is as it was declared, its words aside."""
    if then is None:
        return "was not declared when the sweep ran"
    if now.bound != then.bound:
        return f"was {then.bound} when the sweep ran"
    if (now.query, now.judge) != (then.query, then.judge):
        return f"was {then.query}, judged by {then.judge}, when the sweep ran"
    return None


def slo_is_post_hoc(manifest: Row) -> bool:
    """Whether the SLO that a run is judged by is not the one of the config that the run was started with.

    That one is hashed into the manifest, so only a changed file can differ.
    """
    config = manifest.get("config") or {}
    if "slo" not in config:
        return False
    return manifest.get("slo") != config["slo"] or config_hash(config) != manifest.get("config_hash")


def slo_notes(cells: Sequence[Cell]) -> list[str]:
    named = [cell.folder.name for cell in cells if cell.verdict.get("post_hoc")]
    return [f"post hoc: the SLO of {', '.join(named)} was changed after the run"] if named else []
