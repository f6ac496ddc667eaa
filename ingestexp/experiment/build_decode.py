"""Compressed envelopes as a config asks for them: the load wrapped, its ledger opened.

Must live here: schema to decoder, sealer, bombs and ledger. Must not: what they do, the checks (`validate_decode`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.experiment.schema.decode import Codec
from ingestexp.ports import Saturate

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ingestexp.experiment.schema import RunConfig
    from ingestexp.ports import Load


def enveloped(load: Load | Saturate, config: RunConfig, run_dir: Path) -> Load | Saturate:
    """The load in envelopes, or as it is (decode.codec=none). Raises OSError where the ledger can't be opened."""
    decode = config.decode
    if decode.codec is Codec.none or isinstance(load, Saturate):
        return load
    from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
    from ingestexp.adapters.envelopes.bombs import BombCycle, shapes_of
    from ingestexp.adapters.envelopes.sealing import EnvelopeSealer
    from ingestexp.decode_port import Caps, Envelopes
    from ingestexp.engine.envelope_load import EnvelopedLoad
    from ingestexp.trace.envelopes import EnvelopeLedger, EnvelopeTally

    codec, bombs = decode.codec.value, decode.bombs
    caps = Caps(
        decode.max_inflated_bytes,
        decode.max_inflate_ratio,
        decode.max_items,
        decode.max_item_bytes,
        decode.max_members,
        decode.max_nesting,
    )
    hostile = None
    if bombs.every is not None:
        hostile = BombCycle(codec, bombs.every, bombs.shapes or shapes_of(codec), bombs.inflated_bytes)
    envelopes = Envelopes(decode.items_per_envelope, EnvelopeSealer(codec), EnvelopeDecoder(codec, caps), hostile)
    return EnvelopedLoad(load, envelopes, EnvelopeLedger(run_dir) if config.trace.enabled else EnvelopeTally())


def close_envelopes(load: Load | Saturate) -> dict[str, Any] | None:
    """Close the ledger; what the manifest says of the envelopes, None without any. Raises OSError."""
    from ingestexp.trace.envelopes import EnvelopeTally

    notes = getattr(load, "notes", None)
    if not isinstance(notes, EnvelopeTally):
        return None
    notes.close()
    return notes.facts()
