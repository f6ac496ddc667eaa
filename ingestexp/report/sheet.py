"""Columns and rows as a terminal table, Markdown, CSV or JSON.

Must live here: the four formats, how a cell of unknown meaning reads. Must not: which rows.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

LEAST_TEXT: Final = 16
MOST_SPLIT_ROWS: Final = 80

FORMATS: Final = ("table", "markdown", "csv", "json")

Row = dict[str, Any]


def render(columns: Sequence[str], rows: Sequence[Row], style: str) -> str:
    """Markdown, CSV or JSON. JSON is a list of objects, its figures unrounded; NaN and infinities are null."""
    if style == "json":
        return json.dumps([{name: _plain(row.get(name)) for name in columns} for row in rows], indent=2)
    if style == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if row.get(name) is None else row[name] for name in columns] for row in rows])
        return text.getvalue().rstrip("\n")
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(name)).replace("|", "\\|") for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def print_table(
    console: Console, columns: Sequence[str], rows: Sequence[Row], title: str = "", key_count: int = 0
) -> None:
    """As many columns as fit, from the left; what is left out is named below.

    Nothing is left out of a single row, which then stands as `name=value` pairs, nor where the first `key_count`
    columns name a row: the others go on in further tables, each with these columns again.
    """
    if title:
        console.print(title, style="bold", soft_wrap=True)  # a table's own would wrap at the table's width
    widths = {name: _width(rows, name) for name in columns}
    if len(rows) == 1 and not _fits(console, widths):
        _print_pairs(console, columns, rows[0])
    elif key_count and len(rows) <= MOST_SPLIT_ROWS and not _fits(console, widths):
        for block in _blocks(console, widths, key_count):
            console.print(_table(block, rows, widths))
    else:
        shown = _fitting(console, rows, widths)
        console.print(_table(shown, rows, widths))
        left_out = [name for name in columns if name not in shown]
        if left_out:
            console.print(f"not shown for want of width: {', '.join(left_out)} (--format csv has them)", style="dim")


def _width(rows: Sequence[Row], name: str) -> int:
    lines = (line for row in rows for line in cell(row.get(name)).split("\n"))
    return max([_head_width(name), *map(len, lines)])


def _fits(console: Console, widths: dict[str, int]) -> bool:
    return sum(width + 1 for width in widths.values()) <= console.width - 2


def _fitting(console: Console, rows: Sequence[Row], widths: dict[str, int]) -> list[str]:
    """The columns that fit; the last one's width is cut down where it is a text."""
    shown = list(widths)
    while len(shown) > 2 and not _fits(console, {name: widths[name] for name in shown}):
        room = console.width - 2 - sum(widths[name] + 1 for name in shown[:-1])
        if room > LEAST_TEXT and not _is_numeric(rows, shown[-1]):
            widths[shown[-1]] = room - 1  # a text may be cut short rather than left out
            break
        shown.pop()
    return shown


def _blocks(console: Console, widths: dict[str, int], key_count: int) -> list[list[str]]:
    """The columns in groups that fit, each after the keys."""
    keys, others = list(widths)[:key_count], list(widths)[key_count:]
    blocks = [list(keys)]
    for name in others:
        fits = _fits(console, {each: widths[each] for each in [*blocks[-1], name]})
        if len(blocks[-1]) > key_count and not fits:
            blocks.append(list(keys))
        blocks[-1].append(name)
    return blocks


def _table(shown: Sequence[str], rows: Sequence[Row], widths: dict[str, int]) -> Table:
    # One blank between columns, which is the box's own: the widths count on it.
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    for name in shown:
        table.add_column(
            heading(name) if len(heading(name)) <= widths[name] else heading(name).replace(" ", "\n"),
            justify="right" if _is_numeric(rows, name) else "left",
            no_wrap=not _is_numeric(rows, name),
            max_width=widths[name],
        )
    for row in rows:
        table.add_row(*(Text(cell(row.get(name))) for name in shown))  # not as markup: [a] is no style
    return table


def _print_pairs(console: Console, columns: Sequence[str], row: Row) -> None:
    line = Text("  ")
    for name in columns:
        pair = Text.assemble((f"{name}=", "dim"), cell(row.get(name)))
        if line.cell_len > 2 and line.cell_len + 3 + pair.cell_len > console.width - 1:
            console.print(line, soft_wrap=True)
            line = Text("  ")
        line.append_text(Text("   " if line.cell_len > 2 else "").append_text(pair))
    console.print(line, soft_wrap=True)


def is_text(rows: Sequence[Row], name: str) -> bool:
    return any(isinstance(row.get(name), str) for row in rows)


def _is_numeric(rows: Sequence[Row], name: str) -> bool:
    return any(isinstance(row.get(name), int | float) for row in rows)


def heading(name: str) -> str:
    """On two lines, before the unit: committed/s, committed_per_s."""
    head, slash, unit = name.partition("/")
    return f"{head}\n/{unit}" if slash else name.replace("_", " ")


def _head_width(name: str) -> int:
    return max(map(len, heading(name).replace("\n", " ").split(" ")))


def cell(value: Any) -> str:
    """Three significant digits for what is no whole number; - for what is not known."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "∞" if value > 0 else str(value)
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
