"""How a window that a sweep chose fills its batches where the load is highest.

Must live here: which runs those are, the histogram's title. Must not: the bars (`batch_chart`), the choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ingestexp.report import wording as say
from ingestexp.report.batch_chart import batch_lines
from ingestexp.report.evidence import Answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.report.sweep_figures import VariantFigures

Row = dict[str, Any]


def peak_batch_lines(facts: Row, variants: Sequence[VariantFigures]) -> list[Text]:
    """Of the stage with the highest offered rate among those that ran with the chosen window; none where nothing was
    chosen. `facts`: of `sweep.yaml`."""
    decided = {str(stage.get("name")) for stage in facts.get("stages") or [] if stage.get("decided")}
    there = [each for each in variants if each.stage in decided and each.offered_per_s]
    if not there:
        return []
    peak = max(there, key=lambda each: each.offered_per_s or 0)
    with Answers([cell.folder for cell in peak.cells]) as answers:
        rows = answers.rows("tables/batch_size_histogram.sql")
    offered = f"{say.rate(peak.offered_per_s or 0)} items/s, {say.number(len(peak.cells), 'run')}"
    return [Text(f"batches of the chosen window at {peak.stage} ({offered})", style="bold"), *batch_lines(rows)]
