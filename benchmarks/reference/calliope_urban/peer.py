"""The case in Calliope: its own example, written as a file and solved by HiGHS: `solve(run)`."""

import calliope
import highspy

WINDOWS = {"year": ["2005-01-01", "2005-12-31"]}


def solve(run):
    """Return the objective; sizes are compared where links are directed, which they are not here."""
    if run == "units":
        model = calliope.examples.milp()
    elif run in WINDOWS:
        model = calliope.examples.urban_scale(
            override_dict={"config.init.subset.timesteps": WINDOWS[run]}
        )
    else:
        model = calliope.examples.urban_scale()
    model.build()
    model.backend.to_lp("model.lp")
    highs = highspy.Highs()
    highs.setOptionValue("mip_rel_gap", 0.0)
    if run in WINDOWS:
        # A year takes the simplex method many minutes; only the objective is needed.
        highs.setOptionValue("solver", "ipm")
        highs.setOptionValue("run_crossover", "off")
    highs.readModel("model.lp")
    highs.run()
    return highs.getObjectiveValue(), {}
