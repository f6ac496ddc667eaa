"""The same thing twice, again and again: what difference this host makes out of nothing.

Must live here: the A/A runs and the statistics of their differences. Must not: printing.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Final

from ingestexp.doctor.finding import CAREFUL, OK, Finding
from ingestexp.experiment.check import check
from ingestexp.experiment.command_line import parse
from ingestexp.experiment.run import execute
from ingestexp.report.judging import judge_runs
from ingestexp.report.student import mean_interval, t_quantile
from ingestexp.sweep.fate import committed_per_s, is_disturbed, manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestexp.experiment.schema import RunConfig

CONFIDENCE: Final = 0.95
POWER: Final = 0.8
STEADY: Final = (
    "sink=sqlite", "load=poisson", "load.rate_per_s=5000", "load.duration_s=1", "window.max_size=64",
    "window.max_wait_ms=5", "slo.percentile=99", "slo.warmup_s=0.1", "progress=off",
)  # fmt: skip
FLAT_OUT: Final = (
    "sink=sqlite", "load=saturate", "load.item_count=null", "load.duration_s=0.5", "window.max_size=64",
    "window.max_wait_ms=5", "slo.warmup_s=0.1", "progress=off",
)  # fmt: skip
METRICS: Final = {"p50": "ms", "p99": "ms", "throughput": "items/s"}


class PairsError(Exception):
    """A run did not end as it should; in words."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Of one metric over k pairs of equal runs. `difference_*`: B - A, mean and 95 % interval, in the metric's unit.

    `resolves`: the smallest true difference that k pairs would call a difference 4 times in 5,
    (t[1 - 0.05/2, k-1] + t[0.8, k-1]) · s/√k with s the standard deviation of the differences (the usual
    minimum detectable effect of a paired t test, e.g. Bloom 1995). The first t alone is the interval's half width.
    """

    metric: str
    mean: float
    difference_mean: float
    difference_low: float
    difference_high: float
    resolves: float

    @property
    def resolves_ratio(self) -> float:
        return self.resolves / self.mean if self.mean else math.inf


def resolution(metric: str, a: Sequence[float], b: Sequence[float]) -> Resolution:
    """Of at least two pairs."""
    differences = [late - early for early, late in zip(a, b, strict=True)]
    interval = mean_interval(differences, CONFIDENCE)
    freedom = len(differences) - 1
    factor = t_quantile((1 + CONFIDENCE) / 2, freedom) + t_quantile(POWER, freedom)
    spread = stdev(differences) / math.sqrt(len(differences))
    return Resolution(metric, fmean([*a, *b]), fmean(differences), interval.low, interval.high, factor * spread)


def measure(folder: Path, pairs: int, told: Callable[[int, int], None]) -> tuple[list[Resolution], int]:
    """A, B, A, B, … of both configs, in this process. Also: in how many of these runs the host was disturbed.

    `told`: how many of how many runs are over. Raises PairsError, KeyboardInterrupt. The evidence lies in a hidden
    folder below `folder` until it has been read.
    """
    steady, flat_out = _config(STEADY), _config(FLAT_OUT)
    scratch = Path(tempfile.mkdtemp(prefix=".tmp-doctor-", dir=folder))
    try:
        _run(steady, scratch / "warm-up")
        latencies, rates, disturbed = [], [], 0
        for number in range(2 * pairs):
            told(2 * number, 4 * pairs)
            latencies.append(scratch / f"steady-{number}")
            manifest = _run(steady, latencies[-1])
            told(2 * number + 1, 4 * pairs)
            disturbed += is_disturbed(manifest)
            manifest = _run(flat_out, scratch / f"flat-out-{number}")
            disturbed += is_disturbed(manifest)
            rates.append(_rate_per_s(manifest))
        judged = judge_runs(latencies)
        p50 = [_ms(one.p50_ns) for one in judged]
        p99 = [_ms(one.value_ns) for one in judged]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    found = {"p50": p50, "p99": p99, "throughput": rates}
    return [resolution(metric, values[0::2], values[1::2]) for metric, values in found.items()], disturbed


def calm_finding(disturbed: int, pairs: int) -> Finding:
    """Over the two runs of each of two configs a pair."""
    found = f"the host was disturbed in {disturbed} of {4 * pairs} runs"
    says = "these differences are partly a neighbour's: examine again when it is calm" if disturbed else ""
    return Finding("A/A calm", found, CAREFUL if disturbed else OK, says, {"disturbed": disturbed, "runs": 4 * pairs})


def pair_findings(found: Sequence[Resolution], pairs: int) -> list[Finding]:
    """A line a metric. An interval without 0 means that the first of two equal runs differs from the second."""
    lines = []
    for one in found:
        unit, digits = METRICS[one.metric], 0 if one.metric == "throughput" else 3
        about = f"{one.mean:,.{digits}f} {unit}; B - A {one.difference_mean:+,.{digits}f}"
        about += f" ({one.difference_low:+,.{digits}f} to {one.difference_high:+,.{digits}f}) in {pairs} pairs"
        says = f"this host resolves Δ{one.metric} ≥ {one.resolves:,.{digits}f} {unit} ({one.resolves_ratio:.0%})"
        biased = one.difference_low > 0 or one.difference_high < 0
        if biased:
            says += "; equal runs differed: chance (1 time in 20), or the host is changing"
        figures: dict[str, Any] = {
            "mean": one.mean, "difference_mean": one.difference_mean, "difference_low": one.difference_low,
            "difference_high": one.difference_high, "resolves": one.resolves, "resolves_ratio": one.resolves_ratio,
        }  # fmt: skip
        lines.append(Finding(f"A/A {one.metric}", about, CAREFUL if biased else OK, says, figures))
    return lines


def _config(words: Sequence[str]) -> RunConfig:
    line = parse([*words])
    mistakes = line if isinstance(line, list) else (plan := check(line)).mistakes
    if mistakes or isinstance(line, list):
        raise PairsError(f"the doctor's own config is refused: {mistakes[0]}")
    return plan.cells[0].config


def _run(config: RunConfig, run_dir: Path) -> dict[str, Any]:
    run_dir.mkdir()
    result = execute(config, run_dir, ["python", "-m", "ingestexp.doctor"], cell={"experiment": "doctor"})
    if result.status == "interrupted":
        raise KeyboardInterrupt
    if result.status != "completed":
        raise PairsError(f"a run of the pairs {result.status}: {result.reason}")
    return manifest_of(run_dir) or {}


def _rate_per_s(manifest: dict[str, Any]) -> float:
    rate = committed_per_s(manifest)
    if rate is None:
        raise PairsError("a saturating run of the pairs committed nothing")
    return rate


def _ms(value_ns: int | None) -> float:
    if value_ns is None:
        raise PairsError("a run of the pairs has no latencies")
    return value_ns / 1e6
