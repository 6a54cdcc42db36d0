"""Reference cases: parks of which another tool or a publication knows the optimum.

A case is a folder with ``park.yaml``, ``expected.yaml`` (`microgrid_opt.bench.spec`), ``README.md``
and, where the other tool can be installed, ``peer.py``, which runs it. Nothing here knows a case or a
tool by name.
"""

from __future__ import annotations

from microgrid_opt.bench.cases import Case, reference_case, reference_names
from microgrid_opt.bench.peers import Peer
from microgrid_opt.bench.run import Comparison, compare

__all__ = ["Case", "Comparison", "Peer", "compare", "reference_case", "reference_names"]
