"""The batch-size histogram as text bars, split by flush cause.

Must live here: rows of `batch_size_histogram` to lines. Must not: other parts of the summary.
"""

from __future__ import annotations

from typing import Any, Final

from rich.text import Text

BAR_WIDTH: Final = 30
MAX_BINS: Final = 11
SHADES: Final = {"size": ("█", "cyan"), "bytes": ("▓", "blue"), "age": ("▒", "yellow")}
OTHER_SHADE: Final = ("░", "red")
CAUSES: Final = ("size", "bytes", "age", "drain", "split", "retry")


def batch_lines(rows: list[dict[str, Any]]) -> list[Text]:
    """A head line and a line a bin: sizes, batches by cause, a bar whose length is the bin's share of the batches."""
    bins: dict[tuple[int, int], dict[str, int]] = {}
    for row in rows:
        causes = bins.setdefault((row["bin_low"], row["bin_high"]), {})
        causes[row["flush_cause"]] = causes.get(row["flush_cause"], 0) + row["batch_count"]
    if not bins:
        return [Text("no batch was sent")]
    seen = [cause for cause in CAUSES if any(cause in causes for causes in bins.values())]
    full = {(row["bin_low"], row["bin_high"]) for row in rows if row["is_full"]}
    widest = max(sum(causes.values()) for causes in bins.values())
    shown = sorted(bins)
    folded = shown[: max(0, len(shown) - MAX_BINS + 1)] if len(shown) > MAX_BINS else []
    if folded:  # the smallest sizes share a line
        joined: dict[str, int] = {}
        for key in folded:
            for cause, number in bins.pop(key).items():
                joined[cause] = joined.get(cause, 0) + number
        bins[(folded[0][0], folded[-1][1])] = joined
    lines = [Text(f"{'items':>13}  " + "".join(f"{cause:>9}" for cause in seen), style="dim")]
    for key in sorted(bins):
        low, high = key
        label = f"{low:,}" if low == high else f"{low:,}-{high:,}"
        label = f"max_size {label}" if key in full else label
        line = Text(f"{label:>13}  ")
        for cause in seen:
            line.append(f"{bins[key].get(cause, 0):>9,}" if bins[key].get(cause) else f"{'.':>9}")
        line.append("  ")
        line.append_text(_bar(bins[key], seen, max(widest, *(sum(c.values()) for c in bins.values()))))
        lines.append(line)
    return lines


def _bar(causes: dict[str, int], seen: list[str], widest: int) -> Text:
    bar, drawn, so_far = Text(), 0, 0
    for cause in seen:
        so_far += causes.get(cause, 0)
        end = round(so_far / widest * BAR_WIDTH)
        if causes.get(cause) and not drawn and end == 0:
            end = 1  # what is there is seen
        mark, style = SHADES.get(cause, OTHER_SHADE)
        bar.append(mark * (end - drawn), style=style)
        drawn = max(drawn, end)
    return bar
