"""The next command to try, where the evidence points to one.

Must live here: from figures to one suggestion and its ground. Must not: suggestions without a figure behind them.
"""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report.verdict import FAIL, INCONCLUSIVE, INVALID

if TYPE_CHECKING:
    from ingestexp.report.figures import Figures

BLAMED: Final = ("lateness", "blocked", "decode", "window", "queue", "retry", "service")


def next_step(figures: Figures, shown_dir: str) -> tuple[str, str]:
    """(why, command)."""
    advice = _advice(figures)
    if advice is None:
        return "the same from the evidence alone", f"python -m ingestexp.report show {shlex.quote(shown_dir)}"
    why, override = advice
    return why, shlex.join(again(figures.manifest.get("command") or [], override))


def again(command: list[str], override: str) -> list[str]:
    """The command that was given, with one setting replaced and without a folder that holds this run already."""
    replaced = {override.partition("=")[0], "hydra.run.dir", "hydra.sweep.dir"}
    kept = [word for word in command if word.lstrip("+").partition("=")[0] not in replaced]
    return [*(kept or ["python", "-m", "ingestexp"]), override]


def cause_shares(figures: Figures) -> dict[str, float]:
    """Share of the batches by flush cause, retries left out: they repeat a batch, no trigger closed them."""
    counts: dict[str, int] = {}
    for row in figures.batch_sizes:
        if row["flush_cause"] != "retry":
            counts[row["flush_cause"]] = counts.get(row["flush_cause"], 0) + row["batch_count"]
    total = sum(counts.values())
    return {cause: number / total for cause, number in counts.items()} if total else {}


def main_blame(figures: Figures) -> str | None:
    """The part of the tail's response that took most of it."""
    if not figures.blame:
        return None
    blame = figures.blame
    return max(BLAMED, key=lambda part: float(blame[f"{part}_ns"]))


def _advice(figures: Figures) -> tuple[str, str] | None:
    result = figures.verdict.result
    config = figures.manifest.get("config") or {}
    grows = bool(figures.backlog and figures.backlog["grows"])
    if result == INVALID:
        late = "lateness" in figures.verdict.reason or "generator" in figures.verdict.reason
        rate = (config.get("load") or {}).get("rate_per_s")
        return ("the generator was late: offer less", f"load.rate_per_s={rate / 2:g}") if late and rate else None
    if result == FAIL:
        return _against_failing(figures, config, grows)
    duration_s = (config.get("load") or {}).get("duration_s")
    if result == INCONCLUSIVE and figures.verdict.more_items and duration_s:
        verdict, warmup_s = figures.verdict, figures.warmup_ns / 1e9
        more = verdict.more_items or 0
        rate = verdict.item_count / max(float(duration_s) - warmup_s, 1e-3)
        longer = float(duration_s) + 1.2 * more / max(rate, 1e-3)
        return f"about {more:,} more items would settle it", f"load.duration_s={_rounded(longer):g}"
    return None


def _against_failing(figures: Figures, config: dict[str, Any], grows: bool) -> tuple[str, str] | None:
    window, shares, blame = config.get("window") or {}, cause_shares(figures), main_blame(figures)
    size, wait_ms = window.get("max_size"), window.get("max_wait_ms")
    behind = grows or blame in ("queue", "blocked")
    if behind and size and shares.get("size", 0) > 0.5:
        if size < 4096:
            larger = 64 if size < 16 else size * 8
            capacity = (config.get("policy") or {}).get("capacity")
            larger = min(larger, capacity) if capacity else larger
            if larger > size:
                return (
                    f"batches fill up ({shares['size']:.0%} by size) and wait for a worker",
                    f"window.max_size={larger}",
                )
        workers = (config.get("sink") or {}).get("workers") or 1
        return f"batches of {size:,} fill up and wait for a worker", f"sink.workers={workers * 2}"
    if blame == "window" and wait_ms and shares.get("age", 0) > 0.5:
        return f"the slow items wait for the timer ({shares['age']:.0%} of batches by age)", (
            f"window.max_wait_ms={wait_ms / 2:g}"
        )
    return None


def _rounded(value_s: float) -> float:
    """Two digits, upwards: rounded down it could be the duration that was too short."""
    digit = 10.0 ** (math.floor(math.log10(value_s)) - 1)
    return round(math.ceil(value_s / digit) * digit, 6)
