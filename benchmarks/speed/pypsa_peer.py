"""A case in PyPSA: components, and `create_model` / `solve_model` for what they do not have."""

import logging

import numpy as np
from common import PLENTY, Case, Clock, answer, given, lead, per_size, single
from further import Further

clock = Clock()
import pandas as pd  # noqa: E402
import pypsa  # noqa: E402

logging.disable(logging.INFO)

clock.watch_highs()
clock.lap("import")


def limits(case, name, flow, scale=1.0):
    """Return the attributes that limit a flow, sized or not."""
    size = case.sizes.get(flow["size"])
    if size is None:
        upper = np.asarray(PLENTY if flow["upper"] is None else flow["upper"], float) * scale
        most = float(upper.max())
        return {"p_nom": most, "p_max_pu": upper / most if upper.ndim else 1.0}
    factor, share = per_size(flow, scale)
    pays = case.owner[flow["size"]] == name
    upper = np.inf if size["upper"] is None else size["upper"] * factor
    return {
        "p_nom_extendable": True,
        "p_nom_min": size["lower"] * factor,
        "p_nom_max": upper,
        "capital_cost": size["cost"] / factor if pays else 0.0,
        "p_max_pu": share,
    }


def network(case):
    """Return the network."""
    n = pypsa.Network()
    n.set_snapshots(pd.date_range(case.start, periods=case.steps, freq="h"))
    n.add("Carrier", sorted({bus.rsplit(".", 1)[1] for bus in case.buses}))
    n.add("Bus", case.buses, carrier=[bus.rsplit(".", 1)[1] for bus in case.buses])
    for bus, power in case.demands.items():
        n.add("Load", f"demand {bus}", bus=bus, p_set=np.array(power))
    inside = {}
    for name, store in case.stores.items():
        n.add(
            "Bus",
            name,
            carrier=n.buses.at[next(iter(case.flows[store["discharge"]]["ports"])), "carrier"],
        )
        size = case.sizes[store["size"]]
        n.add(
            "Store",
            name,
            bus=name,
            e_nom_extendable=True,
            e_nom_min=size["lower"],
            e_nom_max=np.inf if size["upper"] is None else size["upper"],
            capital_cost=size["cost"],
            e_min_pu=store["least"],
            e_max_pu=store["most"],
            e_cyclic=True,
            standing_loss=store["loss"],
        )
        inside[store["charge"]] = (name, store["inward"])
        inside[store["discharge"]] = (name, -store["outward"])
    for name, flow in case.flows.items():
        if name in inside:
            bus, amount = inside[name]
            add_flow(n, case, name, flow | {"ports": {**flow["ports"], bus: amount}})
        else:
            add_flow(n, case, name, flow)
    return n


def add_flow(n, case, name, flow):
    """Add a flow as Generator where it has one port, else as Link."""
    alone = single(flow)
    if alone is not None:
        bus, amount = alone
        n.add("Carrier", name)
        n.add(
            "Generator",
            name,
            bus=bus,
            carrier=name,
            sign=float(np.sign(amount)),
            marginal_cost=flow["cost"],
            **limits(case, name, flow),
        )
        return
    start = lead(flow)
    scale = -flow["ports"][start]
    ports = {"bus0": start}
    others = [(bus, value) for bus, value in flow["ports"].items() if bus != start]
    for number, (bus, value) in enumerate(others, 1):
        ports[f"bus{number}"] = bus
        ports["efficiency" if number == 1 else f"efficiency{number}"] = value / scale
    cost = flow["cost"] / scale
    n.add("Link", name, marginal_cost=cost, **ports, **limits(case, name, flow, scale))


class Rest(Further):
    """Shared sizes, levels, peaks and rows of sizes, which no component says."""

    time = "snapshot"

    def __init__(self, n, case):
        super().__init__(n.model, case)
        self.generators = set(n.generators.index)

    def kind(self, name):
        """Return the component of a flow."""
        return "Generator" if name in self.generators else "Link"

    def scale(self, name):
        """Return p0 per unit of flow."""
        flow = self.case.flows[name]
        for store in self.case.stores.values():
            if name == store["discharge"]:
                return store["outward"]
        return 1.0 if self.kind(name) == "Generator" else -flow["ports"][lead(flow)]

    def flow(self, name):
        """Return a flow."""
        return self.model[f"{self.kind(name)}-p"].sel(name=name) * (1.0 / self.scale(name))

    def size_of_flow(self, name):
        """Return the size behind a flow's p_nom."""
        factor, _ = per_size(self.case.flows[name], self.scale(name))
        return self.model[f"{self.kind(name)}-p_nom"].sel(name=name) * (1.0 / factor)

    def size_of_store(self, name):
        """Return the size of a store."""
        return 1.0 * self.model["Store-e_nom"].sel(name=name)


def global_limits(n, case):
    """Add each sum as a GlobalConstraint over generators."""
    for one in case.sums:
        attribute = "co2_emissions"
        for name, factor in one["terms"].items():
            n.carriers.loc[name, attribute] = factor
        n.add(
            "GlobalConstraint",
            one["name"],
            type="primary_energy",
            carrier_attribute=attribute,
            sense="<=",
            constant=one["upper"],
        )


def main():
    """Build, solve, save."""
    folder, out, options, _ = given()
    case = Case(folder)
    clock.lap("load")
    n = network(case)
    global_limits(n, case)
    n.optimize.create_model(include_objective_constant=False)
    Rest(n, case).write()
    clock.lap("build")
    direct = {"io_api": options.pop("io_api")} if "io_api" in options else {}
    n.optimize.solve_model(solver_name="highs", solver_options=options, **direct)
    objective = n.model.objective.value + case.offset
    clock.lap("solve", solves=True)
    n.export_to_netcdf(out / "network.nc")
    clock.lap("save")
    answer(objective, clock, "pypsa", columns=n.model.nvars, rows=n.model.ncons)


if __name__ == "__main__":
    main()
