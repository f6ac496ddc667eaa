"""The stall probe: sees what its process slept through, ends with its parent, is silent where it can't run.

Must live here: tests of both halves. Must not: bounds on how calm the host of the tests is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestexp.engine.probes import HostProbe
from ingestexp.engine.stall_probe import StallProbe, disk_stat
from ingestexp.engine.stall_watch import DiskWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 20.0


@pytest.fixture
def probe() -> Iterator[StallProbe]:
    started = StallProbe()
    try:
        first_stall_ns(started)
        yield started
    finally:
        started.close()


def until(found: Callable[[], object]) -> None:
    """Wait for what another process does: the deadline is only for a broken one."""
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.001)


def first_stall_ns(probe: StallProbe) -> int:
    seen: list[int] = []

    def look() -> bool:
        value = probe.max_ns()
        seen.extend([] if value is None else [value])
        return bool(seen)

    until(look)
    return seen[-1]


def test_a_stopped_probe_has_stalled_as_long_as_it_was_stopped(probe: StallProbe) -> None:
    assert probe.pid is not None
    os.kill(probe.pid, signal.SIGSTOP)
    os.waitpid(probe.pid, os.WUNTRACED)
    probe.max_ns()
    stopped_ns = time.monotonic_ns()
    until(lambda: time.monotonic_ns() - stopped_ns > 60_000_000)
    assert probe.max_ns() is None, "nobody woke: not known yet, not calm"
    stopped_for_ns = time.monotonic_ns() - stopped_ns
    os.kill(probe.pid, signal.SIGCONT)
    assert first_stall_ns(probe) >= stopped_for_ns - 3_000_000


def test_a_stall_is_seen_once(probe: StallProbe) -> None:
    assert probe.pid is not None
    os.kill(probe.pid, signal.SIGSTOP)
    os.waitpid(probe.pid, os.WUNTRACED)
    stopped_ns = time.monotonic_ns()
    until(lambda: time.monotonic_ns() - stopped_ns > 50_000_000)
    os.kill(probe.pid, signal.SIGCONT)
    first_stall_ns(probe)
    os.kill(probe.pid, signal.SIGSTOP)
    os.waitpid(probe.pid, os.WUNTRACED)
    probe.max_ns()
    assert probe.max_ns() is None


def test_an_interrupt_is_not_for_the_probe(probe: StallProbe) -> None:
    assert probe.pid is not None
    os.kill(probe.pid, signal.SIGINT)
    probe.max_ns()
    first_stall_ns(probe)


def test_the_process_ends_with_the_probe() -> None:
    probe = StallProbe()
    pid = probe.pid
    assert pid is not None
    probe.close()
    assert not is_there(pid)
    assert probe.max_ns() is None
    probe.close()


def test_the_process_ends_with_a_parent_that_was_killed() -> None:
    program = (
        "import time; from ingestexp.engine.stall_probe import StallProbe\n"
        "probe = StallProbe()\n"
        "while probe.max_ns() is None: time.sleep(0.001)\n"
        "print(probe.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    until(lambda: not is_there(pid))


def test_where_it_cannot_run_there_is_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = StallProbe(program=tmp_path / "not_there.py")
    assert gone.max_ns() is None
    gone.close()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no_python"))
    never = StallProbe()
    assert (never.pid, never.max_ns()) == (None, None)
    never.close()


def test_the_host_probe_passes_it_on_and_closes_it(probe: StallProbe) -> None:
    host = HostProbe(probe)
    until(lambda: host.stall_max_ns() is not None)
    host.close()
    assert probe.pid is None
    without = HostProbe()
    assert without.stall_max_ns() is None
    without.close()


def counters(file: Path, completed: int, in_flight: int, flushes: int | None = 0) -> Path:
    """As in /sys/block/…/stat; `flushes` None: of a kernel that counts neither discards nor flushes."""
    fields = [completed, 0, 0, 0, completed, 0, 0, 0, in_flight, 0, 0]
    fields += [] if flushes is None else [0, 0, 0, 0, flushes, 0]
    file.touch()
    with file.open("r+b", buffering=0) as out:  # in one write, and into the file that is open already
        out.write(" ".join(f"{field:8}" for field in fields).encode() + b"\n")
    return file


@pytest.mark.parametrize("flushes", [0, None])
def test_a_disk_stands_still_from_when_requests_were_seen_and_none_was_completed(
    tmp_path: Path, flushes: int | None
) -> None:
    stat = counters(tmp_path / "stat", 10, 0, flushes)
    watch = DiskWatch(str(stat))
    assert [watch.stands_still_ns(now) for now in (100, 200)] == [0, 0], "idle"
    counters(stat, 10, 1, flushes)
    assert [watch.stands_still_ns(now) for now in (300, 400, 500)] == [0, 100, 200]
    counters(stat, 11, 1, flushes)
    assert [watch.stands_still_ns(now) for now in (600, 700, 800)] == [0, 0, 100], "at work, then another one waits"
    counters(stat, 11, 0, flushes)
    assert watch.stands_still_ns(900) == 0
    assert DiskWatch("").stands_still_ns(1000) == 0


def test_a_flush_that_is_done_counts(tmp_path: Path) -> None:
    watch = DiskWatch(str(counters(tmp_path / "stat", 10, 1, 5)))
    assert [watch.stands_still_ns(now) for now in (100, 200, 300)] == [0, 0, 100]
    counters(tmp_path / "stat", 10, 1, 6)
    assert watch.stands_still_ns(400) == 0


def test_the_probe_watches_a_disk(tmp_path: Path) -> None:
    """The counters are made up: nobody can make a real disk stand still."""
    stat = counters(tmp_path / "stat", 10, 1)
    host = HostProbe(StallProbe(stat))
    try:
        until(lambda: (host.disk_stall_max_ns() or 0) > 40_000_000)
        counters(stat, 11, 0)
        until(lambda: host.disk_stall_max_ns() == 0)
    finally:
        host.close()
    with_none = HostProbe(StallProbe())
    until(lambda: with_none.stall_max_ns() is not None)
    assert with_none.disk_stall_max_ns() is None
    with_none.close()


def test_which_disk_a_folder_lies_on(tmp_path: Path) -> None:
    assert disk_stat(tmp_path / "not" / "there") == disk_stat(tmp_path)
    assert disk_stat(Path("/proc")) is None
    found = disk_stat(tmp_path)
    if found is not None:
        assert DiskWatch(str(found)).stands_still_ns(1) == 0


def is_there(pid: int) -> bool:
    """Running: neither gone nor a zombie that its new parent has yet to bury."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
