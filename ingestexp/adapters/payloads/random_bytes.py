"""`payload=random`: incompressible bytes.

Must live here: this payload only.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ingestexp.adapters.payloads.pool import Pool, pool_count
from ingestexp.adapters.payloads.size import lognormal_sizes
from ingestexp.adapters.payloads.window import cut, spread

if TYPE_CHECKING:
    from ingestexp.ports import Int32s

_SPREAD: Final = 1 << 22
_GROWTH: Final = 1 << 20


class RandomBytes:
    """Sizes lognormal around `size_bytes` with coefficient of variation `size_cv` (0: all alike), 1 byte at least.

    With dictated sizes item i gets a piece of one long random text, starting at a place that depends on i only:
    the pieces of a batch hardly overlap, so that even a whole batch does not compress.
    """

    is_json = False
    smallest_bytes: Final = 0
    """The smallest size that can be dictated."""

    def __init__(self, size_bytes: int, size_cv: float, rng: np.random.Generator) -> None:
        if size_bytes < 1:
            raise ValueError(f"payload.size_bytes={size_bytes}: must be at least 1")
        sizes = lognormal_sizes(size_bytes, size_cv, 1, pool_count(size_bytes), rng)
        ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(rng.bytes(int(ends[-1])))]
        payloads = pa.Array.from_buffers(pa.binary(), len(sizes), buffers)
        self._pool = Pool(sizes, lambda: payloads)
        self.mean_bytes = self._pool.mean_bytes
        self._rng = copy.deepcopy(rng)
        self._text = b""

    def sizes(self, first: int, count: int) -> Int32s | int:
        return self._pool.sizes(first, count)

    def take(self, first: int, count: int, sizes: Int32s | None = None) -> Any:
        if sizes is None:
            return self._pool.take(first, count)
        if int(sizes.min()) < 0:
            raise ValueError(f"a payload can't have {int(sizes.min())} bytes")
        self._grow(_SPREAD + int(sizes.max()))
        return cut(pa.py_buffer(self._text), spread(first, count, _SPREAD), sizes)

    def _grow(self, to_bytes: int) -> None:
        """What is there stays: an item's bytes don't depend on which others were asked for before."""
        if len(self._text) < to_bytes:
            missing = -(-(to_bytes - len(self._text)) // _GROWTH)
            self._text = b"".join([self._text, *(self._rng.bytes(_GROWTH) for _ in range(missing))])
