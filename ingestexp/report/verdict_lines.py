"""Ledger, audits and verdict in lines.

Must live here: these lines' words. Must not: the rules (`verdict`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from ingestexp.report import wording as say
from ingestexp.report.latency_lines import quantile_text
from ingestexp.report.verdict import FAIL, INCONCLUSIVE, INVALID, PASS

if TYPE_CHECKING:
    from ingestexp.report.figures import Figures

STYLES: Final = {PASS: "bold green", FAIL: "bold red", INCONCLUSIVE: "bold yellow", INVALID: "bold magenta"}


def ledger_line(figures: Figures) -> Text:
    """Is every item accounted for, and does the sink hold what was committed?"""
    checks = figures.manifest.get("self_checks") or {}
    ledger, readback = checks.get("ledger"), checks.get("readback")
    if not ledger:
        return Text(
            "not checked: " + ("the run recorded no end" if figures.has_trace else "the trace was off"), style="yellow"
        )
    if ledger["balanced"]:
        line = Text("balanced by id: offered = committed + dropped + dead-lettered + unsettled")
    else:
        line = Text("DOES NOT BALANCE", style="bold red")
        line.append(f": {ledger['missing_ids']:,} ids missing, {ledger['repeated_ids']:,} repeated")
    if not readback:
        return line.append("; nothing to read back")
    if readback.get("error"):
        return line.append(f"; THE SINK CAN'T BE READ BACK: {readback['error']}", style="bold red")
    if not readback["ok"]:
        line.append(
            f"; READ BACK {readback['held']:,} of {readback['committed']:,} committed:"
            f" {readback['missing']:,} missing, {readback['foreign']:,} foreign",
            style="bold red",
        )
        return line
    held, before = readback["unsettled_but_held"], readback.get("held_before")
    had = f"{before:,} there before + " if before else ""
    line.append(
        f"; read back {readback['held']:,} = {had}committed" + (f" + {held:,} in flight at the end" if held else "")
    )
    return line


def violation_lines(figures: Figures) -> list[Text]:
    """A line an audit that does not hold, with the first row that offends."""
    lines = []
    killed = figures.status not in ("completed", "interrupted")
    for violation in figures.violations:
        first = ", ".join(
            f"{name}={value}" for name, value in violation.first.items() if name != "run" and value is not None
        )
        line = Text(f"{violation.audit}: {violation.row_count:,} rows offend, e.g. {first}", style="red")
        if killed and violation.audit != "stages_monotone":
            line.append(" (a run that was killed lacks what it had open)")
        lines.append(line)
    return lines


def disturbed_lines(figures: Figures) -> list[Text]:
    """One line where the host was not calm, else none."""
    host = (figures.manifest.get("self_checks") or {}).get("host") or {}
    why = "; ".join(host.get("why") or ["no reason was recorded"])
    return [Text(f"the host was disturbed: {why}", style="yellow")] if host.get("disturbed") else []


def verdict_lines(figures: Figures) -> list[Text]:
    """The verdict with figure, interval, bound and reason."""
    verdict, slo = figures.verdict, figures.slo
    if verdict.result is None:
        return [Text.assemble(("none", "bold"), f": {verdict.reason}"), *disturbed_lines(figures)]
    line = Text(verdict.result, style=STYLES[verdict.result])
    response = figures.latency.get(("response", "slo"))
    name = f"p{slo.percentile:g}"
    if response is not None and not figures.is_saturate:
        growing = bool(figures.backlog and figures.backlog["grows"])
        value = quantile_text(response)
        value = f"≥ {value}" if growing and not value.startswith("≥") else value
        line.append(f"   {name} {value} ms" + (" and growing" if growing else ""), style="bold")
        if verdict.percentile_ns and not growing:
            low, high = say.ms(verdict.percentile_ns.low), say.ms(verdict.percentile_ns.high)
            high = "∞" if response["is_lower_bound"] else high  # unsettled items have no upper end
            line.append(f" ({slo.confidence:.0%} interval {low} to {high})", style="")
    line.append(f"   bound {say.ms(slo.bound_ns)} ms", style="")
    lines = [line, Text(verdict.reason)]
    if verdict.ratio:
        lines.append(
            Text(
                f"over the bound: {verdict.over_count:,} of {verdict.item_count:,} items,"
                f" {say.share(verdict.over_count / verdict.item_count)}"
                f" (interval {say.share(verdict.ratio.low)} to {say.share(verdict.ratio.high)},"
                f" {say.share(slo.allowed_ratio)} allowed);"
                f" in {verdict.bad_block_count} of {verdict.block_count} time blocks"
            )
        )
    lines += [Text(note, style="yellow") for note in verdict.notes]
    lines += disturbed_lines(figures)
    if figures.lost_count:
        infinite = quantile_text(figures.latency.get(("response", "slo_with_losses")))
        words = f"of what was kept: {figures.lost_count:,} dropped or dead-lettered items are not in it;"
        lines.append(Text(f"{words} with those as infinitely late {name} is {infinite} ms", style="yellow"))
    return lines
