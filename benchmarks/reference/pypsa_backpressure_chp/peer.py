"""The case in PyPSA: `solve(run)`."""

import pypsa


def solve(run):
    """Return the objective and the sizes."""
    n = pypsa.Network()
    n.add("Bus", ["power", "heat", "gas"])
    n.add("Load", "load", bus="power", p_set=5)
    n.add("Load", "heat", bus="heat", p_set=3)
    n.add("Generator", "gas", bus="gas", marginal_cost=100, p_nom=100)
    sized = {"bus0": "gas", "bus1": "power", "p_nom_extendable": True}
    n.add("Link", "turbine", capital_cost=600, efficiency=0.4, **sized)
    both = {"bus2": "heat", "efficiency": 0.3, "efficiency2": 0.3}
    n.add("Link", "chp", capital_cost=1400, **both, **sized)
    n.optimize(solver_name="highs")
    sizes = n.links["p_nom_opt"]
    return n.objective, {f"{name}.power": sizes[name] for name in ("turbine", "chp")}
