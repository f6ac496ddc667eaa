"""Payloads with poison in them: bytes that the sink itself refuses.

Must live here: how a payload is spoiled. Must not: which ones (`poison`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from ingestexp.adapters.faults.poison import Poison
    from ingestexp.ports import Int32s, Payloads

SMALLEST_TOO_NEW_BYTES = 24
"""{"schema_version":1000} and a blank."""


class PoisonedPayloads:
    """`inner`'s payloads, but for the poisoned ones; sizes stay as they are.

    `not_json`: the first byte becomes a `!`, with which no JSON document begins. `too_new`: a JSON document that says
    `"schema_version"` is `newer_version`, in as many bytes (24 at least).
    """

    def __init__(self, inner: Payloads, poison: Poison, newer_version: int) -> None:
        self.is_json = False
        self.mean_bytes = inner.mean_bytes
        self._inner = inner
        self._poison = poison
        self._newer_version = newer_version

    def sizes(self, first: int, count: int) -> Int32s | int:
        return self._inner.sizes(first, count)

    def take(self, first: int, count: int, sizes: Int32s | None = None) -> Any:
        payloads: Any = self._inner.take(first, count, sizes)
        ids, kinds = self._poison.among(first, first + count)
        if not len(ids):
            return payloads
        _, offsets_buffer, data_buffer = payloads.buffers()
        at = payloads.offset
        offsets = np.frombuffer(offsets_buffer, np.int32)[at : at + count + 1]
        copied = pa.allocate_buffer(int(offsets[-1] - offsets[0]))  # by Arrow, which counts what its payloads take
        data = np.frombuffer(copied, np.uint8)
        data[:] = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
        offsets = offsets - offsets[0]
        for place, kind in zip((ids - first).tolist(), kinds.tolist(), strict=True):
            spoiled = data[offsets[place] : offsets[place + 1]]
            if self._poison.kinds[kind] == "too_new":
                spoiled[:] = np.frombuffer(_too_new(len(spoiled), self._newer_version), np.uint8)
            else:
                spoiled[:1] = ord("!")  # an empty payload is no JSON as it is
        return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), copied])


def _too_new(size: int, version: int) -> bytes:
    """A JSON document of `size` bytes. Raises ValueError where that is less than 24."""
    if size < SMALLEST_TOO_NEW_BYTES:
        raise ValueError(f"poison of the kind too_new has at least {SMALLEST_TOO_NEW_BYTES} bytes, not {size}")
    head, tail = b'{"schema_version":%d' % version, b"}"
    middle = size - len(head) - len(tail)
    quotes = len(b',"fill":""')
    if middle >= quotes:
        return head + b',"fill":"' + b"x" * (middle - quotes) + b'"' + tail
    return head + b" " * middle + tail
