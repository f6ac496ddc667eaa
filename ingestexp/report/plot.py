"""The pictures of a run or a sweep as a file, with matplotlib (the optional extra `plot`).

Must live here: axes, colours, which table feeds which picture. Must not: figures of its own (tables and `sweep_figures`
have them), the terminal's pictures (`batch_chart`, `heat_map`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.report import wording as say
from ingestexp.report.evidence import EvidenceError, open_evidence
from ingestexp.report.figures import slo_of
from ingestexp.report.heat_map import Window, axes, grids
from ingestexp.report.intervals import BUCKETS_PER_DOUBLING
from ingestexp.report.verdict import FAIL, INVALID, PASS

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.report.evidence import Evidence
    from ingestexp.report.sweep_figures import VariantFigures

SUFFIXES: Final = (".png", ".svg", ".pdf")
_COLOURS: Final = {PASS: "#2a9d5c", FAIL: "#c8553d", INVALID: "#9a9a9a"}
_UNDECIDED: Final = "#d9a441"
_CAUSES: Final = {"size": "#2b7a9b", "bytes": "#31508c", "age": "#d9a441", "drain": "#9a9a9a", "retry": "#c8553d"}
_MOST_ROWS: Final = 60
_COLOUR_SPAN: Final = 20


def check_plot(file: Path) -> None:
    """Raises EvidenceError where no picture could be written, before anything is computed."""
    if file.suffix not in SUFFIXES:
        raise EvidenceError(f"--plot {file}: the name has to end in {', '.join(SUFFIXES)}")
    if not file.absolute().parent.is_dir():
        raise EvidenceError(f"--plot {file}: there is no folder {file.absolute().parent}")
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise EvidenceError("--plot needs matplotlib: pip install 'ingestexp[plot]'") from error
    mpl.use("Agg")  # no display is needed, and none is opened


def plot_run(run_dir: Path, file: Path) -> None:
    """Batch sizes, the response's distribution, rates and the backlog over time."""
    from matplotlib.figure import Figure

    with open_evidence(run_dir) as evidence:
        figure = Figure(figsize=(11, 7.5), layout="constrained")
        (sizes, responses), (rates, depth) = figure.subplots(2, 2)
        _batch_sizes(sizes, evidence)
        _responses(responses, evidence)
        _over_time(rates, depth, evidence)
        simulated = "   SIMULATED" if evidence.manifest.get("clock") == "simulated" else ""
        figure.suptitle(f"{evidence.manifest.get('run_id') or run_dir.name}{simulated}")
        _save(figure, file)


def plot_sweep(variants: list[VariantFigures], title: str, file: Path) -> None:
    """The SLO's percentile of every variant with its interval, and a map for each stage that has a grid of windows."""
    from matplotlib.figure import Figure

    shown = [each for each in variants if each.p99_ms is not None][:_MOST_ROWS]
    if not shown:
        raise EvidenceError("no cell has a latency to plot: capacity runs have none")
    maps = grids(variants)
    height = max(3.0, 0.24 * len(shown) + 1.2)
    figure = Figure(figsize=(6.5 + 5.5 * bool(maps), max(height, 2.6 * len(maps))), layout="constrained")
    if maps:
        halves: Any = figure.subfigures(1, 2, width_ratios=(1.2, 1))
        left, right = halves
        for axis, (stage, grid) in zip(np.atleast_1d(right.subplots(len(maps), 1)), maps.items(), strict=True):
            _heat_map(axis, stage, grid)
    else:
        left = figure
    _percentiles(left.subplots(), shown)
    figure.suptitle(title)
    _save(figure, file)


def _save(figure: Any, file: Path) -> None:
    hidden = file.with_name(f".tmp-{file.name}")
    try:
        figure.savefig(hidden, dpi=130)
        hidden.replace(file)
    except OSError as error:
        raise EvidenceError(f"--plot {file}: can't be written: {error.strerror or error}") from error


def _batch_sizes(axis: Any, evidence: Evidence) -> None:
    rows = evidence.rows("tables/batch_size_histogram.sql")
    bins = sorted({(row["bin_low"], row["bin_high"]) for row in rows})
    labels = [f"{low}" if low == high else f"{low}-{high}" for low, high in bins]
    bottom = np.zeros(len(bins))
    for cause in dict.fromkeys(row["flush_cause"] for row in rows):
        counts = np.zeros(len(bins))
        for row in rows:
            if row["flush_cause"] == cause:
                counts[bins.index((row["bin_low"], row["bin_high"]))] += row["batch_count"]
        axis.bar(labels, counts, bottom=bottom, label=cause, color=_CAUSES.get(cause, "#6b4c9a"))
        bottom += counts
    axis.set(title="batch sizes, by what closed them", xlabel="items", ylabel="batches")
    axis.tick_params(axis="x", rotation=45)
    if rows:
        axis.legend()


def _responses(axis: Any, evidence: Evidence) -> None:
    """The share of items slower than x, both logarithmic: the tail is what one looks for."""
    query = "SELECT bucket, sum(item_count)::BIGINT AS n FROM latency_histogram WHERE measure = 'response' GROUP BY 1"
    counted = evidence.arrays(f"{query} ORDER BY 1", "latency_histogram")
    slo = slo_of(evidence.manifest)
    if len(counted["bucket"]):
        at_ms = np.exp2((counted["bucket"].astype(float) + 0.5) / BUCKETS_PER_DOUBLING) / 1e6
        slower = counted["n"].sum() - np.cumsum(counted["n"])
        shown = slower > 0
        axis.step(at_ms[shown], slower[shown] / counted["n"].sum(), where="post", color="#2b7a9b")
        axis.set(xscale="log", yscale="log")
        axis.axvline(slo.bound_ns / 1e6, color=_COLOURS[FAIL], linestyle="--", label=f"bound {slo.bound_ns / 1e6:g} ms")
        axis.axhline(1 - slo.percentile / 100, color="#9a9a9a", linestyle=":", label=f"p{slo.percentile:g}")
        axis.legend()
    axis.set(title="response: share of items slower than …", xlabel="ms")


def _over_time(rates: Any, depth: Any, evidence: Evidence) -> None:
    rows = evidence.rows("tables/throughput_over_time.sql")
    seconds = [row["from_ns"] / 1e9 for row in rows]
    rates.step(seconds, [row["due_per_s"] for row in rows], where="post", label="due", color="#9a9a9a")
    rates.step(seconds, [row["committed_per_s"] for row in rows], where="post", label="committed", color="#2a9d5c")
    rates.set(title="items/s", xlabel="s")
    rates.set_ylim(bottom=0)
    deep = evidence.rows("tables/queue_depth.sql")
    depth.step(
        [row["at_ms"] / 1e3 for row in deep], [row["depth_max"] for row in deep], where="post", label="queue depth"
    )
    depth.step(seconds, [row["lag_items"] for row in rows], where="post", label="lag: due − settled", color="#c8553d")
    depth.set(title="items waiting", xlabel="s")
    depth.set_ylim(bottom=0)
    rates.legend()
    depth.legend()


def _percentiles(axis: Any, variants: list[VariantFigures]) -> None:
    labels = [f"{each.stage} · {each.variant}".removeprefix(" · ") for each in variants]
    for at, each in enumerate(variants):
        value, interval = each.p99_ms or 0.0, each.p99_interval_ms
        colour = _COLOURS.get(each.result or "", _UNDECIDED)
        if interval is not None:
            axis.plot([max(interval.low, 1e-3), max(min(interval.high, 1e9), value)], [at, at], color=colour)
        axis.plot([value], [at], marker=">" if each.is_lower_bound else "o", color=colour)
    slo = variants[0].cells[0].manifest.get("slo") or {}
    if slo.get("bound_ms"):
        axis.axvline(slo["bound_ms"], color="#555555", linestyle="--", label=f"bound {slo['bound_ms']:g} ms")
        axis.legend()
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel=f"p{slo.get('percentile', 99):g} response, ms (▸ at least)")


def _heat_map(axis: Any, stage: str, grid: dict[Window, VariantFigures]) -> None:
    """Green below the bound, red above, alike in all maps: the colour's middle is the bound."""
    from matplotlib.colors import LogNorm

    sizes, waits = axes(grid)
    values = np.full((len(sizes), len(waits)), np.nan)
    for (size, wait), each in grid.items():
        values[sizes.index(size), waits.index(wait)] = each.p99_ms
    slo = next(iter(grid.values())).cells[0].manifest.get("slo") or {}
    bound = float(slo.get("bound_ms") or np.nanmedian(values))
    norm = LogNorm(bound / _COLOUR_SPAN, bound * _COLOUR_SPAN, clip=True)
    axis.imshow(values, norm=norm, cmap="RdYlGn_r", aspect="auto", origin="lower", alpha=0.8)
    for (size, wait), each in grid.items():
        text = (
            f"{'≥' if each.growing_count else ''}{say.ms((each.p99_ms or 0) * 1e6)}{'' if each.result == PASS else '!'}"
        )
        axis.text(waits.index(wait), sizes.index(size), text, ha="center", va="center", fontsize=8)
    axis.set_xticks(range(len(waits)), ["no timer" if wait is None else f"{wait:g}" for wait in waits])
    axis.set_yticks(range(len(sizes)), [f"{size:,}" for size in sizes])
    axis.set(title=f"{stage}: p{slo.get('percentile', 99):g} ms (! not PASS)", xlabel="max_wait ms", ylabel="max_size")
