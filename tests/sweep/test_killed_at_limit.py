"""A cell that the kernel kills at its memory limit: finished where the experiment says that it may be, else failed.

The kill is real; where nothing here kills at a limit, the tests are skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.experiment.supervisor.limited import kernel_way, manifest

if TYPE_CHECKING:
    from tests.sweep.rig import Home

KILLS = """# @package _global_
# A queue with bounds and one without, under one memory limit.
defaults:
  - override /load: constant
load: {rate_per_s: 20000, duration_s: 4}
payload: {size_bytes: 2000}
run: {drain_s: 0}
slo: {warmup_s: 0}
memory: {limit_mb: 150}
experiment:
  name: kills
  question: Which of them is killed?
  tables: [memory_use]
  may_be_oom_killed: [MAY]
  acceptance:
    - {name: killed, says: a queue without bounds is killed, query: killed_at_limit, at_least: 1}
sweep:
  variants:
    bounded: [policy=drop_newest, policy.capacity=1000, window.max_size=64]
    unbounded: [policy=unbounded, window=per_item]
"""


@pytest.mark.parametrize("may", ["unbounded", ""], ids=["it may be", "nobody said so"])
def test_a_kill_is_what_the_experiment_says_of_it(own: Home, may: str) -> None:
    kernel_way()
    (own.path / "shared/experiment").mkdir(parents=True)
    (own.path / "shared/experiment/kills.yaml").write_text(KILLS.replace("MAY", may))
    ended = own.run("--config-dir", "shared", "+experiment=kills")
    cells = own.sweep().facts["cells"]
    assert [cell["status"] for cell in cells] == ["completed", "oom_killed"], ended.err
    assert [cell["as_expected"] for cell in cells] == [False, bool(may)]
    facts = manifest(own.sweep().folder / cells[1]["folder"])
    assert facts["memory"]["oom_kill_count"] >= 1
    assert facts["counters"]["unsettled"] > 10_000
    assert facts["cell"]["cores"]
    if may:
        assert ended.code == 0, ended.out
        assert own.sweep().facts["status"] == "completed"
        assert "(1 killed at the memory limit, as may be)" in ended.out
        assert own.run("--config-dir", "shared", "+experiment=kills", f"hydra.sweep.dir={own.sweep().folder}").code == 0
        assert [cell["attempt"] for cell in own.sweep().facts["cells"]] == [0, 0], "it is finished: not to be run again"
    else:
        assert ended.code == 3
        assert own.sweep().facts["status"] == "failed"
        assert "oom_killed" in ended.words
