"""What the command line sets, key by key, with all the values to sweep over.

Must live here: Hydra's override grammar. Must not: cells (`cells`), composing (`compose`).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.cells import MAX_CELLS
from ingestexp.experiment.explain import explain, unreadable
from ingestexp.experiment.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hydra.core.override_parser.types import Override

    from ingestexp.experiment.session import Session


def parsed(here: Session, tokens: Sequence[str], mistakes: list[Mistake]) -> list[Override]:
    good = []
    for token in tokens:
        try:
            override = here.parser.parse_overrides([token])[0]
        except Exception as error:
            mistakes.append(unreadable(token, error))
            continue
        if override.is_delete() and not override.is_hydra_override():
            mistakes.append(Mistake(token, "", "no key can be taken away: set it to null where that is allowed"))
        else:
            good.append(override)
    return good


def axes(here: Session, given: Sequence[Override], mistakes: list[Mistake]) -> dict[str, list[Override]]:
    """What the command line sets, by key, with all the values to sweep over; the last of a repeated key counts."""
    found: dict[str, list[Override]] = {}
    for override in given:
        key = override.get_key_element()
        if not override.is_sweep_override():
            found[key] = [override]
        elif not override.is_discrete_sweep():
            why = "an interval has no end of values: use choice(…), range(…) or a,b,c"
            mistakes.append(Mistake(*halves(override), why))
        else:
            lines = itertools.islice(override.sweep_string_iterator(), MAX_CELLS + 1)
            try:
                found[key] = here.parser.parse_overrides([f"{key}={line}" for line in lines])
            except Exception as error:
                mistakes.append(explain(error, override.input_line or ""))
    return found


def keys_given(override: Override) -> Iterator[str]:
    """The keys that a token sets, those within a dictionary value too."""

    def within(prefix: str, value: Any) -> Iterator[str]:
        yield prefix
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from within(f"{prefix}.{key}", inner)

    value = None if override.is_sweep_override() else override.value()
    return within(override.get_key_element().lstrip("+~"), value)


def halves(override: Override) -> tuple[str, str]:
    key, _, value = (override.input_line or "").partition("=")
    return key, value
