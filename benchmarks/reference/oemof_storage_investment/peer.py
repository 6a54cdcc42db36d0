"""The case in oemof.solph: `solve(run)` for v1, v2, v3 and v4."""

from pathlib import Path

import pandas as pd
from oemof import solph
from oemof.tools import economics
from pyomo.environ import SolverFactory

SERIES = Path(__file__).with_name("series.parquet")


def solve(run):
    """Return the objective and the sizes."""
    data = pd.read_parquet(SERIES)
    index = pd.date_range("2023-01-01", periods=len(data) + 1, freq="h")
    system = solph.EnergySystem(timeindex=index, infer_last_interval=False)
    annuity = economics.annuity(capex=1000, n=20, wacc=0.05)
    sized, capped = run in {"v1", "v4"}, run in {"v3", "v4"}

    def size(given):
        return solph.Investment(ep_costs=annuity) if sized else given

    gas, power = solph.Bus(label="gas"), solph.Bus(label="power")
    limit = 0.2 * data["load_kw"].sum() / 0.58
    supply = (
        solph.Flow(nominal_capacity=limit, full_load_time_max=1)
        if capped
        else solph.Flow(variable_costs=0.04)
    )
    wind = solph.components.Source(
        label="wind",
        outputs={power: solph.Flow(fix=data["wind_per_unit"], nominal_capacity=size(1_000_000))},
    )
    pv = solph.components.Source(
        label="pv",
        outputs={power: solph.Flow(fix=data["pv_per_unit"], nominal_capacity=size(600_000))},
    )
    storage = solph.components.GenericStorage(
        label="storage",
        inputs={power: solph.Flow(variable_costs=0.0001, nominal_capacity=solph.Investment())},
        outputs={power: solph.Flow(nominal_capacity=solph.Investment())},
        initial_storage_level=0,
        invest_relation_input_capacity=1 / 6,
        invest_relation_output_capacity=1 / 6,
        outflow_conversion_factor=0.8,
        nominal_capacity=solph.Investment(ep_costs=annuity),
    )
    system.add(
        gas,
        power,
        solph.components.Source(label="supply", outputs={gas: supply}),
        solph.components.Sink(label="excess", inputs={power: solph.Flow()}),
        solph.components.Sink(
            label="load", inputs={power: solph.Flow(fix=data["load_kw"], nominal_capacity=1)}
        ),
        solph.components.Converter(
            label="plant",
            inputs={gas: solph.Flow()},
            outputs={power: solph.Flow(nominal_capacity=1e11)},
            conversion_factors={power: 0.58},
        ),
        wind,
        pv,
        storage,
    )
    model = solph.Model(system)
    model.receive_duals()  # `dual` must be there for the interface to HiGHS
    SolverFactory("appsi_highs").solve(model)
    block = model.InvestmentFlowBlock
    sizes = {"storage.energy": model.GenericInvestmentStorageBlock.invest[storage, 0].value}
    if sized:
        sizes["wind.power"] = block.invest[wind, power, 0].value
        sizes["pv.power"] = block.invest[pv, power, 0].value
    return model.objective(), sizes
