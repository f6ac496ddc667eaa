"""A block whose items are dropped gives their memory back, and serves the others as before."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestexp.adapters.payloads.random_bytes import RandomBytes
from ingestexp.core.policy import Overflow
from ingestexp.engine.blocks import make_block
from ingestexp.engine.kept_payloads import KeptPayloads
from ingestexp.ports import payload_slices
from ingestexp.trace.payloads import copied
from ingestexp.trace.tally import Tally
from tests.core.script import Setup
from tests.engine.rig import DueTimes, HandSink, run

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.batch import Batch

COUNT = 40


def numbered(first: int, count: int, size: int = 8) -> pa.Array:
    return pa.array([f"{i:0{size}d}".encode() for i in range(first, first + count)], pa.binary())


@given(st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(1, 6)), max_size=20))
def test_what_is_kept_reads_as_before_whatever_was_forgotten(cuts: list[tuple[int, int]]) -> None:
    array = numbered(0, COUNT)
    kept = KeptPayloads(array, COUNT)
    alive = set(range(COUNT))
    for offset, length in cuts:
        ids = [i for i in range(offset, min(COUNT, offset + length)) if i in alive]
        if not ids or ids != list(range(ids[0], ids[-1] + 1)):
            continue
        kept.forget(ids[0], len(ids))
        alive -= set(ids)
        for i in alive:
            run_end = next(j for j in range(i, COUNT + 1) if j not in alive)
            assert kept.slice(i, run_end - i).equals(array.slice(i, run_end - i))


def test_a_copy_of_a_single_slice_owns_its_memory() -> None:
    whole = numbered(0, 1000, 1000)
    before = pa.total_allocated_bytes()
    part = copied([whole.slice(10, 5)])
    assert part.equals(whole.slice(10, 5))
    del whole
    gc.collect()
    assert pa.total_allocated_bytes() < before - 900_000


def test_a_block_holds_no_more_than_about_twice_what_is_kept_of_it() -> None:
    before = pa.total_allocated_bytes()
    block = make_block(Tally(), 100, 1000, np.zeros(1000, np.int64), 1000, 0, numbered(100, 1000, 1000))
    for first in range(100, 1100, 10):  # of each ten arrivals one is admitted
        block.forget(first + 1, first + 10)
    gc.collect()
    assert pa.total_allocated_bytes() - before < 2.5 * 100 * 1000
    assert block.payloads(110, 111).to_pylist() == [b"%01000d" % 110]
    block.forget(110, 111)
    assert block.payloads(120, 121).to_pylist() == [b"%01000d" % 120]


def test_a_simulated_block_has_nothing_to_forget() -> None:
    block = make_block(Tally(), 0, 10, np.zeros(10, np.int64), 100, 0, None)
    block.forget(0, 10)
    assert block.payloads(0, 10) is None


@pytest.mark.parametrize("overflow", [Overflow.DROP_NEWEST, Overflow.DROP_OLDEST])
def test_what_a_dropping_queue_keeps_is_written_as_it_came(tmp_path: Path, overflow: Overflow) -> None:
    """Live: of 4,000 arrivals at once a queue of 16 keeps few; each batch holds the payloads of its own items."""
    reference = RandomBytes(10, 0.0, np.random.default_rng(1))

    def rule(batch: Batch) -> None:
        for first, end, payloads in payload_slices(batch):
            assert payloads.equals(reference.take(first, end - first))

    core = Setup(overflow=overflow, capacity=16, max_size=4).pipeline()
    assert run(tmp_path, core, DueTimes([0] * 4000, 1), HandSink(rule)).error is None
    assert core.committed + core.dropped == 4000
    assert core.dropped > 0
    assert core.committed >= 16
