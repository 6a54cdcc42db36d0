"""The battery, and with it every convention of the reservoir: start, end, losses, power, both ways."""

from __future__ import annotations

import pytest

from microgrid_opt import study
from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solve_text, solved

LOAD = "load: {type: load, power_kw: 10}"


def storage(prices: str, battery: str, *, hours: float = 2, load: str = LOAD) -> str:
    """Return a park of load, grid and one battery with 0.8 in, 0.9 out."""
    efficiencies = (
        ""
        if "charge_efficiency" in battery
        else "charge_efficiency: 0.8, discharge_efficiency: 0.9, "
    )
    return park(
        f"""
        {load}
        grid: {{type: grid, import_price_per_kwh: {prices}}}
        battery: {{type: battery, {efficiencies}{battery}}}
        """,
        hours=hours,
    )


LOSSLESS = "charge_efficiency: 1, discharge_efficiency: 1, "


def test_arbitrage_with_losses_on_both_sides() -> None:
    """Proves: 8 kW in at 1, content 6.4, 5.76 out at 3: (10 + 8) × 1 + (10 − 5.76) × 3 = 30.72.

    Sensitivity: one kW more of power moves 0.72 kWh out: 1 − 3 × 0.72.
    """
    text = storage(day(1, 3), "energy_kwh: 8, power_kw: 8")
    results = solved(text)
    assert results.of("battery.charge") == pytest.approx([8, 0])
    assert results.of("battery.discharge") == pytest.approx([0, 5.76])
    assert results.of("battery.state_of_charge") == pytest.approx([6.4, 0])
    assert results.cost == pytest.approx(30.72)
    figures = results.details.set_index("name")["value"]
    assert figures["full_cycles"] == pytest.approx(0.8)
    assert figures["lost"] == pytest.approx(8 - 5.76)
    more = solved(text.replace("power_kw: 8", "power_kw: 9"))
    assert results.cost - more.cost == pytest.approx(1.16)


def test_capacity_is_content_inside_the_store() -> None:
    """Proves: 4 kWh of content take 5 kWh in and give 3.6 out: (10 + 5) + (10 − 3.6) × 3 = 34.2."""
    assert solved(storage(day(1, 3), "energy_kwh: 4, power_kw: 8")).cost == pytest.approx(34.2)


def test_free_start_is_cyclic() -> None:
    """Proves: the state before the first step is that after the last: dear hour first costs the same.

    Sensitivity: a start at zero would leave 40 − 0, a gift of content less than 30.72.
    """
    results = solved(storage(day(3, 1), "energy_kwh: 8, power_kw: 8"))
    assert results.of("battery.state_of_charge") == pytest.approx([0, 6.4])
    assert results.cost == pytest.approx(30.72)


@pytest.mark.parametrize(
    ("final", "prices", "cost"),
    [
        # 3.6 out of the 4 kWh at the start, 5 in to bring them back: 6.4 × 3 + 15 × 1.
        ("cyclic", (3, 1), 34.2),
        # The same start with a free end: nothing need come back.
        ("free", (3, 1), 6.4 * 3 + 10),
        # At a negative price in hour 2 all 8 kW are charged, more than what must come back.
        ("at_least_initial", (3, -1), 6.4 * 3 - 18),
        # At a positive price exactly what must come back.
        ("at_least_initial", (3, 1), 34.2),
    ],
)
def test_given_start_and_its_end(final: str, prices: tuple[float, float], cost: float) -> None:
    """Proves: content before the first step is 0.5 × 8 kWh, and what each end means.

    Sensitivity: the ends differ in hour 2 only.
    """
    battery = f"energy_kwh: 8, power_kw: 8, initial_fraction: 0.5, final: {final}, exclusive: true"
    assert solved(storage(day(*prices), battery)).cost == pytest.approx(cost)


def test_given_start_is_a_share_of_the_chosen_size() -> None:
    """Proves: every kWh of size brings 0.5 kWh of content, 0.45 out at 4, and must bring it back.

    A kWh of size costs 0.3 and earns 0.45 × 4 − 0.625 × 1 = 1.175 until the load of 9 is met:
    20 kWh. Sensitivity: with a cost of 1.2 none is bought.
    """
    battery = (
        "energy_kwh: {max_kwh: 50, capex_per_kwh: 3, lifetime_years: 10}, power_kw: 100, "
        "initial_fraction: 0.5, max_fraction: 0.5"
    )
    text = storage(day(4, 1), battery, load=f"load: {{type: load, power_kw: {day(9, 9)}}}")
    results = solved(text)
    assert results.size("battery", "energy") == pytest.approx(20)
    assert results.cost == pytest.approx(0 + (9 + 12.5) + 20 * 0.3)
    dear = solved(text.replace("capex_per_kwh: 3,", "capex_per_kwh: 12,"))
    assert dear.size("battery", "energy") == pytest.approx(0)


def test_self_discharge_compounds_over_the_step() -> None:
    """Proves: 10 kWh less 10 % an hour are 8.1 after a step of 2 h and 7.29 after one more of 1 h.

    Sensitivity: linear loss over the step would leave 7.2.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(0, 0, 10)}}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        battery:
          type: battery
          energy_kwh: 10
          power_kw: 10
          {LOSSLESS.replace(", ", chr(10) + "          ")}self_discharge_per_hour: 0.1
          initial_fraction: 1
          final: free
        """,
        horizon="{start: 2025-03-03, steps_hours: [2, 1]}",
    )
    results = solved(text)
    assert results.of("battery.state_of_charge") == pytest.approx([8.1, 0])
    net = results.of("battery.discharge") - results.of("battery.charge")
    assert net == pytest.approx([0, 7.29])
    assert results.cost == pytest.approx(2.71)


def test_depth_and_height_of_filling() -> None:
    """Proves: 0.2 to 0.9 of 10 kWh are 7 kWh of swing: (10 + 7) + (10 − 7) × 3. Sensitivity: 0.1 each."""
    battery = LOSSLESS + "energy_kwh: 10, power_kw: 50, min_fraction: 0.2, max_fraction: 0.9"
    results = solved(storage(day(1, 3), battery))
    assert results.of("battery.state_of_charge") == pytest.approx([9, 2])
    assert results.cost == pytest.approx(26)
    deeper = solved(storage(day(1, 3), battery.replace("0.2", "0.1")))
    assert deeper.cost == pytest.approx(24)


def test_cost_of_charge_and_of_discharge() -> None:
    """Proves: 8 kWh at 0.1 in, 5.76 kWh at 0.2 out. Sensitivity: at 2.3 on the charge it stands still."""
    battery = "energy_kwh: 8, power_kw: 8, charge_cost_per_kwh: 0.1, discharge_cost_per_kwh: 0.2"
    results = solved(storage(day(1, 3), battery))
    assert bill(results, "battery", "variable_om") == pytest.approx(0.8 + 1.152)
    still = solved(storage(day(1, 3), battery.replace("0.1", "2.3")))
    assert still.cost == pytest.approx(40)


# ------------------------------------------------------------------ power and C-rate


def test_c_rate_limits_flows_without_a_power() -> None:
    """Proves: 0.3 × 10 kWh: 3 kW each way: 13 + 7 × 3. Sensitivity: at 0.4 one kWh more is moved."""
    battery = LOSSLESS + "energy_kwh: 10, max_c_rate_per_hour: 0.3"
    text = storage(day(1, 3), battery)
    assert solved(text).cost == pytest.approx(34)
    assert solved(text.replace("hour: 0.3", "hour: 0.4")).cost == pytest.approx(32)


def test_c_rate_sizes_the_capacity() -> None:
    """Proves: 10 kW need 20 kWh at 0.5 per hour; a kWh earns 0.5 × 2 and costs 0.5: 20 + 10.

    Sensitivity: without the C-rate 10 kWh do.
    """
    battery = (
        LOSSLESS + "energy_kwh: {max_kwh: 100, annual_cost_per_kwh: 0.5}, max_c_rate_per_hour: 0.5"
    )
    results = solved(storage(day(1, 3), battery))
    assert results.size("battery") == pytest.approx(20)
    assert results.cost == pytest.approx(30)
    free = solved(storage(day(1, 3), battery.replace(", max_c_rate_per_hour: 0.5", "")))
    assert free.size("battery") == pytest.approx(10)


PRICED = (
    LOSSLESS + "energy_kwh: {max_kwh: 100, annual_cost_per_kwh: 0.3}, "
    "power_kw: {max_kw: 100, annual_cost_per_kw: 0.2}"
)


@pytest.mark.parametrize(
    ("rates", "energy", "power", "cost"),
    [
        ("", 10, 10, 20 + 3 + 2),
        (", min_c_rate_per_hour: 0.5, max_c_rate_per_hour: 0.5", 20, 10, 20 + 6 + 2),
        (", max_c_rate_per_hour: 0.25", 40, 10, 20 + 12 + 2),
        (", min_c_rate_per_hour: 2", 10, 20, 20 + 3 + 4),
    ],
)
def test_ratio_of_the_two_sizes(rates: str, energy: float, power: float, cost: float) -> None:
    """Proves: 10 kWh and 10 kW do the job; the C-rates force one of them up. Sensitivity: per case."""
    results = solved(storage(day(1, 3), PRICED + rates))
    assert results.size("battery", "energy") == pytest.approx(energy)
    assert results.size("battery", "power") == pytest.approx(power)
    assert results.cost == pytest.approx(cost)


@pytest.mark.parametrize(
    ("sizes", "key", "rate"),
    [
        ("energy_kwh: 10, power_kw: 6, max_c_rate_per_hour: 0.5", "max_c_rate_per_hour", "0.6"),
        ("energy_kwh: 10, power_kw: 6, min_c_rate_per_hour: 0.7", "min_c_rate_per_hour", "0.6"),
    ],
)
def test_given_sizes_must_keep_the_c_rate(sizes: str, key: str, rate: str) -> None:
    """Proves: a C-rate that two given sizes break is refused; it cannot be met and is not ignored."""
    with pytest.raises(InputError, match=rf"{key}: does not fit .* capacity is {rate}"):
        problem_of(storage(day(1, 3), LOSSLESS + sizes))


def test_existing_power_is_derated_in_the_reference_plan() -> None:
    """Proves: the reference of a chosen capacity and an existing power has no capacity and no flow.

    Sensitivity: with 4 kWh existing it has 2 kW.
    """
    sizes = (
        "energy_kwh: {max_kwh: 100, annual_cost_per_kwh: 0.3}, power_kw: 6, "
        "max_c_rate_per_hour: 0.5, shared_power_limit: true"
    )
    problem = problem_of(storage(day(1, 3), LOSSLESS + sizes)).reference()
    text = storage(day(1, 3), LOSSLESS + sizes.replace("{max", "{existing_kwh: 4, max"))
    assert "battery" in problem.park.assets

    idle, audit = study.run(problem, study.Asked("test"))
    audit.require()
    assert idle.cost == pytest.approx(40)
    moving, audit = study.run(problem_of(text).reference(), study.Asked("test"))
    audit.require()
    assert moving.cost == pytest.approx(40 - 2 * 2)


# ------------------------------------------------------------------ both ways at once

BURN = "charge_efficiency: 0.5, discharge_efficiency: 1, energy_kwh: 100, "
TWO = "load: {type: load, power_kw: 2}"


@pytest.mark.parametrize(
    ("limits", "cost"),
    [
        # 10 in, 5 out at once: 5 kWh are burned for 1 each.
        ("power_kw: 10", -7.0),
        # c + d ≤ 10 with d = 0.5 c: c = 6.667, 3.333 burned.
        ("power_kw: 10, shared_power_limit: true", -2 - 10 / 3),
        ("max_c_rate_per_hour: 0.1, shared_power_limit: true", -2 - 10 / 3),
        (
            "max_c_rate_per_hour: 0.1, shared_power_limit: true, energy_kwh: "
            "{max_kwh: 100, min_kwh: 100}",
            -2 - 10 / 3,
        ),
        # Only one way in a step: nothing can be burned in one cyclic step.
        ("power_kw: 10, exclusive: true", -2.0),
        ("max_c_rate_per_hour: 0.1, exclusive: true", -2.0),
    ],
)
def test_burning_energy_at_a_negative_price(limits: str, cost: float) -> None:
    """Proves: what a lossy store earns at −1 in one step, by the rule for both ways at once.

    Sensitivity: each rule has its own optimum. What happens without `exclusive` is noted.
    """
    sizes = BURN.replace("energy_kwh: 100, ", "") if "energy_kwh" in limits else BURN
    priced = limits.replace("min_kwh: 100}", "min_kwh: 100, annual_cost_per_kwh: 1.0e-9}")
    text = storage("-1", sizes + priced, hours=1, load=TWO)
    assert solved(text).cost == pytest.approx(cost, abs=1e-6)
    _, audit = solve_text(text)
    told = [note for note in audit.notes if "battery charges and discharges at once" in note]
    assert bool(told) == (cost < -2.0)


def test_exclusive_battery_still_works_at_a_positive_price() -> None:
    """Proves: the binary costs nothing where nothing is burned: 30.72 as without it."""
    results = solved(storage(day(1, 3), "energy_kwh: 8, power_kw: 8, exclusive: true"))
    assert results.cost == pytest.approx(30.72)
    assert results.of("battery.charging")[0] == 1.0
    assert results.run.kind == "MILP"
    assert results.run.prices_from == "LP with integers fixed"


def test_exclusive_with_chosen_power_uses_its_maximum() -> None:
    """Proves: 10 kWh move from 1 to 3 with 10 kW, the big-M being the maximum of 100 kW."""
    results = solved(storage(day(1, 3), PRICED + ", exclusive: true"))
    assert results.cost == pytest.approx(25)


@pytest.mark.parametrize(
    ("battery", "message"),
    [
        ("energy_kwh: 1, shared_power_limit: true", "shared_power_limit: needs a limit"),
        ("energy_kwh: 1, min_c_rate_per_hour: 1", "min_c_rate_per_hour: needs a power"),
        ("energy_kwh: 1, exclusive: true", "exclusive: needs a bound"),
    ],
)
def test_what_needs_a_power_is_refused_without_one(battery: str, message: str) -> None:
    """Proves: a limit that would be ignored is refused."""
    with pytest.raises(InputError, match=message):
        problem_of(storage("1", battery))


# ------------------------------------------------------------------ hours


def test_hours_stand_for_the_energy() -> None:
    """Proves: 10 kW at 0.2 for 1 h are 10 kWh: 20 + 2. Sensitivity: for half an hour 20 kW are bought."""
    power = LOSSLESS + "power_kw: {max_kw: 99, annual_cost_per_kw: 0.2}, hours: "
    results = solved(storage(day(1, 3), power + "1"))
    assert results.size("battery", "power") == pytest.approx(10)
    assert results.cost == pytest.approx(22)
    half = solved(storage(day(1, 3), power + "0.5"))
    assert half.size("battery", "power") == pytest.approx(20)
    assert half.cost == pytest.approx(24)


def test_hours_tie_both_sizes() -> None:
    """Proves: 10 kW for 2 h must be 20 kWh, at 0.2 and 0.3: 20 + 2 + 6. Sensitivity: free, 20 + 2 + 3."""
    results = solved(storage(day(1, 3), PRICED + ", hours: 2"))
    assert results.size("battery", "energy") == pytest.approx(20)
    assert results.cost == pytest.approx(28)


def test_battery_without_energy_and_hours_is_refused() -> None:
    """Proves: a battery of no size is refused, and what may be given is told."""
    with pytest.raises(InputError, match=r"energy_kwh: is missing: give it, or the hours"):
        problem_of(storage("1", LOSSLESS + "power_kw: 1"))
