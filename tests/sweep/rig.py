"""Runs sweeps as a user does, in a process of their own, and reads what they left; starts a Ray cluster of two nodes.

Must live here: processes and files. Must not: what is expected of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from ingestexp.experiment.sweep_folder import read_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0

SIMULATED = ("clock=simulated", "sink=model", "load.duration_s=0.2", "load.rate_per_s=1000")
LIVE = ("sink=null", "load.rate_per_s=500", "slo.warmup_s=0")


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    own = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_memory_monitor_refresh_ms": "0", "RAY_AUTH_MODE": "disabled"}
    return {**kept, "PYTHONPATH": str(ROOT), **own}  # no auth: a token in the home folder may be of another day


@dataclass(slots=True)
class Home:
    """A working folder. `options` go with every command, before its own."""

    path: Path
    options: tuple[str, ...] = ()

    def start(self, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ingestexp", *self.options, *argv],
            cwd=self.path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *argv: str) -> Ended:
        return ended(self.start(*argv))

    @property
    def sweeps(self) -> list[Path]:
        return sorted(file.parent for file in self.path.glob("runs/*/*/sweep.yaml"))

    def sweep(self) -> Sweep:
        """The only one."""
        (folder,) = self.sweeps
        return Sweep(folder)


@dataclass(slots=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        return " ".join(self.err.split())


def ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=PATIENCE_S)
    return Ended(process.returncode, out, err)


@dataclass(slots=True)
class Sweep:
    """A sweep's folder, read anew at every look."""

    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        found = read_sweep(self.folder)
        assert found is not None
        return found

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.facts["cells"])

    def statuses(self) -> list[str]:
        return [row["status"] for row in self.rows]

    def manifests(self) -> dict[str, dict[str, Any]]:
        """By folder name, those that can be read."""
        found = {}
        for file in sorted(self.folder.glob("*/manifest.json")):
            with contextlib.suppress(ValueError, OSError):
                found[file.parent.name] = json.loads(file.read_text())
        return found

    def running(self) -> list[dict[str, Any]]:
        return [facts for facts in self.manifests().values() if facts["status"] == "running"]

    def arrivals(self, row: dict[str, Any]) -> str:
        """A hash of the intended instants, in the order of ids."""
        parts = sorted((self.folder / row["folder"] / "items").glob("0*.parquet"))
        rows = [pair for part in parts for pair in _instants(part)]
        return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()


def _instants(part: Path) -> Iterator[tuple[int, int]]:
    table = pq.read_table(part, columns=["item_id", "intended_at_ns"])
    return zip(table["item_id"].to_pylist(), table["intended_at_ns"].to_pylist(), strict=True)


def wait_for(look: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Until it returns something true."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(pid: int) -> list[int]:
    """The living ones."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def two_nodes() -> Iterator[str]:
    """The address of a Ray cluster of two nodes with a CPU each, both on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp", ignore_cleanup_errors=True) as temp:
        log = Path(temp) / "log"
        head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={temp}"]
        started: list[subprocess.Popen[bytes]] = []
        try:
            for role in (head, [f"--address=127.0.0.1:{port}"]):
                command = [str(Path(sys.executable).with_name("ray")), "start", *role, "--num-cpus=1", "--block"]
                with log.open("ab") as file:
                    started.append(
                        subprocess.Popen(
                            [*command, "--object-store-memory=80000000"],
                            env=environment(),
                            stdout=file,
                            stderr=file,
                            start_new_session=True,
                        )
                    )
                wait_for(lambda: log.read_text().count("Ray runtime started") == len(started))
            yield f"127.0.0.1:{port}"
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
            for process in started:
                process.wait(30)
