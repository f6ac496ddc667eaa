"""Redrives from beginning to end with real SQLite, in this process or in one that can be killed.

Must live here: running them, and the sets of ids that they leave. Must not: what is expected of them.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq

from ingestexp.experiment.compose import plan
from ingestexp.experiment.paths import ANALYSIS
from ingestexp.experiment.run import execute

ROOT: Final = Path(__file__).resolve().parents[2]
SHORT: Final = ("load.rate_per_s=4000", "load.duration_s=0.3", "slo.warmup_s=0", "progress='off'")
POISONED: Final = (
    "fault=[poison]",
    "fault.poison.kinds=[not_json,too_new]",
    "fault.poison.positions=[20,21,100,200,201,202,400,401,700,900]",
    "on_failure=report_items",
)
NOT_JSON: Final = {20, 100, 201, 400, 700}
TOO_NEW: Final = {21, 200, 202, 401, 900}
FIXED: Final = ("sink.schema_version=2", "on_failure=report_items", "redrive.rate_per_s=100")


def run(folder: Path, *overrides: str, status: str = "completed") -> Path:
    found = plan([*SHORT, *overrides])
    assert found.mistakes == []
    folder.mkdir()
    result = execute(found.configs[0], folder, ["test"])
    assert (result.status, result.reason) == (status, result.reason)
    return folder


def ingested(folder: Path, *overrides: str) -> Path:
    """A run with ten dead letters, five of each kind."""
    return run(folder, *POISONED, *overrides)


def redriven(folder: Path, origin: Path, *overrides: str) -> Path:
    return run(folder, f"redrive.from={origin}", *overrides)


def facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def ask(runs: Path | str, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"SET VARIABLE runs = '{runs}'")
        connection.execute((ANALYSIS / "views.sql").read_text())
        return connection.execute(sql).fetchall()


def offending(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every audit that does not hold."""
    audits = {file.stem: ask(folder, file.read_text()) for file in sorted((ANALYSIS / "audits").glob("*.sql"))}
    return {name: rows for name, rows in audits.items() if rows}


def dead(folder: Path) -> set[int]:
    return {item_id for (item_id,) in ask(folder, "SELECT item_id FROM dead_letters")}


def stored(origin: Path) -> set[int]:
    with sqlite3.connect(origin / "sink.sqlite") as connection:
        rows = connection.execute("SELECT item_id FROM items").fetchall()
    assert len(rows) == len(set(rows))
    return {item_id for (item_id,) in rows}


def offered(folder: Path) -> set[int]:
    return {item_id for (item_id,) in ask(folder, "SELECT item_id FROM items")}


def committed(folder: Path) -> set[int]:
    """As far as its closed parts say."""
    found: set[int] = set()
    for part in sorted((folder / "items").glob("[0-9]*.parquet")):
        rows = pq.read_table(part, columns=["item_id", "outcome"])
        outcomes = rows.column("outcome").to_pylist()
        found |= {
            i for i, fate in zip(rows.column("item_id").to_pylist(), outcomes, strict=True) if fate == "committed"
        }
    return found


def start(folder: Path, *overrides: str) -> subprocess.Popen[str]:
    """In a process of its own, which says `ready` just before it begins."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.experiment.redrive_child", str(folder), *SHORT, *overrides],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(folder: Path, delay_s: float, *overrides: str) -> bool:
    """kill -9 `delay_s` after it was ready to begin; False if it was through by then."""
    with start(folder, *overrides) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
        return False
