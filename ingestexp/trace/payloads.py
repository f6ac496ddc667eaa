"""Arrow arrays of payloads: a copy of some of them that owns its memory.

Must live here: the copy. Must not: which payloads are kept, and for how long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence


def copied(slices: Sequence[Any]) -> Any:
    """One array of the payloads of these slices, in order, in memory of its own (a single slice is copied too)."""
    return pa.concat_arrays([*slices, slices[0].slice(0, 0)])
