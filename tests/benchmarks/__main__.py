"""`python -m tests.benchmarks [name …] [--list]`: the figures, as a table and as JSON under `runs/bench/`.

Exit codes: 0 every reach was met, 1 one was missed, 2 usage, 3 a measurement failed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks import harness
from tests.benchmarks.rows import FAILED, Found, Row, figure


def main() -> int:
    options = parse()
    if options.measure is not None:
        harness.measure_here(options.measure, options.into)
        return 0
    console = Console()
    if options.list:
        for name in harness.names():
            console.print(f"{name:24} {harness.headline(name)}", highlight=False, markup=False)
        return 0
    chosen: list[str] = options.names or harness.names()
    unknown = sorted(set(chosen) - set(harness.names()))
    if unknown:
        print(f"no measurement is called {', '.join(unknown)}; there are {', '.join(harness.names())}", file=sys.stderr)
        return 2
    return session(chosen, console)


def session(chosen: list[str], console: Console) -> int:
    started_at, before = datetime.now(UTC), harness.host()
    found = Found()
    for name in chosen:
        print(f"{name}: {harness.headline(name)}", file=sys.stderr, flush=True)
        found.add(name, harness.measure_apart(name))
    harness.add_ratios(found, chosen)
    console.print(table(found))
    console.print(f"written to {harness.record(found, before, started_at).relative_to(harness.ROOT)}", highlight=False)
    rows = [row for of_one in found.rows().values() for row in of_one]
    if any(row.slug == FAILED for row in rows):
        return 3
    return 1 if any(row.ok is False for row in rows) else 0


def table(found: Found) -> Table:
    shown = Table(title="Figures of this machine, this session")
    for heading in ("measurement", "what", "value", "unit", "reach", "", "note"):
        shown.add_column(
            heading,
            justify="right" if heading == "value" else "left",
            overflow="fold",
            no_wrap=heading in {"measurement", "value"},
        )
    for name, rows in found.rows().items():
        for number, row in enumerate(rows):
            label = name if number == 0 else ""
            shown.add_row(label, row.what, figure(row.value), row.unit, row.reach, mark(row), row.note)
        shown.add_section()
    return shown


def mark(row: Row) -> str:
    return {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[row.ok]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="measurements to run (default: all)")
    parser.add_argument("--list", action="store_true", help="name the measurements and stop")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
