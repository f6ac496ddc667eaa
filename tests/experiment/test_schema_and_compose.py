"""Every choice of every group, really composed: what the YAML says is what the program gets."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_args

import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.limits import RANGES
from ingestexp.experiment.paths import CONF
from ingestexp.experiment.schema import RunConfig
from ingestexp.experiment.schema.load import PoissonLoad
from ingestexp.experiment.schema.pipeline import BlockPolicy, WindowConfig
from ingestexp.experiment.schema.run import ClockKind, SloConfig
from ingestexp.experiment.schema.sink import NullSinkConfig, SqliteSinkConfig
from ingestexp.experiment.schema.store import SCHEMAS
from ingestexp.experiment.session import session, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = ("load", "payload", "decode", "policy", "window", "on_failure", "sink", "fault", "slo")
CHOICES = [(group, file.stem) for group in GROUPS for file in sorted((CONF / group).glob("*.yaml"))]


def composed(*overrides: str) -> RunConfig:
    found = plan(list(overrides))
    assert found.mistakes == []
    return found.configs[0]


def filled(group: str, choice: str) -> Any:
    """What the choice makes of its node; of the group `fault` each choice has a node of its own."""
    node = getattr(plan([f"{group}='{choice}'"]).configs[0], group)
    return getattr(node, choice) if group == "fault" else node


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_gives_its_own_dataclass(group: str, choice: str) -> None:
    node = filled(group, choice)
    assert type(node) in SCHEMAS[group].values()
    assert getattr(node, "kind", None) is None or node.kind.value == choice


def test_every_schema_has_a_choice_that_draws_it_in() -> None:
    drawn = {type(filled(group, choice)) for group, choice in CHOICES}
    assert drawn == {schema for group in SCHEMAS.values() for schema in group.values()}


def test_the_default_run_is_the_documented_one() -> None:
    config = composed()
    assert (config.seed, config.clock) == (1, ClockKind.live)
    assert config.load == PoissonLoad(rate_per_s=20_000, duration_s=5)
    assert config.policy == BlockPolicy(capacity=100_000, capacity_bytes=None)
    assert config.window == WindowConfig(max_size=512, max_wait_ms=5, max_bytes=None)
    assert config.sink == SqliteSinkConfig(path=None, workers=1, check_json=True)
    assert (config.slo.percentile, config.slo.bound_ms) == (99, 50)
    assert config.run.drain_s == 10
    assert config == RunConfig(), "the schemas' own defaults say the same as the YAML"


def test_named_windows_and_objectives_are_what_their_names_say() -> None:
    assert composed("window=greedy").window.max_wait_ms == 0
    assert composed("window=per_item").window.max_size == 1
    assert composed("window=size_only").window.max_wait_ms is None
    assert composed("slo=p999_200ms").slo == SloConfig(percentile=99.9, bound_ms=200)


def test_the_quoted_null_sink_is_a_choice() -> None:
    assert composed("sink='null'").sink == NullSinkConfig()


def test_of_a_repeated_key_the_last_one_counts() -> None:
    assert composed("seed=1", "seed=2").seed == 2


def test_a_sweep_is_the_product_of_its_axes() -> None:
    found = plan(["window.max_size=1,64", "seed=range(1,4)", "sink='null',sqlite"], multirun=True)
    assert found.mistakes == []
    assert len(found.configs) == 12
    assert len({(c.window.max_size, c.seed, type(c.sink)) for c in found.configs}) == 12


def test_glob_runs_through_the_choices_of_a_group() -> None:
    found = plan(["window=glob(*)"], multirun=True)
    assert len(found.configs) == len([choice for group, choice in CHOICES if group == "window"])


def test_the_quick_way_to_a_cell_equals_full_composition() -> None:
    """A copy of the base with values applied, against Hydra's own composition of the same overrides."""
    tokens = ["load=bursty", "sink=model", "load.rate_per_s=7", "window.max_bytes=${policy.capacity}", "seed=9"]
    with session() as here:
        parsed = here.parser.parse_overrides(tokens)
        assert typed(here.compose(parsed)) == typed(here.base(tokens))


def test_two_runs_of_one_second_get_folders_of_their_own() -> None:
    assert plan([]).folder.partition("-")[0].startswith("runs/")
    assert len({plan([]).folder for _ in range(3)}) == 3


def test_every_number_of_every_schema_has_a_range() -> None:
    def numbers(schema: type) -> Iterator[str]:
        for spec in fields(schema):
            kinds: Any = get_args(spec.type) or (spec.type,)
            if is_dataclass(spec.type):
                yield from numbers(spec.type)  # type: ignore[arg-type]
            elif {"int", "float"} & set(str(spec.type).replace(" ", "").split("|")) or {int, float} & set(kinds):
                yield spec.name

    schemas = [schema for group in SCHEMAS.values() for schema in group.values()]
    named = {name for schema in [RunConfig, *schemas] for name in numbers(schema)}
    assert named - RANGES.keys() == set()
    assert "max_wait_ms" in named


def test_the_documentation_names_every_key_and_choice() -> None:
    text = (CONF.parent / "docs" / "configuration.md").read_text()
    keys = {name for group in SCHEMAS.values() for schema in group.values() for name in _keys(schema)}
    assert {key for key in keys if f".{key}`" not in text} == set()
    unnamed = {f"{group}={choice}" for group, choice in CHOICES if choice not in text}
    assert unnamed == set()


def _keys(schema: type) -> set[str]:
    set_by_the_choice, sections = {"kind", "codec"}, {"bombs"}
    return {spec.name for spec in fields(schema)} - set_by_the_choice - sections
