"""The same seed gives the same simulated trace: byte for byte here and now, value for value over the years."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from tests.golden.fingerprint import EXPECTED, SCENARIOS, TABLES, fingerprint

if TYPE_CHECKING:
    from pathlib import Path

WHAT_TO_DO = """the simulated trace of '{scenario}' has changed in: {tables}.
If you did not mean to change what a run leaves behind, this is a bug: look for a new draw from a seeded stream, another
order of events, a column that means something else.
If you did: say in CHANGELOG.md what changes for readers of old runs, then `python -m tests.golden.fingerprint`,
and commit fingerprints.json together with the change."""


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_the_same_seed_gives_the_same_files_byte_for_byte(tmp_path: Path, scenario: str) -> None:
    for run in ("a", "b"):
        SCENARIOS[scenario](tmp_path / run)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.parquet"))
    assert files == sorted(path.relative_to(tmp_path / "b") for path in (tmp_path / "b").rglob("*.parquet"))
    assert len(files) > len(TABLES)
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_the_simulated_trace_is_the_one_on_record(tmp_path: Path, scenario: str) -> None:
    SCENARIOS[scenario](tmp_path)
    found, expected = fingerprint(tmp_path), json.loads(EXPECTED.read_text())[scenario]
    changed = [name for name in TABLES if found[name] != expected.get(name)]
    assert not changed, WHAT_TO_DO.format(scenario=scenario, tables=", ".join(changed))


def test_the_scenarios_reach_what_they_are_meant_to_guard(tmp_path: Path) -> None:
    """A fingerprint of nothing would never change."""
    seen: dict[str, set[str]] = {"outcome": set(), "flush_cause": set()}
    for name, scenario in SCENARIOS.items():
        scenario(tmp_path / name)
        seen["outcome"] |= set(pq.read_table(tmp_path / name / "items").column("outcome").to_pylist())
        seen["flush_cause"] |= set(pq.read_table(tmp_path / name / "batches").column("flush_cause").to_pylist())
    assert seen["outcome"] == {"committed", "dropped", "dead_lettered"}
    assert seen["flush_cause"] == {"size", "bytes", "age", "drain", "retry"}
