"""Was the host calm while the run was measured? The manifest's `self_checks.host`.

Must live here: the rule and its bounds (docs/decisions/0015). Must not: reading the trace, verdicts (`report`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from ingestexp.trace.host_samples import HostSamples

STALL_NS: Final = 5_000_000
"""From here on a wait for a core counts as a stall."""
MOST_STALLED_RATIO: Final = 0.05
LONGEST_STALL_NS: Final = 50_000_000
DISK_STALL_NS: Final = 30_000_000
"""A disk that has requests in flight and completes none for so long stands still: more than a seek and a flush."""
MOST_STEAL_RATIO: Final = 0.02
MOST_OTHERS_RATIO: Final = 0.15
"""Of this run's cores."""


def host_check(samples: HostSamples, cores: int, others_ratio: float | None, served: bool) -> dict[str, Any]:
    """`disturbed` with the sentences that say why, and the figures; a figure the host does not offer is None.

    stalled_ratio: share of the sampling intervals in which a stall of 5 ms or more ended. steal_ratio: stolen time ÷
    (elapsed × cores). others_cpu_ratio: share of the run's cores that other processes used; not judged where the sink
    is `served` by one of them. disk_stall_max_ms: the longest that the disk had requests in flight and completed none;
    disk_stalled_ratio: share of the time in which it did so for 30 ms or more; both None where nothing durable of the
    run lies on a disk of this host. psi_io_full_ratio: share of the time in which
    everything waited for I/O; shown, not judged: a durable sink's own fsyncs count in it.
    """
    elapsed_ns = float(samples.at_ns[-1] - samples.at_ns[0]) if len(samples.at_ns) > 1 else 0.0
    stalls = samples.stall_max_ns[~np.isnan(samples.stall_max_ns)]
    stall_max_ns = float(stalls.max()) if len(stalls) else None
    stalled_ratio = float(np.mean(stalls >= STALL_NS)) if len(stalls) else None
    disk_stalls = samples.disk_stall_max_ns[~np.isnan(samples.disk_stall_max_ns)]
    disk_stall_max_ns = float(disk_stalls.max()) if len(disk_stalls) else None
    disk_stalled_ratio = _disk_stalled_ns(samples) / elapsed_ns if len(disk_stalls) and elapsed_ns else None
    steal_ratio = _grown(samples.steal_ns, elapsed_ns * cores)
    io_ratio = _grown(samples.psi_io_full_us * 1000, elapsed_ns)
    why = []
    if stall_max_ns is not None and stall_max_ns >= LONGEST_STALL_NS:
        why.append(f"a process that wanted to run waited {stall_max_ns / 1e6:.0f} ms for a core")
    if stalled_ratio is not None and stalled_ratio >= MOST_STALLED_RATIO:
        why.append(f"stalls of {STALL_NS / 1e6:g} ms or more in {stalled_ratio:.0%} of the sampling intervals")
    if disk_stall_max_ns is not None and disk_stall_max_ns >= DISK_STALL_NS:
        why.append(f"the disk had requests in flight and completed none for {disk_stall_max_ns / 1e6:.0f} ms")
    if steal_ratio is not None and steal_ratio >= MOST_STEAL_RATIO:
        why.append(f"the hypervisor gave {steal_ratio:.1%} of the processor time to others")
    if others_ratio is not None and others_ratio >= MOST_OTHERS_RATIO and not served:
        why.append(f"other processes used {others_ratio:.0%} of the run's cores")
    return {
        "disturbed": bool(why),
        "why": why,
        "stall_max_ms": None if stall_max_ns is None else round(stall_max_ns / 1e6, 3),
        "stalled_ratio": stalled_ratio,
        "disk_stall_max_ms": None if disk_stall_max_ns is None else round(disk_stall_max_ns / 1e6, 3),
        "disk_stalled_ratio": disk_stalled_ratio,
        "steal_ratio": steal_ratio,
        "others_cpu_ratio": others_ratio,
        "psi_io_full_ratio": io_ratio,
    }


def _disk_stalled_ns(samples: HostSamples) -> float:
    """Each stall once, however many samples saw it, up to the sample that did."""
    covered_ns = end_ns = 0.0
    for at_ns, stall_ns in zip(samples.at_ns, samples.disk_stall_max_ns, strict=True):
        if stall_ns >= DISK_STALL_NS:
            covered_ns += float(at_ns - max(end_ns, at_ns - stall_ns))
            end_ns = float(at_ns)
    return covered_ns


def is_served(sink: dict[str, Any]) -> bool:
    """Does a sink's config name a server? Then another process works for this run."""
    return any(name in sink for name in ("host", "port", "url", "dsn", "address", "servers"))


def _grown(totals: Any, whole_ns: float) -> float | None:
    """By how much a running total grew, as a share of `whole_ns`."""
    known = totals[~np.isnan(totals)]
    return float(known[-1] - known[0]) / whole_ns if len(known) > 1 and whole_ns > 0 else None
