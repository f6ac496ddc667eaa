"""Acceptance criteria: rows and a bound to one of the four verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from ingestexp.report.criteria import criterion_of, judge
from ingestexp.report.verdict import FAIL, INCONCLUSIVE, PASS
from tests.report.sweeps import criterion


def judged(values: list[Any], how: str = "every", **bounds: float) -> tuple[str, str]:
    rows = [value if isinstance(value, dict) else {"value": value} for value in values]
    found = judge(criterion_of(criterion("any", how, **bounds)), rows)
    return found.result, found.reason


@pytest.mark.parametrize(
    ("values", "bounds", "result"),
    [
        ([5.0, 6.0], {"at_least": 5}, PASS),
        ([5.0, 4.9], {"at_least": 5}, FAIL),
        ([5.0, 6.0], {"at_most": 6}, PASS),
        ([0.5, 7.0], {"at_least": 0.5, "at_most": 6}, FAIL),
        ([{"value": 6.0, "low": 4.0, "high": 8.0}], {"at_least": 5}, INCONCLUSIVE),
        ([{"value": 6.0, "low": 5.5, "high": 8.0}], {"at_least": 5}, PASS),
        ([{"value": 4.0, "low": 3.5, "high": 4.5}], {"at_least": 5}, FAIL),
    ],
)
def test_every_row_has_to_hold(values: list[Any], bounds: dict[str, float], result: str) -> None:
    assert judged(values, "every", **bounds)[0] == result


@pytest.mark.parametrize(
    ("values", "bounds", "result"),
    [
        ([9.0, 10.0, 11.0], {"at_least": 5}, PASS),
        ([1.0, 1.1, 0.9], {"at_least": 5}, FAIL),
        ([3.0, 5.0, 9.0], {"at_least": 5}, INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize("how", ["mean", "ratio"])
def test_the_interval_of_the_mean_decides(values: list[float], bounds: dict[str, float], result: str, how: str) -> None:
    assert judged(values, how, **bounds)[0] == result


def test_a_straddling_interval_says_how_many_repeats_would_settle_it() -> None:
    _, reason = judged([4.0, 6.0, 8.0], "mean", at_least=5)
    assert "about" in reason
    assert "repeats would settle it" in reason


def test_nothing_to_go_by_is_inconclusive_and_says_why() -> None:
    assert judged([], at_least=1) == (INCONCLUSIVE, "no row: the cells it needs are not there")
    assert judged([None], at_least=1)[0] == INCONCLUSIVE
    assert judged([{"value": None, "why": "the SLO does not constrain"}], at_least=1)[1] == "the SLO does not constrain"
    assert "one repeat has no interval" in judged([9.0], "mean", at_least=1)[1]
    assert "logarithm" in judged([0.0, 2.0], "ratio", at_least=1)[1]
