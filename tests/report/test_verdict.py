"""The rules of a verdict, one by one.

Must live here: cases made of numbers. Must not: run folders (`test_summary`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ingestexp.report.verdict import (
    FAIL,
    INCONCLUSIVE,
    INVALID,
    PASS,
    Blocks,
    Case,
    Slo,
    decide,
)


def blocks(over: list[int], per_block: int = 1000, without_lateness: list[int] | None = None) -> Blocks:
    count = len(over)
    items = np.full(count, per_block, dtype=np.int64)
    return Blocks(
        items,
        np.array(over, dtype=np.int64),
        np.array(over if without_lateness is None else without_lateness, dtype=np.int64),
        items[:, None],
        np.array([28000]),
    )


def case(over: list[int], per_block: int = 1000, without_lateness: list[int] | None = None) -> Case:
    return Case(
        status="completed",
        status_reason=None,
        slo=Slo(99.0, 50_000_000),
        blocks=blocks(over, per_block, without_lateness),
        ledger_balanced=True,
        readback_ok=True,
        conserved=True,
        has_trace=True,
        is_saturate=False,
        backlog_grows=False,
        backlog_grows_without_lateness=False,
    )


@pytest.mark.parametrize(
    ("over", "result"),
    [
        ([0] * 40, PASS),
        ([2] * 40, PASS),
        ([30] * 40, FAIL),
        ([0] * 39 + [400], INCONCLUSIVE),  # one stall may be chance
        ([8, 12] * 20, INCONCLUSIVE),
        ([0] * 12, INCONCLUSIVE),  # too few blocks to pass
        ([700] * 12, FAIL),  # but not to fail, where nearly all of it is over
        ([1000] * 4, INCONCLUSIVE),
    ],
)
def test_the_interval_of_the_exceedances_decides(over: list[int], result: str) -> None:
    assert decide(case(over)).result == result


def test_too_few_items_say_how_many_are_missing() -> None:
    verdict = decide(case([0] * 25, per_block=10))
    assert (verdict.result, verdict.more_items) == (INCONCLUSIVE, 49)


def test_inconclusive_says_how_many_more() -> None:
    verdict = decide(case([0] * 39 + [250]))
    assert verdict.result == INCONCLUSIVE
    assert verdict.more_items is not None
    assert verdict.more_items > 4_000
    assert f"{verdict.more_items:,} more items" in verdict.reason


def test_lateness_that_flips_invalidates_and_one_that_does_not_is_only_shown() -> None:
    assert decide(case([30] * 40, without_lateness=[0] * 40)).result == INVALID
    assert decide(case([30] * 40, without_lateness=[29] * 40)).result == FAIL


def test_lateness_that_would_settle_an_inconclusive_one_is_named() -> None:
    verdict = decide(case([8, 12] * 20, without_lateness=[0] * 40))
    assert verdict.result == INCONCLUSIVE
    assert "without the generator's lateness it would be PASS" in verdict.reason


def test_a_growing_backlog_fails_unless_the_generator_makes_it_grow() -> None:
    growing = replace(case([0] * 40), backlog_grows=True, backlog_grows_without_lateness=True)
    assert decide(growing).result == FAIL
    assert decide(replace(growing, backlog_grows_without_lateness=False)).result == INVALID


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ledger_balanced": False}, "ledger"),
        ({"readback_ok": False}, "read-back"),
        ({"conserved": False}, "audit"),
        ({"status": "crashed"}, "complete"),
        ({"status": "oom_killed"}, "complete"),
        ({"status": "failed", "is_saturate": True}, "complete"),
    ],
)
def test_a_broken_instrument_comes_before_any_figure(changes: dict[str, object], word: str) -> None:
    verdict = decide(replace(case([0] * 40), **changes))  # type: ignore[arg-type]
    assert verdict.result == INVALID
    assert word in verdict.reason
    assert verdict.exit_code == 1


def test_a_capacity_run_has_no_verdict_and_exits_0() -> None:
    verdict = decide(replace(case([30] * 40), is_saturate=True))
    assert verdict.result is None
    assert verdict.exit_code == 0


def test_a_percentile_of_100_allows_none() -> None:
    strict = replace(case([0] * 40), slo=Slo(100.0, 50_000_000))
    assert decide(strict).result == PASS
    assert decide(replace(strict, blocks=blocks([5] * 40))).result == FAIL


def test_a_run_that_the_kernel_killed_at_its_own_limit_fails() -> None:
    killed = replace(case([0] * 40), status="oom_killed", status_reason="the kernel killed it", ledger_balanced=None)
    verdict = decide(replace(killed, killed_at_limit=True))
    assert (verdict.result, verdict.broken) == (FAIL, False)
    assert "what it held is lost" in verdict.reason
    elsewhere = decide(killed)
    assert (elsewhere.result, elsewhere.broken) == (INVALID, True), "the host ran out: that says nothing about the run"


def test_a_refused_allocation_proves_nothing() -> None:
    refused = replace(case([0] * 40), status="failed", status_reason="out of memory, not killed: …")
    assert decide(replace(refused, allocation_refused=True)).result == INCONCLUSIVE
    assert decide(refused).result == INVALID
