"""The case in flixOpt: `solve(run)`."""

import flixopt as fx
import numpy as np
import pandas as pd

PLAIN = {"capacity_in_flow_hours": 100, "initial_charge_state": 0}
RUNS = {
    "shift": ([0, 0, 20], [10, 1, 10], {}),
    "losses": ([0, 90], [1, 1000], {"capacity_in_flow_hours": 200, "relative_loss_per_hour": 0.1}),
    "efficiencies": (
        [0, 72],
        [1, 1000],
        {"capacity_in_flow_hours": 200, "eta_charge": 0.9, "eta_discharge": 0.8},
    ),
    "most": ([0, 60], [1, 100], {"relative_maximum_charge_state": 0.5}),
    "least": (
        [0, 80, 0],
        [1, 100, 1],
        {"initial_charge_state": 50, "relative_minimum_charge_state": 0.3},
    ),
    "cyclic": ([0, 50], [1, 100], {"initial_charge_state": "equals_final"}),
    "sized": (
        [0, 50],
        [1, 10],
        {
            "capacity_in_flow_hours": fx.InvestParameters(
                maximum_size=200, effects_of_investment_per_size=1
            )
        },
    ),
    "one_way": ([10, 20, 10], [1, 10, 1], {"eta_charge": 0.9, "eta_discharge": 0.9}),
}


def solve(run):
    """Return the objective and the sizes."""
    load, price, battery = RUNS[run]
    system = fx.FlowSystem(pd.date_range("2025-01-01", periods=len(load), freq="h"))
    system.add_elements(
        fx.Bus("power"),
        fx.Effect("costs", "EUR", is_standard=True, is_objective=True),
        fx.Sink(
            "load", inputs=[fx.Flow("in", "power", size=1, fixed_relative_profile=np.array(load))]
        ),
        fx.Source("grid", outputs=[fx.Flow("out", "power", effects_per_flow_hour=np.array(price))]),
        fx.Storage(
            "battery",
            charging=fx.Flow("charge", "power", size=200),
            discharging=fx.Flow("discharge", "power", size=200),
            **PLAIN | battery,
        ),
    )
    system.optimize(fx.solvers.HighsSolver(mip_gap=0, log_to_console=False))
    sizes = {"battery.energy": system.solution["battery|size"]} if run == "sized" else {}
    return system.solution["costs"], sizes
