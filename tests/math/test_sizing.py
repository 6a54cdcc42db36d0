"""Sizes: given, chosen, existing, whole units, one-off cost; and what a year of them costs."""

from __future__ import annotations

import pytest

from tests.support import FINANCE, bill, day, park, solved


def sized(size: str, *, price: float = 1, load: float = 10, finance: str = FINANCE) -> str:
    """Return one hour of a load that a lossless boiler of some size or the district serves."""
    return park(
        f"""
        heat: {{type: heat_demand, power_kw: {load}}}
        district: {{type: supply, carrier: heat, price_per_kwh: {price}}}
        gas: {{type: supply, carrier: gas, price_per_kwh: 0}}
        boiler: {{type: gas_boiler, efficiency: 1, power_kw: {size}}}
        """,
        hours=1,
        finance=finance,
    )


def test_given_size_is_bought_beyond_what_exists() -> None:
    """Proves: 8 kW given, 3 existing: 5 × 20/10 = 10 a year, O&M on all 8. Sensitivity: existing + 1."""
    size = "{fixed_kw: 8, existing_kw: 3, capex_per_kw: 20, lifetime_years: 10, fixed_om_per_kw_year: 0.5}"
    text = sized(size)
    results = solved(text)
    assert bill(results, "boiler", "investment") == pytest.approx(10)
    assert bill(results, "boiler", "fixed_om") == pytest.approx(4)
    assert results.cost == pytest.approx(2 + 10 + 4)
    (row,) = results.sizes.to_dict("records")
    assert (row["total"], row["new"], row["existing"]) == (8, 5, 3)
    assert (row["capex"], row["annual_cost"], row["fixed_om"]) == (100, 10, 4)
    assert not row["chosen"]
    more = solved(text.replace("existing_kw: 3", "existing_kw: 4"))
    assert results.cost - more.cost == pytest.approx(2)


def test_a_plain_number_exists_already() -> None:
    """Proves: `power_kw: 8` costs nothing. Sensitivity: 2 kWh from the district remain."""
    results = solved(sized("8"))
    assert results.cost == pytest.approx(2)
    assert results.sizes["new"].to_list() == [0]


def test_range_grows_to_what_pays_or_to_its_maximum() -> None:
    """Proves: at 0.8 a year against 1 an hour: all 10 kW, or the maximum of 7. Sensitivity: at 1.2, 0."""
    size = "{max_kw: %s, capex_per_kw: %s, lifetime_years: 10}"
    assert solved(sized(size % (50, 8))).size("boiler") == pytest.approx(10)
    limited = solved(sized(size % (7, 8)))
    assert limited.size("boiler") == pytest.approx(7)
    assert limited.cost == pytest.approx(7 * 0.8 + 3)
    assert solved(sized(size % (50, 12))).size("boiler") == pytest.approx(0)


def test_minimum_is_a_total() -> None:
    """Proves: at least 6 kW in all, 2 of which exist: 4 × 1.2 + 4. Sensitivity: minimum + 1 costs 0.2."""
    size = "{min_kw: 6, existing_kw: 2, max_kw: 50, capex_per_kw: 12, lifetime_years: 10}"
    results = solved(sized(size))
    assert results.size("boiler") == pytest.approx(6)
    assert results.cost == pytest.approx(4 * 1.2 + 4)
    assert solved(sized(size.replace("min_kw: 6", "min_kw: 7"))).cost == pytest.approx(9.0)


def test_existing_capacity_is_kept() -> None:
    """Proves: 4 kW exist and stay, though dear to keep: O&M of 3 a kW is paid. Sensitivity: + 1 kW."""
    size = "{existing_kw: 4, max_kw: 50, capex_per_kw: 12, lifetime_years: 10, fixed_om_per_kw_year: 3}"
    results = solved(sized(size))
    assert results.size("boiler") == pytest.approx(4)
    assert results.cost == pytest.approx(6 + 12)


def test_unlimited_size() -> None:
    """Proves: a price alone makes a size chosen and unlimited. Sensitivity: the load sets it."""
    results = solved(sized("{capex_per_kw: 8, lifetime_years: 10}", load=12345))
    assert results.size("boiler") == pytest.approx(12345)


@pytest.mark.parametrize(("once", "size", "cost"), [(10, 10, 9), (19, 10, 9.9), (21, 0, 10)])
def test_one_off_cost_is_paid_once_or_not_at_all(once: float, size: float, cost: float) -> None:
    """Proves: 10 kW cost 8 a year and a tenth of the one-off sum, against 10 from the district.

    Sensitivity: the switch lies at a one-off sum of 20.
    """
    text = sized(f"{{max_kw: 50, capex_per_kw: 8, fixed_capex: {once}, lifetime_years: 10}}")
    results = solved(text)
    assert results.size("boiler") == pytest.approx(size, abs=1e-9)
    assert results.cost == pytest.approx(cost)
    assert results.run.kind == "MILP"


def test_one_off_cost_of_a_given_size() -> None:
    """Proves: what exists has paid it, what is bought pays it: 5 × 0.8 + 2. Sensitivity: 0 and 2."""
    size = "{fixed_kw: 5, existing_kw: %s, capex_per_kw: 8, fixed_capex: 20, lifetime_years: 10}"
    assert bill(solved(sized(size % 0)), "boiler", "investment") == pytest.approx(4 + 2)
    assert bill(solved(sized(size % 5)), "boiler", "investment") == 0.0


@pytest.mark.parametrize(
    ("existing", "total", "cost"),
    [
        (0, 8, 8 * 0.8 + 2),  # 12 kW would cost 9.6
        (1, 9, 8 * 0.8 + 1),  # units come on top of what exists
        (2, 10, 8 * 0.8),
    ],
)
def test_new_capacity_comes_in_whole_units(existing: float, total: float, cost: float) -> None:
    """Proves: existing + n × 4 kW. Sensitivity: each existing kW saves 1 from the district."""
    size = (
        f"{{existing_kw: {existing}, max_kw: 50, unit_kw: 4, capex_per_kw: 8, lifetime_years: 10}}"
    )
    results = solved(sized(size))
    assert results.size("boiler") == pytest.approx(total)
    assert results.cost == pytest.approx(cost)


def test_units_stay_below_the_maximum() -> None:
    """Proves: 4 kW units under 11 kW: two of them. Sensitivity: under 12 kW three."""
    size = "{max_kw: %s, unit_kw: 4, capex_per_kw: 5, lifetime_years: 10}"
    assert solved(sized(size % 11)).size("boiler") == pytest.approx(8)
    assert solved(sized(size % 12)).size("boiler") == pytest.approx(12)


# ------------------------------------------------------------------ what a year costs

RATE, LIFE, YEARS, CAPEX = 0.08, 15, 20, 100.0
CRF_LIFE = RATE / (1 - (1 + RATE) ** -LIFE)
CRF_PROJECT = RATE / (1 - (1 + RATE) ** -YEARS)
RESIDUAL = (30 - 20) / 15  # of the second unit, ten years before its end
PROJECT = CRF_PROJECT * (1 + 1.08**-15 - RESIDUAL * 1.08**-20)
HALF = CRF_PROJECT * (1 + 0.5 * 1.08**-15 - 0.5 * RESIDUAL * 1.08**-20)


@pytest.mark.parametrize(
    ("annuity", "extra", "factor"),
    [
        ("project", "", PROJECT),
        ("project", ", replacement_fraction: 0.5", HALF),
        ("lifetime", "", CRF_LIFE),
        ("straight_line", "", 1 / 15),
        ("project", ", annuity: lifetime", CRF_LIFE),
        ("straight_line", ", annuity: lifetime, discount_rate: 0", 1 / 15),
        ("lifetime", ", discount_rate: 4 %", 0.04 / (1 - 1.04**-15)),
    ],
)
def test_yearly_cost_of_capex(annuity: str, extra: str, factor: float) -> None:
    """Proves: capital recovery factors from their definition (NREL/TP-462-5173), by hand above.

    Sensitivity: each rule has its own factor, 0.067 to 0.117; the size's own rule and rate win.
    """
    finance = (
        f"{{discount_rate: 8 %, project_years: 20, annuity: {annuity}, investment_scaling: full}}"
    )
    size = f"{{fixed_kw: 10, capex_per_kw: 10, lifetime_years: 15{extra}}}"
    results = solved(sized(size, finance=finance))
    assert bill(results, "boiler", "investment") == pytest.approx(CAPEX * factor)
    assert results.sizes["capex"].to_list() == [CAPEX]


def test_factors_are_the_published_ones() -> None:
    """Proves: the factors above agree with tables: CRF(8 %, 15) = 0.11683, CRF(8 %, 20) = 0.10185
    (e.g. Blank & Tarquin, Engineering Economy, compound interest tables for 8 %)."""
    assert pytest.approx(0.11683, abs=5e-6) == CRF_LIFE
    assert pytest.approx(0.10185, abs=5e-6) == CRF_PROJECT


def test_yearly_cost_given_instead_of_capex() -> None:
    """Proves: 0.8 a kW and year on new capacity only. Sensitivity: existing 4 kW are free."""
    results = solved(sized("{existing_kw: 4, max_kw: 50, annual_cost_per_kw: 0.8}"))
    assert bill(results, "boiler", "investment") == pytest.approx(6 * 0.8)
    assert results.sizes["capex"].to_list() == [0]


def test_upkeep_as_a_share_of_capex() -> None:
    """Proves: 2 % of the worth of all 10 kW, existing included, and of the one-off sum.

    0.02 × (10 × 8 + 10). Sensitivity: without the one-off sum 1.6.
    """
    size = (
        "{existing_kw: 4, max_kw: 50, capex_per_kw: 8, fixed_capex: 10, lifetime_years: 10, "
        "fixed_om_fraction: 2 %}"
    )
    results = solved(sized(size, price=3))
    assert results.size("boiler") == pytest.approx(10)
    assert bill(results, "boiler", "fixed_om") == pytest.approx(1.8)
    plain = solved(sized(size.replace("fixed_capex: 10, ", ""), price=3))
    assert bill(plain, "boiler", "fixed_om") == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("scaling", "share"),
    [("auto", 1 / 8760), ("full", 1.0), ("0.25", 0.25), ("1", 1.0), ("25 %", 0.25)],
)
def test_share_of_the_year_that_a_horizon_carries(scaling: str, share: float) -> None:
    """Proves: investment and fixed O&M of one hour are scaled alike; the size table stays yearly.

    Sensitivity: linear in the share.
    """
    finance = FINANCE.replace("full", scaling)
    size = "{fixed_kw: 10, capex_per_kw: 8760, lifetime_years: 10, fixed_om_per_kw_year: 876}"
    results = solved(sized(size, finance=finance))
    assert bill(results, "boiler", "investment") == pytest.approx(8760 * share)
    assert bill(results, "boiler", "fixed_om") == pytest.approx(8760 * share)
    assert results.sizes["annual_cost"].to_list() == pytest.approx([8760])


def test_two_sizes_of_one_asset_are_priced_apart() -> None:
    """Proves: energy and power of a battery have their own cost: 10 × 0.3 + 10 × 0.2."""
    results = solved(
        park(
            f"""
            load: {{type: load, power_kw: 10}}
            grid: {{type: grid, import_price_per_kwh: {day(1, 3)}}}
            battery:
              type: battery
              charge_efficiency: 1
              discharge_efficiency: 1
              energy_kwh: {{max_kwh: 50, annual_cost_per_kwh: 0.3}}
              power_kw: {{max_kw: 50, annual_cost_per_kw: 0.2}}
            """
        )
    )
    assert bill(results, "battery", "investment") == pytest.approx(5)
    assert results.sizes["annual_cost"].to_list() == pytest.approx([3, 2])
