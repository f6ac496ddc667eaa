"""Files that a config names are read before a run folder exists: what is wrong with them is a mistake of the config.

Must live here: reading them once, checks that need their contents. Must not: checks that don't (`validate`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.experiment.build import make_sink
from ingestexp.experiment.inputs import Inputs, keep, read_inputs
from ingestexp.experiment.limits import MOST_ITEMS
from ingestexp.experiment.mistake import Mistake, shown
from ingestexp.experiment.origin import origin_mistakes
from ingestexp.experiment.schema.load import ReplayLoad
from ingestexp.experiment.schema.payload import LinesPayload
from ingestexp.experiment.schema.sink import ModelSinkConfig, Noise, SqliteSinkConfig
from ingestexp.ports import SinkError

if TYPE_CHECKING:
    from ingestexp.experiment.schema import RunConfig


def preflight(config: RunConfig) -> list[Mistake]:
    """Mistakes in the files' contents, with row or line. What was read is kept for the `build` of the same config.

    Costs nothing where no file is named.
    """
    mistakes: list[Mistake] = []
    if isinstance(config.load, ReplayLoad) or isinstance(config.payload, LinesPayload):
        try:
            inputs = read_inputs(config)
            mistakes += _misfits(config, inputs)
            keep(config, inputs)
        except (ValueError, OSError) as error:
            mistakes.append(_in_words(error))
    if isinstance(config.sink, ModelSinkConfig) and config.sink.noise is Noise.empirical:
        try:
            make_sink(config, Path())
        except (ValueError, OSError) as error:
            mistakes.append(_in_words(error))
    path = getattr(config.sink, "path", None)
    if config.redrive.folder is not None:
        mistakes += origin_mistakes(config)
    elif path is not None and Path(path).is_absolute() and Path(path).exists():
        sink = make_sink(config, Path())
        try:
            sink.open()
        except SinkError as error:  # a store of another run, or no store at all
            mistakes.append(Mistake("sink.path", path, str(error).removeprefix(f"sink.path={path}: ")))
        finally:
            sink.close()
    return mistakes


def _misfits(config: RunConfig, inputs: Inputs) -> list[Mistake]:
    """What load, payloads and sink can't do together, now that their contents are known."""
    mistakes: list[Mistake] = []
    expected = getattr(inputs.load, "expected_items", 0)
    if expected > MOST_ITEMS:
        key = "load.count_column" if getattr(config.load, "count_column", None) else "load.loop"
        why = f"makes {expected:,} items of the recording; a run has at most {MOST_ITEMS:,}"
        mistakes.append(Mistake(key, shown(getattr(config.load, key.removeprefix("load."))), why))
    sink, payload = config.sink, config.payload
    if isinstance(sink, SqliteSinkConfig) and sink.check_json and not inputs.payloads.is_json:
        path = payload.path if isinstance(payload, LinesPayload) else None
        why = f"not every line of {path} is JSON and the database would refuse those: set sink.check_json=false"
        mistakes.append(Mistake("sink.check_json", "true", why))
    bounds = getattr(inputs.load, "size_bounds", None)
    if bounds is not None and isinstance(config.load, ReplayLoad):
        try:
            inputs.payloads.take(0, 2, np.array(bounds, np.int32))
        except ValueError as error:
            why = f"holds sizes from {bounds[0]} to {bounds[1]} bytes: {error}"
            mistakes.append(Mistake("load.size_column", shown(config.load.size_column), why))
    return mistakes


def _in_words(error: ValueError | OSError) -> Mistake:
    """The adapters' sentences begin with the key or the file."""
    return Mistake("files", "", str(error) or type(error).__name__)
