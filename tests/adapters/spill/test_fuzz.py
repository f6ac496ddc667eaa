"""The reader against files that nobody should have written (200,000 of them: `python -m tests.adapters.spill.fuzz`)."""

from __future__ import annotations

from tests.adapters.spill import fuzz


def test_the_reader_raises_only_what_it_states_and_does_not_grow() -> None:
    """Whatever stands in the file: its items, a torn tail or SpillDamaged; both readers agree; no memory is kept."""
    outcomes, growth_bytes = fuzz.run(4_000, 11)
    assert set(outcomes) == {"sound", "torn", "damaged", "damaged columns"}
    assert min(outcomes.values()) > 20
    assert growth_bytes < 64 << 20
