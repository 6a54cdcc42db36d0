"""Components of a tariff in the model, hand-solved; `solved` also holds them against the calculator."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pytest

from microgrid_opt.errors import InputError
from tests.billing import bill_of, charges, grid_text, meter, tariff
from tests.support import day, park, problem_of, solve_text, solved

MONTHS = "{start: 2025-01-31T22:00, hours: 4}"
"""Two hours of January and two of February."""
BATTERY = (
    "battery: {type: battery, energy_kwh: 50, power_kw: 9, charge_efficiency: 1, "
    "discharge_efficiency: 1, initial_fraction: 0.5}"
)


def at_night(values: list[float]) -> str:
    """Return a daily shape whose values begin at 22:00."""
    hours = [0.0] * 24
    for k, value in enumerate(values):
        hours[(22 + k) % 24] = value
    return json.dumps({"hourly": hours})


def energy(price: Any, **keys: Any) -> dict[str, Any]:
    return {"type": "energy", "price_per_kwh": price, **keys}


def solved_load(components: Any, loads: list[float], *, more: str = "", **keys: Any) -> Any:
    """Return the optimum of a load over two months under a tariff; `keys` are those of the grid."""
    assets = f"load: {{type: load, power_kw: {at_night(loads)}}}\n{more}"
    return solved(park(f"{assets}\n{grid_text(components, **keys)}", horizon=MONTHS))


def test_floating_and_fixed_energy() -> None:
    """Proves: 0.5 floats with 2 and 0.4, 0.1 does not: 4 x (1.1 + 0.3). Sensitivity: own multiplier."""
    of: dict[str, Any] = {
        "multiplier": {"hourly": [2, 0.4, *[1] * 22]},
        "components": {"energy": energy(0.5, floats=True), "network": energy(0.1)},
    }
    text = park(f"load: {{type: load, power_kw: 4}}\n{grid_text(of)}")
    assert charges(solved(text)) == pytest.approx({"energy": 4 * 1.2, "network": 4 * 0.2})
    of["components"]["energy"]["multiplier"] = 3
    text = park(f"load: {{type: load, power_kw: 4}}\n{grid_text(of)}")
    assert charges(solved(text))["energy"] == pytest.approx(4 * 3)


def test_validity_cuts_at_local_midnight() -> None:
    """Proves: the old price holds for two hours of January, the new one for two of February."""
    of = {
        "components": {
            "old": energy(1, valid_to="2025-01-31"),
            "new": energy(3, valid_from="2025-02-01"),
        }
    }
    assert charges(solved_load(of, [1, 2, 4, 8])) == pytest.approx({"old": 3, "new": 36})


def test_fixed_charges_by_month_and_day() -> None:
    """Proves: two months at 10 and two days at 0.5, whatever is used."""
    of = {
        "components": {
            "meter": {"type": "fixed", "price_per_month": 10, "price_per_day": 0.5},
            "energy": energy(1),
        }
    }
    assert charges(solved_load(of, [1, 1, 1, 1])) == pytest.approx({"meter": 21, "energy": 4})


@pytest.mark.parametrize(
    ("prices", "january", "february"),
    [([1, 2, 4], 5 + 4, 5 + 10 + 8), ([4, 2, 1], 20 + 4, 20 + 10 + 2)],
)
def test_energy_tiers_rising_and_falling(
    prices: list[float], january: float, february: float
) -> None:
    """Proves: 7 kWh and 12 kWh in blocks of 5, 5 and the rest. Sensitivity: falling prices fill in order.

    Without order the falling tariff would buy all of it in the last block, at 1.
    """
    ends: list[Any] = [5, 10, None]
    tiers = [
        {"price_per_kwh": price, **({"up_to_kwh_month": end} if end else {})}
        for price, end in zip(prices, ends, strict=True)
    ]
    of = {"components": {"blocks": {"type": "tiered_energy", "tiers": tiers}}}
    results = solved_load(of, [3, 4, 8, 4], connection_kw=20)
    assert charges(results) == pytest.approx({"blocks": january + february})


def test_falling_tiers_need_a_bound() -> None:
    tiers = [{"up_to_kwh_month": 5, "price_per_kwh": 2}, {"price_per_kwh": 1}]
    of = {"components": {"blocks": {"type": "tiered_energy", "tiers": tiers}}}
    with pytest.raises(InputError, match="falls from tier to tier needs a bound on the import"):
        solved_load(of, [3, 4, 8, 4])


@pytest.mark.parametrize(("prices", "cost"), [([1, 3], 10 + 30), ([3, 1], 30 + 10)])
def test_demand_tiers(prices: list[float], cost: float) -> None:
    """Proves: a peak of 20 kW in blocks of 10; the battery shaves the dear part only where it pays.

    Loads 0 and 20 with 9 kW of battery: rising, each kW above 10 costs 3 and all 9 are shaved; falling,
    the upper kW cost 1. The energy is free.
    """
    tiers = [{"up_to_kw": 10, "price_per_kw_month": prices[0]}, {"price_per_kw_month": prices[1]}]
    of = {"components": {"demand": {"type": "demand", "tiers": tiers}, "energy": energy(0)}}
    text = f"load: {{type: load, power_kw: {day(0, 20)}}}\n"
    plain = solved(park(text + grid_text(of, connection_kw=30)))
    assert charges(plain)["demand"] == pytest.approx(cost)
    shaved = solved(park(text + BATTERY + "\n" + grid_text(of, connection_kw=30)))
    assert charges(shaved)["demand"] == pytest.approx(cost - prices[1] * 9)


def test_bands_of_demand() -> None:
    """Proves: up to 12 kW cost 5 a month, up to 20 kW 50: the battery shaves 20 kW to 12, no further.

    Sensitivity: without the battery the month costs 50.
    """
    bands = [
        {"up_to_kw": 12, "price_per_month": 5},
        {"up_to_kw": 20, "price_per_month": 50},
        {"price_per_month": 500},
    ]
    of = {"components": {"band": {"type": "demand", "bands": bands}, "energy": energy(0)}}
    text = f"load: {{type: load, power_kw: {day(0, 20)}}}\n"
    assert charges(solved(park(text + grid_text(of, connection_kw=60))))["band"] == 50
    shaved = solved(park(text + BATTERY + "\n" + grid_text(of, connection_kw=60)))
    assert charges(shaved)["band"] == pytest.approx(5)


def test_demand_in_a_window_of_hours() -> None:
    """Proves: only 0:00 to 1:00 counts: the night peak of 20 kW is free. Sensitivity: hour 0 has 5."""
    of = {
        "components": {
            "demand": {"type": "demand", "price_per_kw_month": 3, "when": [{"hours": "0-1"}]}
        }
    }
    assert charges(solved_load(of, [20, 20, 5, 20]))["demand"] == pytest.approx(15)


def test_coincident_peak_counts_listed_hours() -> None:
    """Proves: of four hours only two listed ones count, each for its month: 3 x (7 + 2)."""
    demand = {
        "type": "demand",
        "price_per_kw_month": 3,
        "at": ["2025-01-31T23:00", "2025-02-01T01:00"],
    }
    results = solved_load({"components": {"cp": demand}}, [20, 7, 30, 2])
    assert charges(results)["cp"] == pytest.approx(27)


def test_demand_window_of_an_hour_over_quarters() -> None:
    """Proves: quarters of 8, 0, 0, 0 kW are a peak of 2 kW over the hour, of 4 over half an hour.

    Sensitivity: with the steps themselves it is 8 kW. The second hour is one step of 1 kW.
    """
    load = json.dumps({"hourly": [8, *[0] * 3, *[1] * 92]})
    for minutes, peak in ((60, 2), (30, 4), (15, 8), (None, 8)):
        demand: dict[str, Any] = {"type": "demand", "price_per_kw_month": 1}
        if minutes is not None:
            demand["window_minutes"] = minutes
        of = {"components": {"demand": demand}}
        results = solved(
            park(
                f"load: {{type: load, power_kw: {load}}}\n{grid_text(of)}",
                horizon="{start: 2025-03-03, steps_hours: [0.25, 0.25, 0.25, 0.25, 1]}",
            )
        )
        assert charges(results)["demand"] == pytest.approx(peak), minutes


def test_peaks_already_set() -> None:
    """Proves: 15 kW set this month are free to use again: the battery does not shave below them.

    Sensitivity: without them it shaves 20 kW to 11.
    """
    of = {"components": {"demand": {"type": "demand", "price_per_kw_month": 2}}}
    text = f"load: {{type: load, power_kw: {day(0, 20)}}}\n{BATTERY}\n"
    known = solved(park(text + grid_text(of, contract={"peaks_so_far_kw": {"demand": 15}})))
    assert charges(known)["demand"] == pytest.approx(30)
    assert charges(solved(park(text + grid_text(of))))["demand"] == pytest.approx(22)


def test_ratchet_of_the_month_before() -> None:
    """Proves: February pays 80 % of January's 20 kW; December's 40 kW hold 32 in January.

    Sensitivity: without history January is 20 and February 16.
    """
    demand = {
        "type": "demand",
        "price_per_kw_month": 1,
        "ratchet_fraction": 0.8,
        "ratchet_lookback_months": 1,
    }
    of = {"components": {"demand": demand}}
    assert charges(solved_load(of, [20, 5, 10, 3]))["demand"] == pytest.approx(36)
    history = {"earlier_peaks_kw": {"2024-12": 40, "2024-11": 90}}
    results = solved_load(of, [20, 5, 10, 3], contract=history)
    assert charges(results)["demand"] == pytest.approx(32 + 16)


def test_ratchet_of_listed_months() -> None:
    """Proves: January's 20 kW are billed at half in all months: 20 + 10. Sensitivity: floor of 12 kW."""
    demand: dict[str, Any] = {
        "type": "demand",
        "price_per_kw_month": 1,
        "ratchet_fraction": 0.5,
        "ratchet_months": [1],
    }
    results = solved_load({"components": {"demand": demand}}, [20, 5, 4, 3])
    assert charges(results)["demand"] == pytest.approx(30)
    demand["at_least_kw"] = 12
    results = solved_load({"components": {"demand": demand}}, [20, 5, 4, 3])
    assert charges(results)["demand"] == pytest.approx(32)


def test_yearly_demand_is_charged_for_the_share_of_a_year() -> None:
    """Proves: the highest of both months, 20 kW at 8760 a year, costs 20 for each of 4 hours."""
    of = {"components": {"demand": {"type": "demand", "price_per_kw_year": 8760}}}
    assert charges(solved_load(of, [5, 20, 10, 3]))["demand"] == pytest.approx(80)


CHINA: dict[str, Any] = {
    "choices": {"basic": {"options": ["kva", "kw", "agreed"], "period": "quarter"}},
    "components": {
        "energy": energy(0.5),
        "capacity": {"type": "capacity", "option": "kva", "price_per_kva_month": 26},
        "demand": {"type": "demand", "option": "kw", "price_per_kw_month": 42},
        "contract": {
            "type": "contract_demand",
            "option": "agreed",
            "price_per_kw_month": 42,
            "at_least_transformer_share": 0.4,
            "excess_from": 1.05,
            "excess_factor": 2,
        },
    },
}


@pytest.mark.parametrize(
    ("loads", "contract_kw", "picked", "cost"),
    [
        # 100 kVA: 2600 a month; 50 kW: 2100 a month; contract of 50: 2100
        ([50, 1, 50, 1], 55, "demand", 4200),
        ([90, 1, 90, 1], 40, "capacity", 5200),
        # contract of 45 covers 47.25: 1890 a month, less than 47 kW x 42
        ([47, 1, 47, 1], 45, "contract", 3780),
        # a contract of 20 is billed as 40 kW; 44 kW are 2 beyond 42: 42 x (40 + 2 x 2) < 42 x 44 + 1
        ([60, 1, 20, 1], 20, "demand", 3360),
    ],
)
def test_capacity_demand_or_contract(
    loads: list[float], contract_kw: float, picked: str, cost: float
) -> None:
    """Proves: the cheapest of three for the quarter, with the 40 % floor and the double price."""
    results = solved_load(CHINA, loads, transformer_kva=100, contract_kw=contract_kw)
    found = charges(results)
    assert found[picked] == pytest.approx(cost)
    assert sum(found[k] for k in ("capacity", "demand", "contract")) == pytest.approx(cost)


def test_contract_is_exceeded_at_double_price() -> None:
    """Proves: 40 kW contracted, 52 kW used: 42 x (40 + 2 x (52 - 42)) = 2520 a month, then 1680.

    Sensitivity: a contract that the plan chooses for peaks of 84 kW is 80 kW, which covers them.
    """
    picked = {"choices": {"basic": "agreed"}}
    keys = {"transformer_kva": 100, "contract": picked}
    found = charges(solved_load(CHINA, [52, 1, 10, 1], contract_kw=40, **keys))
    assert found["contract"] == pytest.approx(2520 + 1680)
    chosen = {"max_kw": 100}
    found = charges(solved_load(CHINA, [84, 1, 84, 1], contract_kw=chosen, **keys))
    assert found["contract"] == pytest.approx(2 * 42 * 80)


@pytest.mark.parametrize("contract", [20, {"max_kw": 100}])
@pytest.mark.parametrize("transformer", [100, {"min_kva": 100, "max_kva": 100}])
def test_a_contract_has_the_floor_of_the_transformers(contract: Any, transformer: Any) -> None:
    """Proves: for peaks of 10 kW 40 % of 100 kVA are billed, 42 × 40 a month, whatever is chosen.

    Sensitivity: without the floor 20 kW, or 10 / 1.05, would do.
    """
    keys = {"contract": {"choices": {"basic": "agreed"}}, "contract_kw": contract}
    found = charges(solved_load(CHINA, [10, 1, 10, 1], transformer_kva=transformer, **keys))
    assert found["contract"] == pytest.approx(2 * 42 * 40)


def test_option_without_its_size_is_not_on_offer() -> None:
    """Proves: without a contracted demand two options are left; without any size none."""
    found = charges(solved_load(CHINA, [50, 1, 50, 1], transformer_kva=100))
    assert found["demand"] == pytest.approx(4200)
    assert "contract" not in found
    only = {"choices": {"basic": "agreed"}}
    with pytest.raises(InputError, match=r"components\.contract: needs `transformer_kva`"):
        solved_load(CHINA, [50, 1, 50, 1], contract=only)


def test_choice_without_a_bound_is_refused() -> None:
    with pytest.raises(InputError, match="left to the plan needs a bound"):
        solved_load(
            CHINA,
            [1, 1, 1, 1],
            transformer_kva={"existing_kva": 5, "capex_per_kva": 1, "lifetime_years": 5},
        )


def test_rebate_for_high_use() -> None:
    """Proves: 30 kWh for 10 kVA are 3 a kVA: 10 % off 20 kW in January; February's 12 kWh are not.

    Sensitivity: one kWh less in January, no rebate.
    """
    demand = {
        "type": "demand",
        "price_per_kw_month": 10,
        "rebate": {"from_kwh_per_kva_month": 3, "factor": 0.9},
    }
    of = {"components": {"demand": demand}}
    keys: dict[str, Any] = {"connection_kw": 60, "transformer_kva": 10}
    loads = f"load: {{type: load, power_kw: {at_night([2, 1, 1, 0.2])}}}\n"
    text = park(loads + grid_text(of, **keys), horizon=MONTHS)
    small = solved(text)
    assert charges(small)["demand"] == pytest.approx(30)
    keys["transformer_kva"] = 1
    of["components"]["demand"] = {
        **demand,
        "rebate": {"from_kwh_per_kva_month": 1.5, "factor": 0.9},
    }
    loads = f"load: {{type: load, power_kw: {at_night([0.9, 0.6, 0.5, 0.2])}}}\n"
    found = solved(park(loads + grid_text(of, **keys), horizon=MONTHS))
    assert charges(found)["demand"] == pytest.approx(9 * 0.9 + 5)


def test_access_capacity_is_sized_and_the_regime_chosen() -> None:
    """Proves: 1192, the plan sizes 8 kVA and pays 0.2 x 0.5 x 730 for each, or 0.2 x kWh when that is less.

    Two months of two hours use 30 kWh, 6 money by energy; capacity costs 1168. Sensitivity: at a load
    factor of 0.0001 capacity is the cheaper one (0.2336).
    """
    of: dict[str, Any] = {
        "choices": {"network": {"options": ["by_kwh", "by_kva"], "period": "year"}},
        "components": {
            "energy": energy(0.5),
            "network": energy(0.2, option="by_kwh"),
            "access": {
                "type": "capacity",
                "option": "by_kva",
                "energy_price_per_kwh": 0.2,
                "load_factor": 0.5,
            },
        },
    }
    size = {"max_kva": 50, "annual_cost_per_kva": 0.01}
    results = solved_load(of, [8, 7, 7, 8], transformer_kva=size)
    assert results.size("grid", "transformer") == pytest.approx(8)
    found = charges(results)
    assert (found["network"], found["access"]) == pytest.approx((6, 0))
    of["components"]["access"]["load_factor"] = 0.0001
    found = charges(solved_load(of, [8, 7, 7, 8], transformer_kva=size))
    assert (found["network"], found["access"]) == pytest.approx((0, 2 * 8 * 0.2 * 0.0001 * 730))


def test_transformer_carries_kva_times_power_factor() -> None:
    """Proves: 10 kVA carry 8 kW at 0.8: 2 kWh are unserved each hour. Sensitivity: at 1.0 none."""
    of = {"components": {"energy": energy(1)}}
    load = "load: {type: load, power_kw: 10, unserved_price_per_kwh: 9}\n"
    for factor, cost in ((0.8, 2 * (8 + 18)), (1.0, 20)):
        text = park(load + grid_text(of, transformer_kva=10, contract={"power_factor": factor}))
        assert solved(text).cost == pytest.approx(cost)


def test_reactive_energy_and_power_factor() -> None:
    """Proves: at 0.8 a kWh has 0.75 kvarh, 0.25 free, 0.5 at 0.1; energy and that are up 5 %.

    Sensitivity: at 0.9 the rate is 0.
    """
    of = {
        "components": {
            "energy": energy(1),
            "reactive": {"type": "reactive", "price_per_kvarh": 0.1, "free_kvarh_per_kwh": 0.25},
            "adjustment": {
                "type": "power_factor",
                "steps": [{"at_least": 0.9, "rate": 0}, {"at_least": 0, "rate": 0.05}],
            },
        }
    }
    found = charges(solved_load(of, [10, 0, 10, 0], contract={"power_factor": 0.8}))
    assert found == pytest.approx({"energy": 20, "reactive": 1, "adjustment": 1.05})
    found = charges(solved_load(of, [10, 0, 10, 0], contract={"power_factor": 0.9}))
    assert found["adjustment"] == 0


def test_standby_and_tax() -> None:
    """Proves: 20 kW of standby at 3 for two months, and 10 % on it and on the energy."""
    of = {
        "components": {
            "energy": energy(1),
            "standby": {"type": "standby", "price_per_kw_month": 3},
            "tax": {"type": "surcharge", "rate": 0.1},
        }
    }
    found = charges(solved_load(of, [1, 2, 3, 4], contract={"standby_kw": 20}))
    assert found == pytest.approx({"energy": 10, "standby": 120, "tax": 13})


def test_minimum_bill() -> None:
    """Proves: January's 12 are 8 short of 20, February's 30 are enough. Sensitivity: by month."""
    of = {
        "components": {
            "energy": energy(1),
            "least": {"type": "minimum_bill", "amount_per_month": 20},
        }
    }
    found = charges(solved_load(of, [5, 7, 10, 20]))
    assert found == pytest.approx({"energy": 42, "least": 8})


PV = "pv: {type: pv, power_kw: 10, output_per_kw: %s}\n"


def test_net_metering_by_month() -> None:
    """Proves: 6 kWh of export cancel 5 kWh of January's import at 1, the sixth earns 0.2; February pays.

    Sensitivity: netted over the year all six cancel.
    """
    of = {
        "components": {
            "energy": energy(1),
            "net": {"type": "net_metering", "surplus_price_per_kwh": 0.2},
        }
    }
    more = PV % at_night([1, 0, 0, 0])
    found = charges(solved_load(of, [4, 5, 6, 0], more=more))
    assert found == pytest.approx({"energy": 11, "net": -5 - 0.2})
    of["components"]["net"]["period"] = "year"
    found = charges(solved_load(of, [4, 5, 6, 0], more=more))
    assert found == pytest.approx({"energy": 11, "net": -6})


def test_net_metering_nets_by_price() -> None:
    """Proves: export at the price 3 does not cancel import at the price 1: 6 x 0.2 are earned."""
    of = {
        "components": {
            "energy": energy({"hourly": [*[1] * 22, 3, 1]}),
            "net": {"type": "net_metering", "surplus_price_per_kwh": 0.2},
        }
    }
    found = charges(solved_load(of, [4, 5, 6, 0], more=PV % at_night([1, 0, 0, 0])))
    assert found == pytest.approx({"energy": 11, "net": -1.2})


def test_net_billing_and_premium() -> None:
    """Proves: 6 kWh sold earn the market's 0.3 and a premium of 0.1; 5 + 6 bought cost 1."""
    of = {
        "components": {
            "energy": energy(1),
            "market": {"type": "export", "price_per_kwh": 0.3},
            "premium": {"type": "export", "price_per_kwh": 0.1},
        }
    }
    found = charges(solved_load(of, [4, 5, 6, 0], more=PV % at_night([1, 0, 0, 0])))
    assert found == pytest.approx({"energy": 11, "market": -1.8, "premium": -0.6})


def test_export_bins() -> None:
    """Proves: of 6 kWh, 4 (80 % of the import of 5) earn 0.9, 1 up to 5 kWh 0.5, the last 0.1.

    Sensitivity: February exports nothing.
    """
    tiers = [
        {"up_to_import_share": 0.8, "price_per_kwh": 0.9},
        {"up_to_kwh_month": 5, "price_per_kwh": 0.5},
        {"price_per_kwh": 0.1},
    ]
    of = {
        "components": {"energy": energy(1), "bins": {"type": "tiered_export", "tiers": tiers}},
    }
    found = charges(solved_load(of, [4, 5, 6, 0], more=PV % at_night([1, 0, 0, 0])))
    assert found == pytest.approx({"energy": 11, "bins": -(3.6 + 0.5 + 0.1)})


@pytest.mark.parametrize(("one_sided", "gain"), [(False, 0.5 * 6 * (0.4 - 0.6)), (True, 0.0)])
def test_contract_for_difference(one_sided: bool, gain: float) -> None:
    """Proves: half of 6 kWh is settled at 0.4 against a mean of 0.6; a sliding premium pays nothing.

    Rule 136: the reference is the month's mean, not the hour's own price of 0.3.
    """
    of = {
        "components": {
            "energy": energy(1),
            "market": {"type": "export", "price_per_kwh": 0.3},
            "mechanism": {
                "type": "contract_for_difference",
                "share": 0.5,
                "strike_price_per_kwh": 0.4,
                "reference_price_per_kwh": {"monthly": [0.6] * 12},
                "one_sided": one_sided,
            },
        }
    }
    found = charges(solved_load(of, [4, 5, 6, 0], more=PV % at_night([1, 0, 0, 0])))
    assert found["mechanism"] == pytest.approx(-gain)


def test_export_price_of_the_grid_stands_beside_a_tariff() -> None:
    """Proves: without export in the tariff the key `export_price_per_kwh` sells the 6 kWh."""
    of = {"components": {"energy": energy(1)}}
    more = PV % at_night([1, 0, 0, 0])
    found = charges(solved_load(of, [4, 5, 6, 0], more=more, export_price_per_kwh=0.3))
    assert found == pytest.approx({"energy": 11, "energy_export": -1.8})


def test_negative_prices_burn_nothing() -> None:
    """Proves: W6, where import is paid for and export costs less, the meter runs one way.

    Import at -1, export at -0.2: both at once would earn 0.8 for each kW of the connection. Without the
    binary the plan would; the tariff adds it in the hours that need it, and asks for a bound.
    """
    of = {
        "components": {
            "spot": energy({"hourly": [-1, 1, *[1] * 22]}),
            "feed_in": {"type": "export", "price_per_kwh": {"hourly": [-0.2, *[0.5] * 23]}},
        }
    }
    load = "load: {type: load, power_kw: 4}\n"
    results = solved(park(load + grid_text(of, connection_kw=10)))
    assert results.of("grid.export") == pytest.approx([0, 0])
    assert results.cost == pytest.approx(-4 + 4)
    with pytest.raises(InputError, match="pays more for export than import costs in 1 steps"):
        solve_text(park(load + grid_text(of)))


def test_negative_prices_do_not_cycle_the_battery_against_itself() -> None:
    """Proves: W6, a lossy battery with `exclusive` takes 5 kWh at -1 once, and burns none.

    5 kW for one hour are 10 in all: -10 and then 4 - 4.05 bought at 1. Sensitivity: without `exclusive`
    it charges and discharges at once for the losses.
    """
    of = {"components": {"spot": energy({"hourly": [-1, 1, *[1] * 22]})}}
    battery = (
        "battery: {type: battery, energy_kwh: 50, power_kw: 5, charge_efficiency: 0.9, "
        "discharge_efficiency: 0.9, initial_fraction: 0, final: free, exclusive: %s}\n"
    )
    text = "load: {type: load, power_kw: 4}\n" + battery + grid_text(of, connection_kw=10)
    results = solved(park(text % "true"))
    assert results.of("grid.import")[0] == pytest.approx(9)
    flows = np.minimum(results.of("battery.charge"), results.of("battery.discharge"))
    assert flows == pytest.approx([0, 0], abs=1e-6)


def test_bill_is_priced_by_hours_of_unequal_length() -> None:
    """Proves: steps of 1, 2 and 0.5 h at 4 kW are 14 kWh; the tiers see energy, not steps."""
    tiers = [{"up_to_kwh_month": 10, "price_per_kwh": 1}, {"price_per_kwh": 3}]
    of = {"components": {"blocks": {"type": "tiered_energy", "tiers": tiers}}}
    text = park(
        f"load: {{type: load, power_kw: 4}}\n{grid_text(of)}",
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    assert charges(solved(text))["blocks"] == pytest.approx(10 + 12)


# ------------------------------------------------------------------------- calendar, calculator only


def test_holidays_have_prices_of_their_own() -> None:
    """Proves: Thursday 1 January at the holiday's price and without demand, Friday at the weekday's."""
    of = tariff(
        energy={
            "type": "energy",
            "price_per_kwh": {
                "weekday": [2] * 24,
                "weekend": [1] * 24,
                "holiday": [0.5] * 24,
            },
        },
        demand={
            "type": "demand",
            "price_per_kw_month": 10,
            "when": [{"days": ["weekday"], "except_holidays": True}],
        },
    )
    power = [3.0] * 24 + [1.0] * 24
    holidays = frozenset({date(2026, 1, 1)})
    found = bill_of(of, meter("2026-01-01", power, holidays=holidays))
    assert found.component("energy") == pytest.approx(24 * (3 * 0.5 + 1 * 2))
    assert found.component("demand") == pytest.approx(10)
    assert bill_of(of, meter("2026-01-01", power)).component("demand") == pytest.approx(30)


def test_leap_day_and_clock_changes_are_hours_of_their_month() -> None:
    """Proves: 696 h in February 2024, 743 in March and 745 in October where clocks change."""
    of = tariff(energy={"type": "energy", "price_per_kwh": 1})
    found = bill_of(of, meter("2024-01-01", np.ones(8784), timezone="Europe/Berlin"))
    assert found.amounts["energy"][[1, 2, 9]] == pytest.approx([696, 743, 745])
    assert found.total == pytest.approx(8784)


def test_demand_windows_do_not_join_the_doubled_hour() -> None:
    """Proves: the two hours from 2:00 on 26 October 2025 in Berlin are two windows, not one."""
    of = tariff(demand={"type": "demand", "price_per_kw_month": 1, "window_minutes": 60})
    power = np.zeros(24 * 4)
    power[8:12] = 6.0
    metered = meter("2025-10-26", power, step_hours=0.25, timezone="Europe/Berlin")
    assert bill_of(of, metered).total == pytest.approx(6)


BAD = [
    ({"components": {}}, "at least 1"),
    ({"components": {"a": {"type": "enregy", "price_per_kwh": 1}}}, "did you mean `energy`"),
    ({"components": {"a": energy(1, floats=True)}}, "floats, but there is no `multiplier`"),
    ({"components": {"a": energy(1, voltages=["10kv"])}}, "voltage '10kv' is unknown"),
    ({"components": {"a": energy(1, option="x")}}, "option 'x' is unknown"),
    ({"components": {"investment": energy(1)}}, "reserved name"),
    ({"components": {"a": {"type": "demand"}}}, "price_per_kw_month"),
    (
        {"components": {"a": {"type": "demand", "price_per_kw_month": 1, "ratchet_fraction": 0.5}}},
        "a ratchet needs",
    ),
    (
        {
            "components": {
                "a": {
                    "type": "tiered_energy",
                    "tiers": [{"up_to_kwh_month": 5, "price_per_kwh": 1}],
                }
            }
        },
        "the last tier has no end",
    ),
    (
        {"components": {"a": energy(1), "b": {"type": "surcharge", "rate": 0.1, "charges": ["c"]}}},
        "charges 'c' is unknown",
    ),
    (
        {"components": {"a": energy(1, valid_from="2025-02-01", valid_to="2025-01-01")}},
        "lies before",
    ),
    ({"currency": "EUR", "components": {"a": energy(1)}}, "the tariff is in EUR, the park in CNY"),
    (
        {"choices": {"c": {"options": ["x", "y"]}}, "components": {"a": energy(1, option="x")}},
        "no component has `option: y`",
    ),
]


@pytest.mark.parametrize(("keys", "told"), BAD)
def test_wrong_tariffs_are_refused(keys: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        problem_of(park(grid_text(keys)))
    assert told in str(caught.value)
    assert "park.yaml:" in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"tariff": "china/hubei_2026_01"}, "contract.voltage"),
        ({"tariff": "china/hubei"}, "china/hubei_2026_01"),
        ({"tariff": {"components": {"a": energy(1)}}, "import_price_per_kwh": 1}, "instead of"),
        ({"import_price_per_kwh": 1, "contract": {"standby_kw": 1}}, "need a `tariff`"),
        (
            {"tariff": {"components": {"a": energy(1)}}, "contract": {"voltage": "10kv"}},
            "does not tell voltage levels apart",
        ),
    ],
)
def test_wrong_connections_are_refused(keys: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        problem_of(park("grid: " + json.dumps({"type": "grid", **keys})))
    assert told in str(caught.value)


# ------------------------------------------------------------------------------- origin of the export

ARBITRAGE = """
load: {type: load, power_kw: 1}
pv: {type: pv, power_kw: 4, output_per_kw: %s}
battery:
  type: battery
  energy_kwh: 50
  power_kw: 10
  charge_efficiency: 0.9
  discharge_efficiency: 0.8
  initial_fraction: 0.2
  final: at_least_initial
  exclusive: true
grid:
  type: grid
  import_price_per_kwh: {hourly: [0.1, 1, 1, *tail]}
  export_price_per_kwh: {hourly: [0, 0.01, 0.9, *tail]}
  connection_kw: 20
  exclusive: true
""".replace("*tail", ", ".join(["0.5"] * 21))


def test_power_from_the_grid_does_not_return_through_a_store() -> None:
    """Proves: bought at 0.1 and sold at 0.9, a battery earns; with origin tracking it does not.

    Hour 0: cheap import; hour 1: 4 kW of sun, 3 of them spare; hour 2: dear export. With tracking only
    3 x 0.9 x 0.8 = 2.16 kWh of sun are exported, in hour 2; a fourth kW stored would have to be bought
    for the load at 1 and earn 0.648. Sensitivity: without it the battery exports as much as it can.
    """
    text = park(ARBITRAGE % day(0, 1, 0), hours=3)
    free = solved(text)
    assert free.of("grid.export")[2] > 5
    held = solved(
        text.replace("connection_kw: 20", "connection_kw: 20\n    export_from: generation")
    )
    assert held.of("grid.export")[2] == pytest.approx(3 * 0.9 * 0.8)
    assert held.of("grid.export")[:2] == pytest.approx([0, 0], abs=1e-6)
    assert held.cost > free.cost


def test_without_generation_nothing_is_exported() -> None:
    """Proves: without sun nothing may be sold; what a battery held at the start counts as bought."""
    text = park(ARBITRAGE % day(0, 0, 0), hours=3)
    held = solved(
        text.replace("connection_kw: 20", "connection_kw: 20\n    export_from: renewable")
    )
    assert held.of("grid.export") == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_later_bin_may_end_the_first() -> None:
    """Proves: a bin up to the import of 5 kWh ends at the next one's 4 kWh: 3.6 and 2 x 0.1.

    Sensitivity: the calculator and the plan read the same bins.
    """
    tiers = [
        {"up_to_import_share": 1.0, "price_per_kwh": 0.9},
        {"up_to_kwh_month": 4, "price_per_kwh": 0.5},
        {"price_per_kwh": 0.1},
    ]
    of = {
        "components": {"energy": energy(1), "bins": {"type": "tiered_export", "tiers": tiers}},
    }
    found = charges(solved_load(of, [4, 5, 6, 0], more=PV % at_night([1, 0, 0, 0])))
    assert found["bins"] == pytest.approx(-(4 * 0.9 + 2 * 0.1))


def test_the_cheapest_option_is_that_of_the_whole_bill() -> None:
    """Proves: with at least 1 a month, 1.5 + 1.5 by the month beat 2.5 + 1 by demand, which alone is 2.5.

    Sensitivity: without the minimum bill demand is picked.
    """
    parts = {
        "flat": {"type": "fixed", "option": "by_month", "price_per_month": 1.5},
        "peak": {"type": "demand", "option": "by_demand", "price_per_kw_month": 0.5},
    }
    choices = {"basic": {"options": ["by_demand", "by_month"], "period": "quarter"}}
    metered = meter("2025-01-31T22:00", [0, 5, 0, 0])
    least = {"type": "minimum_bill", "amount_per_month": 1}
    found = bill_of(tariff(choices, least=least, **parts), metered)
    assert (found.total, found.picked["basic"]) == (pytest.approx(3.0), ("by_month",))
    found = bill_of(tariff(choices, **parts), metered)
    assert (found.total, found.picked["basic"]) == (pytest.approx(2.5), ("by_demand",))
