"""Sweeps on a running Ray cluster of two nodes: what runs where, what is frozen, what a failure costs."""

from __future__ import annotations

import itertools
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.sweep.rig import LIVE, SIMULATED, Home, Sweep, ended, is_alive, parent_of, wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("ray")

VARIANTS = "+sweep.variants={per_item:['window.max_size=1'],batched:['window.max_size=64']}"


def by_label(sweep: Sweep) -> dict[tuple[str, str, int], dict[str, Any]]:
    return {(row["stage"], row["variant"], row["repeat"]): row for row in sweep.rows}


def test_repeat_k_sees_the_same_arrivals_in_every_variant_and_rates_are_frozen_between_stages(home: Home) -> None:
    stages = (
        "sweep.stages=[{name: pilot, repeats: 1, overrides: ['seed=100']},"
        "{name: price, rate_from: {stage: pilot, variant: batched, factor: 0.5}}]"
    )
    done = home.run(*SIMULATED, VARIANTS, stages, "sweep.repeats=2")
    assert done.code in (0, 1), done.err
    sweep = home.sweep()
    assert sweep.facts["status"] == "completed"
    rows = by_label(sweep)
    pairs = [{sweep.arrivals(rows["price", variant, k]) for variant in ("per_item", "batched")} for k in (0, 1)]
    assert [len(pair) for pair in pairs] == [1, 1]
    assert pairs[0] != pairs[1]

    pilot = json.loads((sweep.folder / rows["pilot", "batched", 0]["folder"] / "manifest.json").read_text())
    expected = round(0.5 * pilot["counters"]["committed"] / pilot["ended_at_ns"] * 1e9, 3)
    price = next(stage for stage in sweep.facts["stages"] if stage["name"] == "price")
    assert price["frozen_rates"] == {"per_item": expected, "batched": expected}
    for facts in sweep.manifests().values():
        if facts["cell"]["stage"] == "price":
            assert facts["config"]["load"]["rate_per_s"] == expected
            assert facts["cell"]["frozen"]["rate_from"]["variant"] == "batched"


def test_live_cells_on_two_nodes_of_one_machine_have_cores_of_their_own(home: Home) -> None:
    done = home.run("-m", *LIVE, "load.duration_s=1", "window.max_size=1,8,64")
    assert done.code in (0, 1), done.err
    runs = list(home.sweep().manifests().values())
    assert len(runs) == 3
    assert all(len(facts["cell"]["cores"]) == 1 for facts in runs)
    beside = [
        (one["cell"]["cores"], other["cell"]["cores"])
        for one, other in itertools.combinations(runs, 2)
        if one["started_at"] < other["ended_at"] and other["started_at"] < one["ended_at"]
    ]
    if len(os.sched_getaffinity(0)) > 1:
        assert beside, "two nodes with a core each never ran side by side"
    assert all(one != other for one, other in beside)
    assert len({facts["pid"] for facts in runs}) == 3, "each live run has a process of its own"


def test_a_durable_sink_goes_alone(home: Home) -> None:
    done = home.run("-m", "load.duration_s=0.5", "load.rate_per_s=500", "slo.warmup_s=0", "window.max_size=8,64,512")
    assert done.code in (0, 1), done.err
    spans = sorted((facts["started_at"], facts["ended_at"]) for facts in home.sweep().manifests().values())
    assert len(spans) == 3
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def replaying(home: Home, table: Path) -> subprocess.Popen[str]:
    replay = f"bad:['load=replay','load.path={table}','load.timestamp_column=t']"
    variants = f"+sweep.variants={{good:['load.duration_s=0.2','load.rate_per_s=500'],{replay}}}"
    return home.start("sink=null", "slo.warmup_s=0", variants)


def test_a_failed_cell_is_named_with_its_log_and_only_it_runs_again(home: Home) -> None:
    table = home.path / "requests.csv"
    table.write_text("t\n0\n0.1\n")
    process = replaying(home, table)
    wait_for(lambda: home.sweeps)
    table.rename(table.with_suffix(".gone"))
    done = ended(process)
    assert done.code == 3
    assert "bad #0 failed" in done.words
    assert "| ingestexp: the run failed" in done.err
    sweep = home.sweep()
    rows = {row["variant"]: row for row in sweep.rows}
    assert (rows["good"]["status"], rows["bad"]["status"]) == ("completed", "failed")
    assert "requests.csv" in rows["bad"]["reason"]
    assert sweep.facts["status"] == "failed"

    good = sweep.folder / rows["good"]["folder"] / "manifest.json"
    before = good.read_bytes()
    table.with_suffix(".gone").rename(table)
    done = ended(replaying(home, table))
    assert done.code in (0, 1), done.err
    assert "going on with" in done.words
    assert "1 of 2 cells are finished" in done.words
    assert good.read_bytes() == before
    assert sweep.statuses() == ["completed", "completed"]
    first, second = (sweep.manifests()[rows["bad"]["folder"] + again] for again in ("", "-r1"))
    assert first["cell"]["superseded"]
    assert not second["cell"]["superseded"]
    assert (home.path / "runs" / "latest").resolve() == sweep.folder

    assert ended(replaying(home, table)).code in (0, 1)
    assert len(home.sweeps) == 2, "a finished sweep is not gone on with: the same command measures anew"


def test_a_killed_worker_costs_the_live_cell_it_was_at(home: Home) -> None:
    process = home.start("-m", *LIVE, "load.duration_s=1.5", "window.max_size=1,8,64", "sweep.exclusive=true")
    (victim,) = wait_for(lambda: home.sweeps and home.sweep().running())
    template = parent_of(victim["pid"])
    os.kill(parent_of(template), signal.SIGKILL)
    wait_for(lambda: not is_alive(victim["pid"]) and not is_alive(template), 10)
    done = ended(process)
    assert done.code == 3
    sweep = home.sweep()
    assert sorted(sweep.statuses()) == ["completed", "completed", "crashed"]
    crashed = next(row for row in sweep.rows if row["status"] == "crashed")
    assert crashed["number"] == victim["cell"]["number"]
    assert f"cell {crashed['number']:04d}" in done.err
    assert "worker died" in done.words
    assert sweep.manifests()[crashed["folder"]]["status"] == "crashed"


def test_a_killed_run_is_told_from_a_killed_worker(home: Home) -> None:
    process = home.start("-m", *LIVE, "load.duration_s=1.5", "window.max_size=1,8", "sweep.exclusive=true")
    (victim,) = wait_for(lambda: home.sweeps and home.sweep().running())
    os.kill(victim["pid"], signal.SIGKILL)
    done = ended(process)
    assert done.code == 3
    assert "its process was killed (SIGKILL)" in done.words
    assert sorted(home.sweep().statuses()) == ["completed", "crashed"]


def test_a_killed_worker_costs_one_cell_of_its_pack_and_none_runs_twice(home: Home) -> None:
    long = ("clock=simulated", "sink=model", "load.duration_s=10", "load.rate_per_s=30000", "window.max_size=1")
    process = home.start("-m", *long, "seed=range(1,13)")
    victim = wait_for(lambda: home.sweeps and len(home.sweep().manifests()) > 4 and home.sweep().running())[0]
    os.kill(victim["pid"], signal.SIGKILL)
    done = ended(process)
    assert done.code == 3
    sweep = home.sweep()
    assert sorted(sweep.statuses()) == ["completed"] * 11 + ["crashed"]
    assert len(sweep.manifests()) == 12, "no cell has two attempts"
    assert done.words.count(" crashed: ") == 1


def test_ctrl_c_lets_the_running_cell_close_its_evidence_and_keeps_what_is_finished(home: Home) -> None:
    process = home.start("-m", *LIVE, "load.duration_s=1.5", "window.max_size=1,8,64", "sweep.exclusive=true")
    wait_for(lambda: home.sweeps and "completed" in home.sweep().statuses() and home.sweep().running())
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.code == 130
    assert "Traceback" not in done.err
    sweep = home.sweep()
    assert sweep.facts["status"] == "interrupted"
    assert sorted(sweep.statuses()) == ["completed", "interrupted", "pending"]
    (cut,) = [facts for facts in sweep.manifests().values() if facts["status"] == "interrupted"]
    assert cut["self_checks"]["ledger"]["balanced"], "its evidence is closed and balances"
    assert done.out.strip(), "the table is printed"
