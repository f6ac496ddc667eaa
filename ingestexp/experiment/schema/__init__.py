"""The configuration's shape: plain mutable dataclasses with Enums, one a choice of each group.

Must live here: names, types, defaults. Must not: range checks, construction, anything that runs.
(Frozen dataclasses and `Literal` break Hydra's composition.)
"""

from ingestexp.experiment.schema.run import RunConfig

__all__ = ["RunConfig"]
