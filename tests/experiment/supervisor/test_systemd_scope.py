"""`systemd-run --user` and `systemctl`, played by two scripts: no systemd stands behind them, so nothing is limited.

What is tested is what we ask of systemd and what we make of its answers.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ingestexp.experiment.supervisor.choice import enclose
from ingestexp.experiment.supervisor.enclosure import RLIMIT_DATA, SYSTEMD_RUN, Unavailable
from ingestexp.experiment.supervisor.systemd_scope import SystemdScope

if TYPE_CHECKING:
    from pathlib import Path

RUN = """#!/bin/sh
echo "systemd-run $*" >> {log}
while [ "$1" != -- ] && [ "$1" != /bin/true ]; do shift; done
[ "$1" = -- ] && shift
exec "$@"
"""
CTL = """#!/bin/sh
echo "systemctl $*" >> {log}
[ "$2" = show ] && echo {result}
exit 0
"""


def played(folder: Path, monkeypatch: pytest.MonkeyPatch, result: str = "success", run: str = RUN) -> Path:
    log = folder / "log"
    for name, text in (("systemd-run", run), ("systemctl", CTL)):
        (folder / name).write_text(text.format(log=log, result=result))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return log


def test_the_limit_is_asked_for_and_the_command_runs_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = played(tmp_path, monkeypatch)
    scope = SystemdScope(300 << 20)
    ran = subprocess.run(scope.wrap(["/bin/echo", "inside"]), capture_output=True, text=True, check=True)
    assert ran.stdout == "inside\n"
    asked = log.read_text().splitlines()[-1]
    for word in ("--user", "--scope", f"-p MemoryMax={300 << 20}", "-p MemorySwapMax=0", "--unit=ingestexp-"):
        assert word in asked
    scope.close()
    assert [line.split()[2] for line in log.read_text().splitlines()[-2:]] == ["stop", "reset-failed"]


@pytest.mark.parametrize(("result", "kills"), [("oom-kill", 1), ("success", None)])
def test_a_kill_that_only_systemd_noticed_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: str, kills: int | None
) -> None:
    played(tmp_path, monkeypatch, result)
    scope = SystemdScope(300 << 20)
    scope.entered("0::/user.slice/a-scope-that-is-gone.scope\n")
    assert scope.oom_kill_count() == kills


def test_without_a_user_manager_the_next_way_is_taken_and_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played(tmp_path, monkeypatch, run="#!/bin/sh\necho Failed to connect to bus >&2\nexit 1\n")
    enclosure, refused = enclose(300 << 20, (SYSTEMD_RUN, RLIMIT_DATA))
    assert enclosure.enforced_by == RLIMIT_DATA
    assert "Failed to connect to bus" in refused[SYSTEMD_RUN]


def test_where_no_way_works_all_of_them_say_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="systemd-run: systemd-run is not installed"):
        enclose(300 << 20, (SYSTEMD_RUN,))
