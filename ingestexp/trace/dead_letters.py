"""The `dead_letters` rows of parked items, payloads included.

Must live here: from a batch's spans to rows. Must not: which items are parked, files, reading them again
(`dead_letter_files`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from ingestexp.core.span import AS_DUE
from ingestexp.trace import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span
    from ingestexp.ports import LiveBlock
    from ingestexp.trace.records import Marks


def dead_letter_rows(
    batch: Batch, spans: Sequence[Span], reason: str, errors: Mapping[int, str], zero_unix_ns: int | None = None
) -> pa.Table:
    """A row an item of these spans of the batch. Payloads are NULL where the block has none: simulated.

    `errors` {item id: why}; of an item that it lacks the attempt's error holds. `zero_unix_ns`: the instant 0 of the
    run's clock, None where it has no place in the calendar.
    """
    ids: list[int] = []
    intended: list[int] = []
    payloads: list[pa.Array] = []
    origins: list[str | None] = []
    rounds: list[int] = []
    for span in spans:
        count = span.end - span.first
        ids.extend(range(span.first, span.end))
        block = cast("LiveBlock", span.block)
        due = [block.due(item_id) for item_id in range(span.first, span.end)]
        # A saturating load: intended when admitted.
        intended.extend(at if at != AS_DUE else max(span.admitted_at_ns, 0) for at in due)
        owned = block.payloads(span.first, span.end)
        payloads.append(pa.nulls(count, pa.binary()) if owned is None else owned)
        marks: Marks | None = getattr(block, "marks", None)
        origins += [None if marks is None else marks.origin_run] * count
        rounds += [0 if marks is None else marks.redrive_round] * count
    count = len(ids)
    codes = schema.DEAD_LETTERS.field("reason").type
    return pa.Table.from_pydict(
        {
            "item_id": ids,
            "intended_at_ns": intended,
            "dead_lettered_at_ns": [batch.settled_at_ns] * count,
            "reason": pa.array([reason] * count, pa.string()).dictionary_encode().cast(codes),
            "error": [errors.get(item_id) or batch.error or None for item_id in ids],
            "attempt_count": [batch.attempt] * count,
            "batch_id": [batch.batch_id if batch.batch_id >= 0 else None] * count,
            "payload": pa.chunked_array(payloads, pa.binary()),
            "first_arrival_at": [None if zero_unix_ns is None else zero_unix_ns + at for at in intended],
            "lineage": [lineage_of(batch)] * count,
            "origin_run": origins,
            "redrive_round": rounds,
        },
        schema=schema.DEAD_LETTERS,
    )


def lineage_of(batch: Batch) -> list[int]:
    """The batches that the items of this one were sent in, the first attempt first, this one last."""
    ids = [batch.batch_id] if batch.batch_id >= 0 else []
    before: Any = batch.lineage
    while before is not None:
        before, batch_id = before
        ids.append(batch_id)
    return ids[::-1]
