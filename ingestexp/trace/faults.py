"""The evidence of what was done to a run on purpose: the table `faults`.

Must live here: its file. Must not: what a fault does, the columns (`schema`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ingestexp.trace.schema import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ingestexp.ports import Int8s, Int64s

FOLDER: Final = "faults"
_ROW_GROUP: Final = 1 << 17

AttemptRow = tuple[str, int | None, int | None, float | None, float | None, int]
"""(fault, from_ns, to_ns, factor, rate, hit_count)."""


def write_faults(
    run_dir: Path,
    attempts: Sequence[AttemptRow],
    poisoned: Iterable[tuple[Int64s, Int8s]],
    kinds: Sequence[str],
) -> None:
    """Write the file whole, in bounded memory, and give it its name at the end. Raises OSError.

    `poisoned`: pieces of (ids int64, indices into `kinds` int8), ascending.
    """
    folder = run_dir / FOLDER
    folder.mkdir(exist_ok=True)
    hidden = folder / ".tmp-000000.parquet"
    with pq.ParquetWriter(hidden, FAULTS, compression="zstd") as writer:
        if attempts:
            writer.write_table(_attempt_table(attempts))
        for group in _groups(poisoned, kinds):
            writer.write_table(group, row_group_size=len(group))
    hidden.replace(folder / "000000.parquet")


def _attempt_table(rows: Sequence[AttemptRow]) -> pa.Table:
    fault, from_ns, to_ns, factor, rate, hits = zip(*rows, strict=True)
    nothing = [None] * len(rows)
    columns = (fault, nothing, nothing, from_ns, to_ns, factor, rate, hits)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, FAULTS, strict=True)], schema=FAULTS
    )


def _groups(poisoned: Iterable[tuple[Int64s, Int8s]], kinds: Sequence[str]) -> Iterator[pa.Table]:
    """The pieces, put together until a row group is worth it."""
    pending: list[pa.Table] = []
    for ids, codes in poisoned:
        if len(ids):
            pending.append(_item_table(ids, codes, kinds))
        if sum(len(table) for table in pending) >= _ROW_GROUP:
            yield pa.concat_tables(pending)
            pending = []
    if pending:
        yield pa.concat_tables(pending)


def _item_table(ids: Int64s, codes: Int8s, kinds: Sequence[str]) -> pa.Table:
    count = len(ids)
    known = {
        "fault": pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), count), ["poison"]),
        "item_id": pa.array(ids, pa.int64()),
        "kind": pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), list(kinds)),
    }
    columns = [known.get(field.name, pa.nulls(count, field.type)) for field in FAULTS]
    return pa.table(columns, schema=FAULTS)
