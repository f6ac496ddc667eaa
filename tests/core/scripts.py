"""Random pipelines and random scripts for them, as hypothesis strategies.

Must live here: what may be drawn. Must not: how a script is played (`script`).
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER
from tests.core.script import Setup, Step

_SIZES: Final[tuple[tuple[int, ...], ...]] = (
    (1,),
    (5,),
    (0,),
    (30,),
    (5, 5),
    (5, 5, 5),
    (0, 0, 0),
    (1,) * 7,
    (5, 0, 12),
    (12, 5, 0, 0, 1),
    (10, 0, 10, 0, 0, 5),
    (3, 61, 2),
    (1, 2, 3, 4, 5, 6, 7, 8, 9),
    (2,) * 30,
)
"""Payload sizes of a span: even, uneven, zero, larger than some queues."""

_ARRIVALS: Final = [Step("arrive", gap_ns, sizes) for gap_ns in (0, 1, 5, 20) for sizes in _SIZES]
_OUTCOMES: Final = [
    Step(kind, gap_ns, (), pick)
    for kind in ("settle", "fail", "reject", "settle")
    for gap_ns in (0, 3, 15)
    for pick in (0, 1, 3)
]
_WAITS: Final = [Step("wait", gap_ns) for gap_ns in (1, 10, 25, 60)]

_step: Final = st.one_of(st.sampled_from(_ARRIVALS), st.sampled_from(_OUTCOMES), st.sampled_from(_OUTCOMES + _WAITS))

scripts: Final = st.one_of(st.lists(_step, min_size=12, max_size=30), st.lists(_step, max_size=4))
"""Arrivals, settles, transient and permanent failures, waits (timers fire where they fall). Drawn from a list of whole
steps, which is five times faster than part by part; mostly long, or nothing much would happen."""


@st.composite
def setups(draw: st.DrawFn, max_size_fits: bool = True) -> Setup:
    """A pipeline that validation would let pass: under `block` a full window fits the queue, in items."""
    overflow = draw(st.sampled_from(list(Overflow)))
    max_size = draw(st.sampled_from([1, 2, 3, 4, 7, 16]))
    capacity = capacity_bytes = NEVER
    spills = overflow is Overflow.SPILL
    if overflow is not Overflow.UNBOUNDED:
        smallest = max_size if overflow is Overflow.BLOCK and max_size_fits else 1
        capacity = draw(st.sampled_from([smallest, smallest + 1, smallest + 5, smallest + 20, NEVER]))
        capacity_bytes = draw(st.sampled_from([NEVER, NEVER, 1, 10, 25, 60]))
    return Setup(
        overflow=overflow,
        capacity=capacity,
        capacity_bytes=capacity_bytes,
        max_size=max_size,
        max_wait_ns=draw(st.sampled_from([0, 1, 10, 25, NEVER])),
        max_bytes=draw(st.sampled_from([NEVER, NEVER, 1, 10, 12, 40])),
        workers=draw(st.integers(1, 4)),
        ordered=draw(st.booleans()),
        max_attempts=draw(st.integers(1, 4)),
        backoff_ns=draw(st.sampled_from([0, 7, 40])),
        timer_late_ns=draw(st.sampled_from([0, 0, 3])),
        spill_bytes=draw(st.sampled_from([NEVER, 70, 300])) if spills else NEVER,
        spill_drops=spills and draw(st.booleans()),
        disk_lazy=spills and draw(st.booleans()),
    )
