"""The sheet of a sweep's variants: a row for each stage and variant.

Must live here: which columns, in which words. Must not: figures (`sweep_figures`), where the sheet stands
(`sweep_report`), what one variant does to another (`change_lines`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestexp.report import wording as say
from ingestexp.report.sheet import print_table

if TYPE_CHECKING:
    from rich.console import Console

    from ingestexp.report.sweep_figures import VariantFigures

Row = dict[str, Any]


def variant_rows(variants: list[VariantFigures], rounded: bool = True) -> list[Row]:
    """One row a (stage, variant). Rounded: as it is read; else as it is computed with."""
    return [_rounded(each) if rounded else _unrounded(each) for each in variants]


def _unrounded(each: VariantFigures) -> Row:
    interval = each.p99_interval_ms
    return {
        "stage": each.stage,
        "variant": each.variant,
        "runs": len(each.cells),
        "verdict": each.result,
        "offered_per_s": each.offered_per_s,
        "committed_per_s": each.committed_per_s,
        "p50_ms": each.p50_ms,
        "p_slo_ms": each.p99_ms,
        "p_slo_low_ms": None if interval is None else interval.low,
        "p_slo_high_ms": None if interval is None else interval.high,
        "is_lower_bound": each.is_lower_bound,
        "growing_runs": each.growing_count,
        "items_per_batch": each.items_per_batch,
        "commits_per_item": each.per_item("commits"),
        "fsyncs_per_item": each.per_item("fsyncs"),
        "round_trips_per_item": each.per_item("round_trips"),
        "syscalls_per_item": each.per_item("syscalls"),
    }


def _rounded(each: VariantFigures) -> Row:
    """The most telling columns first: a narrow terminal continues below."""
    return {
        "stage": each.stage,
        "variant": each.variant,
        "verdict": _verdict_text(each),
        "p50 ms": None if each.p50_ms is None else say.ms(each.p50_ms * 1e6),
        "p99 ms": _p99_text(each),
        "committed/s": each.committed_per_s,
        "commits/item": each.per_item("commits"),
        "items/batch": each.items_per_batch,
        "fsyncs/item": each.per_item("fsyncs"),
        "offered/s": each.offered_per_s,
        "round trips/item": each.per_item("round_trips"),
        "syscalls/item": each.per_item("syscalls"),
        "runs": len(each.cells),
    }


def print_variants(out: Console, variants: list[VariantFigures]) -> None:
    """A column that says the same nothing for all is left out."""
    rows = variant_rows(variants)
    percentiles = {(cell.manifest.get("slo") or {}).get("percentile", 99) for each in variants for cell in each.cells}
    name = f"p{percentiles.pop():g} ms" if len(percentiles) == 1 else "p(SLO) ms"
    rows = [{name if key == "p99 ms" else key: value for key, value in row.items()} for row in rows]
    kept = [key for key in rows[0] if any(row[key] not in (None, "", 0) for row in rows)]
    if max(len(each.cells) for each in variants) == 1:
        kept.remove("runs")
    print_table(out, kept, rows, key_count=sum(key in kept for key in ("stage", "variant")))


def _verdict_text(each: VariantFigures) -> str:
    if each.result is None:
        return "capacity"
    same = sum(cell.verdict.get("result") == each.result for cell in each.cells)
    return each.result if same == len(each.cells) else f"{each.result} {same} of {len(each.cells)}"


def _p99_text(each: VariantFigures) -> str | None:
    if each.p99_ms is None:
        return None
    value = say.ms(each.p99_ms * 1e6)
    if each.growing_count:
        return f"≥ {value}, growing"
    if each.p99_interval_ms is None:
        return value
    high = "∞" if each.is_lower_bound else say.ms(each.p99_interval_ms.high * 1e6)
    return f"{value} [{say.ms(each.p99_interval_ms.low * 1e6)}, {high}]"
