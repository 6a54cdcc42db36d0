"""The case in oemof.solph: `solve(run)`."""

from oemof import solph
from pyomo.contrib import appsi

DEMAND = [int(hour in {10, 15, 19}) for hour in range(24)]


def solve(run):
    """Return the objective; there are no sizes."""
    times = solph.create_time_index(2017, number=24)
    system = solph.EnergySystem(timeindex=times, infer_last_interval=False)
    power = solph.Bus(label="power")
    flow = {"nominal_capacity": 10, "minimum": 0.5, "maximum": 1, "variable_costs": 10}
    source, sink = solph.components.Source, solph.components.Sink
    pauses = solph.Flow(nonconvex=solph.NonConvex(minimum_downtime=4, initial_status=0), **flow)
    stays = solph.Flow(nonconvex=solph.NonConvex(minimum_uptime=2, initial_status=1), **flow)
    system.add(
        power,
        sink(label="demand", inputs={power: solph.Flow(fix=DEMAND, nominal_capacity=10)}),
        sink(label="surplus", inputs={power: solph.Flow(variable_costs=10)}),
        source(label="pauses", outputs={power: pauses}),
        source(label="stays", outputs={power: stays}),
    )
    model = solph.Model(system)
    appsi.solvers.Highs().solve(model)
    return model.objective(), {}
