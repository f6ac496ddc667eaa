"""A run, in this process or, with a memory limit, in a child of its own whose fate is recorded here.

Must live here: starting the child, passing on its words and the user's wishes, completing its manifest. Must not: how
a limit is set (`enclosure`), what an end is called (`ending`).

Without `memory.limit_mb` there is no child and no cost.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.latest import point_latest
from ingestexp.experiment.manifest import FILE_NAME as MANIFEST
from ingestexp.experiment.manifest import Manifest, first_facts, host_facts
from ingestexp.experiment.progress import Interrupts
from ingestexp.experiment.run import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, RunResult, execute
from ingestexp.experiment.schema.run import Progress
from ingestexp.experiment.supervisor.child import MODULE, RunOrder
from ingestexp.experiment.supervisor.choice import enclose
from ingestexp.experiment.supervisor.enclosure import WAYS, Unavailable
from ingestexp.experiment.supervisor.ending import Seen, ending, refusal
from ingestexp.experiment.supervisor.relay import Relay
from ingestexp.experiment.supervisor.usage import first_memory
from ingestexp.trace.last_sample import last_sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType

    from ingestexp.experiment.schema import RunConfig
    from ingestexp.experiment.supervisor.enclosure import Enclosure

MB: Final = 1 << 20


def carry_out(config: RunConfig, run_dir: Path, command: list[str], cell: dict[str, Any] | None = None) -> RunResult:
    """As `execute`; with a memory limit in a supervised child."""
    if config.memory.limit_mb is None:
        return execute(config, run_dir, command, cell)
    return supervise(config, run_dir, command, cell)


def supervise(
    config: RunConfig,
    run_dir: Path,
    command: list[str],
    cell: dict[str, Any] | None = None,
    ways: Sequence[str] = WAYS,
) -> RunResult:
    """Run it within `memory.limit_mb`, by the first of `ways` that this host allows."""
    limit_mb = config.memory.limit_mb
    assert limit_mb is not None
    if config.progress is Progress.auto:  # the child's stderr is a pipe
        config = dataclasses.replace(config, progress=Progress.on if sys.stderr.isatty() else Progress.off)
    try:
        enclosure, refused = enclose(round(limit_mb * MB), ways)
    except Unavailable as error:
        reason = f"memory.limit_mb={limit_mb:g} can't be enforced here: {error}"
        return RunResult("failed", EXIT_FAILED, run_dir, reason)
    memory = first_memory(limit_mb) | {"enforced_by": enclosure.enforced_by, "refused_ways": refused}
    known = {"memory": memory, "host": host_facts(run_dir)}
    try:
        child = _Child(RunOrder(config, run_dir, command, cell, known), enclosure)
        with child.interrupts:
            child.run()
        return child.record()
    finally:
        enclosure.close()


class _PassedOn(Interrupts):
    """A wish to end is the child's business: once drains, twice stops."""

    def __init__(self) -> None:
        super().__init__()
        self.pid: int | None = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        super()._note(number, frame)
        if self.pid is not None:
            os.kill(self.pid, signal.SIGINT)


class _Child:
    """One run's process, from its start to its manifest's last version."""

    def __init__(self, order: RunOrder, enclosure: Enclosure) -> None:
        self.interrupts = _PassedOn()
        self._order = order
        self._enclosure = enclosure
        self._relay = Relay()
        self._pid = self._code = 0

    def run(self) -> None:
        """Until the process is gone."""
        command = self._enclosure.wrap([sys.executable, "-m", MODULE, str(os.getpid())])
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # A session of its own: the terminal's Ctrl-C comes to us alone.
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.interrupts.pid = self._pid = process.pid
        for _ in range(self.interrupts.count):
            os.kill(process.pid, signal.SIGINT)
        try:
            try:
                with process.stdin as orders:
                    pickle.dump(self._order, orders)
            except BrokenPipeError:
                pass  # it is dead already: its end says why
            for message in self._relay.until_ended(process.pid, process.stdout, process.stderr):
                if "groups" in message:
                    self._enclosure.entered(message["groups"])
        finally:
            if process.returncode is None and not self._relay.ended:
                process.kill()
            self.interrupts.pid = None
            self._code = process.wait()
            process.stdout.close()
            process.stderr.close()

    def record(self) -> RunResult:
        """Complete the manifest: what only a survivor can say."""
        order, said = self._order, self._relay.result
        file = order.run_dir / MANIFEST
        facts = _json(file)
        if (facts is None and file.exists() and file.stat().st_size) or (facts and facts.get("pid") != self._pid):
            reason = said["reason"] if said else f"{order.run_dir} holds another run"
            return RunResult("failed", EXIT_FAILED, order.run_dir, reason)
        manifest = Manifest(order.run_dir, facts or self._facts_of_the_unborn())
        if facts is None and order.cell is None:
            point_latest(order.run_dir)
        memory = manifest.facts["memory"]
        memory.update(
            peak_bytes=self._enclosure.peak_bytes(),
            peak_rss_bytes=(said or {}).get("peak_rss_bytes"),
            oom_kill_count=self._enclosure.oom_kill_count(),
        )
        if said is None:
            _count_by_the_last_sample(manifest.facts, order.run_dir)
        seen = self._seen(manifest.facts if facts else {}, memory)
        memory["exhausted"] = refusal(seen) or memory["exhausted"]
        status, reason = ending(seen)
        try:
            if manifest.facts["ended_at"] is None:
                manifest.finish(status, reason)
            else:
                manifest.facts.update(status=status, status_reason=reason)
                manifest.write()
        except OSError as error:
            reason = f"{reason or status}; the manifest could not be written either: {error.strerror}"
        code = {"completed": EXIT_OK, "interrupted": EXIT_INTERRUPTED}.get(status, EXIT_FAILED)
        return RunResult(status, code, order.run_dir, reason)

    def _seen(self, facts: dict[str, Any], memory: dict[str, Any]) -> Seen:
        said = self._relay.result or {}
        status = facts.get("status")
        if status == "crashed":  # somebody looked between its end and now, and could not know better
            status, facts = "running", {**facts, "status_reason": None}
        return Seen(
            limit_mb=memory["limit_mb"],
            enforced_by=memory["enforced_by"],
            code=self._code,
            interrupts=self.interrupts.count,
            status=said.get("status") or status,
            reason=said.get("reason") or facts.get("status_reason"),
            has_begun=memory["baseline_bytes"] is not None,
            exhausted=memory["exhausted"],
            oom_kill_count=memory["oom_kill_count"],
            peak_bytes=memory["peak_bytes"],
            said=self._relay.said,
        )

    def _facts_of_the_unborn(self) -> dict[str, Any]:
        """Of a run that died before it could say anything."""
        order = self._order
        facts = first_facts(order.config, order.run_dir, order.command) | order.known | {"pid": self._pid}
        return facts if order.cell is None else facts | {"cell": order.cell}


def _count_by_the_last_sample(facts: dict[str, Any], run_dir: Path) -> None:
    """The counters of a run that could not give its own; what it held was lost with it: `unsettled`."""
    last = last_sample(run_dir)
    if last is None or facts["counters"]:
        return
    counted = {name: last[name] for name in ("offered", "committed", "dropped", "dead_lettered")}
    unsettled = counted["offered"] - counted["committed"] - counted["dropped"] - counted["dead_lettered"]
    facts["counters"] = {**counted, "unsettled": unsettled, "counted_by": "the last sample"}
    facts["ended_at_ns"] = last["at_ns"]
    facts["memory"]["peak_rss_bytes"] = last["rss_bytes"]


def _json(file: Path) -> dict[str, Any] | None:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None
