"""`report list`: what lies under runs/, from manifests and recorded verdicts alone.

Must live here: finding runs and sweeps, what differs from the default. Must not: traces (a list of hundreds is quick),
verdicts of its own.
"""

from __future__ import annotations

import glob
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.manifest import plain_config
from ingestexp.experiment.schema import RunConfig
from ingestexp.experiment.sweep_folder import FILE_NAME as SWEEP_FILE
from ingestexp.experiment.sweep_folder import is_at_work, is_finished, read_sweep
from ingestexp.report.evidence import is_running
from ingestexp.report.record import FILE_NAME as VERDICT_FILE
from ingestexp.report.sweep_figures import WORST_FIRST, lines_by_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]

COLUMNS: Final = ("folder", "status", "verdict", "committed", "committed_per_s", "p99_ms", "differs")
MOST_DIFFERENCES: Final = 6


def rows(pattern: str) -> list[Row]:
    """Newest first; a sweep is one row, its cells are not listed unless the pattern names them."""
    found = []
    for folder in _folders(pattern):
        row = _sweep_row(folder) if (folder / SWEEP_FILE).is_file() else _run_row(folder)
        if row is not None:
            found.append(row)
    return sorted(found, key=lambda row: str(row.pop("started_at")), reverse=True)


def _folders(pattern: str) -> Iterator[Path]:
    """The pattern's own matches, or what lies at most two levels below them (runs/<day>/<run>)."""
    seen = set()
    for match in sorted(glob.glob(pattern)):  # noqa: PTH207 - the user's own pattern, absolute or not
        for candidate in _holders(Path(match), 2):
            real = candidate.resolve()
            if real not in seen:
                seen.add(real)
                yield candidate


def _holders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / SWEEP_FILE).is_file() or (folder / "manifest.json").is_file():
        yield folder
    elif depth and folder.is_dir():
        for each in sorted(folder.iterdir()):
            if each.is_dir() and not each.is_symlink() and not each.name.startswith("."):
                yield from _holders(each, depth - 1)


def _run_row(folder: Path) -> Row | None:
    manifest, verdict = _json(folder / "manifest.json"), _json(folder / VERDICT_FILE)
    if "status" not in manifest:
        return None
    status = manifest["status"]
    if status == "running" and not is_running(folder, manifest):
        status = "crashed"
    counters = manifest.get("counters") or {}
    ended_ns = manifest.get("ended_at_ns")
    return {
        "folder": str(folder),
        "status": status,
        "verdict": verdict.get("result") or ("capacity" if (manifest.get("load") or {}).get("saturate") else None),
        "committed": counters.get("committed"),
        "committed_per_s": counters["committed"] / ended_ns * 1e9 if counters and ended_ns else None,
        "p99_ms": verdict.get("value_ms"),
        "differs": " ".join(differences(manifest.get("config") or {})),
        "started_at": manifest.get("started_at"),
    }


def _sweep_row(folder: Path) -> Row | None:
    facts = read_sweep(folder)
    if facts is None:
        return None
    lines = lines_by_evidence(folder, [line for line in facts.get("cells") or [] if isinstance(line, dict)])
    done = [line for line in lines if is_finished(line)]
    results = [_json(folder / str(line.get("folder")) / VERDICT_FILE).get("result") for line in done]
    worst = next((name for name in WORST_FIRST if name in results), None)
    judged = sum(result is not None for result in results)
    same = results.count(worst) == judged
    status = str(facts.get("status"))
    if status == "running" and not is_at_work(folder):
        status = "crashed"
    experiment = (facts.get("experiment") or {}).get("name")
    variants = list(dict.fromkeys(str(line.get("variant")) for line in lines))
    about = f"experiment {experiment}: " if experiment else "sweep: "
    return {
        "folder": str(folder),
        "status": f"{status} {len(done)}/{len(lines)}",
        "verdict": worst if worst is None or same else f"{worst} {results.count(worst)} of {judged}",
        "committed": None,
        "committed_per_s": None,
        "p99_ms": None,
        "differs": about + ", ".join(variants[:4]) + (f", … {len(variants)} variants" if variants[4:] else ""),
        "started_at": facts.get("started_at"),
    }


def differences(config: Row) -> list[str]:
    """key=value of what is not as in the default run, groups by their kind."""
    found = list(_differences(config, plain_config(RunConfig()), ""))
    more = len(found) - MOST_DIFFERENCES
    return found if more <= 0 else [*found[:MOST_DIFFERENCES], f"… {more} more"]


def _differences(mine: Row, default: Row, prefix: str) -> Iterable[str]:
    if mine.get("kind") != default.get("kind"):
        yield f"{prefix.rstrip('.')}={mine.get('kind')}"
        default = {**default, "kind": mine.get("kind")}
    for key, value in mine.items():
        if isinstance(value, dict):
            yield from _differences(value, default.get(key) or {}, f"{prefix}{key}.")
        elif key != "progress" and value is not None and default.get(key) != value:
            yield f"{prefix}{key}={value}"


def _json(path: Path) -> Row:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
