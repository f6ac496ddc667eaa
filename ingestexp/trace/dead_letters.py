"""The `dead_letters` rows of parked items, payloads included.

Must live here: from a batch's spans to rows. Must not: which items are parked, files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pyarrow as pa

from ingestexp.core.span import AS_DUE
from ingestexp.trace import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span
    from ingestexp.ports import LiveBlock


def dead_letter_rows(batch: Batch, spans: Sequence[Span], reason: str, errors: Mapping[int, str]) -> pa.Table:
    """A row an item of these spans of the batch. Payloads are NULL where the block has none: simulated.

    `errors` {item id: why}; of an item that it lacks the attempt's error holds.
    """
    ids: list[int] = []
    intended: list[int] = []
    payloads: list[pa.Array] = []
    for span in spans:
        ids.extend(range(span.first, span.end))
        block = cast("LiveBlock", span.block)
        due = [block.due(item_id) for item_id in range(span.first, span.end)]
        # A saturating load: intended when admitted.
        intended.extend(at if at != AS_DUE else max(span.admitted_at_ns, 0) for at in due)
        owned = block.payloads(span.first, span.end)
        payloads.append(pa.nulls(span.end - span.first, pa.binary()) if owned is None else owned)
    count = len(ids)
    return pa.Table.from_pydict(
        {
            "item_id": ids,
            "intended_at_ns": intended,
            "dead_lettered_at_ns": [batch.settled_at_ns] * count,
            "reason": pa.array([reason] * count, pa.string())
            .dictionary_encode()
            .cast(schema.DEAD_LETTERS.field("reason").type),
            "error": [errors.get(item_id) or batch.error or None for item_id in ids],
            "attempt_count": [batch.attempt] * count,
            "batch_id": [batch.batch_id] * count,
            "payload": pa.chunked_array(payloads, pa.binary()),
        },
        schema=schema.DEAD_LETTERS,
    )
