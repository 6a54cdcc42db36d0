"""The case in PyPSA: `solve(run)`."""

import pypsa


def solve(run):
    """Return the objective and the sizes."""
    n = pypsa.Network(snapshots=range(4))
    n.add("Bus", ["power", "heat", "gas"])
    wind = [0, 0.2, 0.7, 0.4]
    n.add(
        "Generator",
        "wind",
        bus="power",
        p_nom_extendable=True,
        p_max_pu=wind,
        capital_cost=1000,
    )
    n.add("Load", "load", bus="power", p_set=5)
    n.add("Load", "heat", bus="heat", p_set=10)
    links = {
        "p2g": ("power", "gas", 0.6, 1000),
        "generator": ("gas", "power", 0.468, 400),
        "boiler": ("gas", "heat", 0.468 / 0.15, 300),
    }
    for name, (start, end, efficiency, cost) in links.items():
        n.add(
            "Link",
            name,
            bus0=start,
            bus1=end,
            efficiency=efficiency,
            capital_cost=cost,
            p_nom_extendable=True,
        )
    n.add("Store", "holder", bus="gas", e_cyclic=True, e_nom=1000)
    n.add("Store", "tank", bus="heat", e_cyclic=True, e_nom_extendable=True)
    m = n.optimize.create_model()
    flow, size = m.variables["Link-p"], m.variables["Link-p_nom"]
    heat = 0.468 / 0.15
    m.add_constraints(
        0.468 * size.loc["generator"] - heat * size.loc["boiler"] == 0, name="one_plant"
    )
    m.add_constraints(
        0.75 * heat * flow.loc[:, "boiler"] - 0.468 * flow.loc[:, "generator"] <= 0,
        name="back_pressure",
    )
    m.add_constraints(
        flow.loc[:, "boiler"] + flow.loc[:, "generator"] - size.loc["generator"] <= 0,
        name="iso_fuel",
    )
    n.optimize.solve_model(solver_name="highs")
    sizes = n.links["p_nom_opt"]
    return n.objective, {
        "wind.power": n.generators["p_nom_opt"]["wind"],
        "p2g.power": sizes["p2g"],
        "chp.power": 0.468 * sizes["generator"],
    }
