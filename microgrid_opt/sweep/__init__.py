"""One park at many values of a cap, a price, a size limit or a demand: fronts and sensitivities.

| module | content |
|---|---|
| `axes` | what changes, and the values that it takes |
| `front` | caps between the least-cost and the least-CO2 plan |
| `points` | what is found |
| `run` | every point solved, read back and audited as a park of its own |
| `tables` | points as tables and JSON; abatement costs |
"""

from microgrid_opt.sweep.axes import Axis, axes_of
from microgrid_opt.sweep.points import Point, Sweep
from microgrid_opt.sweep.run import sweep

__all__ = ["Axis", "Point", "Sweep", "axes_of", "sweep"]
