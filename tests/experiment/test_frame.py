"""The shortcut from overrides to a typed config gives what full composition gives, or leaves it to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestexp.experiment.session import Session, session, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = ("load=poisson", "load=bursty", "load=regimes", "sink=model", "window=per_item", "payload=random")
VALUES = (
    "seed=7",
    "clock=simulated",
    "window.max_size=3",
    "window.max_wait_ms=null",
    "window={max_size:5,max_wait_ms:1.5}",
    "load.rate_per_s=12.5",
    "load.duration_s=3",
    "policy.capacity=77",
    "sweep.repeats=4",
    "+sweep.variants={a:['seed=1']}",
    "++slo.bound_ms=3",
    "trace.enabled=false",
    "run.drain_s=1e1",
    "sink.workers=2",
    "slo.bound_ms=${run.drain_s}",
    "run.drain_s=nonsense",
    "window.max_sise=4",
    "+foo=1",
    "+window.foo=1",
)


def outcome(here: Session, tokens: list[str], quick: bool) -> object:
    overrides = here.parser.parse_overrides(tokens)
    try:
        return here.cell(overrides) if quick else typed(here.compose(overrides))
    except Exception as error:
        return type(error), str(error)


@pytest.fixture(scope="module")
def here() -> Iterator[Session]:
    with session() as opened:
        yield opened


@settings(max_examples=80)
@given(
    groups=st.lists(st.sampled_from(GROUPS), max_size=1, unique_by=lambda token: token.partition("=")[0]),
    values=st.lists(st.sampled_from(VALUES), max_size=4, unique_by=lambda token: token.partition("=")[0]),
)
def test_a_quick_cell_is_equal_to_a_fully_composed_one_errors_included(
    here: Session, groups: list[str], values: list[str]
) -> None:
    assert outcome(here, groups + values, True) == outcome(here, groups + values, False)


def test_cells_do_not_share_what_is_changed_later(here: Session) -> None:
    one, other = (here.cell(here.parser.parse_overrides([f"seed={seed}"])) for seed in (1, 2))
    one.sink.path = "elsewhere"  # type: ignore[attr-defined]
    assert other.sink.path is None  # type: ignore[attr-defined]
    assert here.cell([]).sink.path is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("tokens", [["window.max_size=3", "seed=4"], ["load=bursty", "load.on_ms=3"], []])
def test_plain_values_take_the_shortcut(here: Session, tokens: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = here.parser.parse_overrides(tokens)
    here.cell(overrides)
    monkeypatch.setattr(here, "compose", None)
    here.cell(overrides)
