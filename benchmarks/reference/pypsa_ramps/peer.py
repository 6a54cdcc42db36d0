"""The case in PyPSA: `solve(run)`."""

import pypsa


def solve(run):
    """Return the objective and the sizes."""
    n = pypsa.Network(snapshots=range(11))
    n.add("Bus", "bus")
    n.add("Load", "load", bus="bus", p_set=[150, 200, 180, 500, 700, 650, 500, 180, 150, 500, 180])
    n.add(
        "Generator",
        "slow",
        bus="bus",
        p_nom_extendable=True,
        committable=True,
        p_nom_max=800,
        p_min_pu=0.6,
        marginal_cost=30,
        capital_cost=200,
        ramp_limit_up=0.6,
        ramp_limit_down=0.6,
        start_up_cost=800,
    )
    n.add(
        "Generator",
        "fast",
        bus="bus",
        p_nom_extendable=True,
        p_nom_max=800,
        marginal_cost=140,
        capital_cost=2000,
    )
    n.optimize(solver_name="highs")
    sizes = n.generators["p_nom_opt"]
    return n.objective, {f"{name}.power": sizes[name] for name in ("slow", "fast")}
