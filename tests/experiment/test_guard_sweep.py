"""What a shared YAML may say about a sweep, and what it may not smuggle into its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.experiment.shared_folder import GLOBAL

if TYPE_CHECKING:
    from tests.experiment.shared_folder import Shared


def test_a_shared_sweep_is_a_sweep_but_neither_reaches_out_nor_smuggles_anything_into_its_cells(shared: Shared) -> None:
    variants = "sweep:\n  variants:\n    small: ['window.max_size=1']\n    large: ['window.max_size=9']\n"
    cells = shared.write(GLOBAL + variants).plan().cells
    assert [(cell.variant, cell.config.window.max_size) for cell in cells] == [("small", 1), ("large", 9)]
    assert "sweep.address" in shared.write(GLOBAL + "sweep:\n  address: 10.0.0.1:6379\n").refused()
    for token, place in (
        ("hydra.run.dir=/tmp/x", "sweep.variants.a"),
        ("+hydra.callbacks.x._target_=os.mkdir", "sweep.variants.a"),
        ("sweep.address=auto", "sweep.variants.a"),
        ("sink.path=/etc/sink.sqlite", "sink.path"),
        ("+sink._target_=os.mkdir", "_target_"),
    ):
        text = GLOBAL + f"sweep:\n  variants:\n    a: ['{token}']\n"
        assert place in shared.write(text).refused(), token


def test_the_user_may_type_the_address_for_a_shared_sweep(shared: Shared) -> None:
    shared.write(GLOBAL + "sweep:\n  address: auto\n")
    assert shared.plan("sweep.address=auto").mistakes == []
