"""The log file's record format: framing a batch, scanning a file.

A record is [u32 length][u32 crc][i64 item_id][payload: length bytes], little-endian, crc = CRC-32 (zlib) over the
8 id bytes followed by the payload. Must live here: bytes to records and back. Must not: files, fsync, locks.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestexp.ports import Int64s

HEADER_BYTES: Final = 16
_HEADER: Final = struct.Struct("<IIq")
_ID: Final = struct.Struct("<q")
_HEADERS: Final = np.dtype([("length", "<u4"), ("crc", "<u4"), ("item_id", "<i8")])
_RESYNC_BYTES: Final = 1 << 20


def _id_crc_tables() -> NDArray[np.uint32]:
    """(8, 256): what byte value v at place j adds to the CRC of 8 zero bytes (a CRC is affine over xor)."""
    zero = zlib.crc32(bytes(8))
    rows = [[zlib.crc32(bytes(j) + bytes([v]) + bytes(7 - j)) ^ zero for v in range(256)] for j in range(8)]
    return np.array(rows, np.uint32)


_ID_CRC: Final = _id_crc_tables()
_ZERO_ID_CRC: Final = np.uint32(zlib.crc32(bytes(8)))


def _id_crcs(ids: Int64s) -> list[int]:
    """CRC-32 of the 8 bytes of each id: eight table look-ups for the whole batch instead of a call an item."""
    octets = ids.astype("<i8").view(np.uint8).reshape(-1, 8)
    crcs = np.full(len(ids), _ZERO_ID_CRC)
    for place in range(8):
        crcs ^= _ID_CRC[place][octets[:, place]]
    return list(crcs.tolist())


def frame(first: int, payloads: list[bytes]) -> bytes:
    """The records of items first, first + 1, …: one buffer."""
    if len(payloads) == 1:
        payload = payloads[0]
        return _HEADER.pack(len(payload), zlib.crc32(payload, zlib.crc32(_ID.pack(first))), first) + payload
    headers = np.empty(len(payloads), _HEADERS)
    headers["item_id"] = np.arange(first, first + len(payloads))
    headers["length"] = list(map(len, payloads))
    headers["crc"] = list(map(zlib.crc32, payloads, _id_crcs(headers["item_id"])))
    parts = [b""] * (2 * len(payloads))
    parts[::2] = headers.view("V16").tolist()
    parts[1::2] = payloads
    return b"".join(parts)


class DamagedLogError(ValueError):
    """A damaged record with sound ones behind it: not a torn tail. `at_bytes` and `next_at_bytes` tell where."""

    def __init__(self, at_bytes: int, next_at_bytes: int) -> None:
        super().__init__(f"the record at byte {at_bytes} is damaged, and sound ones follow from byte {next_at_bytes}")
        self.at_bytes = at_bytes
        self.next_at_bytes = next_at_bytes


@dataclass(slots=True, frozen=True)
class Scan:
    """`ids` in the order written, repeats and all; `sound_bytes` is where the torn tail (if any) starts."""

    ids: Int64s
    sound_bytes: int


def scan(log: memoryview) -> Scan:
    """All records up to the end or a torn tail. Raises DamagedLogError when a sound record lies behind a bad one."""
    ids: list[int] = []
    at = 0
    while (record := _record(log, at)) is not None:
        item_id, at = record
        ids.append(item_id)
    if at < len(log):
        resumed = _next_sound(log, at + 1)
        if resumed is not None:
            raise DamagedLogError(at, resumed)
    return Scan(np.array(ids, np.int64), at)


def _record(log: memoryview, at: int) -> tuple[int, int] | None:
    """(item id, end) of the sound record at byte `at`, else None."""
    body = at + HEADER_BYTES
    if body > len(log):
        return None
    length, crc, item_id = _HEADER.unpack_from(log, at)
    end = body + length
    if end > len(log) or zlib.crc32(log[at + 8 : at + 16 + length]) != crc:
        return None
    return item_id, end


def _next_sound(log: memoryview, start: int) -> int | None:
    """The first place from `start` on where a sound record begins. Most places are ruled out by their length field."""
    last = len(log) - HEADER_BYTES
    for low in range(start, last + 1, _RESYNC_BYTES):
        high = min(low + _RESYNC_BYTES, last + 1)
        octets = np.frombuffer(log, np.uint8, high - low + 3, low).astype(np.int64)
        lengths = octets[:-3] | octets[1:-2] << 8 | octets[2:-1] << 16 | octets[3:] << 24
        fits = np.arange(low, high) + lengths <= last
        for at in (np.flatnonzero(fits) + low).tolist():
            if _record(log, at) is not None:
                return int(at)
    return None
