"""Which override is to blame when a cell can't be composed: all of them at once.

Must live here: trying them one by one. Must not: what an error means (`explain`), cells (`compose`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.experiment.explain import explain, known_keys, no_such_key
from ingestexp.experiment.mistake import Mistake
from ingestexp.experiment.schema.run import RunConfig
from ingestexp.experiment.session import UnknownKeyError, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hydra.core.override_parser.types import Override

    from ingestexp.experiment.session import Session


def diagnose(here: Session, cell: Sequence[Override], error: Exception) -> tuple[list[Mistake], RunConfig | None]:
    """Each override alone on the good groups: all mistakes at once, and the config without the bad ones."""
    mistakes: list[Mistake] = []
    good: list[Override] = []
    failed: set[str] = set()
    best: RunConfig | None = None
    for override in sorted(cell, key=lambda each: not here.is_group(each)):
        group = override.key_or_group.partition(".")[0]
        if group in failed:
            continue  # its keys belong to a choice that isn't there
        try:
            best = typed(here.compose([*good, override]))
            good.append(override)
        except Exception as problem:
            if here.is_group(override):
                failed.add(group)
            mistakes.append(_explained(problem, override.input_line or "", best))
    return mistakes or [_explained(error, "", best)], best


def _explained(error: Exception, token: str, best: RunConfig | None) -> Mistake:
    known = known_keys(best or RunConfig())
    if isinstance(error, UnknownKeyError):
        value = token.partition("=")[2]
        return Mistake(error.full_key, value, no_such_key(error.full_key, error.holder, known))
    return explain(error, token, known)
