"""The optimum of case `wind_pv_hydrogen` from another modelling tool: linopy with HiGHS.

    python -m benchmarks.verify_wind_pv_hydrogen

The reference plan (grid, gas boiler, trucked hydrogen) is arithmetic on the demands; its CO2 halved
is the cap of the linopy model of `benchmarks.models.wind_pv_hydrogen`. Prints what
cases/wind_pv_hydrogen/expected.yaml promises. Takes about a minute; needs the extra `peers`.
"""

import numpy as np

from benchmarks.models import wind_pv_hydrogen


def main() -> None:
    """Solve and print."""
    from microgrid_opt import load

    problem = load("wind_pv_hydrogen")
    data = {key.removeprefix("assets."): values for key, values in problem.arrays.items()}
    load_kw, heat, hydrogen = (
        data[key] for key in ("load.power_kw", "heat.power_kw", "feedstock.flow_kg_per_hour")
    )
    month = problem.horizon.month
    peaks = sum(load_kw[month == m].max() for m in range(12))
    cost = load_kw @ data["grid.import_price_per_kwh"] + 28 * peaks
    cost += heat.sum() * (0.25 / 0.9 + 0.004) + 17 * hydrogen.sum()
    co2_kg = float(0.6849 * load_kw.sum() + 0.202 / 0.9 * heat.sum() + 10 * hydrogen.sum())
    print(f"reference cost {cost:.6f} co2_kg {co2_kg:.6f}")

    cap = f"carbon={{cap_t_per_year: {0.5 * co2_kg / 1000!r}}}"
    capped = load("wind_pv_hydrogen", sets=[cap])
    model = wind_pv_hydrogen.in_linopy(capped, sparse=False)
    model.solve(
        solver_name="highs",
        solver="hipo",
        run_crossover="off",
        hipo_system="augmented",
        hipo_ordering="amd",
        output_flag=False,
    )
    print(f"plan cost {model.objective.value:.6f}")
    for name, values in model.solution.items():
        if np.ndim(values) == 0:
            print(f"{name} {float(values):.6f}")
    for name, dual in model.dual.items():
        if np.ndim(dual) == 0:
            print(f"dual {name} {float(dual):.9f}")


if __name__ == "__main__":
    main()
