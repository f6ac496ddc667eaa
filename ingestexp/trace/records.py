"""The packed form in which the hot path leaves its facts: one record a send attempt, one a span it does not hold.

Most batches are one span, so the record of a committed attempt holds its first span too (`span_end` 0: it holds none);
every other span is a loose record, which says after how many attempts of its segment it was noted (`after`). What
the sink counted and the window's limits are often one and the same object: an attempt says which (`ack`, `limits`).

Must live here: the struct layouts and their NumPy twins. Must not: when they are written (`recorder`), what
they become (`expand`).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from ingestexp.trace import schema

if TYPE_CHECKING:
    from ingestexp.ports import Int32s, Int64s

SPAN_DTYPE: Final = np.dtype(
    [
        ("first", "<i8"),
        ("end", "<i8"),
        ("offered", "<i8"),
        ("admitted", "<i8"),
        ("first_sent", "<i8"),
        ("sent", "<i8"),
        ("settled", "<i8"),
        ("batch", "<i4"),
        ("block", "<i4"),
        ("outcome", "<i1"),
        ("reason", "<i1"),
        ("attempts", "<i2"),
    ]
)
LOOSE_DTYPE: Final = np.dtype([*SPAN_DTYPE.descr, ("after", "<i4")])
LOOSE_STRUCT: Final = struct.Struct("<7q2i2bhi")

BATCH_DTYPE: Final = np.dtype(
    [
        ("batch_id", "<i4"),
        ("parent_batch_id", "<i4"),
        ("attempt", "<i2"),
        ("flush_cause", "<i1"),
        ("outcome", "<i1"),
        ("first_item_id", "<i8"),
        ("last_item_id", "<i8"),
        ("opened_at_ns", "<i8"),
        ("closed_at_ns", "<i8"),
        ("sent_at_ns", "<i8"),
        ("settled_at_ns", "<i8"),
        ("next_attempt_at_ns", "<i8"),
        ("payload_bytes", "<i8"),
        ("cpu_ns", "<i8"),
        ("depth_at_close", "<i8"),
        ("oldest_age_ns", "<i8"),
        ("item_count", "<i4"),
        ("in_flight", "<i2"),
        ("worker", "<i2"),
        ("error", "<i4"),
        ("ack", "<i4"),
        ("limits", "<i4"),
        ("span_block", "<i4"),
        ("span_end", "<i8"),
        ("span_offered", "<i8"),
        ("span_admitted", "<i8"),
        ("span_first_sent", "<i8"),
    ]
)
BATCH_STRUCT: Final = struct.Struct("<2ih2b11qi2h4i4q")

ACK_DTYPE: Final = np.dtype(
    [
        ("wire_bytes", "<i8"),
        ("compress_ns", "<i8"),
        ("commits", "<i4"),
        ("fsyncs", "<i4"),
        ("round_trips", "<i4"),
        ("syscalls", "<i4"),
    ]
)
ACK_STRUCT: Final = struct.Struct("<2q4i")

assert ACK_STRUCT.size == ACK_DTYPE.itemsize
assert LOOSE_STRUCT.size == LOOSE_DTYPE.itemsize
assert BATCH_STRUCT.size == BATCH_DTYPE.itemsize

OUTCOME_CODES: Final = {name: code for code, name in enumerate(schema.OUTCOMES)}
REASON_CODES: Final = {name: code for code, name in enumerate(schema.REASONS)}
BATCH_OUTCOME_CODES: Final = {name: code for code, name in enumerate(schema.BATCH_OUTCOMES)}


class Marks:
    """What sets a block's items apart. `envelope_ids` int64 (n,), None where none came in an envelope.

    `origin_run`, `redrive_round`: the run whose dead letters these were, and how often they were redriven by now.
    """

    __slots__ = ("envelope_ids", "origin_run", "redrive_round", "was_spilled")

    def __init__(
        self,
        was_spilled: bool = False,
        origin_run: str | None = None,
        redrive_round: int = 0,
        envelope_ids: Int64s | None = None,
    ) -> None:
        self.was_spilled = was_spilled
        self.origin_run = origin_run
        self.redrive_round = redrive_round
        self.envelope_ids = envelope_ids


class BlockFacts:
    """What the trace needs of a block of arrivals, without its payloads (holding those would own their memory).

    `due_ns` int64 (n,), None in a `saturate` run (an item is intended when admitted); `sizes` int32 (n,) or one
    int for all; `remaining` items whose fate is not written yet; `marks` None: nothing sets them apart.
    """

    __slots__ = ("due_ns", "first", "marks", "number", "phase", "remaining", "sizes")

    def __init__(
        self,
        number: int,
        first: int,
        count: int,
        due_ns: Int64s | None,
        sizes: Int32s | int,
        phase: int,
        marks: Marks | None = None,
    ) -> None:
        self.marks = marks
        self.number = number
        self.first = first
        self.remaining = count
        self.due_ns = due_ns
        self.sizes = sizes
        self.phase = phase
