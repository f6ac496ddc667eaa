"""The envelopes' ledger: one row an envelope, and the rejected bodies as they came.

Must live here: counting them, their two tables, the thread that writes those. Must not: the columns (`schema`), what
becomes of an envelope.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ingestexp.trace import schema
from ingestexp.trace.parts import PartWriter

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.decode_port import EnvelopeFate

FOLDER, DEAD_FOLDER = "envelopes", "envelope_dead_letters"
_QUEUE_ROWS: Final = 256
_FLUSH_S: Final = 1.0
_FLUSH_BYTES: Final = 8 << 20
_FLUSH_ROWS: Final = 4096


class EnvelopeTally:
    """Implements `decode_port.EnvelopeNotes`: counts only."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.bomb_count = 0
        self.bombs_accepted_count = 0
        self.body_bytes = self.inflated_bytes = self.decode_ns = 0

    def note(self, fate: EnvelopeFate) -> None:
        self.outcomes[fate.outcome] += 1
        if fate.reason:
            self.reasons[fate.reason] += 1
        self.bomb_count += fate.is_bomb
        self.bombs_accepted_count += fate.is_bomb and fate.outcome == "accepted"
        self.body_bytes += fate.body_bytes
        self.inflated_bytes += fate.inflated_bytes or 0
        if fate.decoded_at_ns is not None and fate.decode_started_at_ns is not None:
            self.decode_ns += fate.decoded_at_ns - fate.decode_started_at_ns

    def facts(self) -> dict[str, Any]:
        """For the manifest. Bombs are those that the run put in on purpose."""
        return {
            "accepted": self.outcomes["accepted"],
            "rejected": self.outcomes["rejected"],
            "unoffered": self.outcomes["unoffered"],
            "reasons": dict(sorted(self.reasons.items())),
            "bombs": self.bomb_count,
            "bombs_accepted": self.bombs_accepted_count,
            "body_bytes": self.body_bytes,
            "inflated_bytes": self.inflated_bytes,
            "decode_ns": self.decode_ns,
        }

    def close(self) -> None: ...


class EnvelopeLedger(EnvelopeTally):
    """Counts, and writes a row each: a part a second, so that a killed run leaves what it knew. Raises OSError."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__()
        self._rows = PartWriter(run_dir / FOLDER, schema.ENVELOPES, ("envelope_id", "intended_at_ns"))
        self._dead = PartWriter(run_dir / DEAD_FOLDER, schema.ENVELOPE_DEAD_LETTERS)
        for part in (self._rows, self._dead):
            part.write_empty()
        self._queue: queue.Queue[EnvelopeFate | None] = queue.Queue(_QUEUE_ROWS)
        self._error: OSError | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name="trace-envelopes", daemon=True)

    def note(self, fate: EnvelopeFate) -> None:
        """Raises OSError once writing has failed."""
        if self._closed:
            return
        super().note(fate)
        if self._error is not None:
            raise self._error
        if self._thread.ident is None:
            self._thread.start()
        self._queue.put(fate)

    def close(self) -> None:
        """Write what is queued. Idempotent. Raises OSError."""
        if not self._closed:
            self._closed = True
            if self._thread.ident is not None:
                self._queue.put(None)
                self._thread.join()
        if self._error is not None:
            raise self._error

    def _write_all(self) -> None:
        pending: list[EnvelopeFate] = []
        held_bytes, flush_at_s = 0, time.monotonic() + _FLUSH_S
        while True:
            try:
                fate = self._queue.get(timeout=max(0.0, flush_at_s - time.monotonic()))
            except queue.Empty:
                is_last, is_due = False, True
            else:
                is_last = fate is None
                if fate is not None:
                    pending.append(fate)
                    held_bytes += len(fate.body or b"")
                is_due = is_last or held_bytes >= _FLUSH_BYTES or len(pending) >= _FLUSH_ROWS
            if is_due or time.monotonic() >= flush_at_s:
                self._flush(pending)
                pending, held_bytes, flush_at_s = [], 0, time.monotonic() + _FLUSH_S
            if is_last:
                return

    def _flush(self, fates: list[EnvelopeFate]) -> None:
        """After an error only the queue is kept moving: nobody may hang on a full one."""
        rejected = [fate for fate in fates if fate.body is not None]
        try:
            if fates and self._error is None:
                self._rows.write(_table(fates, schema.ENVELOPES), 0)
                self._rows.close_part()
            if rejected and self._error is None:
                self._dead.write(_table(rejected, schema.ENVELOPE_DEAD_LETTERS), 0)
                self._dead.close_part()
        except OSError as error:
            self._error = error


def _table(fates: list[EnvelopeFate], rows: pa.Schema) -> pa.Table:
    columns = []
    for field in rows:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        name = "decoded_at_ns" if field.name == "dead_lettered_at_ns" else field.name
        column = pa.array([getattr(fate, name) for fate in fates], kind)
        columns.append(column.dictionary_encode().cast(field.type) if kind is not field.type else column)
    return pa.Table.from_arrays(columns, schema=rows)
