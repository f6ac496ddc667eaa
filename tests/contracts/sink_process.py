"""Running `sink_child`: to the end, under strace, until killed, until its disk is full.

Must live here: processes and what they print. Must not: judgement, that is the contract's.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FLUSHES = ("fsync", "fdatasync", "sync_file_range")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
_CALL = re.compile(r"^\d+\s+(\w+)\((\d+)(.*)")


def command(
    target: str, arguments: dict[str, object], path: Path, batches: int, items: int, limit_bytes: int | None
) -> list[str]:
    limit = [] if limit_bytes is None else [str(limit_bytes)]
    program = [sys.executable, "-m", "tests.contracts.sink_child"]
    return [*program, target, json.dumps(arguments), str(path), str(batches), str(items), *limit]


def finished(argv: list[str]) -> dict[str, int]:
    """The child's own figures at its end."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return _figures(done.stdout)


def _figures(stdout: str) -> dict[str, int]:
    figures: dict[str, int] = json.loads(stdout.splitlines()[-1])
    return figures


def broken(argv: list[str]) -> tuple[list[int], str]:
    """(ids acknowledged, the sink's message) of a child whose sink gives up."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stdout[-500:] + done.stderr
    assert "Traceback" not in done.stderr
    *acks, last = done.stdout.splitlines()
    assert last.startswith("broken ")
    return acked_ids(acks), last.removeprefix("broken ")


def acked_ids(lines: list[str]) -> list[int]:
    """Of `ack FIRST END` lines. A line torn by the kill is no acknowledgement."""
    spans = [re.fullmatch(r"ack (\d+) (\d+)\n?", line) for line in lines]
    return [item_id for span in spans if span for item_id in range(int(span[1]), int(span[2]))]


def killed_after(argv: list[str], acks: int) -> list[int]:
    """Ids that were acknowledged by a child that got SIGKILL some time after `acks` batches."""
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(acks)]
        child.kill()
        lines += child.stdout.readlines()
    return acked_ids([line for line in lines if line.endswith("\n")])


@dataclass(frozen=True)
class Call:
    """A system call of the child between its marks: name and file descriptor."""

    name: str
    fd: str
    is_ack: bool

    @property
    def is_flush(self) -> bool:
        return self.name in FLUSHES


def traced(argv: list[str], folder: Path) -> list[Call]:
    """The child's writes and flushes as strace sees them. Skips the test where strace can't be used."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = folder / "strace.log"
    calls = ",".join((*FLUSHES, *WRITES))
    tracer = ["strace", "-f", "-qq", "-s", "24", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(log)]
    done = subprocess.run([*tracer, *argv], cwd=ROOT, capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr and "not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    (folder / "told").write_text(done.stdout)
    lines = log.read_text().splitlines()
    marks = [number for number, line in enumerate(lines) if '(2, "MARK ' in line]
    assert len(marks) == 2
    found = [_CALL.match(line) for line in lines[marks[0] + 1 : marks[1]]]
    return [Call(call[1], call[2], call[2] == "1" and '"ack ' in call[3]) for call in found if call]


def told(folder: Path) -> dict[str, int]:
    """What the child of the last `traced` said of itself."""
    return _figures((folder / "told").read_text())


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs of `size` at `folder`. Skips the test where mounting is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
