"""Reads the closed trace back and balances it by id.

Must live here: the ledger and the read-back audit over Parquet parts. Must not: verdicts, SQL (those are
`report`'s), anything that trusts a counter in memory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from ingestexp.trace.id_space import IdSpace
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
    """What the sink holds against what the trace calls committed. An unsettled write may have committed after all.

    `held_before`: what the store held when the run opened it, and must hold still (`missing` counts those as well).
    """

    ok: bool
    held: int
    committed: int
    missing: int
    unsettled_but_held: int
    foreign: int
    held_before: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def fates(run_dir: Path, offered: int, space: IdSpace | None = None) -> tuple[Any, int]:
    """(int8 (n,) outcome code by the item's place, -1 without a row; rows that are one too many).

    `space` says which ids there are: without it 0..offered-1, each its own place.
    """
    space = space or IdSpace(offered)
    by_place = np.full(space.count, -1, np.int8)
    codes = {name: code for code, name in enumerate(OUTCOMES)}
    repeated = 0
    for batch in _item_batches(run_dir):
        places = space.places(batch.column("item_id").to_numpy())
        outcome = batch.column("outcome").dictionary_encode()
        local = np.array([codes[name] for name in outcome.dictionary.to_pylist()], np.int8)
        values = local[outcome.indices.to_numpy()]
        inside = places >= 0
        if not inside.all():
            repeated += int((~inside).sum())
            places, values = places[inside], values[inside]
        distinct = places if (np.diff(places) == 1).all() else np.unique(places)
        repeated += len(places) - int((by_place[distinct] < 0).sum())
        by_place[places] = values
    return by_place, repeated


def balance(by_place: Any, repeated: int) -> Ledger:
    """The ledger of `fates`."""
    missing = int((by_place < 0).sum())
    counts = {name: int((by_place == code).sum()) for code, name in enumerate(OUTCOMES)}
    return Ledger(
        balanced=not missing and not repeated,
        offered=len(by_place),
        missing_ids=missing,
        repeated_ids=repeated,
        **counts,
    )


def audit_readback(
    by_place: Any, held_ids: Int64s, space: IdSpace | None = None, held_before: Int64s | None = None
) -> Readback:
    """Compare the ids in the sink (ascending, (m,)) with the committed ones of `fates`.

    `held_before` (ascending) are ids that the store held when the run opened it: read back = held before + committed.
    """
    before = np.empty(0, np.int64) if held_before is None else held_before
    known_before = np.isin(held_ids, before, assume_unique=False) if len(before) else np.zeros(len(held_ids), np.bool_)
    lost = len(before) - len(np.unique(held_ids[known_before]))
    committed = by_place == OUTCOMES.index("committed")
    unsettled = by_place == OUTCOMES.index("unsettled")
    places = (space or IdSpace(len(by_place))).places(held_ids[~known_before])
    known = places[places >= 0]
    held = np.zeros(len(by_place), np.bool_)
    held[known] = True
    repeats = len(known) - int(held.sum()) + int(known_before.sum()) - (len(before) - lost)
    missing = int((committed & ~held).sum()) + lost
    late = int((held & unsettled).sum())
    foreign = int((held & ~committed & ~unsettled).sum()) + len(places) - len(known) + repeats
    return Readback(
        ok=not missing and not foreign,
        held=len(held_ids),
        committed=int(committed.sum()),
        missing=missing,
        unsettled_but_held=late,
        foreign=foreign,
        held_before=len(before),
    )


def last_id(run_dir: Path) -> int:
    """The highest item id of the closed parts, -1 where there is none."""
    return max(
        (int(batch.column("item_id").to_numpy().max()) for batch in _item_batches(run_dir, ("item_id",))), default=-1
    )


def lateness_quantile_ns(run_dir: Path, quantile: float) -> int | None:
    """Nearest-rank quantile of offered - intended over the items that were offered; None without any.

    What a redrive offers was due before the run: it is not late.
    """
    parts = []
    for batch in _item_batches(run_dir, ("intended_at_ns", "offered_at_ns")):
        known = batch.filter(batch.column("offered_at_ns").is_valid())
        intended = known.column("intended_at_ns").to_numpy()
        late_ns = known.column("offered_at_ns").to_numpy() - intended
        parts.append(late_ns[intended >= 0] if len(intended) and intended.min() < 0 else late_ns)
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
