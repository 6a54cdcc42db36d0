"""The case in flixOpt: `solve(run)`."""

import flixopt as fx
import numpy as np
import pandas as pd

# Heat, pieces of fuel, pieces of heat, cost of a start, limit of bought heat.
RUNS = {
    "start": ([0, 40, 0, 40], [(0, 0), (30, 60)], [(0, 0), (30, 50)], 100, 0),
    "dear_start": ([0, 40, 0, 40], [(30, 80)], [(20, 60)], 200, 0),
    "two_pieces": ([45, 45], [(10, 30), (30, 100)], [(5, 15), (15, 60)], 0, 0),
    "off": ([5, 35], [(20, 60)], [(10, 40)], 0, 100),
}


def solve(run):
    """Return the objective; there are no sizes."""
    heat, fuel, made, start, bought = RUNS[run]
    system = fx.FlowSystem(pd.date_range("2025-01-01", periods=len(heat), freq="h"))
    states = {"status_parameters": fx.StatusParameters(effects_per_startup=start)}
    pieces = {
        name: fx.Piecewise([fx.Piece(*ends) for ends in values])
        for name, values in (("fuel", fuel), ("out", made))
    }
    system.add_elements(
        fx.Bus("heat"),
        fx.Bus("gas"),
        fx.Effect("costs", "EUR", is_standard=True, is_objective=True),
        fx.Sink(
            "load", inputs=[fx.Flow("in", "heat", size=1, fixed_relative_profile=np.array(heat))]
        ),
        fx.Source("supply", outputs=[fx.Flow("out", "gas", effects_per_flow_hour=1)]),
        fx.LinearConverter(
            "unit",
            inputs=[fx.Flow("fuel", "gas", size=100, previous_flow_rate=0, **states)],
            outputs=[fx.Flow("out", "heat", size=100)],
            piecewise_conversion=fx.PiecewiseConversion(pieces),
        ),
    )
    if bought:
        flow = fx.Flow("out", "heat", size=bought, effects_per_flow_hour=5)
        system.add_elements(fx.Source("bought", outputs=[flow]))
    system.optimize(fx.solvers.HighsSolver(mip_gap=0, log_to_console=False))
    return system.solution["costs"], {}
