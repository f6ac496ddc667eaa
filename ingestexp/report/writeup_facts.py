"""What the write-up rests on: for each of its topics a sweep, the answers of its queries, how its criteria came out.

Must live here: which experiment and which queries (`analysis/writeup/`) a topic has, finding the sweeps. Must not:
words (`writeup_sentences`), formats (`writeup`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.sweep_folder import FILE_NAME, read_sweep, sweeps_below
from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.sweep_figures import WORST_FIRST
from ingestexp.report.sweep_report import open_sweep
from ingestexp.report.verdict import PASS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Row = dict[str, Any]

MISSING: Final = "MISSING"
"""The verdict of a topic without a sweep, or without an answer."""


@dataclass(frozen=True, slots=True)
class Topic:
    """`queries`: files of `analysis/writeup/`, one row each; the first is the one that a sentence can't do without."""

    name: str
    experiment: str
    queries: tuple[str, ...]

    @property
    def command(self) -> str:
        return f"python -m ingestexp +experiment={self.experiment}"


TOPICS: Final = (
    Topic("fixed cost", "before_after", ("amortized", "fixed_cost", "capacity")),
    Topic("window", "window_tuning", ("window", "window_validated")),
    Topic("overflow policy", "overflow_choice", ("overflow",)),
    Topic("first alert", "alerting", ("alert", "alert_live")),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One value of a query's row. `runs`: the folders that the row rests on."""

    name: str
    value: Any
    query: str
    runs: tuple[Path, ...]


@dataclass(slots=True)
class Claim:
    """A topic and what is known of it. `standing`: (criterion, verdict, reason) of each; `notes`: what else to know."""

    topic: Topic
    sweep: Path | None = None
    figures: list[Figure] = field(default_factory=list)
    standing: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def values(self) -> Row:
        return {figure.name: figure.value for figure in self.figures}

    @property
    def is_answered(self) -> bool:
        return any(figure.query == f"writeup/{self.topic.queries[0]}.sql" for figure in self.figures)

    @property
    def verdict(self) -> str | None:
        """The worst of the criteria; None where the sweep declares none."""
        if not self.is_answered:
            return MISSING
        results = [result for _, result, _ in self.standing]
        return next((result for result in WORST_FIRST if result in results), None)

    @property
    def unproven(self) -> list[tuple[str, str, str]]:
        return [each for each in self.standing if each[1] != PASS]


def claims_of(named: Sequence[Path]) -> tuple[list[Claim], list[str]]:
    """A claim a topic, and what of `named` was not used. Raises EvidenceError: one of `named` is no sweep and holds
    none, or can't be read."""
    sweeps, notes = _newest_sweeps(named)
    claims = [_claim(topic, sweeps.pop(topic.experiment, None)) for topic in TOPICS]
    for experiment, folder in sweeps.items():
        notes.append(f"not used: {folder} ({experiment or 'no experiment'})")
    return claims, notes


def _newest_sweeps(named: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    """Folder by experiment, the last one to begin of each."""
    chosen: dict[str, tuple[str, Path]] = {}
    notes = []
    for folder in _distinct(each for name in named for each in _sweeps_in(name)):
        facts = read_sweep(folder)
        if facts is None:
            raise EvidenceError(f"{folder}: its {FILE_NAME} can't be read by this version")
        experiment = str((facts.get("experiment") or {}).get("name") or "")
        found = (str(facts.get("started_at") or ""), folder)
        older = min(found, chosen.get(experiment, found), key=lambda each: each[0])
        chosen[experiment] = max(chosen.get(experiment, found), found, key=lambda each: each[0])
        if older[1] != chosen[experiment][1]:
            notes.append(f"not used: {older[1]} ({experiment or 'no experiment'}, there is a newer sweep of it)")
    return {experiment: folder for experiment, (_, folder) in chosen.items()}, notes


def _sweeps_in(name: Path) -> list[Path]:
    """Itself, or the sweeps one or two levels below (a day's folder, runs/)."""
    if (name / FILE_NAME).is_file():
        return [name]
    if (name / "manifest.json").is_file():
        raise EvidenceError(f"{name}: a single run; the write-up rests on the sweeps of experiments")
    found = sorted(file.parent for pattern in (f"*/{FILE_NAME}", f"*/*/{FILE_NAME}") for file in name.glob(pattern))
    if not found:
        raise EvidenceError(f"{name}: neither a sweep's folder nor one that holds sweeps (no {FILE_NAME} in it)")
    return found


def newest_below(top: Path) -> list[Path]:
    """The newest sweep of each topic's experiment below `top`/<day>/. None is no error: each sentence then says so."""
    found: dict[str, Path] = {}
    for folder, _ in sweeps_below(top):
        name = str(((read_sweep(folder) or {}).get("experiment") or {}).get("name") or "")
        if name in {topic.experiment for topic in TOPICS}:
            found.setdefault(name, folder)
        if len(found) == len(TOPICS):
            break
    return list(found.values())


def _distinct(folders: Iterator[Path]) -> list[Path]:
    """runs/latest is another name of a folder that may be named as well."""
    by_place: dict[Path, Path] = {}
    for folder in folders:
        by_place.setdefault(folder.resolve(), folder)
    return list(by_place.values())


def _claim(topic: Topic, folder: Path | None) -> Claim:
    claim = Claim(topic, folder)
    if folder is None:
        return claim
    sweep = open_sweep(folder, with_tables=False)
    claim.standing = [(each.criterion.name, each.result, each.reason) for each in sweep.judgements]
    claim.notes = list(sweep.notes)
    if sweep.missing:
        claim.notes.append(f"{len(sweep.missing)} of its cells have no result")
    if not sweep.judgements:
        claim.notes.append("the sweep declares no acceptance criteria")
    with Answers([cell.folder for cell in sweep.cells]) as answers:
        for query in topic.queries:
            claim.figures += _figures(answers, f"writeup/{query}.sql")
    return claim


def _figures(answers: Answers, query: str) -> list[Figure]:
    figures = []
    for row in answers.rows(query, limit=1):
        runs = tuple(answers.folder_of(run) for run in row.pop("runs") or ())
        figures += [Figure(name, value, query, runs) for name, value in row.items()]
    return figures
