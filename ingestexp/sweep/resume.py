"""What an earlier sweep left behind that counts for this one.

Must live here: which folder is gone on with, which of its runs are kept and why the others are not. Must not:
writing, but for the end of dead runs and of attempts that were run again.

Without a folder named, only an unfinished sweep of the very same cells is gone on with: one whose driver died, that
was interrupted, or that has failed cells. What runs hold is read from their manifests; `sweep.yaml` may lag behind.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.fingerprint import differing
from ingestexp.experiment.manifest import FILE_NAME
from ingestexp.experiment.sweep_folder import (
    UNFINISHED,
    ended_as_meant,
    is_at_work,
    plan_hash,
    read_sweep,
    sweeps_below,
)
from ingestexp.sweep.fate import end_dead_run, is_disturbed, manifest_of, supersede
from ingestexp.sweep.job import VERDICT, Outcome
from ingestexp.sweep.turns import is_all_the_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestexp.experiment.compose import Plan
    from ingestexp.sweep.job import CellJob
    from ingestexp.sweep.record import SweepRecord


@dataclass(slots=True)
class Attempt:
    """The newest attempt at a cell. `usable`: completed, on this code and this host; `foreign`: on others of them."""

    folder: str
    number: int
    attempt: int
    status: str
    reason: str | None
    disturbed: bool
    again: str | None
    usable: bool
    foreign: bool
    facts: dict[str, Any]

    def ran_otherwise(self, values: dict[str, Any]) -> bool:
        """Whether it completed with other values of these keys than are decided now."""
        frozen = self.facts["cell"].get("frozen") or {}
        return self.usable and any(frozen.get(key, value) != value for key, value in values.items())


@dataclass(slots=True)
class Earlier:
    """A sweep's folder to go on in, for `cell_count` cells. `attempts`: by the cell's hash; `notes`: for the user."""

    folder: Path
    sweep: dict[str, Any]
    cell_count: int
    attempts: dict[str, Attempt] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        return sum(attempt.usable for attempt in self.attempts.values())

    @property
    def says(self) -> str:
        failed = sum(not attempt.usable and not attempt.foreign for attempt in self.attempts.values())
        which = "that failed or was cut short runs" if failed == 1 else "that failed or were cut short run"
        again = f", {failed} {which} again" if failed else ""
        return f"{self.kept} of {self.cell_count} cells are finished{again}"

    def stage(self, name: str) -> dict[str, Any]:
        return next((dict(stage) for stage in self.sweep.get("stages") or [] if stage.get("name") == name), {})


def find(plan: Plan, code: str, host: dict[str, Any]) -> tuple[Earlier | None, list[str]]:
    """The sweep to go on with, if any, and sentences about those that look alike but are not gone on with."""
    if not plan.sweep.resume:
        return None, []
    named = Path(plan.folder).absolute()
    sweep = read_sweep(named)
    if sweep is not None:  # `check` has seen to it that its cells are ours
        return Earlier(named, sweep, len(plan.cells)), []
    top = next((parent for parent in named.parents if parent.name == "runs"), None)
    if top is None or "hydra.sweep.dir" in plan.typed_keys:
        return None, []
    wanted = plan_hash(cell.cell_hash for cell in plan.cells)
    for folder, hashed in sweeps_below(top):
        if hashed != wanted or is_at_work(folder):
            continue
        sweep = read_sweep(folder)
        if sweep is None or sweep.get("status") not in UNFINISHED:
            return None, []  # the newest one is finished: a new one runs
        if sweep.get("code_version") != code:
            why = f"its code is {sweep.get('code_version')}, now it is {code}"
            return None, [f"{folder} is unfinished but not gone on with: {why}"]
        unlike = differing(sweep.get("host") or {}, host)
        if unlike:
            why = f"it was run on another host ({', '.join(unlike)})"
            return None, [f"{folder} is unfinished but not gone on with: {why}"]
        return Earlier(folder, sweep, len(plan.cells)), []
    return None, []


def take_stock(earlier: Earlier, code: str, hosts: Iterable[dict[str, Any]]) -> None:
    """Read what its runs hold; with the sweep's lock held and its driver gone, a run that says running is dead."""
    hosts = list(hosts)
    strange: Counter[str] = Counter()
    for file in sorted(earlier.folder.glob(f"*/{FILE_NAME}")):
        facts = manifest_of(file.parent)
        cell = None if facts is None else facts.get("cell")
        if facts is None or cell is None or cell.get("superseded"):
            continue
        if facts.get("status") == "running":
            end_dead_run(file.parent, facts, "its sweep was killed")
        finished = facts.get("status") == "completed" or ended_as_meant(facts)
        foreign = _foreign(facts, code, hosts) if finished else ""
        if foreign:
            strange[foreign] += 1
        found = Attempt(
            file.parent.name,
            cell["number"],
            cell.get("attempt", 0),
            str(facts.get("status")),
            facts.get("status_reason"),
            is_disturbed(facts),
            cell.get("again"),
            finished and not foreign,
            bool(foreign),
            facts,
        )
        known = earlier.attempts.get(cell["cell_hash"])
        if known is None or known.attempt < found.attempt:
            earlier.attempts[cell["cell_hash"]] = found
        older = found if known is not None and known.attempt > found.attempt else known
        if older is not None:
            supersede(earlier.folder / older.folder)
    for what, count in strange.items():
        earlier.notes.append(f"{count} finished cell{'s' * (count > 1)} {what}: not mixed in, run again")


def keep(record: SweepRecord, job: CellJob, attempt: Attempt) -> CellJob:
    """Enter a finished cell as it was; the job that it was."""
    kept = dataclasses.replace(job, attempt=attempt.attempt, again=attempt.again)
    outcome = Outcome(job.number, attempt.folder, attempt.status, None, attempt.disturbed)
    outcome.as_expected = ended_as_meant(attempt.facts)
    record.put(kept, attempt.status, outcome)
    return kept


def leaves_nothing_to_do(earlier: Earlier, plan: Plan) -> bool:
    """Whether every cell is finished, none is to run once more, and all rest on the same decisions."""
    disturbed: dict[str, list[Path]] = {}
    for cell in plan.cells:
        attempt = earlier.attempts.get(cell.cell_hash)
        if attempt is None or not attempt.usable:
            return False
        if attempt.disturbed and attempt.again != "disturbed":
            disturbed.setdefault(cell.stage, []).append(earlier.folder / attempt.folder)
        decided = earlier.stage(cell.stage).get("decided") or {}
        if attempt.ran_otherwise(decided.get("values") or {}):
            return False
    sizes = Counter(cell.stage for cell in plan.cells)
    once_more = any(
        not is_all_the_time(len(runs), sizes[stage]) or any(map(_is_spoiled, runs)) for stage, runs in disturbed.items()
    )
    return not (plan.sweep.rerun_disturbed and once_more)


def _is_spoiled(run_dir: Path) -> bool:
    """Whether the host decided its recorded verdict; also where there is none: nobody has judged it yet."""
    try:
        verdict = json.loads((run_dir / VERDICT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return verdict.get("result") == "INVALID" and not verdict.get("broken")


def _foreign(facts: dict[str, Any], code: str, hosts: list[dict[str, Any]]) -> str:
    """Why a run may not stand beside those to come, read after "finished cells"; empty: it may."""
    if facts.get("code_version") != code:
        return f"of code {facts.get('code_version')} (now {code})"
    unlike = min((differing(facts.get("host") or {}, host) for host in hosts), key=len, default=[])
    return f"of another host ({', '.join(unlike)})" if unlike else ""
