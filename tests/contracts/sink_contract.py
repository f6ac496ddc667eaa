"""What every sink has to keep: inherited by the test class of each.

Must live here: the promises of `ports.Sink`, tried from outside. Must not: anything that holds for one sink only.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from ingestexp.ports import Settled, Sink, SinkError, SinkUnavailable
from tests.contracts import sink_process
from tests.contracts.batches import batch_of, json_batch, json_payload

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch


class SinkContract:
    """Holds for every sink. A subclass gives `make`."""

    def make(self, path: Path, workers: int = 1) -> Sink:
        raise NotImplementedError

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    def written(self, path: Path, *batches: Batch) -> list[Settled]:
        sink = self.make(path)
        sink.open()
        try:
            return [sink.write(batch, 0) for batch in batches]
        finally:
            sink.close()

    def test_describes_itself_in_plain_json(self, path: Path) -> None:
        about = self.make(path).describe()
        assert json.loads(json.dumps(about)) == about
        assert about["durability"]
        assert about["counters"]

    def test_closes_twice_and_unopened(self, path: Path) -> None:
        sink = self.make(path)
        sink.close()
        sink.open()
        sink.close()
        sink.close()
        assert len(sink.read_back()) == 0

    def test_counts_nothing_it_did_not_do(self, path: Path) -> None:
        (settled,) = self.written(path, json_batch(0, 10))
        assert settled.item_errors is None
        assert settled.round_trips == settled.compress_ns == 0
        assert min(settled.commits, settled.fsyncs, settled.syscalls, settled.wire_bytes) >= 0

    def test_takes_two_workers_at_once(self, path: Path) -> None:
        sink = self.make(path, workers=2)
        sink.open()
        problems: list[BaseException] = []

        def work(worker: int) -> None:
            try:
                for number in range(15):
                    sink.write(json_batch((2 * number + worker) * 100, 100), worker)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sink.close()
        assert problems == []
        assert sink.read_back().tolist() == (list(range(3000)) if sink.durable else [])


class DurableSinkContract(SinkContract):
    """Holds for every sink with `durable = True`. `target` and `arguments` make the same sink in another process."""

    target: ClassVar[str]
    arguments: ClassVar[dict[str, object]]

    def child(self, path: Path, batches: int, items: int, limit_bytes: int | None = None) -> list[str]:
        return sink_process.command(self.target, self.arguments, path, batches, items, limit_bytes)

    def ids(self, path: Path) -> list[int]:
        ids: list[int] = self.make(path).read_back().tolist()
        return ids

    @pytest.mark.parametrize("count", [1, 2, 64, 65, 512, 5000])
    def test_reads_back_what_it_acknowledged(self, path: Path, count: int) -> None:
        (settled,) = self.written(path, json_batch(7, count))
        assert self.ids(path) == list(range(7, 7 + count))
        assert settled.commits == 1

    def test_takes_several_spans_in_one_batch(self, path: Path) -> None:
        spans = [(first, [json_payload(first + i) for i in range(n)]) for first, n in ((0, 3), (100, 1), (40, 70))]
        (settled,) = self.written(path, batch_of(*spans))
        assert self.ids(path) == [0, 1, 2, *range(40, 110)], "item 100 came twice and is kept once"
        assert settled.commits == 1

    def test_is_idempotent_by_item_id(self, path: Path) -> None:
        self.written(path, json_batch(0, 100), json_batch(0, 100), json_batch(50, 100, tag="b"))
        assert self.ids(path) == list(range(150))

    def test_refuses_a_store_that_holds_another_run(self, path: Path) -> None:
        self.written(path, json_batch(0, 3))
        sink = self.make(path)
        with pytest.raises(SinkUnavailable, match=r"sink\.path=.*already holds .* of an earlier run"):
            sink.open()
        sink.close()
        assert self.ids(path) == [0, 1, 2]

    def test_opens_a_store_that_is_there_but_empty(self, path: Path) -> None:
        self.written(path)
        self.written(path, json_batch(0, 3))
        assert self.ids(path) == [0, 1, 2]

    @pytest.mark.parametrize("where", ["missing/store", ".", "a_file/store", "/proc/store"])
    def test_says_why_it_cannot_open(self, tmp_path: Path, where: str) -> None:
        (tmp_path / "a_file").write_text("")
        sink = self.make(tmp_path / where)
        with pytest.raises(SinkUnavailable, match=r"^sink\.path=") as caught:
            sink.open()
        assert caught.value.__cause__ is None
        assert "\n" not in str(caught.value)
        sink.close()
        sink.close()

    def test_read_back_of_nothing_is_a_sink_error(self, path: Path) -> None:
        with pytest.raises(SinkError, match="cannot be read back"):
            self.make(path).read_back()

    @pytest.mark.parametrize("acks", [1, 7, 23])
    def test_keeps_what_it_acknowledged_when_killed(self, path: Path, acks: int) -> None:
        """Killed with -9 wherever it happens to be after some acknowledgements.

        The page cache outlives the process, so this shows that an acknowledgement follows the write, not that it
        follows the flush: that is what `test_flushes_before_it_acknowledges` sees in the order of system calls.
        """
        acknowledged = sink_process.killed_after(self.child(path, 100_000, 50), acks)
        kept = self.ids(path)
        assert len(acknowledged) >= 50 * acks
        assert set(acknowledged) <= set(kept)
        assert len(kept) - len(acknowledged) in (0, 50), "at most the batch in flight, whole"

    def test_flushes_before_it_acknowledges(self, path: Path, tmp_path: Path) -> None:
        calls = sink_process.traced(self.child(path, 30, 512), tmp_path)
        unflushed: set[str] = set()
        flushes = acks = 0
        for call in calls:
            if call.is_flush:
                unflushed.discard(call.fd)
                flushes += 1
            elif call.is_ack:
                assert not unflushed, f"acknowledged before fds {unflushed} were flushed"
                assert flushes, "acknowledged without a flush"
                flushes = 0
                acks += 1
            else:
                unflushed.add(call.fd)
        assert acks == 30

    @pytest.mark.parametrize("items", [1, 512])
    def test_counts_what_strace_counts(self, path: Path, tmp_path: Path, items: int) -> None:
        batches = 90 if items > 1 else 40
        command = self.child(path, batches, items)
        calls = sink_process.traced(command, tmp_path)
        told = sink_process.told(tmp_path)
        assert told["commits"] == batches
        assert told["fsyncs"] == sum(call.is_flush for call in calls)
        assert told["syscalls"] == sum(not call.is_flush and not call.is_ack for call in calls)

    @pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="this kernel keeps no I/O count a process")
    def test_counts_what_the_kernel_counts(self, path: Path) -> None:
        told = sink_process.finished(self.child(path, 60, 512))
        assert told["own_syscalls"] == told["syscalls"] + told["ack_count"]
        assert told["own_bytes"] == told["wire_bytes"] + told["ack_bytes"]

    def test_a_file_size_limit_breaks_it_in_words(self, path: Path) -> None:
        acknowledged, message = sink_process.broken(self.child(path, 1000, 512, limit_bytes=1_500_000))
        assert message.startswith("sink.path=")
        assert "cannot go on" in message
        assert self.ids(path) == acknowledged

    def test_a_full_disk_breaks_it_in_words(self, tmp_path: Path) -> None:
        with sink_process.small_disk(tmp_path / "disk", "2m") as folder:
            acknowledged, message = sink_process.broken(self.child(folder / "store", 1000, 512))
        assert "cannot go on" in message
        assert len(acknowledged) >= 512
