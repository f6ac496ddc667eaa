"""Pieces that bombs are made of: a few bytes that inflate to a given unit of text repeated as often as one likes.

Must live here: `repeated` for each codec, empty pieces. Must not: which bombs there are (`bombs`). A body is made by
repeating compressed bytes, so 10 GB take milliseconds and no memory; every checksum in it is right.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

import cramjam
import lz4.frame
import zstandard

from ingestexp.adapters.envelopes.checksums import adler32_of, crc32_of

if TYPE_CHECKING:
    from collections.abc import Callable

GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
ZLIB_HEADER: Final = b"\x78\x9c"
DEFLATE_END: Final = b"\x03\x00"
EMPTY_STORED_BLOCK: Final = b"\x00\x00\x00\xff\xff"
ZSTD_HEADER: Final = b"\x28\xb5\x2f\xfd\x00\x38"
"""No declared size, no checksum, a window of 128 KiB."""
SNAPPY_IDENTIFIER: Final = b"\xff\x06\x00\x00sNaPpY"


def gzip_of(unit: bytes, count: int) -> bytes:
    """One member. 1030 times smaller than what it holds, at best."""
    trailer = struct.pack("<II", crc32_of(unit, count), len(unit) * count & 0xFFFFFFFF)
    return GZIP_HEADER + _deflated(unit) * count + DEFLATE_END + trailer


def deflate_of(unit: bytes, count: int) -> bytes:
    return ZLIB_HEADER + _deflated(unit) * count + DEFLATE_END + struct.pack(">I", adler32_of(unit, count))


def zstd_of(unit: bytes, count: int, header: bytes = ZSTD_HEADER) -> bytes:
    """One frame, its blocks all alike."""
    blocks = _zstd_blocks(unit) * count
    return header + blocks + b"\x01\x00\x00"  # the last block: raw, empty


def lz4_of(unit: bytes, count: int) -> bytes:
    """One frame of independent blocks, without a checksum. 255 times smaller at best."""
    frame = bytes(lz4.frame.compress(unit, block_size=lz4.frame.BLOCKSIZE_MAX4MB, block_linked=False, store_size=False))
    header, end = frame[:7], frame[-4:]
    return header + frame[7:-4] * count + end


def snappy_of(unit: bytes, count: int) -> bytes:
    """Framed. 21 times smaller at best."""
    return SNAPPY_IDENTIFIER + bytes(cramjam.snappy.compress(unit))[len(SNAPPY_IDENTIFIER) :] * count


def snappy_raw_zeros(nbytes: int, declared: int | None = None) -> bytes:
    """One raw block of (about) so many zeros: a literal, then copies of 64 bytes from one byte back."""
    copies = (nbytes - 1) // 64
    return varint(1 + 64 * copies if declared is None else declared) + b"\x00\x00" + b"\xfe\x01\x00" * copies


def varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


REPEATED: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": gzip_of,
    "zstd": zstd_of,
    "lz4": lz4_of,
    "snappy": snappy_of,
    "deflate": deflate_of,
}
"""codec → (unit, count) → one member that inflates to count units."""


def _deflated(unit: bytes) -> bytes:
    """The unit as blocks that stand for themselves: may follow itself, and what follows does not look back at it."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(unit) + deflater.flush(zlib.Z_FULL_FLUSH)


def _zstd_blocks(unit: bytes) -> bytes:
    """The unit as blocks: run-length ones if it is all zeros, else raw ones."""
    blocks = []
    for start in range(0, len(unit), 1 << 17):
        part = unit[start : start + (1 << 17)]
        is_run = not any(part)
        head = (len(part) << 3 | is_run << 1).to_bytes(3, "little")
        blocks.append(head + (part[:1] if is_run else part))
    return b"".join(blocks)


def zstd_frames(unit: bytes, count: int) -> bytes:
    """Any text, frame after frame."""
    return zstandard.ZstdCompressor(level=3).compress(unit) * count
