"""The default sink: one SQLite transaction a batch, durable at every acknowledgement.

Must live here: the store, its rows and transactions. Must not: WAL accounting (`sqlite_wal`), the rules for payloads
(`sqlite_rules`), the wording of errors (`sqlite_errors`).
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.adapters.sinks.json_text import NotTextError, json_texts
from ingestexp.adapters.sinks.sqlite_errors import read_error, rejected, unavailable, write_error
from ingestexp.adapters.sinks.sqlite_rules import SqliteRules
from ingestexp.adapters.sinks.sqlite_wal import WalMeter
from ingestexp.ports import Settled, SinkBroken, SinkUnavailable, payload_slices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.ports import Int64s

ROWS_A_STATEMENT: Final = 64
"""One step of SQLite gives up and takes back the interpreter lock once: a third less time a row than `executemany`."""
_UPSERT: Final = "INSERT INTO items VALUES (?,?) ON CONFLICT(item_id) DO UPDATE SET payload=excluded.payload"
_UPSERTS: Final = [_UPSERT.replace("(?,?)", ",".join(["(?,?)"] * rows)) for rows in range(ROWS_A_STATEMENT + 1)]


class SqliteSink:
    """WAL, synchronous=FULL, table `items(item_id INTEGER PRIMARY KEY, payload)`, idempotent upsert by item id.

    With `check_json` the payload is TEXT and the database refuses what is not JSON, or JSON of a newer schema than
    `schema_version`; otherwise it is a BLOB. An older store is migrated when it is opened. `resume`: go on with a store
    that holds rows. A connection a worker. SQLite has one writer at a time: workers take turns by a fair lock rather
    than by SQLite's polling, so "busy" only comes from other processes.
    """

    name = "sqlite"
    durable = True
    simulated = False
    busy_timeout_ms = 1000
    """How long to wait for another process's lock before the attempt counts as failed (transient)."""

    def __init__(
        self, path: Path, workers: int, check_json: bool, schema_version: int = 1, resume: bool = False
    ) -> None:
        self._path = path.absolute()
        self._shown = path
        self._check_json = check_json
        self._rules = SqliteRules(check_json, schema_version)
        self._resume = resume
        self._workers = workers
        self._connections: list[sqlite3.Connection] = []
        self._turn = threading.Lock()
        self._meter = WalMeter(self._path)

    def open(self) -> None:
        """Creates the store, or takes over an empty one. Raises SinkUnavailable; nothing of another run is touched."""
        if self._connections:
            return
        if not self._path.parent.is_dir():
            raise SinkUnavailable(f"sink.path={self._shown}: the folder {self._shown.parent} does not exist")
        if self._path.is_dir():
            raise SinkUnavailable(f"sink.path={self._shown}: is a folder, a file is needed")
        try:
            self._connections.append(self._connect())
            self._claim(self._connections[0])
            self._connections += [self._connect() for _ in range(self._workers - 1)]
            for connection in self._connections:
                self._prepare(connection)
            self._meter.open(self._connections[0])
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise unavailable(self._shown, error) from None
        except SinkUnavailable:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path, timeout=self.busy_timeout_ms / 1000, isolation_level=None, check_same_thread=False
        )

    def _claim(self, connection: sqlite3.Connection) -> None:
        """Look before touching: rows of another run would be mixed with ours by id, and the audit could not tell."""
        found = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'items'").fetchone()
        if found is None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(self._rules.table)
            return
        version = self._rules.version_of(found[0])
        if version is None:
            raise SinkUnavailable(
                f"sink.path={self._shown}: has a table `items` of another shape ({found[0]}); "
                f"needed is: {self._rules.table}. Choose another path or remove the file"
            )
        if version > self._rules.version:
            raise SinkUnavailable(
                f"sink.path={self._shown}: its schema has version {version}, "
                f"and there is no way back to sink.schema_version={self._rules.version}"
            )
        (held,) = connection.execute("SELECT count(*) FROM items").fetchone()
        if held and not self._resume:
            raise SinkUnavailable(
                f"sink.path={self._shown} already holds {held:,} items of an earlier run: "
                "choose another path, remove the file, or leave sink.path out (each run then gets its own)"
            )
        if version < self._rules.version:
            self._rules.migrate(connection)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Settings, and a first commit: it opens the WAL and syncs its folder, which SQLite does once a connection."""
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise SinkUnavailable(f"sink.path={self._shown}: this file system does not support SQLite's WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if self._meter.exact:
            connection.execute("PRAGMA wal_autocheckpoint=0")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version={version}")

    def write(self, batch: Batch, worker: int) -> Settled:
        """Returns after COMMIT has flushed the WAL. Raises TransientSinkError, BatchRejected, SinkBroken.

        A rejection names every item at fault: they are looked for with the turn given up.
        """
        try:
            return self._write(self._bind(batch), worker)
        except NotTextError as error:
            raise rejected(self._rules.refused(batch), str(error)) from None
        except sqlite3.Error as error:
            raise write_error(self._shown, error, lambda: self._rules.refused(batch)) from None

    def _write(self, bound: list[Any], worker: int) -> Settled:
        with self._turn:
            if not self._connections:
                raise SinkBroken(f"sink.path={self._shown}: not open")
            connection = self._connections[worker]
            self._meter.start()
            try:
                self._commit(connection, bound)
            except sqlite3.Error:
                _roll_back(connection)
                raise
            fsyncs, syscalls, wire_bytes = self._meter.committed(connection)
        return Settled(commits=1, fsyncs=fsyncs, syscalls=syscalls, wire_bytes=wire_bytes)

    def _bind(self, batch: Batch) -> list[Any]:
        """[id, payload, id, payload, …]: made before the turn, so that workers do it side by side."""
        bound: list[Any] = []
        for first, end, payloads in payload_slices(batch):
            pairs: list[Any] = [None] * (2 * (end - first))
            pairs[::2] = range(first, end)
            pairs[1::2] = json_texts(payloads) if self._check_json else payloads.to_pylist()
            bound = bound + pairs if bound else pairs
        return bound

    def _commit(self, connection: sqlite3.Connection, bound: list[Any]) -> None:
        if len(bound) <= 2 * ROWS_A_STATEMENT:  # one statement is a transaction by itself
            connection.execute(_UPSERTS[len(bound) // 2], bound)
            return
        connection.execute("BEGIN IMMEDIATE")
        for chunk in _chunks(bound):
            connection.execute(_UPSERTS[len(chunk) // 2], chunk)
        connection.execute("COMMIT")

    def close(self) -> None:
        """SQLite's last connection checkpoints and removes the WAL: calls that belong to no batch, not counted."""
        with self._turn:
            connections, self._connections = self._connections, []
            for connection in connections:
                connection.close()
            self._meter.close()

    def read_back(self) -> Int64s:
        """Raises SinkError when the file is gone or damaged."""
        try:
            connection = sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True)
            try:
                rows = connection.execute("SELECT item_id FROM items ORDER BY item_id")
                return np.fromiter((row[0] for row in rows), np.int64)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise read_error(self._shown, error) from None

    def describe(self) -> dict[str, object]:
        exact = "exact: write calls and bytes as the kernel counts them for the writing thread, flushes by WAL state"
        return {
            "durability": "COMMIT in WAL mode with synchronous=FULL: the WAL is fsynced before every acknowledgement",
            "path": str(self._shown),
            "workers": f"{self._workers}, a connection each, one transaction at a time",
            "idempotency": "by the store: upsert by item_id, the last write wins",
            "check_json": self._check_json,
            "schema_version": self._rules.version if self._check_json else None,
            "sqlite_version": sqlite3.sqlite_version,
            "counters": exact if self._meter.exact else "commits only: this kernel keeps no I/O count a thread",
        }


def _chunks(bound: list[Any]) -> Iterator[list[Any]]:
    step = 2 * ROWS_A_STATEMENT
    for at in range(0, len(bound), step):
        yield bound[at : at + step]


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:  # a broken store has nothing to roll back to; the first error is the one to tell
            return
