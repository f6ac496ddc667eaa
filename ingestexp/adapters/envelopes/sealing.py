"""The producer's side: many items, one a line, into one compressed body.

Must live here: a compressor for each codec, quick levels. Must not: inflating, bombs.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, Final

import cramjam
import lz4.frame
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable

_LEVEL: Final = 1
"""Of gzip, deflate and zstd: what a producer in a hurry takes."""


def _zstd(text: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(text)


def _lz4(text: bytes) -> bytes:
    return bytes(lz4.frame.compress(text, content_checksum=True))


SEAL: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda text: gzip.compress(text, _LEVEL, mtime=0),
    "zstd": _zstd,
    "lz4": _lz4,
    "snappy": lambda text: bytes(cramjam.snappy.compress(text)),  # framed: it has a checksum
    "deflate": lambda text: zlib.compress(text, _LEVEL),
}


class EnvelopeSealer:
    """Implements `decode_port.Sealer`."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self._seal = SEAL[codec]

    def seal(self, items: Any) -> bytes:
        return self._seal(b"\n".join(items.to_pylist()) + b"\n")
