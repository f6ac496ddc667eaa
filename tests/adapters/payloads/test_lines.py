"""Lines of a file as payloads, and the files that can't serve."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingestexp.adapters.payloads.lines import Lines, PayloadFileError
from ingestexp.ports import Notices

DATA = Path("../shared/data")


def taken(lines: Lines, first: int, count: int) -> list[bytes]:
    array: Any = lines.take(first, count)
    payloads: list[bytes] = array.to_pylist()
    return payloads


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_item_i_gets_line_i_mod_n(tmp_path: Path, name: str) -> None:
    content = "one\ntwo\r\n thrée \nfour".encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    notices = Notices()
    lines = Lines(tmp_path / name, notices)
    assert taken(lines, 0, 6) == [b"one", b"two", " thrée ".encode(), b"four", b"one", b"two"]
    assert lines.mean_bytes == (3 + 3 + 8 + 4) / 4
    assert notices.lines == []


def test_bytes_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\x00\xfe\n")
    assert taken(Lines(tmp_path / "a", Notices()), 0, 1) == [b"\xff\x00\xfe"]


def test_empty_lines_are_left_out_with_a_notice(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\n\n\r\ntwo\n\n")
    notices = Notices()
    assert taken(Lines(tmp_path / "a", notices), 0, 2) == [b"one", b"two"]
    assert notices.lines == [f"{tmp_path / 'a'}: 3 empty lines left out of 5"]


@pytest.mark.parametrize(
    ("content", "is_json"),
    [(b'{"a":1}\n[2]\n', True), (b'{"a":1}\nplain\n', False), (b'{"a":NaN}\n', False), (b'"\xff"\n', False)],
)
def test_is_json_only_if_every_line_is(tmp_path: Path, content: bytes, is_json: bool) -> None:
    (tmp_path / "a").write_bytes(content)
    assert Lines(tmp_path / "a", Notices()).is_json is is_json


def refused(path: Path) -> str:
    with pytest.raises(PayloadFileError) as caught:
        Lines(path, Notices())
    return str(caught.value)


def test_a_file_that_cannot_serve_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines.gz"
    assert refused(path) == f"payload.path: there is no file {path}"
    path.write_bytes(b"not gzip")
    assert f"{path} cannot be read: Not a gzipped file" in refused(path)
    path.write_bytes(gzip.compress(b"line\n" * 1000)[:-12])
    assert f"{path}: the gzip data is damaged or ends too early" in refused(path)
    for nothing in (b"", b"\n\r\n"):
        path.write_bytes(gzip.compress(nothing))
        assert refused(path) == f"payload.path: {path} has no lines"
    assert "Is a directory" in refused(tmp_path)


def test_lines_cannot_be_cut_to_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\n")
    with pytest.raises(ValueError, match=r"leave out load.size_column"):
        Lines(tmp_path / "a", Notices()).take(0, 1, np.array([2], np.int32))


@pytest.mark.skipif(not DATA.exists(), reason="no recordings of real traffic here")
def test_the_lines_of_a_real_access_log() -> None:
    lines = Lines(DATA / "apache_access.log.gz", Notices())
    assert len(lines) == 10_000
    assert not lines.is_json
    assert lines.mean_bytes == pytest.approx(236, abs=1)
    assert taken(lines, 10_000, 1)[0].startswith(b"83.149.9.216 - - [17/May/2015:10:05:03 +0000]")
