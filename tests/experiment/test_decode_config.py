"""The group `decode`: its choices, and every mistake in words."""

from __future__ import annotations

import pytest

from ingestexp.adapters.envelopes.bombs import SHAPES as MADE
from ingestexp.experiment.compose import plan
from ingestexp.experiment.schema import RunConfig
from ingestexp.experiment.schema.decode import Codec, DecodeConfig
from ingestexp.experiment.validate_decode import SHAPES

CODECS = ("gzip", "zstd", "lz4", "snappy", "deflate")


def mistakes(*overrides: str) -> dict[str, str]:
    return {mistake.key: mistake.why for mistake in plan(list(overrides)).mistakes}


def test_items_come_one_by_one_by_default() -> None:
    assert plan([]).configs[0].decode == RunConfig().decode == DecodeConfig(codec=Codec.none)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_a_choice_with_the_schemas_defaults(codec: str) -> None:
    found = plan([f"decode={codec}"])
    assert found.mistakes == []
    assert found.configs[0].decode == DecodeConfig(codec=Codec(codec))


def test_codecs_can_be_swept_over() -> None:
    found = plan([f"decode={','.join(CODECS)}"], multirun=True)
    assert [config.decode.codec.value for config in found.configs] == list(CODECS)


def test_every_cap_can_be_lifted() -> None:
    caps = ("max_inflated_bytes", "max_inflate_ratio", "max_items", "max_item_bytes", "max_members")
    found = plan(["decode=gzip", *(f"decode.{cap}=null" for cap in caps)])
    assert found.mistakes == []
    assert [getattr(found.configs[0].decode, cap) for cap in caps] == [None] * 5


def test_the_shapes_are_those_that_are_made() -> None:
    assert {name: codecs for name, (_, codecs) in MADE.items()} == SHAPES


@pytest.mark.parametrize(
    ("overrides", "key", "words"),
    [
        (["clock=simulated", "sink=model"], "decode.codec", "clock=live"),
        (["load=saturate", "load.item_count=10"], "decode.codec", "saturat"),
        (["payload=random", "sink.check_json=false"], "payload", "one item a line"),
        (["decode.items_per_envelope=20000"], "decode.items_per_envelope", "decode.max_items=10000"),
        (["decode.max_item_bytes=100"], "decode.max_item_bytes", "payload.size_bytes=200"),
        (["decode.max_inflated_bytes=1000"], "decode.max_inflated_bytes", "every one would be rejected"),
        (["decode.max_nesting=0"], "decode.max_nesting", "at least 1"),
        (["decode.max_nesting=17"], "decode.max_nesting", "at most 16"),
        (["decode.max_inflate_ratio=0.5"], "decode.max_inflate_ratio", "at least 1"),
        (["decode.bombs.every=0"], "decode.bombs.every", "at least 1"),
        (["decode.bombs.shapes=[flta]"], "decode.bombs.shapes[0]", "did you mean flat?"),
        (["decode.bombs.shapes=[flat,wide_window]"], "decode.bombs.shapes[1]", "not with gzip"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(overrides: list[str], key: str, words: str) -> None:
    assert words in mistakes("decode=gzip", *overrides)[key]


def test_bombs_need_envelopes() -> None:
    assert "decode=gzip" in mistakes("decode.bombs.every=5")["decode.bombs.every"]


def test_an_unknown_codec_is_named_with_those_there_are() -> None:
    (found,) = plan(["decode=brotli"]).mistakes
    assert all(codec in found.why for codec in CODECS)
