"""Accounts of network, state and supplier, hand-solved, and statements that were tampered with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from microgrid_opt.trading.accounts import Accounts
from microgrid_opt.trading.settleaudit import audit_settlement
from microgrid_opt.trading.settlement import settle
from tests.trading.settling import planned

if TYPE_CHECKING:
    from microgrid_opt.trading.settlement import Settlement

SELLER = """
OWN_pv: {type: pv, member: OWN, power_kw: 100, output_per_kw: 1}
OWN_grid: {type: grid, member: OWN, export_price_per_kwh: 0.3, wheeling: {at: town}}
"""
BUYER = """
OWN_load: {type: load, member: OWN, power_kw: 80}
OWN_grid:
  type: grid
  member: OWN
  wheeling: {at: town}
  tariff:
    components:
      energy: {type: energy, price_per_kwh: 0.4}
      use: {type: energy, price_per_kwh: 0.15, recipient: network}
      funds: {type: energy, price_per_kwh: 0.05, recipient: state, retained_when_wheeled: true}
      demand: {type: demand, price_per_kw_month: 2}
"""
TOWN = """
network: {nodes: {town: {}}}
fees:
  wheeling: {method: value, price_per_kwh: 0.04}
  metering: {method: value, price_per_kwh: 0.01, paid_to: meter_company, paid_by: seller, label: Metering}
"""
TRADE = "g_grid_to_c_grid"


@pytest.fixture(scope="module")
def settlement() -> Settlement:
    """80 kWh traded for 32."""
    return settle(planned({"g": SELLER, "c": BUYER}, TOWN, payments={TRADE: 32.0}))


def test_accounts_before_and_after(settlement: Settlement) -> None:
    """Proves: the network loses 0.15 on 80 kWh, keeps the demand charge of 160 and gets the fee of 3.2; the
    state keeps its fund; the supplier loses the sale and buys 80 kWh less; the meter company gets 0.8, from
    the seller. Sensitivity: a component in another account, a demand charge that wheeling shaves.
    """
    audit_settlement(settlement).require()
    accounts = settlement.accounts
    assert accounts.names == ("supplier", "network", "state", "meter_company")
    totals = {
        name: (accounts.total(name, "before"), accounts.total(name, "after"))
        for name in accounts.names
    }
    assert totals["network"] == pytest.approx((12.0 + 160.0, 160.0 + 3.2))
    assert totals["state"] == pytest.approx((4.0, 4.0))
    assert totals["supplier"] == pytest.approx((32.0 - 30.0, -6.0))
    assert totals["meter_company"] == pytest.approx((0.0, 0.8))
    charged = settlement.monthly.set_index("member")["fees_paid"]
    assert charged.to_dict() == pytest.approx({"g": 0.8, "c": 3.2})


def test_what_members_pay_is_what_accounts_get(settlement: Settlement) -> None:
    """Proves: members' gains and accounts' changes cancel: here trade moves money and makes none.
    Sensitivity: an amount that leaves a member and reaches nobody.
    """
    gained = settlement.members["gain"].sum()
    changes = sum(settlement.accounts.total(name) for name in settlement.accounts.names)
    assert gained + changes == pytest.approx(0.0, abs=1e-9)


def _changed(frame: pd.DataFrame, column: str, by: float, row: int = 0) -> pd.DataFrame:
    values = frame[column].to_numpy(dtype=float).copy()
    values[row] += by
    return frame.assign(**{column: values})


@pytest.mark.parametrize(
    ("table", "column", "found"),
    [
        ("contracts", "payment", "payment by month"),
        ("contracts", "received_kwh", "received by month"),
        ("charges", "amount", "fees"),
        ("monthly", "bill", "bill after"),
        ("monthly", "bill_before", "bill before"),
        ("monthly", "total", "total of each month"),
        ("members", "paid", "sum to nothing"),
        ("members", "cost", "cost what the plan costs"),
        ("members", "gain", "gain"),
        ("gains", "gain", "parts of its gain"),
        ("gains", "after", "parts of its cost"),
    ],
)
def test_a_changed_number_is_found(
    settlement: Settlement, table: str, column: str, found: str
) -> None:
    """Proves: a number of a statement that is off by 1 fails the audit, by name.
    Sensitivity: a column that nobody re-derives.
    """
    assert audit_settlement(settlement).passed
    changes: dict[str, Any] = {table: _changed(getattr(settlement, table), column, 1.0)}
    wrong = replace(settlement, **changes)
    failed = audit_settlement(wrong).failures
    assert any(found in check.what or found in check.subject for check in failed), failed


def test_changed_accounts_trades_and_claims_are_found(settlement: Settlement) -> None:
    """Proves: an account, the energy of a trade, a retained charge, or a claim that is changed fails.
    Sensitivity: claims beyond what is delivered, or trades that their meters did not see.
    """
    items = _changed(settlement.accounts.items, "after", 1.0)
    accounts = Accounts(items, settlement.accounts.lost_kwh)
    energy = dict(settlement.energy)
    energy[TRADE] = {**energy[TRADE], "sent": energy[TRADE]["sent"] + 1.0}
    claims = {**settlement.green.claims, TRADE: settlement.green.claims[TRADE] + 1.0}
    kept = settlement.charges.copy()
    kept.loc[kept["item"] == "funds", "amount"] += 1.0
    twice = pd.concat([settlement.green.buckets, settlement.green.buckets.iloc[[0]]])
    for wrong, found in (
        (replace(settlement, accounts=accounts), "get what members pay"),
        (replace(settlement, energy=energy), "sends or receives its trades"),
        (replace(settlement, charges=kept), "retained funds"),
        (replace(settlement, green=replace(settlement.green, claims=claims)), "claimed within"),
        (replace(settlement, green=replace(settlement.green, buckets=twice)), "each kWh in one"),
    ):
        failed = audit_settlement(wrong).failures
        assert any(found in check.what for check in failed), (found, failed)


def test_a_member_that_cannot_be_alone_is_named(settlement: Settlement) -> None:
    """Proves: without a plan alone there is no gain to tell, and the accounts say whose bill is missing.
    Sensitivity: a gain against nothing.
    """
    plan = settlement.plan
    lone = replace(plan.alone["c"], results=None, cost=np.inf)
    found = settle(replace(plan, alone={**plan.alone, "c": lone}))
    audit_settlement(found).require()
    assert found.accounts.missing == ("c",)
    gains = found.members.set_index("member")["gain"]
    assert gains["c"] == np.inf
    assert np.isfinite(gains["g"])
