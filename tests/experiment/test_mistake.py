"""The screen of mistakes is safe to show: it may quote a stranger."""

from __future__ import annotations

from ingestexp.experiment.mistake import Mistake, screen


def test_what_a_terminal_would_obey_is_shown_not_sent() -> None:
    said = screen([Mistake("\x1b[31mred", "\u202e1", "no such key \x07")])
    assert not {"\x1b", "\u202e", "\x07"} & set(said)
    assert "\\x1b[31mred=\\u202e1" in said


def test_each_mistake_is_shown_once() -> None:
    assert screen([Mistake("a", "1", "is wrong")] * 2).count("is wrong") == 1
