"""Parks at the edge: one step, a leap year, prices of zero and below, nothing to do."""

from __future__ import annotations

import pytest

from tests.support import day, park, problem_of, solve_text, solved

BATTERY = "battery: {type: battery, energy_kwh: 8, power_kw: 4, charge_efficiency: 0.9, discharge_efficiency: 0.9"


def test_one_step() -> None:
    """Proves: with one step the store's previous state is its own: it can neither gain nor give.

    Sensitivity: a given start of 4 kWh with a free end gives 3.6 kWh.
    """
    text = f"load: {{type: load, power_kw: 10}}\ngrid: {{type: grid, import_price_per_kwh: 1}}\n{BATTERY}"
    results = solved(park(text + "}", hours=1))
    assert results.cost == pytest.approx(10)
    assert len(results.series) == 1
    given = solved(park(text + ", initial_fraction: 0.5, final: free}", hours=1))
    assert given.cost == pytest.approx(6.4)


def test_one_step_loses_what_it_holds() -> None:
    """Proves: e = (1 − σ) e + 0.9 c has content 0 as the only cheap answer; a least filling is paid.

    0.25 of 8 kWh loses 10 %: 0.2 kWh, 0.2/0.9 in. Sensitivity: without loss nothing.
    """
    text = f"load: {{type: load, power_kw: 10}}\ngrid: {{type: grid, import_price_per_kwh: 1}}\n{BATTERY}"
    lossy = text + ", self_discharge_per_hour: 0.1, min_fraction: 0.25}"
    assert solved(park(lossy, hours=1)).cost == pytest.approx(10 + 0.2 / 0.9)


def test_prices_of_zero() -> None:
    """Proves: a plan of cost 0 is audited like any other; CO2 is still counted."""
    results = solved(
        park(
            """
            load: {type: load, power_kw: 10}
            grid: {type: grid, import_price_per_kwh: 0, co2_kg_per_kwh: 0.5}
            """
        )
    )
    assert results.cost == 0.0
    assert results.co2_kg == pytest.approx(10)
    assert results.run.gap == 0.0


def test_negative_price_with_exclusive_battery() -> None:
    """Proves: at −1 in both hours an exclusive battery cannot burn: it fills in one hour and gives in
    the other, or stands still: per cycle 4 kW in earn 4 and 3.24 out cost 3.24.

    20 + 4 − 3.24 earned. Sensitivity: without `exclusive` both hours burn 4 − 3.24, and it is noted.
    """
    text = park(
        f"load: {{type: load, power_kw: 10}}\ngrid: {{type: grid, import_price_per_kwh: -1}}\n"
        f"{BATTERY}, exclusive: true}}"
    )
    results, audit = solve_text(text)
    audit.require()
    assert results.cost == pytest.approx(-20.76)
    assert not (results.of("battery.charge") * results.of("battery.discharge")).any()
    assert audit.notes == ()
    burning, audit = solve_text(text.replace(", exclusive: true", ""))
    audit.require()
    assert burning.cost == pytest.approx(-20 - 2 * 0.76)
    assert audit.notes == (
        "park.battery charges and discharges at once in 2 steps (6.48 kW·h), first at "
        "2025-03-03 00:00:00+08:00.",
    )


def test_park_without_demand() -> None:
    """Proves: nothing to serve costs nothing, and a grid that buys is used for profit only.

    Sensitivity: PV of 10 kW at 0.5 for 2 h earns 10.
    """
    text = """
        grid: {type: grid, import_price_per_kwh: 1, export_price_per_kwh: 0.5}
        pv: {type: pv, power_kw: %s, output_per_kw: 1}
    """
    assert solved(park(text % 0)).cost == 0.0
    assert solved(park(text % 10)).cost == pytest.approx(-10)


def test_leap_year_of_hours() -> None:
    """Proves: 8784 hours of 2024: 12 monthly peaks, 29 days of February, one year of fixed cost.

    A load of 1 kW by day costs 366 × 12 × 0.5, 12 peaks cost 24; of 366 × 2.4 kWh of heat 366 come
    at 0.1, the rest at 0.5. Sensitivity: in 2025 there are 365 days.
    """
    shape = day(*[0] * 6, *[1] * 12)
    text = f"""
        load: {{type: load, power_kw: {shape}}}
        grid: {{type: grid, import_price_per_kwh: 0.5, peak_price_per_kw_month: 2}}
        heat: {{type: heat_demand, power_kw: 0.1}}
        cheap: {{type: supply, carrier: heat, price_per_kwh: 0.1, yearly_limit_kwh: 366}}
        dear: {{type: supply, carrier: heat, price_per_kwh: 0.5}}
    """
    for year, days in ((2024, 366), (2025, 365)):
        results, audit = solve_text(park(text, horizon=f"{{year: {year}}}"))
        audit.require()
        assert len(results.horizon) == days * 24
        assert results.horizon.year_share == 1.0
        assert results.cost == pytest.approx(days * (6 + 1.2) - 366 * 0.4 + 24)
        assert results.monthly.index.to_list() == [f"{year}-{month:02d}" for month in range(1, 13)]


def test_clocks_that_change_keep_every_hour() -> None:
    """Proves: the day on which clocks go forward has 23 hours, and the tariff follows the clock.

    0.2 before 3:00 local time, 1 after: 2 × 0.2 + 21 × 1. Sensitivity: back again, 25 hours:
    4 × 0.2 + 21 × 1.
    """
    text = f"""
        load: {{type: load, power_kw: 1}}
        grid: {{type: grid, import_price_per_kwh: {{hourly: {[0.2] * 3 + [1] * 21}}}}}
    """
    for when, hours, cost in (("03-30", 23, 21.4), ("10-26", 25, 21.8)):
        results = solved(
            park(
                text,
                site="{timezone: Europe/Berlin}",
                horizon=f"{{start: 2025-{when}, end: 2025-{when[:3]}{int(when[3:]) + 1}}}",
            )
        )
        assert len(results.horizon) == hours
        assert results.cost == pytest.approx(cost)


def test_numbers_far_apart() -> None:
    """Proves: 1 GW and 1 W, 1e-6 and 1e4 a kWh in one park; to 1e-7, the digits that 1e6 kW leave."""
    results = solved(
        park(
            """
            big: {type: load, power_kw: 1 GW}
            small: {type: load, power_kw: 1 W}
            grid: {type: grid, import_price_per_kwh: 0.000001, import_limit_kw: 1 GW}
            dear: {type: supply, carrier: electricity, price_per_kwh: 10000}
            """,
            hours=1,
        )
    )
    assert results.cost == pytest.approx(1 + 10, rel=1e-7)


@pytest.mark.parametrize(
    ("converter", "told"),
    [
        (
            "cell: {type: fuel_cell, power_kw: 5, electric_efficiency: 0.5, heat_recovery_fraction: 0.3}",
            "park.heat: nothing draws heat, so cell cannot run: add a demand or a `dump` of it.",
        ),
        (
            "boiler: {type: gas_boiler, power_kw: 5, efficiency: 0.9}\n"
            "heat: {type: heat_demand, power_kw: 0}\n"
            "vent: {type: dump, carrier: heat, cost_per_unit: -1}",
            "park.gas: nothing supplies gas, so boiler cannot run: add a source or a `supply` of it.",
        ),
    ],
)
def test_what_cannot_run_is_told(converter: str, told: str) -> None:
    """Proves: a converter that a one-sided balance holds at zero is noted, not silently idle."""
    text = (
        "load: {type: load, power_kw: 10}\ngrid: {type: grid, import_price_per_kwh: 9}\n"
        "truck: {type: supply, carrier: hydrogen, price_per_kg: 1}\n"
    )
    results, audit = solve_text(park(text + converter))
    audit.require()
    assert results.cost == pytest.approx(180)
    assert audit.notes == (told,)


def test_a_member_with_nothing_but_a_name() -> None:
    """Proves: a member without assets has no balance and no account."""
    results = solved(
        park(
            """
            load: {type: load, member: north, power_kw: 1}
            grid: {type: grid, member: north, import_price_per_kwh: 1}
            """,
            members="{north: {}, south: {label: South works}}",
        )
    )
    assert set(results.ledger["member"]) == {"north"}
    assert results.labels["south"] == "South works"


def test_months_and_days_of_a_winter_night() -> None:
    """Proves: a horizon across New Year has two billing months, in order."""
    problem = problem_of(
        park(
            """
            load: {type: load, power_kw: 1}
            grid: {type: grid, import_price_per_kwh: 1, peak_price_per_kw_month: 1}
            """,
            horizon="{start: 2025-12-31T22:00, hours: 4}",
        )
    )
    assert problem.horizon.month_labels == ("2025-12", "2026-01")
