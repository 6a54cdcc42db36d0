"""A case in flixOpt: elements and effects, and `before_solve` for what they do not have."""

import numpy as np
from common import Case, Clock, answer, given, lead, per_size, single
from further import Further

clock = Clock()
import flixopt as fx  # noqa: E402
import pandas as pd  # noqa: E402

clock.watch_highs()
clock.lap("import")


class System:
    """The flow system of a case."""

    def __init__(self, case):
        self.case = case
        self.system = fx.FlowSystem(pd.date_range(case.start, periods=case.steps, freq="h"))
        self.label = {}
        self.scale = {}
        self.system.add_elements(
            fx.Effect("costs", "money", is_standard=True, is_objective=True),
            *(fx.Effect(one["name"], "kg", maximum_total=one["upper"]) for one in case.sums),
            *(fx.Bus(bus) for bus in case.buses),
        )
        for bus, power in case.demands.items():
            flow = fx.Flow("in", bus, size=1, fixed_relative_profile=np.array(power))
            self.system.add_elements(fx.Sink(f"demand {bus}", inputs=[flow]))
        for name, store in case.stores.items():
            self.system.add_elements(self.store(name, store))
        for name, flow in case.flows.items():
            if name not in case.stored:
                self.system.add_elements(self.element(name, flow))

    def flow(self, owner, name, bus, *, word, scale=1.0):
        """Return the flow that carries size, limits and costs."""
        case, flow = self.case, self.case.flows[name]
        self.label[name], self.scale[name] = f"{owner}({word})", scale
        effects = {"costs": flow["cost"] / scale}
        for one in case.sums:
            if name in one["terms"]:
                effects[one["name"]] = one["terms"][name] / scale
        limits = {}
        if flow["size"] is not None:
            spec = case.sizes[flow["size"]]
            factor, profile = per_size(flow, scale)
            pays = case.owner[flow["size"]] == name
            limits["size"] = self.invest(spec, factor, pays=pays)
            limits["relative_maximum"] = profile
        elif flow["upper"] is not None:
            most = np.asarray(flow["upper"], float) * scale
            limits["size"] = float(most.max())
            if most.ndim:
                limits["relative_maximum"] = most / most.max()
        effects = {effect: v for effect, v in effects.items() if np.any(v)}
        return fx.Flow(word, bus, effects_per_flow_hour=effects, **limits)

    @staticmethod
    def invest(spec, factor=1.0, *, pays=True):
        """Return a size to be chosen, without a yes or no."""
        return fx.InvestParameters(
            mandatory=True,
            minimum_size=spec["lower"] * factor,
            maximum_size=None if spec["upper"] is None else spec["upper"] * factor,
            effects_of_investment_per_size=spec["cost"] / factor if pays else None,
        )

    def store(self, name, store):
        """Return a store."""
        charge, discharge = store["charge"], store["discharge"]
        ends = [next(iter(self.case.flows[flow]["ports"])) for flow in (charge, discharge)]
        return fx.Storage(
            name,
            charging=self.flow(name, charge, ends[0], word="in"),
            discharging=self.flow(name, discharge, ends[1], word="out"),
            capacity_in_flow_hours=self.invest(self.case.sizes[store["size"]]),
            relative_minimum_charge_state=store["least"],
            relative_maximum_charge_state=store["most"],
            initial_charge_state="equals_final",
            eta_charge=store["inward"],
            eta_discharge=1.0 / store["outward"],
            relative_loss_per_hour=store["loss"],
            prevent_simultaneous_charge_and_discharge=False,
        )

    def element(self, name, flow):
        """Return a source, a sink or a converter."""
        alone = single(flow)
        if alone is not None:
            bus, amount = alone
            if amount > 0.0:
                return fx.Source(name, outputs=[self.flow(name, name, bus, word="out")])
            return fx.Sink(name, inputs=[self.flow(name, name, bus, word="in")])
        start = lead(flow)
        scale = -flow["ports"][start]
        inputs, outputs = [self.flow(name, name, start, word="in", scale=scale)], []
        factors = []
        for number, (bus, value) in enumerate(flow["ports"].items()):
            if bus == start:
                continue
            amount, word = value / scale, f"port{number}"
            made = bool(np.all(np.asarray(amount) > 0.0))
            (outputs if made else inputs).append(fx.Flow(word, bus))
            factors.append({"in": amount if made else -amount, word: 1 if made else -1})
        return fx.LinearConverter(name, inputs, outputs, conversion_factors=factors)


class Rest(Further):
    """Shared sizes, levels, peaks and rows of sizes."""

    def __init__(self, flow_system, system):
        super().__init__(flow_system.model, system.case)
        self.system = system

    def flow(self, name):
        """Return a flow."""
        variable = self.model.variables[f"{self.system.label[name]}|flow_rate"]
        return variable * (1.0 / self.system.scale[name])

    def size_of_flow(self, name):
        """Return the size that a flow chose."""
        factor, _ = per_size(self.case.flows[name], self.system.scale[name])
        return self.model.variables[f"{self.system.label[name]}|size"] * (1.0 / factor)

    def size_of_store(self, name):
        """Return the size of a store."""
        return 1.0 * self.model.variables[f"{name}|size"]


def main():
    """Build, solve, save."""
    folder, out, options, _ = given()
    case = Case(folder).with_inlets()
    clock.lap("load")
    system = System(case)
    system.system.build_model()
    Rest(system.system, system).write()
    clock.lap("build")
    system.system.solve(fx.solvers.HighsSolver(log_to_console=False, extra_options=options))
    objective = system.system.model.objective.value + case.offset
    clock.lap("solve", solves=True)
    system.system.to_netcdf(out / "system.nc", overwrite=True)
    clock.lap("save")
    model = system.system.model
    answer(objective, clock, "flixopt", columns=model.nvars, rows=model.ncons)


if __name__ == "__main__":
    main()
