"""`report writeup`: every number comes from its query; which sweeps, formats, exit codes."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report import writeup_sentences
from ingestexp.report.__main__ import main
from tests.analysis.test_tables import ask
from tests.report.writeup_evidence import alerting, before_after, overflow_choice, window_tuning

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.report.evidence import Row

Capture = pytest.CaptureFixture[str]

NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?%?")


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A sweep of each experiment; all of it holds."""
    day = tmp_path_factory.mktemp("runs") / "2026-01-01"
    folders = [
        before_after(day / "01-before"),
        window_tuning(day / "02-window"),
        overflow_choice(day / "03-overflow"),
        alerting(day / "04-alerting"),
    ]
    return list(map(str, folders))


@pytest.fixture(scope="module")
def told(complete: list[str]) -> Row:
    """What is written of it, as JSON."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["writeup", *complete, "--format", "json"]) == 0
    found: Row = json.loads(out.getvalue())
    return found


def written(capsys: Capture, *folders: str, code: int = 0) -> Row:
    assert main(["writeup", *folders, "--format", "json"]) == code
    found: Row = json.loads(capsys.readouterr().out)
    return found


def figures(told: Row) -> dict[str, Any]:
    return {figure["figure"]: figure["value"] for claim in told["claims"] for figure in claim["figures"]}


def claim_of(told: Row, experiment: str) -> Row:
    (claim,) = [each for each in told["claims"] if each["experiment"] == experiment]
    return dict(claim)


def test_the_paragraph_of_complete_evidence(told: Row) -> None:
    assert [claim["verdict"] for claim in told["claims"]] == ["PASS"] * 4
    assert told["word_count"] <= 200
    text = told["text"]
    assert "fsyncs an item fell from 1 to 0.05 (÷ 20)" in text
    assert "that cost is 1,000 µs a batch beside 100 µs an item" in text
    assert "The window is 20 items / 5 ms on sqlite: 2 of 3 kept p99 within 50 ms under all 2 loads" in text
    assert "it pays least, 0.05 commits an item (the next best 0.1)" in text
    assert "of what keeps p99 within 50 ms on sqlite, block with room for 200 items loses least, 0% at 40 ms" in text
    assert "drop_newest with room for 200 is earliest, 3 ms, but loses 30%" in text
    assert "Alert first on the queue's depth above 7 items: on unseen simulated runs it led the breach" in text
    assert "by 600 ms (median) and missed 0 of 1" in text
    assert "the next best, the wait for a batch to be sent, missed 1" in text
    assert "live, above 7 items, it led by 600 ms and missed 0 of 1, at 0 false alarms a minute." in text


def test_every_number_reads_as_a_figure_and_every_figure_is_its_querys(told: Row) -> None:
    """Of each sentence: its numbers are those of its figures, and what a figure says the named query gives as well."""
    for claim in told["claims"]:
        reads = {figure["reads"] for figure in claim["figures"] if figure["reads"] is not None}
        said = set(NUMBER.findall(claim["sentence"].replace("p99", "p 99")))
        assert said <= {number for text in reads for number in NUMBER.findall(text)}, claim["sentence"]
        asked = {
            query: ask(claim["sweep"], query)[0]
            for query in {each["query"].removeprefix("analysis/") for each in claim["figures"]}
        }
        for figure in claim["figures"]:
            assert figure["value"] == asked[figure["query"].removeprefix("analysis/")][figure["figure"]], figure
            assert figure["runs"]
            assert {Path(run).parent for run in figure["runs"]} == {Path(claim["sweep"])}


def test_no_template_holds_a_number() -> None:
    tree = ast.parse(Path(writeup_sentences.__file__).read_text(encoding="utf-8"))
    texts = [each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)]
    words = [re.sub(r"\{.*?\}", "", text) for text in texts if isinstance(text, str)]
    assert [text for text in words if re.search(r"\d", text)] == []


@pytest.mark.parametrize(
    ("write", "other", "before", "after"),
    [
        (before_after, {"batch_size": 50}, "from 1 to 0.05 (÷ 20)", "from 1 to 0.02 (÷ 50)"),
        (window_tuning, {"broken": ("1", "20")}, "The window is 20 items", "The window is 10 items"),
        (overflow_choice, {"lost": 10}, "but loses 30%", "but loses 10%"),
        (alerting, {"depth_from_ms": 1800}, "led the breach by 600 ms", "led the breach by 300 ms"),
    ],
)
def test_other_evidence_is_another_text(
    tmp_path: Path, capsys: Capture, write: Callable[..., Path], other: Row, before: str, after: str
) -> None:
    texts = [
        written(capsys, str(write(tmp_path / name, **how)), code=1)["text"] for name, how in (("a", {}), ("b", other))
    ]
    assert before in texts[0]
    assert before not in texts[1]
    assert after in texts[1]


def test_the_newest_sweep_of_an_experiment_counts(tmp_path: Path, capsys: Capture) -> None:
    """Whether it is named, lies in a named folder, or is the one that runs/latest leads to."""
    old = before_after(tmp_path / "day" / "01-old", batch_size=50)
    new = before_after(tmp_path / "day" / "02-new")
    (tmp_path / "latest").symlink_to(new)
    for named in ([str(new), str(old)], [str(tmp_path / "day")], [str(tmp_path / "latest"), str(tmp_path / "day")]):
        told = written(capsys, *named, code=1)
        assert "(÷ 20)" in told["text"]
        assert told["notes"] == [f"not used: {old} (before_after, there is a newer sweep of it)"]


def test_without_arguments_it_looks_below_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    overflow_choice(tmp_path / "runs" / "2026-01-01" / "01-overflow")
    assert claim_of(written(capsys, code=1), "overflow_choice")["verdict"] == "PASS"


def test_as_text_and_as_markdown(complete: list[str], capsys: Capture) -> None:
    assert main(["writeup", *complete]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.split("where the figures")[0].splitlines())) <= 100
    assert "fixed cost      PASS, 1 of 1 criteria PASS" in text
    assert "analysis/writeup/amortized.sql, 2 runs: cost, before, after, amortized_ratio, offered_per_s" in text
    assert main(["writeup", *complete, "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"| amortized_ratio | 20 | `analysis/writeup/amortized.sql` | 2 of `{complete[0]}` |" in lines


def test_what_cannot_be_read_is_code_2(tmp_path: Path, complete: list[str], capsys: Capture) -> None:
    run = next(Path(complete[0]).glob("*/manifest.json")).parent
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "sweep.yaml").write_text("format_version: 999\n")
    for named, why in (
        (tmp_path / "nothing", "neither a sweep's folder nor one that holds sweeps"),
        (run, "a single run; the write-up rests on the sweeps of experiments"),
        (tmp_path / "torn", "can't be read by this version"),
    ):
        assert main(["writeup", str(named)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"error: {named}")
        assert why in err
    with pytest.raises(SystemExit) as end:
        main(["writeup", "--format", "csv"])
    assert end.value.code == 2
