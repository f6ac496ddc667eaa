"""One run, end to end: build, drive, close the evidence, balance the ledger, read the sink back.

Must live here: the order of these steps and what each failure means for the manifest. Must not: the config's
mistakes (found before), figures and verdicts (`report`, from the evidence alone).
"""

from __future__ import annotations

import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestexp.core.control import Static
from ingestexp.core.pipeline import Pipeline
from ingestexp.engine.live_run import LiveRun, RunEnd
from ingestexp.engine.probes import HostProbe
from ingestexp.engine.sampler import Sampler
from ingestexp.engine.simulated_run import SimulatedRun
from ingestexp.engine.stall_probe import StallProbe
from ingestexp.experiment.build import build
from ingestexp.experiment.build_decode import close_envelopes
from ingestexp.experiment.build_faults import build_faults
from ingestexp.experiment.host_check import is_served
from ingestexp.experiment.latest import point_latest
from ingestexp.experiment.manifest import Manifest, first_facts
from ingestexp.experiment.progress import Interrupts, ProgressLine
from ingestexp.experiment.run_facts import counted, described, disk_below
from ingestexp.experiment.self_check import self_checks
from ingestexp.experiment.supervisor.usage import note_exhaustion, own_rss_bytes
from ingestexp.ports import Notices, Saturate, SinkError
from ingestexp.spill_port import SpillError
from ingestexp.trace.recorder import Recorder
from ingestexp.trace.tally import Tally
from ingestexp.trace.writer import TraceError, TraceWriter

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.build import Parts
    from ingestexp.experiment.redrive import Redrive
    from ingestexp.experiment.schema import RunConfig
    from ingestexp.experiment.spill import Spilling

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 3, 130


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: the manifest's status and the process's exit code (verdicts aside)."""

    status: str
    exit_code: int
    run_dir: Path
    reason: str | None = None


def execute(
    config: RunConfig,
    run_dir: Path,
    command: list[str],
    cell: dict[str, Any] | None = None,
    known: dict[str, Any] | None = None,
) -> RunResult:
    """Run the config and leave its evidence in `run_dir`. Never raises for what the world does to a run.

    `cell` says which cell of which sweep this is; the sweep then sees to `runs/latest`. `known`: what a supervisor
    already knows for the manifest.
    """
    facts = first_facts(config, run_dir, command) | (known or {})
    if cell is not None:
        facts["cell"] = cell
    manifest = Manifest(run_dir, facts)
    try:
        manifest.begin()
    except FileExistsError:
        reason = f"{run_dir} already holds a run; evidence is never overwritten: name another folder"
        return RunResult("failed", EXIT_FAILED, run_dir, reason)
    if cell is None:
        point_latest(run_dir)
    run = _Run(config, run_dir, manifest)
    try:
        return run.execute()
    except KeyboardInterrupt:  # after the load: while the evidence is closed or checked
        return run.end("interrupted", "ended by the user before the self-checks were through")
    except Exception as error:  # a fault of ours: the manifest says so instead of `running` for good
        note_exhaustion(facts["memory"], error)
        run.end("failed", f"{type(error).__name__}: {error}")
        raise


class _Run:
    """The steps of one run, and what is known so far when one of them fails."""

    def __init__(self, config: RunConfig, run_dir: Path, manifest: Manifest) -> None:
        self.config = config
        self.run_dir = run_dir
        self.manifest = manifest
        self.interrupts = Interrupts()
        self.notices = Notices()
        self.writer: TraceWriter | None = None
        self.others_cpu_ratio: float | None = None
        self.simulated = config.clock.value == "simulated"
        self.faults = build_faults(config)
        self.redrive: Redrive | None = None
        self.spilling: Spilling | None = None

    def execute(self) -> RunResult:
        facts = self.manifest.facts
        try:
            parts = build(self.config, self.run_dir, self.notices)
            self.spilling = parts.spilling
            parts = parts if self.faults is None else self.faults.around(parts)
            facts.update(described(parts, facts["config"]["sink"], self.run_dir, self.simulated))
            if not self.simulated:
                parts.sink.open()
                if parts.redrive is not None:
                    self.redrive = parts.redrive
                    facts.update(parts.redrive.take_over(parts.sink, self.run_dir))
                facts["memory"]["baseline_bytes"] = own_rss_bytes()
                self.manifest.write()  # not of a simulated run, which is over before anybody looks
        except (SinkError, SpillError, ValueError, OSError) as error:
            return self.end("failed", str(error))
        try:
            end = self._drive(parts)
            parts.sink.close()
            self._audit(parts, end)
        except (SinkError, TraceError, OSError) as error:
            note_exhaustion(facts["memory"], error)
            parts.sink.close()
            return self.end("failed", str(error))
        if end.error is not None:
            note_exhaustion(facts["memory"], end.error)
            return self.end("failed", str(end.error) or type(end.error).__name__)
        if end.interrupted:
            return self.end("interrupted", "ended by the user")
        return self.end("completed", None)

    def _drive(self, parts: Parts) -> RunEnd:
        config = self.config
        core = Pipeline(
            bounds=parts.bounds,
            overflow=parts.overflow,
            control=Static(parts.limits),
            on_failure=parts.on_failure,
            workers=parts.workers,
            ordered=parts.ordered,
            spill=None if parts.spilling is None else parts.spilling.rules,
        )
        duration_ns = parts.load.duration_ns or 0
        line = ProgressLine(self.interrupts, config.slo.percentile, self.simulated, duration_ns)
        line.shown = _shown(config.progress.value, line.shown)
        recorder: Recorder | Tally = Tally()
        if config.trace.enabled:
            watch = line.histogram.watch if line.shown and not isinstance(parts.load, Saturate) else None
            limited = config.memory.limit_mb is not None
            self.writer = TraceWriter(self.run_dir, parts.load.phases, self.simulated, watch, limited)
            recorder = Recorder(self.writer, self.writer.part_ns)
        stalls = StallProbe(disk_below(config, parts, self.run_dir)) if self.writer and not self.simulated else None
        probe = None if self.simulated else HostProbe(stalls)
        sampler = Sampler(core, parts.load, int(config.trace.sample_every_ms * 1e6), self.writer, probe)
        drain_ns = int(config.run.drain_s * 1e9)
        uniform = parts.jitter_rng.random
        cpu_ns = time.process_time_ns()
        # A wish to end is counted while the load runs, and raises again from then on.
        with closing(probe) if probe else nullcontext(), self.interrupts:
            if self.simulated:
                assert not isinstance(parts.load, Saturate)
                wrong = None if self.faults is None else self.faults.modelled()
                end = SimulatedRun(
                    core, recorder, parts.load, parts.payloads, parts.cost, uniform, drain_ns, sampler, line, wrong,
                    parts.spilling,
                ).run()  # fmt: skip
            else:
                end = LiveRun(
                    core, recorder, parts.load, parts.payloads, parts.sink, uniform, drain_ns, sampler, line,
                    parts.redriving, self._begun, None if parts.spilling is None else parts.spilling.store,
                ).run()  # fmt: skip
            self.others_cpu_ratio = probe.others_cpu_ratio() if probe else None
        line.clear()
        driven_s = time.time() - end.started_wall_s
        self._close_trace(recorder, sampler, end)
        if self.faults is not None:
            self.manifest.facts["faults"] = self.faults.record(
                self.run_dir if self.writer else None, parts.of_the_load(core.offered), parts.base_id
            )
        if (envelopes := close_envelopes(parts.load)) is not None:
            self.manifest.facts["envelopes"] = envelopes
        totals = recorder.totals
        self.manifest.facts.update(
            load_started_at_s=end.started_wall_s,
            timing={"driven_s": driven_s, "trace_closed_s": time.time() - end.started_wall_s},
            load_ended_at_ns=end.load_ended_at_ns,
            ended_at_ns=end.ended_at_ns,
            counters={
                **counted(core, totals, end.parked_again),
                "cpu_ns": time.process_time_ns() - cpu_ns,
                "peak_rss_bytes": sampler.peak_rss_bytes,
            },
        )
        return end

    def _begun(self, zero_unix_ns: int) -> None:
        if self.writer is not None:
            self.writer.zero_unix_ns = zero_unix_ns
        if self.spilling is not None:  # what a kill leaves there is due by this clock
            self.manifest.write(load_started_at_s=zero_unix_ns / 1e9)

    def _close_trace(self, recorder: Recorder | Tally, sampler: Sampler, end: RunEnd) -> None:
        """Close the evidence, also after an error; an error of the trace itself becomes the run's."""
        if self.writer is None:
            return
        try:
            recorder.hand_over()
            sampler.flush(end.ended_at_ns, 0)
        except TraceError as error:
            end.error = end.error or error
        try:
            self.writer.close()
        except TraceError as error:
            end.error = end.error or error

    def _audit(self, parts: Parts, end: RunEnd) -> None:
        facts = self.manifest.facts
        facts["sink"].update(parts.sink.describe())
        writer = None if isinstance(end.error, TraceError) else self.writer
        offered, served = facts["counters"]["offered"], is_served(facts["config"]["sink"])
        checks = self_checks(self.run_dir, offered, parts, writer, self.simulated, self.others_cpu_ratio, served)
        checks["generator"]["source_core"] = end.source_core
        facts.get("redrive", {}).update(checks.pop("redriven", {}))
        facts["self_checks"] = checks

    def end(self, status: str, reason: str | None) -> RunResult:
        if self.redrive is not None:
            self.redrive.release()
        self.manifest.facts["notices"] = self.notices.lines
        if self.spilling is not None:
            self.manifest.facts["policy"] = self.spilling.close()
        code = {"completed": EXIT_OK, "interrupted": EXIT_INTERRUPTED}.get(status, EXIT_FAILED)
        try:
            self.manifest.finish(status, reason)
        except OSError as error:  # disk full: the last manifest on disk says `running`, and a dead one is a crash
            reason = f"{reason or status}; the manifest could not be written either: {error.strerror}"
            code = EXIT_FAILED
        return RunResult(status, code, self.run_dir, reason)


def _shown(wish: str, is_terminal: bool) -> bool:
    return is_terminal if wish == "auto" else wish == "on"
