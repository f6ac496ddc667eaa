"""What may be said about the pipeline itself: the groups `policy`, `window` and `on_failure`.

Must live here: keys, types, defaults. Must not: range checks (`validate`), construction (`build`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PolicyKind(Enum):
    block = "block"
    drop_newest = "drop_newest"
    drop_oldest = "drop_oldest"
    unbounded = "unbounded"


@dataclass
class PolicyConfig:
    """`kind` is set by the choice (`policy=…`)."""


@dataclass
class BlockPolicy(PolicyConfig):
    kind: PolicyKind = PolicyKind.block
    capacity: int = 100_000
    capacity_bytes: int | None = None


@dataclass
class DropNewestPolicy(PolicyConfig):
    kind: PolicyKind = PolicyKind.drop_newest
    capacity: int = 100_000
    capacity_bytes: int | None = None


@dataclass
class DropOldestPolicy(PolicyConfig):
    kind: PolicyKind = PolicyKind.drop_oldest
    capacity: int = 100_000
    capacity_bytes: int | None = None


@dataclass
class UnboundedPolicy(PolicyConfig):
    kind: PolicyKind = PolicyKind.unbounded


@dataclass
class WindowConfig:
    """`max_size` counts items, never bytes."""

    max_size: int = 512
    max_wait_ms: float | None = 5.0
    max_bytes: int | None = None


class OnFailureKind(Enum):
    retry_batch = "retry_batch"


@dataclass
class OnFailureConfig:
    """`kind` is set by the choice (`on_failure=…`)."""


@dataclass
class RetryBatch(OnFailureConfig):
    """`max_attempts` counts the first one too."""

    kind: OnFailureKind = OnFailureKind.retry_batch
    max_attempts: int = 5
    backoff_ms: float = 10.0
    backoff_factor: float = 2.0
    max_backoff_ms: float = 1_000.0
    jitter: float = 0.5
    ordered: bool = False
