"""Which items are poisoned, and what SQLite itself says of their payloads."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestexp.adapters.faults.poison import Poison
from ingestexp.adapters.faults.poisoned_payloads import SMALLEST_TOO_NEW_BYTES, PoisonedPayloads
from ingestexp.adapters.payloads.json_event import JsonEvent
from ingestexp.adapters.sinks.sqlite import SqliteSink
from ingestexp.ports import BatchRejected
from tests.contracts.batches import batch_of
from tests.contracts.payload_contract import PayloadContract

if TYPE_CHECKING:
    from pathlib import Path

BOTH = ("not_json", "too_new")


def poison(positions: tuple[int, ...] = (), rate: float = 0.0, kinds: tuple[str, ...] = BOTH, seed: int = 1) -> Poison:
    return Poison(positions, rate, kinds, np.random.default_rng(seed))


def events(seed: int = 1, size_bytes: int = 60) -> JsonEvent:
    return JsonEvent(size_bytes=size_bytes, size_cv=0.5, rng=np.random.default_rng(seed))


class TestPoisonedPayloads(PayloadContract):
    can_be_cut_to_size = True

    def make(self) -> PoisonedPayloads:
        return PoisonedPayloads(events(), poison((4100, 10**12), 0.01), newer_version=2)


def test_positions_are_poisoned_in_turn_and_nothing_else() -> None:
    ids, kinds = poison((70_000, 3, 65_536, 3)).among(0, 200_000)
    assert ids.tolist() == [3, 65_536, 70_000]
    assert kinds.tolist() == [0, 1, 0]
    assert poison((3,)).among(4, 9)[0].tolist() == []


def test_a_rate_is_the_share_of_the_items_and_of_each_kind() -> None:
    ids, kinds = poison(rate=0.02).among(0, 1_000_000)
    assert len(ids) == pytest.approx(20_000, rel=0.05)
    assert kinds.mean() == pytest.approx(0.5, abs=0.02)
    assert len(poison(rate=1.0).among(10, 100_000)[0]) == 99_990
    assert poison(rate=0.02).count_by_kind(1_000_000) == {
        "not_json": int((kinds == 0).sum()),
        "too_new": int((kinds == 1).sum()),
    }


def test_the_same_seed_poisons_the_same_items_and_another_one_others() -> None:
    one, again, other = (poison(rate=0.01, seed=seed).among(0, 100_000)[0] for seed in (1, 1, 2))
    assert one.tolist() == again.tolist()
    assert one.tolist() != other.tolist()


@given(st.lists(st.integers(0, 400_000), max_size=5), st.integers(0, 300_000), st.integers(1, 100_000))
def test_however_it_is_asked_an_item_is_poisoned_or_not(cuts: list[int], first: int, count: int) -> None:
    """The pieces of a range, in any order, hold what the range holds."""
    asked = poison((5, 100_000), rate=0.001)
    for cut in cuts:
        asked.among(cut, cut + 1)
    edges = [first, *sorted(cut for cut in cuts if first < cut < first + count), first + count]
    pieces = [asked.among(low, high)[0].tolist() for low, high in itertools.pairwise(edges) if high > low]
    assert list(itertools.chain(*pieces)) == poison((5, 100_000), rate=0.001).among(first, first + count)[0].tolist()


def test_pieces_are_bounded_and_cover_all_items_offered() -> None:
    pieces = list(poison(rate=1.0).chunks(150_000))
    assert [len(ids) for ids, _ in pieces] == [65_536, 65_536, 18_928]


def test_only_the_poisoned_payloads_change_and_no_size_does() -> None:
    plain: Any = events().take(90, 200)
    spoiled: Any = PoisonedPayloads(events(), poison((100, 101, 250)), 2).take(90, 200)
    pairs = list(zip(plain.to_pylist(), spoiled.to_pylist(), strict=True))
    assert [90 + place for place, (before, after) in enumerate(pairs) if before != after] == [100, 101, 250]
    assert all(len(before) == len(after) for before, after in pairs)
    assert pairs[10][1] == b"!" + pairs[10][0][1:]
    assert json.loads(pairs[11][1])["schema_version"] == 2


@pytest.mark.parametrize("size", [24, 28, 33, 34, 60, 5000])
def test_too_new_is_json_in_any_size(size: int) -> None:
    payloads = PoisonedPayloads(events(), poison((0,), kinds=("too_new",)), 1000)
    (payload,) = payloads.take(0, 1, np.array([size], np.int32)).to_pylist()
    assert len(payload) == size
    assert json.loads(payload)["schema_version"] == 1000
    assert size >= SMALLEST_TOO_NEW_BYTES


def test_the_database_refuses_them_by_its_own_checks(tmp_path: Path) -> None:
    payloads: Any = PoisonedPayloads(events(), poison((2, 7)), 2).take(0, 10)
    old = SqliteSink(tmp_path / "s", workers=1, check_json=True)
    old.open()
    with pytest.raises(BatchRejected) as refused:
        old.write(batch_of((0, payloads.to_pylist())), 0)
    old.close()
    assert {item_id: why.split(":")[1][:14] for item_id, why in (refused.value.item_errors or {}).items()} == {
        2: " json_valid(pa",
        7: " coalesce(json",
    }
    new = SqliteSink(tmp_path / "s", workers=1, check_json=True, schema_version=2)
    new.open()
    with pytest.raises(BatchRejected) as refused:
        new.write(batch_of((0, payloads.to_pylist())), 0)
    new.close()
    assert list(refused.value.item_errors or {}) == [2], "the other one is cured"
