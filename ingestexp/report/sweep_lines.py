"""The lines around a sweep's tables: what it is, what is missing, which runs bear no verdict, what is to be known.

Must live here: their words. Must not: tables, figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from ingestexp.experiment.sweep_folder import is_finished
from ingestexp.report import wording as say
from ingestexp.report.noise_floor import noise_floor_line
from ingestexp.report.verdict import FAIL, PASS
from ingestexp.report.verdict_lines import STYLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.report.sweep_figures import Cell
    from ingestexp.report.sweep_report import Sweep

Row = dict[str, Any]

MOST_ODD_CELLS: Final = 20
MOST_REASONS: Final = 12
MOST_NAMES: Final = 3


def header_lines(sweep: Sweep) -> list[Text]:
    facts, experiment = sweep.facts, sweep.facts.get("experiment") or {}
    done = len(sweep.lines) - len(sweep.missing)
    first = Text.assemble(("sweep ", "dim"), (str(facts.get("sweep_id", sweep.folder.name)), "bold"))
    killed = sum(line.get("status") == "oom_killed" and is_finished(line) for line in sweep.lines)
    but = f" ({killed} killed at the memory limit, as may be)" if killed else ""
    crashed = sum(line.get("status") == "crashed" and is_finished(line) for line in sweep.lines)
    but += f" ({crashed} killed in the middle, as meant: fault=[kill])" if crashed else ""
    first.append(f"   {done} of {len(sweep.lines)} cells completed{but}, code {facts.get('code_version', '?')}")
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


def floor_lines(sweep: Sweep) -> list[Text]:
    """What difference the host makes out of nothing; virtual time has no host."""
    live = [cell for cell in sweep.cells if cell.manifest.get("clock") != "simulated"]
    if len(sweep.variants) < 2 or not live:
        return []
    return [Text(noise_floor_line(sweep.folder, live[0].manifest.get("host") or {}), style="dim")]


def reason_lines(cells: Sequence[Cell]) -> list[Text]:
    """Why runs have a verdict that their latency alone does not explain; repeats with one reason share a line."""
    grouped: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        result = cell.verdict.get("result")
        killed = cell.manifest.get("status") == "oom_killed"
        if result in (None, PASS) or (result == FAIL and not cell.verdict.get("growing") and not killed):
            continue
        key = (str(result), " ".join(filter(None, cell.label)), str(cell.verdict.get("reason")))
        grouped.setdefault(key, []).append(cell)
    lines = []
    for (result, name, reason), same in list(grouped.items())[:MOST_REASONS]:
        repeats = ", ".join(f"#{cell.facts.get('repeat')}" for cell in same)
        lines.append(Text.assemble((f"{result:<13}", STYLES.get(result, "")), f"{name} {repeats}: {reason}"))
    if more := len(grouped) - MOST_REASONS:
        lines += [Text(f"… and {more} more runs with a reason (the view `verdicts` has them)")] * (more > 0)
    return lines


def missing_lines(sweep: Sweep) -> list[Text]:
    """A line a cell without a result."""
    lines = []
    for line in sweep.missing[:MOST_ODD_CELLS]:
        what = f"{line.get('status')}: {line.get('folder')}  {line.get('stage') or ''} {line.get('variant')}"
        reason = f"   {line['reason']}" if line.get("reason") else ""
        lines.append(Text(f"{what} #{line.get('repeat')}{reason}", style="red"))
    if sweep.missing[MOST_ODD_CELLS:]:
        lines.append(Text(f"… and {len(sweep.missing) - MOST_ODD_CELLS} more cells that did not complete", style="red"))
    return lines


def footer_lines(sweep: Sweep) -> list[Text]:
    lines = missing_lines(sweep)
    lines += [Text(note, style="yellow") for note in sweep.notes]
    disturbed = [line for line in sweep.lines if line.get("disturbed")]
    if disturbed:
        names = ", ".join(str(line.get("folder")) for line in disturbed[:8])
        lines.append(Text(f"disturbed by the host: {names}{' …' if disturbed[8:] else ''}", style="yellow"))
    lines.append(Text.assemble(("evidence  ", "bold"), shown_folder(sweep.folder)))
    lines.append(Text.assemble(("again     ", "bold"), f"python -m ingestexp.report show {shown_folder(sweep.folder)}"))
    return lines


def shown_folder(folder: Path) -> str:
    """As the user would type it from here."""
    resolved = folder.absolute()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(resolved)
