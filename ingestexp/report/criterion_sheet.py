"""The table of acceptance criteria and a sentence for each.

Must live here: columns and words. Must not: judging (`criteria`), which figure stands for an answer
(`criterion_figures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ingestexp.report.sheet import cell, print_table
from ingestexp.report.verdict import PASS
from ingestexp.report.verdict_lines import STYLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ingestexp.report.criteria import Judgement
    from ingestexp.report.criterion_figures import Shown

Row = dict[str, Any]


def print_criteria(out: Console, judgements: Sequence[Judgement], shown: Sequence[Shown]) -> None:
    rows = [criterion_row(*each) for each in zip(judgements, shown, strict=True)]
    print_table(out, list(rows[0]), rows, "acceptance")
    for judgement in judgements:
        out.print(criterion_line(judgement), soft_wrap=True)


def criterion_line(judgement: Judgement) -> Text:
    """What it says, and why it does not pass."""
    line = Text.assemble((f"{judgement.result:<13}", STYLES.get(judgement.result, "")), judgement.criterion.name)
    line.append(f": {judgement.criterion.says}")
    if judgement.result != PASS:
        line.append(f" ({judgement.reason})")
    return line


def criterion_row(judgement: Judgement, shown: Shown) -> Row:
    """As it is read."""
    return {
        "criterion": judgement.criterion.name,
        "verdict": judgement.result,
        "figure": _figure_text(shown),
        "interval": _interval_text(shown),
        "bound": f"{shown.bound}{' (post hoc)' * bool(judgement.criterion.post_hoc)}",
        "rows": len(judgement.rows),
    }


def criterion_facts(judgement: Judgement, shown: Shown) -> Row:
    """As it is computed with: numbers, unrounded, all in `unit`."""
    return {
        "criterion": judgement.criterion.name,
        "verdict": judgement.result,
        "figure": shown.figure,
        "unit": shown.unit or None,
        "low": shown.low,
        "high": shown.high,
        "at_least": shown.at_least,
        "at_most": shown.at_most,
        "bound": shown.bound,
        "figure_is_least": shown.least,
        "rows": len(judgement.rows),
        "reason": judgement.reason,
        "post_hoc": judgement.criterion.post_hoc,
    }


def _figure_text(shown: Shown) -> str | None:
    if shown.figure is None:
        return None
    value = f"{'≥ ' if shown.least else ''}{cell(shown.figure)}"
    return f"× {value}" if shown.unit == "×" else f"{value} {shown.unit}".rstrip()


def _interval_text(shown: Shown) -> str | None:
    if shown.low is None:
        return None
    return f"{cell(shown.low)} … {'∞' if shown.high is None else cell(shown.high)}"
