"""What may be said about a redrive: the section `redrive`.

Must live here: keys, types, defaults. Must not: the run whose dead letters they are (`origin`), range checks.

`from` is a word of Python's own, so a class body can't hold a field of that name; a class can. It is put there before
`dataclass` looks, and the methods that `dataclass` would write as text stand here instead.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


def _with_from(section: type[RedriveSection]) -> type[RedriveSection]:
    section.__annotations__ = {"from": "str | None", **section.__annotations__}
    setattr(section, "from", None)
    return dataclass(init=False, repr=False, eq=False)(section)


class RedriveSection:
    """`from`: a run's folder, whose dead letters are offered again; null: none. `folder` is the same, as an attribute.

    `rate_per_s` dead letters a second beside the load; one that was redriven `max_rounds` times is parked for good.
    """

    rate_per_s: float = 1000.0
    max_rounds: int = 3

    def __init__(self, **given: Any) -> None:
        known = {spec.name: spec.default for spec in fields(self)}  # type: ignore[arg-type]
        unknown = given.keys() - known.keys()
        if unknown:
            raise TypeError(f"no such key: {', '.join(sorted(unknown))}")
        vars(self).update(known | given)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RedriveSection) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RedriveSection({vars(self)})"

    @property
    def folder(self) -> str | None:
        """`from`."""
        named: str | None = vars(self)["from"]
        return named


RedriveSection = _with_from(RedriveSection)  # type: ignore[misc]
