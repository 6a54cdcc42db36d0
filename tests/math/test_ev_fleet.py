"""Vehicles: stays on the clock, charging, giving back, and charging on arrival."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InputError
from tests.support import EXACT, bill, day, park, planned, problem_of, solved

PRICES = day(1, 5, 3, 2, 1, 4)
STAY = "weekday: {arrival: 1, departure: '5:00', energy_kwh: 6}"


def fleet(
    cars: str = STAY,
    prices: str = PRICES,
    *,
    more: str = "",
    back: str = "0",
    **sections: str,
) -> str:
    """Return a park of two vehicles of 20 kWh with 5 kW each at 80 %, and a grid."""
    return park(
        f"""
        fleet:
          type: ev_fleet
          groups:
            cars: {{vehicles: 2, battery_kwh: 20, charger_kw: 5, charge_efficiency: 0.8, {cars}}}
          {more}
        grid: {{type: grid, import_price_per_kwh: {prices}, export_price_per_kwh: {back}}}
        """,
        **({"horizon": "{start: 2025-03-03, hours: 6}"} | sections),
    )


# ------------------------------------------------------------------ charging


def test_vehicles_charge_in_the_cheapest_hours_of_their_stay() -> None:
    """Proves: 2 × 6 kWh at 80 % are 15 kWh: 10 at 1 and 5 at 2; batteries hold 28 and leave with 40.

    Sensitivity: with one charger for both, 5 kW: 5 each at 1, 2 and 3; leaving at 4:00, 10 at 2.
    """
    results = solved(fleet())
    assert results.of("fleet.cars_charge") == pytest.approx([0, 0, 0, 5, 10, 0])
    assert results.of("fleet.cars_state_of_charge") == pytest.approx([0, 28, 28, 32, 0, 0])
    assert results.cost == pytest.approx(20)
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["fleet", "charged"] == pytest.approx(15)
    assert results.total("demand") == pytest.approx(15)
    one = solved(fleet(STAY + ", chargers: 1"))
    assert one.of("fleet.cars_charge") == pytest.approx([0, 0, 5, 5, 5, 0])
    assert solved(fleet(STAY.replace("5:00", "4:00"))).cost == pytest.approx(20 + 15)


def test_need_may_be_given_as_states_of_charge() -> None:
    """Proves: from 60 % to 90 % of 20 kWh are 6 kWh. Sensitivity: from 50 % it is 2 kWh more."""
    text = fleet(
        "weekday: {arrival: 1, departure: 5, arrival_fraction: 0.6, departure_fraction: 0.9}"
    )
    results = solved(text)
    assert results.cost == pytest.approx(20)
    assert results.of("fleet.cars_state_of_charge")[1] == pytest.approx(24)
    assert solved(text.replace("0.6", "50 %")).cost == pytest.approx(10 + 20)


def test_a_vehicle_may_stand_empty() -> None:
    """Proves: from 0 to 10 kWh by 5:00, 8 kWh in the hour at 1 and 2 kWh at 2; before that nothing.

    Sensitivity: a content of 1 kWh from the arrival on would be bought at 5.
    """
    text = fleet(
        "weekday: {arrival: 1, departure: 5, arrival_fraction: 0, departure_fraction: 0.25}"
    )
    results = solved(text)
    assert results.of("fleet.cars_charge") == pytest.approx([0, 0, 0, 2.5, 10, 0])
    assert results.of("fleet.cars_state_of_charge")[:4] == pytest.approx([0, 0, 0, 2])
    assert results.cost == pytest.approx(10 + 5)


def test_parts_of_steps_count_by_their_length() -> None:
    """Proves: plugged 1:30-4:15 on hourly steps: 2.5 kWh in the last quarter at 1, 10 at 2, 2.5 at 3.

    Sensitivity: arriving and leaving on the hour is another plan.
    """
    results = solved(fleet(STAY.replace("arrival: 1", "arrival: '1:30'").replace("5:00", "4:15")))
    assert results.of("fleet.cars_charge") == pytest.approx([0, 0, 2.5, 10, 2.5, 0])
    assert results.cost == pytest.approx(7.5 + 20 + 2.5)


def test_unequal_steps() -> None:
    """Proves: on steps of 0.5, 1, 2, 1.5 and 1 h the last 1.5 h of the stay hold all 15 kWh: 10 kW.

    Their price is the mean of 2, 1 and 1 in half hours. Sensitivity: at 7 kW 4.5 kWh more are needed:
    3.5 in the half hour before 1:30 (the step costs 3), 1 in the two hours at 3.25.
    """
    horizon = "{start: 2025-03-03, steps_hours: [0.5, 1, 2, 1.5, 1]}"
    results = solved(fleet(horizon=horizon))
    assert results.of("fleet.cars_charge") == pytest.approx([0, 0, 0, 10, 0])
    assert results.cost == pytest.approx(20)
    slow = solved(fleet(horizon=horizon).replace("charger_kw: 5", "charger_kw: 3.5"))
    assert slow.of("fleet.cars_charge") == pytest.approx([0, 3.5, 0.5, 7, 0])


def test_half_hours_and_hours_agree() -> None:
    """Proves: the same plan and cost on steps of any length."""
    text = fleet(STAY.replace("arrival: 1", "arrival: '1:30'"))
    fine = solved(text.replace("hours: 6", "hours: 6, step_minutes: 30"))
    assert fine.cost == pytest.approx(solved(text).cost)


@pytest.mark.parametrize(
    ("start", "hours", "charged"),
    [
        ("2025-03-03T02:00", 2, 7.5),
        ("2025-03-03T00:00", 2, 3.75),
        ("2025-03-03T04:00", 2, 3.75),
        ("2025-03-08T00:00", 6, 0),
    ],
)
def test_a_cut_stay_has_its_share_by_length(start: str, hours: int, charged: float) -> None:
    """Proves: of 4 h and 15 kWh, a horizon with 2, 1 and 1 h has its share; Saturday has none."""
    text = fleet(horizon=f"{{start: {start}, hours: {hours}}}")
    assert solved(text).total("demand") == pytest.approx(charged)


def test_stays_run_past_midnight_and_may_differ_on_weekends() -> None:
    """Proves: Friday 22:00 to 2:00 takes 15 kWh, Saturday 8:00-10:00 takes 5; Sunday is a holiday.

    On steps of 2 h, Friday 20:00 to Saturday 12:00. Sensitivity: with Friday as a holiday like a
    weekend, only Saturday's stay is left.
    """
    cars = (
        "weekday: {arrival: '22:00', departure: '2:00', energy_kwh: 6}, "
        "weekend: {arrival: 8, departure: 10, energy_kwh: 2}, holidays_as_weekend: true"
    )
    horizon = "{start: 2025-03-07T20:00, hours: 16, step_minutes: 120, holidays: [2025-03-09]}"
    text = fleet(cars, "1", horizon=horizon)
    energy = 2 * solved(text).of("fleet.cars_charge")
    assert energy[1] + energy[2] == pytest.approx(15)
    assert energy[6] == pytest.approx(5)
    usual = solved(text.replace("[2025-03-09]", "[2025-03-07]"))
    assert usual.total("demand") == pytest.approx(5)


def test_clock_changes_shorten_a_stay() -> None:
    """Proves: 1:00-5:00 on 30 March 2025 in Berlin is 3 h: 15 kWh at 5 kW fit, 16 do not.

    Sensitivity: on the day before there are 4 h.
    """
    cars = "chargers: 1, weekend: {arrival: 1, departure: 5, energy_kwh: 6}"
    zone = {"site": "{timezone: Europe/Berlin}", "horizon": "{start: 2025-03-30, hours: 6}"}
    assert solved(fleet(cars, **zone)).of("fleet.cars_charge") == pytest.approx([0, 5, 5, 5, 0, 0])
    more = cars.replace("energy_kwh: 6", "energy_kwh: 6.4")
    with pytest.raises(InputError, match=r"groups.cars: needs 16 kWh .* can give 15 kWh"):
        solved(fleet(more, **zone))
    zone["horizon"] = zone["horizon"].replace("03-30", "03-29")
    assert solved(fleet(more, **zone)).total("demand") == pytest.approx(16)


def test_what_lacks_on_departure_is_priced() -> None:
    """Proves: a kWh in the battery costs 1/0.8 or 2/0.8: at 2, only the hour at 1 is used.

    10 × 0.8 = 8 of 12 kWh are charged, 4 lack at 2 each. Sensitivity: at 3 nothing lacks.
    """
    text = fleet(STAY + ", unserved_price_per_kwh: 2")
    results = solved(text)
    assert results.of("fleet.cars_missing") == pytest.approx([0, 0, 0, 0, 4, 0])
    assert bill(results, "fleet", "unserved") == pytest.approx(8)
    assert results.cost == pytest.approx(18)
    assert solved(text.replace("kwh: 2}", "kwh: 3}")).cost == pytest.approx(20)


def test_limit_of_the_whole_fleet() -> None:
    """Proves: 15 and 5 kWh of two groups at 9 kW: 9 at 1, 9 at 2, 2 at 3. Sensitivity: at 12 kW 12 + 8."""
    vans = (
        "\n            vans: {vehicles: 1, battery_kwh: 20, charger_kw: 5, charge_efficiency: 0.8, "
    )
    vans += STAY.replace("energy_kwh: 6", "energy_kwh: 4") + "}"
    text = fleet(STAY + "}" + vans[:-1], more="power_limit_kw: 9")
    results = solved(text)
    both = results.of("fleet.cars_charge") + results.of("fleet.vans_charge")
    assert both == pytest.approx([0, 0, 2, 9, 9, 0])
    assert solved(text.replace("limit_kw: 9", "limit_kw: 12")).cost == pytest.approx(12 + 16)


# ------------------------------------------------------------------ giving back

V2G = ", vehicle_to_grid: {discharge_efficiency: 0.9, min_fraction: 0.5, cost_per_kwh: 0.1}"


def test_plugged_vehicles_give_energy_back() -> None:
    """Proves: 28 kWh come, 20 must stay: 8 × 0.9 = 7.2 kWh are sold at 5, 25 kWh charged again.

    20 kWh at 80 % fill up: 9 kW at most for the fleet: 9 at 1, 9 at 2, 7 at 3 and 0.72 of wear.
    Sensitivity: at 20 per kWh of wear nothing is given.
    """
    text = fleet(STAY + V2G, more="power_limit_kw: 9", back=PRICES)
    results = solved(text)
    assert results.of("fleet.cars_discharge") == pytest.approx([0, 7.2, 0, 0, 0, 0])
    assert results.of("fleet.cars_state_of_charge") == pytest.approx([0, 20, 25.6, 32.8, 0, 0])
    assert bill(results, "fleet", "variable_om") == pytest.approx(0.72)
    assert results.cost == pytest.approx(9 + 18 + 21 - 36 + 0.72)
    figures = results.details.set_index(["asset", "name"])["value"]
    assert figures["fleet", "discharged"] == pytest.approx(7.2)
    dear = solved(text.replace("cost_per_kwh: 0.1", "cost_per_kwh: 20"))
    assert dear.of("fleet.cars_discharge").sum() == pytest.approx(0)


def test_power_given_may_be_less_than_the_charger() -> None:
    """Proves: 1.5 kW per vehicle give 3 kWh at 5. Sensitivity: see above, 7.2."""
    text = fleet(STAY + V2G.replace("min", "power_kw: 1.5, min"), back=PRICES)
    assert solved(text).of("fleet.cars_discharge")[1] == pytest.approx(3)


def test_one_charger_goes_one_way_at_a_time() -> None:
    """Proves: at a price of −1 charge and discharge share 10 kW; no more can be burned.

    c + d = 10 and 0.8 c − d / 0.9 = 12 in sum over 4 h. Sensitivity: without V2G only 15 kWh are taken.
    """
    text = fleet(STAY + V2G, "-1", back="-1")
    results = solved(text)
    charge, discharge = results.of("fleet.cars_charge"), results.of("fleet.cars_discharge")
    assert (charge + discharge).max() == pytest.approx(10)
    c = (12 + 40 / 0.9) / (0.8 + 1 / 0.9)
    assert charge.sum() == pytest.approx(c)
    assert solved(fleet(STAY, "-1", back="-1")).total("demand") == pytest.approx(15)


# ------------------------------------------------------------------ on arrival


def test_charging_on_arrival() -> None:
    """Proves: 15 kWh at 10 kW from 1:30 on: half of 10 in the first step, then 10. Sensitivity: managed."""
    cars = STAY.replace("arrival: 1", "arrival: '1:30'")
    text = fleet(cars, more="charging: on_arrival")
    results = solved(text)
    assert results.of("fleet.cars_charge") == pytest.approx([0, 5, 10, 0, 0, 0])
    assert results.of("fleet.cars_state_of_charge") == pytest.approx([0, 32, 40, 40, 0, 0])
    assert results.cost == pytest.approx(25 + 30)
    assert solved(fleet(cars)).cost == pytest.approx(20)


def test_charging_on_arrival_may_be_too_slow() -> None:
    """Proves: in one hour 10 kWh of 15 are charged, 4 kWh lack. Sensitivity: in 2 h none."""
    cars = STAY.replace("5:00", "2:00") + ", unserved_price_per_kwh: 3"
    results = solved(fleet(cars, more="charging: on_arrival"))
    assert results.of("fleet.cars_missing") == pytest.approx([0, 4, 0, 0, 0, 0])
    assert results.cost == pytest.approx(50 + 12)
    longer = solved(fleet(cars.replace("2:00", "3:00"), more="charging: on_arrival"))
    assert bill(longer, "fleet", "unserved") == 0.0


def test_reference_plan_charges_on_arrival() -> None:
    """Proves: as usual 10 kWh at 5 and 5 at 3 are paid, without V2G or limit; the plan saves 44.

    Sensitivity: with `in_reference: true` it is the same fleet.
    """
    text = fleet(STAY + V2G, more="power_limit_kw: 9")
    plan = planned(text)
    assert plan.reference is not None
    assert plan.reference.of("fleet.cars_charge") == pytest.approx([0, 10, 5, 0, 0, 0])
    assert plan.reference.cost - plan.results.cost == pytest.approx(65 - (9 + 12))
    same = planned(text.replace("type: ev_fleet", "type: ev_fleet\n    in_reference: true"))
    assert same.reference is not None
    assert same.reference.cost == pytest.approx(same.results.cost)


# ------------------------------------------------------------------ audit and messages


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("cars_charge", [0, 0, 0, 5, 9, 0], "cars content follows the stays"),
        ("cars_charge", [0, 0, 0, 4, 11, 0], "cars charges only while plugged"),
        ("cars_charge", [5, 0, 0, 0, 10, 0], "cars charges only while plugged"),
        ("cars_charge", [0, 10, 10, -5, 0, 0], "cars within its batteries"),
        ("cars_missing", [0, 0, 0, 1, 0, 0], "cars missing on departure only"),
        ("cars_state_of_charge", [0, 28, 28, 31, 0, 0], "cars content follows the stays"),
    ],
)
def test_audit_finds_wrong_charging(column: str, values: list[float], message: str) -> None:
    """Proves: stays are replayed from the clock alone. Sensitivity: per case."""
    problem = problem_of(fleet(STAY + ", unserved_price_per_kwh: 9"))
    results, honest = study.run(problem, EXACT)
    assert honest.passed
    series = results.series.copy()
    series[f"park.fleet.{column}"] = np.array(values, dtype=float)
    found = audit(replace(results, series=series), problem)
    assert message in {check.what for check in found.failures}


def test_audit_finds_late_charging_on_arrival() -> None:
    """Proves: charging later than at once is found, though batteries are full in time."""
    problem = problem_of(fleet(more="charging: on_arrival"))
    results, _ = study.run(problem, EXACT)
    series = results.series.copy()
    series["park.fleet.cars_charge"] = np.array([0, 0, 10, 5, 0, 0], dtype=float)
    found = audit(replace(results, series=series), problem)
    assert "cars charges on arrival" in {check.what for check in found.failures}


@pytest.mark.parametrize(
    ("cars", "more", "message"),
    [
        ("vehicle_to_grid: {discharge_efficiency: 1}", "", "is never plugged in"),
        ("weekday: {arrival: 1, departure: 5}", "", "either `energy_kwh` or `arrival_fraction`"),
        (STAY.replace("1,", "'25:00',"), "", "must be a time of day from 0:00 to 23:59"),
        (STAY.replace("1,", "noon,"), "", "must be a time of day"),
        (
            STAY.replace("energy_kwh: 6", "energy_kwh: 26"),
            "",
            r"arrives with -6 kWh in a battery of 20",
        ),
        (
            STAY.replace("energy_kwh: 6", "arrival_fraction: 0.9, departure_fraction: 0.8"),
            "",
            "would bring energy that nobody paid for",
        ),
        (
            STAY.replace("energy_kwh: 6", "energy_kwh: 11") + V2G,
            "",
            "may not hold less than 10 kWh",
        ),
        (STAY + V2G.replace("min", "power_kw: 6, min"), "", "is more than `charger_kw` 5"),
        (STAY.replace("energy_kwh: 6", "energy_kwh: 19"), "", "needs 47.5 kWh .* can give 40 kWh"),
        (
            STAY.replace("1,", "'4:00',").replace("5:00", "3:30").replace("6}", "1}")
            + ", weekend: {arrival: 2, departure: 3, energy_kwh: 1}",
            "",
            "comes at 2025-03-08 02:00 before it has left, having come at 2025-03-07 04:00",
        ),
        (STAY, "charging: on_arrival\n          power_limit_kw: 5", "means nothing with `charging"),
        (STAY + V2G, "charging: on_arrival", "vehicle_to_grid: means nothing with"),
        ("vehicles: 0", "", "must be >= 1"),
    ],
)
def test_what_does_not_fit_is_refused(cars: str, more: str, message: str) -> None:
    """Proves: every contradiction has a message that says what to do. Sensitivity: per case."""
    text = fleet(cars, more=more, horizon="{start: 2025-03-03, hours: 144}")
    if cars.startswith("vehicles"):
        text = text.replace("vehicles: 2, ", "").replace("vehicles: 0", f"vehicles: 0, {STAY}")
    with pytest.raises(InputError, match=message):
        solved(text)
