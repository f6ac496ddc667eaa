"""Part files of one kind of row: written under a hidden temporary name, renamed on close.

Must live here: naming, rolling, encodings. Must not: where rows come from. A torn file never carries a final name,
so any glob over the folder reads at every moment, also after kill -9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ingestexp.trace import schema

if TYPE_CHECKING:
    from pathlib import Path

PART_NS: Final = 1_000_000_000
SHORT_PART_NS: Final = 200_000_000
"""Of a run with a memory limit: what it had open when it is killed is lost, and it may grow by a gigabyte a second."""
PART_ROWS: Final = 4_000_000

_empty_parts: Final[dict[tuple[str, ...], bytes]] = {}

_NOISY: Final = ("payload_bytes", "payload", "error")


class PartWriter:
    """Appends tables to the folder's current part and closes it in time. Raises OSError (disk full)."""

    def __init__(
        self,
        folder: Path,
        rows: pa.Schema,
        delta: tuple[str, ...] = (),
        part_ns: int = PART_NS,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        """`delta` names the int columns that grow by small steps from row to row; a part is closed after `part_ns`.

        `share` (k, n): this is the k-th of n writers in the folder, and takes every n-th part number from 1 on.
        """
        self.folder = folder
        number, self._stride = share
        self._next_number = number or self._stride
        self._part_ns = part_ns
        self._delta = delta
        self.row_count = 0
        self.byte_count = 0
        self.part_count = 0
        self._schema = rows
        self._writer: Any = None
        self._part_rows = 0
        self._closed_at_ns = 0
        folder.mkdir(parents=True, exist_ok=True)

    def write_empty(self) -> None:
        """Part number 0, without rows: an empty folder would break a glob.

        The same bytes in each run of a process: made once, 0.5 ms.
        """
        kind, number = (*self._schema.names, *self._delta), self._next_number
        self._next_number = 0
        known = _empty_parts.get(kind)
        if known is None:
            self.write(self._schema.empty_table(), 0)
            self.close_part()
            _empty_parts[kind] = (self.folder / self._name).read_bytes()
        else:
            self._name_next()
            (self.folder / f".tmp-{self._name}").write_bytes(known)
            self._publish()
        self._next_number = number

    def write(self, table: pa.Table, at_ns: int) -> None:
        """Append rows; `at_ns` is the run's clock, by which the part rolls."""
        if self._writer is None:
            self._open()
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._part_rows += table.num_rows
        self.row_count += table.num_rows
        if self._part_rows >= PART_ROWS or at_ns - self._closed_at_ns >= self._part_ns:
            self.close_part()
            self._closed_at_ns = at_ns

    def close_part(self) -> None:
        """Make what was written so far readable under its final name."""
        if self._writer is None:
            return
        try:
            self._writer.close()
        except OSError:
            self.abandon()
            raise
        self._writer = None
        self._publish()

    def _publish(self) -> None:
        path = self.folder / self._name
        hidden = self.folder / f".tmp-{self._name}"
        self.byte_count += hidden.stat().st_size
        hidden.rename(path)
        self.part_count += 1

    def abandon(self) -> None:
        """Drop the part in progress after an error; closed parts stay."""
        if self._writer is not None:
            self._writer.is_open = False  # or its finaliser would try to close it again, and complain on the terminal
            self._writer = None

    def _name_next(self) -> None:
        self._name = f"{self._next_number:06d}.parquet"
        self._next_number += self._stride
        self._part_rows = 0

    def _open(self) -> None:
        self._name_next()
        coded = [field.name for field in self._schema if pa.types.is_dictionary(field.type)]
        self._writer = pq.ParquetWriter(
            self.folder / f".tmp-{self._name}",
            self._schema,
            compression={name: self._compression(name) for name in self._schema.names},
            use_dictionary=coded,
            column_encoding=dict.fromkeys(self._delta, "DELTA_BINARY_PACKED"),
            write_statistics=False,
            store_schema=False,
        )
        self._writer.add_key_value_metadata({"ingestexp.schema_version": str(schema.SCHEMA_VERSION)})

    def _compression(self, name: str) -> str:
        """Most columns are constant over a batch: LZ4 takes those down a hundredfold at half of zstd's time."""
        if name in self._delta:
            return "none"
        return "zstd" if name in _NOISY else "lz4"
