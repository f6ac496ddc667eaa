"""Runs the product as a user would, in a process of its own, and reads what it left behind.

Must live here: the command line, the manifest, the evidence's columns. Must not: what is measured.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.harness import RECORDS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True, frozen=True)
class Run:
    """A finished run: its folder, its manifest, when its process was started (epoch s)."""

    folder: Path
    manifest: dict[str, Any]
    spawned_at_s: float

    def table(self, kind: str, *columns: str) -> pa.Table:
        """The rows of `items`, `batches` or `samples`, in the order written."""
        parts = sorted((self.folder / kind).glob("[0-9]*.parquet"))
        return pa.concat_tables([pq.read_table(part, columns=list(columns)) for part in parts])

    @property
    def committed(self) -> int:
        return int(self.manifest["counters"]["committed"])

    def items_per_s(self) -> float:
        """Committed items per second from the load's start until the evidence was closed."""
        return self.committed / float(self.manifest["timing"]["trace_closed_s"])


@contextmanager
def run(*overrides: str) -> Iterator[Run]:
    """`python -m ingestexp …`; the run folder goes when the measurement is done with it. Raises on a failed run."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    parent = Path(tempfile.mkdtemp(prefix=".measuring-", dir=RECORDS))
    try:
        folder = parent / "run"
        command = [sys.executable, "-m", "tests.benchmarks.unsummarised", f"hydra.run.dir={folder}", *overrides]
        spawned_at_s = time.time()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):  # 1: the verdict, which is not what is measured here
            raise RuntimeError(f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["status"] != "completed":
            raise RuntimeError(f"the run ended as {manifest['status']}: {manifest['status_reason']}")
        yield Run(folder, manifest, spawned_at_s)
    finally:
        shutil.rmtree(parent, ignore_errors=True)
