"""A published pumped-hydro plant: 1.5 GW, 1.79 TWh a year, 611.4 kt of standard coal, 1.6 Mt of CO2.

Origin: figures announced for the first 1.5 GW pumped-hydro plant in Qiannan, Guizhou: it "absorbs"
1.79 TWh of green power a year, replaces 611.4 kt of standard coal and avoids 1.6 Mt of CO2.

Arithmetic. Standard coal (tce) is 29.307 GJ, 8140.8 kWh, per tonne (GB/T 2589-2020).
    1.79 TWh / 1.5 GW          = 1193.3 h of full load
    611.4 kt / 1.79 TWh        = 341.6 g of coal per kWh: what a power plant of 36.0 % burns, not the
                                 122.8 g that a kWh is worth as heat
    1.6 Mt / 611.4 kt          = 2.617 t of CO2 per tce, so 0.894 kg of CO2 per kWh

The announcement leaves open whether the 1.79 TWh are taken by the pumps or given by the turbines. The
plan below has both readings: a surplus that nobody else takes is pumped until pump, or surplus, is
used up; in the evening the turbines stand in for a coal plant. Only if 1.79 TWh are *given* does coal
of 611.4 kt stay unburnt at 341.6 g/kWh; if they are *taken*, it is less by the losses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import solved

if TYPE_CHECKING:
    from microgrid_opt.results import Results

POWER_KW = 1.5e6
TRADED_KWH = 1.79e9
COAL_T = 611.4e3
CO2_T = 1.6e6
KWH_PER_TCE = 29.307e6 / 3600
ONE_WAY = 0.87
"""Efficiency each way; 0.757 for the round trip, as such plants reach 0.75 to 0.80."""
PARK = """
schema: 1
name: Pumped hydro of 1.5 GW
currency: CNY
site: {{timezone: Etc/GMT-8}}
horizon: {{start: 2025-03-03, hours: 24, weight: 365}}
finance: {{discount_rate: 0, project_years: 40, annuity: straight_line}}
assets:
  surplus: {{type: pv, power_kw: 1.8e6, output_per_kw: {{hourly: [{surplus}]}}}}
  evening: {{type: load, power_kw: {{hourly: [{load}]}}}}
  coal: {{type: supply, carrier: coal, price_per_kwh: 0.1, co2_kg_per_kwh: {co2}}}
  coal_plant: {{type: recipe, inputs: {{coal: {heat_rate}}}, outputs: {{electricity: 1}},
    size_on: electricity, power_kw: 2.0e6}}
  hydro: {{type: pumped_hydro, power_kw: {power}, reservoir_hours: 6,
    charge_efficiency: {one_way}, discharge_efficiency: {one_way}}}
"""


def a_year(pumped_kwh: float, power_kw: float = POWER_KW) -> Results:
    """Return the plan of a typical day, 365 times, whose surplus allows `pumped_kwh` a year.

    For whole hours the surplus exceeds the pump, for one more hour it does not.
    """
    whole, part = divmod(pumped_kwh / 365, POWER_KW)
    surplus = [0.0] * 9 + [1.0] * int(whole) + [part / 1.8e6]
    text = PARK.format(
        surplus=", ".join(repr(value) for value in [*surplus, *[0.0] * (24 - len(surplus))]),
        load=", ".join(repr(value) for value in [0.0] * 18 + [1.4e6] * 6),
        co2=CO2_T * 1000 / (COAL_T * KWH_PER_TCE),
        heat_rate=COAL_T * KWH_PER_TCE / TRADED_KWH,
        power=power_kw,
        one_way=ONE_WAY,
    )
    return solved(text)


def burnt_t(results: Results) -> float:
    return results.total("import", "coal") / KWH_PER_TCE


def full_load_hours(results: Results, word: str) -> float:
    rows = results.details.set_index(["asset", "name"])["value"]
    return float(rows["hydro", f"{word}_full_load_hours"])


@pytest.mark.parametrize(
    ("figure", "told", "rounding"),
    [
        (TRADED_KWH / POWER_KW, 1193.3, 0.05),
        (COAL_T * 1e6 / TRADED_KWH, 341.6, 0.05),
        (CO2_T / COAL_T, 2.617, 0.0005),
        (CO2_T * 1000 / TRADED_KWH, 0.894, 0.0005),
        (1e6 / KWH_PER_TCE, 122.8, 0.05),
        (TRADED_KWH / (COAL_T * KWH_PER_TCE), 0.360, 0.0005),
    ],
)
def test_figures_of_the_announcement_fit_together(
    figure: float, told: float, rounding: float
) -> None:
    """Proves: 1193 h, 341.6 g/kWh, 2.617 t/tce, 0.894 kg/kWh, an efficiency of 36.0 %.

    Sensitivity: by its heat a kWh is 122.8 g, a third of what the announcement takes.
    """
    assert figure == pytest.approx(told, abs=rounding)


def test_read_as_given_by_the_turbines() -> None:
    """Proves: the engine gives 1193 h of generation, 611.4 kt of coal and 1.6 Mt of CO2 saved.

    The pumps then run for 1577 h and take 2.36 TWh. Sensitivity: one kWh less pumped, less saved.
    """
    pumped = TRADED_KWH / ONE_WAY**2
    plan, without = a_year(pumped), a_year(pumped, power_kw=0.0)
    assert full_load_hours(plan, "generating") == pytest.approx(1193.3, abs=0.05)
    assert full_load_hours(plan, "pumping") == pytest.approx(1193.3 / ONE_WAY**2, abs=0.1)
    assert burnt_t(without) - burnt_t(plan) == pytest.approx(COAL_T)
    assert (without.co2_kg - plan.co2_kg) / 1000 == pytest.approx(CO2_T)


def test_read_as_taken_by_the_pumps() -> None:
    """Proves: with 1193 h of pumping 1.35 TWh come back: 462.8 kt and 1.21 Mt saved, not 611.4 and 1.6.

    To save 611.4 kt all the same, the coal plant would have to burn 451 g/kWh (27 %).
    Sensitivity: the round trip of 0.757.
    """
    plan, without = a_year(TRADED_KWH), a_year(TRADED_KWH, power_kw=0.0)
    assert full_load_hours(plan, "pumping") == pytest.approx(1193.3, abs=0.05)
    saved = burnt_t(without) - burnt_t(plan)
    assert saved == pytest.approx(COAL_T * ONE_WAY**2)
    assert saved == pytest.approx(462.8e3, rel=1e-3)
    assert (without.co2_kg - plan.co2_kg) / 1000 == pytest.approx(1.211e6, rel=1e-3)
    given = full_load_hours(plan, "generating") * POWER_KW
    assert COAL_T * 1e6 / given == pytest.approx(451.3, abs=0.1)


def test_full_load_hours_follow_from_the_surplus() -> None:
    """Proves: the pump's power cuts the surplus of 1.8 GW: the cut is what is curtailed.

    Three hours of 0.3 GW, 365 times. Sensitivity: without the plant all surplus is curtailed.
    """
    plan = a_year(TRADED_KWH)
    rows = plan.details.set_index(["asset", "name"])["value"]
    assert rows["surplus", "curtailed"] == pytest.approx(3 * 0.3e6 * 365, rel=1e-6)
    assert plan.of("hydro.charge")[9:12] == pytest.approx([POWER_KW] * 3)
