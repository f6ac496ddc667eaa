"""How deep the queue stood over a run's time, as one line of blocks.

Must live here: which of the two sources is asked, the line. Must not: other parts of the summary.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ingestexp.report import wording as say

if TYPE_CHECKING:
    from ingestexp.report.evidence import Evidence

BINS: Final = 40
MOST_ITEMS: Final = 2_000_000
"""Of more the samples are asked: a run's summary must not take longer than the run."""
BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SAMPLED: Final = f"""
SELECT least(s.at_ns * {BINS} // greatest(coalesce(r.ended_at_ns, l.last_ns), 1), {BINS - 1})::INTEGER AS bin,
    max(s.depth_items) AS depth_max, arg_max(s.at_ns, s.depth_items) / 1e6 AS at_ms
FROM samples s JOIN runs r ON r.run = s.run CROSS JOIN (SELECT max(at_ns) AS last_ns FROM samples) l
GROUP BY bin ORDER BY bin
"""  # noqa: S608 - a number of our own


@dataclass(frozen=True, slots=True)
class Depth:
    """`depths`: the deepest in each of equal spans of time; `sampled`: a burst between two samples is not in it."""

    depths: list[int]
    peak: int
    peak_at_ms: float
    sampled: bool


def depth_of(evidence: Evidence) -> Depth | None:
    """None where nothing ever waited, or nothing is known."""
    offered = (evidence.manifest.get("counters") or {}).get("offered") or 0
    # What was queued when a run died has no row among the items.
    if offered > MOST_ITEMS or evidence.status in ("oom_killed", "crashed", "failed"):
        rows = evidence.answer(_SAMPLED, "samples").rows
        found = {row["bin"]: int(row["depth_max"]) for row in rows}
        depths = list(accumulate(range(BINS), lambda before, bin_: found.get(bin_, before), initial=0))[1:]
        top = max(rows, key=lambda row: int(row["depth_max"]), default=None)
        return Depth(depths, int(top["depth_max"]), float(top["at_ms"]), True) if top and top["depth_max"] else None
    evidence.set("bin_count", f"{BINS}::BIGINT")
    rows = evidence.rows("tables/queue_depth.sql")
    if not rows or not rows[0]["peak_depth"]:
        return None
    depths = [int(row["depth_max"]) for row in rows]
    return Depth(depths, int(rows[0]["peak_depth"]), float(rows[0]["peak_at_ms"]), False)


def depth_lines(depth: Depth | None) -> list[Text]:
    """One line; a bin in which anything waited is never blank."""
    if depth is None:
        return []
    top = max(depth.peak, 1)
    line = Text("".join(block_of(each, top) for each in depth.depths), style="cyan")
    sampled = " by samples" if depth.sampled else ""
    words = f"  peak {say.number(depth.peak, 'item')} at {say.seconds(depth.peak_at_ms * 1e6)}{sampled}"
    return [line.append(words, style="default")]


def block_of(value: int, top: int) -> str:
    """The block that stands for `value` of at most `top`; blank only for 0."""
    return BLOCKS[max(0, -(-value * len(BLOCKS) // top) - 1)] if value else " "
