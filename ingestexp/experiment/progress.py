"""The line that lives while the run does, and the user's wish to end it.

Must live here: the terminal line on stderr, its p99-so-far, SIGINT and SIGTERM. Must not: the summary (`report`).
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

import numpy as np

if TYPE_CHECKING:
    from types import FrameType

    from ingestexp.core.pipeline import Pipeline

_SUB_BUCKETS: Final = 32  # per power of two: about 2 % wide
_EVERY_NS: Final = 250_000_000


class ResponseHistogram:
    """Log-spaced counts of response times: enough for a p99 so far, within about 2 %."""

    def __init__(self) -> None:
        self._counts = np.zeros(64 * _SUB_BUCKETS, np.int64)

    def watch(self, table: Any) -> None:
        """Take in a table of `items` rows (in the trace writer's thread)."""
        settled = table.column("settled_at_ns").to_numpy()
        intended = table.column("intended_at_ns").to_numpy()
        response = settled - intended
        # NULL settles as NaN, and NaN > 0 is false; what a redrive offers was due before the run
        kept = response[(response > 0) & (intended >= 0)]
        if len(kept):
            buckets = (np.log2(kept) * _SUB_BUCKETS).astype(np.int64)
            self._counts += np.bincount(buckets, minlength=len(self._counts))

    def quantile_ms(self, quantile: float) -> float | None:
        total = int(self._counts.sum())
        if not total:
            return None
        bucket = int(np.searchsorted(np.cumsum(self._counts), quantile * total))
        return float(2.0 ** ((bucket + 1) / _SUB_BUCKETS) / 1e6)


class Interrupts:
    """Counts SIGINT and SIGTERM instead of raising in the middle of something. A context manager.

    `raises`: raise KeyboardInterrupt as well, to break off code of others; where that swallows it, it was counted.
    """

    def __init__(self, raises: bool = False) -> None:
        self.count = 0
        self._raises = raises
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._note)
            except ValueError:  # not the main thread: whoever runs us there ends us there
                break
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self._raises:
            raise KeyboardInterrupt


class ProgressLine:
    """Implements `engine.live_run.Watcher`. Silent unless `stream` is a terminal (or `shown` forces it)."""

    def __init__(
        self, interrupts: Interrupts, percentile: float, simulated: bool, duration_ns: int, stream: TextIO = sys.stderr
    ) -> None:
        self.shown = stream.isatty()
        self.histogram = ResponseHistogram()
        self._interrupts = interrupts
        self._percentile = percentile
        self._label = "simulated " if simulated else ""
        self._duration_ns = duration_ns
        self._stream = stream
        self._next_ns = 0
        self._width = 0

    def look(self, now_ns: int, core: Pipeline) -> None:
        if not self.shown or (now_ns < self._next_ns and not self._label):
            return
        self._next_ns = now_ns + _EVERY_NS
        so_far = self.histogram.quantile_ms(self._percentile / 100)
        parts = [
            f"{self._label}{now_ns / 1e9:5.1f} s of {self._duration_ns / 1e9:.0f}",
            f"offered {core.offered:,}",
            f"committed {core.committed:,}",
            f"depth {core.admission.queue.items:,}",
        ]
        if core.dropped:
            parts.append(f"dropped {core.dropped:,}")
        if so_far is not None:
            parts.append(f"p{self._percentile:g} so far {so_far:,.1f} ms")
        if self._interrupts.count:
            parts.append("draining, Ctrl-C again stops at once")
        self._print("  ".join(parts))

    def interrupts(self) -> int:
        return self._interrupts.count

    def clear(self) -> None:
        if self.shown and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()

    def _print(self, line: str) -> None:
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = len(line)
