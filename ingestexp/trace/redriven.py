"""The evidence of a redrive that is written before anything is sent: what it found, and what the store held.

Must live here: the files of `redriven/` and `held_before/`. Must not: what is planned for a dead letter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ingestexp.trace import schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ingestexp.ports import Int8s, Int64s
    from ingestexp.trace.dead_letter_files import DeadLetters

REDRIVEN_FOLDER: Final = "redriven"
HELD_FOLDER: Final = "held_before"


def write_redriven(
    run_dir: Path,
    letters: DeadLetters,
    plans: Int8s,
    rounds: Int64s,
    origins: Sequence[str],
    was_spilled: NDArray[np.bool_],
) -> None:
    """One row a dead letter, or an item that was left in a spill. `plans` index schema.REDRIVE_PLANS; `rounds` and
    `origins` as they count here.

    Raises OSError.
    """
    fields = {field.name: field.type for field in schema.REDRIVEN}
    columns: dict[str, Any] = {
        "item_id": pa.array(letters.ids),
        "plan": pa.DictionaryArray.from_arrays(pa.array(plans, pa.int8()), list(schema.REDRIVE_PLANS)),
        "redrive_round": pa.array(rounds).cast(fields["redrive_round"]),
        "origin_run": pa.array(origins, pa.string()),
        "first_arrival_at": pa.array(letters.arrived_unix_ns).cast(fields["first_arrival_at"]),
        "parked_after_ns": pa.array(letters.parked_after_ns),
        "was_spilled": pa.array(was_spilled),
    }
    _write(run_dir / REDRIVEN_FOLDER, pa.table([columns[name] for name in fields], schema=schema.REDRIVEN))


def write_held_before(run_dir: Path, held_ids: Int64s) -> None:
    """The ids that the store holds, ascending. Raises OSError."""
    _write(run_dir / HELD_FOLDER, pa.table([pa.array(held_ids)], schema=schema.HELD_BEFORE))


def _write(folder: Path, table: pa.Table) -> None:
    folder.mkdir(exist_ok=True)
    hidden = folder / ".tmp-000000.parquet"
    delta = {"item_id": "DELTA_BINARY_PACKED"}
    pq.write_table(table, hidden, compression="zstd", use_dictionary=["plan", "origin_run"], column_encoding=delta)
    hidden.replace(folder / "000000.parquet")
