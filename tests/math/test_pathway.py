"""Investment stages: hand-solved parks of one hour that stands for a year."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.errors import InfeasibleError
from microgrid_opt.pathway.plan import _Job
from microgrid_opt.pathway.weights import present_weight, years_of
from microgrid_opt.solve import handoff
from microgrid_opt.solve.reference import assert_same, extract_reference
from tests.pathways import PLAIN, column, pathway, staged
from tests.support import EXACT, bill, park, shadow_price

HEAD = """
    load: {type: load, power_kw: 100}
    grid: {type: grid, import_price_per_kwh: %s, co2_kg_per_kwh: 1}
"""
PV = """
    pv:
      type: pv
      power_kw: {%s}
      output_per_kw: 1
"""
KG = 8760 / 1000
"""Tonnes a year that are one kg in the one hour of the horizon."""


def sunny(
    size: str, stages: str, *, price: float = 1, pathway_keys: str = "{}", finance: str = PLAIN
) -> str:
    """Return a park of 100 kW with a grid and PV that always yields what it can."""
    return park(
        HEAD % price + PV % size,
        hours=1,
        finance=finance,
        pathway=pathway_keys,
        stages=stages,
    )


# ---------------------------------------------------------------------------------------- when to buy

FALLING = sunny(
    "max_kw: 50, capex_per_kw: 9, lifetime_years: 10",
    "{2027: {}, 2030: {assets: {pv: {power_kw: {capex_per_kw: 6}}}}}",
    pathway_keys="{end_year: 2034}",
)


def test_waiting_for_a_lower_price() -> None:
    """Proves: 50 kW bought in 2030 save 0.4 a kW for 5 years, 100; in 2027 only 0.1 for 8 years, 40.

    Both together would need 100 kW. Sensitivity: 3 years × 100 + 5 years × (50 + 50 × 0.6) = 700.
    """
    plan = pathway(FALLING)
    assert column(plan, "built") == pytest.approx([0, 50])
    assert plan.pathway.present_value == pytest.approx(700)
    assert plan.pathway.npv == pytest.approx(100)
    assert list(plan.pathway.stages["cost"]) == pytest.approx([100, 80])


def test_myopic_buys_what_it_regrets() -> None:
    """Proves: without knowing 2030, 0.1 a kW in 2027 is a gain, and 2030 finds the room taken.

    Sensitivity: 8 years × (50 + 50 × 0.9) = 760, 60 more than with foresight.
    """
    plan = pathway(FALLING, "myopic")
    assert column(plan, "built") == pytest.approx([50, 0])
    assert plan.pathway.present_value == pytest.approx(760)
    assert bill(plan.stages[2030].results, "pv", "earlier_investment") == pytest.approx(45)
    assert bill(plan.stages[2030].results, "pv", "investment") == pytest.approx(0)


def test_weights_are_present_values_of_whole_years() -> None:
    """Proves: payments at year ends, from the first stage's own year on, at the real rate."""
    years = years_of((2027, 2029), None)
    assert years == {2027: (2027, 2028), 2029: (2029, 2030)}
    assert years_of((2030,), None) == {2030: (2030,)}
    assert years_of((2030,), 2031) == {2030: (2030, 2031)}
    assert present_weight(years[2027], 2027, 0.1) == pytest.approx(1 / 1.1 + 1 / 1.21)
    assert present_weight(years[2029], 2027, 0.1) == pytest.approx(1.1**-3 + 1.1**-4)


def test_interest_in_annuity_and_weights() -> None:
    """Proves: capex 3 over 2 years at 10 % costs 3 × 0.1 × 1.21 / 0.21 = 1.7286 a year; it saves 2.

    One purchase for two single years: 100 × 2 less 100 × 0.2714, at 1/1.1 + 1/1.21. Sensitivity: a
    third year needs a second purchase at the same cost.
    """
    finance = PLAIN.replace("discount_rate: 0", "discount_rate: 0.1")
    text = sunny(
        "max_kw: 100, capex_per_kw: 3, lifetime_years: 2",
        "{2027: {}, 2028: {}, 2029: {}}",
        price=2,
        finance=finance,
    )
    plan = pathway(text)
    annuity = 3 * 0.1 * 1.21 / 0.21
    weight = 1 / 1.1 + 1 / 1.21 + 1 / 1.331
    assert column(plan, "built") == pytest.approx([100, 0, 100])
    assert column(plan, "ended") == pytest.approx([0, 0, 100])
    assert plan.pathway.present_value == pytest.approx(100 * annuity * weight)
    assert list(plan.pathway.stages["capex"]) == pytest.approx([300, 0, 300])


@pytest.mark.parametrize(("life", "built"), [(3, [50, 50, 50]), (4, [50, 0, 50]), (7, [50, 0, 0])])
def test_the_end_of_a_life_needs_a_new_purchase(life: int, built: list[float]) -> None:
    """Proves: a purchase of 2027 serves in the stages that begin before 2027 + life.

    Sensitivity: lives of 3, 4 and 7 years; stages of 3 years.
    """
    plan = pathway(
        sunny(
            f"max_kw: 50, capex_per_kw: {life / 2}, lifetime_years: {life}",
            "{2027: {}, 2030: {}, 2033: {}}",
        )
    )
    assert column(plan, "built") == pytest.approx(built)
    assert column(plan, "total") == pytest.approx([50, 50, 50])
    assert plan.pathway.present_value == pytest.approx(9 * (50 + 25))


def test_rented_capacity_is_chosen_anew() -> None:
    """Proves: without a lifetime nothing is handed on: 50 kW at 0.5 in 2027, none at 1.5 in 2028."""
    plan = pathway(
        sunny(
            "max_kw: 50, annual_cost_per_kw: 0.5",
            "{2027: {}, 2028: {assets: {pv: {power_kw: {annual_cost_per_kw: 1.5}}}}}",
        )
    )
    assert column(plan, "total") == pytest.approx([50, 0])
    assert column(plan, "ended") == pytest.approx([0, 50])
    assert plan.pathway.present_value == pytest.approx(50 + 25 + 100)


# ---------------------------------------------------------------------------------------- retirement

BOILER = """
    heat: {type: heat_demand, power_kw: 100}
    district: {type: supply, carrier: heat, price_per_kwh: 1}
    coal: {type: supply, carrier: coal, price_per_kwh: 0.25}
    boiler:
      type: fuel_boiler
      fuel: coal
      efficiency: 1
      power_kw: {existing_kw: 100, fixed_om_per_kw_year: %s, retirement: %s}
"""
DIP = "{2027: {}, 2028: {assets: {heat: {power_kw: 40}}}, 2029: {assets: {heat: {power_kw: 100}}}}"


def dip(upkeep: float, retirement: str) -> str:
    """Return a park whose heat demand falls for one year."""
    return park(BOILER % (upkeep, retirement), hours=1, finance=PLAIN, stages=DIP)


@pytest.mark.parametrize(
    ("upkeep", "totals", "cost"),
    [(0.5, [100, 40, 40], 75 + 30 + 90), (0.3, [100, 100, 100], 55 + 40 + 55)],
)
def test_what_is_given_up_does_not_come_back(
    upkeep: float, totals: list[float], cost: float
) -> None:
    """Proves: idle in 2028, 60 kW cost their upkeep, and in 2029 they save 0.75 less upkeep again.

    Sensitivity: at 0.5 giving up saves 30 and loses 15; at 0.3 it would save 18 and lose 27.
    """
    plan = pathway(dip(upkeep, "partial"))
    assert column(plan, "total", "boiler") == pytest.approx(totals)
    assert plan.pathway.present_value == pytest.approx(cost)


def test_myopic_gives_up_what_it_needs_again() -> None:
    """Proves: 2028 alone saves 60 × 0.3; 2029 then pays 60 × 0.75 − 60 × 0.3 more."""
    plan = pathway(dip(0.3, "partial"), "myopic")
    assert column(plan, "total", "boiler") == pytest.approx([100, 40, 40])
    assert column(plan, "given_up", "boiler") == pytest.approx([0, 60, 0])
    assert plan.pathway.present_value == pytest.approx(150 - 18 + 27)


def test_whole_units_stay_or_go_for_good() -> None:
    """Proves: at 0.6 the boiler earns 15 in full years and loses 60 − 30 = 30 in 2028.

    Giving it all up in 2028 costs 15 in 2029 and saves 30. Sensitivity: at 0.5 it earns 25 and loses 20.
    """
    gone = pathway(dip(0.6, "whole"))
    assert column(gone, "total", "boiler") == pytest.approx([100, 0, 0])
    assert gone.pathway.present_value == pytest.approx(85 + 40 + 100)
    stays = pathway(dip(0.5, "whole"))
    assert column(stays, "total", "boiler") == pytest.approx([100, 100, 100])
    assert stays.pathway.present_value == pytest.approx(75 + 60 + 75)


def test_existing_capacity_reaches_its_end() -> None:
    """Proves: `existing_kw: 30` in 2028 ends 70 of 100 kW, and they are bought from the network."""
    stages = "{2027: {}, 2028: {assets: {boiler: {power_kw: {existing_kw: 30}}}}}"
    plan = pathway(park(BOILER % (0.1, "none"), hours=1, finance=PLAIN, stages=stages))
    assert column(plan, "ended", "boiler") == pytest.approx([0, 70])
    assert plan.pathway.present_value == pytest.approx(35 + 70 + 7.5 + 3)


def test_given_up_purchases_are_still_paid() -> None:
    """Proves: PV of 2027 (annuity 0.1, upkeep 0.5) goes in 2028, when electricity costs 0.3.

    Sensitivity: 50 kW save 0.4 in 2027; in 2028 upkeep of 0.5 is more than 0.3, the annuity stays.
    """
    size = "max_kw: 50, capex_per_kw: 1, lifetime_years: 10, fixed_om_per_kw_year: 0.5"
    stages = "{2027: {}, 2028: {assets: {grid: {import_price_per_kwh: 0.3}}}}"
    plan = pathway(sunny(f"{size}, retirement: partial", stages))
    assert column(plan, "total") == pytest.approx([50, 0])
    assert column(plan, "given_up") == pytest.approx([0, 50])
    assert plan.pathway.present_value == pytest.approx(50 + 5 + 25 + 30 + 5)
    kept = pathway(sunny(size, stages))
    assert column(kept, "total") == pytest.approx([50, 50])
    assert kept.pathway.present_value == pytest.approx(80 + 15 + 5 + 25)


# ---------------------------------------------------------------------------------------- limits


def test_a_cap_that_tightens() -> None:
    """Proves: 40 kg of 100 need 60 kW in 2030 and none before; the worth of a kg is 1.2 − 1 a year,
    whatever a later year counts today. Sensitivity: with 70 kg, 30 kW.
    """
    finance = PLAIN.replace("discount_rate: 0", "discount_rate: 0.1").replace(
        "lifetime", "straight_line"
    )
    for kg in (40, 70):
        plan = pathway(
            sunny(
                "max_kw: 200, capex_per_kw: 12, lifetime_years: 10",
                f"{{2027: {{}}, 2030: {{carbon: {{cap_t_per_year: {kg * KG}}}}}}}",
                finance=finance,
            )
        )
        assert column(plan, "built") == pytest.approx([0, 100 - kg])
        assert shadow_price(plan.stages[2030].results, "co2_cap") == pytest.approx(0.2)
        prices = plan.stages[2030].results.prices["park.electricity"]
        assert prices.to_numpy() == pytest.approx([1.2])


def test_a_cap_below_the_reference_of_its_own_stage() -> None:
    """Proves: half of 2030's own 200 kg, not of 2027's 100 kg."""
    plan = pathway(
        sunny(
            "max_kw: 200, capex_per_kw: 12, lifetime_years: 10",
            "{2027: {}, 2030: {assets: {load: {power_kw: 200}}, carbon: {reduction_fraction: 0.5}}}",
        )
    )
    assert column(plan, "total") == pytest.approx([0, 100])
    assert list(plan.pathway.stages["reference_co2_kg"]) == pytest.approx([100 * 8760, 200 * 8760])


BUDGET = sunny(
    "max_kw: 100, capex_per_kw: 105120, lifetime_years: 10",
    "{2027: {}, 2028: {assets: {pv: {power_kw: {capex_per_kw: 96360}}}}}",
    finance=PLAIN.replace("full", "auto"),
    pathway_keys="{co2_budget_t: 1314}",
)


def test_a_budget_over_all_years_is_spent_where_it_is_cheap() -> None:
    """Proves: of 2 × 876 t a quarter must go: 50 kW for one year. PV costs 1.1 a kWh in 2028, 1.2 in
    2027: 2028, at 0.1 more than the grid, which is the worth of a kg.
    """
    plan = pathway(BUDGET)
    assert column(plan, "built") == pytest.approx([0, 50])
    assert plan.pathway.co2_kg == pytest.approx(1_314_000)
    (row,) = plan.pathway.caps.to_dict("records")
    assert row["binding"]
    assert row["shadow_price"] == pytest.approx(0.1)
    assert plan.pathway.present_value == pytest.approx(8760 * (200 + 5))


def test_a_budget_that_cannot_be_kept() -> None:
    with pytest.raises(InfeasibleError, match="CO2 budget over all years: the limit is 1,000 kg"):
        pathway(BUDGET.replace("co2_budget_t: 1314", "co2_budget_t: 1").replace("100, c", "10, c"))


def test_infeasibility_names_the_stage() -> None:
    """Proves: the cap of 2030, and the missing power of 2028, are told with their year."""
    size = "max_kw: 50, capex_per_kw: 1, lifetime_years: 10"
    stages = f"{{2027: {{}}, 2030: {{carbon: {{cap_t_per_year: {10 * KG}}}}}}}"
    with pytest.raises(InfeasibleError, match="Stage 2030: CO2 cap: the limit is 10 kg"):
        pathway(sunny(size, stages))
    short = "{2027: {}, 2028: {assets: {grid: {import_limit_kw: 10}}}}"
    with pytest.raises(InfeasibleError, match="electricity of park in stage 2028 is short"):
        pathway(sunny(size, short))


# ---------------------------------------------------------------------------------------- purchases


def test_whole_units_in_each_purchase() -> None:
    """Proves: units of 30 kW at 0.5 a kW: for 50 kW two (20 saved, one saves 15), for 100 kW one more
    (15 saved; a fourth saves 10 and costs 15).
    """
    plan = pathway(
        sunny(
            "max_kw: 300, unit_kw: 30, capex_per_kw: 5, lifetime_years: 10",
            "{2027: {assets: {load: {power_kw: 50}}}, 2028: {assets: {load: {power_kw: 100}}}}",
        )
    )
    assert column(plan, "built") == pytest.approx([60, 30])
    assert plan.pathway.present_value == pytest.approx(30 + 10 + 45)


@pytest.mark.parametrize(
    ("once", "built", "cost"), [(100, [50, 50], 105.0), (400, [100, 0], 180.0)]
)
def test_one_off_cost_falls_due_with_each_purchase(
    once: float, built: list[float], cost: float
) -> None:
    """Proves: two purchases pay it twice. At 10 a year the second waits for the load; at 40 a year
    50 kW stand idle for a year instead, for 25. Sensitivity: 35 + 70, and 90 + 90.
    """
    plan = pathway(
        sunny(
            f"max_kw: 200, fixed_capex: {once}, capex_per_kw: 5, lifetime_years: 10",
            "{2027: {assets: {load: {power_kw: 50}}}, 2028: {assets: {load: {power_kw: 100}}}}",
            price=2,
        )
    )
    assert column(plan, "built") == pytest.approx(built)
    assert plan.pathway.present_value == pytest.approx(cost)


def test_upkeep_of_one_off_cost_is_paid_as_long_as_the_purchase_lives() -> None:
    """Proves: 10 % of 100 + 50 × 5 in both years: once with the purchase, once for it."""
    plan = pathway(
        sunny(
            "max_kw: 50, fixed_capex: 100, capex_per_kw: 5, fixed_om_fraction: 0.1, "
            "lifetime_years: 10",
            "{2027: {}, 2028: {}}",
            price=3,
        )
    )
    assert column(plan, "built") == pytest.approx([50, 0])
    for year in (2027, 2028):
        assert bill(plan.stages[year].results, "pv", "fixed_om") == pytest.approx(35)
    assert plan.pathway.present_value == pytest.approx(2 * (150 + 35 + 35))


def test_given_totals_buy_what_is_missing() -> None:
    """Proves: `fixed_kw` 50, then 80: 30 kW more at the price of their own year.

    Sensitivity: 50 + 50 × 0.9, then 20 + 50 × 0.9 + 30 × 0.6.
    """
    size = "power_kw: {fixed_kw: 80, capex_per_kw: 6}"
    for foresight in ("perfect", "myopic"):
        plan = pathway(
            sunny(
                "fixed_kw: 50, capex_per_kw: 9, lifetime_years: 10",
                f"{{2027: {{}}, 2028: {{assets: {{pv: {{{size}}}}}}}}}",
            ),
            foresight,
        )
        assert column(plan, "built") == pytest.approx([50, 30])
        assert plan.pathway.present_value == pytest.approx(95 + 20 + 45 + 18)


def test_given_total_after_a_choice() -> None:
    """Proves: 100 kW given in 2028: at 0.9 then, or at 0.8 in 2027, when they save 1: all in 2027."""
    plan = pathway(
        sunny(
            "max_kw: 100, capex_per_kw: 8, lifetime_years: 10",
            "{2027: {}, 2028: {assets: {pv: {power_kw: "
            "{max_kw: null, fixed_kw: 100, capex_per_kw: 9}}}}}",
        )
    )
    assert column(plan, "built") == pytest.approx([100, 0])
    assert plan.pathway.present_value == pytest.approx(160)


# ---------------------------------------------------------------------------------------- the same


def test_one_stage_is_the_park_of_a_year() -> None:
    """Proves: the ordinary plan and a pathway of one stage agree in size and cost."""
    text = sunny("max_kw: 50, capex_per_kw: 6, lifetime_years: 10", "{2027: {}}")
    plan = pathway(text)
    problem = staged(text).stages[2027]
    alone, _ = study.run(problem, EXACT)
    assert plan.stages[2027].results.cost == pytest.approx(alone.cost)
    assert plan.stages[2027].results.size("pv") == pytest.approx(alone.size("pv"))
    assert plan.pathway.present_value == pytest.approx(alone.cost)


def test_the_matrix_is_what_pyomo_makes_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: stages in blocks go the fast way, and every entry is that of Pyomo's own compiler.

    Sensitivity: units, one-off costs, retirement, a battery, a cap and a budget all take part.
    """
    assets = HEAD % 1 + PV % (
        "existing_kw: 10, max_kw: 90, unit_kw: 20, fixed_capex: 3, capex_per_kw: 5, "
        "lifetime_years: 10, retirement: partial"
    )
    assets += """
    battery:
      type: battery
      energy_kwh: {max_kwh: 50, capex_per_kwh: 1, lifetime_years: 10}
      power_kw: {max_kw: 50}
      charge_efficiency: 0.9
      discharge_efficiency: 0.9
"""
    text = park(
        assets,
        hours=6,
        finance=PLAIN,
        carbon="{cap_t_per_year: 600}",
        pathway="{co2_budget_t: 3000}",
        stages="{2027: {}, 2030: {carbon: {cap_t_per_year: 500}}, 2033: {}}",
    )
    problem = staged(text)
    root, drafts, whole = _Job(problem, problem.stages, {}, EXACT, {}, {}).write()
    assert len(whole.caps) == 4
    singly = handoff._singly

    def refuse(entries: list[object], *rest: object) -> object:
        assert len(entries) == 1, "a family of rows was read one by one"
        return singly(entries, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(handoff, "_singly", refuse)
    matrix = handoff.extract(root)
    assert_same(matrix, extract_reference(root))
    assert {name.partition(".")[0] for name in matrix.row_blocks} == {
        *("y2027", "y2030", "y2033"),
        "co2_budget",
    }
    assert set(drafts) == {2027, 2030, 2033}


PRICES = st.sampled_from([0.5, 0.8, 1.0, 1.5])
CAPEX = st.sampled_from([3, 6, 9, 12])


@settings(max_examples=12)
@given(
    prices=st.lists(PRICES, min_size=2, max_size=3),
    capex=st.lists(CAPEX, min_size=3, max_size=3),
    loads=st.lists(st.sampled_from([40, 70, 100]), min_size=3, max_size=3),
    life=st.sampled_from([2, 4, 9]),
    retirement=st.sampled_from(["none", "partial"]),
)
def test_foresight_never_costs(
    prices: list[float], capex: list[float], loads: list[int], life: int, retirement: str
) -> None:
    """Proves: knowing the later stages is worth nothing or something, and both audits are green."""
    changes = ", ".join(
        f"{2027 + 3 * s}: {{assets: {{load: {{power_kw: {load}}}, "
        f"grid: {{import_price_per_kwh: {price}}}, pv: {{power_kw: {{capex_per_kw: {cost}}}}}}}}}"
        for s, (price, cost, load) in enumerate(zip(prices, capex, loads, strict=False))
    )
    size = (
        f"existing_kw: 5, max_kw: 80, capex_per_kw: 1, lifetime_years: {life}, "
        f"fixed_om_per_kw_year: 0.05, retirement: {retirement}"
    )
    text = sunny(size, f"{{{changes}}}", finance=PLAIN.replace("rate: 0", "rate: 0.05"))
    perfect, myopic = pathway(text), pathway(text, "myopic")
    assert perfect.pathway.present_value <= myopic.pathway.present_value * (1 + 1e-7)


@settings(max_examples=8)
@given(price=PRICES, capex=CAPEX, life=st.sampled_from([2, 4, 9]))
def test_where_nothing_changes_foresight_is_worth_nothing(
    price: float, capex: float, life: int
) -> None:
    size = f"max_kw: 80, capex_per_kw: {capex}, lifetime_years: {life}"
    text = sunny(size, "{2027: {}, 2030: {}, 2031: {}}", price=price)
    one, other = (pathway(text, foresight) for foresight in ("perfect", "myopic"))
    assert one.pathway.present_value == pytest.approx(other.pathway.present_value)
