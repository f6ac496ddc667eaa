"""`report writeup`: a paragraph that can be defended, and where each figure in it comes from.

Must live here: the formats, the exit code. Must not: the sentences (`writeup_sentences`), what is asked
(`writeup_facts`).
"""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report import wording as say
from ingestexp.report.verdict import PASS
from ingestexp.report.writeup_facts import Claim, claims_of, newest_below
from ingestexp.report.writeup_sentences import sentence_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]

FORMATS: Final = ("text", "markdown", "json")
WIDTH: Final = 100
MOST_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Said:
    """A claim with its sentence; `reads`: as what a figure of it reads there, by name."""

    claim: Claim
    sentence: str
    reads: dict[str, str]


def writeup(named: Sequence[Path], style: str) -> int:
    """Prints it. 0 if every sentence has evidence whose criteria all pass, else 1. Raises EvidenceError.

    `named`: sweeps, or folders that hold some; none: the newest sweep of each experiment below runs/.
    """
    claims, notes = claims_of(named or newest_below(Path("runs")))
    said = [Said(claim, *sentence_of(claim)) for claim in claims]
    if len(_paragraph(said).split()) > MOST_WORDS:
        said = [Said(claim, *sentence_of(claim, brief=True)) for claim in claims]
    match style:
        case "json":
            print(json.dumps(_facts(said, notes), indent=2, ensure_ascii=False))
        case "markdown":
            print("\n".join([_paragraph(said), "", *_markdown_notes(said), *(f"- {note}" for note in notes)]))
        case _:
            print("\n".join([textwrap.fill(_paragraph(said), WIDTH), "", *_text_notes(said), *notes]))
    return int(any(each.claim.verdict != PASS for each in said))


def _paragraph(said: Sequence[Said]) -> str:
    return " ".join(each.sentence for each in said)


def _standing_text(claim: Claim) -> str:
    if claim.verdict is None:
        return "no criteria"
    if not claim.standing:
        return str(claim.verdict)
    passed = len(claim.standing) - len(claim.unproven)
    return f"{claim.verdict}, {passed} of {len(claim.standing)} criteria PASS"


def _reasons(claim: Claim) -> list[str]:
    return [f"{result} {name}: {reason}" for name, result, reason in claim.unproven] + claim.notes


def _text_notes(said: Sequence[Said]) -> list[str]:
    lines = ["where the figures come from"]
    for each in said:
        claim = each.claim
        lines.append(f"{claim.topic.name:<16}{_standing_text(claim)}   {claim.sweep or claim.topic.command}")
        for query, runs in _queries(claim).items():
            lines.append(f"{'':16}analysis/{query}, {say.number(len(runs), 'run')}: {', '.join(_used(each, query))}")
        lines += [f"{'':16}{reason}" for reason in _reasons(claim)]
    return lines


def _markdown_notes(said: Sequence[Said]) -> list[str]:
    lines = ["| figure | reads | query | runs |", "| --- | --- | --- | --- |"]
    for each in said:
        for figure in each.claim.figures:
            if figure.name in each.reads:
                where = f"{len(figure.runs)} of `{each.claim.sweep}`"
                lines.append(f"| {figure.name} | {each.reads[figure.name]} | `analysis/{figure.query}` | {where} |")
    lines.append("")
    for each in said:
        lines.append(f"- {each.claim.topic.name}: {_standing_text(each.claim)}, `{each.claim.topic.command}`")
        lines += [f"  - {reason}" for reason in _reasons(each.claim)]
    return lines


def _queries(claim: Claim) -> dict[str, tuple[Path, ...]]:
    return {figure.query: figure.runs for figure in claim.figures}


def _used(said: Said, query: str) -> list[str]:
    return [figure.name for figure in said.claim.figures if figure.query == query and figure.name in said.reads]


def _facts(said: Sequence[Said], notes: Sequence[str]) -> Row:
    text = _paragraph(said)
    return {
        "text": text,
        "word_count": len(text.split()),
        "claims": [
            {
                "topic": each.claim.topic.name,
                "experiment": each.claim.topic.experiment,
                "command": each.claim.topic.command,
                "sweep": None if each.claim.sweep is None else str(each.claim.sweep),
                "verdict": each.claim.verdict,
                "sentence": each.sentence,
                "criteria": [
                    {"criterion": name, "verdict": result, "reason": reason}
                    for name, result, reason in each.claim.standing
                ],
                "figures": [
                    {
                        "figure": figure.name,
                        "value": _plain(figure.value),
                        "reads": each.reads.get(figure.name),
                        "query": f"analysis/{figure.query}",
                        "runs": [str(run) for run in figure.runs],
                    }
                    for figure in each.claim.figures
                ],
                "notes": each.claim.notes,
            }
            for each in said
        ],
        "notes": list(notes),
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
