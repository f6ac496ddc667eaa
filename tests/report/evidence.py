"""Tiny run folders, written with the trace's own schema, that deserve one verdict or another.

Must live here: rows and manifests made by hand. Must not: assertions, the machinery that records real runs.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ingestexp.trace import schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
SCHEMAS: Final = {
    "items": schema.ITEMS,
    "batches": schema.BATCHES,
    "samples": schema.SAMPLES,
    "dead_letters": schema.DEAD_LETTERS,
}

Row = dict[str, Any]


def item(item_id: int, intended: int, *, outcome: str = "committed", **columns: Any) -> Row:
    """An item's row; stages not named are NULL."""
    return {
        "item_id": item_id,
        "intended_at_ns": intended,
        "outcome": outcome,
        "attempt_count": 1,
        "payload_bytes": 100,
        "phase": "steady",
        "was_spilled": False,
        "redrive_round": 0,
        **columns,
    }


def batch(
    batch_id: int, first: int, last: int, *, cause: str = "size", outcome: str = "committed", **columns: Any
) -> Row:
    """A send attempt's row over the ids first..last."""
    return {
        "batch_id": batch_id,
        "attempt": 1,
        "flush_cause": cause,
        "first_item_id": first,
        "last_item_id": last,
        "opened_at_ns": 0,
        "closed_at_ns": 0,
        "item_count": last - first + 1,
        "payload_bytes": 100,
        "wire_bytes": 100,
        "compress_ns": 0,
        "cpu_ns": 1000,
        "commits": 1,
        "fsyncs": 1,
        "round_trips": 0,
        "syscalls": 3,
        "outcome": outcome,
        "window_max_size": 10,
        "window_max_wait_ns": 5 * MS,
        "depth_at_close": 0,
        "oldest_age_ns": 0,
        "in_flight": 1,
        "worker": 0,
        **columns,
    }


def manifest(items: list[Row], **changes: Any) -> Row:
    """A manifest that agrees with the items. `changes` replace top-level keys."""
    counts = {name: sum(row["outcome"] == name for row in items) for name in schema.OUTCOMES}
    ended = max([row.get("settled_at_ns") or row["intended_at_ns"] for row in items], default=0)
    ledger = {"balanced": True, "offered": len(items), **counts, "missing_ids": 0, "repeated_ids": 0}
    readback = {"ok": True, "held": counts["committed"], "committed": counts["committed"]}
    readback |= {"missing": 0, "unsettled_but_held": 0, "foreign": 0}
    return {
        "schema_version": 1,
        "status": "completed",
        "status_reason": None,
        "run_id": "00-00-00-abcdef",
        "started_at": "2026-01-01T00:00:00+00:00",
        "ended_at": "2026-01-01T00:00:05+00:00",
        "command": ["python", "-m", "ingestexp", "seed=7"],
        "pid": 2**22 + 1,  # above the kernel's default pid_max: never a live process
        "seed": 7,
        "clock": "live",
        "config": {
            "load": {"kind": "constant", "rate_per_s": 2000.0, "duration_s": 5.0},
            "payload": {"kind": "json_event", "size_bytes": 100},
            "policy": {"kind": "block", "capacity": 100000},
            "window": {"max_size": 10, "max_wait_ms": 5.0, "max_bytes": None},
            "sink": {"kind": "sqlite", "workers": 1},
            "trace": {"enabled": True},
        },
        "config_hash": "0123456789ab",
        "sink": {"name": "sqlite", "durable": True, "simulated": False},
        "load": {"phases": ["steady"], "duration_ns": 5 * SECOND, "expected_items": len(items), "saturate": False},
        "slo": {"percentile": 99.0, "bound_ms": 50.0, "warmup_s": 0.5, "confidence": 0.95},
        "load_ended_at_ns": min(ended, 5 * SECOND),
        "ended_at_ns": ended,
        "counters": {"offered": len(items), **counts},
        "self_checks": {"ledger": ledger, "readback": readback},
        "notices": [],
        **changes,
    }


def write_run(folder: Path, items: list[Row], batches: list[Row] | None = None, **changes: Any) -> Path:
    """A run folder with an empty part and, where there are rows, a filled one of each table."""
    for name, rows in {"items": items, "batches": batches or [], "samples": [], "dead_letters": []}.items():
        (folder / name).mkdir(parents=True)
        pq.write_table(SCHEMAS[name].empty_table(), folder / name / "000000.parquet")
        if rows:
            pq.write_table(table_of(rows, SCHEMAS[name]), folder / name / "000001.parquet")
    (folder / "manifest.json").write_text(json.dumps(manifest(items, **changes)), encoding="utf-8")
    return folder


def write_samples(run: Path, rows: list[Row]) -> None:
    """Sampling rows into a run folder; a counter that is not named is 0."""
    zeros = {column.name: 0 for column in schema.SAMPLES if not column.nullable}
    full = [{**zeros, **row} for row in rows]
    pq.write_table(table_of(full, schema.SAMPLES), run / "samples" / "000001.parquet")


def table_of(rows: list[Row], table_schema: pa.Schema) -> pa.Table:
    columns = []
    for column in table_schema:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        values = pa.array([row.get(column.name) for row in rows], kind)
        columns.append(values.dictionary_encode().cast(column.type) if pa.types.is_dictionary(column.type) else values)
    return pa.Table.from_arrays(columns, schema=table_schema)


def paced_rows(
    count: int,
    service_ms: Callable[[int], float],
    *,
    lateness_ms: float = 0.0,
    gap_ms: float = 0.5,
    batch_size: int = 10,
    queue_ms: Callable[[int], float] = lambda _: 0.0,
) -> tuple[list[Row], list[Row]]:
    """Items due every `gap_ms` that leave in full batches; service and queue wait of batch b in ms are given."""
    items: list[Row] = []
    batches: list[Row] = []
    gap, late = int(gap_ms * MS), int(lateness_ms * MS)
    for number, first in enumerate(range(0, count, batch_size)):
        last = min(first + batch_size, count) - 1
        closed = last * gap + late
        sent = closed + int(queue_ms(number) * MS)
        settled = sent + int(service_ms(number) * MS)
        stamps: Row = {"first_sent_at_ns": sent, "sent_at_ns": sent, "settled_at_ns": settled, "batch_id": number}
        for i in range(first, last + 1):
            items.append(item(i, i * gap, offered_at_ns=i * gap + late, admitted_at_ns=i * gap + late, **stamps))
        times: Row = {"closed_at_ns": closed, "sent_at_ns": sent, "settled_at_ns": settled}
        batches.append(batch(number, first, last, opened_at_ns=first * gap + late, **times))
    return items, batches


def passing(folder: Path, **changes: Any) -> Path:
    """Every item is done in well under 50 ms."""
    return write_run(folder, *paced_rows(10_000, lambda _: 2.0), **changes)


def failing(folder: Path, **changes: Any) -> Path:
    """A tenth of the batches, spread over the run, takes 80 ms."""
    return write_run(folder, *paced_rows(10_000, lambda number: 80.0 if number % 10 == 3 else 2.0), **changes)


def inconclusive(folder: Path, **changes: Any) -> Path:
    """Ten stalls that put just the 1 % that is allowed over the bound."""
    return write_run(folder, *paced_rows(10_000, lambda number: 80.0 if number % 100 == 53 else 2.0), **changes)


def late_generator(folder: Path, **changes: Any) -> Path:
    """Everything is over the bound, by the generator's lateness alone."""
    return write_run(folder, *paced_rows(10_000, lambda _: 2.0, lateness_ms=60.0), **changes)


def growing(folder: Path, **changes: Any) -> Path:
    """Each batch waits 4 ms longer for a worker than the one before it; at 6 s the run gives up on the rest."""
    items, batches = paced_rows(10_000, lambda _: 9.0, queue_ms=lambda number: 4.0 * number)
    end = 6 * SECOND
    for row in items:
        if row["settled_at_ns"] > end:
            row.update(outcome="unsettled", reason="queued", batch_id=None, attempt_count=0)
            row.update(first_sent_at_ns=None, sent_at_ns=None, settled_at_ns=None)
    kept = [row for row in batches if row["settled_at_ns"] <= end]
    return write_run(folder, items, kept, **{"ended_at_ns": end, "load_ended_at_ns": 5 * SECOND, **changes})


def living_pid() -> int:
    """A pid that is alive, and not the reader's own."""
    return os.getppid()
