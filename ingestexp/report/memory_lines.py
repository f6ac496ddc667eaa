"""What a run with a memory limit took, and what one that was killed lost, in lines.

Must live here: these lines' words. Must not: the rules (`verdict`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from ingestexp.report import wording as say

if TYPE_CHECKING:
    from ingestexp.report.figures import Figures

MB: Final = 1 << 20


def memory_lines(figures: Figures) -> list[Text]:
    """Nothing of a run without a limit."""
    memory = figures.manifest.get("memory") or {}
    if memory.get("limit_mb") is None:
        return []
    counters = figures.manifest.get("counters") or {}
    baseline, peak = memory.get("baseline_bytes"), memory.get("peak_rss_bytes") or counters.get("peak_rss_bytes")
    parts = [f"limit {memory['limit_mb']:,g} MB by {memory.get('enforced_by')}"]
    if baseline is not None:
        parts.append(f"resident {baseline / MB:,.0f} MB before the load")
    if peak is not None:
        grown = "" if baseline is None else f" (grown by {(peak - baseline) / MB:,.0f})"
        parts.append(f"{peak / MB:,.0f} MB at most{grown}")
    if memory.get("peak_bytes") is not None:
        parts.append(f"charged at most {memory['peak_bytes'] / MB:,.0f} MB")
    line = Text(", ".join(parts))
    kills = memory.get("oom_kill_count")
    if kills:
        line.append(f"; killed by the kernel ({kills})", style="bold red")
    return [line]


def lost_lines(figures: Figures) -> list[Text]:
    """Items that a run knew of when it died, and that no row says the fate of."""
    counters = figures.manifest.get("counters") or {}
    if counters.get("counted_by") is None:
        return []
    known = sum(row["item_count"] for row in figures.outcomes)
    lost = int(counters["offered"]) - known
    at = say.seconds(figures.manifest.get("ended_at_ns") or 0)
    words = f"{lost:,} items that were offered by the last sample ({at}) have no row: they died with the run"
    return [Text(words, style="yellow")] if lost > 0 else []
