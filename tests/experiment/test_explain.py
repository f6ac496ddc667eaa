"""An error names the key, the value, what is allowed and the nearest right spelling."""

from __future__ import annotations

import pytest

from ingestexp.experiment.cells import MAX_CELLS
from ingestexp.experiment.command_line import CommandLine, parse, quote_null_sink
from ingestexp.experiment.compose import plan
from ingestexp.experiment.mistake import Mistake, screen


def only(*overrides: str, multirun: bool = False) -> Mistake:
    [mistake] = plan(list(overrides), multirun).mistakes
    return mistake


@pytest.mark.parametrize(
    ("override", "subject", "words"),
    [
        ("window.max_sise=64", "window.max_sise=64", "did you mean window.max_size?"),
        ("max_size=64", "max_size=64", "did you mean window.max_size?"),
        ("lod=poisson", "lod=poisson", "did you mean load?"),
        ("load=poison", "load=poison", "did you mean poisson?"),
        ("clock=simulate", "clock=simulate", "one of live, simulated; did you mean simulated?"),
        ("sink.workers=two", "sink.workers=two", "a whole number"),
        ("window.max_size=1.5", "window.max_size=1.5", "a whole number"),
        ("load.rate_per_s=fast", "load.rate_per_s=fast", "must be a number"),
        ("window.max_wait_ms=soon", "window.max_wait_ms=soon", "a number or null"),
        ("sink.check_json=maybe", "sink.check_json=maybe", "true or false"),
        ("seed=null", "seed=null", "a whole number"),
        ("+foo=1", "foo=1", "no such key"),
        ("+window.foo=1", "window.foo=1", "keys here: max_size, max_wait_ms, max_bytes"),
        ("++window.foo=1", "window.foo=1", "no such key"),
        ("+seed=3", "seed=3", "leave out the +"),
        ("~seed", "~seed", "set it to null"),
        ("sink=null", "sink=null", "no group can be left out"),
        ("window={max_sise: 4}", "window={max_sise: 4}", "did you mean window.max_size?"),
        ("seed=${nope}", "seed=${nope}", "not there"),
        ("hydra.run.dri=x", "hydra.run.dri=x", "did you mean hydra.run.dir?"),
        ("seed 3", "seed 3", "key=value"),
        ("seed=[", "seed=[", "can't be read"),
        ("window.max_size=1,2", "window.max_size=1,2", "add -m"),
    ],
)
def test_each_kind_of_mistake_is_put_into_words(override: str, subject: str, words: str) -> None:
    mistake = only(override)
    assert mistake.subject == subject
    assert words in mistake.why


def test_all_mistakes_of_a_command_line_at_once() -> None:
    tokens = ["window.max_sise=64", "load=poison", "load.rat=1", "clock=sim", "policy.capacity=10", "+x=1"]
    found = {mistake.key for mistake in plan(tokens).mistakes}
    # load.rat is not judged: the load it would belong to is not known; window.max_size contradicts policy.capacity
    assert found == {"window.max_sise", "load", "clock", "x", "window.max_size"}


def test_a_bad_value_within_a_sweep_is_named_once() -> None:
    assert only("window.max_size=1,x,64", "seed=1,2", multirun=True).subject == "window.max_size=x"


def test_a_sweep_without_end_is_refused_before_it_is_counted() -> None:
    assert f"{MAX_CELLS:,}" in only("seed=range(1,100000)", multirun=True).why
    assert "interval" in only("seed=interval(1,2)", multirun=True).why


def test_the_screen_shows_each_mistake_once_and_fits() -> None:
    one = Mistake("a.b", "1", "must be " + "x " * 100)
    text = screen([one, one, Mistake("long." * 12, "2", "no such key")])
    assert text.startswith("ingestexp: 2 mistakes in the configuration\n")
    assert max(map(len, text.splitlines())) <= 120
    assert text.count("a.b=1") == 1


@pytest.mark.parametrize(
    ("token", "rewritten"),
    [
        ("sink=null", "sink='null'"),
        ("sink=null,sqlite", "sink='null',sqlite"),
        ("sink=choice(sqlite,null)", "sink=choice(sqlite,'null')"),
        ("sink='null'", "sink='null'"),
        ("sink=nullable", "sink=nullable"),
        ("sink.path=null", "sink.path=null"),
        ("window.max_wait_ms=null", "window.max_wait_ms=null"),
    ],
)
def test_the_null_sink_works_as_users_type_it(token: str, rewritten: str) -> None:
    assert quote_null_sink(token) == rewritten


@pytest.mark.parametrize(
    "argv",
    [["--experimental-rerun", "x.pickle"], ["-cp", "elsewhere"], ["-cn", "theirs"], ["hydra.searchpath=[pkg://os]"]],
)
def test_ways_around_the_guard_are_refused(argv: list[str]) -> None:
    found = parse(argv)
    assert isinstance(found, list)
    assert "is refused" in found[0].why or "is not one of ours" in found[0].why


def test_flags_may_stand_between_overrides() -> None:
    line = parse(["seed=1", "-m", "sink=null", "--cfg=job"][:3])
    assert isinstance(line, CommandLine)
    assert line.argv == ["--multirun", "seed=1", "sink='null'"]
    assert line.runs
