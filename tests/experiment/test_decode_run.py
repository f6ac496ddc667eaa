"""Whole runs with compressed envelopes: evidence, audits, manifest, and the same run without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.paths import ANALYSIS
from ingestexp.experiment.run import execute
from ingestexp.report.envelope_lines import envelope_lines

if TYPE_CHECKING:
    from pathlib import Path

SHORT = ("load.rate_per_s=5000", "load.duration_s=0.4", "slo.warmup_s=0", "progress='off'")
AUDITS = ("envelopes_conservation", "conservation", "stages_monotone", "batches_match_items", "no_double_settle")


def run(folder: Path, *overrides: str) -> Path:
    found = plan([*SHORT, *overrides])
    assert found.mistakes == []
    folder.mkdir()
    assert execute(found.configs[0], folder, ["test"]).status == "completed"
    return folder


def facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def ask(folder: Path, *sql: str) -> list[tuple[Any, ...]]:
    """The rows of all the queries, one after the other."""
    with duckdb.connect() as connection:
        connection.execute(f"SET VARIABLE runs = '{folder}'")
        connection.execute((ANALYSIS / "views.sql").read_text())
        return [row for each in sql for row in connection.execute(each).fetchall()]


@pytest.mark.parametrize(
    ("codec", "sink"),
    [("gzip", "sqlite"), ("zstd", "sqlite"), ("lz4", "'null'"), ("snappy", "'null'"), ("deflate", "'null'")],
)
def test_bombs_are_rejected_and_all_good_items_committed(tmp_path: Path, codec: str, sink: str) -> None:
    folder = run(tmp_path / "r", f"decode={codec}", f"sink={sink}", "decode.bombs.every=2")
    found = facts(folder)
    assert (
        found["envelopes"]["bombs"] == found["envelopes"]["rejected"] == len(ask(folder, "FROM envelope_dead_letters"))
    )
    assert found["envelopes"]["bombs"] >= 8
    assert found["envelopes"]["bombs_accepted"] == found["envelopes"]["unoffered"] == 0
    assert found["counters"]["committed"] == found["counters"]["offered"] > 1500
    assert ask(folder, *((ANALYSIS / "audits" / f"{audit}.sql").read_text() for audit in AUDITS)) == []


def test_the_items_are_those_of_the_same_run_without_envelopes(tmp_path: Path) -> None:
    kept = "SELECT item_id, payload_bytes, phase FROM items ORDER BY item_id"
    plain = ask(run(tmp_path / "plain"), kept)
    assert ask(run(tmp_path / "enveloped", "decode=zstd", "decode.items_per_envelope=30"), kept) == plain


def test_without_a_codec_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = run(tmp_path / "r")
    assert "envelopes" not in facts(folder)
    assert not (folder / "envelopes").exists()
    assert ask(folder, "SELECT count(*), count(envelope_id) FROM items")[0][1] == 0
    assert envelope_lines(facts(folder)) == []


def test_an_envelope_larger_than_the_queue_still_gets_in(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", "decode=lz4", "policy.capacity=50", "window.max_size=20")
    counters = facts(folder)["counters"]
    assert counters["committed"] == counters["offered"] > 1500


def test_the_trace_may_be_off(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", "decode=gzip", "decode.bombs.every=5", "trace.enabled=false")
    assert facts(folder)["envelopes"]["rejected"] >= 3
    assert not (folder / "envelopes").exists()


def test_the_summary_says_that_bombs_were_put_in_on_purpose(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", "decode=gzip", "decode.bombs.every=5", "decode.bombs.shapes=[nested]")
    first, second = (line.plain for line in envelope_lines(facts(folder)))
    assert "rejected 3 (nesting 3)" in first or "rejected 4 (nesting 4)" in first
    assert "put in on purpose (decode.bombs): none accepted" in second


def test_without_caps_a_bomb_gets_in_and_the_summary_says_so(tmp_path: Path) -> None:
    """One item of a mebibyte of zeros: not JSON, so the database refuses its batch."""
    caps = [f"decode.{cap}=null" for cap in ("max_inflated_bytes", "max_inflate_ratio", "max_item_bytes")]
    bombs = ("decode.bombs.every=5", "decode.bombs.shapes=[flat]", "decode.bombs.inflated_bytes=2000000")
    folder = run(tmp_path / "r", "decode=gzip", *bombs, *caps, "on_failure=report_items")
    found = facts(folder)
    assert found["envelopes"]["bombs_accepted"] == found["envelopes"]["bombs"] >= 3
    assert found["counters"]["dead_lettered"] == found["envelopes"]["bombs"]
    assert "ACCEPTED" in envelope_lines(found)[1].plain
