"""A pool of ready-made payloads, used in turn and cyclically.

Must live here: handing out owned copies of a range. Must not: what the payloads are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestexp.ports import Int32s

_POOL_BYTES: Final = 4 << 20
_MOST, _FEWEST = 4096, 16


def pool_count(size_bytes: float) -> int:
    """How many payloads of that mean size a pool holds: 4 MiB in all, but 16 to 4,096 payloads.

    The bound keeps a pool of small ones in the cache and quick to build: it counts towards the time to the first item.
    """
    return int(min(_MOST, max(_FEWEST, _POOL_BYTES // max(1.0, size_bytes))))


def lengths_of(payloads: Any) -> Int32s:
    """The size of each payload of an Arrow `binary` array."""
    ends = np.frombuffer(payloads.buffers()[1], np.int32)[payloads.offset : payloads.offset + len(payloads) + 1]
    return np.diff(ends)


class Pool:
    """Item i gets payload i mod n. `make` returns an Arrow `binary` array (n,), n >= 1, of these `lengths` in bytes.

    It is called when payloads are asked for first: a simulated run only ever asks for sizes.
    """

    def __init__(self, lengths: Int32s, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None
        self._count = len(lengths)
        self.mean_bytes = float(lengths.mean())
        self._size: int | None = int(lengths[0]) if (lengths == lengths[0]).all() else None
        self._lengths: Int32s = np.concatenate([lengths, lengths])  # doubled: a range of up to n is one slice of it

    def __len__(self) -> int:
        return self._count

    def take(self, first: int, count: int) -> Any:
        """Payloads of items first..first+count-1, copied (a plain memcpy per run of the pool, faster than a gather).

        Raises pyarrow.ArrowInvalid (a ValueError) when they come to more than 2 GiB.
        """
        if self._made is None:
            self._made = self._make()
        runs = []
        start = first % self._count
        while count:
            run = self._made.slice(start, count)  # Arrow cuts it at the pool's end
            runs.append(run)
            count -= len(run)
            start = 0
        return pa.concat_arrays(runs)

    def sizes(self, first: int, count: int) -> Int32s | int:
        """See ports.Payloads.sizes."""
        if self._size is not None:
            return self._size
        start = first % self._count
        if count <= self._count:
            return self._lengths[start : start + count]
        return np.resize(np.roll(self._lengths[: self._count], -start), count)
