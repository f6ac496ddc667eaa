"""What every decoder must hold, whatever the codec."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
from ingestexp.decode_port import RATIO_FLOOR_BYTES, REASONS, Caps, EnvelopeRejected
from tests.adapters.codecs.bodies import CHECKED, COMPRESS, UNCAPPED, codec_of, decode, lines, refusal

ITEMS = [b'{"id":%d,"text":"%s"}' % (number, b"ingest " * (number % 7)) for number in range(100)]
TEXT = lines(ITEMS)
each_format = pytest.mark.parametrize("made_by", COMPRESS)


@each_format
def test_items_come_out_as_they_went_in(made_by: str) -> None:
    decoded = EnvelopeDecoder(codec_of(made_by), Caps()).decode(COMPRESS[made_by](TEXT))
    decoded.items.validate(full=True)
    assert decoded.items.to_pylist() == ITEMS
    assert decoded.sizes.tolist() == [len(item) for item in ITEMS]
    assert decoded.inflated_bytes == len(TEXT)


STARTS = (b"\x1f\x8b", b"\x28\xb5", b"\x04\x22", b"\xff\x06", b"x")
"""Of compressed bodies: an item that begins like one is taken for the next level."""


@each_format
@given(items=st.lists(st.binary(min_size=1).filter(lambda item: b"\n" not in item), min_size=1))
@settings(deadline=None, max_examples=50)
def test_any_items_without_a_line_end_come_back(made_by: str, items: list[bytes]) -> None:
    assume(not items[0].startswith(STARTS))
    assert decode(made_by, COMPRESS[made_by](lines(items)), Caps()) == items


@each_format
def test_the_last_line_end_is_optional(made_by: str) -> None:
    assert decode(made_by, COMPRESS[made_by](TEXT[:-1])) == ITEMS


@each_format
def test_items_are_whole_where_chunks_meet(made_by: str) -> None:
    rng = np.random.default_rng(1)
    items = [rng.integers(97, 122, size, np.uint8).tobytes() for size in rng.integers(1, 200_000, 30).tolist()]
    assert decode(made_by, COMPRESS[made_by](lines(items))) == items


@each_format
@pytest.mark.parametrize(
    ("cap", "exact", "reason"),
    [
        ("max_inflated_bytes", len(TEXT), "inflated_bytes"),
        ("max_items", len(ITEMS), "item_count"),
        ("max_item_bytes", max(map(len, ITEMS)), "item_bytes"),
    ],
)
def test_exactly_at_the_cap_passes_and_one_over_does_not(made_by: str, cap: str, exact: int, reason: str) -> None:
    body = COMPRESS[made_by](TEXT)
    assert refusal(made_by, body, dataclasses.replace(UNCAPPED, **{cap: exact})) == ""
    assert refusal(made_by, body, dataclasses.replace(UNCAPPED, **{cap: exact - 1})) == reason


@each_format
@pytest.mark.parametrize("over", [0, 1])
def test_the_byte_cap_is_exact_at_every_size_of_chunk(made_by: str, over: int) -> None:
    for size in (1, 2, 65_535, 65_536, 65_537, 131_072, 1_000_000):
        body = COMPRESS[made_by](b"x" * size)
        caps = dataclasses.replace(UNCAPPED, max_inflated_bytes=size - over)
        assert refusal(made_by, body, caps) == ("inflated_bytes" if over else "")


@each_format
def test_the_ratio_counts_from_its_floor_on(made_by: str) -> None:
    text = b"x" * 4000 + b"\n"
    small, large = text * (RATIO_FLOOR_BYTES // len(text)), text * 2000
    ratio = len(large) / len(COMPRESS[made_by](large))
    assert refusal(made_by, COMPRESS[made_by](small), dataclasses.replace(UNCAPPED, max_inflate_ratio=1)) == ""
    at_cap = dataclasses.replace(UNCAPPED, max_inflate_ratio=ratio * 1.000001)
    assert refusal(made_by, COMPRESS[made_by](large), at_cap) == ""
    below = dataclasses.replace(UNCAPPED, max_inflate_ratio=ratio * 0.9)
    assert refusal(made_by, COMPRESS[made_by](large), below) == "inflate_ratio"


@each_format
def test_a_body_that_ends_too_early_is_refused(made_by: str) -> None:
    body = COMPRESS[made_by](TEXT)
    for length in range(1, len(body)):
        assert refusal(made_by, body[:length]) in _torn(made_by), length


def _torn(made_by: str) -> tuple[str, ...]:
    """A row of chunks without an end mark may end after any of them; a raw snappy block just doesn't add up."""
    if made_by == "snappy":
        return ("truncated", "malformed")
    return ("truncated", "malformed") if made_by == "snappy_raw" else ("truncated",)


@each_format
def test_what_follows_the_end_is_refused(made_by: str) -> None:
    body = COMPRESS[made_by](TEXT)
    for tail in (b"x", b"\0" * 20, b'{"id":1}\n' * 5):
        assert refusal(made_by, body + tail) in ("malformed", "truncated")


@pytest.mark.parametrize("made_by", CHECKED)
def test_a_wrong_checksum_is_refused(made_by: str) -> None:
    body = bytearray(COMPRESS[made_by](TEXT))
    place = len(STREAM) if made_by == "snappy" else len(body) - (8 if made_by == "gzip" else 4)
    body[place + (4 if made_by == "snappy" else 0)] ^= 1
    assert refusal(made_by, bytes(body)) == "malformed"


STREAM = b"\xff\x06\x00\x00sNaPpY"


@each_format
@pytest.mark.parametrize("text", [b"", b"\n", b"a\n\nb\n", b"\na"])
def test_a_body_without_items_or_with_an_empty_line_is_malformed(made_by: str, text: bytes) -> None:
    assert refusal(made_by, COMPRESS[made_by](text)) == "malformed"


@each_format
def test_an_empty_body_is_malformed(made_by: str) -> None:
    assert refusal(made_by, b"") == "malformed"


@pytest.mark.parametrize("made_by", ["gzip", "zstd", "zstd_stream", "lz4", "lz4_4m", "snappy"])
def test_all_members_of_a_body_count(made_by: str) -> None:
    body = COMPRESS[made_by](TEXT) * 3
    assert decode(made_by, body) == ITEMS * 3
    assert refusal(made_by, body, dataclasses.replace(UNCAPPED, max_inflated_bytes=3 * len(TEXT))) == ""
    assert refusal(made_by, body, dataclasses.replace(UNCAPPED, max_inflated_bytes=3 * len(TEXT) - 1)) != ""


def test_one_deflate_stream_is_all_that_a_body_may_hold() -> None:
    assert refusal("deflate", COMPRESS["deflate"](TEXT) * 2) == "malformed"


@pytest.mark.parametrize("outer", COMPRESS)
@pytest.mark.parametrize("inner", [name for name in COMPRESS if name != "snappy_raw"])
def test_every_level_is_inflated_as_deep_as_allowed_and_counts(outer: str, inner: str) -> None:
    within = COMPRESS[inner](TEXT)
    body = COMPRESS[outer](within)
    caps = dataclasses.replace(UNCAPPED, max_nesting=2)
    assert decode(outer, body, caps) == ITEMS
    total = len(TEXT) + len(within)
    assert refusal(outer, body, dataclasses.replace(caps, max_inflated_bytes=total)) == ""
    assert refusal(outer, body, dataclasses.replace(caps, max_inflated_bytes=total - 1)) == "inflated_bytes"
    assert refusal(outer, body, dataclasses.replace(caps, max_nesting=1)) == "nesting"


def test_text_that_looks_like_a_zlib_header_is_text() -> None:
    assert decode("deflate", COMPRESS["deflate"](b"x^2 + y^2 = z^2\n"), Caps()) == [b"x^2 + y^2 = z^2"]


def test_a_refusal_says_what_had_been_inflated() -> None:
    with pytest.raises(EnvelopeRejected) as caught:
        EnvelopeDecoder("gzip", Caps(max_inflated_bytes=1000)).decode(COMPRESS["gzip"](TEXT))
    assert caught.value.reason in REASONS
    assert caught.value.inflated_bytes == 1001
    assert "more than 1,000 bytes" in caught.value.detail


@each_format
@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_a_damaged_body_is_refused_or_decoded_never_anything_else(made_by: str, data: st.DataObject) -> None:
    body = bytearray(COMPRESS[made_by](TEXT))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    reason = refusal(made_by, bytes(body), Caps(max_inflated_bytes=1 << 20))
    assert reason in ("", *REASONS)


@each_format
@given(body=st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_noise_is_refused(made_by: str, body: bytes) -> None:
    assert refusal(made_by, body, Caps(max_inflated_bytes=1 << 20)) in ("", *REASONS)
