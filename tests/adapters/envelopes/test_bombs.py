"""Every bomb is refused, and memory stays under the cap and a little, measured in a process of its own."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import zlib
from typing import Final

import pytest

from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
from ingestexp.adapters.envelopes.bombs import SHAPES, BombCycle, shapes_of
from ingestexp.adapters.envelopes.checksums import adler32_of, crc32_of
from ingestexp.adapters.envelopes.quine import gzip_quine
from ingestexp.decode_port import Caps, EnvelopeRejected
from tests.adapters.envelopes.bomb_child import can_measure, judge_apart

MIB: Final = 1 << 20
CAP_BYTES: Final = 64 * MIB
MARGIN_BYTES: Final = 32 * MIB
ALL: Final = [(codec, shape) for shape, (_, codecs) in SHAPES.items() for codec in codecs]
THROUGH: Final = ("flat", "concatenated", "nested", "lying_small")
"""Shapes that are refused for their bytes alone, once nothing else is capped."""

needs_peak = pytest.mark.skipif(not can_measure(), reason="the peak RSS can't be set back here")


def test_there_are_twenty_shapes_or_more() -> None:
    assert len(ALL) >= 20


@needs_peak
def test_every_bomb_is_refused_in_bounded_memory() -> None:
    judged = judge_apart(ALL, 1 << 30, Caps(max_inflated_bytes=CAP_BYTES), 120)
    assert [(each.codec, each.shape) for each in judged] == ALL
    assert [each for each in judged if not each.reason] == []
    assert [each for each in judged if each.growth_bytes > CAP_BYTES + MARGIN_BYTES] == []


@needs_peak
def test_the_byte_cap_alone_bounds_memory() -> None:
    bombs = [(codec, shape) for codec, shape in ALL if shape in THROUGH]
    judged = judge_apart(bombs, 1 << 30, Caps(CAP_BYTES, None, None, None, None, 16), 120)
    assert {each.reason for each in judged} <= {"inflated_bytes", "malformed"}
    assert [each for each in judged if each.growth_bytes > CAP_BYTES + MARGIN_BYTES] == []


@needs_peak
def test_an_accepted_body_at_the_cap_takes_no_more_than_a_rejected_one() -> None:
    bombs = [(codec, "flat") for codec in ("gzip", "zstd", "lz4", "snappy", "deflate")]
    judged = judge_apart(bombs, CAP_BYTES, Caps(CAP_BYTES, None, None, None, None, 1), 120)
    assert [each.reason for each in judged] == [""] * 5
    assert all(each.inflated_bytes > CAP_BYTES - 64 for each in judged)
    assert [each for each in judged if each.growth_bytes > CAP_BYTES + MARGIN_BYTES] == []


@pytest.mark.parametrize(
    ("codec", "shape", "reason"),
    [
        ("gzip", "flat", "item_bytes"),
        ("deflate", "many_items", "item_count"),
        ("lz4", "nested", "nesting"),
        ("gzip", "tiny_members", "member_count"),
        ("zstd", "wide_window", "window"),
        ("zstd", "lying_huge", "window"),
        ("snappy", "lying_huge", "malformed"),
        ("snappy", "flat", "inflated_bytes"),
        ("deflate", "empty_blocks", "malformed"),
    ],
)
def test_the_reason_says_what_is_wrong(codec: str, shape: str, reason: str) -> None:
    with pytest.raises(EnvelopeRejected) as caught:
        EnvelopeDecoder(codec, Caps()).decode(SHAPES[shape][0](codec, 64 * MIB))
    assert caught.value.reason == reason


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4", "snappy", "deflate"])
def test_a_flat_bomb_is_a_valid_body_and_all_of_it_inflates(codec: str) -> None:
    """Its checksums are right: without caps nothing would stop it."""
    body = SHAPES["flat"][0](codec, 8 * MIB)
    decoded = EnvelopeDecoder(codec, Caps(None, None, None, None, None, 1)).decode(body)
    assert abs(decoded.inflated_bytes - 8 * MIB) < 64
    assert len(decoded.items) == 1


def test_a_ratio_cap_stops_what_is_still_small() -> None:
    body = SHAPES["flat"][0]("gzip", 64 * MIB)
    with pytest.raises(EnvelopeRejected) as caught:
        EnvelopeDecoder("gzip", dataclasses.replace(Caps(), max_item_bytes=None)).decode(body)
    assert caught.value.reason == "inflate_ratio"
    assert caught.value.inflated_bytes < 4 * MIB


@pytest.mark.parametrize("max_nesting", [1, 16])
def test_a_body_that_inflates_to_itself_is_refused_for_its_nesting(max_nesting: int) -> None:
    body = gzip_quine()
    assert gzip.decompress(body) == body
    with pytest.raises(EnvelopeRejected) as caught:
        EnvelopeDecoder("gzip", Caps(None, None, None, None, None, max_nesting)).decode(body)
    assert caught.value.reason == "nesting"
    assert caught.value.inflated_bytes == max_nesting * len(body)


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 12_345])
def test_checksums_of_repeated_text(count: int) -> None:
    assert crc32_of(b"unit", count) == zlib.crc32(b"unit" * count)
    assert adler32_of(b"unit", count) == zlib.adler32(b"unit" * count)


def test_bombs_come_in_turn() -> None:
    cycle = BombCycle("zstd", 10, ["wide_window", "lying_huge"], MIB)
    assert [name for name, _ in itertools.islice(cycle.bodies(), 3)] == ["wide_window", "lying_huge", "wide_window"]


def test_a_codec_has_the_shapes_that_make_sense_for_it() -> None:
    assert "wide_window" in shapes_of("zstd")
    assert "wide_window" not in shapes_of("gzip")
