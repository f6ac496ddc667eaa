"""The audits find what they are for: missing, repeated and foreign ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.core.span import AS_DUE, UNKNOWN
from ingestexp.trace.ledger import audit_readback, balance, fates, lateness_quantile_ns
from tests.trace.pages import batch_of, block_of, recorded, span_of

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.trace.recorder import Recorder


def ten_items(folder: Path, committed: list[tuple[int, int]], hand_over: bool = False) -> Path:
    """Committed id ranges of a block of ten; 8 dropped, 9 unsettled. `hand_over`: each in a segment of its own."""

    def tell(recorder: Recorder) -> None:
        block = block_of(recorder, 0, list(range(20)), 3)
        for batch_id, (first, end) in enumerate(committed):
            recorder.committed(batch_of(batch_id, [span_of(block, first, end, AS_DUE, AS_DUE)]))
            if hand_over:
                recorder.hand_over()
        recorder.dropped(span_of(block, 8, 9, AS_DUE), "overflow_newest", 5)
        recorder.unsettled(span_of(block, 9, 10, AS_DUE, AS_DUE), "queued", None)

    return recorded(folder, ("a",), tell)


def test_a_whole_ledger_balances(tmp_path: Path) -> None:
    ledger = balance(*fates(ten_items(tmp_path, [(0, 4), (4, 8)]), 10))
    assert ledger.as_dict() == {
        "balanced": True,
        "offered": 10,
        "committed": 8,
        "dropped": 1,
        "dead_lettered": 0,
        "unsettled": 1,
        "missing_ids": 0,
        "repeated_ids": 0,
    }


def test_an_id_without_a_row_is_missing(tmp_path: Path) -> None:
    ledger = balance(*fates(ten_items(tmp_path, [(0, 4), (5, 8)]), 10))
    assert (ledger.balanced, ledger.missing_ids, ledger.repeated_ids) == (False, 1, 0)


@pytest.mark.parametrize("hand_over", [False, True])
@pytest.mark.parametrize(("ranges", "repeated"), [([(0, 8), (2, 4)], 2), ([(0, 8), (2, 4), (2, 4), (3, 4)], 5)])
def test_every_row_of_an_id_seen_before_is_counted_within_a_part_and_across(
    tmp_path: Path, hand_over: bool, ranges: list[tuple[int, int]], repeated: int
) -> None:
    ledger = balance(*fates(ten_items(tmp_path, ranges, hand_over), 10))
    assert (ledger.balanced, ledger.missing_ids, ledger.repeated_ids) == (False, 0, repeated)


def test_repeats_that_follow_a_repeat_are_counted_once_each(tmp_path: Path) -> None:
    """Two row batches: the second brings an id of the first twice."""
    ledger = balance(*fates(_two_parts(tmp_path), 10))
    assert (ledger.balanced, ledger.repeated_ids) == (False, 2)


def _two_parts(folder: Path) -> Path:
    def tell(recorder: Recorder) -> None:
        block = block_of(recorder, 0, list(range(20)), 3)
        recorder.committed(batch_of(0, [span_of(block, 0, 8, AS_DUE, AS_DUE)], settled_at_ns=0))
        recorder.hand_over()
        recorder.committed(batch_of(1, [span_of(block, 8, 10, AS_DUE, AS_DUE)], settled_at_ns=5_000_000_000))
        recorder.hand_over()
        recorder.committed(batch_of(2, [span_of(block, 5, 6, AS_DUE, AS_DUE)] * 2, settled_at_ns=10_000_000_000))

    return recorded(folder, ("a",), tell)


def test_an_id_that_was_never_offered_counts_as_repeated(tmp_path: Path) -> None:
    ledger = balance(*fates(ten_items(tmp_path, [(0, 8), (12, 14)]), 10))
    assert (ledger.balanced, ledger.missing_ids, ledger.repeated_ids) == (False, 0, 2)


def test_a_trace_without_items_balances_with_nothing_offered(tmp_path: Path) -> None:
    assert balance(*fates(recorded(tmp_path, ("a",), lambda recorder: None), 0)).balanced


BY_ID = np.array([0, 0, 0, 1, 2, 3], np.int8)
"""Three committed, one dropped, one dead-lettered, one unsettled."""


@pytest.mark.parametrize(
    ("held", "ok", "missing", "unsettled_but_held", "foreign"),
    [
        ([0, 1, 2], True, 0, 0, 0),
        ([0, 1, 2, 5], True, 0, 1, 0),  # a write that was given up may have committed after all
        ([0, 2], False, 1, 0, 0),
        ([0, 1, 2, 3], False, 0, 0, 1),  # dropped, and yet there
        ([0, 1, 2, 4], False, 0, 0, 1),  # dead-lettered, and yet there
        ([0, 1, 2, 6], False, 0, 0, 1),  # never offered
        ([-1, 0, 1, 2], False, 0, 0, 1),
        ([0, 1, 1, 2], False, 0, 0, 1),  # twice: not idempotent
        ([], False, 3, 0, 0),
    ],
)
def test_the_readback_audit_compares_what_the_sink_holds_with_what_the_trace_calls_committed(
    held: list[int], ok: bool, missing: int, unsettled_but_held: int, foreign: int
) -> None:
    found = audit_readback(BY_ID, np.array(held, np.int64))
    assert (found.ok, found.missing, found.unsettled_but_held, found.foreign) == (
        ok,
        missing,
        unsettled_but_held,
        foreign,
    )
    assert found.as_dict()["held"] == len(held)


def test_the_lateness_quantile_is_the_nearest_rank_of_offered_minus_intended(tmp_path: Path) -> None:
    def tell(recorder: Recorder) -> None:
        block = block_of(recorder, 0, [0] * 100, 3)
        for item_id in range(100):
            recorder.committed(batch_of(item_id, [span_of(block, item_id, item_id + 1, item_id + 1, item_id + 1)]))

    folder = recorded(tmp_path, ("a",), tell)
    assert [lateness_quantile_ns(folder, q) for q in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]


def test_items_that_were_never_offered_have_no_lateness_and_hide_nobody_elses(tmp_path: Path) -> None:
    def tell(recorder: Recorder) -> None:
        block = block_of(recorder, 0, [0] * 3, 3)
        recorder.committed(batch_of(0, [span_of(block, 0, 2, 7, 7)]))
        recorder.unsettled(span_of(block, 2, 3, UNKNOWN), "blocked", None)

    assert lateness_quantile_ns(recorded(tmp_path, ("a",), tell), 0.5) == 7
    assert lateness_quantile_ns(recorded(tmp_path / "none", ("a",), lambda recorder: None), 0.5) is None


def test_a_temporary_file_beside_the_parts_is_not_read(tmp_path: Path) -> None:
    folder = ten_items(tmp_path, [(0, 8)])
    (folder / "items" / ".tmp-000009.parquet").write_bytes(b"torn")
    assert balance(*fates(folder, 10)).balanced
