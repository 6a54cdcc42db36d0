"""The case in PyPSA: `solve(run)`."""

import pypsa


def solve(run):
    """Return the objective and the sizes."""
    base_coal = {"p_min_pu": 0.3, "marginal_cost": 20, "p_nom": 10_000}
    base_gas = {"p_min_pu": 0.1, "marginal_cost": 70, "p_nom": 1_000}
    load, coal, gas = {
        "part_load": ([4000, 6000, 5000, 800], {}, {}),
        "up": (
            [4000, 800, 5000, 3000],
            {},
            {"stand_by_cost": 50, "up_time_before": 0, "min_up_time": 3},
        ),
        "down": (
            [3000, 800, 3000, 8000],
            {"min_down_time": 2, "down_time_before": 1},
            {"p_nom": 4_000},
        ),
        "costs": (
            [3000, 800, 3000, 8000],
            {"min_down_time": 2, "start_up_cost": 5_000},
            {"p_nom": 4_000, "shut_down_cost": 25},
        ),
    }[run]
    n = pypsa.Network(snapshots=range(4))
    n.add("Bus", "bus")
    n.add("Load", "load", bus="bus", p_set=load)
    n.add("Generator", "coal", bus="bus", committable=True, **base_coal | coal)
    n.add("Generator", "gas", bus="bus", committable=True, **base_gas | gas)
    n.optimize(solver_name="highs", mip_rel_gap=0)
    return n.objective, {}
