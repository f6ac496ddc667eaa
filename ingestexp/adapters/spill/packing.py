"""Cutting stretches: into groups that make a frame each, and the head that fits a budget.

Must live here: slices of columns, without copying. Must not: bytes on disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.adapters.spill.framing import HEADER_BYTES, ITEM_BYTES, STRETCH_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestexp.ports import Int32s
    from ingestexp.spill_port import Stretch

FRAME_ITEMS: Final = 16_384
FRAME_BYTES: Final = 4 << 20
"""Payload bytes of a frame, unless one item alone is larger: reading a part of a frame holds all of it in memory."""
FRAME_STRETCHES: Final = 500
"""A frame is written by one writev, which takes 1,024 buffers."""


def ends_of(payloads: Any) -> Int32s:
    """int32 (n + 1,): where each payload of an Arrow `binary` array begins in its buffer, and where the last ends."""
    return np.frombuffer(payloads.buffers()[1], np.int32, len(payloads) + 1, 4 * payloads.offset)


def payload_bytes(payloads: Any) -> int:
    ends = ends_of(payloads)
    return int(ends[-1]) - int(ends[0])


def cut(stretch: Stretch, start: int, end: int) -> Stretch:
    """The items at places start..end-1 of the stretch: a view."""
    if start == 0 and end == len(stretch.payloads):
        return stretch
    return replace(
        stretch,
        first=stretch.first + start,
        due_ns=None if stretch.due_ns is None else stretch.due_ns[start:end],
        payloads=stretch.payloads.slice(start, end - start),
        sizes=None if stretch.sizes is None else stretch.sizes[start:end],
        envelope_ids=None if stretch.envelope_ids is None else stretch.envelope_ids[start:end],
    )


def head_of(
    stretch: Stretch, max_items: int, max_bytes: int, at_least_one: bool
) -> tuple[Stretch | None, Stretch | None]:
    """(the longest head within the budgets, the rest); None for an empty one."""
    ends = ends_of(stretch.payloads)
    fit = int(np.searchsorted(ends, int(ends[0]) + max(0, max_bytes), side="right")) - 1
    count = max(min(fit, max_items, len(ends) - 1), int(at_least_one))
    if not count:
        return None, stretch
    total = len(ends) - 1
    return cut(stretch, 0, count), None if count == total else cut(stretch, count, total)


def packed(stretches: Iterable[Stretch]) -> list[tuple[list[Stretch], int]]:
    """The stretches in groups of a frame each, and how long that frame will be at most, bytes."""
    groups: list[tuple[list[Stretch], int]] = []
    group: list[Stretch] = []
    items = nbytes = 0
    for stretch in stretches:
        rest: Stretch | None = stretch if len(stretch.payloads) else None
        while rest is not None:
            head = None
            if len(group) < FRAME_STRETCHES:
                head, rest = head_of(rest, FRAME_ITEMS - items, FRAME_BYTES - nbytes, not group)
            if head is None:
                groups.append((group, _frame_bytes(group, items, nbytes)))
                group, items, nbytes = [], 0, 0
                continue
            group.append(head)
            items += len(head.payloads)
            nbytes += payload_bytes(head.payloads)
    if group:
        groups.append((group, _frame_bytes(group, items, nbytes)))
    return groups


def _frame_bytes(group: list[Stretch], items: int, nbytes: int) -> int:
    """`names` at six bytes a character: what JSON makes of the worst."""
    names = sum(6 * len(each.origin_run) + 8 for each in group if each.origin_run)
    return HEADER_BYTES + len(group) * STRETCH_DTYPE.itemsize + items * ITEM_BYTES + nbytes + names
