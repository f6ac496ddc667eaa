"""`verdict.json`: what was found about a run at its end, beside its evidence.

Must live here: that file. Must not: the verdict (`verdict`), how it is printed. Whoever has only the folders and the
DuckDB command line reads it through the view `verdicts`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report.judging import Judged, judge_runs
from ingestexp.report.post_hoc import slo_is_post_hoc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingestexp.report.figures import Figures

FILE_NAME: Final = "verdict.json"


def record_verdict(run_dir: Path) -> Judged:
    """Judge the run and write its verdict. Raises OSError where that can't be written."""
    return record_verdicts([run_dir])[0]


def record_verdicts(run_dirs: Sequence[Path]) -> list[Judged]:
    """As `record_verdict`, of many runs over one connection: a sweep's small cells would pay for it one by one."""
    judged = judge_runs(run_dirs)
    for one in judged:
        write_verdict(one)
    return judged


def record_figures(figures: Figures) -> None:
    """The verdict of a run whose figures were asked for anyway; one that is there stands. Raises OSError."""
    if (figures.run_dir / FILE_NAME).is_file():
        return
    # Without an item after the warm-up the figures are of all items, which a verdict never is.
    warmup_ns = int(float((figures.manifest.get("slo") or {}).get("warmup_s") or 0) * 1e9)
    latency = figures.latency if figures.warmup_ns == warmup_ns else {}
    value, median = latency.get(("response", "slo")), latency.get(("response", "p50"))
    growing = bool(figures.backlog and figures.backlog["grows"])
    write_verdict(
        Judged(
            figures.run_dir,
            figures.manifest,
            figures.verdict,
            None if value is None else value["value_ns"],
            None if median is None else median["value_ns"],
            bool(value and value["is_lower_bound"]),
            growing,
        )
    )


def write_verdict(judged: Judged) -> None:
    hidden = judged.run_dir / f".tmp-{FILE_NAME}"
    hidden.write_text(json.dumps(verdict_facts(judged), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    hidden.replace(judged.run_dir / FILE_NAME)


def verdict_facts(judged: Judged) -> dict[str, Any]:
    """As plain data; milliseconds, shares as ratios. Figures are null where there are none (a capacity run)."""
    verdict, slo = judged.verdict, judged.manifest.get("slo") or {}
    interval, ratio = verdict.percentile_ns, verdict.ratio
    return {
        "result": verdict.result,
        "reason": verdict.reason,
        "broken": verdict.broken,
        "percentile": slo.get("percentile"),
        "bound_ms": slo.get("bound_ms"),
        "confidence": slo.get("confidence"),
        "p50_ms": None if judged.p50_ns is None else judged.p50_ns / 1e6,
        "value_ms": None if judged.value_ns is None else judged.value_ns / 1e6,
        "low_ms": None if interval is None else interval.low / 1e6,
        "high_ms": None if interval is None else interval.high / 1e6,
        "is_lower_bound": judged.is_lower_bound,
        "growing": judged.growing,
        "over_count": verdict.over_count,
        "item_count": verdict.item_count,
        "over_ratio_low": None if ratio is None else ratio.low,
        "over_ratio_high": None if ratio is None else ratio.high,
        "block_count": verdict.block_count,
        "config_hash": judged.manifest.get("config_hash"),
        "post_hoc": slo_is_post_hoc(judged.manifest),
    }
