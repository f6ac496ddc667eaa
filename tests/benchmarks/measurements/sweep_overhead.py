"""What `-m window.max_size=1,64,512` takes beyond its three cells of 5 s, Ray's start and the tables included."""

from __future__ import annotations

from tests.benchmarks.rows import Row
from tests.benchmarks.sweeps import Sweep, scratch, timed


def measure() -> list[Row]:
    with scratch() as parent:
        whole_s = timed(parent / "sweep", ["-m", "window.max_size=1,64,512", "sweep.rerun_disturbed=false"])
        own_s = sum(facts["ended_at_ns"] for facts in Sweep(parent / "sweep").manifests()) / 1e9
    note = f"{whole_s:.1f} s, of which {own_s:.1f} s are the cells' own, drain included"
    return [Row.at_most("overhead_s", "the command, beyond its cells' own time", whole_s - own_s, "s", 8, note)]
