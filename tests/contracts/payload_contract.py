"""What every payload source must hold: a test class of one inherits these and says how to make it."""

from __future__ import annotations

import itertools
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from ingestexp.ports import Payloads


class PayloadContract(ABC):
    can_be_cut_to_size: bool
    """Takes dictated sizes."""

    @abstractmethod
    def make(self) -> Payloads:
        """The same payloads at each call."""

    def test_take_gives_binary_of_the_length_asked_for(self) -> None:
        payloads = self.make()
        for first, count in ((0, 1), (3, 100), (4000, 20_000), (10**12, 5)):
            taken = take(payloads, first, count)
            assert taken.type == pa.binary()
            assert len(taken) == count
            assert taken.null_count == 0
            taken.validate(full=True)

    def test_sizes_are_the_lengths_of_what_is_taken(self) -> None:
        payloads = self.make()
        for first, count in ((0, 1), (3, 100), (4000, 20_000), (10**12, 5)):
            lengths = [len(payload) for payload in take(payloads, first, count).to_pylist()]
            sizes = payloads.sizes(first, count)
            assert isinstance(sizes, int) or len(sizes) == count
            np.testing.assert_array_equal(np.broadcast_to(sizes, count), lengths)

    def test_mean_bytes_is_the_mean_of_what_is_taken(self) -> None:
        payloads = self.make()
        lengths = [len(payload) for payload in take(payloads, 0, 100_000).to_pylist()]
        assert payloads.mean_bytes == pytest.approx(np.mean(lengths), rel=0.03)

    def test_an_item_gets_the_same_bytes_however_it_is_asked_for(self) -> None:
        payloads = self.make()
        together = take(payloads, 4090, 500).to_pylist()
        apart = [take(payloads, item, 1)[0].as_py() for item in range(4090, 4590)]
        assert together == apart
        assert take(self.make(), 4090, 500).to_pylist() == together

    def test_what_is_taken_shares_nothing_with_the_pool_or_with_another_take(self) -> None:
        payloads = self.make()
        taken = [take(payloads, 0, 100), take(payloads, 0, 100), take(payloads, 7, 1)]
        ranges = sorted((b.address, b.address + b.size) for array in taken for b in array.buffers() if b is not None)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ranges))

    def test_what_is_taken_is_counted_as_memory_until_it_is_let_go(self) -> None:
        payloads = self.make()
        take(payloads, 0, 4000)
        before = pa.total_allocated_bytes()
        taken = take(payloads, 0, 4000)
        nbytes = sum(len(payload) for payload in taken.to_pylist())
        grown = pa.total_allocated_bytes() - before
        assert nbytes <= grown <= 1.2 * nbytes + 4 * 4001 + 256
        del taken
        assert pa.total_allocated_bytes() == before

    def test_is_json_holds_if_it_says_so(self) -> None:
        payloads = self.make()
        if payloads.is_json:
            for payload in take(payloads, 0, 5000).to_pylist():
                json.loads(payload.decode("utf-8"))

    def test_dictated_sizes_are_kept_to_the_byte_or_refused(self) -> None:
        payloads = self.make()
        sizes = (24 + np.random.default_rng(3).integers(0, 700, 5000)).astype(np.int32)
        if not self.can_be_cut_to_size:
            with pytest.raises(ValueError, match="size"):
                payloads.take(10, 5000, sizes)
            return
        taken: Any = payloads.take(10, 5000, sizes)
        assert taken.type == pa.binary()
        taken.validate(full=True)
        whole = taken.to_pylist()
        assert [len(payload) for payload in whole] == sizes.tolist()
        apart: Any = payloads.take(3010, 5, sizes[3000:3005])
        assert apart.to_pylist() == whole[3000:3005]
        if payloads.is_json:
            for payload in whole:
                json.loads(payload.decode("utf-8"))


def take(payloads: Payloads, first: int, count: int) -> Any:
    return payloads.take(first, count)
