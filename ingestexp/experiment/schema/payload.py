"""What may be said about payloads: one dataclass a choice of the group `payload`.

Must live here: keys, types, defaults. Must not: range checks (`validate`), construction (`build`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PayloadKind(Enum):
    json_event = "json_event"
    random = "random"
    lines = "lines"


@dataclass
class PayloadConfig:
    """`kind` is set by the choice (`payload=…`)."""


@dataclass
class JsonEventPayload(PayloadConfig):
    kind: PayloadKind = PayloadKind.json_event
    size_bytes: int = 200
    size_cv: float = 0.25


@dataclass
class RandomPayload(PayloadConfig):
    kind: PayloadKind = PayloadKind.random
    size_bytes: int = 200
    size_cv: float = 0.0


@dataclass
class LinesPayload(PayloadConfig):
    kind: PayloadKind = PayloadKind.lines
    path: str | None = None
