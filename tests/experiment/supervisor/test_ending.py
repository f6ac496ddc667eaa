"""What the end of a limited run is called: the rules, one by one."""

from __future__ import annotations

import dataclasses
import signal

import pytest

from ingestexp.experiment.supervisor.enclosure import CGROUP_V2, RLIMIT_DATA
from ingestexp.experiment.supervisor.ending import Seen, ending

MB = 1 << 20
DEAD = Seen(
    limit_mb=300,
    enforced_by=CGROUP_V2,
    code=-signal.SIGKILL,
    interrupts=0,
    status="running",
    reason=None,
    has_begun=True,
    exhausted=None,
    oom_kill_count=0,
    peak_bytes=300 * MB,
    said="",
)
REFUSED = dataclasses.replace(DEAD, enforced_by=RLIMIT_DATA, oom_kill_count=None, peak_bytes=None)


def named(seen: Seen, **changes: object) -> tuple[str, str]:
    status, reason = ending(dataclasses.replace(seen, **changes))  # type: ignore[arg-type]
    return status, str(reason)


def test_oom_killed_is_what_the_kernels_counter_says() -> None:
    assert named(DEAD, oom_kill_count=1) == (
        "oom_killed",
        "the kernel killed it for memory at memory.limit_mb=300 (cgroup v2)",
    )


@pytest.mark.parametrize("counted", [0, None])
def test_a_sigkill_without_the_counter_is_a_crash(counted: int | None) -> None:
    status, reason = named(DEAD, oom_kill_count=counted)
    assert status == "crashed"
    assert "SIGKILL" in reason
    assert ("it was not for memory" in reason) == (counted == 0)


def test_a_kill_far_below_the_limit_was_not_the_limits_doing() -> None:
    status, reason = named(DEAD, oom_kill_count=1, peak_bytes=100 * MB)
    assert status == "oom_killed"
    assert "it held only 100 MB: a limit above it or the host ran out" in reason


def test_a_kill_before_the_load_is_a_limit_too_small_and_no_verdict() -> None:
    for status in (None, "running"):
        name, reason = named(DEAD, oom_kill_count=1, status=status, has_begun=False)
        assert name == "failed"
        assert "memory.limit_mb=300 (cgroup v2) is too small" in reason


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            -signal.SIGABRT,
            "terminate called after throwing an instance of 'std::bad_alloc'\n",
        ),
        (1, "Traceback\nMemoryError\n"),
        (3, "pyarrow.lib.ArrowMemoryError: malloc of size 64 failed\n"),
    ],
)
def test_what_dies_of_a_refusal_under_a_resource_limit_failed_and_was_not_killed(code: int, said: str) -> None:
    status, reason = named(REFUSED, code=code, said=said)
    assert status == "failed"
    assert reason.startswith("out of memory, not killed: memory.limit_mb=300 (RLIMIT_DATA) refused an allocation (")


def test_the_same_words_prove_nothing_where_the_kernel_would_have_killed() -> None:
    assert named(DEAD, code=-signal.SIGABRT, said="MemoryError\n")[0] == "crashed"


def test_a_memory_error_that_the_run_recorded_is_named() -> None:
    found = named(REFUSED, code=3, status="failed", reason="malloc failed", exhausted="ArrowMemoryError malloc failed")
    assert found[0] == "failed"
    assert "refused an allocation (ArrowMemoryError malloc failed)" in found[1]


def test_a_control_group_refuses_nothing() -> None:
    found = named(DEAD, code=3, status="failed", reason="MemoryError", exhausted="MemoryError")
    assert found == ("failed", "MemoryError")


@pytest.mark.parametrize("status", ["completed", "interrupted", "failed"])
def test_an_end_that_the_run_recorded_itself_stands(status: str) -> None:
    assert named(DEAD, code=0, status=status, reason="its own words") == (status, "its own words")


def test_a_helper_that_was_killed_is_told_beside_what_the_run_says() -> None:
    status, reason = named(DEAD, code=3, status="failed", reason="the sink is gone", oom_kill_count=1)
    assert status == "failed"
    assert reason.startswith("the sink is gone; the kernel killed a process of the run at memory.limit_mb=300")


def test_ctrl_c_before_the_load_is_an_interrupt() -> None:
    assert named(DEAD, code=130, interrupts=1, status=None, has_begun=False)[0] == "interrupted"


def test_libraries_short_of_memory_end_in_many_ways() -> None:
    status, reason = named(REFUSED, code=-signal.SIGSEGV, status=None, has_begun=False)
    assert status == "failed"
    assert "is too small" in reason
    assert "SIGSEGV" in reason
