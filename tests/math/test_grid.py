from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError, NoPlanError
from tests.support import bill, day, park, problem_of, solve_text, solved

LOAD = "load: {type: load, power_kw: 4}"


def test_import_and_export_are_priced_apart() -> None:
    """Proves: buys 4 at 1, then sells 10 − 4 at 0.5. Sensitivity: a price + 0.1 costs 4 × 0.1."""
    text = park(
        f"""
        {LOAD}
        pv: {{type: pv, power_kw: 10, output_per_kw: {day(0, 1)}}}
        grid: {{type: grid, import_price_per_kwh: 1, export_price_per_kwh: 0.5}}
        """
    )
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([4, 0])
    assert results.of("grid.export") == pytest.approx([0, 6])
    assert bill(results, "grid", "energy_import") == pytest.approx(4)
    assert bill(results, "grid", "energy_export") == pytest.approx(-3)
    assert results.cost == pytest.approx(1)
    dearer = solved(text.replace("import_price_per_kwh: 1,", "import_price_per_kwh: 1.1,"))
    assert dearer.cost - results.cost == pytest.approx(0.4)
    figures = results.details.set_index("name")["value"]
    assert (figures["highest_import"], figures["highest_export"]) == (4, 6)


def test_limits_of_import_and_export_by_the_hour() -> None:
    """Proves: export is cut to 5 and 2, import to 3: 1 kWh goes unserved. Sensitivity: + 1 kW sells 1."""
    text = park(
        f"""
        load: {{type: load, power_kw: {day(0, 0, 4)}, unserved_price_per_kwh: 9}}
        pv: {{type: pv, power_kw: 10, output_per_kw: {day(1, 1, 0)}}}
        grid:
          type: grid
          import_price_per_kwh: 1
          export_price_per_kwh: 0.5
          import_limit_kw: 3
          export_limit_kw: {day(5, 2)}
        """,
        hours=3,
    )
    results = solved(text)
    assert results.of("grid.export") == pytest.approx([5, 2, 0])
    assert results.of("grid.import") == pytest.approx([0, 0, 3])
    assert results.cost == pytest.approx(-3.5 + 3 + 9)
    wider = solved(text.replace("[5, 2,", "[5, 3,"))
    assert results.cost - wider.cost == pytest.approx(0.5)


def test_connection_limits_both_ways() -> None:
    """Proves: 3 kW in and 3 kW out; the tighter of connection and limit holds. Sensitivity: + 1 kW."""
    text = park(
        f"""
        load: {{type: load, power_kw: 4, unserved_price_per_kwh: 9}}
        pv: {{type: pv, power_kw: 10, output_per_kw: {day(0, 1)}}}
        grid:
          type: grid
          import_price_per_kwh: 1
          export_price_per_kwh: 0.5
          connection_kw: 3
          export_limit_kw: 5
        """
    )
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([3, 0])
    assert results.of("grid.export") == pytest.approx([0, 3])
    wider = solved(text.replace("connection_kw: 3", "connection_kw: 4"))
    assert results.cost - wider.cost == pytest.approx(8 + 0.5)


def test_connection_is_sized() -> None:
    """Proves: a kW costs 0.3 a year and earns 0.5 of export: 6 kW, the limit; then 4 for the load only.

    Sensitivity: at a price of 0.6 for a kW the connection is 4 kW, what the load needs.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: 4, unserved_price_per_kwh: 9}}
        pv: {{type: pv, power_kw: 10, output_per_kw: {day(0, 1)}}}
        grid:
          type: grid
          import_price_per_kwh: 1
          export_price_per_kwh: 0.5
          connection_kw: {{max_kw: 50, annual_cost_per_kw: 0.3}}
          export_limit_kw: 5
        """
    )
    results = solved(text)
    assert results.size("grid") == pytest.approx(5)
    assert bill(results, "grid", "investment") == pytest.approx(1.5)
    smaller = solved(text.replace("annual_cost_per_kw: 0.3", "annual_cost_per_kw: 0.6"))
    assert smaller.size("grid") == pytest.approx(4)


def test_demand_charge_bills_the_peak_of_each_month() -> None:
    """Proves: peaks of 20 kW in January and 30 kW in February at 2 a kW. Sensitivity: per month.

    Jan 31 22:00 and 23:00, Feb 1 0:00 and 1:00 local time.
    """
    load = ["10"] * 2 + ["0"] * 20 + ["5", "20"]
    load[0], load[1] = "30", "5"
    text = park(
        f"""
        load: {{type: load, power_kw: {{hourly: [{", ".join(load)}]}}}}
        grid: {{type: grid, import_price_per_kwh: 1, peak_price_per_kw_month: 2}}
        """,
        horizon="{start: 2025-01-31T22:00, hours: 4}",
    )
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([5, 20, 30, 5])
    assert results.monthly.index.to_list() == ["2025-01", "2025-02"]
    assert results.monthly["park.grid.peak"].to_list() == pytest.approx([20, 30])
    assert bill(results, "grid", "demand_charge") == pytest.approx(100)
    assert results.cost == pytest.approx(60 + 100)


def test_battery_shaves_the_peak() -> None:
    """Proves: a battery moves 5 kWh from the hour of 20 kW to that of 10 kW: the peak is 15.

    Sensitivity: with 2 kW of power the peak is 18.
    """
    text = park(
        f"""
        load: {{type: load, power_kw: {day(10, 20)}}}
        grid: {{type: grid, import_price_per_kwh: 1, peak_price_per_kw_month: 2}}
        battery:
          {{type: battery, energy_kwh: 50, power_kw: 9, charge_efficiency: 1, discharge_efficiency: 1}}
        """
    )
    results = solved(text)
    assert results.of("grid.import") == pytest.approx([15, 15])
    assert results.cost == pytest.approx(30 + 30)
    weaker = solved(text.replace("power_kw: 9", "power_kw: 2"))
    assert weaker.monthly["park.grid.peak"].to_list() == pytest.approx([18])


def test_wash_trade_is_noted_or_excluded() -> None:
    """Proves: bought at 1 and sold at 2 through one meter earns (10 − 4) × 2 − 10, which is noted;
    `exclusive` leaves the load's 4. Sensitivity: the binary costs 6.
    """
    text = park(
        f"""
        {LOAD}
        grid:
          type: grid
          import_price_per_kwh: 1
          export_price_per_kwh: 2
          connection_kw: 10
        """,
        hours=1,
    )
    results, audit = solve_text(text)
    audit.require()
    assert results.cost == pytest.approx(-2)
    assert any("grid imports and exports at once in 1 steps" in note for note in audit.notes)
    exclusive = text.replace("connection_kw: 10", "connection_kw: 10\n    exclusive: true")
    assert solved(exclusive).cost == pytest.approx(4)
    _, audit = solve_text(exclusive)
    assert audit.notes == ()


def test_exclusive_uses_the_limits_of_each_hour() -> None:
    """Proves: import ≤ 8, export ≤ 3 and 1, never both: hour 1 sells 3, hour 2 buys for the load.

    Sensitivity: the binary follows the sun.
    """
    text = park(
        f"""
        {LOAD}
        pv: {{type: pv, power_kw: 10, output_per_kw: {day(1, 0)}}}
        grid:
          type: grid
          import_price_per_kwh: 1
          export_price_per_kwh: 2
          import_limit_kw: 8
          export_limit_kw: {day(3, 1)}
          exclusive: true
        """
    )
    results = solved(text)
    assert results.of("grid.importing") == pytest.approx([0, 1])
    assert results.cost == pytest.approx(-6 + 4)


def test_unbounded_wash_trade_is_told() -> None:
    """Proves: without any limit the cost falls without end, and the error says so."""
    with pytest.raises(NoPlanError, match="fall without end"):
        solve_text(
            park(f"{LOAD}\ngrid: {{type: grid, import_price_per_kwh: 1, export_price_per_kwh: 2}}")
        )


def test_exclusive_without_bound_is_refused() -> None:
    """Proves: a big-M comes only from a declared bound."""
    with pytest.raises(InputError, match="`exclusive` needs a bound on the import"):
        problem_of(
            park(
                "grid: {type: grid, import_price_per_kwh: 1, exclusive: true, export_price_per_kwh: 1}"
            )
        )


def test_co2_of_import_and_credit_of_export() -> None:
    """Proves: 4 kWh × 0.6 kg, less 6 kWh × 0.2 kg. Sensitivity: both factors by the hour."""
    text = park(
        f"""
        {LOAD}
        pv: {{type: pv, power_kw: 10, output_per_kw: {day(0, 1)}}}
        grid:
          type: grid
          import_price_per_kwh: 1
          export_price_per_kwh: 0.5
          co2_kg_per_kwh: {day(0.6, 9)}
          export_co2_credit_kg_per_kwh: {day(9, 0.2)}
        """
    )
    results = solved(text)
    assert bill(results, "grid", "import", "co2") == pytest.approx(2.4)
    assert bill(results, "grid", "export_credit", "co2") == pytest.approx(-1.2)
    assert results.co2_kg == pytest.approx(1.2)


def test_grid_that_only_buys() -> None:
    """Proves: with an export price alone nothing can be bought; the surplus is sold.

    Sensitivity: 6 kWh at 0.5 an hour.
    """
    results = solved(
        park(
            f"""
            {LOAD}
            pv: {{type: pv, power_kw: 10, output_per_kw: 1}}
            grid: {{type: grid, export_price_per_kwh: 0.5}}
            """
        )
    )
    assert "park.grid.import" not in results.series
    assert results.cost == pytest.approx(-6)
