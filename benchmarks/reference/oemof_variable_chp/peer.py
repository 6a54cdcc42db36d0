"""The case in oemof.solph: `solve(run)`; both plants in one system, as in its example."""

from pathlib import Path

import pandas as pd
from oemof import solph
from pyomo.environ import SolverFactory

SERIES = Path(__file__).with_name("series.csv")


def solve(run):
    """Return the objective; there are no sizes."""
    data = pd.read_csv(SERIES)
    index = pd.date_range("2023-01-01", periods=len(data) + 1, freq="h")
    system = solph.EnergySystem(timeindex=index, infer_last_interval=False)
    gas = solph.Bus(label="gas")
    system.add(
        gas,
        solph.components.Source(
            label="supply", outputs={gas: solph.Flow(variable_costs=50, nominal_capacity=1e9)}
        ),
    )
    for number in (1, 2):
        power, heat = solph.Bus(label=f"power_{number}"), solph.Bus(label=f"heat_{number}")
        system.add(power, heat)
        for bus, series in ((power, data["demand_el"]), (heat, data["demand_th"] * 741_000)):
            system.add(
                solph.components.Sink(
                    label=f"load_{bus.label}",
                    inputs={bus: solph.Flow(fix=series, nominal_capacity=1)},
                ),
                solph.components.Sink(label=f"excess_{bus.label}", inputs={bus: solph.Flow()}),
            )
        ports = {
            "label": f"chp_{number}",
            "inputs": {gas: solph.Flow(nominal_capacity=1e10)},
            "outputs": {power: solph.Flow(), heat: solph.Flow()},
            "conversion_factors": {power: 0.3, heat: 0.5},
        }
        if number == 1:
            full = {"conversion_factor_full_condensation": {power: 0.5}}
            system.add(solph.components.ExtractionTurbineCHP(**ports, **full))
        else:
            system.add(solph.components.Converter(**ports))
    model = solph.Model(system)
    model.receive_duals()  # `dual` must be there for the interface to HiGHS
    SolverFactory("appsi_highs").solve(model)
    return model.objective(), {}
