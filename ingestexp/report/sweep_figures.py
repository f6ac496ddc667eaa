"""The figures of a sweep: a row for each stage and variant, its repeats pooled.

Must live here: which cells belong together, what is summed and what is pooled. Must not: words (`sweep_report`), the
rules of a single run (`verdict`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.experiment.sweep_folder import is_finished
from ingestexp.report.exceedances import blocks_of
from ingestexp.report.figures import refused_memory
from ingestexp.report.intervals import BUCKETS_PER_DOUBLING, Interval, percentile_interval, resample_weights
from ingestexp.report.killed_sweep import ends_in_a_killed_sweep
from ingestexp.report.record import FILE_NAME, record_verdicts
from ingestexp.report.verdict import FAIL, INCONCLUSIVE, INVALID, PASS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingestexp.report.evidence import Answers
    from ingestexp.report.figures import Row

WORST_FIRST: Final = (FAIL, INVALID, INCONCLUSIVE, PASS)
WITH_EVIDENCE: Final = ("completed", "interrupted", "oom_killed")
_COUNTERS: Final = ("offered", "committed", "dropped", "dead_lettered", "unsettled", "batches", "commits", "fsyncs")
_MORE_COUNTERS: Final = ("round_trips", "syscalls")


@dataclass(slots=True)
class Cell:
    """A finished cell: its line in `sweep.yaml`, its folder, its manifest and its recorded verdict."""

    facts: Row
    folder: Path
    manifest: Row
    verdict: Row

    @property
    def label(self) -> tuple[str, str]:
        return str(self.facts.get("stage") or ""), str(self.facts.get("variant"))


@dataclass(slots=True)
class VariantFigures:
    """One (stage, variant). Times in ms; `p99_*` is the SLO's percentile, pooled over the repeats by time blocks."""

    stage: str
    variant: str
    cells: list[Cell] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    offered_per_s: float | None = None
    committed_per_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    p99_interval_ms: Interval | None = None
    result: str | None = None

    @property
    def growing_count(self) -> int:
        return sum(bool(cell.verdict.get("growing")) for cell in self.cells)

    @property
    def is_lower_bound(self) -> bool:
        return any(cell.verdict.get("is_lower_bound") or cell.verdict.get("growing") for cell in self.cells)

    def per_item(self, counter: str) -> float | None:
        return self.counts[counter] / self.counts["committed"] if self.counts.get("committed") else None

    @property
    def items_per_batch(self) -> float | None:
        return self.counts["committed"] / self.counts["batches"] if self.counts.get("batches") else None


def lines_by_evidence(folder: Path, lines: Sequence[Row]) -> list[Row]:
    """The cells' lines, but `missing` instead of `completed` where a run's evidence is no longer there.

    What a killed sweep left as `running` is what the runs themselves say.
    """
    lines = ends_in_a_killed_sweep(folder, lines)
    return [{**line, **_lost(folder / str(line.get("folder")), str(line.get("status")))} for line in lines]


def _lost(run_dir: Path, status: str) -> Row:
    if status != "completed" or (run_dir / "manifest.json").is_file():
        return {}
    gone = "its manifest.json" if run_dir.is_dir() else "its folder"
    return {"status": "missing", "reason": f"it completed, but {gone} is gone"}


def finished_cells(folder: Path, lines: Sequence[Row]) -> list[Cell]:
    """The cells with evidence to show, each with a verdict (recorded now where it was not)."""
    named = [(line, folder / str(line["folder"])) for line in lines]
    there = [
        (line, run_dir)
        for line, run_dir in named
        if line.get("status") in WITH_EVIDENCE
        or is_finished(line)  # also where it was killed as it was meant to be
        or (line.get("status") == "failed" and _was_refused_memory(run_dir))
    ]
    there = [(line, run_dir) for line, run_dir in there if (run_dir / "manifest.json").is_file()]
    unjudged = [run_dir for _, run_dir in there if not (run_dir / FILE_NAME).is_file()]
    record_verdicts(unjudged)
    return [
        Cell(line, run_dir, _json(run_dir / "manifest.json"), _json(run_dir / FILE_NAME)) for line, run_dir in there
    ]


def _was_refused_memory(run_dir: Path) -> bool:
    """A run that failed for it has evidence up to there, and a verdict: INCONCLUSIVE."""
    return refused_memory(_json(run_dir / "manifest.json"))


def variant_figures(answers: Answers, cells: Sequence[Cell]) -> list[VariantFigures]:
    """In the order of the cells' numbers. `answers` holds the cells' folders."""
    groups: dict[tuple[str, str], VariantFigures] = {}
    for cell in cells:
        groups.setdefault(cell.label, VariantFigures(*cell.label)).cells.append(cell)
    rates = {answers.folder_of(row["run"]): row for row in answers.rows("tables/committed_rate.sql")}
    pooled = _pooled(answers, [group for group in groups.values() if len(group.cells) > 1])
    for group in groups.values():
        _sum_up(group, rates)
        if (group.stage, group.variant) in pooled:
            group.p50_ms, group.p99_ms, group.p99_interval_ms = pooled[group.stage, group.variant]
        elif len(group.cells) == 1:
            verdict = group.cells[0].verdict
            group.p50_ms, group.p99_ms = verdict.get("p50_ms"), verdict.get("value_ms")
            if verdict.get("low_ms") is not None:
                group.p99_interval_ms = Interval(verdict["low_ms"], verdict["high_ms"])
    return list(groups.values())


def _sum_up(group: VariantFigures, rates: dict[Path, Row]) -> None:
    counters = [cell.manifest.get("counters") or {} for cell in group.cells]
    group.counts = {name: sum(int(each.get(name) or 0) for each in counters) for name in _COUNTERS + _MORE_COUNTERS}
    rows = [rates[cell.folder] for cell in group.cells if cell.folder in rates]
    seconds = sum(row["measured_s"] for row in rows)
    if seconds:
        group.committed_per_s = sum(row["committed_count"] for row in rows) / seconds
    spans = [float(cell.manifest.get("load_ended_at_ns") or 0) / 1e9 for cell in group.cells]
    if sum(spans):
        group.offered_per_s = group.counts["offered"] / sum(spans)
    results = [cell.verdict.get("result") for cell in group.cells]
    group.result = next((result for result in WORST_FIRST if result in results), None)


def _pooled(answers: Answers, groups: Sequence[VariantFigures]) -> dict[tuple[str, str], tuple[float, float, Interval]]:
    """(p50, percentile, its interval) in ms over all blocks of all repeats; never a mean of percentiles."""
    if not groups:
        return {}
    cells = answers.numbered_columns("tables/verdict_blocks.sql")
    numbers = {run: number for number, run in enumerate(answers.folders)}
    runs = cells.pop("run_number").astype(np.int64)
    found = {}
    for group in groups:
        mine = np.isin(runs, [numbers[cell.folder] for cell in group.cells])
        if not mine.any():
            continue
        columns: dict[str, Any] = {name: column[mine] for name, column in cells.items()}
        columns["block"] = columns["block"].astype(np.int64) + (runs[mine] << 32)  # a block of one run is no other's
        blocks = blocks_of(columns)
        slo = group.cells[0].manifest.get("slo") or {}
        percentile, confidence = float(slo.get("percentile") or 99), float(slo.get("confidence") or 0.95)
        weights = resample_weights(len(blocks.items), int(group.cells[0].manifest.get("seed") or 0))
        interval = percentile_interval(blocks.histogram, blocks.buckets, percentile, weights, confidence)
        found[group.stage, group.variant] = (
            _quantile_ms(columns["bucket"], columns["item_count"], 50),
            _quantile_ms(columns["bucket"], columns["item_count"], percentile),
            Interval(interval.low / 1e6, interval.high / 1e6),
        )
    return found


def _quantile_ms(buckets: Any, counts: Any, percentile: float) -> float:
    """By nearest rank, to the width of a `latency_bucket` (0.05 %)."""
    order = np.argsort(buckets, kind="stable")
    up_to = np.cumsum(counts[order])
    rank = max(np.ceil(up_to[-1] * percentile / 100), 1)
    bucket = float(buckets[order][np.argmax(up_to >= rank)])
    return float(np.exp2((bucket + 0.5) / BUCKETS_PER_DOUBLING) - 1) / 1e6


def _json(path: Path) -> Row:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
