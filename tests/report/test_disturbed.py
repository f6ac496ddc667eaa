"""What a host may take from a verdict: stalled blocks of a disturbed run, a sink in memory.

Must live here: the rules on cases and on evidence made by hand. Must not: when a host counts as disturbed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestexp.report.evidence import open_evidence
from ingestexp.report.figures import figures_of
from ingestexp.report.judging import judge_runs
from ingestexp.report.summary import summary_lines
from ingestexp.report.verdict import FAIL, INVALID, PASS, decide
from tests.report.evidence import MS, SECOND, failing, paced_rows, passing, write_run, write_samples
from tests.report.test_verdict import blocks, case

if TYPE_CHECKING:
    from pathlib import Path

CHECKS: dict[str, Any] = {
    "ledger": {"balanced": True},
    "readback": {"ok": True, "held": 1, "committed": 1, "unsettled_but_held": 0},
    "host": {"disturbed": True, "why": ["other processes used 80% of the run's cores"]},
}
CALM: dict[str, Any] = {**CHECKS, "host": {"disturbed": False, "why": []}}


def stalled_case(over: list[int], stalled: list[int], disturbed: bool = True) -> Any:
    found = replace(blocks(over), stalled=np.array(stalled))
    return replace(case(over), blocks=found, disturbed=disturbed)


def test_a_fail_that_stands_in_stalled_blocks_alone_is_invalid() -> None:
    verdict = decide(stalled_case([0, 100] * 25, [0, 1] * 25))
    assert verdict.result == INVALID
    assert "if none were over in the 25 of 50 blocks in which it stalled, the verdict would be PASS" in verdict.reason


@pytest.mark.parametrize(
    ("over", "stalled", "disturbed", "result"),
    [
        ([0, 100] * 25, [0, 1] * 25, False, FAIL),  # the run itself says that its host was calm
        ([100, 100] * 25, [0, 1] * 25, True, FAIL),  # the calm blocks fail too
        ([0, 100] * 25, [0, 0] * 25, True, FAIL),  # nothing stalled where it hurt
        ([0, 0] * 25, [0, 1] * 25, True, PASS),  # a disturbance only makes a latency worse
        ([100, 100] * 25, [1, 1] * 25, True, INVALID),  # nothing is left to judge by
        ([1000] * 50, [0] * 10 + [1] * 40, True, FAIL),  # the few calm blocks are more than is allowed to all
    ],
)
def test_everything_else_stands(over: list[int], stalled: list[int], disturbed: bool, result: str) -> None:
    assert decide(stalled_case(over, stalled, disturbed)).result == result


@pytest.mark.parametrize(
    ("served", "took", "result"),
    [
        (0.03, 0.9, FAIL),  # ten times as fast would still be three times too slow
        (0.9, 0.05, FAIL),
        (0.9, 0.2, INVALID),
        (0.03, 1.0, INVALID),  # how much the host took is not known
    ],
)
def test_a_growing_backlog_fails_unless_what_the_host_took_could_have_served_it(
    served: float, took: float, result: str
) -> None:
    grows = replace(
        stalled_case([900] * 50, [1] * 50),
        backlog_grows=True,
        backlog_grows_without_lateness=True,
        served_ratio=served,
        host_took_ratio=took,
    )
    verdict = decide(grows)
    assert verdict.result == result
    assert ("might not have grown" in verdict.reason) == (result == INVALID)


def first_second_slow(folder: Path, checks: dict[str, Any], stall_ms: list[float], column: str) -> Path:
    """Five seconds, the second one slow; a sample every 50 ms, whose stalls are given by the second."""
    rows, sent = paced_rows(10_000, lambda number: 80.0 if 200 <= number < 400 and number % 4 == 0 else 2.0)
    run = write_run(folder, rows, sent, self_checks=checks)
    every = SECOND // 20
    write_samples(run, [{"at_ns": i * every, column: int(stall_ms[i // 20] * MS)} for i in range(100)])
    return run


@pytest.mark.parametrize(
    ("checks", "column", "stalls_ms", "result"),
    [
        (CHECKS, "stall_max_ns", [0.1, 20.0, 0.1, 0.1, 0.1], INVALID),
        (CALM, "stall_max_ns", [0.1, 20.0, 0.1, 0.1, 0.1], FAIL),
        (CHECKS, "stall_max_ns", [0.1, 0.1, 0.1, 20.0, 0.1], FAIL),
        (CHECKS, "stall_max_ns", [0.1, 0.1, 0.1, 0.1, 0.1], FAIL),
        (CHECKS, "disk_stall_max_ns", [0.0, 40.0, 0.0, 0.0, 0.0], INVALID),
        (CALM, "disk_stall_max_ns", [0.0, 40.0, 0.0, 0.0, 0.0], FAIL),
        (CHECKS, "disk_stall_max_ns", [0.0, 20.0, 0.0, 0.0, 0.0], FAIL),
    ],
)
def test_the_samples_say_which_blocks_stalled(
    tmp_path: Path, checks: dict[str, Any], column: str, stalls_ms: list[float], result: str
) -> None:
    run = first_second_slow(tmp_path / "run", checks, stalls_ms, column)
    with open_evidence(run) as evidence:
        figures = figures_of(evidence)
    assert figures.verdict.result == result
    (judged,) = judge_runs([run])
    assert judged.verdict.result == result
    text = "\n".join(line.plain for line in summary_lines(figures))
    assert text.count("the host was disturbed: other processes used 80%") == int(checks is CHECKS)


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs"])
def test_a_durable_sink_in_memory_is_invalid(tmp_path: Path, kind: str) -> None:
    sink = {"name": "sqlite", "durable": True, "simulated": False, "filesystem": kind}
    for name, write in (("passes", passing), ("fails", failing)):
        (judged,) = judge_runs([write(tmp_path / name, sink=sink)])
        assert judged.verdict.result == INVALID
        assert f"lies on {kind}: what it acknowledged does not survive a power cut" in judged.verdict.reason


@pytest.mark.parametrize(
    "sink",
    [
        {"name": "sqlite", "durable": True, "simulated": False, "filesystem": "ext4"},
        {"name": "null", "durable": False, "simulated": False, "filesystem": "tmpfs"},
        {"name": "model", "durable": True, "simulated": True, "filesystem": "tmpfs"},
        {"name": "sqlite", "durable": True, "simulated": False},
    ],
)
def test_only_a_claim_can_be_broken(tmp_path: Path, sink: dict[str, Any]) -> None:
    (judged,) = judge_runs([passing(tmp_path / "run", sink=sink)])
    assert judged.verdict.result == PASS


def test_one_run_judged_alone_and_many_judged_at_once_are_cut_into_the_same_blocks(tmp_path: Path) -> None:
    """The stalls of the sink, one each half second, make blocks longer: 20 and not 50."""
    rows, sent = paced_rows(10_000, lambda number: 80.0 if number % 200 == 0 else 2.0)
    folders = [write_run(tmp_path / "a", rows, sent, self_checks=CHECKS), passing(tmp_path / "b")]
    for judged in judge_runs(folders):
        with open_evidence(judged.run_dir) as evidence:
            alone = figures_of(evidence).verdict
        assert judged.verdict == alone
        assert judged.verdict.block_count == (20 if judged.run_dir.name == "a" else 50)
