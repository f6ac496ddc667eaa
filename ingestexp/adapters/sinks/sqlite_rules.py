"""What the database demands of a payload, version by version of its schema.

Must live here: the table's text, the migration from one version to the next, who breaks the rules. Must not: a run's
connections and transactions (`sqlite`).
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Final

from ingestexp.adapters.sinks.json_text import text_fault
from ingestexp.ports import payload_slices

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch

VERSION_KEY: Final = "schema_version"
"""Of a JSON payload: by which version it was written. One that does not say so counts as 1."""
_BYTES: Final = 'CREATE TABLE "items"(item_id INTEGER PRIMARY KEY, payload BLOB NOT NULL)'
_JSON: Final = (
    'CREATE TABLE "items"(item_id INTEGER PRIMARY KEY, payload TEXT NOT NULL CHECK(json_valid(payload))'
    f" CHECK(coalesce(json_extract(payload, '$.{VERSION_KEY}'), 1) IN (%s)))"
)
_VERSIONS: Final = re.compile(re.escape(_JSON).replace("%s", r"([0-9, ]+)"))


class SqliteRules:
    """`check_json`: the payload is a JSON document of a schema version up to `version`; otherwise any bytes.

    SQLite tries the checks in the order in which they stand: the second one never sees what is not JSON.
    """

    def __init__(self, check_json: bool, version: int) -> None:
        self.check_json = check_json
        self.version = version
        known = ", ".join(str(number) for number in range(1, version + 1))
        self.table = _JSON % known if check_json else _BYTES

    def version_of(self, table: str) -> int | None:
        """Of a table that is there, by its text; None if it is of another shape."""
        if not self.check_json:
            return self.version if table == _BYTES else None
        found = _VERSIONS.fullmatch(table)
        return found[1].count(",") + 1 if found else None

    def migrate(self, connection: sqlite3.Connection) -> None:
        """From an older version to this one: a new table with the new check, the rows copied, in one transaction.

        SQLite can't change the check of a table that is there. Whoever is killed in the middle leaves the old one.
        """
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(self.table.replace('"items"', '"items_migrated"'))
            connection.execute("INSERT INTO items_migrated SELECT item_id, payload FROM items ORDER BY item_id")
            connection.execute("DROP TABLE items")
            connection.execute("ALTER TABLE items_migrated RENAME TO items")
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def refused(self, batch: Batch) -> dict[int, str]:
        """{item id: why} of every item that breaks a rule, in the order of the batch.

        SQLite names the rule that was broken, not the row: each item is tried by itself, on a table of the same text
        in memory. Only after a failure, about 3 microseconds an item.
        """
        if not self.check_json:
            return {}
        why: dict[int, str] = {}
        judge = sqlite3.connect(":memory:", isolation_level=None)
        try:
            judge.execute(self.table)
            for first, _, payloads in payload_slices(batch):
                for item_id, payload in enumerate(payloads.to_pylist(), start=first):
                    fault = text_fault(payload) or _broken_rule(judge, payload.decode())
                    if fault is not None:
                        why[item_id] = fault
        finally:
            judge.close()
        return why


def _broken_rule(judge: sqlite3.Connection, text: str) -> str | None:
    try:
        judge.execute("INSERT OR REPLACE INTO items VALUES (0, ?)", (text,))
    except (sqlite3.IntegrityError, sqlite3.DataError) as error:
        return str(error)
    return None
