"""The case in PyPSA: `solve(run)`."""

import numpy as np
import pypsa

COUNT = 1001


def solve(run):
    """Return the objective and the sizes."""
    n = pypsa.Network(snapshots=np.linspace(0, 1, COUNT))
    n.snapshot_weightings = n.snapshot_weightings / COUNT
    n.add("Bus", "bus")
    n.add("Load", "load", bus="bus", p_set=1000 - 1000 * n.snapshots.to_numpy())
    for name, marginal, capital in (("coal", 2, 15), ("gas", 12, 10), ("shed", 1012, 0)):
        costs = {"marginal_cost": marginal, "capital_cost": capital}
        n.add("Generator", name, bus="bus", p_nom_extendable=True, **costs)
    n.optimize(solver_name="highs")
    sizes = n.generators["p_nom_opt"]
    return n.objective, {f"{name}.power": sizes[name] for name in ("coal", "gas")}
