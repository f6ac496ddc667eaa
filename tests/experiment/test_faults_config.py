"""The group `fault`: several choices at once, everywhere a choice may stand, and every mistake in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.schema import RunConfig
from ingestexp.experiment.schema.fault import BrownoutFault, FaultConfig, OutageFault, PoisonFault
from ingestexp.experiment.validate import validate
from tests.experiment.shared_folder import GLOBAL

if TYPE_CHECKING:
    from tests.experiment.shared_folder import Shared


def chosen(config: RunConfig) -> set[str]:
    return {name for name, node in vars(config.fault).items() if node is not None}


def mistakes(*overrides: str) -> dict[str, str]:
    return {mistake.key: mistake.why for mistake in plan(list(overrides)).mistakes}


def test_none_is_chosen_by_default_and_each_choice_fills_its_own_node() -> None:
    assert chosen(plan([]).configs[0]) == set()
    config = plan(["fault=[poison,brownout]", "fault.brownout.factor=3", "fault.poison.positions=[4,5]"]).configs[0]
    assert chosen(config) == {"poison", "brownout"}
    assert config.fault.brownout == BrownoutFault(factor=3)
    assert config.fault.poison == PoisonFault(positions=[4, 5])
    assert chosen(plan(["fault=outage"]).configs[0]) == {"outage"}, "a single one needs no brackets"


def test_faults_can_be_swept_over_and_differ_between_variants() -> None:
    found = plan(["fault=[poison],[outage,brownout],[]"], multirun=True)
    assert found.mistakes == []
    assert [chosen(config) for config in found.configs] == [{"poison"}, {"outage", "brownout"}, set()]
    variants = "+sweep.variants={bad:['fault=[poison]','fault.poison.positions=[7]'],good:['window.max_size=64']}"
    found = plan([variants, "+sweep.grid={seed:[1,2]}"])
    assert found.mistakes == []
    assert [(chosen(config), config.seed) for config in found.configs] == [
        ({"poison"}, 1),
        ({"poison"}, 2),
        (set(), 1),
        (set(), 2),
    ]
    assert found.configs[0].fault.poison == PoisonFault(positions=[7])


def test_a_key_of_a_fault_that_a_stage_does_not_choose_is_not_for_that_stage() -> None:
    stages = "+sweep.stages=[{name: calm, overrides: ['fault=[]']}, {name: bad, overrides: ['fault=[outage]']}]"
    found = plan([stages, "fault.outage.for_s=2"])
    assert found.mistakes == []
    assert [config.fault.outage for config in found.configs] == [None, OutageFault(for_s=2)]


def test_a_shared_yaml_may_choose_faults_and_bring_a_choice_of_its_own(shared: Shared) -> None:
    shared.write(f"{GLOBAL}defaults:\n  - override /fault: [poison, outage]\nfault:\n  outage: {{for_s: 0.5}}\n")
    config = shared.plan().configs[0]
    assert chosen(config) == {"poison", "outage"}
    assert config.fault.outage == OutageFault(for_s=0.5)
    own = "# @package fault.outage\ndefaults:\n  - /schema/fault/outage@_here_\n  - _self_\nfor_s: 3\n"
    shared.write(own, "fault/long_outage.yaml").write(f"{GLOBAL}defaults:\n  - override /fault: [long_outage]\n")
    assert shared.plan().configs[0].fault.outage == OutageFault(for_s=3)


@pytest.mark.parametrize(
    "text",
    ["fault:\n  poison: {rate: 0.1}\n", "fault:\n  poison: {}\n", "fault: {poison: {kind: poison}}\n"],
)
def test_a_shared_yaml_that_sets_a_fault_without_choosing_it_is_refused(shared: Shared, text: str) -> None:
    assert "poison is not chosen: add fault=[poison]" in shared.write(GLOBAL + text).refused()


def test_what_holds_another_fault_than_its_own_is_refused(shared: Shared) -> None:
    wrong = "# @package fault.outage\ndefaults:\n  - /schema/fault/brownout@_here_\n  - _self_\n"
    shared.write(wrong, "fault/wrong.yaml").write(f"{GLOBAL}defaults:\n  - override /fault: [wrong]\n")
    assert "fault.outage: outage is not chosen" in shared.refused()


@pytest.mark.parametrize("override", ["fault.poison.rate=0.001", "+fault.poison.rate=0.001", "fault.poison.rates=1"])
def test_a_key_of_a_fault_that_is_not_chosen_says_how_to_choose_it(override: str) -> None:
    (key,) = mistakes(override)
    assert key.startswith("fault.poison.rate")
    assert mistakes(override)[key] == "poison is not chosen: add fault=[poison] (several: fault=[poison,…])"


@pytest.mark.parametrize(
    ("overrides", "key", "words"),
    [
        (["fault=[poision]"], "fault", "did you mean poison? (choices of fault: kill, outage, flaky_sink,"),
        (["fault=[brownout]", "fault.brownout.factr=2"], "fault.brownout.factr", "did you mean fault.brownout.factor?"),
        (["fault=[brownout]", "fault.brownout.factor=0.5"], "fault.brownout.factor", "at least 1"),
        (["fault=[brownout]", "fault.brownout.factor=0"], "fault.brownout.factor", "above 0"),
        (["fault=[outage]", "fault.outage.at_s=5"], "fault.outage.at_s", "it would never happen"),
        (["fault=[outage]", "fault.outage.for_s=0"], "fault.outage.for_s", "above 0"),
        (["fault=[outage]", "fault.outage.kind=poison"], "fault.outage.kind", "stays outage"),
        (["fault=[flaky_sink]", "fault.flaky_sink.rate=1.5"], "fault.flaky_sink.rate", "at most 1"),
        (["fault=[poison]", "fault.poison.positions=[3,-1]"], "fault.poison.positions[1]", "at least 0"),
        (["fault=[poison]", "fault.poison.kinds=[]"], "fault.poison.kinds", "one of not_json, too_new"),
        (["fault=[poison]", "fault.poison.kinds=[rotten]"], "fault.poison.kinds", "must be one of not_json, too_new"),
        (["fault=[poison]", "sink=log_file"], "fault", "sink=log_file takes any"),
        (["fault=[poison]", "sink=model"], "fault", "clock=simulated, where the model refuses"),
        (["fault=[poison]", "sink.check_json=false"], "fault", "sink.check_json=false takes any"),
        (["sink.check_json=false", "sink.schema_version=2"], "sink.schema_version", "sink.check_json=true"),
        (["sink.schema_version=0"], "sink.schema_version", "at least 1"),
    ],
)
def test_each_mistake_names_its_key_and_what_is_allowed(overrides: list[str], key: str, words: str) -> None:
    found = mistakes(*overrides)
    assert any(words in why for name, why in found.items() if name.startswith(key)), found


def test_all_mistakes_of_all_faults_are_told_at_once() -> None:
    found = mistakes(
        "fault=[poison,outage,brownout]", "fault.outage.at_s=9", "fault.brownout.factor=0.1", "sink=log_file"
    )
    assert found.keys() == {"fault", "fault.outage.at_s", "fault.brownout.factor"}


def test_what_the_model_refuses_needs_no_constraint() -> None:
    assert mistakes("fault=[poison]", "clock=simulated", "sink=model", "fault.poison.kinds=[too_new,not_json]") == {}


def test_a_node_of_the_bare_schema_counts_as_not_chosen() -> None:
    config = RunConfig()
    config.fault.brownout = FaultConfig()
    assert [mistake.key for mistake in validate(config)] == ["fault.brownout"]
