"""The harness keeps what it is told, finds its measurements, and survives one that dies."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks import harness
from tests.benchmarks.rows import FAILED, Found, Row, figure

if TYPE_CHECKING:
    from pathlib import Path


def test_a_bound_is_met_at_the_bound() -> None:
    assert Row.at_least("a", "a", 8e6, "items/s", 8e6).ok is True
    assert Row.at_least("a", "a", 7.9e6, "items/s", 8e6).ok is False
    assert Row.at_most("a", "a", 6.1, "B/item", 6).ok is False
    assert Row.at_most("a", "a", 6, "B/item", 6).reach == "≤ 6"


@pytest.mark.parametrize(
    ("value", "shown"), [(8_123_456, "8.123 M"), (155_000, "155 k"), (0.37, "0.37"), (9_999, "9999"), (2e9, "2 G")]
)
def test_figures_read_well(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_every_measurement_has_a_headline() -> None:
    assert "librdkafka" in harness.names()
    assert "simpy_pipeline" in harness.names()
    assert harness.headline("simpy_pipeline").startswith("SimPy models")


def test_a_measurement_that_dies_is_a_failed_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child looks the name up anew and finds nothing there."""
    monkeypatch.setattr(harness, "module_of", lambda _name: None)
    (row,) = harness.measure_apart("no_such_measurement")
    assert row.slug == FAILED
    assert row.ok is False
    assert "no_such_measurement" in row.note


def test_the_record_is_strict_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(harness, "RECORDS", tmp_path)
    found = Found()
    found.add("mine", [Row("rate", "rate", 5.0, "items/s"), harness.failed("gave up")])
    path = harness.record(found, harness.host(), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert path.name == "2026-01-02T03-04-05.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert [row["value"] for row in kept["rows"]] == [5.0, None]
    assert found.value("mine", "rate") == 5.0
    assert found.value("theirs", "rate") is None
