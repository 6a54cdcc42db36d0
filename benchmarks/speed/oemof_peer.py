"""A case in oemof.solph: nodes, its own constraints, and Pyomo for what these do not have."""

import numpy as np
from common import Case, Clock, answer, given, lead, per_size, single

clock = Clock()
import pandas as pd  # noqa: E402
import pyomo.environ as po  # noqa: E402
from oemof import solph  # noqa: E402

clock.watch_highs()
clock.lap("import")


class System:
    """The energy system of a case; ``ends`` and ``scale`` say where its flows are."""

    def __init__(self, case):
        self.case = case
        index = pd.date_range(case.start, periods=case.steps + 1, freq="h")
        self.system = solph.EnergySystem(timeindex=index, infer_last_interval=False)
        self.buses = {name: solph.Bus(label=name) for name in case.buses}
        self.system.add(*self.buses.values())
        self.ends, self.scale, self.stores = {}, {}, {}
        for bus, power in case.demands.items():
            flow = solph.Flow(fix=np.array(power), nominal_capacity=1)
            self.system.add(
                solph.components.Sink(label=f"demand {bus}", inputs={self.buses[bus]: flow})
            )
        for name, store in case.stores.items():
            self.add_store(name, store)
        for name, flow in case.flows.items():
            if name not in case.stored:
                self.add_element(name, flow)

    def flow(self, name, scale=1.0):
        """Return the flow that carries size, limits, costs and weights of sums."""
        case, flow = self.case, self.case.flows[name]
        self.scale[name] = scale
        weights = {
            one["name"]: one["terms"][name] / scale for one in case.sums if name in one["terms"]
        }
        limits = {"custom_properties": weights} if weights else {}
        if flow["size"] is not None:
            factor, profile = per_size(flow, scale)
            pays = case.owner[flow["size"]] == name
            limits["nominal_capacity"] = self.invest(case.sizes[flow["size"]], factor, pays=pays)
            if np.ndim(profile):
                limits["maximum"] = profile
        elif flow["upper"] is not None:
            most = np.asarray(flow["upper"], float) * scale
            limits["nominal_capacity"] = float(most.max())
            if most.ndim:
                limits["maximum"] = most / most.max()
        return solph.Flow(variable_costs=flow["cost"] / scale, **limits)

    @staticmethod
    def invest(spec, factor=1.0, *, pays=True):
        """Return a size to be chosen."""
        return solph.Investment(
            ep_costs=spec["cost"] / factor if pays else 0.0,
            minimum=spec["lower"] * factor,
            maximum=float("inf") if spec["upper"] is None else spec["upper"] * factor,
        )

    def add_store(self, name, store):
        """Add a store."""
        charge, discharge = store["charge"], store["discharge"]
        into, out = (
            self.buses[next(iter(self.case.flows[flow]["ports"]))] for flow in (charge, discharge)
        )
        node = solph.components.GenericStorage(
            label=name,
            inputs={into: self.flow(charge)},
            outputs={out: self.flow(discharge)},
            nominal_capacity=self.invest(self.case.sizes[store["size"]]),
            min_storage_level=store["least"],
            max_storage_level=store["most"],
            inflow_conversion_factor=store["inward"],
            outflow_conversion_factor=1.0 / store["outward"],
            loss_rate=store["loss"],
            balanced=True,
        )
        self.ends[charge], self.ends[discharge] = (into, node), (node, out)
        self.stores[name] = node
        self.system.add(node)

    def add_element(self, name, flow):
        """Add a source, a sink or a converter."""
        alone = single(flow)
        if alone is not None:
            bus = self.buses[alone[0]]
            if alone[1] > 0.0:
                node = solph.components.Source(label=name, outputs={bus: self.flow(name)})
                self.ends[name] = (node, bus)
            else:
                node = solph.components.Sink(label=name, inputs={bus: self.flow(name)})
                self.ends[name] = (bus, node)
            self.system.add(node)
            return
        start = lead(flow)
        scale = -flow["ports"][start]
        inputs, outputs, factors = {self.buses[start]: self.flow(name, scale)}, {}, {}
        for label, value in flow["ports"].items():
            if label != start:
                bus = self.buses[label]
                factors[bus] = np.abs(value / scale)
                (outputs if np.all(np.asarray(value) > 0.0) else inputs)[bus] = solph.Flow()
        node = solph.components.Converter(
            label=name, inputs=inputs, outputs=outputs, conversion_factors=factors
        )
        self.ends[name] = (self.buses[start], node)
        self.system.add(node)


class Rest:
    """Sums and shared sizes by solph's constraints; levels, peaks and rows of sizes in Pyomo."""

    def __init__(self, model, system):
        self.model, self.system, self.case = model, system, system.case
        self.further = None

    def write(self):
        """Add all."""
        case, model, ends = self.case, self.model, self.system.ends
        nodes = model.flows
        for one in case.sums:
            flows = {ends[name]: nodes[ends[name]] for name in one["terms"]}
            solph.constraints.generic_integral_limit(
                model, one["name"], flows, upper_limit=one["upper"]
            )
        for _, owner, other in case.sharing:
            sizes = self.invested(other), self.invested(owner)
            solph.constraints.equate_variables(model, *sizes, factor1=1.0, name=f"as {other}")
        model.level = po.Var(
            list(case.levels),
            bounds=lambda _, name: (case.levels[name]["lower"], case.levels[name]["upper"]),
        )
        model.objective.expr += sum(
            spec["cost"] * model.level[name] for name, spec in case.levels.items() if spec["cost"]
        )
        for number, peak in enumerate(case.peaks):
            self._write_peak(number, peak)
        model.size_rows = po.Constraint(range(len(case.size_rows)), rule=self._row)

    def _write_peak(self, number, peak):
        model, (start, end) = self.model, self.system.ends[peak["flow"]]
        steps = [int(t) for t in np.flatnonzero(peak["period"] >= 0)]
        levels = [peak["levels"][int(period)] for period in peak["period"]]
        scale = self.system.scale[peak["flow"]]

        def rule(model, t):
            return model.flow[start, end, t] <= scale * model.level[levels[t]]

        setattr(model, f"peak_{number}", po.Constraint(steps, rule=rule))

    def _row(self, _, number):
        row = self.case.size_rows[number]
        total = sum(value * self._size(name) for name, value in row["terms"].items())
        return po.inequality(row["lower"], total, row["upper"])

    def invested(self, name):
        """Return the variable of a flow's size."""
        return self.model.InvestmentFlowBlock.invest[(*self.system.ends[name], 0)]

    def _size(self, name):
        if name in self.case.levels:
            return self.model.level[name]
        owner = self.case.owner.get(name)
        if owner is not None:
            factor, _ = per_size(self.case.flows[owner], self.system.scale[owner])
            return self.invested(owner) / factor
        store = next(key for key, store in self.case.stores.items() if store["size"] == name)
        return self.model.GenericInvestmentStorageBlock.invest[self.system.stores[store], 0]


def main():
    """Build, solve, save."""
    folder, out, options, _ = given()
    options.pop("io_api", None)
    case = Case(folder).with_inlets()
    clock.lap("load")
    system = System(case)
    model = solph.Model(system.system)
    Rest(model, system).write()
    clock.lap("build")
    results = model.solve(solver="highs", cmdline_options=options)
    objective = po.value(model.objective) + case.offset
    clock.lap("solve", solves=True)
    results.get("flow").to_csv(out / "flows.csv")
    results.get("invest").to_csv(out / "sizes.csv")
    clock.lap("save")
    answer(objective, clock, "oemof.solph")


if __name__ == "__main__":
    main()
