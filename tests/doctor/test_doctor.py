"""The doctor: what each finding says of made-up figures, the command line, what it leaves behind.

Must live here: rules on values and files made by hand, one quick examination. Must not: bounds on this host's figures.
"""

from __future__ import annotations

import json
import math
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestexp.doctor import __main__ as doctor
from ingestexp.doctor import pairs, probes
from ingestexp.doctor.facts import host_findings
from ingestexp.doctor.finding import CAREFUL, INVALID, OK, Finding, worst
from ingestexp.trace.host_samples import HostSamples

if TYPE_CHECKING:
    from pathlib import Path

HOST: dict[str, Any] = {
    "cpu_model": "Some CPU",
    "cores": 8,
    "cores_allowed": 4,
    "memory_bytes": 8 << 30,
    "filesystem": "ext4",
}
Capture = pytest.CaptureFixture[str]


def findings(tmp_path: Path, files: dict[str, str], **changes: Any) -> dict[str, Finding]:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return {finding.what: finding for finding in host_findings({**HOST, **changes}, tmp_path, root=tmp_path)}


def test_a_host_without_limits(tmp_path: Path) -> None:
    found = findings(tmp_path, {})
    assert {finding.level for finding in found.values()} == {OK}
    assert found["processor"].found == "Some CPU, 4 of 8 cores"
    assert found["processor limit"].found == "none"


def test_limits_of_a_group_above_count_in_version_2(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/a/b\n",
        "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
        "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
        "sys/fs/cgroup/a/b/memory.max": f"{512 << 20}\n",
        "sys/fs/cgroup/a/memory.max": "max\n",
    }
    found = findings(tmp_path, files)
    assert (found["processor limit"].found, found["processor limit"].level) == ("1.5 cores", CAREFUL)
    assert (found["memory"].found, found["memory"].level) == ("8.0 GiB, limited to 0.5 GiB", CAREFUL)


def test_limits_in_version_1(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n",
        "sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "200000",
        "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712",
    }
    found = findings(tmp_path, files)
    assert (found["processor limit"].found, found["processor limit"].level) == ("2 cores", CAREFUL)
    assert found["memory"].found == "8.0 GiB"


def test_what_asks_for_care(tmp_path: Path) -> None:
    files = {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n"}
    found = findings(tmp_path, files, cores_allowed=1)
    assert (found["governor"].found, found["governor"].level) == ("powersave", CAREFUL)
    assert found["processor"].level == CAREFUL


def test_a_folder_in_memory_is_invalid(tmp_path: Path) -> None:
    assert findings(tmp_path, {}, filesystem="tmpfs")["folder"].level == INVALID


@pytest.mark.parametrize(("took_us", "level"), [(5.0, INVALID), (30.0, CAREFUL), (400.0, OK)])
def test_an_fsync_too_fast_to_be_true(took_us: float, level: str) -> None:
    assert probes.judge_fsync([took_us] * 200).level == level


def test_a_late_timer_asks_for_care() -> None:
    assert probes.judge_timer([50_000.0] * 99 + [9e6]).level == OK
    assert probes.judge_timer([50_000.0] * 90 + [9e6] * 10).level == CAREFUL


def test_a_busy_neighbour_asks_for_care() -> None:
    zeros = np.zeros(40)
    rows = HostSamples(np.arange(40) * 5e7, np.full(40, 1e5), zeros, np.arange(40) * 2.5e4, zeros, zeros)
    busy = probes.judge_calm(rows, 0.6)
    assert busy.level == CAREFUL
    assert "somebody waited for a core 50% of the time" in busy.found
    assert probes.judge_calm(rows, 0.01).level == OK
    nothing = np.full(40, math.nan)
    assert probes.judge_calm(HostSamples(rows.at_ns, *[nothing] * 5), None).found == "this host does not say"


def test_services_are_found_by_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        port, unused = server.getsockname()[1], closed.getsockname()[1]
        closed.close()
        found = probes.services_finding({"Here": port, "Gone": unused})
    assert found.figures == {"found": [f"Here ({port})"]}


def test_the_smallest_difference_that_pairs_resolve() -> None:
    """By hand: differences 1, -1, 1, -1, 0: s = 1, √5; t(0.975, 4) = 2.7764, t(0.8, 4) = 0.9410."""
    found = pairs.resolution("p99", [10, 10, 10, 10, 10], [11, 9, 11, 9, 10])
    assert found.difference_mean == 0
    assert found.difference_high == pytest.approx(2.7764 / math.sqrt(5), abs=1e-3)
    assert found.resolves == pytest.approx((2.7764 + 0.9410) / math.sqrt(5), abs=1e-3)
    assert found.resolves_ratio == pytest.approx(found.resolves / 10)
    (finding,) = pairs.pair_findings([found], 5)
    assert finding.level == OK
    assert "this host resolves Δp99 ≥ 1.662 ms (17%)" in finding.says


def test_equal_runs_that_differ_ask_for_care() -> None:
    found = pairs.resolution("p50", [10, 10, 10, 10, 10], [12, 12.1, 12, 12.1, 12])
    (finding,) = pairs.pair_findings([found], 5)
    assert finding.level == CAREFUL
    assert "equal runs differed" in finding.says


def test_pairs_of_a_disturbed_host_ask_for_care() -> None:
    assert pairs.calm_finding(0, 5).level == OK
    found = pairs.calm_finding(3, 5)
    assert (found.level, found.found) == (CAREFUL, "the host was disturbed in 3 of 20 runs")


def test_its_own_configs_are_accepted() -> None:
    assert pairs._config(pairs.STEADY).slo.percentile == 99
    assert pairs._config(pairs.FLAT_OUT).window.max_size == 64


def test_a_quick_examination_leaves_its_findings(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "SLEEPS", 100)
    monkeypatch.setattr(probes, "FSYNCS", 5)
    code = doctor.main(["--quick", "--folder", str(tmp_path / "runs"), "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "runs" / "doctor.json").read_text())
    assert printed["noise_floor"] is None
    assert code == int(printed["level"] == INVALID)
    named = [finding["what"] for finding in printed["findings"]]
    assert named == [
        "processor",
        "governor",
        "processor limit",
        "memory",
        "folder",
        "fsync",
        "timer",
        "calm",
        "services",
    ]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["doctor.json"]
    doctor.main(["--quick", "--folder", str(tmp_path / "runs")])
    assert "doctor.json" in capsys.readouterr().out


def test_pairs_are_run_and_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = ("load.duration_s=0.3", "load.rate_per_s=1000")
    monkeypatch.setattr(pairs, "STEADY", (*pairs.STEADY, *short))
    monkeypatch.setattr(pairs, "FLAT_OUT", (*pairs.FLAT_OUT[:3], "load.duration_s=0.1", *pairs.FLAT_OUT[4:]))
    told: list[tuple[int, int]] = []
    runs = tmp_path / "runs"
    runs.mkdir()
    found, disturbed = pairs.measure(runs, 2, lambda done, all_: told.append((done, all_)))
    assert [one.metric for one in found] == ["p50", "p99", "throughput"]
    assert all(one.mean > 0 for one in found)
    assert 0 <= disturbed <= 8
    assert told == [(number, 8) for number in range(8)]
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize("words", [["--pairs", "4"], ["--pairs", "many"], ["--format", "xml"], ["extra"]])
def test_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        doctor.main(words)
    assert ended.value.code == doctor.EXIT_USAGE


def test_a_folder_that_is_a_file(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()
    assert doctor.main(["--quick", "--folder", str(tmp_path / "file")]) == doctor.EXIT_USAGE
    assert "--folder" in capsys.readouterr().err


def test_an_interrupt_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", interrupted)
    assert doctor.main(["--folder", str(tmp_path)]) == doctor.EXIT_INTERRUPTED


def test_the_worst_finding_decides() -> None:
    levels = [Finding("a", ""), Finding("b", "", INVALID), Finding("c", "", CAREFUL)]
    assert (worst(levels), worst([]), worst(levels[::2])) == (INVALID, OK, CAREFUL)
