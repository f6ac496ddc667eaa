"""Noise that multiplies a modelled cost: mean 1, seeded, drawn ahead.

Must live here: the kinds of noise, their draws, the reader of measured ones. Must not: costs.
"""

from __future__ import annotations

import math
from enum import StrEnum
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

BLOCK: Final = 4096
"""Draws made at once: one call of the generator costs as much as 50 draws."""


class Noise(StrEnum):
    none = "none"
    lognormal = "lognormal"
    exponential = "exponential"
    empirical = "empirical"


class NoiseFileError(ValueError):
    """A file of measured noise that can't be used, with file and line, in words meant for the user."""


def draws(noise: Noise, cv: float, path: Path | None, rng: np.random.Generator) -> Callable[[], float]:
    """A function that returns the next factor: mean 1, coefficient of variation `cv` where it is free.

    lognormal: sigma^2 = ln(1 + cv^2), mu = -sigma^2/2, hence mean 1 and standard deviation cv. exponential: cv is 1
    by nature, so a single server with Poisson arrivals and batches of one is an M/M/1 queue. empirical: drawn with
    replacement from the file's numbers divided by their mean. Raises NoiseFileError, ValueError (bad `cv`, no `path`).
    """
    if noise is Noise.none:
        return repeat(1.0).__next__
    if noise is Noise.exponential:
        return _endless(lambda: rng.standard_exponential(BLOCK))
    if noise is Noise.lognormal:
        if not (math.isfinite(cv) and cv >= 0):
            raise ValueError(f"sink.noise_cv={cv}: a finite number >= 0 is needed")
        sigma = math.sqrt(math.log1p(cv * cv))
        return _endless(lambda: rng.lognormal(-sigma * sigma / 2, sigma, BLOCK))
    if path is None:
        raise ValueError("sink.noise=empirical needs sink.noise_path: a file of positive numbers, one a line")
    factors = read_factors(path)
    return _endless(lambda: factors[rng.integers(0, len(factors), BLOCK)])


def _endless(block: Callable[[], NDArray[np.float64]]) -> Callable[[], float]:
    """One float a call, at the cost of an iterator step: a call of a Python function would cost three times that."""
    return chain.from_iterable(block().tolist() for _ in repeat(None)).__next__


def read_factors(path: Path) -> NDArray[np.float64]:
    """The positive numbers of a text or CSV file (any unit: they are divided by their mean), float64 (n,).

    Numbers are separated by line ends or commas; blank lines, `#` comments and one header line are skipped.
    Raises NoiseFileError naming file and line.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a text file"
        raise NoiseFileError(f"sink.noise_path={path}: {reason}") from None
    values: list[float] = []
    header_allowed = True
    for number, line in enumerate(text.splitlines(), start=1):
        fields = [part.strip() for part in line.partition("#")[0].split(",")]
        fields = [part for part in fields if part]
        if not fields:
            continue
        row = [_positive(part) for part in fields]
        if all(value is not None for value in row):
            values += [value for value in row if value is not None]
        elif not (header_allowed and not any(_is_number(part) for part in fields)):
            bad = next(part for part, value in zip(fields, row, strict=True) if value is None)
            raise NoiseFileError(f"{path}, line {number}: {bad!r} is not a positive number")
        header_allowed = False
    if not values:
        raise NoiseFileError(f"sink.noise_path={path}: holds no numbers")
    factors = np.array(values, np.float64)
    factors /= factors.mean()
    return factors


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _positive(text: str) -> float | None:
    value = float(text) if _is_number(text) else math.nan
    return value if math.isfinite(value) and value > 0 else None
