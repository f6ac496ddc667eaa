"""What a producer seals, a decoder opens."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ingestexp.adapters.codecs.decoder import CODECS, EnvelopeDecoder
from ingestexp.adapters.envelopes.sealing import SEAL, EnvelopeSealer
from ingestexp.decode_port import Caps


def test_there_is_a_sealer_for_each_decoder() -> None:
    assert SEAL.keys() == CODECS.keys()


@pytest.mark.parametrize("codec", CODECS)
def test_a_sealed_envelope_opens(codec: str) -> None:
    items = pa.array([b'{"id":%d}' % number for number in range(500)], pa.binary())
    body = EnvelopeSealer(codec).seal(items)
    assert EnvelopeDecoder(codec, Caps()).decode(body).items.equals(items)
    assert len(body) < items.nbytes
