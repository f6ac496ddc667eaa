"""A run in a process of its own that saturates for ever and says when it has closed some parts, for a test to kill.

Must live here: the child only. Must not: assertions.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ingestexp.adapters.sinks.null import NullSink
from ingestexp.ports import Saturate
from ingestexp.trace import writer
from tests.core.script import Setup
from tests.engine.rig import MS, Hands, run

if TYPE_CHECKING:
    from ingestexp.core.pipeline import Pipeline


class Speaking(Hands):
    """Prints one line when three parts of items are there (the first is the empty one)."""

    said = False

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def look(self, now_ns: int, core: Pipeline) -> None:
        if not self.said and len(list((self._folder / "items").glob("[0-9]*.parquet"))) >= 3:
            self.said = True
            print("some parts are closed", flush=True)


if __name__ == "__main__":
    vars(writer)["PART_NS"] = 20 * MS  # parts close often, so that the test need not wait for seconds
    folder = Path(sys.argv[1])
    load = Saturate(None, 600_000 * MS)
    run(
        folder,
        Setup(capacity=5_000, max_size=512).pipeline(),
        load,
        NullSink(),
        hands=Speaking(folder),
        segment_ns=10 * MS,
    )
