"""What a variant does to the first of its stage, in lines of a terminal's 80 columns, and as rows.

Must live here: words and column names. Must not: the differences (`pairing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from ingestexp.report import wording as say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestexp.report.intervals import Interval
    from ingestexp.report.paired_percentiles import PercentileChange
    from ingestexp.report.pairing import Change, Slope

Row = dict[str, Any]

MOST_LINES: Final = 40


def change_lines(changes: Sequence[Change]) -> list[Text]:
    """A head line for each, and what its pairs say below it."""
    lines = [line for change in changes for line in _lines(change)]
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], Text(f"… and {more} more lines (--format csv has them)")]


def _lines(change: Change) -> Iterator[Text]:
    place = ", ".join(filter(None, (change.stage, change.point)))
    where = f"{place}: " if place else ""
    names = (change.name(change.first), change.name(change.second))
    parts = []
    if change.rate_ratio is not None:
        parts.append(f"committed/s × {say.ratio(change.rate_ratio)}{_between(change.rate_interval, say.ratio)}")
    before, after = change.first.per_item("commits"), change.second.per_item("commits")
    if before and after:
        parts.append(f"commits/item ÷ {say.ratio(before / after)}")
    if not change.percentiles and change.first.p99_ms is not None and change.second.p99_ms is not None:
        signs = ["≥ " if each.growing_count else "" for each in (change.first, change.second)]
        values = [say.ms(each * 1e6) for each in (change.first.p99_ms, change.second.p99_ms)]
        parts.append(f"p99 {signs[0]}{values[0]} → {signs[1]}{values[1]} ms")
    yield Text(f"{where}{names[0]} → {names[1]}: {', '.join(parts)}")
    if change.predicted_ratio is not None:
        measured = "" if change.rate_ratio is None else f", measured × {say.ratio(change.rate_ratio)}"
        interval = _between(change.rate_interval, say.ratio)
        predicted = say.ratio(change.predicted_ratio)
        yield Text(f"    speed-up  the cost model predicts × {predicted}{measured}{interval}")
    for each in change.percentiles:
        yield Text(f"    {f'p{each.percentile:g}':<8}  {_percentile_text(each, len(change.pairs))}")
    if change.slopes is not None:
        for label, name, slope in zip(("backlog", ""), names, change.slopes, strict=True):
            yield Text(f"    {label:<8}  {name} {_slope_text(slope)}")
    if change.note:
        yield Text(f"    {change.note}", style="yellow")


def _percentile_text(each: PercentileChange, pair_count: int) -> str:
    before = _value(each.before_ms, each.before_least, each.before_growing)
    after = _value(each.after_ms, each.after_least, each.after_growing)
    if each.delta_ms is None or each.interval_ms is None:
        return f"{before} → {after} ms: no Δ of what is only known to be more"
    over = f" over {pair_count} pairs" if pair_count > 1 else " over one pair"
    return (
        f"{before} → {after} ms, Δ {say.signed_ms(each.delta_ms)}{_between(each.interval_ms, say.signed_ms)} ms{over}"
    )


def _value(value_ms: float, least: bool, growing: bool) -> str:
    return f"{'≥ ' if least else ''}{say.ms(value_ms * 1e6)}{', growing,' if growing else ''}"


def _slope_text(slope: Slope) -> str:
    how = f"grows in {slope.growing_count} of {slope.run_count} runs" if slope.growing_count else "steady"
    return f"{say.signed_rate(slope.mean)}{_between(slope.interval, say.signed_rate)} items/s, {how}"


def _between(interval: Interval | None, words: Any) -> str:
    return "" if interval is None else f" [{words(interval.low)}, {words(interval.high)}]"


def change_rows(changes: Sequence[Change]) -> list[Row]:
    """Unrounded; null where it is not known. `slo`: the percentile that the SLO names."""
    return [_row(change) for change in changes]


def _row(change: Change) -> Row:
    before, after = change.first.per_item("commits"), change.second.per_item("commits")
    row: Row = {
        "stage": change.stage,
        "variant": change.first.variant,
        "other_variant": change.second.variant,
        "pairs": len(change.pairs),
        "committed_ratio": change.rate_ratio,
        **_ends("committed_ratio", change.rate_interval),
        "predicted_ratio": change.predicted_ratio,
        "commits_per_item_ratio": before / after if before and after else None,
    }
    by_name: dict[str, PercentileChange | None] = {"p50": None, "p_slo": None}
    by_name |= dict(zip(by_name, change.percentiles, strict=False))
    for name, each in by_name.items():
        row[f"{name}_ms"] = None if each is None else each.before_ms
        row[f"other_{name}_ms"] = None if each is None else each.after_ms
        row[f"{name}_delta_ms"] = None if each is None else each.delta_ms
        row |= _ends(f"{name}_delta_ms", None if each is None else each.interval_ms)
    for side, prefix in enumerate(("", "other_")):
        slope = None if change.slopes is None else change.slopes[side]
        name = f"{prefix}backlog_items_per_s"
        row[name] = None if slope is None else slope.mean
        row |= _ends(name, None if slope is None else slope.interval)
        row[f"{prefix}growing_runs"] = None if slope is None else slope.growing_count
    return row


def _ends(name: str, interval: Interval | None) -> Row:
    return {
        f"{name}_low": None if interval is None else interval.low,
        f"{name}_high": None if interval is None else interval.high,
    }
