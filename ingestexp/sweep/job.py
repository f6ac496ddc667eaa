"""What is sent to a worker and what comes back: one cell to be run, and what became of it.

Must live here: these records, picklable. Must not: Ray, running anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.cells import Cell
    from ingestexp.experiment.schema.run import RunConfig

VERDICT: Final = "verdict.json"
STOP_NAME: Final = ".stop"
"""In the sweep's folder: how often the user asked for the end. Workers on every host look at it."""


@dataclass(slots=True)
class CellJob:
    """One attempt at a cell. `frozen`: what was decided between stages, and from what."""

    number: int
    stage: str
    variant: str
    repeat: int
    cell_hash: str
    overrides: list[str]
    config: RunConfig
    attempt: int = 0
    again: str | None = None
    """Why there is another attempt: `disturbed`, `failed`, `decided otherwise`; None for the first."""
    frozen: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(cell: Cell) -> CellJob:
        """The first attempt at a cell of the plan."""
        return CellJob(cell.number, cell.stage, cell.variant, cell.repeat, cell.cell_hash, cell.overrides, cell.config)

    @property
    def folder(self) -> str:
        again = f"-r{self.attempt}" if self.attempt else ""
        return f"{self.number:04d}-{self.cell_hash[:6]}{again}"

    @property
    def label(self) -> str:
        """As the user knows it."""
        return f"{self.stage} · {self.variant} #{self.repeat}".removeprefix(" · ")


@dataclass(frozen=True, slots=True)
class SweepOrder:
    """What all cells of a sweep share. `hydra_node`: Hydra's settings as plain data, for `.hydra/`."""

    folder: Path
    sweep_id: str
    experiment: str | None
    command: list[str]
    hydra_node: dict[str, Any]
    home: str
    """The folder that the driver stands in: relative paths of the command line mean it."""
    may_be_oom_killed: tuple[str, ...] = ()
    """Variants: their cells are finished as well where the kernel kills them at their limit."""

    @property
    def stop_file(self) -> Path:
        return self.folder / STOP_NAME

    def run_dir(self, job: CellJob) -> Path:
        return self.folder / job.folder

    def cell_facts(self, job: CellJob) -> dict[str, Any]:
        """The manifest's `cell`."""
        return {
            "sweep": self.sweep_id,
            "experiment": self.experiment,
            "stage": job.stage,
            "variant": job.variant,
            "repeat": job.repeat,
            "number": job.number,
            "cell_hash": job.cell_hash,
            "attempt": job.attempt,
            "again": job.again,
            "superseded": False,
            "may_be_oom_killed": any(f"{job.variant} ".startswith(f"{name} ") for name in self.may_be_oom_killed),
            **({"frozen": job.frozen} if job.frozen else {}),
        }


@dataclass(slots=True)
class Outcome:
    """What became of one attempt. `tail`: the last lines of its log, for a failed one."""

    number: int
    folder: str
    status: str
    reason: str | None = None
    disturbed: bool = False
    committed_per_s: float | None = None
    elapsed_s: float = 0.0
    tail: list[str] = field(default_factory=list)
    as_expected: bool = False
    """Killed at its memory limit, where it may be."""

    @property
    def finished(self) -> bool:
        return self.status == "completed" or self.as_expected
