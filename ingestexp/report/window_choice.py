"""Which window a tuning sweep settles on: the cheapest of those that kept the SLO under every load they were tried on.

Must live here: that rule, and the YAML that a later run can use. Must not: other systems' words (`translations`), when
a sweep asks (`sweep.freezing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.sweep_figures import finished_cells
from ingestexp.report.verdict import PASS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingestexp.report.sweep_figures import Cell

Row = dict[str, Any]

TUNE: Final = "tune "
"""How the names of the stages begin that a window is tuned on."""
SHARED: Final = "shared"
FILE: Final = f"{SHARED}/experiment/tuned_window.yaml"


@dataclass(frozen=True, slots=True)
class WindowChoice:
    """`cost`: commits (batches where the sink has none) per committed item, over all tune stages together."""

    variant: str
    max_size: int
    max_wait_ms: float | None
    cost: float
    kept: int
    tried: int
    stages: tuple[str, ...]
    payload_bytes: float

    @property
    def says(self) -> str:
        wait = "no timer" if self.max_wait_ms is None else f"max_wait_ms={self.max_wait_ms:g}"
        return (
            f"window.max_size={self.max_size} {wait}, the cheapest ({self.cost:.3g} commits an item) of the "
            f"{self.kept} windows, of {self.tried}, that keep the SLO in {', '.join(self.stages)}"
        )

    def facts(self) -> Row:
        """As `sweep.yaml` keeps it."""
        return {
            "by": "window",
            "values": {"window.max_size": self.max_size, "window.max_wait_ms": self.max_wait_ms},
            "says": self.says,
            "variant": self.variant,
            "commits_per_item": self.cost,
            "kept": self.kept,
            "tried": self.tried,
            "payload_bytes": self.payload_bytes,
            "file": FILE,
        }


def choose_window(folder: Path, lines: Sequence[Row]) -> WindowChoice:
    """From the finished cells of the stages `tune …`; writes `FILE` below the sweep's folder.

    `lines`: the cells as in `sweep.yaml`. A window has to PASS in every run of every such stage. Raises EvidenceError
    where no window does.
    """
    tuned = [line for line in lines if str(line.get("stage") or "").startswith(TUNE)]
    cells = finished_cells(folder, [line for line in tuned if line.get("status") == "completed"])
    stages = tuple(dict.fromkeys(str(line["stage"]) for line in tuned))
    if not cells:
        raise EvidenceError("no run of a stage `tune …` is finished")
    by_variant: dict[str, list[Cell]] = {}
    for cell in cells:
        by_variant.setdefault(cell.label[1], []).append(cell)
    keeping = {
        variant: runs
        for variant, runs in by_variant.items()
        if all(run.verdict.get("result") == PASS for run in runs)
        and len(runs) == sum(line.get("variant") == variant for line in tuned)
    }
    if not keeping:
        raise EvidenceError(f"none of the {len(by_variant)} windows kept the SLO in all of {', '.join(stages)}")
    variant, runs = min(keeping.items(), key=lambda each: (_cost(each[1]), _window(each[1])[0]))
    max_size, max_wait_ms = _window(runs)
    choice = WindowChoice(
        variant, max_size, max_wait_ms, _cost(runs), len(keeping), len(by_variant), stages, _payload_bytes(runs)
    )
    _write(folder, choice)
    return choice


def _cost(runs: Sequence[Cell]) -> float:
    """All loads together: the same items fell due under every window."""
    counters = [run.manifest.get("counters") or {} for run in runs]
    committed = sum(int(each.get("committed") or 0) for each in counters)
    spent = sum(int(each.get("commits") or each.get("batches") or 0) for each in counters)
    return spent / committed if committed else float("inf")


def _window(runs: Sequence[Cell]) -> tuple[int, float | None]:
    window = (runs[0].manifest.get("config") or {}).get("window") or {}
    wait = window.get("max_wait_ms")
    return int(window.get("max_size") or 0), None if wait is None else float(wait)


def _payload_bytes(runs: Sequence[Cell]) -> float:
    """Of a mean item, 0 where nothing was sent."""
    with Answers([run.folder for run in runs]) as answers:
        rows = answers.answer("SELECT sum(payload_bytes) / sum(item_count) AS mean_bytes FROM batches", "batches").rows
    return float(rows[0]["mean_bytes"] or 0)


def _write(folder: Path, choice: WindowChoice) -> None:
    file = folder / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    wait = "null" if choice.max_wait_ms is None else f"{choice.max_wait_ms:g}"
    hidden = file.with_name(f".tmp-{file.name}")
    hidden.write_text(
        "# @package _global_\n"
        f"# {choice.says}.\n"
        f"# Chosen by the sweep {folder.name}.\n"
        f"# python -m ingestexp --config-dir SWEEP/{SHARED} +experiment=tuned_window\n"
        f"window:\n  max_size: {choice.max_size}\n  max_wait_ms: {wait}\n",
        encoding="utf-8",
    )
    hidden.replace(file)
