"""Whatever is changed in results after the solve, the audit notices, and says where."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import AuditError
from tests.support import EXACT, day, park, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.audit import Audit
    from microgrid_opt.results import Results

PARK = park(
    f"""
    load: {{type: load, member: works, power_kw: {day(40, 10, 35)}, unserved_price_per_kwh: 9}}
    heat: {{type: heat_demand, member: works, power_kw: 20}}
    process: {{type: hydrogen_demand, member: works, flow_kg_per_hour: 0.1}}
    grid:
      type: grid
      member: works
      import_price_per_kwh: {day(0.9, 0.3, 0.9)}
      export_price_per_kwh: 0.1
      import_limit_kw: 30
      export_limit_kw: 9
      peak_price_per_kw_month: 1
      co2_kg_per_kwh: 0.6
      export_co2_credit_kg_per_kwh: 0.1
      exclusive: true
    gas: {{type: supply, member: works, carrier: gas, price_per_kwh: 0.4, co2_kg_per_kwh: 0.2}}
    truck: {{type: supply, member: works, carrier: hydrogen, price_per_kg: 40, yearly_limit_kg: 500}}
    pv:
      type: pv
      member: roof
      power_kw: {{existing_kw: 5, max_kw: 30, capex_per_kw: 1, fixed_capex: 2, lifetime_years: 25}}
      output_per_kw: {day(0.2, 0.9, 0.1)}
      variable_om_per_kwh: 0.01
    wind: {{type: wind, member: works, output_per_kw: 0.1, curtailable: false, curtailment_cost_per_kwh: 1,
      power_kw: {{max_kw: 6, unit_kw: 3, capex_per_kw: 0.2, fixed_om_fraction: 3 %, lifetime_years: 20}}}}
    cable: {{type: line, member: roof, to: works, power_kw: 30, efficiency: 0.9, variable_om_per_kwh: 0.001}}
    battery:
      type: battery
      member: works
      energy_kwh: {{existing_kwh: 2, max_kwh: 20, annual_cost_per_kwh: 0.01}}
      power_kw: {{max_kw: 10, capex_per_kw: 0.1, fixed_om_per_kw_year: 0.01, lifetime_years: 10}}
      charge_efficiency: 0.95
      discharge_efficiency: 0.9
      self_discharge_per_hour: 0.01
      min_fraction: 0.1
      exclusive: true
      discharge_cost_per_kwh: 0.02
    cell: {{type: electrolyser, member: works, power_kw: 9, consumption_kwh_per_kg: 50,
      heat_recovery_fraction: 0.1, variable_om_per_kg: 0.1}}
    tank: {{type: hydrogen_store, member: works, capacity_kg: 3, compression_kwh_per_kg: 1.5}}
    fuel_cell: {{type: fuel_cell, member: works, power_kw: 2, electric_efficiency: 0.5}}
    electric: {{type: electric_boiler, member: works, power_kw: 8, efficiency: 0.98}}
    boiler: {{type: gas_boiler, member: works, power_kw: 12, efficiency: 0.9, variable_om_per_kwh: 0.01}}
    vent: {{type: dump, member: works, carrier: heat, cost_per_unit: 0.01}}
    """,
    hours=3,
    members="{works: {}, roof: {}}",
    carbon="{price_per_t: 100, cap_t_per_year: 140}",
    targets="{min_renewable_share: 20 %, min_self_consumption: 30 %, max_export_share: 60 %}",
)
PROBLEM = problem_of(PARK)


@pytest.fixture(scope="module")
def honest() -> Results:
    results, checked = study.run(PROBLEM, EXACT)
    checked.require()
    return results


def failed(results: Results) -> Audit:
    """Return the audit of tampered results after asserting that it failed."""
    found = audit(results, PROBLEM)
    assert not found.passed
    with pytest.raises(AuditError, match=f"failed in {len(found.failures)} checks"):
        found.require()
    return found


def subjects(found: Audit) -> set[str]:
    return {check.subject for check in found.failures}


def cells(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, str]]:
    yield from ((row, name) for row in frame.index for name in names)


def changed(frame: pd.DataFrame, row: Any, column: str, value: Any) -> pd.DataFrame:
    copy = frame.copy()
    copy.loc[row, column] = value
    return copy


def test_the_park_uses_everything(honest: Results) -> None:
    """Proves: the mutations below meet a plan in which things happen: no asset stands still."""
    used = {key.rsplit(".", 1)[0] for key in honest.series if honest.series[key].abs().max() > 0}
    idle = {f"{PROBLEM.park.owner(key)}.{key}" for key in PROBLEM.park.assets} - used
    assert idle <= {"works.vent", "works.fuel_cell", "works.tank"}
    assert set(honest.caps["name"]) == {
        "truck.yearly_limit",
        "co2_cap",
        "renewable_share",
        "self_consumption",
        "export_share",
    }


def test_every_value_of_every_series(honest: Results) -> None:
    """Proves: one value of one series, changed by 0.5 kW, is found at its asset or balance, in its
    step. Sensitivity: 1e-5 of the scale is the tolerance, half a kilowatt is 10⁴ times that.
    """
    for key in honest.series.columns:
        member, asset, name = key.split(".")
        for row, stamp in enumerate(honest.series.index):
            before = float(honest.series[key].iloc[row])
            binary = name in {"importing", "charging"}
            after = 1.0 - before if binary else before + 0.5
            tampered = replace(honest, series=changed(honest.series, stamp, key, after))
            if binary:
                flows = {"importing": ("import", "export"), "charging": ("charge", "discharge")}
                if not any(honest.of(f"{asset}.{flow}")[row] for flow in flows[name]):
                    continue  # nothing flows either way
            found = failed(tampered)
            assert any(one == f"{member}.{asset}" for one in subjects(found)), key
            # What a store holds is checked where it comes from and where it goes to.
            places = {str(stamp), str(honest.series.index[(row + 1) % len(honest.series)])}
            assert any(check.where in places for check in found.failures), key


def test_a_gap_in_a_series(honest: Results) -> None:
    """Proves: NaN is never equal to anything."""
    for key in honest.series.columns:
        if key.rpartition(".")[2] in {"importing", "charging"}:
            continue
        stamp = honest.series.index[1]
        found = failed(replace(honest, series=changed(honest.series, stamp, key, np.nan)))
        assert key.rpartition(".")[0] in subjects(found)


def test_every_amount_of_the_ledger(honest: Results) -> None:
    """Proves: one entry changed by 1 is found by asset and category, and breaks the sum of costs."""
    for row, entry in honest.ledger.iterrows():
        amount = entry["amount"] + 1.0
        found = failed(replace(honest, ledger=changed(honest.ledger, row, "amount", amount)))
        assert f"{entry['member']}.{entry['asset']}" in subjects(found)
        named = f"ledger {entry['effect']} {entry['category']}"
        assert any(check.what == named for check in found.failures), named
        if entry["effect"] == "cost":
            assert "park" in subjects(found)


def test_an_entry_that_nobody_explains(honest: Results) -> None:
    """Proves: what no technology re-derives fails, even where the sum fits; a lost entry fails too."""
    extra = honest.ledger.iloc[[0]].assign(category="gift", amount=1.0)
    less = honest.ledger.iloc[[0]].assign(category="theft", amount=-1.0)
    more = pd.concat([honest.ledger, extra, less], ignore_index=True)
    found = failed(replace(honest, ledger=more))
    assert {"cost gift re-derived", "cost theft re-derived"} <= {c.what for c in found.failures}
    for row in honest.ledger.index:
        if honest.ledger.loc[row, "amount"]:
            failed(replace(honest, ledger=honest.ledger.drop(row)))


def test_every_number_of_a_size(honest: Results) -> None:
    """Proves: total, new, capex, yearly cost and upkeep of each size, changed by 1, are found."""
    for row, name in cells(honest.sizes, "total", "new", "capex", "annual_cost", "fixed_om"):
        value = honest.sizes.loc[row, name] + 1.0
        found = failed(replace(honest, sizes=changed(honest.sizes, row, name, value)))
        owner = honest.sizes.loc[row, "member"] + "." + honest.sizes.loc[row, "asset"]
        assert owner in subjects(found), (owner, name)
    found = failed(replace(honest, sizes=honest.sizes.iloc[1:]))
    assert any("table of sizes" in check.what for check in found.failures)


def test_every_factor_of_a_flow(honest: Results) -> None:
    """Proves: a factor 1 % off, where 1 kW or more flows, breaks the balance and the asset's own check."""
    for row, flow in honest.flows.iterrows():
        size = np.abs(honest.series[flow["column"]]).max()
        if size * flow["factor"] < 1.0:
            continue
        found = failed(
            replace(honest, flows=changed(honest.flows, row, "factor", flow["factor"] * 1.01))
        )
        assert f"{flow['place']}.{flow['carrier']}" in subjects(found)
        assert flow["column"].rpartition(".")[0] in subjects(found)


def test_the_sign_and_the_role_of_a_flow(honest: Results) -> None:
    """Proves: a sign that is wrong breaks the balance; a role that is wrong, the table of energy."""
    for row, flow in honest.flows.iterrows():
        if np.abs(honest.series[flow["column"]]).max() * flow["factor"] > 0.01:
            failed(replace(honest, flows=changed(honest.flows, row, "sign", -flow["sign"])))
        found = failed(replace(honest, flows=changed(honest.flows, row, "role", "wrong")))
        assert any("table of energy" in check.what for check in found.failures)


def test_every_number_of_the_energy_table(honest: Results) -> None:
    """Proves: supplied and drawn, in the carrier's unit and in kWh, are re-derived."""
    names = ("supplied", "drawn", "supplied_kwh", "drawn_kwh")
    for row, name in cells(honest.energy, *names):
        value = honest.energy.loc[row, name] + 1.0
        found = failed(replace(honest, energy=changed(honest.energy, row, name, value)))
        (subject,) = subjects(found)
        assert subject == honest.energy.loc[row, "place"] + "." + honest.energy.loc[row, "asset"]


def test_the_peak_that_is_billed(honest: Results) -> None:
    """Proves: a peak below or above the highest import is found."""
    for shift in (-1.0, 1.0):
        monthly = honest.monthly + shift
        found = failed(replace(honest, monthly=monthly))
        assert subjects(found) == {"works.grid"}


@pytest.mark.parametrize("column", ["limit", "value"])
def test_every_cap(honest: Results, column: str) -> None:
    """Proves: limit and value of each cap are re-derived from the park, not believed."""
    for row, cap in honest.caps.iterrows():
        value = cap[column] * 1.01 + 0.01
        found = failed(replace(honest, caps=changed(honest.caps, row, column, value)))
        assert [check.what for check in found.failures] == [
            f"{column} of {cap['name'].rpartition('.')[2]}"
        ]


def test_caps_lost_and_invented(honest: Results) -> None:
    """Proves: each limit of the park stands in the table, and nothing else does."""
    for row in honest.caps.index:
        found = failed(replace(honest, caps=honest.caps.drop(row)))
        assert "stands in the table of caps" in found.failures[0].what
    extra = changed(honest.caps, 0, "name", "speed")
    found = failed(replace(honest, caps=extra))
    assert any(check.what == "cap speed re-derived" for check in found.failures)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("cap_t_per_year: 140", "cap_t_per_year: 100", "co2_cap kept"),
        ("min_renewable_share: 20 %", "min_renewable_share: 90 %", "renewable_share kept"),
        ("yearly_limit_kg: 500", "yearly_limit_kg: 1", "yearly_limit kept"),
        ("import_limit_kw: 30", "import_limit_kw: 10", "import limit"),
        ("min_fraction: 0.1", "min_fraction: 0.9", "depth of discharge"),
        ("max_kw: 10", "max_kw: 1", "power size most"),
        ("unit_kw: 3", "unit_kw: 4", "power whole units"),
        ("existing_kw: 5", "existing_kw: 29.9", "ledger cost investment"),
        ("30, efficiency: 0.9,", "30, efficiency: 0.8,", "forward arrives"),
        ("charge_efficiency: 0.95", "charge_efficiency: 0.9", "state of charge follows the flows"),
        ("price_per_t: 100", "price_per_t: 101", "ledger cost co2_price"),
        ("member: works, power_kw: 20", "member: works, power_kw: 21", "demand drawn"),
        ("project_years: 10", "project_years: 11", None),
        ("hours: 3", "hours: 4", "the steps"),
        ("start: 2025-03-03", "start: 2025-03-04", "the steps"),
        ("hours: 3}", "hours: 3, weight: 2}", "the steps"),
        ("wind: {type: wind,", "wind2: {type: wind,", "the table of sizes"),
    ],
)
def test_results_of_another_park(honest: Results, old: str, new: str, what: str | None) -> None:
    """Proves: results are held against the park that they are said to belong to.

    Sensitivity: the project's life does not matter to a straight line, and passes.
    """
    assert PARK.count(old) == 1
    problem = problem_of(PARK.replace(old, new))
    found = audit(honest, problem)
    if what is None:
        assert found.passed
    else:
        assert any(check.what.startswith(what) for check in found.failures), found.failures
