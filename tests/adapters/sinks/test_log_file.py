"""The log file: the contract, and what only an append-only log has to keep."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, ClassVar

import pytest

from ingestexp.adapters.sinks.log_file import LogFileSink
from ingestexp.ports import SinkBroken, SinkError
from tests.contracts.batches import batch_of, json_batch
from tests.contracts.sink_contract import DurableSinkContract

if TYPE_CHECKING:
    from pathlib import Path


class TestLogFile(DurableSinkContract):
    target = "ingestexp.adapters.sinks.log_file:LogFileSink"
    arguments: ClassVar[dict[str, object]] = {"workers": 2}

    def make(self, path: Path, workers: int = 1) -> LogFileSink:
        return LogFileSink(path=path, workers=workers)

    def test_takes_any_bytes(self, path: Path) -> None:
        self.written(path, batch_of((0, [b"", b"\xff\x00\xfe", os.urandom(1 << 20), b"x"])), batch_of((9, [b""])))
        assert self.ids(path) == [0, 1, 2, 3, 9]

    def test_counts_its_calls(self, path: Path) -> None:
        (settled,) = self.written(path, json_batch(0, 10))
        assert (settled.commits, settled.fsyncs, settled.syscalls) == (1, 1, 1)
        assert settled.wire_bytes == path.stat().st_size

    def test_the_reader_collapses_repeats_and_counts_them(self, path: Path) -> None:
        self.written(path, json_batch(0, 10), json_batch(5, 10))
        assert "repeats" not in self.make(path).describe()
        sink = self.make(path)
        assert sink.read_back().tolist() == list(range(15))
        assert sink.repeats == 5
        assert sink.describe()["repeats"] == 5

    @pytest.mark.parametrize("lost_bytes", [1, 15, 16, 17, 100])
    def test_reads_up_to_a_torn_tail(self, path: Path, lost_bytes: int) -> None:
        self.written(path, json_batch(0, 10), batch_of((10, [b"y" * 90])))
        whole = path.stat().st_size
        os.truncate(path, whole - lost_bytes)
        sink = self.make(path)
        assert sink.read_back().tolist() == list(range(10))
        assert sink.ignored_tail_bytes == 106 - lost_bytes

    @pytest.mark.parametrize("garbage", [bytes(5000), b"{" * 5000, os.urandom(5000)], ids=["zeros", "text", "random"])
    def test_reads_up_to_garbage_at_the_end(self, path: Path, garbage: bytes) -> None:
        self.written(path, json_batch(0, 10))
        with path.open("ab") as log:
            log.write(garbage)
        sink = self.make(path)
        assert sink.read_back().tolist() == list(range(10))
        assert sink.ignored_tail_bytes == 5000

    @pytest.mark.parametrize("at", [0, 3, 5, 9, 40])
    def test_damage_before_sound_records_is_an_error(self, path: Path, at: int) -> None:
        """Length (high or low byte), CRC, id or payload of the first record: none may pass for a torn tail."""
        self.written(path, json_batch(0, 10))
        log = bytearray(path.read_bytes())
        log[at] ^= 0x41
        path.write_bytes(log)
        with pytest.raises(SinkError, match="byte 0 is damaged, and sound ones follow from byte"):
            self.make(path).read_back()

    def test_finishes_a_short_write(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:300]))
        (settled,) = self.written(path, json_batch(0, 10))
        monkeypatch.undo()
        assert settled.syscalls == -(-settled.wire_bytes // 300)
        assert self.ids(path) == list(range(10))

    def test_a_failed_write_leaves_nothing_of_its_batch(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        sink = self.make(path)
        sink.open()
        sink.write(json_batch(0, 10), 0)
        real = os.write
        calls = iter([lambda fd, data: real(fd, data[:300])])

        def then_full(fd: int, data: bytes) -> int:
            try:
                return next(calls)(fd, data)
            except StopIteration:
                raise OSError(errno.ENOSPC, "No space left on device") from None

        monkeypatch.setattr(os, "write", then_full)
        with pytest.raises(SinkBroken, match="No space left on device; the log cannot go on"):
            sink.write(json_batch(10, 10), 0)
        monkeypatch.undo()
        sink.close()
        sink = self.make(path)
        assert sink.read_back().tolist() == list(range(10))
        assert sink.ignored_tail_bytes == 0
