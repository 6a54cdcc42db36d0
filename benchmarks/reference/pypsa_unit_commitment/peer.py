"""The case in PyPSA: `solve(run)`."""

import pypsa


def solve(run):
    """Return the objective and the sizes."""
    n = pypsa.Network(snapshots=range(6))
    n.add("Bus", "bus")
    n.add("Load", "load", bus="bus", p_set=[300, 500, 400, 0, 200, 350])
    n.add(
        "Generator",
        "unit",
        bus="bus",
        p_nom_extendable=True,
        committable=True,
        p_nom_max=1000,
        p_min_pu=0.3,
        marginal_cost=50,
        capital_cost=80_000,
        start_up_cost=500,
        shut_down_cost=200,
    )
    n.optimize(solver_name="highs")
    return n.objective, {"unit.power": n.generators["p_nom_opt"]["unit"]}
