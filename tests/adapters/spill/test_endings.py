"""Torn tails, damage, a full disk, a second process: what each looks like and what it leaves."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ingestexp.adapters.spill.errors import SpillBroken, SpillDamaged, SpillDiskFull, SpillLocked
from ingestexp.adapters.spill.queue import SpillQueue
from ingestexp.adapters.spill.recovery import recover, recovered_items
from tests.adapters.spill.stretches import ids, rows, stretch
from tests.contracts.sink_process import ROOT, small_disk

if TYPE_CHECKING:
    from pathlib import Path

ROOMY = 1 << 30


def spilled(folder: Path, *groups: tuple[int, ...], segment_bytes: int = 1 << 20) -> list[int]:
    """A frame of ten items for each number; a group shares one sync. Returns the file's length after each frame."""
    queue = SpillQueue(folder, ROOMY, segment_bytes)
    lengths = []
    for group in groups:
        for number in group:
            queue.append([stretch(10 * number, [20] * 10, number)])
            lengths.append(queue.nbytes)
        queue.sync()
    queue.close()
    return lengths


def test_every_torn_tail_is_cut_off_and_reported(tmp_path: Path) -> None:
    """Wherever in its last frame the file ends: the frames before are there, the rest is said to be lost."""
    lengths = spilled(tmp_path / "whole", (0,), (1,))
    whole = (tmp_path / "whole" / "000000.spill").read_bytes()
    for length in range(lengths[0], lengths[1]):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "000000.spill").write_bytes(whole[:length])
        queue = recover(folder, ROOMY)
        assert queue.items == 10
        torn = length - lengths[0]
        assert (queue.torn is None) == (torn == 0)
        if queue.torn is not None:
            assert (queue.torn.at_bytes, queue.torn.nbytes) == (lengths[0], torn)
            assert f"a torn tail of {torn} bytes at byte {lengths[0]}" in str(queue.torn)
        queue.append([stretch(90, [1])])
        queue.sync()
        assert ids([*queue.take(10), *queue.take(10)]) == [*range(10), 90]
        queue.close()
        assert ids(recovered_items(folder)) == [*range(10), 90]


@pytest.mark.parametrize("fill", [b"\0", b"SPL1", b"\xff"], ids=["zeros", "magic", "ones"])
@pytest.mark.parametrize("kept", [0, 3, 64, 200])
def test_pages_that_never_reached_the_disk_are_a_torn_tail(tmp_path: Path, fill: bytes, kept: int) -> None:
    """The file has its length but not its bytes, as after a power failure."""
    lengths = spilled(tmp_path, (0,), (1, 2))
    path = tmp_path / "000000.spill"
    size = lengths[2]
    path.write_bytes(path.read_bytes()[: lengths[0] + kept] + (fill * size)[: size - lengths[0] - kept])
    queue = recover(tmp_path, ROOMY)
    assert queue.torn is not None
    assert queue.torn.nbytes == size - lengths[0]
    assert ids(queue.take(100)) == list(range(10))
    queue.close()


def test_a_group_that_was_written_in_part_is_a_torn_tail_though_its_last_frame_is_whole(tmp_path: Path) -> None:
    """Pages reach the disk in any order: frame 2 is sound, frame 1 of its sync is not; nobody was told of either."""
    lengths = spilled(tmp_path, (0,), (1, 2))
    damage(tmp_path / "000000.spill", lengths[0] + 100)
    queue = recover(tmp_path, ROOMY)
    assert queue.items == 10
    assert queue.torn is not None
    queue.close()


@pytest.mark.parametrize("at", [0, 5, 20, 40, 60, 63, 64, 100, 200])
def test_damage_before_accepted_frames_is_an_error_that_names_the_place(tmp_path: Path, at: int) -> None:
    lengths = spilled(tmp_path, (0,), (1,), (2,))
    path = tmp_path / "000000.spill"
    damage(path, lengths[0] + at)
    before = path.read_bytes()
    with pytest.raises(SpillDamaged, match=f"damaged at byte {lengths[0]}: .*follows at byte {lengths[1]:,}") as found:
        recover(tmp_path, ROOMY)
    assert (found.value.path, found.value.at_bytes) == (path, lengths[0])
    assert path.read_bytes() == before, "what may be evidence stays as it is"
    with pytest.raises(SpillDamaged):
        list(recovered_items(tmp_path))


def test_damage_in_a_segment_that_another_follows_is_an_error(tmp_path: Path) -> None:
    spilled(tmp_path, (0,), (1,), segment_bytes=1)
    path = tmp_path / "000000.spill"
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(SpillDamaged, match="other segments follow"):
        recover(tmp_path, ROOMY)


def test_a_missing_segment_is_an_error(tmp_path: Path) -> None:
    spilled(tmp_path, (0,), (1,), (2,), segment_bytes=1)
    (tmp_path / "000001.spill").unlink()
    with pytest.raises(SpillDamaged, match=r"000001\.spill, which comes before it, is missing"):
        recover(tmp_path, ROOMY)


def test_damage_while_it_runs_is_found_when_it_is_read(tmp_path: Path) -> None:
    queue = SpillQueue(tmp_path, ROOMY)
    queue.append([stretch(0, [20] * 10)])
    queue.sync()
    damage(tmp_path / "000000.spill", 150)
    with pytest.raises(SpillDamaged, match="no sound frame where one was accepted"):
        queue.take(10)
    queue.close()


def damage(path: Path, at: int) -> None:
    octets = bytearray(path.read_bytes())
    octets[at] ^= 0x41
    path.write_bytes(octets)


def test_the_bound_holds_and_room_comes_back_with_a_segment(tmp_path: Path) -> None:
    queue = SpillQueue(tmp_path, 1_500)
    assert queue.append([stretch(0, [100] * 10)])
    assert queue.append([stretch(10, [100] * 10)]) == 0
    queue.sync()
    (got,) = queue.take(10)
    assert queue.append([stretch(10, [100] * 10)]) == 0, "taken is not released"
    assert queue.release(got.segment, 10) == queue.peak_bytes
    assert queue.append([stretch(10, [100] * 10)])
    queue.close()


def test_a_full_disk_is_an_error_of_its_own_and_leaves_the_queue_as_it_was(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "256k") as disk:
        queue = SpillQueue(disk / "spill", ROOMY)
        number = 0
        while True:
            try:
                queue.append([stretch(100 * number, [200] * 100)])
                queue.sync()
            except SpillDiskFull as error:
                assert "No space left on device" in str(error)
                break
            number += 1
        assert number > 3
        assert queue.items == 100 * number
        assert queue.nbytes == sum(path.stat().st_size for path in (disk / "spill").glob("*.spill"))
        got = []
        while part := queue.take(1000):
            got += part
        assert ids(got) == list(range(100 * number))
        for each in got:
            queue.release(each.segment, len(each.payloads))
        assert queue.append([stretch(100 * number, [200] * 100)]), "there is room again"
        queue.sync()
        queue.close()
        assert ids(recovered_items(disk / "spill")) == list(range(100 * number, 100 * number + 100))


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
def test_what_a_failed_flush_did_not_accept_is_gone_and_the_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    queue = SpillQueue(tmp_path, ROOMY, segment_bytes=1 if call == "fsync" else ROOMY)
    queue.append([stretch(0, [5] * 10)])
    queue.sync()
    queue.append([stretch(10, [5] * 10)])

    def refuse(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(SpillBroken, match="Input/output error"):
        queue.sync()
    monkeypatch.undo()
    queue.append([stretch(10, [6] * 10, 1)])
    queue.sync()
    queue.close()
    assert rows(recovered_items(tmp_path)) == rows([stretch(0, [5] * 10), stretch(10, [6] * 10, 1)])


def test_two_processes_cannot_share_a_folder(tmp_path: Path) -> None:
    queue = SpillQueue(tmp_path, ROOMY)
    program = "import sys; from pathlib import Path; from ingestexp.adapters.spill.recovery import recover\n"
    program += "try: recover(Path(sys.argv[1]), 1000)\nexcept Exception as error: print(type(error).__name__, error)"
    argv = [sys.executable, "-c", program, str(tmp_path)]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.startswith("SpillLocked")
    assert "another process spills into this folder" in said
    with pytest.raises(SpillLocked):
        next(recovered_items(tmp_path))
    queue.close()
    assert subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""


def test_a_folder_that_holds_segments_is_not_overwritten(tmp_path: Path) -> None:
    spilled(tmp_path, (0,))
    with pytest.raises(SpillBroken, match="holds the spill of an earlier run"):
        SpillQueue(tmp_path, ROOMY)
    assert ids(recovered_items(tmp_path)) == list(range(10))
