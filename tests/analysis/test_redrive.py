"""Audits and acceptance of redrives: silent on real ones, and telling on a defect put into their evidence."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.paths import ANALYSIS
from ingestexp.experiment.run import execute
from ingestexp.trace import schema
from tests.experiment.redrives import FIXED, NOT_JSON, POISONED, SHORT, TOO_NEW, ask, facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNFIXED = ("on_failure=report_items", "redrive.rate_per_s=500")


def cell(sweep: Path, stage: str, variant: str, *overrides: str) -> Path:
    """One real run, as a sweep would have left it."""
    found = plan([*SHORT, *overrides])
    assert found.mistakes == []
    folder = sweep / f"{stage}-{variant}"
    folder.mkdir(parents=True)
    about = {"sweep": "k3", "experiment": "redrive", "stage": stage, "variant": variant, "repeat": 0, "number": 0}
    assert execute(found.configs[0], folder, ["test"], about).status == "completed"
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sweep = tmp_path_factory.mktemp("real") / "sweep"
    for variant in ("fixed", "not_fixed"):
        cell(sweep, "ingest", variant, *POISONED)
    cell(sweep, "redrive", "fixed", f"redrive.from={sweep}/ingest-fixed", *FIXED)
    unfixed = cell(sweep, "unfixed", "not_fixed", f"redrive.from={sweep}/ingest-not_fixed", *UNFIXED)
    cell(sweep, "again", "not_fixed", f"redrive.from={unfixed}", *UNFIXED, "redrive.max_rounds=1")
    return sweep


@pytest.fixture
def sweep(real: Path, tmp_path: Path) -> Path:
    """A copy to be spoiled."""
    return shutil.copytree(real, tmp_path / "sweep")


def change(folder: Path, table: str, how: Callable[[pa.Table], pa.Table]) -> None:
    """The table's parts become one, changed."""
    parts = sorted((folder / table).glob("[0-9]*.parquet"))
    changed = how(pa.concat_tables([pq.read_table(part) for part in parts]))
    for part in parts:
        part.unlink()
    pq.write_table(changed, folder / table / "000001.parquet")


def without(*ids: int) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: rows.filter(pc.invert(pc.is_in(rows["item_id"], pa.array(ids, pa.int64()))))


def twice(item_id: int) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: pa.concat_tables([rows, rows.filter(pc.equal(rows["item_id"], item_id))])


def renamed(item_id: int, other: int) -> Callable[[pa.Table], pa.Table]:
    def how(rows: pa.Table) -> pa.Table:
        ids = pc.if_else(pc.equal(rows["item_id"], item_id), pa.scalar(other, pa.int64()), rows["item_id"])
        return rows.set_column(0, schema.ITEMS.field("item_id"), ids)

    return how


def audit(folder: Path, name: str) -> list[Any]:
    return [row[1] for row in ask(folder, (ANALYSIS / "audits" / f"{name}.sql").read_text())]


def value(sweep: Path, name: str) -> dict[str, Any]:
    """Stage · variant → the criterion's value."""
    rows = f"SELECT regexp_extract(run, '[^/]*$'), value FROM ({query(name)})"
    return dict(ask(sweep, rows))


def query(name: str) -> str:
    return (ANALYSIS / "acceptance" / f"redrive_{name}.sql").read_text().rstrip().rstrip(";")


def test_real_redrives_hold_in_every_criterion(real: Path) -> None:
    last = {"redrive-fixed": 0, "again-not_fixed": 0}
    for name in ("lost", "invalid", "twice"):
        assert value(real, name) == last, name
    assert value(real, "cured") == {"redrive-fixed": 0}
    assert value(real, "rounds") == {"again-not_fixed": 0}
    assert value(real, "killed") == {}


def test_a_dead_letter_that_is_nowhere_is_missed_by_the_audit_and_the_criteria(sweep: Path) -> None:
    folder, gone = sweep / "redrive-fixed", min(NOT_JSON)
    change(folder, "items", without(gone))
    change(folder, "dead_letters", without(gone))
    assert "missing id" in audit(folder, "conservation")
    assert value(sweep, "lost")["redrive-fixed"] == 1
    assert value(sweep, "invalid")["redrive-fixed"] == 1


def test_an_item_of_the_load_that_is_nowhere_is_missed(sweep: Path) -> None:
    folder = sweep / "redrive-fixed"
    change(folder, "items", without(facts(folder)["base_id"] + 70))
    assert "missing id" in audit(folder, "conservation")


def test_a_redriven_item_with_two_rows_is_found(sweep: Path) -> None:
    folder, cured = sweep / "redrive-fixed", min(TOO_NEW)
    change(folder, "items", twice(cured))
    assert "repeated id" in audit(folder, "conservation")
    assert value(sweep, "cured") == {"redrive-fixed": 1}
    assert value(sweep, "twice")["redrive-fixed"] == 1


def test_an_item_that_nobody_planned_is_found(sweep: Path) -> None:
    folder = sweep / "redrive-fixed"
    change(folder, "items", renamed(min(TOO_NEW), 5))
    assert {"missing id", "id beyond the offered"} <= set(audit(folder, "conservation"))
    assert value(sweep, "twice")["redrive-fixed"] == 1  # 5 is the ingest's
    assert value(sweep, "cured") == {"redrive-fixed": 1}


def test_a_list_of_what_was_held_before_that_was_cut_is_found(sweep: Path) -> None:
    folder = sweep / "redrive-fixed"
    change(folder, "held_before", without(5))
    assert "the list of what was held before has another length" in audit(folder, "readback_matches")
    assert value(sweep, "lost")["redrive-fixed"] == 1


def test_an_exhausted_dead_letter_that_was_sent_again_is_found(sweep: Path) -> None:
    def sent(rows: pa.Table) -> pa.Table:
        place = rows.schema.get_field_index("sent_at_ns")
        again = pc.is_in(rows["item_id"], pa.array(sorted(NOT_JSON), pa.int64()))
        return rows.set_column(place, "sent_at_ns", pc.if_else(again, pa.scalar(5, pa.int64()), rows["sent_at_ns"]))

    change(sweep / "again-not_fixed", "items", sent)
    assert value(sweep, "rounds") == {"again-not_fixed": len(NOT_JSON)}
