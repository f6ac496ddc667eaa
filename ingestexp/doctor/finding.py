"""What the doctor says of one thing: what it is, what was found, and what that means.

Must live here: the record and its levels. Must not: examining anything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

OK, CAREFUL, INVALID = "ok", "careful", "invalid"
LEVELS: Final = (OK, CAREFUL, INVALID)


@dataclass(frozen=True, slots=True)
class Finding:
    """`invalid`: a verdict that rests on it would be INVALID. `figures`: for machines, units in the names."""

    what: str
    found: str
    level: str = OK
    says: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def worst(findings: Iterable[Finding]) -> str:
    return max((finding.level for finding in findings), key=LEVELS.index, default=OK)
