"""`payload=json_event`: JSON events as a web service would log them.

Must live here: this payload only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from ingestexp.adapters.payloads.pool import Pool, pool_count
from ingestexp.adapters.payloads.size import lognormal_sizes
from ingestexp.adapters.payloads.window import cut, spread

if TYPE_CHECKING:
    from ingestexp.ports import Int32s, Int64s

_LEVELS: Final = ("DEBUG", "INFO", "INFO", "INFO", "INFO", "INFO", "WARN", "ERROR")
_SERVICES: Final = ("checkout", "search", "payments", "cart", "catalog", "identity", "shipping", "gateway")
_EVENTS: Final = ("order.placed", "page.viewed", "cart.updated", "login.failed", "payment.settled", "item.searched")
_CITIES: Final = ("Zürich", "São Paulo", "Łódź", "東京", "Oslo", "Nairobi", "Lima", "Québec")
_TEXT: Final = """
request upstream retry timeout cache miss hit user session token expired refreshed order accepted rejected payment
gateway replied after ms with status queue depth worker started stopped shard replica lag within budget connection
reset by peer closed reused pool exhausted item added removed stock low price changed currency converted shipment
label printed address verified email sent bounced webhook delivered signature mismatch rate limit reached
"""
_WORDS: Final = tuple(_TEXT.split())
_FIRST_MS: Final = 1_767_225_600_000  # 2026-01-01: a fixed time, so that a payload depends on the seed only
_TRAILER: Final = b'"}'
_TEXT_BYTES: Final = 1 << 16


class JsonEvent:
    """Events with id, ts, level, service, user_id, city, event, duration_us and a msg that fills up to the size.

    Sizes are lognormal around `size_bytes` with coefficient of variation `size_cv` (0: all alike). An event smaller
    than about 170 bytes leaves out the fields behind `level`, one smaller than about 75 has `id` and `msg` only;
    the smallest has `smallest_bytes`. Raises ValueError below that. Non-ASCII cities: sizes count UTF-8 bytes.
    """

    is_json = True
    smallest_bytes: Final = 24
    """Of {"id":12345678,"msg":""}: the smallest size there is, also when the load dictates sizes."""

    def __init__(self, size_bytes: int, size_cv: float, rng: np.random.Generator) -> None:
        if size_bytes < self.smallest_bytes:
            raise ValueError(f"payload.size_bytes={size_bytes}: a JSON event has at least {self.smallest_bytes} bytes")
        count = pool_count(size_bytes)
        sizes = lognormal_sizes(size_bytes, size_cv, self.smallest_bytes, count, rng)
        self._rng = rng
        self._heads: list[bytes] = []
        self._heads_array: Any = None
        self._head_bytes: Int64s = np.zeros((3, 0), np.int64)
        self._text = self._tiled = b""
        self._pool = Pool(sizes, lambda: self._build_pool(sizes))
        self.mean_bytes = self._pool.mean_bytes

    def sizes(self, first: int, count: int) -> Int32s | int:
        return self._pool.sizes(first, count)

    def take(self, first: int, count: int, sizes: Int32s | None = None) -> Any:
        if sizes is None:
            return self._pool.take(first, count)
        if int(sizes.min()) < self.smallest_bytes:
            raise ValueError(
                f"a JSON event has at least {self.smallest_bytes} bytes, the load asks for {int(sizes.min())}: "
                "use payload=random, or leave out load.size_column"
            )
        import pyarrow.compute as pc  # 40 to 70 ms that only loads which dictate sizes need

        self._draw_vocabulary()
        if self._heads_array is None:
            self._heads_array = pa.array(self._heads, pa.binary())
        head, starts, room = self._layout(first, count, sizes)
        words = cut(pa.py_buffer(self._tiled), starts, room)
        trailer, nothing = pa.scalar(_TRAILER, pa.binary()), pa.scalar(b"", pa.binary())
        return pc.binary_join_element_wise(self._heads_array.take(pa.array(head)), words, trailer, nothing)

    def _draw_vocabulary(self) -> None:
        """Heads and words, when payloads are asked for first: 10 ms that a simulated run does without."""
        if self._heads:
            return
        count, rng = len(self._pool), self._rng
        self._heads = _heads(count, rng)
        self._head_bytes = np.array([len(head) for head in self._heads], np.int64).reshape(3, count)
        words = " ".join(_pick(_WORDS, _TEXT_BYTES // 4, rng))
        self._text = self._tiled = words[: _TEXT_BYTES - 1].encode() + b" "
        self._word_starts = 1 + np.flatnonzero(np.frombuffer(self._text, np.uint8)[:-1] == ord(" "))

    def _build_pool(self, sizes: Int32s) -> Any:
        self._draw_vocabulary()
        head, starts, room = self._layout(0, len(sizes), sizes)
        text, heads = self._tiled, self._heads
        cuts = zip(head.tolist(), starts.tolist(), (starts + room).tolist(), strict=True)
        return pa.array([heads[h] + text[start:end] + _TRAILER for h, start, end in cuts], pa.binary())

    def _layout(self, first: int, count: int, sizes: Int32s) -> tuple[Int64s, Int64s, Int64s]:
        """The richest head that fits, then words up to the size: index of the head, start and length of the words."""
        events = self._head_bytes.shape[1]
        event = np.arange(first, first + count, dtype=np.int64) % events
        room = sizes.astype(np.int64) - len(_TRAILER)
        detail = np.where(room >= self._head_bytes[0, event], 0, np.where(room >= self._head_bytes[1, event], 1, 2))
        room -= self._head_bytes[detail, event]
        longest = _TEXT_BYTES + int(room.max())
        if len(self._tiled) < longest:
            self._tiled = self._text * -(-longest // _TEXT_BYTES)
        return detail * events + event, self._word_starts[spread(first, count, len(self._word_starts))], room


def _pick(vocabulary: tuple[str, ...], count: int, rng: np.random.Generator) -> list[str]:
    return [vocabulary[index] for index in rng.integers(0, len(vocabulary), count).tolist()]


def _heads(count: int, rng: np.random.Generator) -> list[bytes]:
    """Events up to the text of `msg`, 3 * count: all full ones, then all medium ones, then all compact ones."""
    # 7919 is prime to 90,000,000, so no two events share an id
    ids = 10_000_000 + (np.arange(count) * 7919 + rng.integers(0, 90_000_000)) % 90_000_000
    times = np.datetime_as_string((_FIRST_MS + np.cumsum(rng.integers(1, 50, count))).astype("datetime64[ms]"))
    levels, services = _pick(_LEVELS, count, rng), _pick(_SERVICES, count, rng)
    cities, events = _pick(_CITIES, count, rng), _pick(_EVENTS, count, rng)
    users = rng.integers(1, 1_000_000, count).tolist()
    durations = rng.exponential(20_000, count).astype(np.int64).tolist()
    msg = ',"msg":"'
    compact = [f'{{"id":{number}' for number in ids.tolist()]
    medium = [
        f'{head},"ts":"{time}Z","level":"{level}"'
        for head, time, level in zip(compact, times.tolist(), levels, strict=True)
    ]
    full = [
        f'{head},"service":"{service}","user_id":{user},"city":"{city}","event":"{event}","duration_us":{duration}'
        for head, service, user, city, event, duration in zip(
            medium, services, users, cities, events, durations, strict=True
        )
    ]
    return [(head + msg).encode() for heads in (full, medium, compact) for head in heads]
