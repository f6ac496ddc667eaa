"""kill -9 of a process that spills, and the order of its system calls: durability by order, not by luck."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ingestexp.adapters.spill.recovery import recover, recovered_items
from tests.adapters.spill.spill_child import SEGMENT_BYTES
from tests.adapters.spill.stretches import ids
from tests.contracts.sink_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 50


def child(folder: Path, seed: int, frames: int) -> list[str]:
    return [sys.executable, "-m", "tests.adapters.spill.spill_child", str(folder), str(seed), str(frames)]


def told(lines: list[str], what: str) -> int:
    """The last id bound that was said. A line torn by the kill says nothing."""
    said = [re.fullmatch(rf"{what} (\d+)\n", line) for line in lines]
    return max((int(match[1]) for match in said if match), default=0)


def the_oldest_alone(folder: Path) -> Path:
    """A folder with the oldest segment only."""
    alone = folder / "alone"
    alone.mkdir()
    for path in sorted(folder.glob("*.spill"))[:1]:
        shutil.copy(path, alone)
    return alone


def test_nothing_accepted_is_lost_by_kill_9_at_random_moments(tmp_path: Path) -> None:
    """Every accepted and not released id is recovered, in order, once a recovery; of the released, only those of the
    segments that were not deleted yet come again."""
    rng = random.Random(7)
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        with subprocess.Popen(
            child(folder, kill, 100_000), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(rng.randint(1, 60))]
            process.kill()
            lines += process.stdout.readlines()
        accepted, released = told(lines, "accepted"), told(lines, "released")
        assert accepted > 0
        found = ids(recovered_items(folder))
        first, end = (found[0], found[-1] + 1) if found else (accepted, accepted)
        assert found == list(range(first, end)), "in order, none twice"
        assert end >= accepted
        assert first <= told(lines, "releasing"), "nothing that was not released is missing"
        oldest = ids(recovered_items(the_oldest_alone(folder)))
        assert not oldest or oldest[-1] >= released, "a segment that was released as a whole does not come again"
        queue = recover(folder, 1 << 30, SEGMENT_BYTES)
        got = []
        while part := queue.take(64):
            got += part
        assert ids(got) == found
        queue.close()
        shutil.rmtree(folder)


def test_the_flush_comes_before_the_word_that_it_is_accepted(tmp_path: Path) -> None:
    """As strace sees it: every write to a segment is followed by its fdatasync, and a new file by its folder's fsync,
    before the next `accepted` line is written."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "strace.log"
    calls = "trace=openat,write,writev,fdatasync,fsync,close"
    tracer = ["strace", "-f", "-qq", "-y", "-s", "16", "-e", calls, "-e", "signal=none", "-o", str(log)]
    done = subprocess.run(
        [*tracer, *child(tmp_path / "spill", 3, 60)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr and "not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    unflushed: set[str] = set()
    unnamed: set[str] = set()
    acks = writes = 0
    for line in log.read_text().splitlines():
        name = re.search(r"(\d{6}\.spill)", line)
        call = re.match(r"\d+\s+(\w+)\(", line)
        if call is None:
            continue
        if call[1] == "openat" and name and "O_CREAT" in line:
            unnamed.add(name[1])
        elif call[1] in ("write", "writev") and name:
            unflushed.add(name[1])
            writes += 1
        elif call[1] == "fdatasync" and name and line.endswith("= 0"):
            unflushed.discard(name[1])
        elif call[1] == "fsync" and name is None and line.endswith("= 0"):
            unnamed.clear()
        elif '"accepted ' in line:
            acks += 1
            assert unflushed == set(), line
            assert unnamed == set(), line
    assert acks == 60
    assert writes >= 60
