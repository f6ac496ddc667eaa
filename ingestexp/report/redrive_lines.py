"""What became of what a redrive offered again, in two lines of its summary.

Must live here: the row of `tables/redrive.sql` in words. Must not: SQL, where the lines stand (`summary`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ingestexp.report import wording as say

if TYPE_CHECKING:
    from collections.abc import Mapping


def redrive_lines(row: Mapping[str, Any] | None) -> list[Text]:
    """None for a run that redrove nothing."""
    if row is None:
        return []
    found = [say.number(row["dead_letter_count"], "dead letter")] if row["dead_letter_count"] else []
    if row["left_in_spill_count"]:
        torn = f", and a torn tail of {row['torn_bytes']:,} bytes" if row["torn_bytes"] else ""
        found.append(f"{say.number(row['left_in_spill_count'], 'item')} left in the spill{torn}")
    parts = [
        f"{' and '.join(found)} of {row['redriven_from']}",
        f"cured {row['cured_count']:,}",
        f"dead again {row['dead_again_count']:,}",
        f"already there {row['already_there_count']:,}",
        f"rounds exhausted {row['rounds_exhausted_count']:,}",
    ]
    parts += [f"{name} {row[f'{name}_count']:,}" for name in ("dropped", "unsettled") if row[f"{name}_count"]]
    lines = [Text("   ".join(parts))]
    if row["time_in_dlq_p50_s"] is not None:
        where = "in the DLQ" if row["dead_letter_count"] else "away"
        away = f"{where} p50 {_seconds(row['time_in_dlq_p50_s'])}, max {_seconds(row['time_in_dlq_max_s'])}"
        if row["response_p50_s"] is not None:
            away += (
                f"; cured ones settled p50 {_seconds(row['response_p50_s'])}, max {_seconds(row['response_max_s'])}"
                " after they first arrived (not in the latencies below)"
            )
        lines.append(Text(away))
    return lines


def _seconds(seconds: float) -> str:
    return f"{seconds:,.3g} s" if seconds < 1000 else f"{seconds:,.0f} s"
