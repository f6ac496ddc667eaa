"""What every load must hold: a test class of a load inherits these and says how to make one."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ingestexp.ports import Arrivals, Int32s, Int64s, Load

MAX_ITEMS = 1000


class LoadContract(ABC):
    @abstractmethod
    def make(self) -> Load:
        """The same load at each call, with 1,000 to 100,000 items."""

    def test_stretches_are_never_empty_and_hold_at_most_max_items(self) -> None:
        lengths = [len(stretch.due_ns) for stretch in self.make().stretches(MAX_ITEMS)]
        assert lengths
        assert min(lengths) >= 1
        assert max(lengths) <= MAX_ITEMS

    def test_arrivals_ascend_and_lie_within_the_duration(self) -> None:
        load = self.make()
        due_ns, _, _ = joined(list(load.stretches(MAX_ITEMS)))
        assert due_ns.dtype == np.int64
        assert (np.diff(due_ns) >= 0).all()
        assert due_ns[0] >= 0
        assert due_ns[-1] < load.duration_ns

    def test_arrivals_do_not_depend_on_max_items(self) -> None:
        load = self.make()
        expected = joined(list(load.stretches(1 << 20)))
        for max_items in (7, 64, 1000, 8192):
            assert_same(joined(list(load.stretches(max_items))), expected)

    def test_asking_twice_gives_the_same_arrivals(self) -> None:
        load = self.make()
        first = load.stretches(MAX_ITEMS)
        next(first)  # left half-way: another reader must not be disturbed
        assert_same(joined(list(load.stretches(MAX_ITEMS))), joined(list(load.stretches(MAX_ITEMS))))

    def test_the_same_configuration_gives_the_same_arrivals(self) -> None:
        assert_same(joined(list(self.make().stretches(MAX_ITEMS))), joined(list(self.make().stretches(MAX_ITEMS))))

    def test_stretches_do_not_share_memory(self) -> None:
        stretches = list(self.make().stretches(MAX_ITEMS))
        assert not any(np.shares_memory(a.due_ns, b.due_ns) for a, b in itertools.pairwise(stretches))

    def test_every_stretch_names_one_of_the_phases(self) -> None:
        load = self.make()
        assert {stretch.phase for stretch in load.stretches(MAX_ITEMS)} <= set(range(len(load.phases)))

    def test_expected_items_is_about_what_arrives(self) -> None:
        load = self.make()
        count = len(joined(list(load.stretches(MAX_ITEMS)))[0])
        assert abs(count - load.expected_items) <= 6 * np.sqrt(load.expected_items) + 1


def joined(stretches: list[Arrivals]) -> tuple[Int64s, Int32s | None, Int32s]:
    """(due_ns, sizes, phase) of all items."""
    sizes = [stretch.sizes for stretch in stretches if stretch.sizes is not None]
    assert len(sizes) in (0, len(stretches))
    phases = np.repeat([s.phase for s in stretches], [len(s.due_ns) for s in stretches]).astype(np.int32)
    return np.concatenate([s.due_ns for s in stretches]), np.concatenate(sizes) if sizes else None, phases


def assert_same(found: tuple[Int64s, Int32s | None, Int32s], expected: tuple[Int64s, Int32s | None, Int32s]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            np.testing.assert_array_equal(a, b)
