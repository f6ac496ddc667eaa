"""The run's manifest: what ran, where, how it ended. Written first, replaced atomically at the end.

Must live here: the file and the facts about code, packages and host. Must not: figures of items (those are the
trace's), secrets (a config never holds any).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.source_code import code_version
from ingestexp.experiment.supervisor.usage import first_memory

if TYPE_CHECKING:
    from ingestexp.experiment.schema import RunConfig

FILE_NAME: Final = "manifest.json"
RESERVE_BYTES: Final = 1 << 16
NOT_OF_THE_RUN: Final = ("sweep", "experiment")
_PACKAGES: Final = ("hydra-core", "omegaconf", "numpy", "pyarrow", "duckdb", "zstandard", "lz4", "cramjam")


class Manifest:
    """`facts` is what the file holds. Not thread-safe."""

    def __init__(self, run_dir: Path, facts: dict[str, Any]) -> None:
        self.path = run_dir / FILE_NAME
        self.facts = facts
        self._reserve = run_dir / f".tmp-{FILE_NAME}-reserve"
        self._is_simulated = facts.get("clock") == "simulated"

    def begin(self) -> None:
        """Write the first version, and set room aside for the last one: the disk may be full by then.

        Only of a live run: it has to outlive a full disk and a power cut, a simulated one is soon computed again.

        Claims the folder: raises FileExistsError where another run has just done so.
        """
        self.path.open("x").close()
        if not self._is_simulated:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        self.write()

    def write(self, **facts: Any) -> None:
        """Replace the file in one step: a reader sees the old one or the new one, never a torn one."""
        self.facts.update(facts)
        hidden = self.path.with_name(f".tmp-{FILE_NAME}")
        with hidden.open("w", encoding="utf-8") as file:
            file.write(json.dumps(self.facts, indent=2, allow_nan=False) + "\n")
            if not self._is_simulated:
                file.flush()
                os.fsync(file.fileno())
        hidden.replace(self.path)

    def finish(self, status: str, reason: str | None) -> None:
        """Write the end: one of completed, interrupted, failed, oom_killed, crashed."""
        self._reserve.unlink(missing_ok=True)
        self.write(status=status, status_reason=reason, ended_at=utc_now())

    def record_crash(self, reason: str) -> None:
        """Say what became of a dead run that never said so itself (nothing happens where that can't be written)."""
        if self.facts.get("host", {}).get("boot_id") != boot_id():
            return  # another machine, or this one before it was restarted: not ours to judge
        self.facts.update(status="crashed", status_reason=reason)
        with contextlib.suppress(OSError):
            self._reserve.unlink(missing_ok=True)
            self.write()


def first_facts(config: RunConfig, run_dir: Path, command: list[str]) -> dict[str, Any]:
    """What is known before anything runs."""
    from ingestexp.trace.schema import SCHEMA_VERSION  # with pyarrow, which hashing a config does not need

    plain = plain_config(config)
    host = host_facts(run_dir)
    return {
        "schema_version": SCHEMA_VERSION,
        "status": "running",
        "status_reason": None,
        "run_id": run_dir.name,
        "started_at": utc_now(),
        "ended_at": None,
        "command": command,
        "pid": os.getpid(),
        "seed": config.seed,
        "clock": config.clock.value,
        "config": plain,
        "config_hash": config_hash(plain),
        "code_version": code_version(),
        "packages": package_versions(),
        "python": host["python"],
        "host": host,
        "slo": plain["slo"],
        "sink": {},
        "load": {},
        "load_ended_at_ns": None,
        "ended_at_ns": None,
        "counters": {},
        "memory": first_memory(config.memory.limit_mb),
        "self_checks": {},
        "notices": [],
    }


def plain_config(config: RunConfig) -> dict[str, Any]:
    """The run's config as plain data: what the manifest keeps and what its hash is of. It knows nothing of a sweep."""

    def plain(value: Any) -> Any:
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [plain(entry) for entry in value]
        return value

    return {name: plain(value) for name, value in asdict(config).items() if name not in NOT_OF_THE_RUN}


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def config_hash(config: dict[str, Any]) -> str:
    """12 hex digits that name a config: the same settings, the same hash."""
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@functools.cache
def package_versions() -> dict[str, str]:
    """Of the packages that a run's behaviour hangs on. Not to be changed: the same for all runs of a process."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def host_facts(run_dir: Path) -> dict[str, Any]:
    """What a reader needs to judge the figures: processor, cores, kernel, the run folder's filesystem."""
    return {
        "cpu_model": _cpu_model(),
        "cores": os.cpu_count(),
        "cores_allowed": _cores_allowed(),
        "kernel": platform.release(),
        "boot_id": boot_id(),
        "machine": platform.machine(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "filesystem": filesystem_of(run_dir),
        "python": sys.version.split()[0],
    }


def sink_filesystem(sink: dict[str, Any], run_dir: Path) -> str | None:
    """Of the folder that a sink's plain config keeps its files in; None for a sink without files."""
    return filesystem_of((run_dir / (sink["path"] or "sink")).parent) if "path" in sink else None


@functools.cache
def boot_id() -> str | None:
    """Random, new at every start of the machine: a pid means something only beside it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


@functools.cache
def _cores_allowed() -> int:
    """Of the process as it was when first asked: a sweep pins a run to some of them later (`cell.cores`)."""
    return len(os.sched_getaffinity(0))


@functools.cache
def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else platform.processor()


def filesystem_of(folder: Path) -> str | None:
    """The type of the filesystem that holds the folder (tmpfs: nothing there is durable)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    target = str(folder.resolve())  # also of what does not exist yet
    best: tuple[int, str | None] = (-1, None)
    for line in mounts:
        _, mount_point, kind, *_ = line.replace("\\040", "\x00").split(" ")
        mount_point = mount_point.replace("\x00", " ")
        inside = target == mount_point or target.startswith(mount_point.rstrip("/") + "/")
        if inside and len(mount_point) >= best[0]:  # of two on one folder the later hides the other
            best = (len(mount_point), kind)
    return best[1]
