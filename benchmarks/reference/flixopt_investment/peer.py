"""The case in flixOpt: `solve(run)`."""

import flixopt as fx
import numpy as np
import pandas as pd

BLOCKS = fx.PiecewiseEffects(
    piecewise_origin=fx.Piecewise([fx.Piece(0, 50), fx.Piece(50, 200)]),
    piecewise_shares={"costs": fx.Piecewise([fx.Piece(0, 100), fx.Piece(100, 250)])},
)
ONCE, EACH = "effects_of_investment", "effects_of_investment_per_size"
# Heat, price of gas, how the boiler is bought, whether there is a backup.
RUNS = {
    "sized": ([10, 50, 20], 1, {"maximum_size": 200, ONCE: 10, EACH: 1}, False),
    "not_built": ([10, 10], 1, {"maximum_size": 100, ONCE: 99_999}, True),
    "least": (
        [10, 10],
        1,
        {"minimum_size": 100, "maximum_size": 200, "mandatory": True, EACH: 1},
        False,
    ),
    "whole": ([30, 30], 1, {"fixed_size": 80, ONCE: 10}, True),
    "blocks": (
        [80, 80],
        0.5,
        {"maximum_size": 200, "piecewise_effects_of_investment": BLOCKS},
        False,
    ),
    "forced": (
        [10, 10],
        1,
        {"minimum_size": 10, "maximum_size": 100, "mandatory": True, ONCE: 1000, EACH: 1},
        True,
    ),
}


def solve(run):
    """Return the objective and the sizes."""
    heat, price, bought, backup = RUNS[run]
    system = fx.FlowSystem(pd.date_range("2025-01-01", periods=len(heat), freq="h"))
    system.add_elements(
        fx.Bus("heat"),
        fx.Bus("gas"),
        fx.Effect("costs", "EUR", is_standard=True, is_objective=True),
        fx.Sink(
            "load", inputs=[fx.Flow("in", "heat", size=1, fixed_relative_profile=np.array(heat))]
        ),
        fx.Source("supply", outputs=[fx.Flow("out", "gas", effects_per_flow_hour=price)]),
        fx.linear_converters.Boiler(
            "boiler",
            thermal_efficiency=1.0,
            fuel_flow=fx.Flow("fuel", "gas"),
            thermal_flow=fx.Flow("out", "heat", size=fx.InvestParameters(**bought)),
        ),
    )
    if backup:
        system.add_elements(
            fx.linear_converters.Boiler(
                "backup",
                thermal_efficiency=0.5,
                fuel_flow=fx.Flow("fuel", "gas"),
                thermal_flow=fx.Flow("out", "heat", size=100),
            )
        )
    system.optimize(fx.solvers.HighsSolver(mip_gap=0, log_to_console=False))
    return system.solution["costs"], {"boiler.power": system.solution["boiler(out)|size"]}
