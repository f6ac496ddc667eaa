"""What is left when the world is unkind: a full disk, a kill -9."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from ingestexp.adapters.sinks.null import NullSink
from ingestexp.ports import Saturate
from ingestexp.trace import schema, writer
from ingestexp.trace.writer import TraceError
from tests.core.script import Setup
from tests.engine.rig import MS, HandSink, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.batch import Batch
    from ingestexp.engine.live_run import RunEnd

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("items", "batches", "samples", "dead_letters")


@pytest.fixture
def file_size_limit() -> Iterator[tuple[int, int]]:
    """Whatever the test does to the limit is undone."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield limits
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def closed_rows(folder: Path) -> int:
    """Reads every part that has a final name, of all kinds; the number of item rows."""
    for kind in KINDS:
        for part in (folder / kind).glob("[0-9]*.parquet"):
            pq.read_table(part)
    return int(pq.read_table(sorted((folder / "items").glob("[0-9]*.parquet"))).num_rows)


def test_a_disk_that_fills_up_ends_the_run_with_words_and_closed_parts_stay_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_size_limit: tuple[int, int]
) -> None:
    """The disk is played by a limit on file sizes, put down to nothing once a few parts are closed."""
    monkeypatch.setattr(writer, "PART_NS", 1)

    def rule(batch: Batch) -> None:
        if batch.batch_id == 2_000:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, file_size_limit[1]))

    core = Setup(capacity=5_000, max_size=512).pipeline()
    ends: list[RunEnd] = []
    with pytest.raises(TraceError) as raised:
        ends.append(run(tmp_path, core, Saturate(None, 20_000 * MS), HandSink(rule), segment_ns=5 * MS))
    resource.setrlimit(resource.RLIMIT_FSIZE, file_size_limit)
    assert ends == []  # closing the evidence says it again, so that nobody can overlook it
    assert "cannot write the trace" in str(raised.value)
    assert core.stopped
    assert closed_rows(tmp_path) > 0


def test_the_writer_refuses_further_rows_once_the_disk_is_full(
    tmp_path: Path, file_size_limit: tuple[int, int]
) -> None:
    trace = writer.TraceWriter(tmp_path, ("steady",))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, file_size_limit[1]))
    with pytest.raises(TraceError, match=r"cannot write the trace: .*[Ff]ile too large"):
        while True:
            trace.put_samples([(1, *[0] * (len(schema.SAMPLES) - 1))])
    with pytest.raises(TraceError):
        trace.close()


def test_a_folder_that_cannot_be_written_is_said_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "items").write_text("in the way")
    with pytest.raises(TraceError, match=r"cannot write the trace under .*: File exists"):
        writer.TraceWriter(tmp_path, ("steady",))


def test_kill_minus_9_leaves_only_whole_parts_under_final_names(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.engine.endless_run", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "some parts are closed\n"
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert closed_rows(tmp_path) > 0


def test_a_closed_trace_leaves_no_temporary_files(tmp_path: Path) -> None:
    run(tmp_path, Setup(capacity=5_000, max_size=512).pipeline(), Saturate(10_000, None), NullSink())
    assert [path.name for path in tmp_path.rglob(".tmp*")] == []
