from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, day, park, planned, shadow_price, solve_text, solved

GRID = "grid: {type: grid, import_price_per_kwh: 1, co2_kg_per_kwh: 0.5}"
LOAD = "load: {type: load, power_kw: 10}"


def test_tonnes_of_a_year_are_spread_evenly() -> None:
    """Proves: 8.76 t a year are 1 kg/h in any step, 3.5 kg in 3.5 h. Sensitivity: linear."""
    text = park(
        "kiln: {type: process_emissions, co2_t_per_year: 8.76}",
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
        carbon="{price_per_t: 100}",
    )
    results = solved(text)
    assert results.of("kiln.emitted") == pytest.approx([1, 1, 1])
    assert bill(results, "kiln", "process", "co2") == pytest.approx(3.5)
    assert results.cost == pytest.approx(0.35)
    assert solved(text.replace("8.76", "17.52")).co2_kg == pytest.approx(7)


def test_kilograms_by_the_hour() -> None:
    """Proves: 4 kg/h for 1 h and 6 kg/h for 2 h are 16 kg. Sensitivity: the step's length counts."""
    results = solved(
        park(
            f"anodes: {{type: process_emissions, co2_kg_per_hour: {day(4, 6, 6)}}}",
            horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
        )
    )
    assert results.co2_kg == pytest.approx(16)


def test_weight_counts() -> None:
    """Proves: steps that stand for 10 and 1 hours count so. Sensitivity: 4 × 10 + 6."""
    results = solved(
        park(
            f"anodes: {{type: process_emissions, co2_kg_per_hour: {day(4, 6)}}}",
            horizon="{start: 2025-03-03, hours: 2, weight: [10, 1]}",
        )
    )
    assert results.co2_kg == pytest.approx(46)


def test_no_choice_of_energy_removes_it() -> None:
    """Proves: at any carbon price the plan turns from grid to sun, and 3 kg/h stay.

    Sensitivity: sun costs 1.2 a kWh, the grid 1 + 0.5 kg: the switch is at 400 a tonne.
    """
    text = park(
        f"""
        {LOAD}
        {GRID}
        sun: {{type: supply, carrier: electricity, price_per_kwh: 1.2}}
        kiln: {{type: process_emissions, co2_kg_per_hour: 3}}
        """,
        hours=1,
        carbon="{price_per_t: 390}",
    )
    below = solved(text)
    assert below.co2_kg == pytest.approx(3 + 5)
    assert below.cost == pytest.approx(10 + 8 * 0.39)
    above = solved(text.replace("390", "410"))
    assert above.co2_kg == pytest.approx(3)
    assert above.cost == pytest.approx(12 + 3 * 0.41)


def test_energy_has_what_the_process_leaves_of_the_cap() -> None:
    """Proves: of a cap of 5 kg/h the kiln takes 3, so 4 kWh may come from the grid.

    Sensitivity: a kg more saves 2 kWh × 0.2; below 3 kg/h no plan exists.
    """
    text = park(
        f"""
        {LOAD}
        {GRID}
        sun: {{type: supply, carrier: electricity, price_per_kwh: 1.2}}
        kiln: {{type: process_emissions, co2_kg_per_hour: 3}}
        """,
        hours=1,
        carbon="{cap_t_per_year: 43.8}",
    )
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([4])
    assert shadow_price(results, "co2_cap") == pytest.approx(0.4)
    with pytest.raises(InfeasibleError, match="CO2 cap"):
        solve_text(text.replace("43.8", "26"))


def test_works_alone_above_the_cap() -> None:
    """Proves: where nothing can change the CO2, the message says so. Sensitivity: 3 against 2 kg."""
    with pytest.raises(
        InfeasibleError, match=r"the park misses it by 1 kg, and nothing in the plan can change"
    ):
        solve_text(
            park(
                "kiln: {type: process_emissions, co2_kg_per_hour: 3}",
                hours=1,
                carbon="{cap_t_per_year: 17.52}",
            )
        )


def test_the_reference_plan_has_it() -> None:
    """Proves: the reference emits 3 + 5 kg, so half of it leaves 1 kg for 2 kWh from the grid.

    Sensitivity: without it in the reference the cap would be 2.5 kg, below the kiln's 3.
    """
    plan = planned(
        park(
            f"""
            {LOAD}
            {GRID}
            pv: {{type: pv, output_per_kw: 1, power_kw: {{max_kw: 50, capex_per_kw: 100, lifetime_years: 10}}}}
            kiln: {{type: process_emissions, co2_kg_per_hour: 3}}
            """,
            hours=1,
            carbon="{reduction_fraction: 0.5}",
        )
    )
    assert plan.results.of("grid.import") == pytest.approx([2])
    assert plan.results.co2_kg == pytest.approx(4)


def test_flue_instead_of_air() -> None:
    """Proves: into the flue nothing counts until it is let go: 2 of 5 kg/h.

    Sensitivity: without an outlet for the other 3 the flue has a surplus.
    """
    text = park(
        """
        kiln: {type: process_emissions, co2_kg_per_hour: 5, flue_carrier: flue}
        store: {type: sale, carrier: flue, price_per_kg: 0.1, limit_kg_per_hour: 3}
        chimney: {type: dump, carrier: flue, co2_kg_per_unit: 1}
        """,
        hours=1,
        carriers="{flue: {unit: kg}}",
    )
    results = solved(text)
    assert bill(results, "kiln", "process", "co2") == 0
    assert results.co2_kg == pytest.approx(2)
    with pytest.raises(InfeasibleError, match=r"flue of park is in surplus.*by 2 kg/h"):
        solve_text(text.replace("chimney: {type: dump, carrier: flue, co2_kg_per_unit: 1}", ""))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("co2_t_per_year: 1, co2_kg_per_hour: 1", "are both given: give exactly one."),
        ("member: park", "`co2_t_per_year` or `co2_kg_per_hour` is missing: give exactly one."),
        ("co2_t_per_year: -1", "co2_t_per_year = -1: must be at least 0 t."),
        (
            "co2_t_per_year: 1, flue_carrier: gas",
            "is counted in kWh: name a carrier counted in kg.",
        ),
        ("co2_t_per_year: 1, flue_carrier: smoke", "is no carrier of the park"),
    ],
)
def test_bad_input_is_told(keys: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        solve_text(park(f"kiln: {{type: process_emissions, {keys}}}"))
    assert told in str(caught.value)
