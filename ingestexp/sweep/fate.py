"""What became of a run, read from what it left behind; and the last word on a run that can't say it any more.

Must live here: reading and completing the manifest of an ended run, the end of its log, kernel kills. Must not:
ending runs, Ray.
"""

from __future__ import annotations

import contextlib
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.manifest import FILE_NAME, Manifest, utc_now
from ingestexp.experiment.sweep_folder import ended_as_meant
from ingestexp.sweep.job import Outcome

if TYPE_CHECKING:
    from ingestexp.sweep.job import CellJob

LOG_NAME: Final = "run.log"
TAIL_LINES: Final = 8
_TAIL_BYTES: Final = 4096


def manifest_of(run_dir: Path) -> dict[str, Any] | None:
    """None: no run has begun there, or it died while claiming the folder."""
    try:
        facts = json.loads((run_dir / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def has_begun(run_dir: Path) -> bool:
    return (run_dir / FILE_NAME).exists()


def outcome_of(job: CellJob, run_dir: Path, elapsed_s: float = 0.0, died: str = "it never said why") -> Outcome:
    """The attempt's outcome once its process is through with it. `died`: how, should the manifest still say running."""
    facts = manifest_of(run_dir)
    if facts is None:
        return Outcome(job.number, job.folder, "crashed", died, elapsed_s=elapsed_s, tail=log_tail(run_dir))
    if facts.get("status") == "running":
        facts = end_dead_run(run_dir, facts, died)
    status = str(facts["status"])
    return Outcome(
        job.number,
        job.folder,
        status,
        facts.get("status_reason"),
        disturbed=is_disturbed(facts),
        committed_per_s=committed_per_s(facts),
        elapsed_s=elapsed_s,
        tail=[] if status == "completed" else log_tail(run_dir),
        as_expected=ended_as_meant(facts),
    )


def end_dead_run(run_dir: Path, facts: dict[str, Any], reason: str) -> dict[str, Any]:
    """Its own process is gone, so the manifest gets its end from us."""
    status = "oom_killed" if reason.startswith("out of memory") else "crashed"
    facts.update(status=status, status_reason=reason, ended_at=utc_now())
    with contextlib.suppress(OSError):
        Manifest(run_dir, facts).finish(status, reason)
    return facts


def supersede(run_dir: Path) -> None:
    """Say in an older attempt's manifest that another one counts."""
    facts = manifest_of(run_dir)
    if facts is None or facts.get("cell", {}).get("superseded"):
        return
    facts.setdefault("cell", {})["superseded"] = True
    with contextlib.suppress(OSError):
        Manifest(run_dir, facts).write()


def is_disturbed(facts: dict[str, Any]) -> bool:
    host = facts.get("self_checks", {}).get("host")
    return bool(isinstance(host, dict) and host.get("disturbed"))


def committed_per_s(facts: dict[str, Any]) -> float | None:
    """Committed items per second of the run's own clock, until the last one settled; None if nothing was committed."""
    committed, ended_at_ns = facts.get("counters", {}).get("committed"), facts.get("ended_at_ns")
    return committed / ended_at_ns * 1e9 if committed and ended_at_ns else None


def log_tail(run_dir: Path) -> list[str]:
    """The last lines of what the run printed."""
    try:
        with (run_dir / LOG_NAME).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-TAIL_LINES:]


def death_in_words(return_code: int, oom_kills: int) -> str:
    """Of a process that ended without a word: negative codes are signals, as `subprocess` counts."""
    if return_code >= 0:
        return f"its process ended with code {return_code} and no word in the manifest"
    if return_code == -signal.SIGKILL and oom_kills:
        return "out of memory: the kernel killed its process"
    try:
        name = signal.Signals(-return_code).name
    except ValueError:
        name = f"signal {-return_code}"
    return f"its process was killed ({name})"


def oom_kill_count() -> int:
    """Kernel kills for memory in this process's control group so far, 0 where nobody counts (cgroup v1 or v2)."""
    total = 0
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                total += _counter(Path(f"/sys/fs/cgroup{path}/memory.events"))
            elif "memory" in controllers.split(","):
                total += _counter(Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control"))
    return total


def _counter(file: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
