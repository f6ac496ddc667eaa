"""Ctrl-C is counted; where it also has to break something off, a swallowed one is not lost."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from ingestexp.experiment.progress import Interrupts


def test_an_interrupt_is_counted_and_breaks_nothing_off() -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupts.count == 2


def test_one_that_breaks_something_off_is_counted_though_it_was_swallowed() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts(raises=True) as interrupts:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with contextlib.suppress(BaseException):  # as some code does
            os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.count == 2
    assert signal.getsignal(signal.SIGINT) is before
