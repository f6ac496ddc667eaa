"""What is particular to one format: frames to skip, headers that lie, chunks that no encoder makes."""

from __future__ import annotations

import struct
from typing import Final

import cramjam
import pytest
import zstandard

from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
from ingestexp.decode_port import Caps, EnvelopeRejected
from tests.adapters.codecs.bodies import COMPRESS, UNCAPPED, decode, refusal

TEXT: Final = b'{"id":1}\n{"id":2}\n'
ITEMS: Final = TEXT.split()
SKIPPABLE: Final = b"\x53\x2a\x4d\x18\x05\x00\x00\x00extra"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
STREAM: Final = b"\xff\x06\x00\x00sNaPpY"


@pytest.mark.parametrize("made_by", ["zstd", "lz4"])
def test_skippable_frames_are_passed_over_wherever_they_stand(made_by: str) -> None:
    body = COMPRESS[made_by](TEXT)
    assert decode(made_by, SKIPPABLE + body + SKIPPABLE + body + SKIPPABLE) == ITEMS * 2
    assert refusal(made_by, body + SKIPPABLE[:-1]) == "truncated"
    assert refusal(made_by, SKIPPABLE) == "malformed", "holds no item"


def test_a_skippable_frame_that_declares_gigabytes_is_truncated() -> None:
    assert refusal("zstd", b"\x50\x2a\x4d\x18\xff\xff\xff\xffx") == "truncated"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"\x00\x00", "truncated"),  # the smallest window, 1 KiB, and then nothing
        (bytes([0x00, 13 << 3]), "truncated"),  # 8 MiB: just granted
        (bytes([0x00, 13 << 3 | 1]), "window"),  # 9 MiB
        (b"\x20\xff", "truncated"),  # a single segment of 255 bytes
        (b"\xa0" + struct.pack("<I", 8 << 20), "truncated"),  # of 8 MiB
        (b"\xa0" + struct.pack("<I", (8 << 20) + 1), "window"),
        (b"\x01\x00\x07", "malformed"),  # needs dictionary 7
        (b"\x08\x00", "malformed"),  # the reserved bit
        (b"\x00\x38" + (3 << 1 | 1).to_bytes(3, "little"), "malformed"),  # the reserved type of block
        (b"\x00\x38" + ((1 << 17) + 1 << 3 | 3).to_bytes(3, "little") + b"x", "malformed"),  # a run of 128 KiB + 1
    ],
)
def test_a_zstd_header_is_looked_at_before_the_library_sees_it(header: bytes, reason: str) -> None:
    assert refusal("zstd", ZSTD + header, Caps()) == reason


def test_a_zstd_dictionary_number_of_zero_means_none() -> None:
    frame = COMPRESS["zstd_stream"](TEXT)
    assert frame[4] & 3 == 0
    with_number = frame[:4] + bytes([frame[4] | 1]) + frame[5:6] + b"\x00" + frame[6:]
    assert decode("zstd", with_number) == ITEMS


@pytest.mark.parametrize("level", [1, 3, 9, 19])
@pytest.mark.parametrize("with_size", [True, False])
def test_what_zstd_encoders_make_up_to_level_19_is_granted_its_window(level: int, with_size: bool) -> None:
    text = b"".join(b'{"id":%d}\n' % number for number in range(20_000))
    compressor = zstandard.ZstdCompressor(level=level, write_content_size=with_size)
    streaming = compressor.compressobj()  # asks for the whole window of its level
    body = compressor.compress(text) if with_size else streaming.compress(text) + streaming.flush()
    assert len(EnvelopeDecoder("zstd", Caps(max_items=20_000)).decode(body).items) == 20_000


def test_snappys_uncompressed_and_skippable_chunks_are_understood() -> None:
    framed = COMPRESS["snappy"](TEXT)
    padding = b"\xfe\x03\x00\x00abc"
    assert decode("snappy", framed + padding + framed) == ITEMS * 2, "the identifier may be repeated"
    incompressible = bytes(range(1, 10)) + bytes(range(11, 256))
    stored = bytes(cramjam.snappy.compress(incompressible))
    assert stored[10] == 0x01
    assert decode("snappy", stored) == [incompressible]


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        (b"\x02\x00\x00\x00", "malformed"),  # reserved, not to be skipped
        (b"\x80\x02\x00\x00a", "truncated"),  # reserved, to be skipped
        (b"\xff\x06\x00\x00sNaPpX", "malformed"),
        (b"\x00\x03\x00\x00abc", "malformed"),  # no room for its checksum
        (b"\x00\x0a\x00\x00abcd\xff\xff\xff\xff\x0fx", "malformed"),  # declares 4 GiB
        (b"\x01\xff\xff\xff" + bytes(100), "malformed"),  # 16 MiB in a chunk
        (b"\x00\x06", "truncated"),
    ],
)
def test_a_snappy_chunk_that_no_encoder_makes(chunks: bytes, reason: str) -> None:
    assert refusal("snappy", STREAM + chunks) == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xff\xff\xff\x0f\x00a", "malformed"),  # 4 GiB out of two bytes
        (b"\xff\xff\xff\xff\x1fabc", "malformed"),  # more than 32 bits
        (b"\xff\xff\xff\xff\xff\xff", "malformed"),  # no end
        (b"\xff\xff", "truncated"),
        (b"\x00", "malformed"),  # empty: no item
        (b"\x00\x00a", "malformed"),  # says that it is empty
        (b"\x05\x00a", "malformed"),  # says five, holds one
        (b"\x01\x04ab", "malformed"),  # says one, holds two
    ],
)
def test_a_raw_snappy_block_is_held_against_what_it_declares(body: bytes, reason: str) -> None:
    assert refusal("snappy", body) == reason


def test_a_raw_block_that_may_become_what_it_declares_is_held_against_the_cap() -> None:
    body = COMPRESS["snappy_raw"](b"x" * 100_000)
    with pytest.raises(EnvelopeRejected) as caught:
        EnvelopeDecoder("snappy", Caps(max_inflated_bytes=99_999)).decode(body)
    assert (caught.value.reason, caught.value.inflated_bytes) == ("inflated_bytes", 0)


def test_members_cost_more_than_a_kibibyte_each_or_are_counted() -> None:
    """1,000 are free, and one more for each KiB that is read or comes out."""
    one = COMPRESS["gzip"](b"0")
    caps = Caps()
    assert refusal("gzip", one * 1000, caps) == ""
    assert refusal("gzip", one * 1200, caps) == "member_count"
    item = b"x" * 2000 + b"\n"
    assert refusal("gzip", COMPRESS["gzip"](item) * 3000, caps) == ""
    assert refusal("gzip", one * 1200, UNCAPPED) == ""
