"""Many runs judged in one go: each by itself, over one connection.

Must live here: handing the tables' rows to the rules, run by run. Must not: the rules (`verdict`), the tables, where a
verdict is kept (`record`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestexp.report.evidence import Answers, EvidenceError, check_run
from ingestexp.report.exceedances import blocks_of
from ingestexp.report.figures import Row, case_of, slo_of
from ingestexp.report.verdict import INVALID, Verdict, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

CHUNK_RUNS = 200
"""Opened at once: each run is four files and more."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A run with its verdict. `value_ns`: the SLO's percentile, at least that much where `is_lower_bound`; `p50_ns`."""

    run_dir: Path
    manifest: Row
    verdict: Verdict
    value_ns: int | None
    p50_ns: int | None
    is_lower_bound: bool
    growing: bool


def judge_runs(run_dirs: Sequence[Path]) -> list[Judged]:
    """In the order given. A run that can't be read is INVALID, with the reason."""
    judged: list[Judged] = []
    for first in range(0, len(run_dirs), CHUNK_RUNS):
        judged += _judge(run_dirs[first : first + CHUNK_RUNS])
    return judged


def _judge(run_dirs: Sequence[Path]) -> list[Judged]:
    readable: dict[Path, tuple[Row, str, str | None]] = {}
    found: dict[Path, Judged] = {}
    for run_dir in run_dirs:
        try:
            readable[run_dir] = check_run(run_dir)
        except EvidenceError as error:
            found[run_dir] = Judged(run_dir, {}, Verdict(INVALID, str(error), broken=True), None, None, False, False)
    if readable:
        with Answers(list(readable), with_superseded=True) as answers:
            answers.count_once()
            for one in _answered(answers, readable):
                found[one.run_dir] = one
    return [found[run_dir] for run_dir in run_dirs]


def _answered(answers: Answers, readable: dict[Path, tuple[Row, str, str | None]]) -> Iterable[Judged]:
    extents = _by_run(answers, answers.rows("tables/run_extent.sql"))
    backlogs = _by_run(answers, answers.rows("tables/backlog_slope.sql"))
    responses = [row for row in answers.rows("tables/latency_quantiles.sql") if row["measure"] == "response"]
    values = _by_run(answers, [row for row in responses if row["quantile"] == "slo"])
    medians = _by_run(answers, [row for row in responses if row["quantile"] == "p50"])
    unbalanced = {answers.folder_of(row["run"]) for row in answers.rows("audits/conservation.sql", limit=10_000)}
    blocks = _cells_by_run(answers)
    stalled = _stalled_by_run(answers, readable)
    for run_dir, (manifest, status, reason) in readable.items():
        backlog = backlogs.get(run_dir)
        case = case_of(
            manifest,
            (status, reason),
            blocks_of(blocks.get(run_dir), frozenset(stalled[run_dir])),
            conserved=run_dir not in unbalanced,
            backlog=None if run_dir not in extents else backlog,
        )
        value = values.get(run_dir)
        yield Judged(
            run_dir,
            manifest,
            decide(case),
            None if value is None else value["value_ns"],
            medians[run_dir]["value_ns"] if run_dir in medians else None,
            bool(value and value["is_lower_bound"]),
            bool(backlog and backlog["grows"]) and not case.is_saturate,
        )


def _by_run(answers: Answers, rows: Iterable[Row]) -> dict[Path, Row]:
    return {answers.folder_of(row["run"]): row for row in rows}


def _stalled_by_run(answers: Answers, readable: dict[Path, tuple[Row, str, str | None]]) -> defaultdict[Path, set[int]]:
    """The rows of `stalled_blocks`; not asked where every host was calm."""
    found: defaultdict[Path, set[int]] = defaultdict(set)
    checks = ((manifest.get("self_checks") or {}).get("host") or {} for manifest, _, _ in readable.values())
    if any(check.get("disturbed") for check in checks):
        for row in answers.rows("tables/stalled_blocks.sql"):
            found[answers.folder_of(row["run"])].add(row["block"])
    return found


def _cells_by_run(answers: Answers) -> dict[Path, dict[str, Any]]:
    """The rows of `verdict_blocks`, as columns for each run."""
    cells = answers.numbered_columns("tables/verdict_blocks.sql")
    order = np.argsort(cells["run_number"], kind="stable")
    starts = np.searchsorted(cells["run_number"][order], np.arange(len(answers.folders) + 1))
    found: dict[Path, dict[str, Any]] = defaultdict(dict)
    for number, folder in enumerate(answers.folders):
        rows = order[starts[number] : starts[number + 1]]
        if len(rows):
            found[folder] = {name: column[rows] for name, column in cells.items() if name != "run_number"}
    return found


__all__ = ["Judged", "judge_runs", "slo_of"]
