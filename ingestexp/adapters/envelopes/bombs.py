"""`decode.bombs`: decompression bombs, real ones, made on the fly.

Must live here: the shapes by name, and for which codecs there is one. Must not: how bytes are laid out
(`bomb_bodies`). None is kept in a file: a body is made when it is asked for.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import lz4.frame

from ingestexp.adapters.envelopes import bomb_bodies as bodies
from ingestexp.adapters.envelopes.quine import gzip_quine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

UNIT_BYTES: Final = 1 << 20
LEVELS: Final = 10
TINY_COUNT: Final = 20_000
_ZEROS: Final = bytes(UNIT_BYTES)
_LINES: Final = b"0\n" * (UNIT_BYTES // 2)


def flat(codec: str, inflated_bytes: int) -> bytes:
    """One member, all zeros: one endless line."""
    if codec == "snappy":
        return bodies.snappy_raw_zeros(inflated_bytes)
    return bodies.REPEATED[codec](_ZEROS, _units(inflated_bytes))


def many_items(codec: str, inflated_bytes: int) -> bytes:
    """An item in every two bytes."""
    if codec == "zstd":
        return bodies.zstd_frames(_LINES, _units(inflated_bytes))
    return bodies.REPEATED[codec](_LINES, _units(inflated_bytes))


def concatenated(codec: str, inflated_bytes: int) -> bytes:
    """Many members, each harmless: a decoder that starts to count anew with each is lost."""
    return bodies.REPEATED[codec](_ZEROS, 1) * _units(inflated_bytes)


def tiny_members(codec: str, inflated_bytes: int) -> bytes:
    """Members that hold a byte each: they cost time, not memory."""
    return bodies.REPEATED[codec](b"0", 1) * TINY_COUNT


def nested(codec: str, inflated_bytes: int) -> bytes:
    """A flat bomb, compressed again and again: small on the wire, and each level on its own is below its ratio."""
    body = bodies.REPEATED[codec](_ZEROS, _units(inflated_bytes))
    for _ in range(LEVELS - 1):
        body = bodies.REPEATED[codec](body, 1) if codec != "zstd" else bodies.zstd_frames(body, 1)
    return body


def endless(codec: str, inflated_bytes: int) -> bytes:
    """A body that inflates to itself."""
    return gzip_quine()


def lying_small(codec: str, inflated_bytes: int) -> bytes:
    """Declares ten bytes."""
    count = _units(inflated_bytes)
    if codec == "gzip":
        return bodies.gzip_of(_ZEROS, count)[:-4] + (10).to_bytes(4, "little")
    if codec == "zstd":
        header = b"\x28\xb5\x2f\xfd\x80\x38" + (10).to_bytes(4, "little")
        return bodies.zstd_of(_ZEROS, count, header)
    if codec == "lz4":
        return _lz4_declaring(10, count)
    return bodies.snappy_raw_zeros(inflated_bytes, declared=10)


def lying_huge(codec: str, inflated_bytes: int) -> bytes:
    """Declares more than any memory holds, and holds next to nothing (CVE-2023-34455)."""
    if codec == "zstd":
        header = b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little")  # a single segment: its window is its size
        return bodies.zstd_of(b"0", 1, header)
    if codec == "lz4":
        return _lz4_declaring(1 << 40, 1)
    return bodies.varint((1 << 32) - 1) + b"\x000"


def wide_window(codec: str, inflated_bytes: int) -> bytes:
    """Asks the decoder to keep 2 TiB of history."""
    return bodies.zstd_of(b"0", 1, b"\x28\xb5\x2f\xfd\x00" + bytes([31 << 3]))


def empty_blocks(codec: str, inflated_bytes: int) -> bytes:
    """Blocks without content."""
    if codec == "zstd":
        return bodies.ZSTD_HEADER + b"\x00\x00\x00" * (10 * TINY_COUNT) + b"\x01\x00\x00"
    flood = bodies.EMPTY_STORED_BLOCK * (10 * TINY_COUNT) + bodies.DEFLATE_END
    if codec == "gzip":
        return bodies.GZIP_HEADER + flood + bytes(8)
    return bodies.ZLIB_HEADER + flood + b"\x00\x00\x00\x01"


def padding(codec: str, inflated_bytes: int) -> bytes:
    """Chunks or frames to be skipped."""
    if codec == "snappy":
        return bodies.SNAPPY_IDENTIFIER + b"\xfe\x00\x00\x00" * (10 * TINY_COUNT)
    return b"\x50\x2a\x4d\x18\x00\x00\x00\x00" * (5 * TINY_COUNT)


_ALL: Final = ("gzip", "zstd", "lz4", "snappy", "deflate")
SHAPES: Final[dict[str, tuple[Callable[[str, int], bytes], tuple[str, ...]]]] = {
    "flat": (flat, _ALL),
    "many_items": (many_items, _ALL),
    "concatenated": (concatenated, ("gzip", "zstd", "lz4", "snappy")),
    "tiny_members": (tiny_members, ("gzip", "zstd", "lz4", "snappy")),
    "nested": (nested, _ALL),
    "endless": (endless, ("gzip",)),
    "lying_small": (lying_small, ("gzip", "zstd", "lz4", "snappy")),
    "lying_huge": (lying_huge, ("zstd", "lz4", "snappy")),
    "wide_window": (wide_window, ("zstd",)),
    "empty_blocks": (empty_blocks, ("gzip", "zstd", "deflate")),
    "padding": (padding, ("zstd", "lz4", "snappy")),
}
"""Name → (maker(codec, inflated_bytes), the codecs it is made for)."""


def shapes_of(codec: str) -> list[str]:
    return [name for name, (_, codecs) in SHAPES.items() if codec in codecs]


class BombCycle:
    """Implements `decode_port.Bombs`: the shapes in turn, each made once."""

    def __init__(self, codec: str, every: int, shapes: Sequence[str], inflated_bytes: int) -> None:
        self.every = every
        self._made = [(name, SHAPES[name][0](codec, inflated_bytes)) for name in shapes]

    def bodies(self) -> Iterator[tuple[str, bytes]]:
        return itertools.cycle(self._made)


def _units(inflated_bytes: int) -> int:
    return -(-inflated_bytes // UNIT_BYTES)


def _lz4_declaring(nbytes: int, count: int) -> bytes:
    """A frame whose header declares `nbytes` of content: right in its own checksum, wrong in what it says."""
    context = lz4.frame.create_compression_context()
    header = lz4.frame.compress_begin(
        context, source_size=nbytes, block_size=lz4.frame.BLOCKSIZE_MAX4MB, block_linked=False
    )
    return bytes(header) + bodies.lz4_of(_ZEROS, count)[7:]
