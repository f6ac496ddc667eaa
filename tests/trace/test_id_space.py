"""Which ids a run has: its own from a base on, and before them those of dead letters."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingestexp.trace.id_space import IdSpace
from ingestexp.trace.ledger import audit_readback


def test_of_an_ordinary_run_every_id_is_its_place() -> None:
    assert IdSpace(3).places(np.array([-1, 0, 2, 3])).tolist() == [-1, 0, 2, -1]


@given(st.sets(st.integers(0, 50)), st.integers(0, 20), st.lists(st.integers(-5, 90)))
def test_places_are_dense_and_only_those_of_ids_that_the_run_has(redriven: set[int], live: int, ids: list[int]) -> None:
    """Dead letters first, ascending, then the load; each id of the run has a place of its own, no other has any."""
    space = IdSpace(live, 60, np.array(sorted(redriven), np.int64))
    own = [*sorted(redriven), *range(60, 60 + live)]
    assert space.count == len(own)
    assert space.places(np.array(own, np.int64)).tolist() == list(range(len(own)))
    found = space.places(np.array(ids, np.int64)).tolist()
    assert found == [own.index(item_id) if item_id in own else -1 for item_id in ids]


def readback(held: list[int], before: list[int]) -> tuple[bool, int, int, int]:
    """Dead letters 3 and 5 (5 is parked again), load 10 and 11, all others committed."""
    by_place = np.array([0, 2, 0, 0], np.int8)
    space = IdSpace(2, 10, np.array([3, 5]))
    found = audit_readback(by_place, np.array(sorted(held)), space, np.array(before, np.int64))
    return found.ok, found.missing, found.foreign, found.held_before


def test_what_is_read_back_is_what_was_held_before_and_what_was_committed() -> None:
    assert readback([1, 2, 3, 10, 11], [1, 2]) == (True, 0, 0, 2)


def test_an_id_that_was_held_before_and_is_gone_is_missing() -> None:
    assert readback([1, 3, 10, 11], [1, 2]) == (False, 1, 0, 2)


def test_a_dead_letter_or_a_stranger_in_the_store_is_foreign() -> None:
    assert readback([1, 2, 3, 5, 10, 11], [1, 2]) == (False, 0, 1, 2)
    assert readback([1, 2, 3, 4, 10, 11], [1, 2]) == (False, 0, 1, 2)


def test_a_committed_item_that_the_store_lacks_is_missing() -> None:
    assert readback([1, 2, 10, 11], [1, 2]) == (False, 1, 0, 2)
