"""How `report list` reads on a terminal: one line a run or sweep, and what differs never left out.

Must live here: what is shortened for want of width. Must not: what is listed (`listing`).
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report.sheet import cell, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

Row = dict[str, Any]

COLUMNS: Final = ("folder", "status", "verdict", "committed/s", "p99 ms")
MOST_LINES: Final = 3


def print_list(out: Console, rows: Sequence[Row], pattern: str) -> None:
    """What differs stands in a column of its own where there is room, else below the folder's name."""
    base = Path(pattern)
    short = [_short(row, base) for row in rows]
    title = (
        f"below {base}/"
        if any(row["folder"] != given["folder"] for row, given in zip(short, rows, strict=True))
        else ""
    )
    taken = sum(1 + max(len(name.partition("/")[0]), *(len(cell(row[name])) for row in short)) for name in COLUMNS)
    if taken + max(len(row["differs"]) for row in short) < out.width - 2:
        print_table(out, [*COLUMNS, "differs"], short, title)
        return
    longest = max(len(row["folder"]) for row in short)
    room = max(longest, out.width - 3 - taken + longest)
    for row in short:
        lines = textwrap.wrap(row["differs"], room, initial_indent="  ", subsequent_indent="  ")
        row["folder"] = "\n".join([row["folder"], *_at_most(lines)])
    print_table(out, COLUMNS, short, title)


def _at_most(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][:-2] + " …"]


def _short(row: Row, base: Path) -> Row:
    folder, status = Path(row["folder"]), str(row["status"])
    return {
        "folder": str(folder.relative_to(base)) if folder != base and folder.is_relative_to(base) else str(folder),
        "status": status.removeprefix("completed ") if "/" in status else status,
        "verdict": row["verdict"],
        "committed/s": row["committed_per_s"],
        "p99 ms": row["p99_ms"],
        "differs": row["differs"],
    }
