"""The case in oemof.solph: `solve(run)`."""

from oemof import solph
from pyomo.contrib import appsi

DATA = [0, 15, 30, 35, 20, 25, 27, 10, 5, 2, 15, 40, 20, 0, 0]


def solve(run):
    """Return the objective and the size."""
    times = solph.create_time_index(2017, number=len(DATA))
    system = solph.EnergySystem(timeindex=times, infer_last_interval=False)
    before, after = solph.Bus(label="before"), solph.Bus(label="after")
    price = solph.Investment(ep_costs=180, maximum=35000, minimum=20, nonconvex=True, offset=2000)
    converter = solph.components.Converter(
        label="converter",
        inputs={before: solph.Flow()},
        outputs={after: solph.Flow(nominal_capacity=price)},
        conversion_factors={after: 0.8},
    )
    source, sink = solph.components.Source, solph.components.Sink
    system.add(
        before,
        after,
        source(label="cheap", outputs={before: solph.Flow(variable_costs=10)}),
        source(label="dear", outputs={after: solph.Flow(variable_costs=100)}),
        sink(label="demand", inputs={after: solph.Flow(fix=DATA, nominal_capacity=1)}),
        converter,
    )
    model = solph.Model(system)
    appsi.solvers.Highs().solve(model)
    size = solph.processing.results(model)[converter, after]["scalars"]["invest"]
    return model.objective(), {"converter.power": float(size)}
