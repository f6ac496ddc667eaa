"""The views over run folders, sweep folders, evidence of older versions, and runs that were cut short.

Must live here: what `analysis/views.sql` finds and how it names it. Must not: the tables built on it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestexp.experiment.paths import ANALYSIS
from tests.analysis.test_tables import settled
from tests.report.evidence import MS, SECOND, write_run

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[tuple[Any, ...]]


def query(runs: Path | str, sql: str, **variables: str) -> Rows:
    with duckdb.connect() as connection:
        for name, value in {"runs": f"'{runs}'", **variables}.items():
            connection.execute(f"SET VARIABLE {name} = {value}")
        connection.execute((ANALYSIS / "views.sql").read_text())
        return connection.execute(sql).fetchall()


def cell(number: int, variant: str, repeat: int = 0, stage: str = "", **changes: Any) -> dict[str, Any]:
    facts = {"sweep": "k3f2a1", "experiment": "before_after", "stage": stage, "variant": variant, "repeat": repeat}
    return facts | {"number": number, "cell_hash": "7f3a9c000000", "superseded": False} | changes


def sweep_of(folder: Path) -> Path:
    """Three runs, one of them an attempt that was run again."""
    write_run(folder / "0000-7f3a9c", [settled(0, 600, 3)], cell=cell(0, "per_item", stage="pilot"))
    write_run(folder / "0001-7f3a9c", [settled(0, 600, 9)], cell=cell(1, "batched", superseded=True, is_disturbed=True))
    write_run(folder / "0001-7f3a9c-r1", [settled(0, 600, 4)], cell=cell(1, "batched", 2, is_disturbed=False))
    return folder


def test_a_sweep_folder_stands_for_its_runs(tmp_path: Path) -> None:
    named = "stage, variant, repeat, cell_number, experiment, sweep_id, is_disturbed, is_superseded"
    found = query(sweep_of(tmp_path / "sweep"), f"SELECT {named} FROM runs ORDER BY cell_number")
    assert found == [
        ("pilot", "per_item", 0, 0, "before_after", "k3f2a1", False, False),
        ("", "batched", 2, 1, "before_after", "k3f2a1", False, False),
    ]


def test_superseded_runs_are_left_out_of_every_view_unless_asked_for(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path / "sweep")
    assert query(sweep, "SELECT count(*) FROM items") == [(2,)]
    assert query(sweep, "SELECT count(*) FROM items", with_superseded="true") == [(3,)]
    chosen = "SELECT is_superseded, is_disturbed FROM runs WHERE cell_number = 1 ORDER BY ALL"
    assert query(sweep, chosen, with_superseded="true") == [(False, False), (True, True)]


def test_runs_and_sweeps_may_be_mixed_and_named_by_globs(tmp_path: Path) -> None:
    sweep_of(tmp_path / "day" / "sweep")
    write_run(tmp_path / "day" / "single", [settled(0, 600, 3)])
    names = "SELECT list(regexp_extract(run, '[^/]*$') ORDER BY run) FROM runs"
    everything = [(["single", "0000-7f3a9c", "0001-7f3a9c-r1"],)]
    assert query(f"{tmp_path}/day/*", names) == everything
    assert query(tmp_path / "day", names) == [(["single"],)]
    assert query(f"{tmp_path}/day/sweep/, {tmp_path}/day/single", names) == everything
    assert query(f"{tmp_path}/day/sweep/0000*", names) == [(["0000-7f3a9c"],)]


def test_a_single_run_is_a_variant_of_its_own(tmp_path: Path) -> None:
    run = write_run(tmp_path / "mine", [])
    assert query(run, "SELECT stage, variant, repeat, cell_number, sweep_id FROM runs") == [("", "mine", 0, None, None)]
    (tmp_path / "latest").symlink_to(run)
    assert query(tmp_path / "latest", "SELECT variant FROM runs") == [("00-00-00-abcdef",)]


def test_the_recorded_verdict_where_there_is_one(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [])
    run = write_run(tmp_path / "b", [])
    recorded = {"result": "PASS", "reason": "fine", "percentile": 99.0, "bound_ms": 50.0, "value_ms": 18.1}
    recorded |= {"low_ms": 13.4, "high_ms": 24.7, "growing": False, "over_count": 0, "item_count": 10, "post_hoc": True}
    (run / "verdict.json").write_text(json.dumps(recorded))
    chosen = "SELECT result, value_ms, low_ms, high_ms, growing, item_count, post_hoc FROM verdicts ORDER BY run"
    assert query(f"{tmp_path}/*", chosen) == [(None,) * 7, ("PASS", 18.1, 13.4, 24.7, False, 10, True)]


def test_runs_of_several_schema_versions_are_read_together(tmp_path: Path) -> None:
    """An old run lacks columns and has a narrower type, a newer one has a column more."""
    old = write_run(tmp_path / "old", [])
    columns = {"item_id": pa.array([0], pa.int32()), "intended_at_ns": [5], "outcome": ["committed"]}
    pq.write_table(pa.table(columns), old / "items" / "000000.parquet")
    new = write_run(tmp_path / "new", [settled(0, 600, 3)])
    part = new / "items" / "000001.parquet"
    pq.write_table(pq.read_table(part).append_column("shard", pa.array([3])), part)
    found = query(f"{tmp_path}/*", "SELECT item_id, settled_at_ns, redrive_round, shard FROM items ORDER BY run")
    assert found == [(0, 603 * MS, 0, 3), (0, None, None, None)]


def test_folders_that_are_missing_and_manifests_that_are_none(tmp_path: Path) -> None:
    """A run with a manifest only; a folder that holds parts but is no run; a manifest that is torn."""
    run = write_run(tmp_path / "bare", [settled(0, 600, 3)])
    for kind in ("items", "batches", "samples", "dead_letters"):
        for part in (run / kind).iterdir():
            part.unlink()
        (run / kind).rmdir()
    torn = write_run(tmp_path / "torn", [settled(0, 600, 3)])
    (torn / "manifest.json").write_text('{"status": "run')
    (write_run(tmp_path / "no_run", [settled(0, 600, 3)]) / "manifest.json").unlink()
    counted = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM items), (SELECT count(*) FROM samples)"
    assert query(f"{tmp_path}/*", counted) == [(1, 0, 0)]


def test_a_killed_run_counts_with_what_it_left(tmp_path: Path) -> None:
    """No end, no counters; a part in progress is left out."""
    changes: dict[str, Any] = {"status": "running", "ended_at_ns": None, "load_ended_at_ns": None, "counters": {}}
    run = write_run(tmp_path / "run", [settled(0, 600, 3)], **changes)
    (run / "items" / ".tmp-000002.parquet").write_bytes(b"PAR1 torn")
    assert query(run, "SELECT status, ended_at_ns, offered, committed FROM runs") == [("running", None, None, None)]
    assert query(run, "SELECT response_ns, is_censored FROM responses") == [(3 * MS, False)]


def test_the_warmup_can_be_set_for_all_runs(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [settled(0, 0, 3), settled(1, 600, 3)])
    slo = {"percentile": 99.0, "bound_ms": 50.0, "warmup_s": 0.0}
    write_run(tmp_path / "b", [settled(0, 0, 3), settled(1, 600, 3)], slo=slo)
    counted = "SELECT count(*) FROM responses GROUP BY run ORDER BY run"
    assert query(f"{tmp_path}/*", counted) == [(1,), (2,)]
    assert query(f"{tmp_path}/*", counted, warmup_ns=f"{SECOND // 2}") == [(1,), (1,)]
