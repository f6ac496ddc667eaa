"""Cutting many pieces out of one text at once, overlapping or not.

Must live here: the cut and the spreading of its starts. Must not: what the text is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from ingestexp.ports import Int32s, Int64s

_INLINE_BYTES: Final = 12


def cut(text: Any, starts: Int64s, lengths: Int64s | Int32s) -> Any:
    """Bytes starts[i] .. starts[i] + lengths[i] of `text` (Arrow buffer < 2 GiB) as an Arrow `binary` array (n,).

    The result owns its bytes.

    Goes through Arrow's `binary_view` layout (one 16-byte record a value: length, first four bytes, buffer, offset;
    up to 12 bytes the value itself stands in the record), the only one whose values may overlap. Arrow's cast
    then does the ragged copy.
    """
    records = np.zeros((len(starts), 4), np.int32)
    records[:, 0] = lengths
    records[:, 3] = starts
    data = np.frombuffer(text, np.uint8)
    raw = records.view(np.uint8)  # (n, 16)
    raw[:, 4:8] = data[np.minimum(starts[:, None] + np.arange(4), len(data) - 1)]
    short = np.flatnonzero(lengths <= _INLINE_BYTES)
    if short.size:
        at = np.arange(_INLINE_BYTES)
        inline = data[np.minimum(starts[short, None] + at, len(data) - 1)]
        raw[short, 4:16] = np.where(at < lengths[short, None], inline, 0)
    view = pa.Array.from_buffers(pa.binary_view(), len(starts), [None, pa.py_buffer(records), text])
    return view.cast(pa.binary())


def spread(first: int, count: int, modulus: int) -> Int64s:
    """Numbers (count,) in 0..modulus-1 for items first..first+count-1, far apart for near items.

    The golden-ratio sequence (Knuth, TAOCP 6.4): any few consecutive ones lie nearly evenly.
    """
    stride = round(modulus * 0.6180339887498949) | 1
    return (np.arange(first, first + count, dtype=np.int64) % modulus * stride) % modulus
