"""What each command of `python -m ingestexp.report` prints.

Must live here: from arguments to sheets, exit codes. Must not: parsing the command line (`__main__`), figures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from ingestexp.experiment.sweep_folder import FILE_NAME as SWEEP_FILE
from ingestexp.experiment.sweep_folder import read_sweep, sweeps_below
from ingestexp.report.comparing import compare_runs
from ingestexp.report.comparison_sheet import COLUMNS as COMPARED
from ingestexp.report.comparison_sheet import NOTE_COLUMNS, comparison_rows, head_lines
from ingestexp.report.criterion_sheet import criterion_facts, criterion_line, criterion_row
from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.listing import COLUMNS, rows
from ingestexp.report.listing_sheet import print_list
from ingestexp.report.noise_floor import noise_floor_line
from ingestexp.report.schema_versions import schema_notes
from ingestexp.report.sheet import print_table, render
from ingestexp.report.sweep_lines import missing_lines, shown_folder
from ingestexp.report.sweep_report import open_sweep, plain_console, print_sweep
from ingestexp.report.sweep_sheets import render_sheets, sweep_sheets
from ingestexp.report.verdict import PASS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.report.sweep_report import Sweep

Row = dict[str, Any]

EXIT_UNREADABLE: Final = 2


def show(folder: Path, style: str, plot: Path | None = None) -> int:
    """A run's summary, or a sweep's comparison; `plot`: where to write its pictures as well."""
    if plot is None:
        return _show(folder, style)
    from ingestexp.report.plot import check_plot, plot_run, plot_sweep

    check_plot(plot)
    code = _show(folder, style)
    if code == EXIT_UNREADABLE:
        return code
    if (folder / SWEEP_FILE).is_file():
        sweep = open_sweep(folder, with_tables=False)
        plot_sweep(sweep.variants, str((sweep.facts.get("experiment") or {}).get("name") or folder.name), plot)
    else:
        plot_run(folder, plot)
    print(f"picture   {plot}", file=sys.stderr if style != "table" else sys.stdout)
    return code


def _show(folder: Path, style: str) -> int:
    if not (folder / SWEEP_FILE).is_file():
        if style != "table":
            return _show_run_rows(folder, style)
        from ingestexp.report.summary import show as show_run

        return show_run(folder)
    if style == "table":
        return print_sweep(folder)
    sweep = open_sweep(folder)
    print(render_sheets(sweep_sheets(sweep, rounded=style == "markdown"), style))
    _aside([*missing_lines(sweep), *map(Text, sweep.notes)])
    return sweep.exit_code


def _aside(lines: Sequence[Text]) -> list[Text]:
    """What must be known beside rows that a machine reads: on stderr."""
    for line in lines:
        print(line.plain, file=sys.stderr)
    return []


def _show_run_rows(folder: Path, style: str) -> int:
    from ingestexp.report.evidence import open_evidence
    from ingestexp.report.figures import figures_of

    with open_evidence(folder) as evidence:
        figures = figures_of(evidence)
    found: list[Row] = [{"figure": "verdict", "value": figures.verdict.result, "unit": None}]
    found += [{"figure": name, "value": figures.count(name), "unit": "items"} for name in ("committed", "unsettled")]
    found += [{"figure": "offered", "value": figures.offered, "unit": "items"}]
    found += [
        {
            "figure": f"{measure} {quantile}",
            "value": None if row["value_ns"] is None else row["value_ns"] / 1e6,
            "unit": "ms",
        }
        for (measure, quantile), row in figures.latency.items()
    ]
    found += [
        {"figure": name, "value": value, "unit": None} for name, value in figures.cost.items() if name not in ("run",)
    ]
    print(render(["figure", "value", "unit"], found, style))
    return figures.verdict.exit_code


def accept(named: Sequence[str], style: str) -> int:
    """The criteria of all of them in one table; 0 if every one passes."""
    sweeps = []
    for name in named:
        sweep = open_sweep(_sweep_folder(name), with_tables=False)
        if not sweep.judgements:
            raise EvidenceError(f"{name}: this sweep declares no acceptance criteria (experiment.acceptance)")
        sweeps.append(sweep)
    return accept_sweeps(sweeps, style)


def accept_sweeps(sweeps: Sequence[Sweep], style: str) -> int:
    """As `accept`, of sweeps that are open already and have criteria."""
    sheet: list[Row] = []
    lines: list[Text] = []
    passed = 0
    for sweep in sweeps:
        experiment = (sweep.facts.get("experiment") or {}).get("name") or sweep.folder.name
        row_of = criterion_row if style in ("table", "markdown") else criterion_facts
        judged = zip(sweep.judgements, sweep.shown, strict=True)
        sheet += [{"experiment": experiment, **row_of(*each)} for each in judged]
        passed += sum(each.result == PASS for each in sweep.judgements)
        lines += [criterion_line(each) for each in sweep.judgements if each.result != PASS]
        odd = [*missing_lines(sweep), *map(Text, sweep.notes)]
        lines += odd if style == "table" else _aside(odd)
        lines.append(Text.assemble(("evidence  ", "bold"), f"{experiment}: {shown_folder(sweep.folder)}"))
    if style != "table":
        print(render(list(sheet[0]), sheet, style))
    else:
        out = _console()
        print_table(out, list(sheet[0]), sheet, "acceptance")
        for line in lines:
            out.print(line, soft_wrap=True)
        print(f"{passed} of {len(sheet)} criteria PASS")
    return int(passed < len(sheet))


def _sweep_folder(name: str) -> Path:
    """A folder as it is, or the newest sweep below runs/ of an experiment with that name."""
    folder = Path(name)
    if folder.is_dir():
        return folder
    known = set()
    for candidate, _ in sweeps_below(Path("runs")):
        experiment = ((read_sweep(candidate) or {}).get("experiment") or {}).get("name")
        if experiment == name:
            return candidate
        known.add(experiment)
    there = ", ".join(sorted(filter(None, known))) or "none"
    raise EvidenceError(f"{name}: neither a sweep's folder nor an experiment with a sweep below runs/ ({there})")


def list_runs(pattern: str, style: str) -> int:
    found = rows(pattern)
    if not found:
        raise EvidenceError(f"{pattern}: no run and no sweep there")
    if style == "table":
        print_list(_console(), found, pattern)
    else:
        _print(list(COLUMNS), found, style)
    return 0


def ask(query: str, named: Sequence[str], style: str) -> int:
    """Any SQL over the views."""
    folders = [each for name in named for each in _run_folders(Path(name))]
    with Answers(folders) as answers:
        answer = answers.asked(query)
        notes = schema_notes(answers)
        found = [
            {**row, **{key: str(answers.folder_of(row[key])) for key in ("run", "other_run") if _is_link(row.get(key))}}
            for row in answer.rows
        ]
    _print(answer.columns, found, style)
    _aside(list(map(Text, notes)))
    return 0


def _is_link(run: Any) -> bool:
    return isinstance(run, str) and run.rpartition("/")[2].isdigit()


def _run_folders(folder: Path) -> list[Path]:
    """Itself, or the runs of a sweep."""
    if (folder / "manifest.json").is_file():
        return [folder]
    found = sorted(file.parent for file in folder.glob("*/manifest.json"))
    if not found:
        raise EvidenceError(f"{folder}: neither a run's folder nor a sweep's (no manifest.json in it or one below)")
    return found


def compare(a: Path, b: Path, style: str) -> int:
    found = compare_runs(a, b)
    in_words = style in ("table", "markdown")
    if style == "table":
        print("\n".join([f"A = {a}", f"B = {b}", *head_lines(found)]))
    columns = list(COMPARED) if in_words else [*COMPARED, *NOTE_COLUMNS]
    _print(columns, comparison_rows(found, in_words), style)
    if style == "table" and not found.is_simulated:
        print(noise_floor_line(b, found.hosts[1]))
    return 0


def _print(columns: list[str], found: list[Row], style: str) -> None:
    if style == "table":
        print_table(_console(), columns, found)
    else:
        print(render(columns, found, style))


def _console() -> Console:
    return Console(highlight=False) if sys.stdout.isatty() else plain_console()
