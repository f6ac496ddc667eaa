"""All tables of a sweep for `--format csv|json|markdown`: what the terminal shows, and what it leaves out.

Must live here: which tables, in what order, how several stand in one output. Must not: their figures and columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ingestexp.report.change_lines import change_rows
from ingestexp.report.criterion_sheet import criterion_facts, criterion_row
from ingestexp.report.sheet import render
from ingestexp.report.variant_sheet import variant_rows

if TYPE_CHECKING:
    from ingestexp.report.sweep_report import Sweep

Row = dict[str, Any]


class SweepSheet(NamedTuple):
    name: str
    columns: list[str]
    rows: list[Row]


def sweep_sheets(sweep: Sweep, rounded: bool) -> list[SweepSheet]:
    """`variants`, `comparison`, the experiment's own tables, `acceptance`; a table without a row is left out."""
    judged = zip(sweep.judgements, sweep.shown, strict=True)
    sheets = [
        _sheet("variants", variant_rows(sweep.variants, rounded=rounded)),
        _sheet("comparison", change_rows(sweep.changes)),
        *(
            SweepSheet(name, [column for column in answer.columns if column != "run"], answer.rows)
            for name, answer in sweep.tables
            if not isinstance(answer, str)
        ),
        _sheet("acceptance", [(criterion_row if rounded else criterion_facts)(*each) for each in judged]),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def _sheet(name: str, rows: list[Row]) -> SweepSheet:
    return SweepSheet(name, list(rows[0]) if rows else [], rows)


def render_sheets(sheets: list[SweepSheet], style: str) -> str:
    """JSON: one list, each row with its `table`. CSV: with that as first column, a blank line between two tables.
    Markdown: the first table, then each with its name above it."""
    if style == "json":
        texts = [render(*_named(each), style) for each in sheets]
        return "[" + ",".join(text[1:-1].rstrip() for text in texts) + "\n]"
    if style == "csv":
        return "\n\n".join(render(*_named(each), style) for each in sheets)
    texts = [render(each.columns, each.rows, style) for each in sheets]
    titled = [f"**{each.name}**\n\n{text}" for each, text in zip(sheets[1:], texts[1:], strict=True)]
    return "\n\n".join([*texts[:1], *titled])


def _named(sheet: SweepSheet) -> tuple[list[str], list[Row]]:
    return ["table", *sheet.columns], [{**row, "table": sheet.name} for row in sheet.rows]
