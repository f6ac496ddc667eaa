"""A configuration mistake, and the screen that shows all of them.

Must live here: the record and its words on the terminal. Must not: finding mistakes (validate, explain, guard).
"""

from __future__ import annotations

import difflib
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Mistake:
    """`key` as the user would type it, `value` as given ("" if there is none), `why`: what is allowed, and the cure."""

    key: str
    value: str
    why: str

    @property
    def subject(self) -> str:
        value = self.value if len(self.value) <= 120 else self.value[:117] + "..."
        return printable(f"{self.key}={value}" if value else self.key)


def printable(text: str) -> str:
    """Without what a terminal would obey: escape sequences, changes of the writing direction."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def shown(value: object) -> str:
    """A value as the user would type it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name that was probably meant, or None."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=cutoff)
    return close[0] if close else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """ "; did you mean x?" or nothing."""
    close = nearest(name, names)
    return f"; did you mean {close}?" if close else ""


def screen(mistakes: list[Mistake], width: int = 120, at_most: int = 20) -> str:
    """All mistakes on one screen, each once."""
    unique = list(dict.fromkeys(mistakes))
    count = len(unique)
    lines = [f"ingestexp: {count} mistake{'s' if count != 1 else ''} in the configuration"]
    column = min(36, max(len(mistake.subject) for mistake in unique)) + 2
    for mistake in unique[:at_most]:
        head = "  " + mistake.subject.ljust(column)
        indent = " " * (column + 2)
        if len(mistake.subject) + 2 > column:
            lines.append(head.rstrip())
            head = indent
        lines.append(textwrap.fill(printable(mistake.why), width, initial_indent=head, subsequent_indent=indent))
    if count > at_most:
        lines.append(f"  … and {count - at_most} more")
    return "\n".join(lines)
