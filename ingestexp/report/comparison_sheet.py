"""How `report compare` reads.

Must live here: columns and words. Must not: the differences (`comparing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestexp.report import wording as say

if TYPE_CHECKING:
    from ingestexp.report.comparing import Blame, Comparison, Difference, End

Row = dict[str, Any]

COLUMNS = ("what", "A", "B", "B−A", "from", "to")
NOTE_COLUMNS = ("A_is_least", "B_is_least", "A_growing", "B_growing")


def comparison_rows(found: Comparison, in_words: bool) -> list[Row]:
    """Percentiles, then the mean and its parts, then the mean of each run's own tail and its parts.

    Milliseconds. In words: `≥ x, growing` where an end is no number; else numbers, and what they are in columns.
    """
    rows = [_percentile_row(each, in_words) for each in found.differences]
    rows += _blame_rows("mean", found.blame, in_words)
    return rows + _blame_rows("tail mean", found.tail_blame, in_words)


def head_lines(found: Comparison) -> list[str]:
    tail = found.tail_blame
    moved = f"{found.slower_ratio:.1%} slower in B, {found.faster_ratio:.1%} faster, {found.mean_ms:+.3g} ms on average"
    return [
        f"{found.item_count:,} items paired by id: {moved}",
        f"tail: each run's items from its p99 on ({tail.a_count:,} and {tail.b_count:,}); parts sum to the response",
    ]


def _percentile_row(each: Difference, in_words: bool) -> Row:
    interval, known = each.interval_ms, not (each.a.is_least or each.b.is_least)
    row: Row = {
        "what": f"p{each.quantile * 100:g} ms",
        "A": _end(each.a, in_words),
        "B": _end(each.b, in_words),
        "B−A": each.b.value_ms - each.a.value_ms if known else None,
        "from": None if interval is None else interval.low,
        "to": None if interval is None else interval.high,
    }
    flags = (each.a.is_least, each.b.is_least, each.a.growing, each.b.growing)
    return row if in_words else row | dict(zip(NOTE_COLUMNS, flags, strict=True))


def _end(end: End, in_words: bool) -> str | float:
    if not in_words or not end.is_least:
        return end.value_ms
    return f"≥ {say.ms(end.value_ms * 1e6)}" + (", growing" if end.growing else "")


def _blame_rows(what: str, blame: Blame, in_words: bool) -> list[Row]:
    """Where nothing came in envelopes there are no words about inflating."""
    lines = [("response", *blame.response_ms), *blame.parts_ms]
    lines = [line for line in lines if not in_words or line != ("decode", 0.0, 0.0)]
    return [
        {"what": f"{what} {part} ms", "A": before, "B": after, "B−A": after - before, "from": None, "to": None}
        for part, before, after in lines
    ]
