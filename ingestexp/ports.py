"""The Protocols that the core's surroundings implement.

Must live here: what a load, a payload source, a sink, a clock has to offer, the errors a sink may
raise, and the plain records that cross these borders. Must not: an implementation, a third-party
type other than NumPy's (an Arrow array passes through here as `PayloadArray`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ingestexp.core.span import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingestexp.core.batch import Batch

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Int8s = NDArray[np.int8]


# -- load ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Arrivals:
    """A stretch of the offered load: `due_ns` ascending int64 (n,), ns from the load's start.

    `sizes` int32 (n,) when the load dictates payload sizes, else None. `phase` indexes `Load.phases`
    and holds for the whole stretch: a load cuts its stretches where a phase ends.
    """

    due_ns: Int64s
    sizes: Int32s | None = None
    phase: int = 0


class Load(Protocol):
    """When items arrive. Seeded: the same config and seed give the same arrivals, always."""

    phases: tuple[str, ...]
    """Names of the phases, e.g. ("steady",) or ("on", "off")."""
    duration_ns: int
    """Intended length of the load, ns (for the progress line)."""
    expected_items: int
    """About how many items will arrive (for the progress line and the ETA)."""

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        """The arrivals in order, at most `max_items` a stretch, never an empty one. Fresh at each call.

        Works in bounded memory: a stretch is computed when it is asked for.
        """


@dataclass(slots=True, frozen=True)
class Saturate:
    """Not open-loop: offer as fast as the queue takes, until `item_count` or `duration_ns` (None: no limit).

    An item is intended when it is admitted, so there is no response latency and no SLO verdict.
    """

    item_count: int | None
    duration_ns: int | None
    phases: tuple[str, ...] = ("saturate",)


# -- payloads -----------------------------------------------------------------------------------------


class PayloadArray(Protocol):
    """What engine code may do to an Arrow binary array: slice it, without copying."""

    def __len__(self) -> int: ...

    def slice(self, offset: int, length: int) -> Any: ...


class Payloads(Protocol):
    """What the items carry. Item `i` always gets the same bytes for the same config and seed."""

    is_json: bool
    """Every payload is one valid JSON document."""
    mean_bytes: float
    """Mean payload size, bytes (exact or measured)."""

    def sizes(self, first: int, count: int) -> Int32s | int:
        """Sizes in bytes of the payloads of items first..first+count-1; one int if all are the same."""

    def take(self, first: int, count: int, sizes: Int32s | None = None) -> PayloadArray:
        """An Arrow `binary` array (count,) that owns its bytes (nothing shared with a pool).

        `sizes` (count,) are dictated by the load (`Arrivals.sizes`); raises ValueError where this kind
        of payload can't be cut to size.
        """


class LiveBlock(Block, Protocol):
    """A block that owns its payloads. Holding it is owning the memory."""

    def payloads(self, first: int, end: int) -> Any:
        """The payloads of items first..end-1 as an Arrow `binary` array, a slice without a copy."""


def payload_slices(batch: Batch) -> Iterator[tuple[int, int, Any]]:
    """(first id, end id, Arrow `binary` array of end - first payloads) for each span of the batch."""
    for span in batch.spans:
        block = cast("LiveBlock", span.block)
        yield span.first, span.end, block.payloads(span.first, span.end)


# -- sinks --------------------------------------------------------------------------------------------


class Settled:
    """What one `write` cost, counted by the sink itself, honestly.

    commits: transactions or acknowledged writes; fsyncs: fsync/fdatasync calls (0 where the sink can't know);
    round_trips: request/response pairs over a connection (0 for an embedded sink); syscalls: write-type system
    calls (write, pwrite64, writev, send…); wire_bytes: bytes handed to the file or socket;
    compress_ns: time spent compressing; item_errors: {item id: reason} of items that were refused while the
    others were committed.
    """

    __slots__ = ("commits", "compress_ns", "fsyncs", "item_errors", "round_trips", "syscalls", "wire_bytes")

    def __init__(
        self,
        commits: int = 0,
        fsyncs: int = 0,
        round_trips: int = 0,
        syscalls: int = 0,
        wire_bytes: int = 0,
        compress_ns: int = 0,
        item_errors: Mapping[int, str] | None = None,
    ) -> None:
        self.commits = commits
        self.fsyncs = fsyncs
        self.round_trips = round_trips
        self.syscalls = syscalls
        self.wire_bytes = wire_bytes
        self.compress_ns = compress_ns
        self.item_errors = item_errors


class SinkError(Exception):
    """A sink's failure, in words meant for the user."""


class SinkUnavailable(SinkError):
    """`open` can't: path not writable, server absent, wrong schema. Ends the run before it starts (exit 3)."""


class TransientSinkError(SinkError):
    """This attempt failed, nothing of the batch is durable for sure; the same batch may succeed later."""


class BatchRejected(SinkError):
    """The sink refuses this batch and will again. `item_errors` {item id: reason} when it knows which items."""

    def __init__(self, message: str, item_errors: Mapping[int, str] | None = None) -> None:
        super().__init__(message)
        self.item_errors = item_errors


class SinkBroken(SinkError):
    """The sink can't go on at all (disk full, file gone): ends the run, keeping the evidence so far (exit 3)."""


class Sink(Protocol):
    """A durable place for batches.

    `write` returns only when the batch is durable in the sink's own terms, is idempotent by item id, and may be
    called from several threads at once (`worker` tells which, 0..workers-1): a sink keeps one connection a worker.
    """

    name: str
    durable: bool
    """False for `null` and `model`: nothing can be read back."""
    simulated: bool
    """True for `model`: its costs are made up, and every output says so."""

    def open(self) -> None:
        """Create or open the store. Raises SinkUnavailable."""

    def write(self, batch: Batch, worker: int) -> Settled:
        """Raises TransientSinkError, BatchRejected, SinkBroken. An empty batch never comes."""

    def close(self) -> None:
        """Idempotent, also after a failed open."""

    def read_back(self) -> Int64s:
        """Every item id the store holds, ascending; a store that could hold an id twice repeats it.

        Called after `close`, opens the store anew. An append-only store collapses the repeats of a re-sent item
        (its reader would) and reports their number in `describe`.
        """

    def describe(self) -> dict[str, object]:
        """What durability means here and where it is kept: goes into the manifest. No secrets."""


class CostModel(Protocol):
    """What a simulated write takes."""

    def service_ns(self, item_count: int, payload_bytes: int) -> int:
        """The next write's duration, ns; draws from the seeded noise stream."""


class FailureModel(Protocol):
    """What goes wrong with simulated writes."""

    def service_ns(self, batch: Batch, service_ns: int) -> int:
        """How long the write takes that begins at `batch.sent_at_ns` and would take `service_ns`."""

    def error(self, batch: Batch) -> SinkError | None:
        """How it ends, asked once at its end; None: well."""


# -- clock --------------------------------------------------------------------------------------------


class Clock(Protocol):
    def now_ns(self) -> int:
        """Nanoseconds from the run's start."""


@runtime_checkable
class Timed(Protocol):
    """A sink that goes by the run's clock: it is given it once, before the first write."""

    def start(self, clock: Clock) -> None: ...


@dataclass(slots=True)
class Notices:
    """What an adapter wants the user to know (rows sorted, lines skipped). Shown once, kept in the manifest."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        if line not in self.lines:
            self.lines.append(line)
