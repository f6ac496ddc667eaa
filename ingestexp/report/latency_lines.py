"""Latency in lines: quantiles of response and service, the generator's lateness, blame, backlog.

Must live here: these lines' words. Must not: how the figures are computed (`analysis/`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from ingestexp.report import wording as say
from ingestexp.report.hints import BLAMED
from ingestexp.report.verdict import FAIL, INVALID, PASS

if TYPE_CHECKING:
    from ingestexp.report.figures import Figures

QUANTILES: Final = ("p50", "p95", "p99", "p99.9", "max")
WIDTH: Final = 11


def quantile_text(row: dict[str, Any] | None) -> str:
    """A quantile in ms; `≥` where unsettled items leave only a lower bound; `∞` where losses reach it."""
    if row is None:
        return "-"
    if row["value_ns"] is None:
        return "∞"
    return ("≥ " if row["is_lower_bound"] else "") + say.ms(row["value_ns"])


def latency_lines(figures: Figures) -> list[Text]:
    """Response and service side by side, the former's last column saying over which items."""
    counted = figures.latency.get(("response", "max")) or figures.latency.get(("service", "max"))
    if counted is None:
        return [Text("no item was kept: there is no latency")]
    warmup = f"due after the {say.seconds(figures.warmup_ns)} warm-up" if figures.warmup_ns else "warm-up included"
    if figures.is_saturate:
        warmup = "no response in a capacity run"
    head = Text(f"{'ms':<10}" + "".join(f"{name:>{WIDTH}}" for name in QUANTILES), style="dim")
    head.append(f"   {counted['item_count']:,} items, {warmup}")
    lines = [head]
    meaning = {"response": "settled - intended", "service": "settled - sent"}
    grows = bool(figures.backlog and figures.backlog["grows"])
    for measure in ("response", "service"):
        rows = [figures.latency.get((measure, name)) for name in QUANTILES]
        if not any(rows):
            continue
        cells = [quantile_text(row) for row in rows]
        growing = measure == "response" and grows
        if growing:
            cells = [cell if cell.startswith("≥") else f"≥ {cell}" for cell in cells]
        line = Text(f"{measure:<10}" + "".join(f"{cell:>{WIDTH}}" for cell in cells))
        line.append(f"   {meaning[measure]}" + (", and growing" if growing else ""), style="red" if growing else "dim")
        lines.append(line)
    return lines


def lateness_line(figures: Figures) -> Text:
    """Whether the instrument was punctual, and whether that matters."""
    late = figures.lateness
    if late is None:
        return Text("no intended times")
    text = f"lateness p50 {say.ms(late['p50_ns'])}, p99 {say.ms(late['p99_ns'])}, max {say.ms(late['max_ns'])} ms: "
    response = figures.latency.get(("response", "slo"))
    tail_ns = response["value_ns"] if response else None
    if figures.verdict.result == INVALID and "generator" in figures.verdict.reason:
        return Text(text + "it decides, see the verdict", style="red")
    if late["p99_ns"] <= 0.01 * figures.slo.bound_ns or (tail_ns and late["p99_ns"] <= 0.05 * tail_ns):
        return Text(text + "does not matter here")
    same = "; the verdict is the same without it" if figures.verdict.result in (PASS, FAIL) else ""
    return Text(f"{text}part of the response{same}", style="yellow")


def blame_lines(figures: Figures) -> list[Text]:
    """Where the slow items' time went, the parts summing to their mean response."""
    blame = figures.blame
    if blame is None:
        return []
    tail = f"{blame['item_count']:,} slowest item{'s' if blame['item_count'] != 1 else ''}"
    head = f"the {tail} (from {say.ms(blame['tail_from_ns'])} ms) took {say.ms(blame['response_ns'])} ms on average:"
    if blame["unsettled_count"]:
        head += f" {blame['unsettled_count']:,} of them unsettled, so at least that"
    total = blame["response_ns"] or 1
    words = Text()
    biggest = max(BLAMED, key=lambda part: float(blame[f"{part}_ns"]))
    for part in BLAMED:
        value = blame[f"{part}_ns"]
        if part == "decode" and not value:
            continue  # nothing came in envelopes
        if words.plain:
            words.append(" + ")
        words.append(f"{part} {say.ms(value)} ({value / total:.0%})", style="bold" if part == biggest else "")
    return [Text(head), words]


def backlog_line(figures: Figures) -> list[Text]:
    """Whether the run keeps up with its load."""
    backlog = figures.backlog
    if backlog is None:
        return []
    at_end = f"{say.count(backlog['lag_at_end'])} items behind at the load's end"
    if not backlog["grows"]:
        return [Text(f"steady: it does not grow with the load's duration, {at_end}")]
    share = backlog["slope_items_per_s"] / backlog["due_per_s"] if backlog["due_per_s"] else 0
    rate = f"{say.count(backlog['slope_items_per_s'])} items/s ({say.share(share)} of what is due)"
    return [Text(f"GROWS by {rate}, {at_end}: saturated, no latency holds", style="red")]
