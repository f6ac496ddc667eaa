"""Random pipelines and random scripts for them, as hypothesis strategies.

Must live here: what may be drawn. Must not: how a script is played (`script`).
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER
from tests.core.script import Setup, Step

_DROPS: Final = (Overflow.DROP_NEWEST, Overflow.DROP_OLDEST)

sizes: Final = st.one_of(
    st.lists(st.integers(0, 12), min_size=1, max_size=10).map(tuple),
    st.builds(lambda size, count: (size,) * count, st.integers(0, 5), st.integers(1, 30)),
)
"""Payload sizes of a span: uneven with zeros, or all alike."""

_arrive: Final = st.builds(Step, st.just("arrive"), st.integers(0, 20), sizes)
_outcome: Final = st.builds(
    Step, st.sampled_from(["settle", "settle", "fail", "reject"]), st.integers(0, 20), st.just(()), st.integers(0, 3)
)
_wait: Final = st.builds(Step, st.just("wait"), st.integers(1, 60))

scripts: Final = st.lists(st.one_of(_arrive, _arrive, _outcome, _outcome, _wait), max_size=25)
"""Arrivals, settles, transient and permanent failures, waits (timers fire where they fall)."""


@st.composite
def setups(draw: st.DrawFn, max_size_fits: bool = True) -> Setup:
    """A pipeline that validation would let pass: under `block` a full window fits the queue, in items."""
    overflow = draw(st.sampled_from(list(Overflow)))
    max_size = draw(st.sampled_from([1, 2, 3, 4, 7, 16]))
    capacity = capacity_bytes = NEVER
    if overflow is not Overflow.UNBOUNDED:
        smallest = max_size if overflow is Overflow.BLOCK and max_size_fits else 1
        capacity = draw(st.one_of(st.integers(smallest, smallest + 20), st.just(NEVER)))
        capacity_bytes = draw(st.one_of(st.just(NEVER), st.integers(1, 60)))
    return Setup(
        overflow=overflow,
        capacity=capacity,
        capacity_bytes=capacity_bytes,
        max_size=max_size,
        max_wait_ns=draw(st.sampled_from([0, 1, 10, 25, NEVER])),
        max_bytes=draw(st.one_of(st.just(NEVER), st.integers(1, 40))),
        workers=draw(st.integers(1, 4)),
        ordered=draw(st.booleans()),
        max_attempts=draw(st.integers(1, 4)),
        backoff_ns=draw(st.sampled_from([0, 7, 40])),
        timer_late_ns=draw(st.sampled_from([0, 0, 3])),
    )
