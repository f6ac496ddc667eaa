"""What holds for every test: how hypothesis searches.

Must live here: the profiles. Must not: fixtures of one folder only.

`make test` and CI draw the same examples every time (derandomized), so a red test is red for everybody;
`HYPOTHESIS_PROFILE=explore` draws new ones, and more.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", settings.get_profile("ci"), derandomize=False, max_examples=3_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
