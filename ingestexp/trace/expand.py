"""Packed records -> rows: one record a span becomes one row an item, column by column.

Must live here: the pure functions from NumPy records to Arrow tables. Must not: files, threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ingestexp.core.span import AS_DUE, NEVER, UNKNOWN
from ingestexp.trace import schema
from ingestexp.trace.records import ACK_DTYPE, SPAN_DTYPE, BlockFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingestexp.core.window import Limits
    from ingestexp.ports import Int64s

_INSTANTS: Final = ("offered", "admitted", "first_sent", "sent", "settled")

_CONSTANT_ROWS: Final = 1 << 19
_CONSTANTS: Final = {
    "was_spilled": pa.array(np.zeros(_CONSTANT_ROWS, np.bool_)),
    "envelope_id": pa.nulls(_CONSTANT_ROWS, pa.int64()),
    "origin_run": pa.nulls(_CONSTANT_ROWS, pa.string()),
    "redrive_round": pa.array(np.zeros(_CONSTANT_ROWS, np.int16)),
}
"""Of items that nothing sets apart: slices of these cost no time."""


_ACKED: Final = frozenset(ACK_DTYPE.names or ())

_HELD: Final = {
    "first": "first_item_id",
    "end": "span_end",
    "offered": "span_offered",
    "admitted": "span_admitted",
    "first_sent": "span_first_sent",
    "sent": "sent_at_ns",
    "settled": "settled_at_ns",
    "batch": "batch_id",
    "block": "span_block",
    "attempts": "attempt",
}
"""Where the record of a committed attempt has the facts of its first span."""


def span_records(batches: Any, loose: Any) -> Any:
    """All spans of a segment in the order noted, SPAN_DTYPE (n,). `batches` BATCH_DTYPE, `loose` LOOSE_DTYPE."""
    rows = np.flatnonzero(batches["span_end"])
    spans = np.zeros(len(rows) + len(loose), SPAN_DTYPE)  # outcome and reason 0: committed, without a reason
    places = np.searchsorted(rows, loose["after"]) + np.arange(len(loose))
    is_held = np.ones(len(spans), np.bool_)
    is_held[places] = False
    for name in SPAN_DTYPE.names or ():
        spans[name][places] = loose[name]
        if name in _HELD:
            spans[name][is_held] = batches[_HELD[name]][rows]
    return spans


def item_rows(records: Any, blocks: Mapping[int, BlockFacts], phases: Sequence[str]) -> pa.Table:
    """The `items` rows of span `records` (SPAN_DTYPE, (n,)), in the order of the records."""
    counts = records["end"] - records["first"]
    total = int(counts.sum())
    runs = _runs(records)
    intended = _intended(records, runs, blocks, counts)
    starts = np.cumsum(counts) - counts
    saturate = blocks[runs[0][0]].due_ns is None
    columns: dict[str, pa.Array] = {
        "item_id": pa.array(np.arange(total) + np.repeat(records["first"] - starts, counts)),
        "intended_at_ns": pa.array(intended),
    }
    if saturate:
        columns["offered_at_ns"] = columns["intended_at_ns"]  # one instant: nothing is intended before it is admitted
    for name in _INSTANTS[saturate:]:
        columns[f"{name}_at_ns"] = _instants(records[name], counts, intended)
    batch_ids = np.repeat(records["batch"], counts)
    columns["batch_id"] = pa.array(batch_ids, mask=batch_ids < 0 if records["batch"].min() < 0 else None)
    columns["outcome"] = _coded(records["outcome"], counts, schema.OUTCOMES)
    columns["reason"] = _coded(records["reason"], counts, schema.REASONS, null_code=0)
    columns["attempt_count"] = pa.array(np.repeat(records["attempts"], counts))
    columns["payload_bytes"] = pa.array(_sizes(runs, blocks))
    run_counts = np.array([end - first for _, first, end in runs], np.int64)
    run_phases = np.array([blocks[number].phase for number, _, _ in runs], np.int8)
    columns["phase"] = _coded(run_phases, run_counts, phases)
    marked = any(blocks[number].marks for number, _, _ in runs)
    columns.update(_marks(runs, blocks) if marked else {name: _constant(name, total) for name in _CONSTANTS})
    return pa.Table.from_arrays([columns[name] for name in schema.ITEMS.names], schema=schema.ITEMS)


def _constant(name: str, total: int) -> pa.Array:
    constant = _CONSTANTS[name]
    if total <= len(constant):
        return constant.slice(0, total)
    return pa.concat_arrays([constant] * (total // len(constant) + 1)).slice(0, total)


def _marks(runs: list[tuple[int, int, int]], blocks: Mapping[int, BlockFacts]) -> dict[str, pa.Array]:
    """The columns of `Marks`, run by run."""
    parts: dict[str, list[pa.Array]] = {name: [] for name in _CONSTANTS}
    for number, first, end in runs:
        facts, count = blocks[number], end - first
        marks = facts.marks
        if marks is None:
            for name, columns in parts.items():
                columns.append(_constant(name, count))
            continue
        envelopes = marks.envelope_ids
        origin = (
            pa.array([marks.origin_run] * count, pa.string()) if marks.origin_run else _constant("origin_run", count)
        )
        parts["was_spilled"].append(pa.array(np.full(count, marks.was_spilled)))
        parts["origin_run"].append(origin)
        parts["redrive_round"].append(pa.array(np.full(count, marks.redrive_round, np.int16)))
        parts["envelope_id"].append(
            _constant("envelope_id", count)
            if envelopes is None
            else pa.array(envelopes[first - facts.first : end - facts.first], pa.int64())
        )
    return {name: pa.concat_arrays(columns) for name, columns in parts.items()}


def batch_rows(records: Any, acks: Any, limits: Sequence[Limits], errors: Sequence[str]) -> pa.Table:
    """The `batches` rows of `records` (BATCH_DTYPE, (n,)), which say by number which of the others are theirs.

    `acks` ACK_DTYPE, (m,).
    """
    columns: dict[str, pa.Array] = {}
    ones = np.ones(len(records), np.int64)
    windows: dict[str, Any] = {
        "window_max_size": np.array([each.max_size for each in limits], np.int32),
        "window_max_wait_ns": np.array([each.max_wait_ns for each in limits], np.int64),
    }
    for name in schema.BATCHES.names:
        if name in _ACKED:
            values = acks[name][records["ack"]]
        elif name in windows:
            values = windows[name][records["limits"]]
        else:
            values = np.ascontiguousarray(records[name])
        if name == "flush_cause":
            columns[name] = _coded(values, ones, schema.FLUSH_CAUSES)
        elif name == "outcome":
            columns[name] = _coded(values, ones, schema.BATCH_OUTCOMES)
        elif name == "error":
            columns[name] = _errors(values, errors)
        elif name == "window_max_wait_ns":
            columns[name] = pa.array(values, mask=values >= NEVER)
        elif schema.BATCHES.field(name).nullable:
            columns[name] = pa.array(values, mask=values < 0)
        else:
            columns[name] = pa.array(values)
    return pa.Table.from_arrays([columns[name] for name in schema.BATCHES.names], schema=schema.BATCHES)


def _errors(codes: Any, errors: Sequence[str]) -> pa.Array:
    if not errors:
        return pa.nulls(len(codes), pa.string())
    return pa.array([errors[code] if code >= 0 else None for code in codes.tolist()], pa.string())


def _runs(records: Any) -> list[tuple[int, int, int]]:
    """(block number, first id, end id) of the longest stretches of records that follow one another in a block."""
    first, end, block = records["first"], records["end"], records["block"]
    breaks = np.flatnonzero((first[1:] != end[:-1]) | (block[1:] != block[:-1])) + 1
    heads = np.concatenate(([0], breaks))
    tails = np.concatenate((breaks, [len(records)])) - 1
    return list(zip(block[heads].tolist(), first[heads].tolist(), end[tails].tolist(), strict=True))


def _intended(
    records: Any, runs: list[tuple[int, int, int]], blocks: Mapping[int, BlockFacts], counts: Int64s
) -> Int64s:
    parts = []
    for number, first, end in runs:
        facts = blocks[number]
        if facts.due_ns is None:  # saturate: intended when admitted (or offered, if it never was)
            stamps = np.where(records["admitted"] >= 0, records["admitted"], records["offered"])
            return np.repeat(stamps, counts)
        parts.append(facts.due_ns[first - facts.first : end - facts.first])
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _sizes(runs: list[tuple[int, int, int]], blocks: Mapping[int, BlockFacts]) -> Any:
    parts = []
    for number, first, end in runs:
        facts = blocks[number]
        if isinstance(facts.sizes, int):
            parts.append(np.full(end - first, facts.sizes, np.int32))
        else:
            parts.append(facts.sizes[first - facts.first : end - facts.first])
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _instants(stamps: Any, counts: Int64s, intended: Int64s) -> pa.Array:
    """One instant a record -> one a row; AS_DUE is the item's own intended instant, UNKNOWN is NULL."""
    lowest = int(stamps.min())
    if lowest >= 0:
        return pa.array(np.repeat(stamps, counts))
    if lowest == AS_DUE and int(stamps.max()) == AS_DUE:
        return pa.array(intended)
    values = np.repeat(stamps, counts)
    mask = values == UNKNOWN if lowest == UNKNOWN else None
    return pa.array(np.where(values == AS_DUE, intended, values), mask=mask)


def _coded(codes: Any, counts: Int64s, names: Sequence[str], null_code: int | None = None) -> pa.Array:
    indices = np.repeat(codes, counts)
    mask = None
    if null_code is not None and (codes == null_code).any():
        mask = indices == null_code
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8(), mask=mask), pa.array(names, pa.string()))
