"""A window in other systems' words: figure and words agree, and every figure is one that the system can read."""

from __future__ import annotations

import re

import pytest

from ingestexp.report.translations import translations

GO_DURATION = re.compile(r"timeout: \d+(\.\d+)?(ms|s),")


def test_without_a_timer_figure_and_words_agree() -> None:
    kafka, librdkafka, vector, collector = translations(512, None, 200.0)
    assert "linger.ms=86400000 " in kafka.settings
    assert "a day" in kafka.differs
    assert "linger.ms=900000 " in librdkafka.settings
    assert "15 minutes" in librdkafka.differs
    assert "a day" not in librdkafka.differs
    assert "timeout_secs=86400 " in vector.settings
    assert "timeout: 86400s," in collector.settings


def test_a_wait_beyond_the_longest_linger_is_said_to_be_cut() -> None:
    librdkafka = translations(512, 1_000_000, 200.0)[1]
    assert "linger.ms=900000 " in librdkafka.settings
    assert "15 minutes" in librdkafka.differs
    assert "15 minutes" not in translations(512, 900_000, 200.0)[1].differs


@pytest.mark.parametrize("wait_ms", [0, 0.05, 2.5, 25, 1000, 90_000, 1_234_567, None])
def test_no_figure_has_an_exponent(wait_ms: float | None) -> None:
    found = translations(10_000_000, wait_ms, 5000.0)
    assert not any(re.search(r"\de[+-]?\d", each.settings) for each in found)
    assert GO_DURATION.search(found[3].settings)


def test_what_caps_a_big_batch_is_named() -> None:
    kafka, librdkafka, *_ = translations(512, 5, 200.0)
    assert "max.request.size" in kafka.differs
    assert "message.max.bytes" in kafka.differs
    assert "message.max.bytes" in librdkafka.differs
