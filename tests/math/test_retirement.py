"""Existing capacity that may be given up: in any part, all or nothing, for something new or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InputError
from tests.support import EXACT, bill, day, park, planned, problem_of, solved

PARK = """
    heat: {type: heat_demand, power_kw: %s}
    district: {type: supply, carrier: heat, price_per_kwh: 1}
    coal: {type: supply, carrier: coal, price_per_kwh: 0.2}
    boiler: {type: fuel_boiler, fuel: coal, efficiency: 0.8, power_kw: {%s}}
"""
OLD = "existing_kw: 100, fixed_om_per_kw_year: %s, retirement: %s"


def test_part_that_earns_less_than_its_upkeep_goes() -> None:
    """Proves: a kW saves 0.75 an hour; 40 kW do so for two hours, 30 more for one: 0.75 < 1 < 1.5.

    So 40 stay at an upkeep of 1, all that is used at 0.5. Sensitivity: upkeep 0.5, 1, 2.
    """
    for upkeep, size in ((0.5, 70), (1, 40), (2, 0)):
        results = solved(park(PARK % (day(70, 40), OLD % (upkeep, "partial"))))
        assert results.size("boiler") == pytest.approx(size)
        assert bill(results, "boiler", "fixed_om") == pytest.approx(size * upkeep)
        assert bill(results, "boiler", "investment") == 0.0
        served = min(size, 70) + min(size, 40)
        assert results.cost == pytest.approx(110 - 0.75 * served + size * upkeep)


def test_without_retirement_upkeep_is_paid() -> None:
    """Proves: the same boiler that may not go keeps its 100 kW. Sensitivity: 60 kW of upkeep more."""
    results = solved(park(PARK % (day(70, 40), OLD % (1, "none"))))
    assert results.size("boiler") == pytest.approx(100)
    assert results.cost == pytest.approx(110 - 0.75 * 110 + 100)


@pytest.mark.parametrize(("upkeep", "size"), [(0.8, 100), (0.85, 0)])
def test_whole_unit_stays_or_goes(upkeep: float, size: float) -> None:
    """Proves: it saves 0.75 × 110 = 82.5 and costs its whole upkeep. Sensitivity: 80 and 85."""
    results = solved(park(PARK % (day(70, 40), OLD % (upkeep, "whole"))))
    assert results.run.kind == "MILP"
    assert results.size("boiler") == pytest.approx(size)
    assert results.cost == pytest.approx(min(27.5 + 100 * upkeep, 110))


def test_table_of_sizes_tells_what_went() -> None:
    """Proves: 40 kW in operation of 100 existing, nothing new."""
    results = solved(park(PARK % (day(70, 40), OLD % (1, "partial"))))
    (row,) = results.sizes.to_dict("records")
    assert (row["existing"], row["total"], row["new"]) == (100, pytest.approx(40), pytest.approx(0))
    assert (row["minimum"], row["maximum"]) == (0, 100)
    assert row["chosen"]


def test_old_capacity_gives_way_to_new_of_the_same_kind() -> None:
    """Proves: with one size for old and new, upkeep is the same, so the old stays before new is bought:
    100 existing kW and 20 new for a demand of 120. Sensitivity: for 90, none is bought and 10 go.
    """
    size = OLD % (0.5, "partial") + ", max_kw: 300, annual_cost_per_kw: 0.1"
    results = solved(park(PARK % (120, size)))
    (row,) = results.sizes.to_dict("records")
    assert (row["total"], row["new"]) == (pytest.approx(120), pytest.approx(20))
    assert bill(results, "boiler", "investment") == pytest.approx(2)
    assert bill(results, "boiler", "fixed_om") == pytest.approx(60)
    less = solved(park(PARK % (90, size)))
    (row,) = less.sizes.to_dict("records")
    assert (row["total"], row["new"]) == (pytest.approx(90), pytest.approx(0))


def test_whole_retirement_makes_room_below_the_maximum() -> None:
    """Proves: beside the old 100 kW no unit of 50 kW fits under 120 kW; without it one does.

    For a demand of 50 a unit costs 50 × 0.7 a year, the old one 100 × 0.6: it goes. For a demand of
    100 it stays: 60 against 70. Sensitivity: the demand.
    """
    size = OLD % (0.6, "whole") + ", max_kw: 120, unit_kw: 50, annual_cost_per_kw: 0.1"
    results = solved(park(PARK % (50, size)))
    (row,) = results.sizes.to_dict("records")
    assert (row["total"], row["new"]) == (pytest.approx(50), pytest.approx(50))
    assert results.cost == pytest.approx(2 * 50 * 0.25 + 50 * 0.7)
    full = solved(park(PARK % (100, size)))
    (row,) = full.sizes.to_dict("records")
    assert (row["total"], row["new"]) == (pytest.approx(100), pytest.approx(0))


def test_old_unit_is_replaced_by_a_better_one() -> None:
    """Proves: an electric boiler at 0.1 a kWh of heat against coal at 0.25 and upkeep of 1 a kW.

    Over 2 h a new kW costs 0.9 and saves 0.3 and the upkeep: all 100 kW of coal go. Sensitivity: at
    1.4 a kW nothing changes; the reference plan keeps coal.
    """
    text = park(
        PARK % (100, OLD % (1, "whole"))
        + """
    grid: {type: grid, import_price_per_kwh: 0.095}
    electric: {type: electric_boiler, efficiency: 0.95, power_kw: {max_kw: 200, annual_cost_per_kw: 0.9}}
"""
    )
    plan = planned(text)
    assert plan.results.size("boiler") == pytest.approx(0)
    assert plan.results.size("electric") == pytest.approx(100)
    assert plan.results.cost == pytest.approx(20 + 90)
    assert plan.reference is not None
    assert plan.reference.size("boiler") == pytest.approx(100)
    assert plan.reference.cost == pytest.approx(50 + 100)
    kept = solved(text.replace("kw: 0.9}", "kw: 1.4}"))
    assert kept.size("boiler") == pytest.approx(100)


def test_existing_chp_gives_up_part_in_steps_of_unequal_length() -> None:
    """Proves: 80 kW of CHP for 3 h save 0.5 each of 1.5, 20 more for 1 h 0.5: upkeep is 1.

    Gas at 0.2 and an efficiency of 0.4 make 0.5 a kWh against 1. Sensitivity: upkeep of 0.4 keeps 100.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(100, 80, 80)}}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        gas: {{type: supply, carrier: gas, price_per_kwh: 0.2}}
        outlet: {{type: dump, carrier: heat}}
        chp:
          type: chp
          fuel: gas
          electric_efficiency: 0.4
          power_to_heat_ratio: 1
          power_kw: {{existing_kw: 150, retirement: partial, fixed_om_per_kw_year: 1}}
        """,
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
    )
    results = solved(text)
    assert results.size("chp") == pytest.approx(80)
    assert results.cost == pytest.approx(240 * 0.5 + 20 + 80)
    cheap = solved(text.replace("year: 1}", "year: 0.4}"))
    assert cheap.size("chp") == pytest.approx(100)


def test_committed_unit_may_be_retired() -> None:
    """Proves: least load is a share of what stays: 40 of 100 kW can serve 20 kW at a least load of 0.5.

    Demand 40, then 20: of the whole unit nothing could run. Sensitivity: `none` serves neither hour.
    """
    text = park(PARK % (day(40, 20), OLD % (0.1, "partial")))
    text = text.replace(
        "efficiency: 0.8,", "efficiency: 0.8, commitment: {min_load_fraction: 0.5},"
    )
    results = solved(text)
    assert results.size("boiler") == pytest.approx(40)
    assert results.of("boiler.on").tolist() == [1, 1]
    assert results.cost == pytest.approx(60 * 0.25 + 4)
    kept = solved(text.replace("retirement: partial", "retirement: none"))
    assert kept.of("boiler.on").tolist() == [0, 0]


def test_tampering_is_found() -> None:
    """Proves: more kept than there was, part of a whole unit, and saved upkeep do not pass the audit."""
    problem = problem_of(park(PARK % (day(70, 40), OLD % (0.8, "whole"))))
    results, checked = study.run(problem, EXACT)
    checked.require()
    for column, value in (("total", 120.0), ("total", 50.0), ("new", 10.0), ("fixed_om", 0.0)):
        sizes = results.sizes.copy()
        sizes.loc[0, column] = value
        found = audit(replace(results, sizes=sizes), problem)
        assert any(check.subject == "park.boiler" for check in found.failures), column
    ledger = results.ledger.copy()
    ledger.loc[ledger["category"] == "fixed_om", "amount"] = 40.0
    found = audit(replace(results, ledger=ledger), problem)
    assert "ledger cost fixed_om" in {check.what for check in found.failures}


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("max_kw: 9, annual_cost_per_kw: 1, retirement: partial", "retirement is of existing_kw"),
        ("existing_kw: 9, fixed_kw: 9, retirement: whole", "leaves nothing to choose: remove ret"),
        ("existing_kw: 9, retirement: half", "retirement = 'half': must be `none`"),
    ],
)
def test_bad_input(size: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(park(PARK % (1, size)))
