"""Make `tests.support` importable from every test, and hypothesis repeatable where it must be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

root = str(Path(__file__).parent.parent)
if root not in sys.path:
    sys.path.append(root)

settings.register_profile(
    "parks",
    max_examples=25,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("parks")
