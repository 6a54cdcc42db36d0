"""A coke oven: 10 kWh of coal and 0.5 kWh of electricity give 1 kg of coke and 2 kWh of gas.

A kg earns 3 + 2 × 0.2 and costs 10 × 0.1 + 0.5 × 0.6 + 0.2: a margin of 1.9.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import EXACT, bill, day, park, problem_of, solve_text, solved

CARRIERS = "{coke: {unit: kg}, oven_gas: {}, flue_co2: {unit: kg}}"
MARKET = """
coal: {type: supply, carrier: coal, price_per_kwh: 0.1}
grid: {type: grid, import_price_per_kwh: 0.6}
neighbour: {type: sale, carrier: oven_gas, price_per_kwh: 0.2}
"""
OVEN = """
oven:
  type: recipe
  inputs: {coal: 10, electricity: 0.5}
  outputs: {coke: 1, oven_gas: 2}
  size_on: coke
  flow_kg_per_hour: 100
  variable_om_per_unit: 0.2
"""


def works(
    coke: str = "price_per_kg: 3",
    *,
    oven: str = OVEN,
    horizon: str = "{start: 2025-03-03, hours: 1}",
    carbon: str = "{}",
) -> str:
    return park(
        f"{MARKET}{oven}\nmill: {{type: sale, carrier: coke, {coke}}}",
        carriers=CARRIERS,
        horizon=horizon,
        carbon=carbon,
    )


def test_everything_follows_the_activity_over_unequal_steps() -> None:
    """Proves: 80, 100 and 100 kg/h in 1, 2 and 0.5 h: 330 kg, 3300 kWh of coal, 165 kWh, 660 kWh.

    Sensitivity: a kg/h of size earns 1.9 in the 2.5 h in which it binds.
    """
    text = works(
        f"price_per_kg: 3, limit_kg_per_hour: {day(80, 200, 200, 200)}",
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    results = solved(text)
    assert results.of("oven.activity") == pytest.approx([80, 100, 100])
    assert results.of("coal.purchase") == pytest.approx([800, 1000, 1000])
    assert results.of("grid.import") == pytest.approx([40, 50, 50])
    assert results.of("neighbour.sale") == pytest.approx([160, 200, 200])
    assert bill(results, "oven", "variable_om") == pytest.approx(66)
    assert results.cost == pytest.approx(-330 * 1.9)
    assert results.total("conversion", "coke") == pytest.approx(330)
    hours = results.details.set_index(["asset", "name"])["value"]
    assert hours["oven", "full_load_hours"] == pytest.approx(3.3)
    more = solved(text.replace("flow_kg_per_hour: 100", "flow_kg_per_hour: 101"))
    assert results.cost - more.cost == pytest.approx(2.5 * 1.9)


@pytest.mark.parametrize("seed", range(4))
def test_any_recipe_keeps_its_proportions(seed: int) -> None:
    """Proves: each flow is its amount × the activity, whichever carrier the size is counted on.

    Sensitivity: amounts drawn at random, the size on another carrier each time.
    """
    chosen = np.random.default_rng(seed).uniform(0.2, 5.0, 5).round(3)
    size_on = ("coal", "electricity", "coke", "oven_gas")[seed]
    amounts = dict(zip(("coal", "electricity", "coke", "oven_gas"), chosen, strict=False))
    key = "flow_kg_per_hour" if size_on == "coke" else "power_kw"
    oven = (
        f"oven: {{type: recipe, inputs: {{coal: {amounts['coal']}, electricity: "
        f"{amounts['electricity']}}}, outputs: {{coke: {amounts['coke']}, oven_gas: "
        f"{amounts['oven_gas']}}}, size_on: {size_on}, {key}: 60}}"
    )
    results = solved(works("price_per_kg: 30", oven=oven))
    activity = results.of("oven.activity")
    assert activity == pytest.approx([60 / amounts[size_on]])
    for carrier, series in (
        ("coal", "coal.purchase"),
        ("electricity", "grid.import"),
        ("coke", "mill.sale"),
        ("oven_gas", "neighbour.sale"),
    ):
        assert results.of(series) == pytest.approx(activity * amounts[carrier])


@pytest.mark.parametrize(
    ("size_on", "key", "size", "capex"),
    [
        ("coke", "flow_kg_per_hour", 80, 18),
        ("coal", "power_kw", 800, 1.8),
        ("oven_gas", "power_kw", 160, 9),
        ("electricity", "power_kw", 40, 36),
    ],
)
def test_size_is_bought_on_the_carrier_that_is_named(
    size_on: str, key: str, size: float, capex: float
) -> None:
    """Proves: 80 kg/h of coke are bought for 1.8 a kg/h, on any carrier, as the margin is 1.9.

    Sensitivity: at 2 a kg/h none is.
    """
    unit = "kg_per_hour" if key == "flow_kg_per_hour" else "kw"

    def text(cost: float) -> str:
        sized = f"{{max_{unit}: 5000, capex_per_{unit}: {cost}, lifetime_years: 10}}"
        return works("price_per_kg: 3, limit_kg_per_hour: 80").replace(
            "  size_on: coke\n    flow_kg_per_hour: 100",
            f"  size_on: {size_on}\n    {key}: {sized}",
        )

    results = solved(text(capex))
    assert results.size("oven", key.split("_", maxsplit=1)[0]) == pytest.approx(size)
    assert results.cost == pytest.approx(-80 * (1.9 - 1.8))
    assert solved(text(capex / 0.9)).cost == pytest.approx(0)


@pytest.mark.parametrize("on", ["coke", "oven_gas", "coal"])
def test_a_plant_gives_what_is_available(on: str) -> None:
    """Proves: of 100 kg/h of coke 100, 50 and none in hours of all, half and no size, whatever it counts.

    On or off with a least load of 60 %, which is of what is available, it makes the same.
    Sensitivity: without the shares 300 kg.
    """
    size = {"coke": "flow_kg_per_hour: 100", "oven_gas": "power_kw: 200", "coal": "power_kw: 1000"}
    oven = OVEN.replace("size_on: coke", f"size_on: {on}").replace(
        "flow_kg_per_hour: 100", size[on]
    )
    oven += f"  available_fraction: {day(1, 0.5, 0)}\n"
    text = works(oven=oven, horizon="{start: 2025-03-03, hours: 3}")
    assert solved(text).of("mill.sale") == pytest.approx([100, 50, 0])
    committed = text.replace("variable_om", "commitment: {min_load_fraction: 0.6}\n    variable_om")
    assert solved(committed).of("mill.sale") == pytest.approx([100, 50, 0])
    free = text.replace(f"available_fraction: {day(1, 0.5, 0)}", "label: free")
    assert solved(free).of("mill.sale") == pytest.approx([100, 100, 100])


def test_process_co2_counts_with_the_output() -> None:
    """Proves: 0.05 kg a kg on 100 kg are 5 kg; at 30,000 a tonne 1.5 of the margin of 1.9 is paid.

    Sensitivity: at 40,000 a tonne, 2.0 a kg, the oven stands.
    """
    oven = OVEN + "  co2_kg_per_unit: 0.05\n"
    results = solved(works(oven=oven, carbon="{price_per_t: 30000}"))
    assert bill(results, "oven", "process", "co2") == pytest.approx(5)
    assert results.cost == pytest.approx(-100 * 0.4)
    assert solved(works(oven=oven, carbon="{price_per_t: 40000}")).cost == pytest.approx(0)


FURNACE = """
gas: {type: supply, carrier: gas, price_per_kwh: 0.27, co2_kg_per_kwh: 0.2}
h2: {type: supply, carrier: hydrogen, price_per_kg: 15}
furnace:
  type: recipe
  outputs: {coke: 1}
  size_on: coke
  flow_kg_per_hour: 10
  choices:
    firing:
      amount: 6
      worth_per_unit: {gas: 0.9, hydrogen: 30}
"""
FUELS = "price_per_kg: 90"


def test_the_cheaper_of_two_fuels_is_burnt() -> None:
    """Proves: gas gives a unit for 0.27 / 0.9 = 0.3 + 0.222 kg, hydrogen for 0.5: the switch is 900.

    10 kg of product want 60 units: 66.7 kWh of gas or 2 kg. Sensitivity: 890 and 910 a tonne.
    """
    gas = solved(works(FUELS, oven=FURNACE, carbon="{price_per_t: 890}"))
    assert gas.of("furnace.gas_for_firing") == pytest.approx([60 / 0.9])
    assert gas.of("furnace.hydrogen_for_firing") == pytest.approx([0])
    assert gas.cost == pytest.approx(60 / 0.9 * (0.27 + 0.2 * 0.89) - 900)
    hydrogen = solved(works(FUELS, oven=FURNACE, carbon="{price_per_t: 910}"))
    assert hydrogen.of("furnace.gas_for_firing") == pytest.approx([0])
    assert hydrogen.of("furnace.hydrogen_for_firing") == pytest.approx([2])
    assert hydrogen.co2_kg == pytest.approx(0)


def test_shares_may_change_from_step_to_step() -> None:
    """Proves: each step burns what is cheaper in it, the total is fixed. Sensitivity: 0.27 and 0.9."""
    text = works(FUELS, oven=FURNACE, horizon="{start: 2025-03-03, steps_hours: [1, 0.5]}")
    results = solved(text.replace("price_per_kwh: 0.27", f"price_per_kwh: {day(0.27, 0.9)}"))
    assert results.of("furnace.gas_for_firing") == pytest.approx([60 / 0.9, 0])
    assert results.of("furnace.hydrogen_for_firing") == pytest.approx([0, 2])
    shares = results.details.set_index(["asset", "name"])["value"]
    assert shares["furnace", "share_of_gas_for_firing"] == pytest.approx(2 / 3)
    assert shares["furnace", "share_of_hydrogen_for_firing"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("price", "limits", "gas", "hydrogen"),
    [
        (0, "min_share: {hydrogen: 0.3}", 0.7, 0.3),
        (0, "max_share: {gas: 0.6}", 0.6, 0.4),
        (2000, "max_share: {hydrogen: 0.25}", 0.75, 0.25),
        (2000, "min_share: {gas: 0.2}, max_share: {hydrogen: 0.9}", 0.2, 0.8),
    ],
)
def test_shares_keep_their_limits(price: float, limits: str, gas: float, hydrogen: float) -> None:
    """Proves: shares are counted in worth, not in kWh or kg. Sensitivity: without limits 0 or 1."""
    oven = FURNACE + "".join(f"      {part}\n" for part in limits.split(", "))
    results = solved(works(FUELS, oven=oven, carbon=f"{{price_per_t: {price}}}"))
    assert results.of("furnace.gas_for_firing") * 0.9 == pytest.approx([60 * gas])
    assert results.of("furnace.hydrogen_for_firing") * 30 == pytest.approx([60 * hydrogen])


def test_no_more_is_burnt_than_the_amount() -> None:
    """Proves: gas that is paid for taking is burnt to the amount and no further.

    Sensitivity: 66.7 kWh at −0.1, whatever the reward.
    """
    text = works(FUELS, oven=FURNACE).replace("price_per_kwh: 0.27", "price_per_kwh: -0.1")
    results = solved(text)
    assert results.of("furnace.gas_for_firing") == pytest.approx([60 / 0.9])
    assert results.cost == pytest.approx(-900 - 0.1 * 60 / 0.9)


def test_a_fuel_brings_its_own_byproduct() -> None:
    """Proves: each kWh of gas leaves 0.2 kg in the flue, hydrogen none: 0.5 × 60 / 0.9 × 0.2 kg.

    Sensitivity: the chimney counts it, and with hydrogen alone it is empty.
    """
    oven = f"{FURNACE}      byproducts: {{gas: {{flue_co2: 0.2}}}}\n      max_share: {{gas: 0.5}}\n"
    text = works(FUELS, oven=oven).replace(", co2_kg_per_kwh: 0.2", "")
    text += "  chimney: {type: dump, carrier: flue_co2, co2_kg_per_unit: 1}\n"
    results = solved(text)
    assert results.of("chimney.dumped") == pytest.approx([30 / 0.9 * 0.2])
    assert results.co2_kg == pytest.approx(30 / 0.9 * 0.2)
    assert solved(text.replace("max_share: {gas: 0.5}", "max_share: {gas: 0}")).co2_kg == 0


def test_a_plant_may_burn_its_own_gas() -> None:
    """Proves: an output may serve a choice: the oven burns 1.5 of its 2 kWh, as 0.2 is below 0.27.

    Amount 1.2 at a worth of 0.8. Sensitivity: a gas price of 0.1 sells all of it.
    """
    oven = (
        "gas: {type: supply, carrier: gas, price_per_kwh: 0.27}\n"
        f"{OVEN}  choices: {{firing: {{amount: 1.2, worth_per_unit: {{gas: 0.8, oven_gas: 0.8}}}}}}\n"
    )
    results = solved(works(oven=oven))
    assert results.of("oven.oven_gas_for_firing") == pytest.approx([150])
    assert results.of("neighbour.sale") == pytest.approx([50])
    cheap = solved(works(oven=oven.replace("0.27", "0.1")))
    assert cheap.of("neighbour.sale") == pytest.approx([200])


def test_fixed_and_chosen_inputs_of_one_carrier_add_up() -> None:
    """Proves: drives take 0.5 and the arc 0.4 kWh of one electricity. Sensitivity: 90 kWh in all."""
    oven = (
        f"{OVEN}  choices: {{melting: {{amount: 0.4, worth_per_unit: {{electricity: 1, gas: 1}}}}}}\n"
        "gas: {type: supply, carrier: gas, price_per_kwh: 9}\n"
    )
    results = solved(works(oven=oven))
    assert results.of("grid.import") == pytest.approx([90])


def test_bridging_a_bad_hour_costs_less_than_a_restart() -> None:
    """Proves: at a least load of half it loses 50 × 0.2 in the second hour, a restart costs 15.

    Sensitivity: at 8 a start it stops; the first start is paid as well.
    """
    text = works(
        f"price_per_kg: {day(3, 0.9, 3)}",
        oven=OVEN + "  commitment: {min_load_fraction: 0.5, start_cost: 15}\n",
        horizon="{start: 2025-03-03, hours: 3}",
    )
    results = solved(text)
    assert results.of("oven.activity") == pytest.approx([100, 50, 100])
    assert results.cost == pytest.approx(-380 + 10 + 15)
    stops = solved(text.replace("start_cost: 15", "start_cost: 8"))
    assert stops.of("oven.activity") == pytest.approx([100, 0, 100])
    assert stops.cost == pytest.approx(-380 + 16)


def test_standby_draws_beside_the_recipe() -> None:
    """Proves: kept warm on 0.05 kW per kg/h, 5 kWh for 3, it needs neither load nor restart.

    Sensitivity: at 0.2 the 12 cost more than bridging at half load, 10.
    """
    oven = (
        f"{OVEN}  commitment: {{min_load_fraction: 0.5, start_cost: 15, "
        "standby: {power_fraction: 0.05}}\n"
    )
    text = works(
        f"price_per_kg: {day(3, 0.9, 3)}", oven=oven, horizon="{start: 2025-03-03, hours: 3}"
    )
    results = solved(text)
    assert results.of("oven.activity") == pytest.approx([100, 0, 100])
    assert results.of("grid.import") == pytest.approx([50, 5, 50])
    assert results.cost == pytest.approx(-380 + 15 + 3)
    dear = solved(text.replace("power_fraction: 0.05", "power_fraction: 0.2"))
    assert dear.of("oven.activity") == pytest.approx([100, 50, 100])


def test_ramps_hold_between_steps() -> None:
    """Proves: from 100 kg/h it can fall by 0.3 × 100 an hour only, at a loss. Sensitivity: by 0.5."""
    text = works(
        f"price_per_kg: {day(3, 0.9, 3)}",
        oven=OVEN
        + "  commitment: {min_up_hours: 3, ramp_fraction_per_hour: 0.3, min_load_fraction: 0.1}\n",
        horizon="{start: 2025-03-03, hours: 3}",
    )
    results = solved(text)
    assert results.of("oven.activity") == pytest.approx([100, 70, 100])
    faster = solved(text.replace("per_hour: 0.3", "per_hour: 0.5"))
    assert faster.of("oven.activity") == pytest.approx([100, 50, 100])


def test_least_load_on_a_size_that_is_chosen() -> None:
    """Proves: the least load is a share of the size bought, on the amount per unit of activity.

    Power of 10 kWh a kg, bought for 1.8 a kg/h for an hour at 40 and one at 100 kg/h: 100 kg/h bought
    needs 40 % of load at least. Sensitivity: with 0.5 only 80 kg/h are bought.
    """
    sized = "{max_kw: 2000, capex_per_kw: 0.18, lifetime_years: 10}"
    text = works(
        f"price_per_kg: 5, limit_kg_per_hour: {day(40, 100)}",
        oven=OVEN.replace("size_on: coke", "size_on: coal").replace(
            "flow_kg_per_hour: 100",
            f"power_kw: {sized}\n  commitment: {{min_load_fraction: 0.4, min_up_hours: 2}}",
        ),
        horizon="{start: 2025-03-03, hours: 2}",
    )
    assert solved(text).size("oven") == pytest.approx(1000)
    assert solved(text.replace("fraction: 0.4", "fraction: 0.5")).size("oven") == pytest.approx(800)


def test_byproduct_without_an_outlet_is_told() -> None:
    """Proves: gas that nobody takes keeps the oven still, and the audit's note says why.

    Sensitivity: a flare lets it run; a contract for coke cannot be kept without one.
    """
    closed = works().replace("neighbour: {type: sale, carrier: oven_gas, price_per_kwh: 0.2}", "")
    results, audit = solve_text(closed)
    assert results.cost == pytest.approx(0)
    (note,) = audit.notes
    assert "nothing draws oven_gas, so oven cannot run" in note
    flared = closed + "  flare: {type: dump, carrier: oven_gas}\n"
    assert solved(flared).cost == pytest.approx(-100 * 1.5)
    contract = closed.replace("price_per_kg: 3", "price_per_kg: 3, min_kg_per_hour: 5")
    with pytest.raises(InfeasibleError, match=r"coke of park is short"):
        solve_text(contract)


def test_product_beyond_the_size_is_told() -> None:
    """Proves: a target above the size is short by the difference. Sensitivity: 120 against 100."""
    text = works("price_per_kg: 3, min_kg_per_hour: 120")
    with pytest.raises(InfeasibleError, match=r"coke of park is short in one step.*by 20 kg/h"):
        solve_text(text)


def test_audit_finds_what_was_changed_afterwards() -> None:
    """Proves: half a unit more in one step of any series is found at its asset.

    Sensitivity: the untouched plan passes.
    """
    problem = problem_of(
        works(
            f"price_per_kg: {day(90, 80)}, limit_kg_per_hour: 9, yearly_limit_kg: 70000",
            oven=f"{FURNACE}      max_share: {{gas: 0.6}}\n      byproducts: {{gas: {{flue_co2: 0.2}}}}\n"
            "  co2_kg_per_unit: 0.1\n"
            "works: {type: process_emissions, co2_kg_per_hour: 5, flue_carrier: flue_co2}\n"
            "chimney: {type: dump, carrier: flue_co2, co2_kg_per_unit: 1}\n"
            "store: {type: sale, carrier: co2, price_per_kg: -0.01}\n"
            "capture: {type: carbon_capture, flue_carrier: flue_co2, flow_kg_per_hour: 4, "
            "capture_fraction: 0.9, electricity_kwh_per_t: 300}",
            horizon="{start: 2025-03-03, steps_hours: [1, 0.5]}",
            carbon="{price_per_t: 300}",
        )
    )
    results, honest = study.run(problem, EXACT)
    honest.require()
    idle = [key for key in results.series if not results.series[key].any()]
    assert idle == ["park.coal.purchase", "park.neighbour.sale"]
    for column, key in enumerate(results.columns["key"]):
        assert results.series.columns[column] == key
        for row in range(2):
            values = results.series.to_numpy(copy=True)
            values[row, column] += 0.5
            series = results.series.copy()
            series[key] = values[:, column]
            found = audit(replace(results, series=series), problem)
            subjects = {check.subject for check in found.failures}
            assert key.rpartition(".")[0] in subjects, key


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("inputs: {coal: 9}, outputs: {coke: 1}", "oven.size_on: this key is required"),
        (
            "inputs: {coal: 9}, outputs: {coke: 1}, size_on: coke",
            "oven.size_on: needs one size: give either `power_kw` or `flow_kg_per_hour`.",
        ),
        (
            "inputs: {coal: 9}, outputs: {coke: 1}, size_on: coke, power_kw: 1, flow_kg_per_hour: 1",
            "needs one size: give either `power_kw` or `flow_kg_per_hour`.",
        ),
        (
            "inputs: {coal: 9}, outputs: {coke: 1}, size_on: coke, power_kw: 1",
            "size_on = 'coke': is counted in kg: give `flow_kg_per_hour` instead of `power_kw`.",
        ),
        (
            "inputs: {coal: 9}, outputs: {coke: 1}, size_on: coal, flow_kg_per_hour: 1",
            "size_on = 'coal': is counted in kWh: give `power_kw` instead of `flow_kg_per_hour`.",
        ),
        (
            "inputs: {coal: 9}, outputs: {coke: 1}, size_on: gas, power_kw: 1",
            "size_on: must be an input or output of the recipe: coal, coke.",
        ),
        (
            "inputs: {coal: 9}, outputs: {coke: 1, coal: 2}, size_on: coal, power_kw: 1",
            "outputs: has coal, which is an input as well: give the net amount on one side.",
        ),
        (
            "outputs: {coke: 1}, size_on: coke, flow_kg_per_hour: 1",
            "inputs: takes nothing: name what the outputs are made of, or a choice.",
        ),
        (
            "inputs: {coal: 9}, outputs: {}, size_on: coal, power_kw: 1",
            "outputs: makes nothing: name at least one product.",
        ),
        (
            "inputs: {coal: 0}, outputs: {coke: 1}, size_on: coke, flow_kg_per_hour: 1",
            "inputs.coal = 0: must be more than 0.",
        ),
        (
            "inputs: {cokes: 9}, outputs: {coke: 1}, size_on: coke, flow_kg_per_hour: 1",
            "inputs.cokes = 'cokes': is no carrier of the park (did you mean 'coke'?)",
        ),
        (
            "inputs: {coal: 9}, outputs: {coke: 1}, size_on: coke, commitment: {}, "
            "flow_kg_per_hour: {capex_per_kg_per_hour: 1, lifetime_years: 10}",
            "commitment: needs a bound: give max_kg_per_hour.",
        ),
    ],
)
def test_bad_recipe_is_told(keys: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        solve_text(park(f"oven: {{type: recipe, {keys}}}", carriers=CARRIERS))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        (
            "{Firing: {amount: 1, worth_per_unit: {gas: 1, coal: 1}}}",
            "is no name for a choice: use small letters, digits and `_` only.",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1}}}",
            "firing.worth_per_unit: leaves no choice: name two carriers, or write an input.",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1, coal: 1}, min_share: {hydrogen: 0.1}}}",
            "firing.min_share: names hydrogen, which is no carrier of the choice: gas, coal.",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1, coal: 1}, byproducts: {hydrogen: {co2: 1}}}}",
            "firing.byproducts: names hydrogen, which is no carrier of the choice: gas, coal.",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1, coal: 1}, min_share: {gas: 0.7, coal: 0.7}}}",
            "firing.min_share: adds up to more than 1: lower a share.",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1, coal: 1}, max_share: {gas: 0.4, coal: 0.4}}}",
            "firing.max_share: adds up to less than 1: together they cannot give the amount.",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1, coal: 1}, min_share: {gas: 0.5}, "
            "max_share: {gas: 0.4}}}",
            "firing.min_share: of gas is more than its `max_share`: correct one.",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1, wood: 1}}}",
            "firing.worth_per_unit.wood = 'wood': is no carrier of the park",
        ),
        (
            "{firing: {amount: 1, worth_per_unit: {gas: 1, coal: 1}, byproducts: {gas: {smoke: 1}}}}",
            "firing.byproducts.gas.smoke = 'smoke': is no carrier of the park",
        ),
    ],
)
def test_bad_choice_is_told(choices: str, told: str) -> None:
    text = park(
        "oven: {type: recipe, outputs: {coke: 1}, size_on: coke, flow_kg_per_hour: 1, "
        f"choices: {choices}}}",
        carriers=CARRIERS,
    )
    with pytest.raises(InputError) as caught:
        solve_text(text)
    assert told in str(caught.value)
