"""What earlier stages decide about a later one, frozen before its first cell begins.

Must live here: the rate or the decision that a stage takes over, and from what. Must not: the order of cells
(`stages`), the decision's own rule (`report.window_choice`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.sweep_folder import is_finished
from ingestexp.sweep.fate import committed_per_s, manifest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from ingestexp.experiment.cells import Cell
    from ingestexp.experiment.schema.sweep import RateFrom, RedriveFrom
    from ingestexp.sweep.job import CellJob
    from ingestexp.sweep.progress import SweepLine
    from ingestexp.sweep.record import Row


_DECIDED_FROM: Final = {"window": "tune "}
"""How the names of the stages begin that a decision is taken from, as the rule itself has it."""


class NothingToGoBy(Exception):
    """Why nothing can be frozen, to be read after "the stage"."""


@dataclass(slots=True)
class Frozen:
    """`facts`: the stage's entry in `sweep.yaml`. `values`: variant -> keys to set. `said`: for the manifests.

    `of_cell`: cell number -> keys to set besides.
    """

    facts: dict[str, Any]
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    of_cell: dict[int, dict[str, Any]] = field(default_factory=dict)


class Decisions:
    """Each is taken once and holds for all stages that ask for it. `stages`: of the earlier execution."""

    def __init__(self, folder: Path, stages: Sequence[dict[str, Any]], line: SweepLine) -> None:
        self._folder = folder
        self._line = line
        before = [stage["decided"] for stage in stages if stage.get("decided")]
        self._before: dict[str, dict[str, Any]] = {decided["by"]: decided for decided in reversed(before)}
        self._taken: dict[str, dict[str, Any] | NothingToGoBy] = {}

    def take(self, decision: str, rows: Sequence[Row], fresh: Collection[int]) -> dict[str, Any]:
        """Its facts as `sweep.yaml` keeps them. `fresh`: the cells that ran by now, by number. Raises NothingToGoBy.

        What an earlier execution decided counts as long as nothing that it was decided from has run again.
        """
        if decision not in self._taken:
            try:
                self._taken[decision] = self._take(decision, rows, fresh)
            except NothingToGoBy as error:
                self._taken[decision] = error
        taken = self._taken[decision]
        if isinstance(taken, NothingToGoBy):
            raise taken
        return taken

    def _take(self, decision: str, rows: Sequence[Row], fresh: Collection[int]) -> dict[str, Any]:
        source, before = _DECIDED_FROM.get(decision, ""), self._before.get(decision)
        again = sum(row["number"] in fresh and str(row["stage"]).startswith(source) for row in rows)
        if before is not None and not again:
            self._line.say(f"decided before: {before['says']}")
            return before
        self._line.step(f"deciding the {decision} from the stages before …")
        decided = _decided(decision, rows, self._folder)
        why = ""
        if before is not None:
            same = "and it is the same" if decided["values"] == before["values"] else "and it is another"
            what = f"{again} cell{'s' * (again > 1)} that it rests on ran again"
            why = f" anew, since {what}, {same}"
        self._line.say(f"decided{why}: {decided['says']}")
        return decided


def freeze(
    cells: Sequence[Cell],
    known: dict[str, Any],
    rows: Sequence[Row],
    folder: Path,
    decided: dict[str, Any] | None = None,
) -> Frozen:
    """For the cells of one stage. `known`: what an earlier execution froze, which counts. Raises NothingToGoBy."""
    stage, source = cells[0].stage, cells[0].rate_from
    frozen = Frozen({"name": stage, "frozen_rates": {}})
    for cell in cells:
        frozen.values.setdefault(cell.variant, {})
    if source is not None:
        rates = known.get("frozen_rates") or {}
        rate = _rate(source, rows, folder) if set(frozen.values) - set(rates) else 0.0
        for variant, values in frozen.values.items():
            values["load.rate_per_s"] = frozen.facts["frozen_rates"][variant] = rates.get(variant, rate)
        frozen.said["rate_from"] = dataclasses.asdict(source)
    if cells[0].redrive_from is not None:
        runs = {cell.number: _redriven_run(cells[0].redrive_from, cell, rows) for cell in cells}
        frozen.of_cell = {number: {"redrive.from": str((folder / run).resolve())} for number, run in runs.items()}
        frozen.facts["redriven_runs"] = runs
    if decided is not None:
        frozen.facts["decided"] = decided
        frozen.said["decided"] = {"by": decided["by"], "says": decided["says"]}
        for values in frozen.values.values():
            values.update(decided["values"])
    return frozen


def with_frozen(job: CellJob, frozen: Frozen) -> CellJob:
    """The job with these keys of its config set, on a copy."""
    config = job.config
    values = frozen.values.get(job.variant, {}) | frozen.of_cell.get(job.number, {})
    for key, value in values.items():
        section, _, name = key.partition(".")
        changed = dataclasses.replace(getattr(config, section), **{name: value})
        config = dataclasses.replace(config, **{section: changed})
    overrides = [*job.overrides, *(f"{key}={'null' if value is None else value}" for key, value in values.items())]
    said = {**job.frozen, **values, **frozen.said} if values else job.frozen
    return dataclasses.replace(job, config=config, overrides=overrides, frozen=said)


def _redriven_run(source: RedriveFrom, cell: Cell, rows: Sequence[Row]) -> str:
    """The folder of the run whose dead letters the cell takes over."""
    variant = cell.variant if source.variant is None else source.variant
    for row in rows:
        if (row["stage"], row["variant"], row["repeat"]) == (source.stage, variant, cell.repeat) and is_finished(row):
            return str(row["folder"])
    raise NothingToGoBy(f"needs the run of {source.stage}/{variant} #{cell.repeat}, which is not finished")


def _rate(source: RateFrom, rows: Sequence[Row], folder: Path) -> float:
    """Factor x the mean of the committed items/s of each finished cell of that stage and variant."""
    rates = []
    for row in rows:
        label = str(row["variant"])
        if (
            row["stage"] == source.stage
            and row["status"] == "completed"
            and f"{label} ".startswith(f"{source.variant} ")
        ):
            facts = manifest_of(folder / row["folder"])
            rate = None if facts is None else committed_per_s(facts)
            rates += [rate] if rate else []
    if not rates:
        raise NothingToGoBy(f"needs the rate of {source.stage}/{source.variant}, of which no run is finished")
    return round(source.factor * sum(rates) / len(rates), 3)


def _decided(decision: str, rows: Sequence[Row], folder: Path) -> dict[str, Any]:
    """Nothing runs between two stages, so this may take the cores for a second."""
    from ingestexp.report.evidence import EvidenceError
    from ingestexp.report.window_choice import choose_window

    try:
        match decision:
            case "window":
                return choose_window(folder, rows).facts()
            case other:
                raise NothingToGoBy(f"needs a decision that nobody takes ({other})")
    except EvidenceError as error:
        raise NothingToGoBy(f"needs a decided {decision}, but {error}") from error
