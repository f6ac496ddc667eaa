"""The null sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.adapters.sinks.null import NullSink
from tests.contracts.batches import json_batch
from tests.contracts.sink_contract import SinkContract

if TYPE_CHECKING:
    from pathlib import Path


class TestNull(SinkContract):
    def make(self, path: Path, workers: int = 1) -> NullSink:
        return NullSink()

    def test_claims_nothing(self, path: Path) -> None:
        (settled,) = self.written(path, json_batch(0, 10))
        assert (settled.commits, settled.fsyncs, settled.syscalls, settled.wire_bytes) == (0, 0, 0, 0)
        assert not NullSink.durable
        assert not NullSink.simulated
