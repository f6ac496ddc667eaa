"""The record format, against a plain reading of its definition."""

from __future__ import annotations

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from ingestexp.adapters.sinks.log_framing import frame, scan

payload_lists = st.lists(st.binary(max_size=40), min_size=1, max_size=20)


def by_definition(item_id: int, payload: bytes) -> bytes:
    id_bytes = struct.pack("<q", item_id)
    return struct.pack("<II", len(payload), zlib.crc32(id_bytes + payload)) + id_bytes + payload


@given(st.integers(0, 1 << 62), payload_lists)
def test_a_batch_is_the_concatenation_of_its_records(first: int, payloads: list[bytes]) -> None:
    expected = b"".join(by_definition(first + i, payload) for i, payload in enumerate(payloads))
    assert frame(first, payloads) == expected


@given(st.integers(0, 1 << 62), payload_lists, st.data())
def test_any_prefix_reads_back_to_its_last_whole_record(first: int, payloads: list[bytes], data: st.DataObject) -> None:
    log = frame(first, payloads)
    cut = data.draw(st.integers(0, len(log)))
    ends = [len(frame(first, payloads[:n])) for n in range(1, len(payloads) + 1)]
    whole = sum(end <= cut for end in ends)
    found = scan(memoryview(log[:cut]))
    assert found.ids.tolist() == list(range(first, first + whole))
    assert found.sound_bytes == ([0, *ends][whole])
