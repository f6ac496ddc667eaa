"""The summary at the end of a run: one screen, from the evidence alone.

Must live here: what stands where, in which words. Must not: SQL (`analysis/`), rules (`verdict`), advice (`hints`).
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from ingestexp.experiment.paths import ANALYSIS
from ingestexp.report import wording as say
from ingestexp.report.batch_chart import batch_lines
from ingestexp.report.depth_chart import Depth, depth_lines, depth_of
from ingestexp.report.envelope_lines import envelope_lines
from ingestexp.report.evidence import EvidenceError, open_evidence
from ingestexp.report.fault_lines import fault_lines
from ingestexp.report.figures import Figures, figures_of
from ingestexp.report.hints import next_step
from ingestexp.report.latency_lines import backlog_line, blame_lines, latency_lines, lateness_line
from ingestexp.report.memory_lines import lost_lines, memory_lines
from ingestexp.report.record import record_figures
from ingestexp.report.redrive_lines import redrive_lines
from ingestexp.report.schema_versions import schema_notes
from ingestexp.report.verdict_lines import ledger_line, verdict_lines, violation_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLAIN_WIDTH: Final = 120
LABEL_WIDTH: Final = 10
ASCII: Final = {
    **{ord(sign): text for sign, text in zip("█▓▒░≥∞", ("#", "b", "a", "x", ">=", "infinite"), strict=True)},
    **{ord(sign): text for sign, text in zip("▁▂▃▄▅▆▇", ".,:-=+*", strict=True)},
}


def print_summary(run_dir: Path, console: Console | None = None) -> int:
    """Print the summary of a run; 0 if its verdict is PASS or it has none, else 1 (also when it can't be read)."""
    try:
        return show(run_dir, console)
    except RuntimeError as error:
        if "interrupted" in str(error).lower():  # how DuckDB passes a Ctrl-C on
            raise KeyboardInterrupt from error
        raise
    except EvidenceError as error:
        print(f"no summary: {error}", file=sys.stderr)
        return 1


def show(run_dir: Path, console: Console | None = None) -> int:
    """As `print_summary`, but raises EvidenceError. Records the verdict, where the folder can be written to."""
    with open_evidence(Path(run_dir)) as evidence:
        figures = figures_of(evidence)
        depth = depth_of(evidence) if figures.has_trace else None
        notes = schema_notes(evidence)
        redriven = evidence.rows("tables/redrive.sql") if "redrive" in figures.manifest else []
    with contextlib.suppress(OSError):
        record_figures(figures)
    out = console or plain_console()
    for line in summary_lines(figures, depth, notes, redriven[0] if redriven else None):
        out.print(_encodable(line, out), highlight=False, soft_wrap=not out.is_terminal)
    return figures.verdict.exit_code


def plain_console() -> Console:
    """Colours on a terminal; else plain text of a fixed width that needs no terminal to be read."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(width=PLAIN_WIDTH, color_system=None, force_terminal=False, highlight=False)


def summary_lines(
    figures: Figures, depth: Depth | None = None, notes: Sequence[str] = (), redriven: dict[str, Any] | None = None
) -> list[Text]:
    """All lines of the summary, top to bottom. `notes`: about the evidence, beside the run's own notices."""
    shown_dir = _shown(figures.run_dir)
    lines = [
        *_header(figures),
        Text(),
        *_section("items", [*_item_lines(figures), *lost_lines(figures)]),
        *_section("envelopes", envelope_lines(figures.manifest)),
        *_section("rate", [_rate_line(figures)]),
        *_section("cost", _cost_lines(figures)),
        *_section("redrive", redrive_lines(redriven)),
        *_section("faults", fault_lines(figures.manifest.get("faults"))),
        Text(),
        *_section("latency", latency_lines(figures) if figures.has_trace else [Text("not known: the trace was off")]),
    ]
    if figures.lateness:
        lines += _section("generator", [lateness_line(figures)])
    lines += _section(f"p{figures.slo.percentile:g} blame", blame_lines(figures))
    if figures.has_trace:
        lines += [Text(), *_section("batches", batch_lines(figures.batch_sizes)), Text()]
    lines += _section("depth", depth_lines(depth))
    lines += _section("memory", memory_lines(figures))
    lines += _section("backlog", backlog_line(figures))
    lines += _section("ledger", [ledger_line(figures)])
    lines += _section("audits", violation_lines(figures))
    notices = [*notes, *(figures.manifest.get("notices") or [])[:3]]
    lines += _section("notice", [Text(str(notice)) for notice in notices])
    lines += _section("verdict", verdict_lines(figures))
    why, command = next_step(figures, shown_dir)
    lines += _section("evidence", [Text(f"{shown_dir}   (SQL: duckdb -init {_shown(ANALYSIS / 'views.sql')})")])
    lines += _section("next", [Text.assemble((command, "bold"), f"   # {why}")])
    return lines


def _header(figures: Figures) -> list[Text]:
    manifest = figures.manifest
    config, sink = manifest.get("config") or {}, manifest.get("sink") or {}
    sink_name = sink.get("name") or (config.get("sink") or {}).get("kind", "-")
    workers = (config.get("sink") or {}).get("workers") or 1
    first = Text.assemble(
        ("run ", "dim"), (str(manifest.get("run_id", figures.run_dir.name)), "bold"),
        f"   {manifest.get('clock', '?')} clock, seed {manifest.get('seed', '?')}",
        f", config {manifest.get('config_hash', '?')}",
    )  # fmt: skip
    if figures.is_simulated:
        clock = manifest.get("clock") == "simulated"
        what = "virtual time, a modelled sink, nothing stored" if clock else "the sink's costs are made up"
        first.append(f"   SIMULATED: {what}", style="bold magenta")
    if figures.status != "completed":
        reason = f": {figures.status_reason}" if figures.status_reason else ""
        first.append(f"   {figures.status.upper()}{reason}", style="bold red")
    durable = "" if sink.get("durable", True) else " (keeps nothing)"
    expected = (manifest.get("load") or {}).get("expected_items")
    return [
        first,
        Text(f"    {say.load_text(config, expected)}, {say.payload_text(config)}"),
        Text(
            f"    into {sink_name}{durable}, {workers} worker{'s' if workers != 1 else ''};"
            f" window {say.window_text(config)}; policy {say.policy_text(config)}"
        ),
    ]


def _item_lines(figures: Figures) -> list[Text]:
    offered = figures.offered
    parts = [f"offered {say.count(offered)}"]
    for outcome in ("committed", "dropped", "dead_lettered", "unsettled"):
        number = figures.count(outcome)
        of = f" ({say.share(number / offered)})" if number and offered else ""
        parts.append(f"{outcome.replace('_', '-')} {say.count(number)}{of}")
    lines = [Text("   ".join(parts))]
    reasons = [row for row in figures.outcomes if row["reason"]]
    if reasons:
        words = ", ".join(
            f"{row['outcome'].replace('_', '-')} {row['reason']} {row['item_count']:,}" for row in reasons
        )
        lines.append(Text(f"why: {words}", style="yellow"))
    return lines


def _rate_line(figures: Figures) -> Text:
    extent, manifest = figures.extent, figures.manifest
    if not figures.has_trace:
        ended_ns = manifest.get("ended_at_ns")
        if not ended_ns:
            return Text("not known: the run recorded no end")
        return Text(f"{say.count(figures.count('committed') / ended_ns * 1e9)} committed/s ({say.seconds(ended_ns)})")
    if not extent:
        return Text("no item in the trace")
    load_ns, whole_ns = manifest.get("load_ended_at_ns"), manifest.get("ended_at_ns") or extent["last_settled_ns"]
    parts = []
    if load_ns:
        over_load = extent["committed_during_load_count"] / load_ns * 1e9
        parts.append(f"{say.count(over_load)} committed/s over the load ({say.seconds(load_ns)})")
    if whole_ns:
        parts.append(
            f"{say.count(figures.count('committed') / whole_ns * 1e9)}/s over the whole run ({say.seconds(whole_ns)})"
        )
    if figures.backlog:
        parts.append(f"due {say.count(figures.backlog['due_per_s'])}/s after the warm-up")
    return Text(", ".join(parts) or "not known: the run recorded no end")


def _cost_lines(figures: Figures) -> list[Text]:
    cost = figures.cost if figures.has_trace else _counted_cost(figures)
    if not cost["attempt_count"]:
        return [Text("no batch was sent")]
    failed = cost["failed_attempt_count"]
    per_commit, busy = cost["items_per_commit"], cost["busy_ratio"]
    return [
        Text(
            f"{say.number(cost['attempt_count'], 'batch', 'batches')} sent ({say.count(failed)} not committed),"
            f" {say.number(cost['commits'], 'commit')}"
            + (f", {per_commit:,.1f} items a commit" if per_commit else "")
            + ("" if busy is None else f"; workers busy {say.share(min(1.0, busy))} of the time")
        ),
        Text(
            f"per committed item: {say.per_item(cost['commits_per_item'])} commits,"
            f" {say.per_item(cost['fsyncs_per_item'])} fsyncs,"
            f" {say.per_item(cost['round_trips_per_item'])} round trips,"
            f" {say.per_item(cost['syscalls_per_item'])} write syscalls,"
            f" {say.per_item(cost['wire_bytes_per_item'])} bytes written"
        ),
    ]


def _counted_cost(figures: Figures) -> dict[str, Any]:
    """As `fixed_cost_per_item`, from the manifest's counters: all there is when the trace was off."""
    counters = figures.manifest.get("counters") or {}
    committed, commits = counters.get("committed") or 0, counters.get("commits") or 0
    costs = ("commits", "fsyncs", "round_trips", "syscalls", "wire_bytes")
    return {
        "attempt_count": counters.get("batches") or 0,
        "failed_attempt_count": counters.get("attempts_failed") or 0,
        "commits": commits,
        "items_per_commit": committed / commits if commits else None,
        "busy_ratio": None,
        **{f"{name}_per_item": (counters.get(name) or 0) / committed if committed else None for name in costs},
    }


def _section(name: str, lines: Iterable[Text]) -> list[Text]:
    """The lines, the first with its label."""
    labelled = []
    for index, line in enumerate(lines):
        label = Text(f"{name if index == 0 else '':<{LABEL_WIDTH - 1}} ", style="bold")
        labelled.append(label.append_text(line))
    return labelled


def _shown(run_dir: Path) -> str:
    """The folder as the user would type it from here."""
    resolved = Path(os.path.realpath(run_dir))
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(resolved)


def _encodable(line: Text, out: Console) -> Text:
    """Bars and signs that the output's encoding lacks, in ASCII."""
    try:
        line.plain.encode(out.encoding)
    except (UnicodeEncodeError, LookupError):
        plain = line.plain.translate(ASCII)
        return Text(plain.encode("ascii", "replace").decode())
    return line
