"""A limit set by the user's own systemd: a transient scope around the run's process.

Must live here: `systemd-run --user --scope`, what its group counted. Must not: groups that we make (`cgroup`).

systemd removes a scope's group with its last process, and its counters with it. A small shell stays in there, until
they are read or the supervisor is gone.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Final

from ingestexp.experiment.supervisor.cgroup import counter
from ingestexp.experiment.supervisor.enclosure import SYSTEMD_RUN, Unavailable

_PATIENCE_S: Final = 10.0
_HOLD: Final = '(while kill -0 "$0"; do sleep 0.5; done) </dev/null >/dev/null 2>&1 & exec "$@"'


class SystemdScope:
    """Implements `Enclosure`. Raises Unavailable without systemd-run or a user manager that answers it."""

    enforced_by = SYSTEMD_RUN

    def __init__(self, limit_bytes: int) -> None:
        if shutil.which("systemd-run") is None or shutil.which("systemctl") is None:
            raise Unavailable("systemd-run is not installed")
        self._unit = f"ingestexp-{os.getpid()}-{secrets.token_hex(3)}.scope"
        limits = [f"MemoryMax={limit_bytes}", "MemorySwapMax=0"]
        self._options = ["--user", "--scope", "--quiet", *(word for limit in limits for word in ("-p", limit))]
        self._group: Path | None = None
        tried = _asked(["systemd-run", *self._options, "--collect", "/bin/true"])
        if tried.returncode:
            raise Unavailable(f"systemd-run --user: {tried.stderr.strip() or tried.returncode}")

    def wrap(self, command: list[str]) -> list[str]:
        scope = ["systemd-run", *self._options, f"--unit={self._unit}", "--"]
        return [*scope, "/bin/sh", "-c", _HOLD, str(os.getpid()), *command]

    def entered(self, groups: str) -> None:
        for line in groups.splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                self._group = Path("/sys/fs/cgroup") / path.lstrip("/")

    def oom_kill_count(self) -> int | None:
        """From the group while it is there, else what systemd noticed."""
        counted = None if self._group is None else counter(self._group / "memory.events", "oom_kill")
        if counted:
            return counted
        shown = _asked(["systemctl", "--user", "show", self._unit, "--property=Result", "--value"])
        return 1 if shown.stdout.strip() == "oom-kill" else counted

    def peak_bytes(self) -> int | None:
        try:
            return None if self._group is None else int((self._group / "memory.peak").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        for verb in ("stop", "reset-failed"):
            _asked(["systemctl", "--user", verb, self._unit])


def _asked(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
