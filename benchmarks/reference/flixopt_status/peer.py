"""The case in flixOpt: `solve(run)`."""

import flixopt as fx
import numpy as np
import pandas as pd

# Heat, efficiency, what limits the boiler, what its state costs or limits, a backup boiler, bought heat.
RUNS = {
    "cold": ([0, 10, 0, 10, 0], 0.5, {"size": 100}, {"effects_per_startup": 100}, 0, 0),
    "pause": (
        [20, 0, 20, 0],
        1.0,
        {"size": 100, "previous_flow_rate": 20},
        {"min_downtime": 3},
        100,
        0,
    ),
    "running": ([10, 10], 1.0, {"size": 100}, {"effects_per_active_hour": 50}, 0, 0),
    "starts": (
        [10, 0, 10],
        0.8,
        {"size": 20, "relative_minimum": 0.5, "previous_flow_rate": 0},
        {"startup_limit": 1},
        100,
        0,
    ),
    "least_load": ([15, 40], 1.0, {"size": 50, "relative_minimum": 0.4}, {}, 0, 100),
}


def solve(run):
    """Return the objective; there are no sizes."""
    heat, efficiency, limits, states, backup, bought = RUNS[run]
    system = fx.FlowSystem(pd.date_range("2025-01-01", periods=len(heat), freq="h"))
    system.add_elements(
        fx.Bus("heat"),
        fx.Bus("gas"),
        fx.Effect("costs", "EUR", is_standard=True, is_objective=True),
        fx.Sink(
            "load", inputs=[fx.Flow("in", "heat", size=1, fixed_relative_profile=np.array(heat))]
        ),
        fx.Source("supply", outputs=[fx.Flow("out", "gas", effects_per_flow_hour=1)]),
        fx.linear_converters.Boiler(
            "boiler",
            thermal_efficiency=efficiency,
            fuel_flow=fx.Flow("fuel", "gas"),
            thermal_flow=fx.Flow(
                "out", "heat", status_parameters=fx.StatusParameters(**states), **limits
            ),
        ),
    )
    if backup:
        system.add_elements(
            fx.linear_converters.Boiler(
                "backup",
                thermal_efficiency=0.5,
                fuel_flow=fx.Flow("fuel", "gas"),
                thermal_flow=fx.Flow("out", "heat", size=backup),
            )
        )
    if bought:
        flow = fx.Flow("out", "heat", size=bought, effects_per_flow_hour=5)
        system.add_elements(fx.Source("bought", outputs=[flow]))
    system.optimize(fx.solvers.HighsSolver(mip_gap=0, log_to_console=False))
    return system.solution["costs"], {}
