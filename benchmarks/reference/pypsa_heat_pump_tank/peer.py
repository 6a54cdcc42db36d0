"""The case in PyPSA: `solve(run)`."""

import pypsa


def solve(run):
    """Return the objective and the sizes."""
    n = pypsa.Network(snapshots=range(4))
    n.add("Bus", ["power", "heat"])
    wind = [0, 0.2, 0.7, 0.4]
    n.add(
        "Generator",
        "wind",
        bus="power",
        p_nom_extendable=True,
        p_max_pu=wind,
        capital_cost=500,
    )
    n.add("Load", "heat", bus="heat", p_set=20)
    n.add(
        "Link",
        "heat_pump",
        bus0="power",
        bus1="heat",
        efficiency=[2.5, 3, 3.2, 3],
        capital_cost=1000,
        p_nom_extendable=True,
    )
    n.add("Store", "tank", bus="heat", e_cyclic=True, e_nom=100, standing_loss=0.01)
    n.optimize(solver_name="highs")
    return n.objective, {
        "wind.power": n.generators["p_nom_opt"]["wind"],
        "heat_pump.power": n.links["p_nom_opt"]["heat_pump"],
    }
