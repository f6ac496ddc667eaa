"""The schema's versions in SQLite: what each refuses, the migration, and all refused items by name."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ingestexp.adapters.sinks.sqlite import SqliteSink
from ingestexp.adapters.sinks.sqlite_rules import SqliteRules
from ingestexp.ports import BatchRejected, SinkUnavailable
from tests.contracts.batches import batch_of, json_batch, json_payload

if TYPE_CHECKING:
    from pathlib import Path

TOO_NEW = b'{"schema_version":2,"a":1}'
NOT_JSON = b'{"a":1'


KILLED_WHILE_MIGRATING = """
import os, sqlite3, sys
from ingestexp.adapters.sinks.sqlite_rules import SqliteRules
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.set_progress_handler(lambda: os.kill(os.getpid(), 9), int(sys.argv[2]))
SqliteRules(check_json=True, version=2).migrate(connection)
"""
"""Dies by kill -9 after so many steps of SQLite's machine, wherever it is then."""


def opened(path: Path, version: int = 1, resume: bool = False, check_json: bool = True) -> SqliteSink:
    sink = SqliteSink(path=path, workers=1, check_json=check_json, schema_version=version, resume=resume)
    sink.open()
    return sink


def closed_with(path: Path, count: int, version: int = 1) -> None:
    sink = opened(path, version)
    sink.write(json_batch(0, count), 0)
    sink.close()


@pytest.mark.parametrize("count", [5, 512])
def test_every_refused_item_is_named_with_its_rule_and_nothing_is_kept(tmp_path: Path, count: int) -> None:
    sink = opened(tmp_path / "s")
    payloads = [json_payload(item_id) for item_id in range(count)]
    payloads[1], payloads[2], payloads[4] = NOT_JSON, TOO_NEW, b"\xff{}"
    with pytest.raises(
        BatchRejected, match=r"^item 11: CHECK constraint failed: json_valid.*\(and 2 more items\)$"
    ) as it:
        sink.write(batch_of((10, payloads[:3]), (40, payloads[3:])), 0)
    sink.close()
    assert it.value.item_errors == {
        11: "CHECK constraint failed: json_valid(payload)",
        12: "CHECK constraint failed: coalesce(json_extract(payload, '$.schema_version'), 1) IN (1)",
        41: "not JSON: invalid UTF-8 at byte 0",
    }
    assert len(sink.read_back()) == 0


@pytest.mark.parametrize(
    ("payload", "version"),
    [
        (b'{"schema_version":1}', 1),
        (b'{"schema_version":null}', 1),
        (b"[1]", 1),
        (b"3", 1),
        (TOO_NEW, 2),
        (b'{"schema_version":3}', 3),
    ],
)
def test_a_version_takes_itself_and_the_older_ones(tmp_path: Path, payload: bytes, version: int) -> None:
    sink = opened(tmp_path / "s", version)
    sink.write(batch_of((0, [payload, b"{}", b'{"schema_version":1}'])), 0)
    with pytest.raises(BatchRejected, match=r"^item 7: CHECK constraint failed: coalesce"):
        sink.write(batch_of((7, [b'{"schema_version":%d}' % (version + 1)])), 0)
    with pytest.raises(BatchRejected, match=r"^item 8: CHECK constraint failed: json_valid"):
        sink.write(batch_of((8, [NOT_JSON])), 0)
    sink.close()
    assert sink.read_back().tolist() == [0, 1, 2]


def test_a_store_is_migrated_and_then_takes_what_it_refused_before(tmp_path: Path) -> None:
    closed_with(tmp_path / "s", 300)
    sink = opened(tmp_path / "s", 2, resume=True)
    sink.write(batch_of((300, [TOO_NEW])), 0)
    with pytest.raises(BatchRejected):
        sink.write(batch_of((301, [NOT_JSON])), 0)
    sink.close()
    assert sink.read_back().tolist() == list(range(301))
    again = opened(tmp_path / "s", 2, resume=True)
    again.write(json_batch(200, 200), 0)
    again.close()
    assert again.read_back().tolist() == list(range(400)), "the check is changed, the key is kept"


def test_an_empty_store_is_migrated_without_resume_and_a_full_one_is_left_alone(tmp_path: Path) -> None:
    opened(tmp_path / "empty", 1).close()
    closed_with(tmp_path / "empty", 3, 2)
    closed_with(tmp_path / "full", 3)
    with pytest.raises(SinkUnavailable, match="already holds 3 items of an earlier run"):
        opened(tmp_path / "full", 2)
    opened(tmp_path / "full", 1, resume=True).close()


def test_there_is_no_way_back_and_no_way_from_bytes(tmp_path: Path) -> None:
    closed_with(tmp_path / "s", 3, 2)
    with pytest.raises(SinkUnavailable, match=r"has version 2, and there is no way back to sink\.schema_version=1"):
        opened(tmp_path / "s", 1, resume=True)
    opened(tmp_path / "bytes", check_json=False).close()
    with pytest.raises(SinkUnavailable, match="another shape"):
        opened(tmp_path / "bytes", 2, resume=True)


def test_a_migration_that_fails_leaves_the_old_store(tmp_path: Path) -> None:
    """A row that the new check refuses stands for whatever may go wrong half-way."""
    path = tmp_path / "s"
    closed_with(path, 50)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints=ON")
    connection.execute("INSERT INTO items VALUES (50, 'not json')")
    connection.execute("PRAGMA ignore_check_constraints=OFF")
    rules = SqliteRules(check_json=True, version=2)
    with pytest.raises(sqlite3.IntegrityError):
        rules.migrate(connection)
    assert connection.execute("SELECT count(*) FROM items").fetchone() == (51,)
    (table,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'items'").fetchone()
    assert rules.version_of(table) == 1
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE '%migrated'").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("steps", [1, 300, 20_000, 100_000])
def test_whoever_is_killed_while_migrating_leaves_the_old_store_and_the_next_one_migrates_it(
    tmp_path: Path, steps: int
) -> None:
    path = tmp_path / "s"
    closed_with(path, 20_000)
    command = [sys.executable, "-c", KILLED_WHILE_MIGRATING, str(path), str(steps)]
    assert subprocess.run(command, timeout=60, check=False).returncode == -signal.SIGKILL
    connection = sqlite3.connect(path)
    (table,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'items'").fetchone()
    assert SqliteRules(check_json=True, version=2).version_of(table) == 1
    assert connection.execute("SELECT count(*), sum(item_id) FROM items").fetchone() == (20_000, 199_990_000)
    connection.close()
    sink = opened(path, 2, resume=True)
    sink.write(batch_of((20_000, [TOO_NEW])), 0)
    sink.close()
    assert sink.read_back().tolist() == list(range(20_001))
