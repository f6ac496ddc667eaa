"""A run in a process that may be killed: folder and overrides on the command line.

Must live here: nothing that softens the kill. Must not: assertions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ingestexp.experiment.compose import plan
from ingestexp.experiment.run import execute


def main(folder: Path, overrides: list[str]) -> int:
    found = plan(overrides)
    if found.mistakes:
        print(found.mistakes, file=sys.stderr)
        return 2
    folder.mkdir()
    print("ready", flush=True)
    return execute(found.configs[0], folder, ["test"]).exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
