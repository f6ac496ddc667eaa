"""What the figures mean against the SLO: PASS, FAIL, INCONCLUSIVE or INVALID.

Must live here: the rules, pure functions over figures. Must not: SQL, files, how a verdict is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from ingestexp.report.intervals import (
    Counts,
    Interval,
    items_to_settle,
    percentile_interval,
    ratio_interval,
    resample_weights,
    trials_needed,
)

PASS, FAIL, INCONCLUSIVE, INVALID = "PASS", "FAIL", "INCONCLUSIVE", "INVALID"
MIN_BLOCKS: Final = 20
MIN_BLOCKS_TO_FAIL: Final = 5


@dataclass(frozen=True, slots=True)
class Slo:
    percentile: float
    bound_ns: int
    confidence: float = 0.95

    @property
    def allowed_ratio(self) -> float:
        """The share of items that may exceed the bound."""
        return round(1 - self.percentile / 100, 9)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Exceedances by time block: (k,) each; histogram (k, b) over `latency_bucket`s (b,) ascending.

    `stalled` (k,): the blocks in which the host kept the run waiting; None: in none.
    """

    items: Counts
    over: Counts
    over_without_lateness: Counts
    histogram: Counts
    buckets: Counts
    stalled: Counts | None = None

    def as_if_calm(self) -> Blocks:
        """With no item over the bound in those in which the host stalled: the best that a calm host could have made."""
        if self.stalled is None:
            return self
        calm = self.stalled == 0
        return replace(self, over=self.over * calm, over_without_lateness=self.over_without_lateness * calm)


@dataclass(frozen=True, slots=True)
class Case:
    """All that a verdict is reached from."""

    status: str
    status_reason: str | None
    slo: Slo
    blocks: Blocks
    ledger_balanced: bool | None
    readback_ok: bool | None
    conserved: bool
    has_trace: bool
    is_saturate: bool
    backlog_grows: bool
    backlog_grows_without_lateness: bool
    seed: int = 0
    disturbed: bool = False
    """The host was, by the run's own check."""
    host_took_ratio: float = 1.0
    """At most this share of the run's time was taken from it by the host (stalls, stolen time, other processes)."""
    served_ratio: float = 1.0
    """Of what fell due while the load lasted, this share was settled meanwhile."""
    killed_at_limit: bool = False
    """The kernel killed it for memory, at the run's own limit."""
    allocation_refused: bool = False
    """It ended because a resource limit refused it memory."""
    volatile_filesystem: str | None = None
    """Where a sink that claims durability keeps its files in memory: the type of that filesystem."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`result` None: a capacity run, which has no SLO verdict. Ratios are shares of items over the bound."""

    result: str | None
    reason: str
    over_count: int = 0
    item_count: int = 0
    block_count: int = 0
    bad_block_count: int = 0
    ratio: Interval | None = None
    percentile_ns: Interval | None = None
    more_items: int | None = None
    notes: tuple[str, ...] = field(default=())
    broken: bool = False
    """INVALID as a whole: no figure of the run bears a conclusion, not only its latencies."""

    @property
    def exit_code(self) -> int:
        return 0 if self.result in (None, PASS) else 1


def decide(case: Case) -> Verdict:
    """The first rule that applies, in the order: invalid, nothing to judge, saturated, exceedances.

    A FAIL of a disturbed host must also be one of the calmest host it could have been. A PASS stands: a disturbance
    only makes a latency worse.
    """
    found = _decide(case)
    if found.result != FAIL or not case.disturbed:
        return found
    if case.backlog_grows:
        took = case.host_took_ratio
        if case.served_ratio < 1 - took:  # even with all that time given back it could not have kept up
            return found
        reason = (
            f"the host was disturbed: given the {took:.0%} of its time that it took, the backlog might not have grown"
        )
        return _replace(found, INVALID, reason)
    if case.blocks.stalled is None:
        return found
    stalled = int(np.count_nonzero(case.blocks.stalled[case.blocks.items > 0]))
    best = case.blocks.as_if_calm()
    calm = judge(best.over, best, case.slo, case.seed).result
    if not stalled or calm == FAIL:
        return found
    which = f"{stalled} of {found.block_count} blocks" if stalled < found.block_count else "blocks"
    reason = (
        f"the host was disturbed: if none were over in the {which} in which it stalled, the verdict would be {calm}"
    )
    return _replace(found, INVALID, reason)


def _decide(case: Case) -> Verdict:
    if case.status == "oom_killed" and case.killed_at_limit:
        return Verdict(FAIL, f"{case.status_reason}: what it held is lost")
    if case.status == "failed" and case.allocation_refused:
        return Verdict(INCONCLUSIVE, str(case.status_reason))
    broken = _instrument_broken(case)
    if broken:
        return Verdict(INVALID, broken, broken=True)
    if case.is_saturate:
        return Verdict(None, "a capacity run: items have no intended times, so there is no response and no SLO verdict")
    notes = _notes(case)
    if not case.has_trace:
        return Verdict(
            INCONCLUSIVE, "the trace was off (trace.enabled=false): there are no items to judge", notes=notes
        )
    found = judge(case.blocks.over, case.blocks, case.slo, case.seed, notes)
    if case.backlog_grows:
        if not case.backlog_grows_without_lateness:
            return _replace(found, INVALID, "the generator fell ever further behind: the backlog grows by its lateness")
        return _replace(found, FAIL, "the backlog grows while the load lasts: the latency grows with the duration")
    if found.item_count and found.result != PASS:
        without = judge(case.blocks.over_without_lateness, case.blocks, case.slo, case.seed).result
        if found.result == FAIL and without != FAIL:
            reason = f"the generator's lateness decides: without it the verdict would be {without}"
            return _replace(found, INVALID, reason)
        if found.result == INCONCLUSIVE and without != INCONCLUSIVE:
            return _replace(
                found, INCONCLUSIVE, f"{found.reason}; without the generator's lateness it would be {without}"
            )
    return found


def judge(over: Counts, blocks: Blocks, slo: Slo, seed: int, notes: tuple[str, ...] = ()) -> Verdict:
    """PASS, FAIL or INCONCLUSIVE by the exceedance rule: is the share of items over the bound as small as allowed?"""
    there = blocks.items > 0
    totals, over = blocks.items[there], over[there]
    items, exceeding, count = int(totals.sum()), int(over.sum()), len(totals)
    if items == 0:
        return Verdict(INCONCLUSIVE, "no item was kept and due after the warm-up: nothing to judge", notes=notes)
    weights = resample_weights(count, seed)
    ratio = ratio_interval(over, totals, weights, slo.confidence)
    percentile = percentile_interval(blocks.histogram[there], blocks.buckets, slo.percentile, weights, slo.confidence)
    allowed = slo.allowed_ratio
    least = trials_needed(0, allowed, slo.confidence) if allowed > 0 else items
    more: int | None = None
    if ratio.low > allowed and count >= MIN_BLOCKS_TO_FAIL:
        result, reason = FAIL, "more items are over the bound than allowed"
    elif items < least:
        result, more = INCONCLUSIVE, least - items
        reason = f"too few items: a p{slo.percentile:g} needs at least {least:,} ({more:,} more)"
    elif count < MIN_BLOCKS:
        result, more = INCONCLUSIVE, int(np.ceil(items / count * (MIN_BLOCKS - count)))
        reason = f"too few time blocks with whole batches: {count}, at least {MIN_BLOCKS} are needed"
    elif ratio.high <= allowed:
        result, reason = PASS, "the share of items over the bound stays within what is allowed"
    else:
        result = INCONCLUSIVE
        needed = items_to_settle(over, totals, allowed, slo.confidence, ratio) if allowed > 0 else None
        more = None if needed is None else max(needed - items, items // 10)
        how = "more than 100 times as many items" if more is None else f"about {more:,} more items"
        reason = f"the interval straddles the {allowed:.3%} allowed: {how} would settle it".replace(".000%", "%")
    return Verdict(result, reason, exceeding, items, count, int(np.count_nonzero(over)), ratio, percentile, more, notes)


def _instrument_broken(case: Case) -> str | None:
    """Why nothing may be concluded from the run at all."""
    if case.status in ("failed", "crashed", "oom_killed"):
        return f"the run did not complete ({case.status}): {case.status_reason or 'no reason was recorded'}"
    if case.ledger_balanced is False:
        return "the ledger does not balance: offered is not committed + dropped + dead-lettered + unsettled, by id"
    if case.readback_ok is False:
        return "the read-back audit failed: the sink does not hold exactly what was committed"
    if not case.conserved:
        return "the trace does not account for every item once (see the audit)"
    if case.volatile_filesystem is not None:
        what = "what it acknowledged does not survive a power cut"
        return f"the sink claims durability but lies on {case.volatile_filesystem}: {what}"
    return None


def _notes(case: Case) -> tuple[str, ...]:
    return ("the run was interrupted: judged by what is there",) if case.status == "interrupted" else ()


def _replace(found: Verdict, result: str, reason: str) -> Verdict:
    return replace(found, result=result, reason=reason, more_items=found.more_items if result == INCONCLUSIVE else None)
