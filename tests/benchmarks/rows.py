"""What a measurement says: one `Row` a figure.

Must live here: the row, what other measurements of the same session found. Must not: how anything is measured,
run or shown.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FAILED: Final = "failed"
"""Slug of the row that stands in for a measurement that didn't end well."""


@dataclass(slots=True, frozen=True)
class Row:
    """One figure. `slug` names it within its measurement, for ratios and for whoever reads the JSON.

    `reach` is the bound in words ("" where the figure only informs); `ok` says whether it was reached.
    """

    slug: str
    what: str
    value: float
    unit: str
    reach: str = ""
    ok: bool | None = None
    note: str = ""

    @classmethod
    def at_least(cls, slug: str, what: str, value: float, unit: str, bound: float, note: str = "") -> Row:
        return cls(slug, what, value, unit, f"≥ {figure(bound)}", value >= bound, note)

    @classmethod
    def at_most(cls, slug: str, what: str, value: float, unit: str, bound: float, note: str = "") -> Row:
        return cls(slug, what, value, unit, f"≤ {figure(bound)}", value <= bound, note)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Found:
    """The rows of all measurements of one session, by measurement: what a ratio is made from."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}

    def add(self, measurement: str, rows: Iterable[Row]) -> None:
        self._rows.setdefault(measurement, []).extend(rows)

    def value(self, measurement: str, slug: str) -> float | None:
        """The figure, None when that measurement was not run or failed."""
        return next((row.value for row in self._rows.get(measurement, ()) if row.slug == slug), None)

    def rows(self) -> Mapping[str, list[Row]]:
        return self._rows


def figure(value: float) -> str:
    """A number as people read it: 8.1 M, 155 k, 0.37."""
    for scale, suffix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= scale:
            return f"{value / (1e3 if suffix == ' k' else scale):.4g}{suffix}"
    return f"{value:.4g}"
