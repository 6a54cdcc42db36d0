"""The case in MicroGridsPy: its own demo: `solve(run)`."""

import tempfile
from pathlib import Path

import microgridspy


def solve(run):
    """Return the objective and the sizes."""
    microgridspy.set_workspace(Path(tempfile.mkdtemp(dir=".")))
    project = microgridspy.load_example("demo_typical_year", overwrite=True)
    results = microgridspy.solve(project, solver="highs").results()
    bought = results.upfront.set_index("Technology")["Capacity"]
    names = {
        "pv.power": "Solar Irradiation",
        "battery.energy": "Battery",
        "battery.power": "Battery inverter",
        "generator.power": "Generator",
    }
    sizes = {ours: bought[name] for ours, name in names.items()}
    return results.metadata["objective_value"], sizes
