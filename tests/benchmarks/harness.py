"""Runs measurements, each in a fresh interpreter, one after the other.

Must live here: finding the measurements, running one in a process of its own, the JSON record. Must not: a
measurement (one small module each in `measurements/`), how a table looks.

A measurement is a module with `measure() -> list[Row]`; its docstring's first line is what `--list` shows.
It may also have `TIMEOUT_S` (default 300) and `ratios(found: Found) -> list[Row]`, called in the parent
after all measurements of the session have run: figures to be divided by one another come from one session.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import pkgutil
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks import measurements
from tests.benchmarks.rows import FAILED, Found, Row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

ROOT: Final = Path(__file__).resolve().parents[2]
RECORDS: Final = ROOT / "runs" / "bench"
DEFAULT_TIMEOUT_S: Final = 300.0


def names() -> list[str]:
    """The measurements there are, in the order in which they run."""
    return sorted(module.name for module in pkgutil.iter_modules(measurements.__path__))


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"{measurements.__name__}.{name}")


def headline(name: str) -> str:
    return (module_of(name).__doc__ or "").strip().splitlines()[0]


def measure_here(name: str, into: Path) -> None:
    """In the child: measure and leave the rows as JSON."""
    rows: list[Row] = module_of(name).measure()
    into.write_text(json.dumps([row.as_dict() for row in rows]), encoding="utf-8")


def measure_apart(name: str) -> list[Row]:
    """Measure in a process of its own. A measurement that dies is a failed row, not an end of the session."""
    timeout_s = float(getattr(module_of(name), "TIMEOUT_S", DEFAULT_TIMEOUT_S))
    with tempfile.TemporaryDirectory(prefix="ingestexp-bench-") as folder:
        into = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "tests.benchmarks", "--measure", name, "--into", str(into)]
        try:
            child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired:
            return [failed(f"gave up after {timeout_s:g} s")]
        if child.returncode != 0 or not into.exists():
            said = (child.stderr or child.stdout).strip().splitlines()
            return [failed(f"exit {child.returncode}: {said[-1] if said else 'it said nothing'}")]
        return [Row(**row) for row in json.loads(into.read_text(encoding="utf-8"))]


def failed(note: str) -> Row:
    return Row(FAILED, "did not end well", float("nan"), "", ok=False, note=note)


def add_ratios(found: Found, chosen: Iterable[str]) -> None:
    for name in chosen:
        ratios = getattr(module_of(name), "ratios", None)
        if ratios is not None:
            found.add(name, ratios(found))


def host() -> dict[str, Any]:
    """What a reader needs to judge the figures by. No host name."""
    return {
        "cpu_model": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load_average_1min": os.getloadavg()[0],
        "packages": {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()},
    }


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def code_version() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown"


def record(found: Found, before: dict[str, Any], started_at: datetime) -> Path:
    """Write the session under `runs/bench/`. NaN (a failed row) becomes null: the file is strict JSON."""
    rows = [
        {"measurement": name, **row.as_dict(), "value": None if row.value != row.value else row.value}
        for name, rows in found.rows().items()
        for row in rows
    ]
    content = {
        "schema_version": 1,
        "started_at": started_at.isoformat(),
        "ended_at": datetime.now(UTC).isoformat(),
        "code_version": code_version(),
        "host": before,
        "rows": rows,
    }
    RECORDS.mkdir(parents=True, exist_ok=True)
    path = RECORDS / f"{started_at:%Y-%m-%dT%H-%M-%S}.json"
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return path
