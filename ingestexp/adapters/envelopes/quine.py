"""A gzip body that inflates to itself: nested without end.

Must live here: its construction. Must not: other bombs.

After Russ Cox, "Zip Files All The Way Down" (2010). Two instructions, five bytes each, write the whole: L(n) copies the
next n bytes (a stored block), R(n) repeats the last n (a block of two matches). The list below is its own output. The
checksum stands in the text that it is of: as a CRC is linear over GF(2), that is 32 equations in 32 unknowns.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

_HEADER: Final = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"
"""With a file name after it: R takes 17 to 20 bytes in five, and header and instruction have to make as many."""
_LAST_BLOCK: Final = b"\x01\x00\x00\xff\xff"
_OP_BYTES: Final = 5
_HALVES: Final = {17: (8, 9), 18: (9, 9), 20: (10, 10)}


def gzip_quine() -> bytes:
    """The same bytes at each call."""
    for letter in b"abcdefghijklmnopqrstuvwxyz":  # of some names the equations have no solution
        prefix = _HEADER + bytes([letter, 0])
        checksum = _fixed_point(prefix)
        if checksum is not None:
            return _written(prefix, checksum)
    raise AssertionError("no name gives a checksum that fits")


def _written(prefix: bytes, checksum: int) -> bytes:
    size = len(_listing(prefix, bytes(13)))
    return _listing(prefix, _LAST_BLOCK + struct.pack("<II", checksum, size))


def _listing(prefix: bytes, suffix: bytes) -> bytes:
    """The instructions with what they copy; what they write is the same."""
    head, tail = len(prefix) + _OP_BYTES, len(suffix) + _OP_BYTES
    copy_head, repeat_head, copy_tail, repeat_tail = _copy(head), _repeat(head), _copy(tail), _repeat(tail)
    none, one, four, again = _copy(0), _copy(_OP_BYTES), _copy(4 * _OP_BYTES), _repeat(4 * _OP_BYTES)
    return b"".join(
        [
            prefix,
            *(copy_head, prefix, copy_head),
            repeat_head,
            *(one, repeat_head),
            *(one, one),
            *(four, repeat_head, one, one, four),
            again,
            *(four, again, four, again, four),
            again,
            *(four, again, none, none, copy_tail),
            again,
            *(none, none),
            *(copy_tail, repeat_tail, suffix),
            repeat_tail,
            suffix,
        ]
    )


def _copy(nbytes: int) -> bytes:
    return struct.pack("<BHH", 0, nbytes, nbytes ^ 0xFFFF)


def _repeat(nbytes: int) -> bytes:
    """A block of fixed codes: two matches at a distance of `nbytes` and of its halves' lengths, the end: 40 bits."""
    bits = "010"  # not the last block; type 1, low bit first
    for length in _HALVES[nbytes]:
        bits += f"{length - 2:07b}"  # the code of lengths 3 to 10 is 1 to 8
        bits += f"{8:05b}" + f"{nbytes - 17:03b}"[::-1]  # distances 17 to 24
    bits += "0000000"
    return int(bits[::-1], 2).to_bytes(_OP_BYTES, "little")


def _fixed_point(prefix: bytes) -> int | None:
    """x with crc(what is written with x) = x, by elimination; None where there is none or more than one."""
    constant = zlib.crc32(_written(prefix, 0))
    rows: list[int] = []  # bits 0..31: the equation's left side, bit 32: its right side
    columns = [zlib.crc32(_written(prefix, 1 << bit)) ^ constant ^ (1 << bit) for bit in range(32)]
    for row in range(32):
        left = sum((column >> row & 1) << bit for bit, column in enumerate(columns))
        rows.append(left | (constant >> row & 1) << 32)
    for bit in range(32):
        pivot = next((index for index in range(bit, 32) if rows[index] >> bit & 1), None)
        if pivot is None:
            return None
        rows[bit], rows[pivot] = rows[pivot], rows[bit]
        for index in range(32):
            if index != bit and rows[index] >> bit & 1:
                rows[index] ^= rows[bit]
    return sum((row >> 32) << bit for bit, row in enumerate(rows))
