"""The case in PyPSA: `solve(run)`."""

import pypsa

SUN = [0.2, 0.4, 0.6, 0.75, 0.85, 0.9, 0.85, 0.75, 0.6, 0.4, 0.2, 0.1]


def solve(run):
    """Return the objective and the size."""
    n = pypsa.Network(snapshots=range(24))
    n.add("Bus", ["work", "car"])
    panels = {"p_nom_extendable": True, "p_max_pu": [0] * 7 + SUN + [0] * 5}
    n.add("Generator", "panels", bus="work", capital_cost=1000, **panels)
    driven = [0] * 7 + [9] * 2 + [0] * 8 + [9] * 2 + [0] * 5
    n.add("Load", "driving", bus="car", p_set=driven)
    parked = [1.0 if 9 <= hour <= 16 else 0.0 for hour in range(24)]
    ways = {"bus0": "work", "bus1": "car", "efficiency": 0.9}
    n.add("Link", "charger", p_nom=120, p_max_pu=parked, **ways)
    n.add("Store", "battery", bus="car", e_cyclic=True, e_nom=100)
    n.optimize(solver_name="highs")
    return n.objective, {"panels.power": n.generators["p_nom_opt"]["panels"]}
