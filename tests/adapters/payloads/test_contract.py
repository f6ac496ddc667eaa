"""Every payload source holds the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.adapters.payloads.json_event import JsonEvent
from ingestexp.adapters.payloads.lines import Lines
from ingestexp.adapters.payloads.random_bytes import RandomBytes
from ingestexp.ports import Notices
from tests.contracts.payload_contract import PayloadContract

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.ports import Payloads


def seeded() -> np.random.Generator:
    return np.random.default_rng(11)


class TestJsonEvent(PayloadContract):
    can_be_cut_to_size = True

    def make(self) -> Payloads:
        return JsonEvent(200, 0.4, seeded())


class TestJsonEventAllAlike(PayloadContract):
    can_be_cut_to_size = True

    def make(self) -> Payloads:
        return JsonEvent(180, 0, seeded())


class TestRandomBytes(PayloadContract):
    can_be_cut_to_size = True

    def make(self) -> Payloads:
        return RandomBytes(200, 0.4, seeded())


class TestRandomBytesAllAlike(PayloadContract):
    can_be_cut_to_size = True

    def make(self) -> Payloads:
        return RandomBytes(100, 0, seeded())


class TestLines(PayloadContract):
    can_be_cut_to_size = False

    @pytest.fixture(autouse=True)
    def written(self, tmp_path: Path) -> None:
        self.path = tmp_path / "lines.txt"
        self.path.write_bytes(b"\n".join(b"line %d " % i + b"x" * (i % 50) for i in range(777)))

    def make(self) -> Payloads:
        return Lines(self.path, Notices())


class TestJsonLines(TestLines):
    @pytest.fixture(autouse=True)
    def written(self, tmp_path: Path) -> None:
        self.path = tmp_path / "events.jsonl"
        self.path.write_bytes(b"".join(b'{"n":%d}\n' % i for i in range(50)))
