"""The same faults for a modelled sink in virtual time. Simulated, all of it, and every error says so.

Must live here: what a fault does to a modelled write. Must not: real time, payloads, the order of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestexp.ports import BatchRejected, SinkError, TransientSinkError

if TYPE_CHECKING:
    from ingestexp.adapters.faults.attempt_faults import AttemptFaults
    from ingestexp.adapters.faults.poison import Poison
    from ingestexp.core.batch import Batch

REFUSED_NS: Final = 50_000
"""What an attempt that never reaches the sink takes: about what it takes live, and not nothing, so that a retry without
a pause cannot stop virtual time."""


class ModelledFaults:
    """Decides at the beginning of an attempt, as live; a batch with poison takes its time and is then refused."""

    def __init__(self, attempts: AttemptFaults, poison: Poison | None) -> None:
        self._attempts = attempts
        self._poison = poison
        self._refused: dict[int, str] = {}

    def service_ns(self, batch: Batch, service_ns: int) -> int:
        """What the write of `batch` takes that would take `service_ns`, from `batch.sent_at_ns` on."""
        refusal = self._attempts.refusal(batch.sent_at_ns)
        if refusal is not None:
            self._refused[batch.batch_id] = refusal
            return REFUSED_NS
        return int(service_ns * self._attempts.slowdown(batch.sent_at_ns))

    def error(self, batch: Batch) -> SinkError | None:
        """How the attempt ends; None: well. Asked once an attempt, at its end."""
        refusal = self._refused.pop(batch.batch_id, None)
        if refusal is not None:
            return TransientSinkError(f"simulated {refusal}")
        poison = self._poison
        if poison is None:
            return None
        bad: dict[int, str] = {}
        for span in batch.spans:
            ids, kinds = poison.among(span.first, span.end)
            for item_id, kind in zip(ids.tolist(), kinds.tolist(), strict=True):
                bad[item_id] = f"simulated fault=poison: {poison.kinds[kind]}"
        if not bad:
            return None
        first, why = next(iter(bad.items()))
        more = f" (and {len(bad) - 1:,} more items)" if len(bad) > 1 else ""
        return BatchRejected(f"item {first}: {why}{more}", bad)
