"""From inflated chunks to items: one a line, the last line end optional.

Must live here: splitting, the caps on items. Must not: inflating. What is kept at any time is the items' bytes and
where each ends (8 bytes an item), so that an endless line or endless line ends stop at their caps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ingestexp.decode_port import EnvelopeRejected, Inflated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.decode_port import Caps
    from ingestexp.ports import Int64s

_LF: Final = 10
_MOST_BYTES: Final = (1 << 31) - 1
_NO_CAP: Final = 1 << 62


class ItemLines:
    """Collects one body's items."""

    def __init__(self, caps: Caps) -> None:
        self._max_items = _NO_CAP if caps.max_items is None else caps.max_items
        self._max_item_bytes = _NO_CAP if caps.max_item_bytes is None else caps.max_item_bytes
        self._bytes = bytearray()
        self._ends: list[Int64s] = []
        self._item_count = 0
        self._last_end = 0

    def add(self, chunk: bytes) -> None:
        """Raises EnvelopeRejected (item_count, item_bytes, malformed)."""
        places = np.flatnonzero(np.frombuffer(chunk, np.uint8) == _LF)
        count = len(places)
        if count:
            # An item ends where its line end stood, less the line ends that have been left out before it.
            ends: Int64s = places - np.arange(count) + len(self._bytes)
            self._check(np.diff(ends, prepend=self._last_end), count)
            self._ends.append(ends)
            self._item_count += count
            self._last_end = int(ends[-1])
            self._bytes += chunk.replace(b"\n", b"")
        else:
            self._bytes += chunk
        self._check_length(len(self._bytes) - self._last_end)

    def items(self, inflated_bytes: int) -> Inflated:
        """All of them; the bytes are not copied. Raises EnvelopeRejected (item_count, malformed, inflated_bytes)."""
        if len(self._bytes) > self._last_end:
            self._check(np.array([len(self._bytes) - self._last_end]), 1)
            self._ends.append(np.array([len(self._bytes)], np.int64))
            self._item_count += 1
        if not self._item_count:
            raise EnvelopeRejected("malformed", "holds no item")
        if len(self._bytes) > _MOST_BYTES:
            raise EnvelopeRejected("inflated_bytes", "more than 2 GiB: no array of items holds that")
        offsets = np.zeros(self._item_count + 1, np.int32)
        np.concatenate(self._ends, out=offsets[1:], casting="same_kind")
        buffers: list[Any] = [None, pa.py_buffer(offsets), pa.py_buffer(self._bytes)]
        array = pa.Array.from_buffers(pa.binary(), self._item_count, buffers)
        return Inflated(array, np.diff(offsets), inflated_bytes)

    def _check(self, lengths: Int64s, count: int) -> None:
        if self._item_count + count > self._max_items:
            raise EnvelopeRejected("item_count", f"more than {self._max_items:,} items")
        self._check_length(int(lengths.max()))
        if not lengths.all():
            raise EnvelopeRejected("malformed", f"item {self._item_count + int(lengths.argmin())} is an empty line")

    def _check_length(self, nbytes: int) -> None:
        if nbytes > self._max_item_bytes:
            raise EnvelopeRejected("item_bytes", f"an item of more than {self._max_item_bytes:,} bytes")


def collect(chunks: Iterator[bytes], caps: Caps) -> ItemLines:
    lines = ItemLines(caps)
    for chunk in chunks:
        lines.add(chunk)
    return lines
