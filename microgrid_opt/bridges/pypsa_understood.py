"""Which attributes of a PyPSA network are read, which say nothing to an optimum, which must be default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.carriers import CARRIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILT_IN = frozenset(CARRIERS)

_SIZE = ("capital_cost", "fom_cost")
_POWER = ("p_nom", "p_nom_extendable", "p_nom_min", "p_nom_max", "p_max_pu", "p_min_pu", *_SIZE)
UNDERSTOOD: Mapping[str, Any] = {
    "Bus": ("carrier",),
    "Carrier": ("co2_emissions",),
    "Load": ("bus", "carrier", "p_set", "sign"),
    "Generator": ("bus", "carrier", "sign", "marginal_cost", "efficiency", *_POWER),
    "Link": ("bus", "carrier", "efficiency", "marginal_cost", *_POWER),
    "Store": (
        *("bus", "carrier", "sign", "e_nom", "e_nom_extendable", "e_nom_min", "e_nom_max"),
        *("e_min_pu", "e_max_pu", "e_initial", "e_cyclic", "standing_loss"),
        *("marginal_cost", "marginal_cost_storage", *_SIZE),
    ),
    "StorageUnit": (
        *("bus", "carrier", "sign", "max_hours", "efficiency_store", "efficiency_dispatch"),
        *("standing_loss", "inflow", "spill_cost", "marginal_cost", "marginal_cost_storage"),
        *("state_of_charge_initial", "cyclic_state_of_charge", *_POWER),
    ),
    "GlobalConstraint": ("type", "carrier_attribute", "sense", "constant"),
    # What may stand in a file as long as it says nothing.
    "defaults": {
        "committable": False,
        "cyclic_delay": True,
        "cyclic_state_of_charge_per_period": False,
        "delay": 0,
        "discount_rate": np.nan,
        "down_time_before": 0,
        "e_cyclic_per_period": False,
        "e_initial_per_period": False,
        "e_nom_mod": 0.0,
        "e_sum_max": np.inf,
        "e_sum_min": -np.inf,
        "investment_period": np.nan,
        "marginal_cost_quadratic": 0.0,
        "max_growth": np.inf,
        "max_relative_growth": 0.0,
        "min_down_time": 0,
        "min_up_time": 0,
        "p_nom_mod": 0.0,
        "shut_down_cost": 0.0,
        "stand_by_cost": 0.0,
        "start_up_cost": 0.0,
        "state_of_charge_initial_per_period": False,
        "up_time_before": 1,
    },
}
"""Attributes by component, without the number of a port."""
HARMLESS = frozenset(
    {
        # Names, places, units, drawings.
        *("name", "type", "unit", "location", "color", "nice_name", "x", "y", "length"),
        *("v_nom", "v_mag_pu_set", "v_mag_pu_min", "v_mag_pu_max", "control", "weight"),
        # Years and lengths that count only with investment periods or other costs.
        *("build_year", "lifetime", "terrain_factor", "active", "q_set"),
        # Results of an earlier run.
        *(
            "p",
            "q",
            "p0",
            "p1",
            "p2",
            "p3",
            "p4",
            "q0",
            "q1",
            "e",
            "status",
            "start_up",
            "shut_down",
        ),
        *("p_nom_opt", "e_nom_opt", "p_dispatch", "p_store", "state_of_charge", "spill", "mu"),
        *("mu_upper", "mu_lower", "mu_p_set", "mu_ramp_limit_up", "mu_ramp_limit_down"),
        *("mu_energy_balance", "mu_state_of_charge_set", "marginal_price", "v_ang", "v_mag_pu"),
        *("sub_network", "generator"),
    }
)
"""Attributes that the optimum of a linear network with one period does not depend on."""
