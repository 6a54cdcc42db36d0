"""The bill of a plan, hand-solved: its rows, its sums against the ledger, its way through a folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from microgrid_opt.bill.beside import connections, is_levelised
from microgrid_opt.bill.of_plan import COLUMNS, METER
from microgrid_opt.store import open_plan, save
from tests.billing import charges, grid_text
from tests.support import day, park, planned, solved

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.results import Results

MONTHS = "{start: 2025-01-31T22:00, hours: 4}"
"""Two hours of January and two of February."""
LOADS = '{"hourly": [4, 8, ' + ", ".join(["0"] * 20) + ", 1, 2]}"
"""1 and 2 kW in January, 4 and 8 kW in February."""


def energy(price: float, **keys: Any) -> dict[str, Any]:
    return {"type": "energy", "price_per_kwh": price, **keys}


def billed(components: Any, *, more: str = "", **keys: Any) -> Results:
    """Return the optimum of 3 kWh in January and 12 kWh in February under a tariff."""
    assets = f"load: {{type: load, power_kw: {LOADS}}}\n{more}\n"
    of = components if "components" in components else {"components": components}
    return solved(park(assets + grid_text(of, **keys), horizon=MONTHS))


def rows(results: Results, component: str, *, kind: str | None = None) -> dict[str, list[Any]]:
    """Return the columns of a component's rows."""
    bill = results.bill
    mine = bill[(bill["component"] == component) & (bill["kind"] != METER)]
    if kind is not None:
        mine = bill[(bill["component"] == component) & (bill["kind"] == kind)]
    return {str(name): mine[name].tolist() for name in mine.columns}


def sums(results: Results, asset: str = "grid") -> dict[str, float]:
    """Return the bill's sum by component."""
    bill = results.bill
    mine = bill[(bill["asset"] == asset) & (bill["kind"] != METER)]
    return {str(key): float(v) for key, v in mine.groupby("component")["amount"].sum().items()}


def test_rows_of_a_tariff() -> None:
    """Proves: 3 kWh at 0.5 and 2 kW at 10 in January, 12 kWh and 8 kW in February, 7 a month, 10 % on
    the energy; what the meter reads costs nothing. Sensitivity: a price of a month in the other one.
    """
    results = billed(
        {
            "energy": energy(0.5, label="Power & light"),
            "demand": {"type": "demand", "price_per_kw_month": 10},
            "meter_rent": {"type": "fixed", "price_per_month": 7},
            "tax": {"type": "surcharge", "rate": 0.1, "charges": ["energy"]},
        }
    )
    assert tuple(results.bill.columns) == COLUMNS
    assert set(results.bill["month"]) == {"2025-01", "2025-02"}
    assert set(results.bill["asset"]) == {"grid"}
    assert set(results.bill["member"]) == {"park"}
    found = rows(results, "energy")
    assert found["quantity"] == pytest.approx([3, 12])
    assert found["amount"] == pytest.approx([1.5, 6])
    assert found["price"] == pytest.approx([0.5, 0.5])
    assert found["label"] == ["Power & light"] * 2
    assert found["unit"] == ["kWh"] * 2
    assert found["kind"] == ["energy"] * 2
    assert rows(results, "demand")["quantity"] == pytest.approx([2, 8])
    assert rows(results, "demand")["amount"] == pytest.approx([20, 80])
    assert rows(results, "meter_rent")["amount"] == [7, 7]
    assert np.isnan(rows(results, "meter_rent")["quantity"]).all()
    assert rows(results, "tax")["amount"] == pytest.approx([0.15, 0.6])
    assert np.isnan(rows(results, "tax")["price"]).all()
    assert rows(results, "tax")["label"] == ["tax"] * 2
    assert rows(results, "bought", kind=METER)["quantity"] == pytest.approx([3, 12])
    assert rows(results, "highest_import", kind=METER)["quantity"] == pytest.approx([2, 8])
    assert not results.bill.loc[results.bill["kind"] == METER, "amount"].any()
    assert results.bill["amount"].sum() == pytest.approx(results.cost)
    assert sums(results) == pytest.approx(charges(results))


def test_rows_of_plain_prices_on_unequal_weighted_steps() -> None:
    """Proves: 1, 2 and 0.5 h that count 2, 1 and 4 times: 3 kW are 2 + 2 + 2 hours, 18 kWh at 0.5; the
    peak is no energy and counts once; 4 kWh are sold. Sensitivity: without weights 10.5 kWh.
    """
    text = park(
        "load: {type: load, power_kw: 3}\n"
        "village: {type: grid, import_price_per_kwh: 0.5, peak_price_per_kw_month: 2}\n",
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5], weight: [2, 1, 4]}",
    )
    results = solved(text)
    assert rows(results, "energy_import")["quantity"] == pytest.approx([18])
    assert rows(results, "energy_import")["amount"] == pytest.approx([9])
    assert rows(results, "demand_charge")["quantity"] == pytest.approx([3])
    assert rows(results, "demand_charge")["amount"] == pytest.approx([6])
    assert sums(results, "village") == pytest.approx(charges(results, "village"))
    assert results.bill["amount"].sum() == pytest.approx(results.cost)


def test_what_is_sold_is_negative() -> None:
    """Proves: 2 h of 5 kW of must-take output beyond a load of 3 kW: 4 kWh sold at 0.2, beside a
    tariff as well as beside a plain price."""
    for side in (
        "import_price_per_kwh: 1",
        "tariff: {components: {a: {type: energy, price_per_kwh: 1}}}",
    ):
        results = solved(
            park(
                "load: {type: load, power_kw: 3}\n"
                "sun: {type: must_run, power_kw: 5, output_per_kw: 1}\n"
                f"grid: {{type: grid, {side}, export_price_per_kwh: 0.2}}\n"
            )
        )
        found = rows(results, "energy_export")
        assert found["quantity"] == pytest.approx([4])
        assert found["amount"] == pytest.approx([-0.8])
        assert found["price"] == pytest.approx([-0.2])
        assert rows(results, "sold", kind=METER)["quantity"] == pytest.approx([4])


CHOICE = {
    "choices": {"basic": {"options": ["by_size", "by_peak"], "period": "month"}},
    "components": {
        "energy": energy(1),
        "size": {"type": "capacity", "option": "by_size", "price_per_kva_month": 1},
        "peak": {"type": "demand", "option": "by_peak", "price_per_kw_month": 2},
    },
}


def test_options_are_billed_where_they_are_taken() -> None:
    """Proves: 10 kVA at 1 against 2 and 8 kW at 2: by peak in January (4), by size in February (10).

    Sensitivity: with transformers of 100 kVA the size is never billed, and has no rows.
    """
    results = billed(CHOICE, transformer_kva=10)
    assert rows(results, "peak")["amount"] == pytest.approx([4, 0])
    assert rows(results, "peak")["quantity"] == pytest.approx([2, 0])
    assert rows(results, "size")["amount"] == pytest.approx([0, 10])
    assert rows(results, "size")["unit"] == ["kVA"] * 2
    assert sums(results) == pytest.approx(charges(results))
    large = billed(CHOICE, transformer_kva=100)
    assert set(sums(large)) == {"energy", "peak"}


def test_a_contract_is_read_beside_the_meter() -> None:
    """Proves: 3 kW contracted are billed with what lies beyond: 3 and 3 + 5 kW, at 1 and 2."""
    of = {"agreed": {"type": "contract_demand", "price_per_kw_month": 1}, "energy": energy(0.1)}
    results = billed(of, contract_kw=3)
    assert rows(results, "agreed")["quantity"] == pytest.approx([3, 8])
    assert rows(results, "agreed")["amount"] == pytest.approx([3, 13])
    assert rows(results, "contracted", kind=METER)["quantity"] == [3, 3]
    assert sums(results) == pytest.approx(charges(results))


def test_standby_and_settlement_tell_what_they_charge() -> None:
    """Proves: 6 kW of standby at 2 a month; half of 4 + 4 kWh sold is settled at 0.3 less 0.1."""
    of: dict[str, Any] = {
        "standby": {"type": "standby", "price_per_kw_month": 2},
        "settled": {
            "type": "contract_for_difference",
            "share": 0.5,
            "strike_price_per_kwh": 0.3,
            "reference_price_per_kwh": 0.1,
        },
        "energy": energy(1),
    }
    sun = f"sun: {{type: must_run, power_kw: 12, output_per_kw: {day(8 / 12, 1)}}}"
    results = billed(of, more=sun, contract={"standby_kw": 6}, import_limit_kw=9, export_limit_kw=9)
    assert rows(results, "standby")["quantity"] == [6, 6]
    assert rows(results, "standby")["price"] == pytest.approx([2, 2])
    assert rows(results, "settled")["quantity"] == pytest.approx([0, 4])
    assert rows(results, "settled")["amount"] == pytest.approx([0, -0.8])
    assert sums(results) == pytest.approx(charges(results))


def test_a_minimum_bill_keeps_the_sum() -> None:
    """Proves: at least 10 a month: 10 in January, 12 in February, in the bill as in the ledger."""
    of = {"energy": energy(1), "least": {"type": "minimum_bill", "amount_per_month": 10}}
    results = billed(of)
    assert rows(results, "energy")["amount"] == pytest.approx([3, 12])
    assert rows(results, "least")["amount"] == pytest.approx([7, 0])
    assert sum(sums(results).values()) == pytest.approx(results.cost)


def test_growth_and_tax_are_not_on_the_bill() -> None:
    """Proves: the bill is at the prices of the year, where the ledger counts 20 % of tax on top."""
    text = park(
        "load: {type: load, power_kw: 3}\ngrid: {type: grid, import_price_per_kwh: 1}",
        finance="{discount_rate: 0, project_years: 10, vat: {fraction: 0.2, added_to: [grid]}}",
    )
    results = solved(text)
    assert charges(results)["energy_import"] == pytest.approx(7.2)
    assert sums(results)["energy_import"] == pytest.approx(6)
    assert is_levelised(results.ledger, "grid")
    assert not is_levelised(results.ledger, "load")


REFERENCE = """
load: {type: load, power_kw: 10}
grid:
  type: grid
  label: Public grid
  tariff: {components: {energy: {type: energy, price_per_kwh: 1}}}
pv:
  type: pv
  power_kw: {max_kw: 4, capex_per_kw: 0.1, lifetime_years: 10}
  output_per_kw: 1
"""


def test_the_reference_plan_has_a_bill_of_its_own(tmp_path: Path) -> None:
    """Proves: 4 kW of PV take 8 of 20 kWh off the bill; both bills come back from a folder."""
    plan = planned(park(REFERENCE))
    assert plan.reference is not None
    assert sums(plan.results) == pytest.approx({"energy": 12})
    assert sums(plan.reference) == pytest.approx({"energy": 20})
    save(plan, tmp_path / "run")
    again = open_plan(tmp_path / "run")
    assert again.reference is not None
    pd.testing.assert_frame_equal(again.results.bill, plan.results.bill)
    pd.testing.assert_frame_equal(again.reference.bill, plan.reference.bill)
    stored = pd.read_parquet(tmp_path / "run" / "tables" / "bill.parquet")
    assert stored["amount"].sum() == pytest.approx(12)
    assert (tmp_path / "run" / "reference" / "tables" / "bill.parquet").is_file()


def test_bills_beside_one_another() -> None:
    """Proves: components and readings of both plans by month; a plan without the connection pays 0."""
    plan = planned(park(REFERENCE))
    assert plan.reference is not None
    (held,) = connections([plan.results.bill, plan.reference.bill])
    assert held.has_tariff
    assert held.months == ("2025-03",)
    (line,) = held.components
    assert line.sums == pytest.approx([12, 20])
    assert line.counted == pytest.approx([12, 20])
    assert [side.tolist() for side in held.monthly] == [pytest.approx([12]), pytest.approx([20])]
    highest = held.reading("highest_import")
    assert highest is not None
    assert highest.counted == pytest.approx([6, 10])
    assert held.reading("contracted") is None
    nothing = plan.reference.bill.iloc[:0]
    (alone,) = connections([plan.results.bill, nothing])
    assert alone.components[0].sums == pytest.approx([12, 0])
    assert np.isnan(alone.components[0].counted[1])
    assert connections([nothing, nothing]) == []


def test_a_park_without_connection_has_an_empty_bill(tmp_path: Path) -> None:
    plan = planned(
        park(
            "load: {type: load, power_kw: 1}\nsun: {type: must_run, power_kw: 1, output_per_kw: 1}"
        )
    )
    assert plan.results.bill.empty
    assert tuple(plan.results.bill.columns) == COLUMNS
    save(plan, tmp_path / "run")
    assert open_plan(tmp_path / "run").results.bill.empty
    assert replace(plan.results).bill is plan.results.bill


def test_a_bill_says_who_gets_it() -> None:
    """Proves: demand goes to the network, a surcharge to the state, energy to the supplier, unless the
    component says otherwise; lines that cost nothing name nobody.
    Sensitivity: another default, or one that stands above what is said.
    """
    tariff = {
        "energy": energy(0.5),
        "grid_use": energy(0.1, recipient="network"),
        "demand": {"type": "demand", "price_per_kw_month": 10},
        "levy": {"type": "demand", "price_per_kw_month": 1, "recipient": "state"},
        "tax": {"type": "surcharge", "rate": 0.1, "charges": ["energy"]},
    }
    bill = billed(tariff).bill
    found = dict(zip(bill["component"], bill["recipient"], strict=True))
    assert {key: found[key] for key in tariff} == {
        "energy": "supplier",
        "grid_use": "network",
        "demand": "network",
        "levy": "state",
        "tax": "state",
    }
    assert set(bill.loc[bill["kind"] == METER, "recipient"]) == {""}
