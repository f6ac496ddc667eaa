"""The comparison at the end of a sweep, from its folder alone.

Must live here: what stands where, in which words, the exit code. Must not: figures (`sweep_figures`), rules (`verdict`,
`criteria`), SQL.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from ingestexp.experiment.sweep_folder import FILE_NAME, read_sweep
from ingestexp.report import wording as say
from ingestexp.report.criteria import Judgement, criterion_of, judge_criteria
from ingestexp.report.decision_lines import print_decisions
from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.heat_map import print_heat_maps
from ingestexp.report.sheet import print_table
from ingestexp.report.sweep_figures import (
    Cell,
    VariantFigures,
    finished_cells,
    lines_by_evidence,
    variant_figures,
)
from ingestexp.report.variant_sheet import comparison_lines, print_variants
from ingestexp.report.verdict import INVALID, PASS
from ingestexp.report.verdict_lines import STYLES

if TYPE_CHECKING:
    from ingestexp.report.evidence import Answer

Row = dict[str, Any]

PLAIN_WIDTH: Final = 120
MOST_ODD_CELLS: Final = 20
MOST_NAMES: Final = 3


@dataclass(slots=True)
class Sweep:
    """A sweep's folder, asked. `tables`: (name, answer or why there is none)."""

    folder: Path
    facts: Row
    lines: list[Row]
    cells: list[Cell]
    variants: list[VariantFigures]
    judgements: list[Judgement]
    tables: list[tuple[str, Answer | str]] = field(default_factory=list)

    @property
    def missing(self) -> list[Row]:
        return [line for line in self.lines if line.get("status") != "completed"]

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
    criteria = [criterion_of(each) for each in experiment.get("acceptance") or []]
    sweep = Sweep(folder, facts, lines, cells, [], [])
    with Answers([cell.folder for cell in cells]) as answers:
        if cells:
            sweep.variants = variant_figures(answers, cells)
        broken = {cell.folder for cell in cells if cell.verdict.get("broken", cell.verdict.get("result") == INVALID)}
        sweep.judgements = judge_criteria(answers, criteria, len(sweep.missing), broken)
        for name in (experiment.get("tables") or []) if with_tables else []:
            try:
                sweep.tables.append((name, answers.table(name)))
            except (EvidenceError, OSError) as error:
                sweep.tables.append((name, str(error)))
    return sweep


def print_sweep(folder: Path, console: Console | None = None) -> int:
    """Print it all. 0 if every criterion (or verdict) passes, 1 if not, 2 if the folder can't be read."""
    try:
        sweep = open_sweep(Path(folder))
    except EvidenceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    out = console or (Console(highlight=False) if sys.stdout.isatty() else plain_console())
    for line in _header(sweep):
        out.print(line, soft_wrap=True)
    if sweep.variants:
        print_variants(out, sweep.variants)
        for line in comparison_lines(sweep.variants):
            out.print(line, soft_wrap=True)
        print_heat_maps(out, sweep.variants)
    print_decisions(out, sweep.facts, Path(_shown(sweep.folder)))
    for name, answer in sweep.tables:
        if isinstance(answer, str):
            out.print(Text(f"{name}: {answer}", style="yellow"), soft_wrap=True)
        else:
            columns = [column for column in answer.columns if column != "run"]
            print_table(out, columns, answer.rows, f"{name}   (analysis/tables/{name}.sql)")
    if sweep.judgements:
        print_criteria(out, sweep.judgements)
    for line in _footer(sweep):
        out.print(line, soft_wrap=True)
    return sweep.exit_code


def plain_console() -> Console:
    return Console(width=PLAIN_WIDTH, color_system=None, force_terminal=False, highlight=False)


def print_criteria(out: Console, judgements: list[Judgement], titled: str = "acceptance") -> None:
    rows = [criterion_row(judgement) for judgement in judgements]
    print_table(out, ["criterion", "verdict", "figure", "interval", "bound", "rows"], rows, titled)
    for judgement in judgements:
        out.print(criterion_line(judgement), soft_wrap=True)


def criterion_line(judgement: Judgement) -> Text:
    """What it says, and why it does not pass."""
    line = Text.assemble((f"{judgement.result:<13}", STYLES.get(judgement.result, "")), judgement.criterion.name)
    line.append(f": {judgement.criterion.says}")
    if judgement.result != PASS:
        line.append(f" ({judgement.reason})")
    return line


def criterion_row(judgement: Judgement) -> Row:
    interval = judgement.interval
    return {
        "criterion": judgement.criterion.name,
        "verdict": judgement.result,
        "figure": judgement.figure,
        "interval": None if interval is None else f"{interval.low:.4g} … {interval.high:.4g}",
        "bound": judgement.criterion.bound,
        "rows": len(judgement.rows),
        "reason": judgement.reason,
    }


def _header(sweep: Sweep) -> list[Text]:
    facts, experiment = sweep.facts, sweep.facts.get("experiment") or {}
    done = len(sweep.lines) - len(sweep.missing)
    first = Text.assemble(("sweep ", "dim"), (str(facts.get("sweep_id", sweep.folder.name)), "bold"))
    first.append(f"   {done} of {len(sweep.lines)} cells completed, code {facts.get('code_version', '?')}")
    if any(cell.manifest.get("clock") == "simulated" for cell in sweep.cells):
        first.append("   SIMULATED: virtual time, a modelled sink", style="bold magenta")
    lines = [first]
    if experiment.get("question"):
        lines.append(Text(str(experiment["question"]), style="bold"))
    for stage in facts.get("stages") or []:
        by_rate: dict[float, list[str]] = {}
        for variant, rate in (stage.get("frozen_rates") or {}).items():
            by_rate.setdefault(float(rate), []).append(str(variant))
        for rate, variants in by_rate.items():
            who = ", ".join(variants) if len(variants) <= MOST_NAMES else f"{len(variants)} variants"
            lines.append(Text(f"    {stage.get('name')}, {who}: {say.rate(rate)} items/s, frozen before it ran"))
    return lines


def _footer(sweep: Sweep) -> list[Text]:
    lines = []
    for line in sweep.missing[:MOST_ODD_CELLS]:
        what = f"{line.get('status')}: {line.get('folder')}  {line.get('stage') or ''} {line.get('variant')}"
        reason = f"   {line['reason']}" if line.get("reason") else ""
        lines.append(Text(f"{what} #{line.get('repeat')}{reason}", style="red"))
    if sweep.missing[MOST_ODD_CELLS:]:
        lines.append(Text(f"… and {len(sweep.missing) - MOST_ODD_CELLS} more cells that did not complete", style="red"))
    disturbed = [line for line in sweep.lines if line.get("disturbed")]
    if disturbed:
        names = ", ".join(str(line.get("folder")) for line in disturbed[:8])
        lines.append(Text(f"disturbed by the host: {names}{' …' if disturbed[8:] else ''}", style="yellow"))
    lines.append(Text.assemble(("evidence  ", "bold"), _shown(sweep.folder)))
    lines.append(Text.assemble(("again     ", "bold"), f"python -m ingestexp.report show {_shown(sweep.folder)}"))
    return lines


def _shown(folder: Path) -> str:
    resolved = folder.absolute()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(resolved)
