"""The envelopes' view, their audit, and the part of the tail that goes to inflating, on evidence made by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from ingestexp.report.__main__ import main
from ingestexp.trace import schema
from tests.analysis.test_tables import NO_WARMUP, ask, picked, settled
from tests.analysis.test_views import query
from tests.report.evidence import MS, batch, item, table_of, write_run

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]
AUDIT = "audits/envelopes_conservation.sql"
COUNTED: Row = {"accepted": 2, "rejected": 1, "unoffered": 0}


def envelope(envelope_id: int, first_item_id: int | None, count: int | None, **columns: Any) -> Row:
    """A row of an accepted envelope; `columns` make it another."""
    return {
        "envelope_id": envelope_id,
        "intended_at_ns": envelope_id * MS,
        "offered_at_ns": envelope_id * MS,
        "blocked_ns": 0,
        "codec": "gzip",
        "body_bytes": 4,
        "item_count": count,
        "first_item_id": first_item_id,
        "outcome": "accepted",
        "is_bomb": False,
        **columns,
    }


REJECTED: Row = {"outcome": "rejected", "reason": "nesting", "is_bomb": True, "shape": "nested"}


def with_envelopes(run: Path, envelopes: list[Row], bodies: dict[int, bytes]) -> Path:
    dead = [
        {"envelope_id": number, "dead_lettered_at_ns": 0, "codec": "gzip", "reason": "nesting", "body": body}
        for number, body in bodies.items()
    ]
    for name, rows, columns in (
        ("envelopes", envelopes, schema.ENVELOPES),
        ("envelope_dead_letters", dead, schema.ENVELOPE_DEAD_LETTERS),
    ):
        (run / name).mkdir()
        pq.write_table(table_of(rows, columns), run / name / "000000.parquet")
    return run


def sound(tmp_path: Path, **changes: Any) -> Path:
    """Two accepted envelopes of two items with a bomb between them."""
    items = [settled(number, 600 + number, 3, envelope_id=number // 2 * 2) for number in range(4)]
    rows = [envelope(0, 0, 2), envelope(1, None, None, **REJECTED), envelope(2, 2, 2)]
    return with_envelopes(write_run(tmp_path / "run", items, envelopes=COUNTED, **changes), rows, {1: b"bomb"})


def test_sound_envelopes_offend_none(tmp_path: Path) -> None:
    assert ask(sound(tmp_path), AUDIT) == []
    assert ask(write_run(tmp_path / "without", [settled(0, 600, 3)]), AUDIT) == []
    assert ask(tmp_path / "nothing", AUDIT) == []


@pytest.mark.parametrize(
    ("rows", "bodies", "problems"),
    [
        (
            [envelope(0, 0, 2), envelope(2, 2, 2)],
            {},
            ["missing envelopes", "rejected envelopes differ from the manifest"],
        ),
        (
            [envelope(0, 0, 2), envelope(1, None, None, **REJECTED), envelope(2, 2, 3)],
            {1: b"bomb"},
            ["items of an envelope that was not rejected"],
        ),
        (
            [envelope(0, 0, 2), envelope(1, None, None, **REJECTED), envelope(2, 1, 2)],
            {1: b"bomb"},
            ["items of an envelope that was not rejected"],
        ),
        (
            [envelope(0, 0, 2), envelope(1, None, None, **REJECTED), envelope(2, 2, 2)],
            {1: b"bom"},
            ["rejected envelope and dead letter differ"],
        ),
        (
            [envelope(0, 0, 2), envelope(1, None, None, **REJECTED), envelope(2, 2, 2)],
            {},
            ["rejected envelope and dead letter differ"],
        ),
        (
            [envelope(0, 0, 2), envelope(1, None, None, **{**REJECTED, "reason": None}), envelope(2, 2, 2)],
            {1: b"bomb"},
            ["rejected without a reason"],
        ),
        (
            [envelope(0, 0, 2), envelope(0, 0, 2), envelope(1, None, None, **REJECTED)],
            {1: b"bomb"},
            ["items of an envelope that was rejected or has no row", "repeated envelope"],
        ),
    ],
)
def test_an_envelope_without_its_one_fate(
    tmp_path: Path, rows: list[Row], bodies: dict[int, bytes], problems: list[str]
) -> None:
    items = [settled(number, 600 + number, 3, envelope_id=number // 2 * 2) for number in range(4)]
    run = with_envelopes(write_run(tmp_path / "run", items, envelopes=COUNTED), rows, bodies)
    assert [row["problem"] for row in ask(run, AUDIT)] == problems


def test_items_of_a_rejected_envelope(tmp_path: Path) -> None:
    items = [settled(0, 600, 3, envelope_id=0)]
    rows = [envelope(0, None, None, **REJECTED)]
    run = with_envelopes(write_run(tmp_path / "run", items), rows, {0: b"bomb"})
    found = ask(run, AUDIT)
    assert picked(found, "problem", "envelope_id") == [("items of an envelope that was rejected or has no row", 0)]


def test_the_view_tells_bombs_from_others(tmp_path: Path) -> None:
    found = query(sound(tmp_path), "SELECT envelope_id, outcome, is_bomb, shape FROM envelopes ORDER BY ALL")
    assert found == [(0, "accepted", False, None), (1, "rejected", True, "nested"), (2, "accepted", False, None)]
    assert query(tmp_path / "run", "SELECT envelope_id, decode(body) FROM envelope_dead_letters") == [(1, "bomb")]


def held_back(run: Path, envelopes: bool = True) -> Path:
    """Item 1 is offered at 100 ms, held back for 5 ms, admitted 20 ms after that. Item 0 took 2 ms to write."""
    slow = item(
        1, 100 * MS, offered_at_ns=100 * MS, admitted_at_ns=125 * MS, first_sent_at_ns=125 * MS, sent_at_ns=125 * MS,
        settled_at_ns=130 * MS, batch_id=1, envelope_id=1 if envelopes else None,
    )  # fmt: skip
    sent = [batch(0, 0, 0), batch(1, 1, 1, closed_at_ns=107 * MS)]
    first = settled(0, 0, 2, envelope_id=0 if envelopes else None)
    write_run(run, [first, slow], sent, slo=NO_WARMUP)
    if not envelopes:
        return run
    return with_envelopes(run, [envelope(0, 0, 1), envelope(1, 1, 1, blocked_ns=5 * MS)], {})


PARTS = ("lateness_ns", "blocked_ns", "decode_ns", "window_ns", "service_ns")


def test_blame_tells_inflating_from_the_policy(tmp_path: Path) -> None:
    (found,) = ask(held_back(tmp_path / "run"), "tables/latency_blame.sql")
    assert [found[part] / MS for part in PARTS] == [0, 5, 20, 0, 5]


@pytest.mark.parametrize("before", [(), ("counted_once.sql",)], ids=["", "counted once"])
def test_the_parts_of_the_mean_do_as_well(tmp_path: Path, before: tuple[str, ...]) -> None:
    (found,) = ask(held_back(tmp_path / "run"), *before, "tables/latency_parts.sql")
    assert [found[part] / MS for part in PARTS] == [0, 2.5, 10, 0, 3]
    (found,) = ask(held_back(tmp_path / "plain", envelopes=False), *before, "tables/latency_parts.sql")
    assert [found[part] / MS for part in PARTS] == [0, 12.5, 0, 0, 3]


def test_so_does_a_comparison_of_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = held_back(tmp_path / "a"), held_back(tmp_path / "b", envelopes=False)
    assert main(["compare", str(a), str(b), "--format", "json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert [rows["mean decode ms"][side] for side in ("A", "B")] == [10, 0]
    assert [rows["tail mean blocked ms"][side] for side in ("A", "B")] == [5, 25]
    assert main(["compare", str(a), str(b)]) == 0
    assert "mean decode ms" in capsys.readouterr().out
    assert main(["compare", str(b), str(b)]) == 0
    assert "decode" not in capsys.readouterr().out


def test_without_envelopes_nothing_goes_to_inflating(tmp_path: Path) -> None:
    slow = settled(1, 100, 30, admitted_at_ns=110 * MS)
    run = write_run(tmp_path / "run", [settled(0, 0, 2), slow], [batch(0, 0, 1)], slo=NO_WARMUP)
    (found,) = ask(run, "tables/latency_blame.sql")
    assert (found["blocked_ns"] / MS, found["decode_ns"]) == (10, 0)
