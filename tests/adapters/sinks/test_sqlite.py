"""SQLite: the contract, and what a database has to refuse, upsert and count."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, ClassVar

import pytest

from ingestexp.adapters.sinks.sqlite import SqliteSink
from ingestexp.adapters.sinks.thread_io import ThreadIo
from ingestexp.ports import BatchRejected, SinkBroken, SinkError, SinkUnavailable, TransientSinkError
from tests.contracts.batches import batch_of, json_batch, json_payload
from tests.contracts.sink_contract import DurableSinkContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


class TestSqliteJson(DurableSinkContract):
    target = "ingestexp.adapters.sinks.sqlite:SqliteSink"
    arguments: ClassVar[dict[str, object]] = {"workers": 2, "check_json": True}

    def make(self, path: Path, workers: int = 1) -> SqliteSink:
        return SqliteSink(path=path, workers=workers, check_json=True)

    @pytest.fixture
    def sink(self, path: Path) -> Iterator[SqliteSink]:
        sink = self.make(path)
        sink.open()
        yield sink
        sink.close()

    def test_the_later_value_wins(self, path: Path) -> None:
        self.written(path, json_batch(0, 100), json_batch(50, 100, tag="b"))
        tags = rows(path, "SELECT payload ->> 'tag', count(*) FROM items GROUP BY 1 ORDER BY 1")
        assert tags == [("a", 50), ("b", 100)]
        assert rows(path, "SELECT DISTINCT typeof(payload) FROM items") == [("text",)]

    @pytest.mark.parametrize("count", [1, 64, 512])
    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (b'{"a":1', r"CHECK constraint failed: json_valid\(payload\)"),
            (b"", r"CHECK constraint failed: json_valid\(payload\)"),
            (b'{"a":"\xff"}', "invalid UTF-8 at byte 6"),
            (b'{"a":1}\0{"b":', "NUL at character 7"),
        ],
    )
    def test_one_bad_payload_rejects_its_batch_whole(
        self, path: Path, sink: SqliteSink, count: int, bad: bytes, reason: str
    ) -> None:
        payloads = [json_payload(item_id) for item_id in range(count)]
        payloads[count // 2] = bad
        sink.write(json_batch(10_000, 5), 0)
        with pytest.raises(BatchRejected, match=rf"^item {count // 2}: .*{reason}"):
            sink.write(batch_of((0, payloads)), 0)
        sink.write(json_batch(20_000, 5), 0)
        sink.close()
        assert self.ids(path) == [*range(10_000, 10_005), *range(20_000, 20_005)]

    @pytest.mark.parametrize("count", [1, 512])
    def test_a_lock_of_another_process_is_transient(self, path: Path, sink: SqliteSink, count: int) -> None:
        sink.close()
        sink.busy_timeout_ms = 20
        sink.open()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientSinkError, match="database is locked"):
            sink.write(json_batch(0, count), 0)
        other.execute("COMMIT")
        other.close()
        sink.write(json_batch(0, count), 0)
        sink.close()
        assert self.ids(path) == list(range(count))

    def test_a_store_locked_at_the_start_is_unavailable(self, path: Path) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        sink = self.make(path)
        sink.busy_timeout_ms = 20
        with pytest.raises(SinkUnavailable, match="another process"):
            sink.open()
        other.close()

    def test_a_table_that_vanishes_breaks_the_sink(self, path: Path, sink: SqliteSink) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("DROP TABLE items")
        other.close()
        with pytest.raises(SinkBroken, match="no such table: items; the store cannot go on"):
            sink.write(json_batch(0, 100), 0)

    def test_a_file_that_is_no_database_is_refused_and_left_alone(self, path: Path) -> None:
        path.write_text("precious notes\n" * 100)
        with pytest.raises(SinkUnavailable, match="exists and is not an SQLite database"):
            self.make(path).open()
        assert path.read_text() == "precious notes\n" * 100
        with pytest.raises(SinkError, match="cannot be read back: file is not a database"):
            self.make(path).read_back()

    def test_a_table_of_another_shape_is_refused(self, path: Path) -> None:
        SqliteSink(path=path, workers=1, check_json=False).open()
        with pytest.raises(SinkUnavailable, match=r"another shape \(.*BLOB.*json_valid"):
            self.make(path).open()

    def test_a_reader_that_holds_the_wal_back_does_not_stop_commits(self, path: Path, sink: SqliteSink) -> None:
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM items").fetchone()
        held = [sink.write(json_batch(n * 512, 512), 0).fsyncs for n in range(60)]
        reader.execute("COMMIT")
        reader.close()
        freed = [sink.write(json_batch(n * 512, 512), 0).fsyncs for n in range(60, 62)]
        sink.close()
        assert sorted(held) == [1] * 59 + [2], "one checkpoint moved what the reader had seen, the rest were commits"
        assert freed == [3, 2], "a whole checkpoint flushes WAL and database; then the WAL's new header is flushed"
        assert self.ids(path) == list(range(62 * 512))

    def test_counts_commits_only_where_the_kernel_keeps_no_count(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ThreadIo, "available", staticmethod(lambda: False))
        (settled,) = self.written(path, json_batch(0, 512))
        assert (settled.commits, settled.fsyncs, settled.syscalls, settled.wire_bytes) == (1, 0, 0, 0)
        assert str(self.make(path).describe()["counters"]).startswith("commits only")
        assert self.ids(path) == list(range(512))


class TestSqliteBytes(DurableSinkContract):
    target = "ingestexp.adapters.sinks.sqlite:SqliteSink"
    arguments: ClassVar[dict[str, object]] = {"workers": 2, "check_json": False}

    def make(self, path: Path, workers: int = 1) -> SqliteSink:
        return SqliteSink(path=path, workers=workers, check_json=False)

    def test_takes_any_bytes_unchanged(self, path: Path) -> None:
        payloads = [b"", b"\xff\x00\xfe", bytes(range(256)) * 4096, b"{"]
        self.written(path, batch_of((0, payloads)))
        assert rows(path, "SELECT payload FROM items ORDER BY item_id") == [(payload,) for payload in payloads]
        assert rows(path, "SELECT DISTINCT typeof(payload) FROM items") == [("blob",)]
