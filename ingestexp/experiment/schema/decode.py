"""What may be said about compressed envelopes: the group `decode`.

Must live here: keys, types, defaults. Must not: range checks (`limits`, `validate_decode`), construction
(`build_decode`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Codec(Enum):
    none = "none"
    gzip = "gzip"
    zstd = "zstd"
    lz4 = "lz4"
    snappy = "snappy"
    deflate = "deflate"


@dataclass
class BombsConfig:
    """One bomb after `every` envelopes (null: none), of these shapes in turn (empty: all that the codec has)."""

    every: int | None = None
    shapes: list[str] = field(default_factory=list)
    inflated_bytes: int = 256 << 20


@dataclass
class DecodeConfig:
    """A cap of null is no cap."""

    codec: Codec = Codec.none
    items_per_envelope: int = 100
    max_inflated_bytes: int | None = 16 << 20
    max_inflate_ratio: float | None = 100.0
    max_items: int | None = 10_000
    max_item_bytes: int | None = 1 << 20
    max_members: int | None = 1_000
    max_nesting: int = 1
    bombs: BombsConfig = field(default_factory=BombsConfig)
