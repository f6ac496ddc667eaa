"""Reads the closed trace back and balances it by id.

Must live here: the ledger and the read-back audit over Parquet parts. Must not: verdicts, SQL (those are
`report`'s), anything that trusts a counter in memory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from ingestexp.trace.schema import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.ports import Int64s


@dataclass(frozen=True, slots=True)
class Ledger:
    """offered = committed + dropped + dead_lettered + unsettled, by id, none twice.

    `offered` is what the load says it offered; `missing_ids` of them have no row, `repeated_ids` rows are one too many.
    """

    balanced: bool
    offered: int
    committed: int
    dropped: int
    dead_lettered: int
    unsettled: int
    missing_ids: int
    repeated_ids: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Readback:
    """What the sink holds against what the trace calls committed. An unsettled write may have committed after all."""

    ok: bool
    held: int
    committed: int
    missing: int
    unsettled_but_held: int
    foreign: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def fates(run_dir: Path, offered: int) -> tuple[Any, int]:
    """(int8 (offered,) outcome code by item id, -1 without a row; rows whose id was seen before or is out of range)."""
    by_id = np.full(offered, -1, np.int8)
    codes = {name: code for code, name in enumerate(OUTCOMES)}
    repeated = 0
    for batch in _item_batches(run_dir):
        ids = batch.column("item_id").to_numpy()
        outcome = batch.column("outcome").dictionary_encode()
        local = np.array([codes[name] for name in outcome.dictionary.to_pylist()], np.int8)
        values = local[outcome.indices.to_numpy()]
        inside = (ids >= 0) & (ids < offered)
        if not inside.all():
            repeated += int((~inside).sum())
            ids, values = ids[inside], values[inside]
        distinct = ids if (np.diff(ids) == 1).all() else np.unique(ids)
        repeated += len(ids) - int((by_id[distinct] < 0).sum())
        by_id[ids] = values
    return by_id, repeated


def balance(by_id: Any, repeated: int) -> Ledger:
    """The ledger of `fates`."""
    missing = int((by_id < 0).sum())
    counts = {name: int((by_id == code).sum()) for code, name in enumerate(OUTCOMES)}
    return Ledger(
        balanced=not missing and not repeated,
        offered=len(by_id),
        missing_ids=missing,
        repeated_ids=repeated,
        **counts,
    )


def audit_readback(by_id: Any, held_ids: Int64s) -> Readback:
    """Compare the ids in the sink (ascending, (m,)) with the committed ones of `fates`."""
    committed = by_id == OUTCOMES.index("committed")
    unsettled = by_id == OUTCOMES.index("unsettled")
    inside = (held_ids >= 0) & (held_ids < len(by_id))
    known = held_ids[inside]
    held = np.zeros(len(by_id), np.bool_)
    held[known] = True
    repeats = len(known) - int(held.sum())
    missing = int((committed & ~held).sum())
    late = int((held & unsettled).sum())
    foreign = int((held & ~committed & ~unsettled).sum()) + int((~inside).sum()) + repeats
    return Readback(
        ok=not missing and not foreign,
        held=len(held_ids),
        committed=int(committed.sum()),
        missing=missing,
        unsettled_but_held=late,
        foreign=foreign,
    )


def lateness_quantile_ns(run_dir: Path, quantile: float) -> int | None:
    """Nearest-rank quantile of offered - intended over the items that were offered; None without any."""
    parts = []
    for batch in _item_batches(run_dir, ("intended_at_ns", "offered_at_ns")):
        known = batch.filter(batch.column("offered_at_ns").is_valid())
        parts.append(known.column("offered_at_ns").to_numpy() - known.column("intended_at_ns").to_numpy())
    late = np.concatenate(parts) if parts else np.empty(0, np.int64)
    if not len(late):
        return None
    rank = max(0, int(np.ceil(quantile * len(late))) - 1)
    return int(np.partition(late, rank)[rank])


def _item_batches(run_dir: Path, columns: tuple[str, ...] = ("item_id", "outcome")) -> Iterator[Any]:
    for path in sorted((run_dir / "items").glob("[0-9]*.parquet")):
        with pq.ParquetFile(path, read_dictionary=["outcome"]) as part:
            for batch in part.iter_batches(batch_size=1 << 20, columns=list(columns)):
                if batch.num_rows:
                    yield batch
