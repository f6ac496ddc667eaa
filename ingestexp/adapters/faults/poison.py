"""Which items are poisoned, and how.

Must live here: the choice by position and by rate. Must not: payloads (`poisoned_payloads`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestexp.ports import Int8s, Int64s

_CHUNK: Final = 1 << 16
_KEPT_CHUNKS: Final = 16


class Poison:
    """Item i is poisoned or not, the same for the same seed, whoever asks in which order.

    `rate` is the chance of each item, besides those at `positions` (ids); `kinds` names the ways: drawn with equal
    chance by `rate`, in turn along the ascending `positions`. Every 65,536 items have a random stream of their own.
    """

    def __init__(self, positions: Sequence[int], rate: float, kinds: Sequence[str], rng: np.random.Generator) -> None:
        self.kinds = tuple(kinds)
        self._rate = rate
        self._positions = np.unique(np.array(positions, np.int64))
        self._key = int(rng.integers(1 << 62))
        self._chunks: dict[int, tuple[Int64s, Int8s]] = {}

    def among(self, first: int, end: int) -> tuple[Int64s, Int8s]:
        """Of the items first..end-1 the poisoned ones: ids ascending (n,), indices into `kinds` (n,)."""
        parts = [self._chunk(number) for number in range(first // _CHUNK, (end - 1) // _CHUNK + 1)]
        ids, kinds = parts[0] if len(parts) == 1 else (np.concatenate(column) for column in zip(*parts, strict=True))
        low, high = np.searchsorted(ids, (first, end))
        return ids[low:high], kinds[low:high]

    def chunks(self, count: int) -> Iterator[tuple[Int64s, Int8s]]:
        """The poisoned ones of items 0..count-1, as `among`, in bounded pieces."""
        for first in range(0, count, _CHUNK):
            yield self.among(first, min(count, first + _CHUNK))

    def count_by_kind(self, count: int) -> dict[str, int]:
        """How many of items 0..count-1 are poisoned, and how."""
        totals = np.zeros(len(self.kinds), np.int64)
        for _, kinds in self.chunks(count):
            totals += np.bincount(kinds, minlength=len(self.kinds))
        return dict(zip(self.kinds, totals.tolist(), strict=True))

    def _chunk(self, number: int) -> tuple[Int64s, Int8s]:
        kept = self._chunks.get(number)
        if kept is None:
            while len(self._chunks) >= _KEPT_CHUNKS:
                self._chunks.pop(next(iter(self._chunks)), None)
            kept = self._chunks[number] = self._drawn(number)
        return kept

    def _drawn(self, number: int) -> tuple[Int64s, Int8s]:
        first = number * _CHUNK
        low, high = np.searchsorted(self._positions, (first, first + _CHUNK))
        ids = self._positions[low:high]
        kinds = (np.arange(low, high) % len(self.kinds)).astype(np.int8)
        if self._rate > 0:
            draws = np.random.default_rng([self._key, number]).random(_CHUNK)
            hit = np.flatnonzero(draws < self._rate)
            ids = np.concatenate([ids, hit + first])
            kinds = np.concatenate([kinds, (draws[hit] / self._rate * len(self.kinds)).astype(np.int8)])
            ids, at = np.unique(ids, return_index=True)  # of two with one id the position's
            kinds = kinds[at]
        return ids, kinds
