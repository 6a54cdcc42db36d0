"""The case in PyPSA: `solve(run)`."""

import pypsa


def solve(run):
    """Return the objective and the sizes."""
    n = pypsa.Network(snapshots=range(8))
    n.add("Bus", ["power_1", "power_2", "upper", "lower"])
    rain = [0.0, 0.3, 0.8, 0.5, 0.1, 0.0, 0.2, 0.4]
    n.add("Generator", "rain", bus="upper", p_nom=350, p_max_pu=rain)
    n.add("Load", "load_1", bus="power_1", p_set=[20, 20, 15, 15, 30, 40, 35, 25])
    n.add("Load", "load_2", bus="power_2", p_set=[30, 25, 20, 20, 40, 50, 45, 30])
    sized = {"p_nom_extendable": True}
    n.add("Link", "spill", bus0="upper", bus1="lower", efficiency=0.5, **sized)
    both = {"bus1": "power_1", "bus2": "lower", "efficiency": 0.9, "efficiency2": 0.5}
    n.add("Link", "turbine_1", bus0="upper", capital_cost=1000, **both, **sized)
    ports = {"bus0": "lower", "bus1": "power_2", "efficiency": 0.9}
    n.add("Link", "turbine_2", capital_cost=1000, **ports, **sized)
    for bus in ("upper", "lower"):
        n.add("Store", bus, bus=bus, e_cyclic=True, e_nom=10_000)
    n.optimize(solver_name="highs")
    sizes = n.links["p_nom_opt"]
    return n.objective, {f"{name}.power": sizes[name] for name in ("turbine_1", "turbine_2")}
