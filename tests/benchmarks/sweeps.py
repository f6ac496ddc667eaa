"""Runs sweeps as a user would, each in a folder of its own that goes afterwards.

Must live here: the command line, what `sweep.yaml` and the manifests say. Must not: what is measured.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.sweep_folder import read_sweep
from tests.benchmarks.harness import RECORDS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PATIENCE_S: Final = 180.0


@dataclass(slots=True)
class Sweep:
    """A sweep's folder, read anew at every look."""

    folder: Path

    def cells(self) -> list[dict[str, Any]]:
        return list((read_sweep(self.folder) or {}).get("cells") or [])

    def manifests(self) -> list[dict[str, Any]]:
        found = []
        for file in sorted(self.folder.glob("*/manifest.json")):
            with contextlib.suppress(OSError, ValueError):
                found.append(json.loads(file.read_text(encoding="utf-8")))
        return found

    def count(self, status: str) -> int:
        return sum(facts.get("status") == status for facts in self.manifests())


@contextmanager
def scratch() -> Iterator[Path]:
    RECORDS.mkdir(parents=True, exist_ok=True)
    parent = Path(tempfile.mkdtemp(prefix=".measuring-", dir=RECORDS))
    try:
        yield parent
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def start(folder: Path, options: Sequence[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ingestexp", *options, f"hydra.sweep.dir={folder}"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def timed(folder: Path, options: Sequence[str]) -> float:
    """Seconds from the command to the prompt. Raises on a sweep that did not complete."""
    before = time.monotonic()
    process = start(folder, options)
    out, err = process.communicate(timeout=PATIENCE_S * 2)
    if process.returncode not in (0, 1):  # 1: a verdict, which is not what is measured here
        raise RuntimeError(f"exit {process.returncode}: {(err or out).strip()[-500:]}")
    return time.monotonic() - before


def wait_for(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError("waited in vain")
        time.sleep(0.01)
    return found
