"""Reads a run's dead letters again: first who they are, then, a stretch at a time, what they carry.

Must live here: the parts of `dead_letters/`, also those of older runs. Must not: what becomes of a dead letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.ports import Int64s, PayloadArray

_ROWS: Final = 4096
_KNOWN: Final = ("item_id", "intended_at_ns", "dead_lettered_at_ns", "first_arrival_at", "origin_run", "redrive_round")


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """All dead letters of a run, each id once, in the order of their files: arrays of one length.

    `arrived_unix_ns`: the first intended arrival; `parked_after_ns`: from then to when it was parked; `rounds`: how
    often it had been redriven; `origins`: names of the runs they first came to, "" for the run itself.
    """

    ids: Int64s
    arrived_unix_ns: Int64s
    parked_after_ns: Int64s
    rounds: Int64s
    origins: list[str]

    def at(self, places: Int64s) -> DeadLetters:
        """Those at these places, in their order."""
        origins = [self.origins[place] for place in places.tolist()]
        return DeadLetters(
            self.ids[places], self.arrived_unix_ns[places], self.parked_after_ns[places], self.rounds[places], origins
        )

    def followed_by(self, other: DeadLetters) -> DeadLetters:
        return DeadLetters(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.arrived_unix_ns, other.arrived_unix_ns]),
            np.concatenate([self.parked_after_ns, other.parked_after_ns]),
            np.concatenate([self.rounds, other.rounds]),
            self.origins + other.origins,
        )


def read_dead_letters(run_dir: Path, zero_unix_ns: int | None) -> DeadLetters:
    """Everything but the payloads. `zero_unix_ns`: the instant 0 of that run, for rows that don't say when they came.

    Raises ValueError where neither does, OSError and pa.ArrowException where a part can't be read.
    """
    columns: dict[str, list[Any]] = {name: [] for name in _KNOWN}
    for batch in _batches(run_dir, _KNOWN):
        for name in _KNOWN:
            columns[name].append(_column(batch, name))
    whole = {name: pa.chunked_array(parts).combine_chunks() for name, parts in columns.items() if parts}
    if not whole:
        nothing = np.empty(0, np.int64)
        return DeadLetters(nothing, nothing, nothing, nothing, [])
    intended = whole["intended_at_ns"].to_numpy()
    arrived = whole["first_arrival_at"]
    if arrived.null_count:
        if zero_unix_ns is None:
            raise ValueError("don't say when they arrived, nor does its manifest")
        arrived_ns = np.where(arrived.is_null().to_numpy(False), intended + zero_unix_ns, _numbers(arrived))
    else:
        arrived_ns = _numbers(arrived)
    _, at = np.unique(whole["item_id"].to_numpy(), return_index=True)
    at.sort()
    return DeadLetters(
        ids=whole["item_id"].to_numpy()[at],
        arrived_unix_ns=arrived_ns[at],
        parked_after_ns=(whole["dead_lettered_at_ns"].to_numpy() - intended)[at],
        rounds=_numbers(whole["redrive_round"])[at],
        origins=[name or "" for name in whole["origin_run"].take(pa.array(at)).to_pylist()],
    )


def read_payloads(run_dir: Path) -> Iterator[tuple[Int64s, PayloadArray]]:
    """(ids, payloads) piece by piece, in the order of `read_dead_letters`; an id that came before comes again."""
    for batch in _batches(run_dir, ("item_id", "payload")):
        yield batch.column("item_id").to_numpy(), batch.column("payload")


def has_dead_letters(run_dir: Path) -> bool:
    """Whether there is any row at all. Raises as `read_dead_letters`."""
    return any(pq.read_metadata(path).num_rows for path in _parts(run_dir))


def _parts(run_dir: Path) -> list[Path]:
    return sorted((run_dir / "dead_letters").glob("[0-9]*.parquet"))


def _batches(run_dir: Path, columns: tuple[str, ...]) -> Iterator[Any]:
    for path in _parts(run_dir):
        with pq.ParquetFile(path) as part:
            there = [name for name in columns if name in part.schema_arrow.names]
            for batch in part.iter_batches(batch_size=_ROWS, columns=there):
                if batch.num_rows:
                    yield batch


def _column(batch: Any, name: str) -> Any:
    """The column, NULL in an older run that lacks it."""
    kinds = {"first_arrival_at": pa.timestamp("ns", "UTC"), "origin_run": pa.string(), "redrive_round": pa.int16()}
    if name in batch.schema.names:
        column = batch.column(name)
        return column.cast(kinds[name]) if name in kinds else column
    return pa.nulls(batch.num_rows, kinds[name])


def _numbers(column: Any) -> Any:
    """int64 (n,), 0 where NULL."""
    return column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
