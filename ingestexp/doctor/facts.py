"""What the host says of itself: processor, memory, limits, the disk below the folder.

Must live here: reading these from /proc and /sys. Must not: measuring anything (`probes`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.doctor.finding import CAREFUL, INVALID, OK, Finding
from ingestexp.report.figures import VOLATILE_FILESYSTEMS

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST_MEMORY_BYTES: Final = 1 << 30
_UNLIMITED_BYTES: Final = 1 << 60
"""What cgroup v1 calls no limit is close to 2^63."""


def host_findings(host: dict[str, Any], folder: Path, root: Path = Path("/")) -> list[Finding]:
    """`host`: the facts that every manifest holds. `root`: where /proc and /sys are."""
    groups = list(_groups(root))
    return [
        _processor(host),
        _governor(root),
        _processor_limit(host, groups),
        _memory(host, groups),
        _disk(host, folder),
    ]


def _processor(host: dict[str, Any]) -> Finding:
    allowed, cores = host["cores_allowed"], host["cores"]
    found = f"{host['cpu_model']}, {allowed} of {cores} cores"
    if allowed < 2:
        return Finding("processor", found, CAREFUL, "with one core the load's source shares it with the sink's workers")
    return Finding("processor", found)


def _governor(root: Path) -> Finding:
    files = sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
    governors = sorted({text for file in files if (text := _text(file))})
    if not governors:
        return Finding("governor", "not visible", OK, "a virtual machine does not see the clock's speed")
    if governors == ["performance"]:
        return Finding("governor", "performance")
    return Finding("governor", ", ".join(governors), CAREFUL, "a core that slows down when idle wakes late")


def _processor_limit(host: dict[str, Any], groups: list[Path]) -> Finding:
    limits = [limit for group in groups if (limit := _core_limit(group)) is not None]
    if not limits:
        return Finding("processor limit", "none")
    found, figures = f"{min(limits):g} cores", {"cores": min(limits)}
    if min(limits) < host["cores_allowed"]:
        return Finding(
            "processor limit", found, CAREFUL, "the control group stops the run when it has used these", figures
        )
    return Finding("processor limit", found, figures=figures)


def _memory(host: dict[str, Any], groups: list[Path]) -> Finding:
    limits = [limit for group in groups if (limit := _memory_limit(group)) is not None]
    least = min([host["memory_bytes"], *limits])
    found = f"{host['memory_bytes'] / 2**30:.1f} GiB"
    if least < host["memory_bytes"]:
        found += f", limited to {least / 2**30:.1f} GiB"
    figures = {"usable_bytes": least}
    if least < LEAST_MEMORY_BYTES:
        return Finding("memory", found, CAREFUL, "less than 1 GiB: long overloads may be killed", figures)
    return Finding("memory", found, figures=figures)


def _disk(host: dict[str, Any], folder: Path) -> Finding:
    device = folder.stat().st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    link = Path(f"/sys/dev/block/{name}")
    shown = link.resolve().name if link.exists() else f"device {name}"
    found = f"{folder}: {host['filesystem'] or 'unknown'} on {shown}"
    figures = {"filesystem": host["filesystem"], "device": shown}
    if host["filesystem"] in VOLATILE_FILESYSTEMS:
        says = "files are in memory: a sink here that claims durability makes its run INVALID"
        return Finding("folder", found, INVALID, says, figures)
    return Finding("folder", found, figures=figures)


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of those above, v1 and v2."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        tops = [f"sys/fs/cgroup/{name}" for name in controllers.split(",")] if controllers else ["sys/fs/cgroup"]
        for top in tops:
            group = root / top / path.strip("/")
            while group != root / top:
                yield group
                group = group.parent
            yield root / top


def _core_limit(group: Path) -> float | None:
    quota, _, period = _text(group / "cpu.max").partition(" ")
    if not quota:
        quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return None  # `max`, -1 or nothing there
    return int(quota) / int(period)


def _memory_limit(group: Path) -> int | None:
    text = _text(group / "memory.max") or _text(group / "memory.limit_in_bytes")
    return int(text) if text.isdigit() and int(text) < _UNLIMITED_BYTES else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
