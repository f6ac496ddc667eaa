"""The comparison at the end of a sweep, from its folder alone.

Must live here: what is asked, what stands where, the exit code. Must not: words (`sweep_lines`), figures
(`sweep_figures`), rules (`verdict`, `criteria`), SQL.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from ingestexp.experiment.sweep_folder import FILE_NAME, is_finished, read_sweep
from ingestexp.report.change_lines import change_lines
from ingestexp.report.criteria import Judgement, judge_criteria
from ingestexp.report.criterion_figures import Shown, shown_figures
from ingestexp.report.criterion_sheet import print_criteria
from ingestexp.report.decision_lines import print_decisions
from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.heat_map import print_heat_maps
from ingestexp.report.lag_chart import TABLE as LAG_TABLE
from ingestexp.report.lag_chart import lag_lines
from ingestexp.report.pairing import Change, changes_of
from ingestexp.report.peak_batches import peak_batch_lines
from ingestexp.report.post_hoc import criteria_of, slo_notes
from ingestexp.report.schema_versions import schema_notes
from ingestexp.report.sheet import is_text, print_table
from ingestexp.report.sweep_figures import (
    Cell,
    VariantFigures,
    finished_cells,
    lines_by_evidence,
    variant_figures,
)
from ingestexp.report.sweep_lines import floor_lines, footer_lines, header_lines, reason_lines, shown_folder
from ingestexp.report.variant_sheet import print_variants
from ingestexp.report.verdict import INVALID, PASS

if TYPE_CHECKING:
    from ingestexp.report.evidence import Answer

Row = dict[str, Any]

PLAIN_WIDTH: Final = 120
SAME_ROWS: Final = ("before_after", "window_grid")
"""Tables with a row for each stage and variant, as the sheet of variants: for those who have only the folders."""


@dataclass(slots=True)
class Sweep:
    """A sweep's folder, asked. `tables`: (name, answer or why there is none); `shown`: a figure for each judgement."""

    folder: Path
    facts: Row
    lines: list[Row]
    cells: list[Cell]
    variants: list[VariantFigures]
    judgements: list[Judgement]
    shown: list[Shown] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    tables: list[tuple[str, Answer | str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[Row]:
        return [line for line in self.lines if not is_finished(line)]

    @property
    def exit_code(self) -> int:
        """0: every criterion passes or, where none is declared, every verdict does."""
        if self.missing:
            return 1
        if self.judgements:
            return int(any(judgement.result != PASS for judgement in self.judgements))
        return int(any(variant.result not in (None, PASS) for variant in self.variants))


def open_sweep(folder: Path, with_tables: bool = True) -> Sweep:
    """Asks everything. Raises EvidenceError: no sweep there, nothing of it readable."""
    if not folder.is_dir():
        raise EvidenceError(f"{folder}: no such folder")
    facts = read_sweep(folder)
    if facts is None:
        raise EvidenceError(f"{folder}: not a sweep's folder, it has no {FILE_NAME} that this version can read")
    lines = lines_by_evidence(folder, [line for line in facts.get("cells") or [] if isinstance(line, dict)])
    cells = finished_cells(folder, lines)
    experiment = facts.get("experiment") or {}
    criteria, post_hoc = criteria_of(facts)
    sweep = Sweep(folder, facts, lines, cells, [], [])
    with Answers([cell.folder for cell in cells]) as answers:
        if cells:
            sweep.variants = variant_figures(answers, cells)
        broken = {cell.folder for cell in cells if cell.verdict.get("broken", cell.verdict.get("result") == INVALID)}
        sweep.judgements = judge_criteria(answers, criteria, len(sweep.missing), broken)
        sweep.notes = schema_notes(answers)
        sweep.shown = shown_figures(answers, sweep.judgements, cells)
        if with_tables:
            sweep.changes = changes_of(answers, sweep.variants)
        for name in (experiment.get("tables") or []) if with_tables else []:
            try:
                sweep.tables.append((name, answers.table(name)))
            except (EvidenceError, OSError) as error:
                sweep.tables.append((name, str(error)))
    sweep.notes += [*post_hoc, *slo_notes(cells)]
    return sweep


def print_sweep(folder: Path, console: Console | None = None, judged: list[Sweep] | None = None) -> int:
    """Print it all. 0 if every criterion (or verdict) passes, 1 if not, 2 if the folder can't be read.

    If it has criteria it is added to `judged`, without its tables.
    """
    try:
        sweep = open_sweep(Path(folder))
    except EvidenceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    out = console or (Console(highlight=False) if sys.stdout.isatty() else plain_console())
    _print_lines(out, header_lines(sweep))
    if sweep.variants:
        print_variants(out, sweep.variants)
        _print_lines(out, [*change_lines(sweep.changes), *floor_lines(sweep), *reason_lines(sweep.cells)])
        print_heat_maps(out, sweep.variants)
    print_decisions(out, sweep.facts, Path(shown_folder(sweep.folder)))
    _print_lines(out, peak_batch_lines(sweep.facts, sweep.variants))
    for name, answer in sweep.tables:
        if isinstance(answer, str):
            out.print(Text(f"{name}: {answer}", style="yellow"), soft_wrap=True)
        elif name == LAG_TABLE:
            _print_lines(out, lag_lines(answer.rows, sweep.cells))
        elif name in SAME_ROWS and _stand_above(sweep, answer.rows):
            where = f"{name}: its {len(answer.rows)} rows stand above, by stage and variant"
            out.print(Text(f"{where} (--format csv has it by itself)", style="dim"), soft_wrap=True)
        else:
            columns = [column for column in answer.columns if column != "run"]
            keys = next((n for n, column in enumerate(columns) if not is_text(answer.rows, column)), len(columns))
            print_table(out, columns, answer.rows, f"{name}   (analysis/tables/{name}.sql)", max(1, keys))
    if sweep.judgements:
        print_criteria(out, sweep.judgements, sweep.shown)
    _print_lines(out, footer_lines(sweep))
    if judged is not None and sweep.judgements:
        judged.append(replace(sweep, tables=[], changes=[]))
    return sweep.exit_code


def _stand_above(sweep: Sweep, rows: list[Row]) -> bool:
    return {(row.get("stage"), row.get("variant")) for row in rows} <= {(v.stage, v.variant) for v in sweep.variants}


def _print_lines(out: Console, lines: list[Text]) -> None:
    for line in lines:
        out.print(line, soft_wrap=True)


def plain_console() -> Console:
    return Console(width=PLAIN_WIDTH, color_system=None, force_terminal=False, highlight=False)
