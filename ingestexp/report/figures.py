"""The figures of one run, fetched from its evidence by the tables and audits of `analysis/`.

Must live here: which tables are asked, in what order, and the record of their answers. Must not: rules (`verdict`),
words and layout (`summary`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.supervisor.enclosure import RLIMIT_DATA
from ingestexp.report.exceedances import blocks_of
from ingestexp.report.verdict import Blocks, Case, Slo, Verdict, decide

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.report.evidence import Evidence

AUDITS: Final = ("conservation", "stages_monotone", "batches_match_items")
COUNTED_FROM: Final = 5_000_000
"""From so many items on, what several tables need is counted once."""

MB: Final = 1 << 20
AT_LIMIT_RATIO: Final = 0.9

VOLATILE_FILESYSTEMS: Final = ("tmpfs", "ramfs")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """An audit that does not hold: how many rows offend, and the first of them."""

    audit: str
    row_count: int
    first: Row


@dataclass(frozen=True, slots=True)
class Figures:
    """What the summary is made of. Rows keep the column names of the tables they come from."""

    run_dir: Path
    manifest: Row
    status: str
    status_reason: str | None
    outcomes: list[Row]
    cost: Row
    latency: dict[tuple[str, str], Row]
    blame: Row | None
    lateness: Row | None
    batch_sizes: list[Row]
    backlog: Row | None
    extent: Row | None
    violations: list[Violation]
    warmup_ns: int
    slo: Slo
    verdict: Verdict

    @property
    def is_saturate(self) -> bool:
        return _is_saturate(self.manifest)

    @property
    def is_simulated(self) -> bool:
        return bool(self.manifest.get("clock") == "simulated" or self.manifest.get("sink", {}).get("simulated"))

    @property
    def has_trace(self) -> bool:
        return _has_trace(self.manifest)

    def count(self, outcome: str) -> int:
        """Items of an outcome: by the trace, or by the manifest's counters where there is none."""
        if not self.has_trace:
            return int(self.manifest.get("counters", {}).get(outcome, 0))
        return int(sum(row["item_count"] for row in self.outcomes if row["outcome"] == outcome))

    @property
    def lost_count(self) -> int:
        """Items due after the warm-up that were dropped or dead-lettered."""
        return int(
            sum(row["measured_count"] for row in self.outcomes if row["outcome"] in ("dropped", "dead_lettered"))
        )

    @property
    def offered(self) -> int:
        """By the manifest; of a killed run what its trace holds."""
        recorded = self.manifest.get("counters", {}).get("offered")
        return int(recorded if recorded is not None else sum(row["item_count"] for row in self.outcomes))


def figures_of(evidence: Evidence) -> Figures:
    """Asks everything. Raises EvidenceError."""
    manifest = evidence.manifest
    slo = slo_of(manifest)
    if int(manifest.get("counters", {}).get("offered") or 0) >= COUNTED_FROM:
        evidence.count_once()
    outcomes = evidence.rows("tables/outcome_counts.sql")
    kept = sum(row["measured_count"] for row in outcomes if row["outcome"] in ("committed", "unsettled"))
    extent = _one(evidence, "run_extent")
    backlog = None if _is_saturate(manifest) else _one(evidence, "backlog_slope")
    violations = _violations(evidence)
    conserved = all(violation.audit != "conservation" for violation in violations)
    status = (evidence.status, evidence.status_reason)
    verdict = decide(case_of(manifest, status, _blocks(evidence, extent), conserved, backlog))
    warmup_ns = int(float(manifest.get("slo", {}).get("warmup_s") or 0) * 1e9)
    if not kept:  # nothing after the warm-up: better all items, and say so, than no figure
        warmup_ns = 0
        evidence.set("warmup_ns", "0::BIGINT")
    quantiles = evidence.rows("tables/latency_quantiles.sql")
    return Figures(
        run_dir=evidence.run_dir,
        manifest=manifest,
        status=evidence.status,
        status_reason=evidence.status_reason,
        outcomes=outcomes,
        cost=evidence.rows("tables/fixed_cost_per_item.sql")[0],
        latency={(row["measure"], row["quantile"]): row for row in quantiles},
        blame=_one(evidence, "latency_blame"),
        lateness=_one(evidence, "generator_lateness"),
        batch_sizes=evidence.rows("tables/batch_size_histogram.sql"),
        backlog=backlog,
        extent=extent,
        violations=violations,
        warmup_ns=warmup_ns,
        slo=slo,
        verdict=verdict,
    )


def case_of(
    manifest: Row, status: tuple[str, str | None], blocks: Blocks, conserved: bool, backlog: Row | None
) -> Case:
    """All that the verdict of one run is reached from. `status` with its reason."""
    checks = manifest.get("self_checks") or {}
    host = checks.get("host") or {}
    return Case(
        status=status[0],
        status_reason=status[1],
        slo=slo_of(manifest),
        blocks=blocks,
        ledger_balanced=(checks.get("ledger") or {}).get("balanced"),
        readback_ok=(checks.get("readback") or {}).get("ok"),
        conserved=conserved,
        has_trace=_has_trace(manifest),
        is_saturate=_is_saturate(manifest),
        backlog_grows=bool(backlog and backlog["grows"]),
        backlog_grows_without_lateness=bool(backlog and backlog["grows_without_lateness"]),
        seed=int(manifest.get("seed") or 0),
        disturbed=bool(host.get("disturbed")),
        host_took_ratio=_took_ratio(host),
        served_ratio=1.0 if not backlog else 1 - (backlog["slope_items_per_s"] or 0) / max(backlog["due_per_s"], 1e-9),
        killed_at_limit=_killed_at_limit(manifest),
        allocation_refused=refused_memory(manifest),
        volatile_filesystem=_volatile_filesystem(manifest),
    )


def _killed_at_limit(manifest: Row) -> bool:
    """Not so where a limit above its own, or the host, ran out first."""
    memory = manifest.get("memory") or {}
    limit_mb, peak_bytes = memory.get("limit_mb"), memory.get("peak_bytes")
    if limit_mb is None or not memory.get("oom_kill_count"):
        return False
    return peak_bytes is None or peak_bytes >= AT_LIMIT_RATIO * limit_mb * MB


def refused_memory(manifest: Row) -> bool:
    """By a resource limit, once the load had begun."""
    memory = manifest.get("memory") or {}
    return bool(memory.get("enforced_by") == RLIMIT_DATA and memory.get("exhausted") and memory.get("baseline_bytes"))


def _took_ratio(host: Row) -> float:
    """The most that a host can have taken: every interval with a stall counts as lost. Nothing known: all of it."""
    parts = ("stalled_ratio", "disk_stalled_ratio", "steal_ratio", "others_cpu_ratio")
    known = [host[name] for name in parts if host.get(name) is not None]
    return min(1.0, float(sum(known))) if known else 1.0


def _volatile_filesystem(manifest: Row) -> str | None:
    """By what the run recorded of a sink that really stored something."""
    sink = manifest.get("sink") or {}
    claims = sink.get("durable") and not sink.get("simulated")
    return sink["filesystem"] if claims and sink.get("filesystem") in VOLATILE_FILESYSTEMS else None


def _blocks(evidence: Evidence, extent: Row | None) -> Blocks:
    """The exceedances by time block; no block at all where no item has a response."""
    if extent is None:
        return blocks_of(None)
    return blocks_of(evidence.columns("tables/verdict_blocks.sql"), _stalled(evidence))


def _stalled(evidence: Evidence) -> frozenset[int]:
    """The blocks of one run in which a disturbed host stalled; a calm one is not asked."""
    if not ((evidence.manifest.get("self_checks") or {}).get("host") or {}).get("disturbed"):
        return frozenset()
    return frozenset(row["block"] for row in evidence.rows("tables/stalled_blocks.sql"))


def _violations(evidence: Evidence) -> list[Violation]:
    """What the audits find. A trace that is off has nothing to audit."""
    if not _has_trace(evidence.manifest):
        return []
    found = []
    for audit in (*AUDITS, *(["envelopes_conservation"] if evidence.manifest.get("envelopes") else [])):
        first = evidence.rows(f"audits/{audit}.sql", limit=1)
        if first:
            found.append(Violation(audit, evidence.count(f"audits/{audit}.sql"), first[0]))
    return found


def _one(evidence: Evidence, table: str) -> Row | None:
    rows = evidence.rows(f"tables/{table}.sql")
    return rows[0] if rows else None


def slo_of(manifest: Row) -> Slo:
    slo = manifest.get("slo") or {}
    bound_ms, percentile = float(slo.get("bound_ms", math.inf)), float(slo.get("percentile", 99))
    bound_ns = round(bound_ms * 1e6) if math.isfinite(bound_ms) else 2**62
    return Slo(percentile, bound_ns, float(slo.get("confidence", 0.95)))


def _has_trace(manifest: Row) -> bool:
    return bool(manifest.get("config", {}).get("trace", {}).get("enabled", True))


def _is_saturate(manifest: Row) -> bool:
    by_load = (manifest.get("load") or {}).get("saturate")
    return bool(manifest.get("config", {}).get("load", {}).get("kind") == "saturate" if by_load is None else by_load)
