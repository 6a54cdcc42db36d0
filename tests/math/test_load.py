from __future__ import annotations

import pytest

from tests.support import bill, day, park, shadow_price, solve_text, solved

GRID = "grid: {type: grid, import_price_per_kwh: 0.5}"


def test_every_kwh_of_the_load_is_bought() -> None:
    """Proves: import equals load, cost = 0.5 × (10 + 20). Sensitivity: a load of 1 kW more costs 0.5."""
    results = solved(park(f"load: {{type: load, power_kw: {day(10, 20)}}}\n{GRID}"))
    assert results.of("grid.import") == pytest.approx([10, 20])
    assert results.cost == pytest.approx(15)
    assert results.total("demand") == pytest.approx(30)
    assert results.prices["park.electricity"].to_numpy() == pytest.approx([0.5, 0.5])


def test_two_loads_add_up() -> None:
    """Proves: loads of one member share one balance. Sensitivity: leaving one out saves its share."""
    results = solved(
        park(f"office: {{type: load, power_kw: 4}}\nplant: {{type: load, power_kw: 6}}\n{GRID}")
    )
    assert results.of("grid.import") == pytest.approx([10, 10])
    assert results.cost == pytest.approx(10)


def test_unserved_load_costs_the_value_of_lost_load() -> None:
    """Proves: 4 kW beyond the import limit stay unserved at 5 each: 6 × 0.5 + 4 × 5 = 23.

    Sensitivity: an import limit one kW higher saves 5 − 0.5.
    """
    limited = "grid: {type: grid, import_price_per_kwh: 0.5, import_limit_kw: 6}"
    text = park(
        f"load: {{type: load, power_kw: 10, unserved_price_per_kwh: 5}}\n{limited}", hours=1
    )
    results = solved(text)
    assert results.of("load.unserved") == pytest.approx([4])
    assert bill(results, "load", "unserved") == pytest.approx(20)
    assert results.cost == pytest.approx(23)
    assert results.total("unserved") == pytest.approx(4)
    more = solved(text.replace("import_limit_kw: 6", "import_limit_kw: 7"))
    assert results.cost - more.cost == pytest.approx(4.5)


def test_load_is_shed_where_power_is_dearer_than_its_value() -> None:
    """Proves: unserved ≤ load, and chosen at 0.3 under a price of 0.5. Sensitivity: at 0.6 all is served."""
    text = f"load: {{type: load, power_kw: 10, unserved_price_per_kwh: 0.3}}\n{GRID}"
    results = solved(park(text, hours=1))
    assert results.of("load.unserved") == pytest.approx([10])
    assert results.cost == pytest.approx(3)
    served = solved(park(text.replace("0.3", "0.6"), hours=1))
    assert served.of("load.unserved") == pytest.approx([0])


def test_yearly_amount_is_spread_by_shape_and_share_of_the_year() -> None:
    """Proves: 8760 kWh a year are 2 kWh in 2 hours, split 1 : 3. Sensitivity: linear in `annual`."""
    text = park(
        f"""
        load: {{type: load, power_kw: {{annual: 8760, shape: {day(1, 3)}}}}}
        {GRID}
        """
    )
    assert solved(text).of("load.demand") == pytest.approx([0.5, 1.5])
    assert solved(text.replace("8760", "17.52 MWh")).of("load.demand") == pytest.approx([1, 3])


def test_price_of_electricity_is_that_of_the_last_kwh() -> None:
    """Proves: 8 kW from a cheap source of 6 kW leave 2 kW at 0.5; one more kW costs 0.5, not 0.1.

    Sensitivity: a cheap source of 10 kW sets a price of 0.1.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 8}}
        {GRID}
        cheap: {{type: supply, carrier: electricity, price_per_kwh: 0.1, limit_kw: 6}}
        """,
        hours=1,
    )
    results = solved(text)
    assert results.cost == pytest.approx(0.6 + 1.0)
    assert results.prices["park.electricity"].to_list() == pytest.approx([0.5])
    plenty = solved(text.replace("limit_kw: 6", "limit_kw: 10"))
    assert plenty.prices["park.electricity"].to_list() == pytest.approx([0.1])
    with pytest.raises(ValueError, match="not enough values"):
        shadow_price(results, "co2_cap")


def test_audit_passes_and_says_what_it_checked() -> None:
    """Proves: demand, balance and ledger are among the checks of the smallest park."""
    _, audit = solve_text(park(f"load: {{type: load, power_kw: 1}}\n{GRID}"))
    checked = {(check.subject, check.what) for check in audit.checks}
    assert ("park.load", "demand drawn") in checked
    assert ("park.electricity", "what is supplied equals what is drawn") in checked
    assert ("park", "ledger = objective") in checked
