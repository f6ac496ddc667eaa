"""The envelopes' ledger: what it writes when, and what a full disk does to it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from ingestexp.decode_port import EnvelopeFate
from ingestexp.trace import schema
from ingestexp.trace.envelopes import EnvelopeLedger, EnvelopeTally
from ingestexp.trace.parts import PartWriter

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def fate(number: int, **columns: Any) -> EnvelopeFate:
    """Of an accepted one; `columns` make it another."""
    stages = (10 * number, 10 * number, 0, 11, 13)
    accepted = EnvelopeFate(
        number, *stages, "zstd", 50, 500, 5, 5 * number, "accepted", None, None, False, None, None
    )  # fmt: skip
    return accepted._replace(**columns)


def rejected(number: int, body: bytes = b"body") -> EnvelopeFate:
    facts = {"outcome": "rejected", "reason": "window", "detail": "too wide", "item_count": None, "first_item_id": None}
    return fate(number, **facts, is_bomb=True, shape="wide_window", body=body)


def test_rows_have_the_schema_and_rejected_bodies_are_kept_as_they_came(tmp_path: Path) -> None:
    ledger = EnvelopeLedger(tmp_path)
    ledger.note(fate(0))
    ledger.note(rejected(1, b"\x00\xff\n"))
    ledger.close()
    rows = pq.read_table(tmp_path / "envelopes")
    assert rows.schema.names == schema.ENVELOPES.names
    assert rows.column("outcome").to_pylist() == ["accepted", "rejected"]
    assert rows.column("item_count").to_pylist() == [5, None]
    (dead,) = pq.read_table(tmp_path / "envelope_dead_letters").to_pylist()
    assert (dead["envelope_id"], dead["dead_lettered_at_ns"], dead["body"]) == (1, 13, b"\x00\xff\n")


def test_an_empty_ledger_can_be_read(tmp_path: Path) -> None:
    EnvelopeLedger(tmp_path).close()
    assert (
        pq.read_table(tmp_path / "envelopes").num_rows
        == pq.read_table(tmp_path / "envelope_dead_letters").num_rows
        == 0
    )


def test_rows_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    """A killed run leaves what it knew a second or so before."""
    ledger = EnvelopeLedger(tmp_path)
    ledger.note(rejected(0))
    deadline_s = time.monotonic() + 20
    while not pq.read_table(tmp_path / "envelopes").num_rows and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert pq.read_table(tmp_path / "envelopes").num_rows == 1
    ledger.close()


def test_large_bodies_are_not_hoarded(tmp_path: Path) -> None:
    ledger = EnvelopeLedger(tmp_path)
    for number in range(10):
        ledger.note(rejected(number, bytes(4 << 20)))
    ledger.close()
    parts = [pq.read_metadata(part).num_rows for part in sorted((tmp_path / "envelope_dead_letters").glob("*.parquet"))]
    assert sum(parts) == 10
    assert max(parts) <= 2


def test_a_full_disk_is_told_to_whoever_notes_next_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = EnvelopeLedger(tmp_path)

    def full(self: PartWriter, table: pa.Table, at_ns: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PartWriter, "write", full)
    with pytest.raises(OSError, match="No space left"):
        for number in range(100_000):
            ledger.note(rejected(number, bytes(1 << 20)))
    with pytest.raises(OSError, match="No space left"):
        ledger.close()


def test_what_comes_after_the_end_is_ignored(tmp_path: Path) -> None:
    ledger = EnvelopeLedger(tmp_path)
    ledger.close()
    ledger.note(fate(0))
    ledger.close()
    assert ledger.facts()["accepted"] == 0


def test_the_tally_sums_up() -> None:
    tally = EnvelopeTally()
    for each in (fate(0), fate(1), rejected(2), fate(3, outcome="unoffered", decoded_at_ns=None)):
        tally.note(each)
    facts = tally.facts()
    assert (facts["accepted"], facts["rejected"], facts["unoffered"]) == (2, 1, 1)
    assert (facts["reasons"], facts["bombs"], facts["bombs_accepted"]) == ({"window": 1}, 1, 0)
    assert (facts["body_bytes"], facts["inflated_bytes"], facts["decode_ns"]) == (200, 2000, 6)
