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
    spill = "spill"


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


class SpillThen(Enum):
    """What happens when the spill is full."""

    block = "block"
    drop_newest = "drop_newest"


@dataclass
class SpillPolicy(PolicyConfig):
    """Half of `capacity` is the queue's, half for items on their way to the disk."""

    kind: PolicyKind = PolicyKind.spill
    capacity: int = 100_000
    capacity_bytes: int | None = None
    spill_max_bytes: int = 1 << 30
    spill_then: SpillThen = SpillThen.block
    spill_path: str | None = None


@dataclass
class WindowConfig:
    """`max_size` counts items, never bytes."""

    max_size: int = 512
    max_wait_ms: float | None = 5.0
    max_bytes: int | None = None


class OnFailureKind(Enum):
    retry_batch = "retry_batch"
    skip_batch = "skip_batch"
    split_and_retry = "split_and_retry"
    report_items = "report_items"


@dataclass
class OnFailureConfig:
    """`kind` is set by the choice (`on_failure=…`). `max_attempts` counts the first one too; null: no limit."""

    max_attempts: int | None = 5
    backoff_ms: float = 10.0
    backoff_factor: float = 2.0
    max_backoff_ms: float = 1_000.0
    jitter: float = 0.5
    ordered: bool = False


@dataclass
class RetryBatch(OnFailureConfig):
    kind: OnFailureKind = OnFailureKind.retry_batch


@dataclass
class SkipBatch(OnFailureConfig):
    kind: OnFailureKind = OnFailureKind.skip_batch


@dataclass
class SplitAndRetry(OnFailureConfig):
    kind: OnFailureKind = OnFailureKind.split_and_retry


@dataclass
class ReportItems(OnFailureConfig):
    kind: OnFailureKind = OnFailureKind.report_items
