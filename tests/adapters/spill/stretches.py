"""Stretches for tests of the spill, and what they say item by item.

Must live here: making and reading stretches. Must not: files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestexp.spill_port import Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = tuple[int, int, int, int, bytes, int, str | None, int, int | None]


def stretch(first: int, sizes: list[int], salt: int = 0, *, due: bool = True, marked: bool = False) -> Stretch:
    """Items first.. with payloads of these sizes, all their facts derived from id and `salt`."""
    ids = np.arange(first, first + len(sizes), dtype=np.int64)
    payloads = [bytes([(item_id + salt) % 251]) * size for item_id, size in zip(ids.tolist(), sizes, strict=True)]
    return Stretch(
        first,
        ids * 1000 + salt if due else None,
        first * 7 + salt,
        first * 9 + salt,
        pa.array(payloads, pa.binary()),
        phase=salt % 3,
        origin_run="2026-11-22/ünïcode" if marked else None,
        redrive_round=2 if marked else 0,
        envelope_ids=ids // 2 if marked else None,
    )


def rows(stretches: Iterable[Stretch]) -> list[Row]:
    """Every fact of every item."""
    return [
        (
            each.first + place,
            -1 if each.due_ns is None else each.due_ns.data[place],
            each.offered_at_ns,
            each.admitted_at_ns,
            payload,
            each.phase,
            each.origin_run,
            each.redrive_round,
            None if each.envelope_ids is None else int(each.envelope_ids[place]),
        )
        for each in stretches
        for place, payload in enumerate(each.payloads.to_pylist())
    ]


def ids(stretches: Iterable[Stretch]) -> list[int]:
    return [each.first + place for each in stretches for place in range(len(each.payloads))]
