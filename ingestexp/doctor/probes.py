"""What the host does when it is asked: how fast an fsync, how punctual a sleep, how calm for two seconds.

Must live here: short measurements and the words for their figures. Must not: whole runs (`pairs`).
"""

from __future__ import annotations

import math
import os
import socket
import tempfile
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from ingestexp.doctor.finding import CAREFUL, INVALID, OK, Finding
from ingestexp.engine.placement import sharpen_timer
from ingestexp.engine.probes import HostProbe
from ingestexp.engine.stall_probe import StallProbe
from ingestexp.experiment.host_check import host_check
from ingestexp.trace.host_samples import HostSamples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FSYNCS: Final = 200
FSYNC_PATIENCE_S: Final = 5.0
IMPOSSIBLE_FSYNC_US: Final = 20.0
DOUBTFUL_FSYNC_US: Final = 50.0
SLEEPS: Final = 2000
SLEEP_S: Final = 0.001
LATE_NS: Final = 1_000_000
SERVICES: Final = {
    "PostgreSQL": 5432, "Redis": 6379, "NATS": 4222, "RabbitMQ": 5672, "MariaDB": 3306, "Mosquitto": 1883,
}  # fmt: skip


def fsync_finding(folder: Path) -> Finding:
    """Appends 4 KiB and syncs, 200 times or for 5 s. Raises OSError."""
    took_us = []
    deadline = time.monotonic() + FSYNC_PATIENCE_S
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(FSYNCS):
            file.write(bytes(4096))
            began_ns = time.perf_counter_ns()
            os.fsync(file.fileno())
            took_us.append((time.perf_counter_ns() - began_ns) / 1e3)
            if time.monotonic() > deadline:
                break
    return judge_fsync(took_us)


def judge_fsync(took_us: Sequence[float]) -> Finding:
    p50_us, p99_us = nearest_rank(took_us, 0.5), nearest_rank(took_us, 0.99)
    found = f"p50 {p50_us / 1e3:.3g} ms, p99 {p99_us / 1e3:.3g} ms ({len(took_us)} × 4 KiB)"
    figures = {"p50_us": p50_us, "p99_us": p99_us, "count": len(took_us)}
    if p50_us < IMPOSSIBLE_FSYNC_US:
        return Finding("fsync", found, INVALID, "faster than any disk: probably not durable", figures)
    if p50_us < DOUBTFUL_FSYNC_US:
        return Finding("fsync", found, CAREFUL, "only a drive with a protected cache is so fast: durable?", figures)
    return Finding("fsync", found, figures=figures)


def calm_findings() -> list[Finding]:
    """Sleeps for about two seconds, a millisecond at a time, and looks at what the host did meanwhile."""
    late_ns, rows = [], []
    probe = HostProbe(StallProbe())
    try:
        sharpen_timer()
        for number in range(SLEEPS):
            began_ns = time.perf_counter_ns()
            time.sleep(SLEEP_S)
            late_ns.append(time.perf_counter_ns() - began_ns - SLEEP_S * 1e9)
            if number % 50 == 49:
                known = (probe.stall_max_ns(), probe.steal_ns(), probe.psi_cpu_some_us(), probe.psi_io_full_us(), None)
                rows.append((time.monotonic_ns(), *known))
        others_ratio = probe.others_cpu_ratio()
    finally:
        probe.close()
    columns = np.array([[math.nan if value is None else float(value) for value in row] for row in rows]).T
    return [judge_timer(late_ns), judge_calm(HostSamples(*columns), others_ratio)]


def judge_timer(late_ns: Sequence[float]) -> Finding:
    p50, p99, most = nearest_rank(late_ns, 0.5), nearest_rank(late_ns, 0.99), max(late_ns)
    found = f"a sleep of 1 ms ends late by p50 {p50 / 1e6:.3f}, p99 {p99 / 1e6:.3f}, max {most / 1e6:.3f} ms"
    figures = {"p50_ms": p50 / 1e6, "p99_ms": p99 / 1e6, "max_ms": most / 1e6}
    if p99 > LATE_NS:
        return Finding("timer", found, CAREFUL, "latencies below some milliseconds are the host's", figures)
    return Finding("timer", found, figures=figures)


def judge_calm(samples: HostSamples, others_ratio: float | None) -> Finding:
    """By the rule that every run is held to."""
    check = host_check(samples, os.cpu_count() or 1, others_ratio, served=False)
    parts = [] if check["stall_max_ms"] is None else [f"longest stall {check['stall_max_ms']:.1f} ms"]
    parts += [] if check["steal_ratio"] is None else [f"stolen {check['steal_ratio']:.1%}"]
    parts += [] if others_ratio is None else [f"others use {others_ratio:.0%} of the cores"]
    waited = samples.psi_cpu_some_us
    if len(waited) > 1 and not np.isnan(waited[[0, -1]]).any():
        ratio = (waited[-1] - waited[0]) * 1e3 / (samples.at_ns[-1] - samples.at_ns[0])
        parts.append(f"somebody waited for a core {ratio:.0%} of the time")
    level = CAREFUL if check["disturbed"] else OK
    says = f"not calm: {'; '.join(check['why'])}" if check["disturbed"] else ""
    return Finding("calm", ", ".join(parts) or "this host does not say", level, says, check)


def services_finding(services: dict[str, int] | None = None, patience_s: float = 0.2) -> Finding:
    """Who listens on the loopback: connects, says nothing."""
    there = [f"{name} ({port})" for name, port in (services or SERVICES).items() if _listens(port, patience_s)]
    return Finding("services", ", ".join(there) or "none found on the loopback", figures={"found": there})


def nearest_rank(values: Iterable[float], quantile: float) -> float:
    ordered = sorted(values)
    return float(ordered[max(0, math.ceil(quantile * len(ordered)) - 1)])


def _listens(port: int, patience_s: float) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), patience_s):
            return True
    except OSError:
        return False
