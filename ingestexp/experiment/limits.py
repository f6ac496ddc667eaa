"""The range of every number that can be configured.

Must live here: what a number may be on its own. Must not: what two keys may be together (`validate`).
Upper ends keep instants within int64 nanoseconds and catch slips of the unit; none is near what a run needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, the ends included unless they are open."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    @property
    def words(self) -> str:
        start = f"above {_shown(self.low)}" if self.low_open else f"at least {_shown(self.low)}"
        return f"{start} and {'below' if self.high_open else 'at most'} {_shown(self.high)}"


def _shown(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else str(value)


MOST_ITEMS: Final = 10**9
"""Of one run: more would neither fit the trace's columns nor end in a day's patience."""
MOST_PHASES: Final = 127
"""Phases are coded in a byte."""

_RATE_PER_S: Final = Range(0, 1e9, low_open=True)
_DURATION_S: Final = Range(0, 1e6, low_open=True)
_MS: Final = Range(0, 1e9)
_COUNT: Final = Range(1, 10**12)
_BYTES: Final = Range(1, 10**15)

RANGES: Final[dict[str, Range]] = {
    "seed": Range(0, 2**64 - 1),
    "rate_per_s": _RATE_PER_S,
    "idle_rate_per_s": Range(0, 1e9),
    "end_rate_per_s": _RATE_PER_S,
    "duration_s": _DURATION_S,
    "on_ms": Range(0, 1e9, low_open=True),
    "off_ms": _MS,
    "time_scale": Range(0, 1e12, low_open=True),
    "loop": Range(1, 10**6),
    "from_ratio": Range(0, 1, high_open=True),
    "to_ratio": Range(0, 1, low_open=True),
    "item_count": Range(1, MOST_ITEMS),
    "size_bytes": Range(1, 2**23),
    "size_cv": Range(0, 10),
    "items_per_envelope": Range(1, 1_000_000),
    "max_inflated_bytes": _BYTES,
    "max_inflate_ratio": Range(1, 1e9),
    "max_items": _COUNT,
    "max_item_bytes": _BYTES,
    "max_members": _COUNT,
    "max_nesting": Range(1, 16),
    "every": _COUNT,
    "inflated_bytes": Range(2**20, 2**40),
    "capacity": _COUNT,
    "capacity_bytes": _BYTES,
    "spill_max_bytes": Range(2**20, 10**15),
    "max_size": Range(1, 10**9),
    "max_wait_ms": _MS,
    "max_bytes": _BYTES,
    "max_attempts": Range(1, 32_000),
    "max_rounds": Range(1, 32_000),
    "backoff_ms": _MS,
    "backoff_factor": Range(1, 1000),
    "max_backoff_ms": _MS,
    "jitter": Range(0, 1),
    "workers": Range(1, 1024),
    "schema_version": Range(1, 999),
    "fixed_ms": Range(0, 1e6),
    "per_item_us": Range(0, 1e6),
    "per_byte_ns": Range(0, 1e6),
    "noise_cv": Range(0, 100),
    "percentile": Range(0, 99.999, low_open=True),
    "bound_ms": Range(0, 1e9, low_open=True),
    "warmup_s": Range(0, 1e6),
    "confidence": Range(0.5, 1, high_open=True),
    "drain_s": Range(0, 1e6),
    "sample_every_ms": Range(1, 60_000),
    "limit_mb": Range(1, 2**30),
    "repeats": Range(1, 10_000),
    "cores_per_run": Range(1, 1024),
    "factor": Range(0, 1e6, low_open=True),
    "rate": Range(0, 1),
    "after_writes": _COUNT,
    "spread_count": Range(0, 1_000_000),
    "at_s": Range(0, 1e6),
    "for_s": Range(0, 1e6, low_open=True),
    "at_least": Range(-1e18, 1e18),
    "at_most": Range(-1e18, 1e18),
}
"""By field name: a name means the same, and allows the same, wherever it stands."""
