"""Backoff with jitter and an attempt limit. The uniform number is passed in: no random source here."""

from __future__ import annotations


class Retry:
    """`max_attempts` counts the first one; delays grow by `factor` from `backoff_ns` up to `max_backoff_ns`.

    `jitter` in [0, 1] is the share of the delay that is drawn: 0 none, 1 "full jitter"
    (M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015).
    """

    __slots__ = ("backoff_ns", "factor", "jitter", "max_attempts", "max_backoff_ns")

    def __init__(
        self,
        max_attempts: int,
        backoff_ns: int,
        factor: float = 2.0,
        max_backoff_ns: int = 1 << 40,
        jitter: float = 0.0,
    ) -> None:
        self.max_attempts = max_attempts
        self.backoff_ns = backoff_ns
        self.factor = factor
        self.max_backoff_ns = max_backoff_ns
        self.jitter = jitter

    def exhausted(self, attempt: int) -> bool:
        return attempt >= self.max_attempts

    def delay_ns(self, attempt: int, uniform: float) -> int:
        """How long to wait after failed attempt number `attempt` (1 is the first)."""
        delay = float(self.backoff_ns)
        for _ in range(attempt - 1):
            delay *= self.factor
            if delay >= self.max_backoff_ns:
                break
        delay = min(delay, float(self.max_backoff_ns))
        return int(delay * (1.0 - self.jitter * uniform))
