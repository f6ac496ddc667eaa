"""Checksums of a text repeated many times, without going through it.

Must live here: joining two checksums to that of the joined text (the arithmetic of zlib's `crc32_combine` and
`adler32_combine`). Must not: what they are for.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_ADLER_MODULUS: Final = 65521
_CRC_POLYNOMIAL: Final = 0xEDB88320


def crc32_of(unit: bytes, count: int) -> int:
    """CRC-32 of `unit` repeated `count` times."""
    return _repeated(zlib.crc32(unit), len(unit), count, _join_crc32, 0)


def adler32_of(unit: bytes, count: int) -> int:
    """Adler-32 of `unit` repeated `count` times."""
    return _repeated(zlib.adler32(unit), len(unit), count, _join_adler32, 1)


def _repeated(checksum: int, nbytes: int, count: int, join: Callable[[int, int, int], int], empty: int) -> int:
    """By doubling. `join(a, b, bytes of b)`; `empty` is the checksum of nothing."""
    total = empty
    while count:
        if count & 1:
            total = join(total, checksum, nbytes)
        checksum, nbytes, count = join(checksum, checksum, nbytes), 2 * nbytes, count >> 1
    return total


def _join_adler32(first: int, second: int, second_bytes: int) -> int:
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + second_bytes * ((first & 0xFFFF) - 1)
    return high % _ADLER_MODULUS << 16 | low % _ADLER_MODULUS


def _join_crc32(first: int, second: int, second_bytes: int) -> int:
    """A CRC is linear over GF(2): zero bytes after a text are a 32 × 32 bit matrix applied to its CRC."""
    zeros = [_CRC_POLYNOMIAL, *(1 << bit for bit in range(31))]  # one zero bit: column i is what bit i becomes
    for _ in range(3):
        zeros = _squared(zeros)  # one zero byte
    while second_bytes:
        if second_bytes & 1:
            first = _times(zeros, first)
        zeros, second_bytes = _squared(zeros), second_bytes >> 1
    return first ^ second


def _times(matrix: list[int], vector: int) -> int:
    product = 0
    for column in matrix:
        if vector & 1:
            product ^= column
        vector >>= 1
    return product


def _squared(matrix: list[int]) -> list[int]:
    return [_times(matrix, column) for column in matrix]
