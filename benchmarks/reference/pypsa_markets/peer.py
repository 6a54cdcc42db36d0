"""The case in PyPSA: `solve(run)`."""

import pypsa

COSTS = {"wind": 0, "hydro": 0, "coal": 30, "gas": 60, "oil": 80}
PLANTS = {
    "sa": {"coal": 35000, "wind": 3000, "gas": 8000, "oil": 2000},
    "mz": {"hydro": 1200},
    "sz": {"hydro": 600},
}
LOADS = {"sa": 42000, "mz": 650, "sz": 250}
LINES = {"sa_mz": 500, "sa_sz": 250, "mz_sz": 100}
OPEN = {"one_zone": (), "two_zones": ("sa_mz",), "three_zones": tuple(LINES)}


def solve(run):
    """Return the objective; there are no sizes."""
    n = pypsa.Network()
    n.add("Bus", list(PLANTS))
    for zone, plants in PLANTS.items():
        n.add("Load", f"{zone} load", bus=zone, p_set=LOADS[zone])
        for kind, power in plants.items():
            name, cost = f"{zone} {kind}", COSTS[kind]
            n.add("Generator", name, bus=zone, p_nom=power, marginal_cost=cost)
    for line in OPEN[run]:
        one, other = line.split("_")
        n.add("Link", line, bus0=one, bus1=other, p_nom=LINES[line], p_min_pu=-1)
    n.optimize(solver_name="highs")
    return n.objective, {}
