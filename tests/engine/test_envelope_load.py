"""Which arrivals share an envelope: whole ones across stretches, none across phases, sizes kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
from ingestexp.adapters.envelopes.sealing import EnvelopeSealer
from ingestexp.decode_port import Caps, Envelopes
from ingestexp.engine.envelope_load import EnvelopedLoad
from ingestexp.ports import Arrivals
from ingestexp.trace.envelopes import EnvelopeTally

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stretches:
    """A load that comes in stretches of its own choosing."""

    phases: tuple[str, ...] = ("a", "b")

    def __init__(self, *stretches: Arrivals) -> None:
        self.duration_ns = 1000
        self.expected_items = sum(len(each.due_ns) for each in stretches)
        self._stretches = stretches

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        yield from self._stretches


def arrivals(first: int, count: int, phase: int = 0, sized: bool = False) -> Arrivals:
    due_ns = np.arange(first, first + count, dtype=np.int64)
    return Arrivals(due_ns, due_ns.astype(np.int32) + 1 if sized else None, phase)


def enveloped(per_envelope: int, *stretches: Arrivals) -> EnvelopedLoad:
    envelopes = Envelopes(per_envelope, EnvelopeSealer("gzip"), EnvelopeDecoder("gzip", Caps()))
    return EnvelopedLoad(Stretches(*stretches), envelopes, EnvelopeTally())


def counts(load: EnvelopedLoad) -> list[tuple[int, int]]:
    return [(len(each.due_ns), each.phase) for each in load.envelope_arrivals()]


def test_an_envelope_is_filled_from_the_next_stretch() -> None:
    assert counts(enveloped(10, arrivals(0, 7), arrivals(7, 7), arrivals(14, 9))) == [(10, 0), (10, 0), (3, 0)]


def test_an_envelope_may_take_many_stretches() -> None:
    assert counts(enveloped(10, *(arrivals(3 * n, 3) for n in range(7)))) == [(10, 0), (10, 0), (1, 0)]


def test_none_spans_two_phases() -> None:
    load = enveloped(10, arrivals(0, 14), arrivals(14, 4, phase=1), arrivals(18, 11, phase=1))
    assert counts(load) == [(10, 0), (4, 0), (10, 1), (5, 1)]


def test_dictated_sizes_go_with_their_items() -> None:
    load = enveloped(4, arrivals(0, 3, sized=True), arrivals(3, 3, sized=True))
    sizes = [[] if each.sizes is None else each.sizes.tolist() for each in load.envelope_arrivals()]
    assert sizes == [[1, 2, 3, 4], [5, 6]]


@pytest.mark.parametrize("max_items", [1, 3, 100])
def test_as_a_load_every_item_is_due_with_the_last_of_its_envelope(max_items: int) -> None:
    load = enveloped(4, arrivals(0, 10))
    stretches = list(load.stretches(max_items))
    assert max(len(each.due_ns) for each in stretches) <= max_items
    assert np.concatenate([each.due_ns for each in stretches]).tolist() == [3, 3, 3, 3, 7, 7, 7, 7, 9, 9]


def test_nothing_makes_no_envelope() -> None:
    assert counts(enveloped(10)) == []
