"""The spill's record format: many items a frame, in columns, under one checksum.

A frame is a header of 64 bytes and a body, little-endian:

    magic "SPL1" | u16 version | u16 flags | u32 segment | u32 items | u32 stretches | u32 names_bytes
    u64 at_bytes | u64 durable_bytes | u64 body_bytes | 8 bytes zero | u32 body_crc | u32 header_crc

    body: stretches STRETCH_DTYPE | due_ns i64 (flag 1) | envelope_ids i64 (flag 2) | sizes i32 | names JSON | payloads

`at_bytes` is the frame's own place in its file, `durable_bytes` how much of the file was on disk for good when the
frame was written: so a reader knows damage that matters from the torn tail of a write that nobody was told of.
CRC-32 (zlib); the body's over the body, the header's over the 60 bytes before it.

Must live here: stretches to buffers and back, every declared length checked before it is used. Must not: files.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ingestexp.spill_port import Stretch

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC: Final = b"SPL1"
VERSION: Final = 1
HEADER: Final = struct.Struct("<4sHHIIIIQQQ8xI")
HEADER_BYTES: Final = HEADER.size + 4
_CRC: Final = struct.Struct("<I")
_DUE, _ENVELOPES = 1, 2
_NO_NAME: Final = -1

STRETCH_DTYPE: Final = np.dtype(
    [
        ("first", "<i8"),
        ("offered", "<i8"),
        ("admitted", "<i8"),
        ("count", "<i4"),
        ("phase", "<i2"),
        ("round", "<i2"),
        ("origin", "<i4"),
        ("has_envelopes", "<i4"),
    ]
)
ITEM_BYTES: Final = 20
"""At most so many bytes an item beside its payload (and its stretch)."""

assert HEADER_BYTES == 64
assert STRETCH_DTYPE.itemsize == 40


@dataclass(slots=True, frozen=True)
class Header:
    """A header whose checksum holds. It still may lie about the body, whose checksum is another."""

    flags: int
    segment: int
    items: int
    stretches: int
    names_bytes: int
    at_bytes: int
    durable_bytes: int
    body_bytes: int
    body_crc: int

    @property
    def columns_bytes(self) -> int:
        """What lies before the payloads."""
        per_item = 4 + 8 * bool(self.flags & _DUE) + 8 * bool(self.flags & _ENVELOPES)
        return self.stretches * STRETCH_DTYPE.itemsize + self.items * per_item + self.names_bytes


def encode(stretches: Sequence[Stretch], segment: int, at_bytes: int, durable_bytes: int) -> list[Any]:
    """The frame as buffers to be written one after the other; payloads are not copied.

    All stretches have due times or none has. Their payloads together stay below 2 GiB.
    """
    table = np.zeros(len(stretches), STRETCH_DTYPE)
    names: list[str] = []
    flags = _DUE if stretches[0].due_ns is not None else 0
    if any(each.envelope_ids is not None for each in stretches):
        flags |= _ENVELOPES
    due: list[Any] = []
    envelopes: list[Any] = []
    sizes: list[Any] = []
    payloads: list[Any] = []
    for row, each in enumerate(stretches):
        count = len(each.payloads)
        if each.origin_run is not None and each.origin_run not in names:
            names.append(each.origin_run)
        origin = _NO_NAME if each.origin_run is None else names.index(each.origin_run)
        wrapped = each.envelope_ids is not None
        stamps = (each.first, each.offered_at_ns, each.admitted_at_ns)
        table[row] = (*stamps, count, each.phase, each.redrive_round, origin, wrapped)
        if flags & _DUE:
            due.append(each.due_ns)
        if flags & _ENVELOPES:
            envelopes.append(each.envelope_ids if wrapped else np.zeros(count, np.int64))
        ends, data = _raw(each.payloads)
        sizes.append(np.diff(ends))
        payloads.append(data)
    said = json.dumps(names).encode() if names else b""
    columns = [table.view(np.uint8), *_octets(due, "<i8"), *_octets(envelopes, "<i8"), *_octets(sizes, "<i4")]
    body: list[Any] = [*columns, said, *payloads]
    crc = 0
    body_bytes = 0
    for part in body:
        crc = zlib.crc32(part, crc)
        body_bytes += len(part)
    items = int(table["count"].sum())
    counts = (segment, items, len(table), len(said))
    head = HEADER.pack(MAGIC, VERSION, flags, *counts, at_bytes, durable_bytes, body_bytes, crc)
    return [head + _CRC.pack(zlib.crc32(head)), *body]


def _octets(parts: list[Any], dtype: str) -> list[Any]:
    if not parts:
        return []
    whole = np.ascontiguousarray(np.concatenate(parts) if len(parts) > 1 else parts[0], dtype)
    return [whole.view(np.uint8)]


def _raw(payloads: Any) -> tuple[Any, Any]:
    """(int32 (n + 1,) ends into the bytes, the bytes from the first to the last): views."""
    _, ends, data = payloads.buffers()
    ends = np.frombuffer(ends, np.int32, len(payloads) + 1, 4 * payloads.offset)
    low, high = int(ends[0]), int(ends[-1])
    return ends, memoryview(data)[low:high] if high > low else memoryview(b"")


def read_header(octets: memoryview, segment: int, at_bytes: int) -> Header | None:
    """The header of 64 `octets` found at byte `at_bytes` of that segment; None: none that could stand there."""
    if len(octets) < HEADER_BYTES:
        return None
    magic, version, flags, *rest = HEADER.unpack_from(octets)
    if magic != MAGIC or version != VERSION or flags & ~(_DUE | _ENVELOPES):
        return None
    if _CRC.unpack_from(octets, HEADER.size)[0] != zlib.crc32(octets[: HEADER.size]):
        return None
    header = Header(flags, *rest)
    if (header.segment, header.at_bytes) != (segment, at_bytes) or header.durable_bytes > at_bytes:
        return None
    if not header.items or not header.stretches or header.stretches > header.items:
        return None
    return header if header.columns_bytes <= header.body_bytes else None


def decode(header: Header, body: memoryview) -> list[Stretch] | None:
    """The stretches of a body whose length is the declared one; None where its checksum or its columns don't hold.

    The payloads are slices of `body`: they keep it alive.
    """
    if zlib.crc32(body) != header.body_crc:
        return None
    items, at = header.items, header.stretches * STRETCH_DTYPE.itemsize
    table = np.frombuffer(body, STRETCH_DTYPE, header.stretches)
    due, at = _column(body, "<i8", items, at, header.flags & _DUE)
    envelopes, at = _column(body, "<i8", items, at, header.flags & _ENVELOPES)
    sizes, at = _column(body, "<i4", items, at, 1)
    names = _names(bytes(body[at : at + header.names_bytes]))
    at += header.names_bytes
    ends = np.zeros(items + 1, np.int64)
    np.cumsum(sizes, out=ends[1:])
    if names is None or int(sizes.min()) < 0 or int(ends[-1]) != len(body) - at or int(ends[-1]) >= 2**31:
        return None
    counts = table["count"]
    if int(counts.min()) < 1 or int(counts.sum(dtype=np.int64)) != items:
        return None
    if int(table["origin"].min()) < _NO_NAME or int(table["origin"].max()) >= len(names):
        return None
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(body[at:])]
    payloads = pa.Array.from_buffers(pa.binary(), items, buffers)
    found: list[Stretch] = []
    start = 0
    for first, offered, admitted, count, phase, round_, origin, wrapped in table.tolist():
        end = start + count
        found.append(
            Stretch(
                first,
                None if due is None else due[start:end],
                offered,
                admitted,
                payloads.slice(start, count),
                phase,
                None if origin < 0 else names[origin],
                round_,
                envelopes[start:end] if wrapped and envelopes is not None else None,
                header.segment,
                sizes[start:end],
            )
        )
        start = end
    return found


def _column(body: memoryview, dtype: str, items: int, at: int, present: int) -> tuple[Any, int]:
    if not present:
        return None, at
    column = np.frombuffer(body, dtype, items, at).astype(dtype[1:])  # in the file it lies at any byte: now aligned
    return column, at + column.nbytes


def _names(octets: bytes) -> list[str] | None:
    if not octets:
        return []
    try:
        names = json.loads(octets)
    except (ValueError, RecursionError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None
