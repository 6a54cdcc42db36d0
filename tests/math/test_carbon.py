"""Price and cap of CO2, and what the cap's shadow price says."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, park, planned, problem_of, shadow_price, solve_text, solved

# 20 kWh: dirty at 1 with 1 kg each, clean at 3. Half a kg a year stands for 2 of 8760 hours.
PARK = """
    load: {type: load, power_kw: 10}
    grid: {type: grid, import_price_per_kwh: 1, co2_kg_per_kwh: 1}
    clean: {type: supply, carrier: electricity, price_per_kwh: 3}
"""
TWELVE_KG = 12 / 1000 * 8760 / 2


def test_cap_in_tonnes_per_year() -> None:
    """Proves: 52.56 t a year are 12 kg in 2 h: 12 dirty, 8 clean, 36. Each kg is worth 3 − 1.

    Sensitivity: a kg more saves 2, the shadow price.
    """
    results = solved(park(PARK, carbon=f"{{cap_t_per_year: {TWELVE_KG}}}"))
    assert results.co2_kg == pytest.approx(12)
    assert results.cost == pytest.approx(36)
    assert shadow_price(results, "co2_cap") == pytest.approx(2)
    (cap,) = results.caps.to_dict("records")
    assert (cap["limit"], cap["value"]) == (pytest.approx(12), pytest.approx(12))
    assert cap["binding"]
    assert cap["price_unit"] == "CNY/kg"
    more = solved(park(PARK, carbon=f"{{cap_t_per_year: {TWELVE_KG * 13 / 12}}}"))
    assert results.cost - more.cost == pytest.approx(2)


def test_cap_that_does_not_bind() -> None:
    """Proves: at 20 kg or more the cap is free and has no price. Sensitivity: 20.1 kg of room."""
    results = solved(park(PARK, carbon=f"{{cap_t_per_year: {TWELVE_KG * 20.1 / 12}}}"))
    assert results.cost == pytest.approx(20)
    assert shadow_price(results, "co2_cap") == 0.0
    assert not results.caps["binding"].any()


def test_cap_on_a_weighted_horizon() -> None:
    """Proves: 2 steps that stand for a year: the yearly cap holds as it is. Sensitivity: 1 t = 1 t."""
    text = park(
        PARK,
        horizon="{start: 2025-03-03, hours: 2, weight: 4380}",
        carbon="{cap_t_per_year: 60}",
    )
    results = solved(text)
    assert results.co2_kg == pytest.approx(60000)
    assert results.cost == pytest.approx(60000 + 3 * 27600)
    assert shadow_price(results, "co2_cap") == pytest.approx(2)


def test_shadow_price_is_that_of_the_dearest_step_taken() -> None:
    """Proves: of 12 kg to cut, 5 go at 0.5 and the rest at 2: the cap's price is 2 a kg.

    20 − 12 + 5 × 1.5 + 7 × 3. Sensitivity: with 3 kg to cut it is 0.5.
    """
    text = (
        PARK + "    some: {type: supply, carrier: electricity, price_per_kwh: 1.5, limit_kw: 2.5}"
    )
    results = solved(park(text, carbon=f"{{cap_t_per_year: {TWELVE_KG * 8 / 12}}}"))
    assert results.cost == pytest.approx(8 + 7.5 + 21)
    assert shadow_price(results, "co2_cap") == pytest.approx(2)
    mild = solved(park(text, carbon=f"{{cap_t_per_year: {TWELVE_KG * 17 / 12}}}"))
    assert shadow_price(mild, "co2_cap") == pytest.approx(0.5)


def test_shadow_price_of_a_sized_way_out() -> None:
    """Proves: PV at 5 a kW and 2 h of sun cuts 2 kg for 5 − 2: 1.5 a kg. Sensitivity: capex + 1 a year."""
    pv = (
        "    pv: {type: pv, output_per_kw: 1, "
        "power_kw: {max_kw: 9, capex_per_kw: %s, lifetime_years: 10}}"
    )
    cap = f"{{cap_t_per_year: {TWELVE_KG}}}"
    results = solved(park(PARK + pv % 50, carbon=cap))
    assert results.size("pv") == pytest.approx(4)
    assert results.cost == pytest.approx(12 + 20)
    assert shadow_price(results, "co2_cap") == pytest.approx(1.5)
    dearer = solved(park(PARK + pv % 60, carbon=cap))
    assert shadow_price(dearer, "co2_cap") == pytest.approx(2)


@pytest.mark.parametrize(("price", "cost", "co2"), [(1500, 20 + 30, 20), (3000, 60, 0)])
def test_price_per_tonne(price: float, cost: float, co2: float) -> None:
    """Proves: 1.5 a kg is paid, at 3 a kg the clean source wins. Sensitivity: the switch is at 2."""
    results = solved(park(PARK, carbon=f"{{price_per_t: {price}}}"))
    assert results.cost == pytest.approx(cost)
    assert results.co2_kg == pytest.approx(co2)
    assert bill(results, "policies", "co2_price") == pytest.approx(co2 * price / 1000)


def test_credit_of_export_counts_in_the_cap() -> None:
    """Proves: 1 kW sold for 2 h at 2 kg of credit makes room for 4 kg: 16 dirty, 6 clean, 34.

    Sensitivity: without the credit 12 dirty and 8 clean cost 36.
    """
    text = park(
        PARK.replace(
            "price_per_kwh: 1,",
            "price_per_kwh: 1, export_price_per_kwh: 0, export_limit_kw: 1, "
            "export_co2_credit_kg_per_kwh: 2,",
        ),
        carbon=f"{{cap_t_per_year: {TWELVE_KG}}}",
    )
    results = solved(text)
    assert bill(results, "grid", "export_credit", "co2") == pytest.approx(-4)
    assert results.co2_kg == pytest.approx(12)
    assert results.cost == pytest.approx(34)
    without = solved(text.replace("credit_kg_per_kwh: 2", "credit_kg_per_kwh: 0"))
    assert without.cost == pytest.approx(36)


def test_reduction_below_the_reference() -> None:
    """Proves: 40 % below the 20 kg of today are 12 kg. Sensitivity: −10 % allows 22 kg, no bound."""
    plan = planned(park(PARK, carbon="{reduction_fraction: 40 %}"))
    assert plan.reference is not None
    assert plan.reference.co2_kg == pytest.approx(20)
    assert plan.results.co2_kg == pytest.approx(12)
    assert plan.results.cost == pytest.approx(36)
    more = planned(park(PARK, carbon="{reduction_fraction: -0.1}"))
    assert more.results.caps["limit"].to_list() == pytest.approx([22])
    assert more.results.cost == pytest.approx(20)


def test_reduction_without_reference_is_told() -> None:
    """Proves: without a plan of today the reduction is refused with what to do."""
    text = park(
        """
        load: {type: load, power_kw: 10}
        pv: {type: pv, output_per_kw: 1, power_kw: {max_kw: 20, annual_cost_per_kw: 1}}
        """,
        carbon="{reduction_fraction: 0.4}",
    )
    with pytest.raises(InputError, match=r"reduction_fraction.*needs a reference.*cap_t_per_year"):
        planned(text)
    with pytest.raises(InputError, match=r"needs a reference plan"):
        solve_text(text)


def test_price_may_spare_the_reference() -> None:
    """Proves: the reference pays the price or not, as told. Sensitivity: 20 kg × 1.5."""
    text = park(PARK, carbon="{price_per_t: 1500, price_in_reference: %s}")
    paying = planned(text % "true").reference
    sparing = planned(text % "false").reference
    assert paying is not None
    assert sparing is not None
    assert paying.cost == pytest.approx(50)
    assert sparing.cost == pytest.approx(20)


def test_cap_that_cannot_be_met_is_named() -> None:
    """Proves: 12 kg cannot be kept without the clean source; the message says which limit and by how
    much: 8 kg."""
    dirty = "\n".join(line for line in PARK.splitlines() if "clean" not in line)
    with pytest.raises(InfeasibleError, match=r"CO2 cap: the limit is 12 kg .* off by 8 kg"):
        solve_text(park(dirty, carbon=f"{{cap_t_per_year: {TWELVE_KG}}}"))


def test_cap_on_nothing_that_can_change() -> None:
    """Proves: a cap without any source of CO2 is kept by every plan, and reported."""
    text = "load: {type: load, power_kw: 1}\nclean: {type: supply, carrier: electricity, price_per_kwh: 3}"
    results = solved(park(text, carbon="{cap_t_per_year: 0}"))
    (cap,) = results.caps.to_dict("records")
    assert (cap["value"], cap["limit"]) == (0, 0)


def test_both_kinds_of_cap_are_refused() -> None:
    """Proves: one cap at a time."""
    with pytest.raises(InputError, match="`cap_t_per_year` and `reduction_fraction` contradict"):
        problem_of(park(PARK, carbon="{cap_t_per_year: 1, reduction_fraction: 0.5}"))
