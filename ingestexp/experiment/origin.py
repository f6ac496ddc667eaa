"""The run that a redrive takes its dead letters from: is it one, and where is its store?

Must live here: looks at that run's folder, and what is wrong with it in words. Must not: what becomes of its dead
letters (`redrive`), pyarrow on the way of a run without a redrive.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.liveness import runs_since
from ingestexp.experiment.mistake import Mistake, did_you_mean
from ingestexp.experiment.sweep_folder import read_sweep

if TYPE_CHECKING:
    from ingestexp.experiment.schema import RunConfig

STORES: Final = {"sqlite": "sink.sqlite", "log_file": "sink.log"}
"""By sink: the name of its store in a run folder. Others keep nothing that could be gone on with."""

NOTHING_THERE: Final = "has no dead letters and nothing left in a spill: there is nothing to redrive"


@dataclass(frozen=True, slots=True)
class Origin:
    """`facts`: its manifest. `store`: the file that it, or the run that it redrove, wrote to."""

    folder: Path
    facts: dict[str, Any]
    store: Path

    @property
    def run_id(self) -> str:
        return str(self.facts.get("run_id") or self.folder.name)

    @property
    def zero_unix_ns(self) -> int | None:
        """The instant 0 of its clock; None: it was killed, and only its dead letters can say."""
        started_s = self.facts.get("load_started_at_s")
        return None if started_s is None else round(started_s * 1e9)

    @property
    def end_id(self) -> int:
        """Above all ids that it counted; 0 where it was killed before it did."""
        counters, redrive = self.facts.get("counters") or {}, self.facts.get("redrive") or {}
        own = (counters.get("offered") or 0) - (redrive.get("offered") or 0) - (redrive.get("rounds_exhausted") or 0)
        return int(self.facts.get("base_id") or 0) + max(0, own)


def read_origin(folder: Path) -> Origin:
    """Raises ValueError in words that go on after "redrive.from=…: "."""
    facts = _manifest(folder)
    config = facts.get("config") or {}
    if facts.get("status") == "running" and runs_since(facts.get("pid"), folder / "manifest.json"):
        raise ValueError(f"is a run that is still going on (pid {facts.get('pid')}): wait for its end")
    if facts.get("clock") == "simulated":
        raise ValueError("is a simulated run: its dead letters have no payloads, there is nothing to send")
    if not (config.get("trace") or {}).get("enabled", True):
        raise ValueError("is a run without a trace (trace.enabled=false): it kept no dead letters")
    kind = (config.get("sink") or {}).get("kind")
    if kind not in STORES:
        raise ValueError(f"is a run into sink={kind}, which keeps nothing: what is there already could not be told")
    named = (facts.get("redrive") or {}).get("store")
    store = Path(named) if named else folder / ((config.get("sink") or {}).get("path") or STORES[kind])
    return Origin(folder, facts, store)


def origin_mistakes(config: RunConfig) -> list[Mistake]:
    """What is wrong with the folder that the config names, or with the store behind it. Writes nothing."""
    from ingestexp.experiment.left_in_spill import left_in_spill
    from ingestexp.trace.dead_letter_files import has_dead_letters

    folder = Path(config.redrive.folder or "")
    try:
        origin = read_origin(folder)
        if not has_dead_letters(folder) and not len(left_in_spill(origin).items.ids):
            raise ValueError(NOTHING_THERE)
    except (ValueError, OSError) as error:  # a part that is no Parquet is a ValueError of Arrow's
        return [Mistake("redrive.from", str(folder), str(error))]
    path, kind = getattr(config.sink, "path", None), origin.facts["config"]["sink"]["kind"]
    own = getattr(getattr(config.sink, "kind", None), "value", "?")
    if own not in STORES:
        return [Mistake("sink", own, "keeps nothing: a redrive needs a store that can be gone on with")]
    if path is None and own != kind:
        why = f"is not what the run of redrive.from wrote to: add sink={kind}, or name another store by sink.path"
        return [Mistake("sink", own, why)]
    store = origin.store if path is None else Path(path)
    if not store.is_file():
        key, shown = ("redrive.from", str(folder)) if path is None else ("sink.path", str(path))
        return [Mistake(key, shown, f"a redrive goes on with a store that is there, and {store} is not")]
    return []


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ValueError("there is no such folder" + _nearest(folder))
    if not (folder / "manifest.json").is_file():
        what = "is a sweep: name one of its runs" if read_sweep(folder) else "is no run: it has no manifest.json"
        raise ValueError(what)
    try:
        facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or "status" not in facts:
        raise ValueError("is no run: its manifest.json can't be read")
    return facts


def _nearest(folder: Path) -> str:
    try:
        return did_you_mean(folder.name, sorted(entry.name for entry in folder.parent.iterdir())[:10_000])
    except OSError:
        return ""
