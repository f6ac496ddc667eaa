"""How long cells will take, before and while they run.

Must live here: expected seconds of a cell, the correction by what was seen. Must not: printing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestexp.sweep.dispatch import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestexp.experiment.schema.run import RunConfig

LIVE_OVERHEAD_S: Final = 0.3
"""Fork, build, the last flush, read-back and closing the evidence, of a short run."""
SIMULATED_OVERHEAD_S: Final = 0.02
SIMULATED_ITEMS_PER_S: Final = 3e6
UNKNOWN_S: Final = 5.0
"""A recording, or a run that ends after so many items."""


def expected_s(config: RunConfig, kind: Kind) -> float:
    """A guess that is right within a factor of two or so; `Pace` corrects it."""
    duration_s = getattr(config.load, "duration_s", None)
    if duration_s is None:
        regimes = getattr(config.load, "regimes", None)
        duration_s = sum(regime.duration_s for regime in regimes) if regimes else UNKNOWN_S
    if kind is not Kind.simulated:
        return float(duration_s) + LIVE_OVERHEAD_S
    items = duration_s * float(getattr(config.load, "rate_per_s", 10_000.0))
    return SIMULATED_OVERHEAD_S + items / SIMULATED_ITEMS_PER_S


class Pace:
    """What is still to come, from what the cells so far took."""

    def __init__(self) -> None:
        self._expected_s = 0.0
        self._taken_s = 0.0

    def ended(self, expected: float, taken: float) -> None:
        if taken > 0:
            self._expected_s += expected
            self._taken_s += taken

    def eta_s(self, rest: Iterable[tuple[float, int]]) -> float:
        """`rest`: (expected seconds, how many of the kind run at once) of each cell not ended."""
        factor = self._taken_s / self._expected_s if self._expected_s else 1.0
        return factor * sum(expected / at_once for expected, at_once in rest)


def in_words(seconds: float) -> str:
    """0:07, 12:30, 1:02:30."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
