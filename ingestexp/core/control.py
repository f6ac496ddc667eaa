"""Who sets the window's limits. Each controller is told what it observes and keeps `limits` up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.core.window import Limits


class Control(Protocol):
    limits: Limits
    """The limits in force now."""

    observes: bool
    """False: `observe` need not be called."""

    def observe(self, batch: Batch, now_ns: int) -> None:
        """A batch settled; `batch.limits` are those under which it closed."""


class Static:
    """Limits that never move."""

    __slots__ = ("limits", "observes")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.observes = False

    def observe(self, batch: Batch, now_ns: int) -> None:
        """Nothing to learn."""
