"""The criteria of `experiment=poison` with the defense on and off, in virtual time, on a model of the sink.

A real host can be disturbed; this one can't. All of it is simulated.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.run import execute
from ingestexp.experiment.schema.run import ClockKind
from ingestexp.experiment.schema.sink import ModelSinkConfig, Noise
from ingestexp.report.criteria import criterion_of, judge_criteria
from ingestexp.report.evidence import Answers
from ingestexp.report.record import record_verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.report.criteria import Judgement

MODEL = ModelSinkConfig(fixed_ms=0.9, per_item_us=3.0, noise=Noise.lognormal, noise_cv=0.5)
RATE_PER_S = 0.7 * 32 / (0.9e-3 + 32 * 3e-6)
"""70 % of what the model takes in batches of 32."""
OFF = '["fault=[poison]","fault.poison.spread_count=10","on_failure=retry_batch","on_failure.max_attempts=null",'
OFF += '"on_failure.ordered=true","run.drain_s=0.1"]'


def judged(folder: Path, stages: tuple[str, ...], *overrides: str) -> dict[str, Judgement]:
    """The cells of these stages, run and judged."""
    planned = plan(["+experiment=poison", *overrides])
    assert planned.mistakes == []
    folders = []
    for cell in planned.cells:
        if cell.stage not in stages:
            continue
        load: Any = cell.config.load
        if cell.rate_from is not None:
            load = replace(load, rate_per_s=RATE_PER_S)
        config = replace(cell.config, clock=ClockKind.simulated, sink=MODEL, load=load)
        facts = {"number": cell.number, "stage": cell.stage, "variant": cell.variant, "repeat": cell.repeat}
        folders.append(folder / f"{cell.number:04}")
        folders[-1].mkdir()
        assert execute(config, folders[-1], ["simulated"], facts).status == "completed"
    record_verdicts(folders)
    criteria = [criterion_of({**asdict(each), "judge": each.judge.value}) for each in planned.experiment.acceptance]
    with Answers(folders) as answers:
        return {found.criterion.name: found for found in judge_criteria(answers, criteria, 0, ())}


@pytest.fixture(scope="module")
def with_defense(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judgement]:
    stages = ("10 poisoned pairs", "10 poisoned", "3 poisoned", "1 poisoned", "1 in 512")
    return judged(tmp_path_factory.mktemp("on"), stages)


@pytest.fixture(scope="module")
def without_defense(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judgement]:
    stages = ("10 poisoned pairs", "10 poisoned")
    return judged(tmp_path_factory.mktemp("off"), stages, f"sweep.variants.split_and_retry={OFF}")


def test_with_the_defense_every_criterion_passes(with_defense: dict[str, Judgement]) -> None:
    """A model holds nothing that could be read back: where the items are is only shown by live runs."""
    found = {name: (each.result, each.reason) for name, each in with_defense.items()}
    assert found.pop("only the poison")[0] == "INCONCLUSIVE"
    assert {name: result for name, (result, _) in found.items()} == dict.fromkeys(found, "PASS"), found


@pytest.mark.parametrize("name", ["keeps up", "innocents in time", "few writes", "fewer if named"])
def test_without_it_each_fails(without_defense: dict[str, Judgement], name: str) -> None:
    assert without_defense[name].result == "FAIL", without_defense[name].reason


def test_what_the_other_policies_do_does_not_change_by_that(without_defense: dict[str, Judgement]) -> None:
    assert [without_defense[name].result for name in ("retry spirals", "skip loses")] == ["PASS", "PASS"]
