"""`report sql`: a wrong query is the query's fault, in DuckDB's own first line; nothing ends in a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestexp.report.__main__ import main
from tests.report.evidence import passing

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("query", ["", "  ", ";", "-- nothing"])
def test_no_query(tmp_path: Path, capsys: Capture, query: str) -> None:
    assert main(["sql", query, "--runs", str(passing(tmp_path / "run"))]) == 2
    assert capsys.readouterr().err == "error: the query is empty, or asks for nothing\n"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELEC 1", 'Parser Error: syntax error at or near "SELEC"'),
        ("SELECT nothing FROM items", "Binder Error"),
        ("SELECT 1 FROM nowhere", "Catalog Error"),
        ("SELECT 'a'::INTEGER", "Conversion Error"),
    ],
)
def test_a_wrong_query(tmp_path: Path, capsys: Capture, query: str, why: str) -> None:
    assert main(["sql", query, "--runs", str(passing(tmp_path / "run"))]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: the query is wrong: {why}")
    assert error.count("\n") == 1
    assert "evidence" not in error


def test_text_in_brackets_is_no_markup(tmp_path: Path, capsys: Capture) -> None:
    assert main(["sql", "SELECT '[a] [/b]' AS words", "--runs", str(passing(tmp_path / "run"))]) == 0
    assert "[a] [/b]" in capsys.readouterr().out
