"""JSON events look like events, and have the sizes asked for."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestexp.adapters.payloads.json_event import JsonEvent
from ingestexp.adapters.payloads.size import lognormal_sizes


def make(size_bytes: int = 200, size_cv: float = 0.0, seed: int = 1) -> JsonEvent:
    return JsonEvent(size_bytes, size_cv, np.random.default_rng(seed))


def taken(events: JsonEvent, count: int) -> list[bytes]:
    array: Any = events.take(0, count)
    payloads: list[bytes] = array.to_pylist()
    return payloads


def test_events_have_the_fields_of_an_event() -> None:
    event = json.loads(taken(make(), 1)[0])
    assert list(event) == ["id", "ts", "level", "service", "user_id", "city", "event", "duration_us", "msg"]
    assert event["ts"].startswith("2026-01-01T00:00:00.")
    assert len(event["msg"].split()) > 1


def test_every_payload_of_the_pool_is_distinct_valid_json() -> None:
    payloads = taken(make(size_cv=0.5), 4096)
    assert len(set(payloads)) == 4096
    assert len({json.loads(payload.decode("utf-8"))["id"] for payload in payloads}) == 4096
    assert any(not payload.isascii() for payload in payloads)


@pytest.mark.parametrize("size_bytes", [24, 60, 100, 170, 200, 500, 3000, 1_000_000])
def test_without_variation_all_events_have_exactly_the_size(size_bytes: int) -> None:
    events = make(size_bytes)
    assert {len(payload) for payload in taken(events, 64)} == {size_bytes}
    assert events.sizes(0, 64) == size_bytes
    for payload in taken(events, 8):
        json.loads(payload)


@given(size_bytes=st.integers(30, 1000), size_cv=st.floats(0, 1.5), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_mean_size_is_within_three_percent(size_bytes: int, size_cv: float, seed: int) -> None:
    events = make(size_bytes, size_cv, seed)
    assert events.mean_bytes == pytest.approx(size_bytes, rel=0.03)
    assert np.min(events.sizes(0, 4096)) >= JsonEvent.smallest_bytes


@pytest.mark.parametrize("cv", [0.1, 0.5, 1.0])
def test_sizes_vary_as_asked_and_are_lognormal(cv: float) -> None:
    sizes = lognormal_sizes(5000, cv, 1, 20_000, np.random.default_rng(1))
    assert sizes.mean() == pytest.approx(5000, rel=0.001)
    assert sizes.std() / sizes.mean() == pytest.approx(cv, rel=0.15)
    assert np.median(sizes) == pytest.approx(5000 / np.sqrt(1 + cv * cv), rel=0.03)


def test_a_seed_gives_its_own_events() -> None:
    assert taken(make(seed=1), 100) == taken(make(seed=1), 100)
    assert not set(taken(make(seed=1), 100)) & set(taken(make(seed=2), 100))


def test_sizes_below_the_smallest_event_are_refused() -> None:
    with pytest.raises(ValueError, match=r"payload.size_bytes=23: a JSON event has at least 24 bytes"):
        make(23)
    with pytest.raises(ValueError, match="at least 24 bytes, the load asks for 23"):
        make().take(0, 2, np.array([100, 23], np.int32))


def test_a_dictated_size_may_be_far_larger_than_the_others() -> None:
    events = make()
    sizes = np.array([24, 3_000_000, 200], np.int32)
    large: Any = events.take(5, 3, sizes)
    assert [
        len(json.dumps(json.loads(p), ensure_ascii=False, separators=(",", ":")).encode()) for p in large.to_pylist()
    ] == sizes.tolist()
    again: Any = make().take(7, 1, sizes[2:])
    assert again[0] == large[2]
