"""Random bytes don't compress, whatever decides on their sizes."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from ingestexp.adapters.payloads.random_bytes import RandomBytes


def make(size_cv: float = 0.5) -> RandomBytes:
    return RandomBytes(300, size_cv, np.random.default_rng(2))


def test_a_batch_does_not_compress() -> None:
    batch: Any = make().take(0, 512)
    whole = b"".join(batch.to_pylist())
    assert len(zlib.compress(whole)) > 0.99 * len(whole)


def test_a_batch_of_dictated_sizes_does_not_compress() -> None:
    sizes = np.random.default_rng(1).integers(0, 2000, 512).astype(np.int32)
    batch: Any = make().take(123_456, 512, sizes)
    pieces = batch.to_pylist()
    assert len({piece for piece in pieces if len(piece) > 8}) == sum(len(piece) > 8 for piece in pieces)
    whole = b"".join(pieces)
    assert len(zlib.compress(whole)) > 0.99 * len(whole)


def test_bytes_of_an_item_do_not_depend_on_larger_ones_asked_for_before() -> None:
    one, other = make(), make()
    one.take(0, 1, np.array([6_000_000], np.int32))
    for size in (0, 1, 4, 5, 12, 13, 100):
        sizes = np.full(50, size, np.int32)
        a: Any = one.take(1000, 50, sizes)
        b: Any = other.take(1000, 50, sizes)
        assert a == b
        assert {len(piece) for piece in a.to_pylist()} == {size}


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"payload.size_bytes=0"):
        RandomBytes(0, 0, np.random.default_rng(1))
    with pytest.raises(ValueError, match="-1 bytes"):
        make().take(0, 2, np.array([4, -1], np.int32))
