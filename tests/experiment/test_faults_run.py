"""Whole runs with faults: what really happened, what the evidence says of it, and the same without faults."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ingestexp.experiment.build import build
from ingestexp.experiment.build_faults import build_faults
from ingestexp.experiment.compose import plan
from ingestexp.experiment.paths import ANALYSIS
from ingestexp.experiment.run import execute
from ingestexp.ports import Notices

if TYPE_CHECKING:
    from pathlib import Path

SHORT = ("load.rate_per_s=4000", "load.duration_s=0.5", "slo.warmup_s=0", "progress='off'")
MODEL = ("clock=simulated", "sink=model", "load.duration_s=4", "load.rate_per_s=2000", "progress='off'")


def run(folder: Path, *overrides: str) -> Path:
    found = plan(list(overrides))
    assert found.mistakes == []
    folder.mkdir()
    assert execute(found.configs[0], folder, ["test"]).status == "completed"
    return folder


def facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def ask(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"SET VARIABLE runs = '{folder}'")
        connection.execute((ANALYSIS / "views.sql").read_text())
        return connection.execute(sql).fetchall()


def test_poison_is_refused_by_the_database_itself_and_the_view_names_every_poisoned_item(tmp_path: Path) -> None:
    positions = "fault.poison.positions=[100,101,900]"
    kinds = "fault.poison.kinds=[not_json,too_new]"
    folder = run(tmp_path / "r", *SHORT, "fault=[poison]", positions, kinds, "on_failure=report_items")
    assert ask(folder, "SELECT item_id, kind FROM faults WHERE fault = 'poison' ORDER BY 1") == [
        (100, "not_json"),
        (101, "too_new"),
        (900, "not_json"),
    ]
    letters = ask(folder, "SELECT item_id, error, payload FROM dead_letters ORDER BY 1")
    assert [letter[0] for letter in letters] == [100, 101, 900]
    assert "CHECK constraint failed: json_valid(payload)" in letters[0][1]
    assert "schema_version" in letters[1][1]
    assert letters[0][2].startswith(b"!")
    counters, checks = facts(folder)["counters"], facts(folder)["self_checks"]
    assert counters["committed"] == counters["offered"] - 3
    assert checks["ledger"]["balanced"]
    assert checks["readback"]["ok"]
    assert facts(folder)["faults"] == {
        "simulated": False,
        "outside_in": [],
        "poison": {"item_count": 3, "by_kind": {"not_json": 2, "too_new": 1}},
    }
    with sqlite3.connect(folder / "sink.sqlite") as store:
        assert store.execute("SELECT count(*) FROM items WHERE item_id IN (100, 101, 900)").fetchone() == (0,)


def test_the_same_arrivals_and_sizes_with_and_without_poison(tmp_path: Path) -> None:
    calm = run(tmp_path / "calm", *SHORT)
    poisoned = run(tmp_path / "bad", *SHORT, "fault=[poison]", "fault.poison.rate=0.01", "on_failure=split_and_retry")
    columns = "SELECT item_id, intended_at_ns, payload_bytes FROM items ORDER BY 1"
    assert ask(calm, columns) == ask(poisoned, columns)
    assert len(ask(poisoned, "SELECT 1 FROM faults")) > 5
    lost = ask(poisoned, "SELECT item_id FROM items WHERE outcome = 'dead_lettered' ORDER BY 1")
    assert lost == ask(poisoned, "SELECT item_id FROM faults ORDER BY 1")


def test_an_outage_by_the_clock_of_the_run_and_nothing_is_lost_when_attempts_do_not_end(tmp_path: Path) -> None:
    span = ("fault.outage.at_s=0.1", "fault.outage.for_s=0.2")
    folder = run(tmp_path / "r", *SHORT, "fault=[outage]", *span, "on_failure.max_attempts=null", "sink=log_file")
    ((from_ns, to_ns, hits),) = ask(folder, "SELECT from_ns, to_ns, hit_count FROM faults")
    assert (from_ns, to_ns) == (100_000_000, 300_000_000)
    inside = f"sent_at_ns + 1000000 >= {from_ns} AND sent_at_ns < {to_ns}"
    assert ask(folder, f"SELECT count(*) FILTER (NOT ({inside})) FROM batches WHERE outcome = 'failed'") == [(0,)]
    assert ask(folder, "SELECT count(*) FROM batches WHERE error LIKE 'fault=outage%'") == [(hits,)]
    counters = facts(folder)["counters"]
    assert hits == counters["attempts_failed"] > 0
    assert counters["committed"] == counters["offered"]
    assert facts(folder)["self_checks"]["readback"]["ok"]
    assert facts(folder)["sink"]["faults"] == ["outage"]


def test_flaky_attempts_are_counted_and_good_items_survive_them(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", *SHORT, "fault=[flaky_sink]", "fault.flaky_sink.rate=0.2", "on_failure.backoff_ms=1")
    ((rate, hits),) = ask(folder, "SELECT rate, hit_count FROM faults")
    assert rate == 0.2
    assert hits == facts(folder)["counters"]["attempts_failed"] > 3
    assert facts(folder)["self_checks"]["readback"]["ok"]


def test_a_modelled_brownout_multiplies_the_service_time_of_its_span(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", *MODEL, "fault=[brownout]", "fault.brownout.factor=10", "window.max_size=8")
    slow = "sent_at_ns >= 1000000000 AND sent_at_ns < 2000000000"
    cost = "round((settled_at_ns - sent_at_ns) / (3000000 + 25000 * item_count))"
    assert ask(folder, f"SELECT {slow} AS s, {cost}, count(*) > 5 FROM batches GROUP BY ALL ORDER BY 1") == [
        (False, 1.0, True),
        (True, 10.0, True),
    ]
    assert facts(folder)["faults"]["simulated"] is True
    ((hits, slowed),) = ask(
        folder, f"SELECT any_value(hit_count), (SELECT count(*) FROM batches WHERE {slow}) FROM faults"
    )
    assert hits == slowed


def test_a_simulated_run_with_all_faults_is_the_same_each_time_and_says_that_it_is_simulated(tmp_path: Path) -> None:
    faults = ("fault=[poison,brownout,outage,flaky_sink]", "fault.poison.rate=0.002", "on_failure=split_and_retry")
    spans = ("fault.outage.for_s=0.3", "fault.brownout.at_s=2", "fault.flaky_sink.rate=0.1")
    one, again, other = (
        run(tmp_path / name, *MODEL, *faults, *spans, f"seed={seed}", "on_failure.max_attempts=null")
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    for table in ("items", "batches", "faults"):
        assert pq.read_table(one / table).equals(pq.read_table(again / table)), table
        assert not pq.read_table(one / table).equals(pq.read_table(other / table)), table
    refused = ask(one, "SELECT item_id FROM dead_letters ORDER BY 1")
    assert refused == ask(one, "SELECT item_id FROM faults WHERE fault = 'poison' ORDER BY 1")
    assert len(refused) > 5
    assert ask(one, "SELECT count(*) FROM batches WHERE error NOT LIKE '%simulated fault=%'") == [(0,)]
    struck = ask(one, "SELECT sum(hit_count) FROM faults WHERE fault IN ('outage', 'flaky_sink')")
    assert struck == ask(one, "SELECT count(*) FROM batches WHERE outcome = 'failed'")


def test_the_poisoned_items_are_the_same_ones_live_and_simulated(tmp_path: Path) -> None:
    poison = ("fault=[poison]", "fault.poison.rate=0.01", "load.rate_per_s=4000", "load.duration_s=0.5")
    live = run(tmp_path / "live", *SHORT, *poison, "on_failure=skip_batch")
    simulated = run(tmp_path / "simulated", *MODEL, *poison, "on_failure=skip_batch")
    columns = "SELECT item_id, kind FROM faults ORDER BY 1"
    assert ask(live, columns) == ask(simulated, columns)


def test_without_a_trace_the_manifest_still_sums_up(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", *MODEL, "fault=[poison]", "trace.enabled=false")
    assert facts(folder)["faults"]["poison"]["item_count"] > 0
    assert not (folder / "faults").exists()


@pytest.mark.parametrize("overrides", [(), ("sink=log_file",), ("clock=simulated", "sink=model")])
def test_nothing_is_wrapped_and_nothing_written_where_no_fault_is_chosen(
    tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    config = plan(["load.duration_s=0.05", "progress='off'", *overrides]).configs[0]
    assert build_faults(config) is None
    assert type(build(config, tmp_path, Notices()).sink).__module__.startswith("ingestexp.adapters.sinks")
    folder = run(tmp_path / "r", "load.duration_s=0.05", "progress='off'", *overrides)
    assert "faults" not in facts(folder)
    assert not (folder / "faults").exists()
    assert ask(folder, "SELECT count(*) FROM faults") == [(0,)]
