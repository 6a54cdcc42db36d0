"""The case in oemof.solph: `solve(run)` for step4, step5 and step6."""

from pathlib import Path

import pandas as pd
from oemof import solph
from pyomo.environ import SolverFactory

SERIES = Path(__file__).with_name("series.parquet")


def solve(run):
    """Return the objective and the sizes."""
    data = pd.read_parquet(SERIES)
    index = pd.date_range("2020-01-01", periods=len(data) + 1, freq="h")
    system = solph.EnergySystem(timeindex=index, infer_last_interval=False)
    ac = solph.Bus(label="ac")
    limits = {"nominal_capacity": 42, "full_load_time_max": 5} if run == "step6" else {}
    grid = solph.Bus(
        label="grid",
        inputs={ac: solph.Flow(variable_costs=-0.06)},
        outputs={ac: solph.Flow(variable_costs=0.3, **limits)},
        balanced=False,
    )
    load = solph.components.Sink(
        label="load", inputs={ac: solph.Flow(fix=data["load_kw"], nominal_capacity=1)}
    )
    system.add(ac, grid, load)
    behind_dc = run != "step4"
    bus, loss, price = ac, 1.0, 1500
    if behind_dc:
        bus, loss, price = solph.Bus(label="dc"), 0.95, 1200
        inverter = solph.components.Converter(
            label="inverter",
            inputs={bus: solph.Flow(nominal_capacity=solph.Investment(ep_costs=300 / 20))},
            outputs={ac: solph.Flow()},
            conversion_factors={ac: loss},
        )
        system.add(bus, inverter)
    pv = solph.components.Source(
        label="pv",
        outputs={
            bus: solph.Flow(
                nominal_capacity=solph.Investment(ep_costs=price / 20, maximum=10),
                maximum=data["pv_per_unit"] / loss,
            )
        },
    )
    battery = solph.components.GenericStorage(
        label="battery",
        nominal_capacity=solph.Investment(ep_costs=750 / 20) if behind_dc else 10,
        inputs={ac: solph.Flow()},
        outputs={ac: solph.Flow()},
        inflow_conversion_factor=0.9,
        loss_rate=0.01,
    )
    system.add(pv, battery)
    model = solph.Model(system)
    model.receive_duals()  # `dual` must be there for the interface to HiGHS
    SolverFactory("appsi_highs").solve(model)
    flows = model.InvestmentFlowBlock.invest
    sizes = {"pv.power": flows[pv, bus, 0].value}
    if behind_dc:
        sizes["inverter.power"] = flows[bus, inverter, 0].value
        stores = model.GenericInvestmentStorageBlock.invest
        sizes["battery.energy"] = stores[battery, 0].value
    return model.objective(), sizes
