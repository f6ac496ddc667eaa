"""When a host counts as disturbed: each sign by itself, and none where nothing is known.

Must live here: the rule on samples made by hand, and that a live run records it. Must not: whether the host of the
tests is calm.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestexp.engine.probes import HostProbe
from ingestexp.experiment.host_check import host_check, is_served
from ingestexp.trace.host_samples import HostSamples, host_samples
from tests.report.evidence import passing

if TYPE_CHECKING:
    from pathlib import Path

MS = 1e6


def samples(stalls_ms: list[float], *, stolen_ms: float = 0.0, disk_ms: float = 0.0) -> HostSamples:
    """A row every 50 ms; the disk stands still in the last one."""
    count = len(stalls_ms)
    flat = np.zeros(count)
    return HostSamples(
        np.arange(count) * 50 * MS,
        np.array(stalls_ms) * MS,
        np.linspace(0, stolen_ms * MS, count),
        flat,
        flat,
        np.append(flat[1:], disk_ms * MS)[:count],
    )


@pytest.mark.parametrize(
    ("rows", "others", "why"),
    [
        (samples([0.1] * 100), 0.01, []),
        (samples([0.1] * 99 + [49.0]), 0.01, []),
        (samples([0.1] * 99 + [80.0]), 0.01, ["a process that wanted to run waited 80 ms for a core"]),
        (samples([0.1] * 96 + [6.0] * 4), 0.01, []),
        (samples([0.1] * 90 + [6.0] * 10), 0.01, ["stalls of 5 ms or more in 10% of the sampling intervals"]),
        (samples([0.1] * 101, stolen_ms=190), 0.01, []),
        (samples([0.1] * 101, stolen_ms=300), 0.01, ["the hypervisor gave 3.0% of the processor time to others"]),
        (samples([0.1] * 100, disk_ms=29.0), 0.01, []),
        (samples([0.1] * 100, disk_ms=80.0), 0.01, ["the disk had requests in flight and completed none for 80 ms"]),
        (samples([0.1] * 100), 0.5, ["other processes used 50% of the run's cores"]),
        (samples([0.1] * 100), None, []),
    ],
)
def test_each_sign_by_itself(rows: HostSamples, others: float | None, why: list[str]) -> None:
    found = host_check(rows, 2, others, served=False)
    assert (found["disturbed"], found["why"]) == (bool(why), why)


def test_a_stall_of_the_disk_that_several_samples_saw_counts_once() -> None:
    """A row every 50 ms: from 60 to 200 ms, seen at 100, 150 and 200 ms; another of 40 ms, seen at 350 ms."""
    seen_ms = np.array([0, 0, 40, 90, 140, 0, 20, 40, 0, 0, 0], float)
    found = host_check(replace(samples([0.1] * 11), disk_stall_max_ns=seen_ms * MS), 2, 0.01, served=False)
    assert found["disk_stall_max_ms"] == 140
    assert found["disk_stalled_ratio"] == pytest.approx(180 / 500)


def test_a_server_that_works_for_the_run_disturbs_nobody() -> None:
    assert not host_check(samples([0.1] * 100), 2, 0.6, served=True)["disturbed"]
    assert is_served({"kind": "postgres", "host": "127.0.0.1", "port": 5432})
    assert not is_served({"kind": "sqlite", "path": "sink.db"})


def test_what_nobody_measured_is_null() -> None:
    found = host_check(samples([float("nan")] * 3), 2, None, served=False)
    assert (found["disturbed"], found["stall_max_ms"], found["stalled_ratio"]) == (False, None, None)
    unwatched = replace(samples([0.1] * 3), disk_stall_max_ns=np.full(3, np.nan))
    assert host_check(unwatched, 2, None, served=False)["disk_stall_max_ms"] is None
    nothing = host_check(samples([]), 2, None, served=False)
    assert (nothing["disturbed"], nothing["steal_ratio"], nothing["psi_io_full_ratio"]) == (False, None, None)


def test_samples_come_from_the_closed_trace(tmp_path: Path) -> None:
    assert len(host_samples(passing(tmp_path / "run")).at_ns) == 0
    assert len(host_samples(tmp_path / "nothing").at_ns) == 0


def test_the_share_of_others_needs_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import ingestexp.engine.probes as probes

    clock: dict[str, Any] = {"now": 0, "busy": 0}
    monkeypatch.setattr(probes, "_busy_ns", lambda _cores: clock["busy"])
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock["now"])
    monkeypatch.setattr(time, "process_time_ns", lambda: 0)
    probe = HostProbe()
    cores = len(probe._cores)
    try:
        clock.update(now=100_000_000, busy=100_000_000)
        assert probe.others_cpu_ratio() is None
        clock.update(now=1_000_000_000, busy=250_000_000 * cores)
        assert probe.others_cpu_ratio() == pytest.approx(0.25)
    finally:
        probe.close()
