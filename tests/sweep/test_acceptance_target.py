"""`make acceptance`: a failed cell costs neither the other experiments nor the table, Ctrl-C ends it all.

Python is a stand-in that notes what it is called with and ends with the code it was given.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.sweep.rig import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")

STAND_IN = """#!/bin/sh
echo "$*" >> {home}/calls
case "$*" in {cases} esac
"""


def acceptance(home: Path, **codes: int) -> tuple[int, list[str]]:
    """make's exit code and what was called. `codes`: by a word of the call."""
    python = home / "bin" / "python"
    python.parent.mkdir()
    cases = " ".join(f"*{word}*) exit {code} ;;" for word, code in codes.items())
    python.write_text(STAND_IN.format(home=home, cases=f"{cases} *) exit 0 ;;"))
    python.chmod(0o755)
    (home / "run.stamp").touch()
    done = subprocess.run(
        ["make", "-C", str(ROOT), f"VENV={home}", "EXPERIMENTS=one two", "acceptance"],
        capture_output=True,
        text=True,
        check=False,
    )
    calls = (home / "calls").read_text().splitlines()
    return done.returncode, [call.split()[1].removeprefix("ingestexp.") + " " + call.split()[2] for call in calls]


ALL = ["ingestexp +experiment=one", "ingestexp +experiment=two", "report accept"]


@pytest.mark.parametrize(
    ("codes", "calls", "fine"),
    [
        ({}, ALL, True),
        ({"=one": 1, "accept": 1}, ALL, False),
        ({"=one": 3}, ALL, False),
        ({"=one": 2}, ALL[:1], False),
        ({"=one": 130}, ALL[:1], False),
    ],
)
def test_what_follows_an_experiments_end(tmp_path: Path, codes: dict[str, int], calls: list[str], fine: bool) -> None:
    code, called = acceptance(tmp_path, **codes)
    assert called == calls
    assert (code == 0) is fine
