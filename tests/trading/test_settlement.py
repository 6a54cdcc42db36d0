"""Statements of trades, hand-solved: W1 and W1b, losses by bearer, banking, three members on lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from microgrid_opt.errors import InputError
from microgrid_opt.trading.settleaudit import audit_settlement
from microgrid_opt.trading.settlement import settle
from tests.trading.settling import planned

if TYPE_CHECKING:
    import pandas as pd

    from microgrid_opt.trading.settlement import Settlement

SELLER = """
OWN_pv: {type: pv, member: OWN, power_kw: 100000, output_per_kw: 1}
OWN_grid: {type: grid, member: OWN, export_price_per_kwh: 0.3, wheeling: {at: town}}
"""
BUYER = """
OWN_load: {type: load, member: OWN, power_kw: 80000}
OWN_grid: {type: grid, member: OWN, import_price_per_kwh: 0.65, wheeling: {at: town}}
"""
TOWN = """
network: {nodes: {town: {voltage_kv: 10}}}
fees: {wheeling: {method: value, price_per_kwh: 0.0379}}
rules: {loss_fraction: 0.02, loss_bearer: BEARER}
"""
TRADE = "g_grid_to_c_grid"
SENT, FEE = 80000 / 0.98, 80000 * 0.0379


def _w1(bearer: str = "buyer", price: float | None = None, buyer: str = BUYER) -> Settlement:
    prices = None if price is None else {TRADE: np.array([price])}
    plan = planned({"g": SELLER, "c": buyer}, TOWN.replace("BEARER", bearer), prices=prices)
    settlement = settle(plan)
    audit_settlement(settlement).require()
    return settlement


def _row(frame: pd.DataFrame, **where: Any) -> dict[str, Any]:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    (row,) = frame.to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_w1_at_the_middle_of_the_band() -> None:
    """Proves: with 100 MWh to sell at 300 and 80 MWh to serve at 650, a fee of 37.9 on what arrives and
    2 % lost, the middle of the band from 300 to 599.858 shares the gain of 24 478.20 in two halves of
    12 239.10. Sensitivity: a fee on what is sent, a price of what arrives, a loss borne by nobody.
    """
    price = (0.3 + 0.98 * (0.65 - 0.0379)) / 2
    settlement = _w1(price=price)
    contract = _row(settlement.contracts, trade=TRADE)
    assert contract["sent_kwh"] == pytest.approx(81632.653061, abs=1e-4)
    assert contract["received_kwh"] == pytest.approx(80000.0)
    assert contract["lost_buyer_kwh"] == pytest.approx(SENT - 80000.0)
    assert contract["payment"] == pytest.approx(price * SENT)
    assert contract["price_per_kwh"] == pytest.approx(price)
    assert contract["fees"] == pytest.approx(3032.0)
    gains = settlement.members.set_index("member")["gain"]
    assert gains.to_dict() == pytest.approx({"g": 12239.10, "c": 12239.10}, abs=0.01)
    parts = settlement.gains.set_index(["member", "part"])["gain"]
    assert parts["c", "energy_bought"] == pytest.approx(52000.0)
    assert parts["c", "fees_paid"] == pytest.approx(-3032.0)
    assert parts["g", "export"] == pytest.approx(-0.3 * SENT)
    assert parts["g", "payments"] == pytest.approx(price * SENT)
    assert parts["c", "payments"] == pytest.approx(-price * SENT)


def test_w1b_with_charges_that_stay_due() -> None:
    """Proves: with 127.473 of the 651.886 per MWh retained as funds and system fee, the ceiling is 486.513
    and the gain 14 431.24; the state keeps what it had, the network gains the fee, the supplier loses.
    Sensitivity: retained charges forgotten raise the gain by 70 %.
    """
    tariff = (
        "{components: {energy: {type: energy, price_per_kwh: 0.524413}, funds: {type: energy, "
        "price_per_kwh: 0.0452, recipient: state, retained_when_wheeled: true}, system: {type: energy, "
        "price_per_kwh: 0.082273, recipient: state, retained_when_wheeled: true}}}"
    )
    buyer = BUYER.replace("import_price_per_kwh: 0.65", f"tariff: {tariff}")
    ceiling = 0.98 * (0.651886 - 0.0379 - 0.127473)
    # The case has the price of the sellers' side on what is sent: 486.513 of what arrives.
    assert ceiling / 0.98 == pytest.approx(0.486513, abs=1e-6)
    settlement = _w1(price=ceiling, buyer=buyer)
    gains = settlement.members.set_index("member")["gain"]
    assert gains["g"] == pytest.approx(14431.24, abs=0.01)
    assert gains["c"] == pytest.approx(0.0, abs=1e-6)
    assert _row(settlement.contracts, trade=TRADE)["retained"] == pytest.approx(80000 * 0.127473)
    kept = settlement.charges[settlement.charges["kind"] == "retained"]
    kept = kept[kept["trade"] == TRADE].set_index("item")
    assert kept["amount"].to_dict() == pytest.approx({"funds": 3616.0, "system": 6581.84})
    assert set(kept["recipient"]) == {"state"}
    accounts = settlement.accounts
    assert accounts.total("state") == pytest.approx(0.0, abs=1e-6)
    assert accounts.total("state", "after") == pytest.approx(80000 * 0.127473)
    assert accounts.total("network") == pytest.approx(3032.0)
    assert accounts.total("supplier") == pytest.approx(0.3 * SENT - 80000 * 0.524413)
    parts = settlement.gains.set_index(["member", "part"])["gain"]
    assert parts["c", "energy_bought"] == pytest.approx(52150.88)
    assert parts["c", "retained"] == pytest.approx(-10197.84)


@pytest.mark.parametrize(
    ("bearer", "paid", "lost"),
    [
        ("buyer", SENT, ("lost_buyer_kwh", SENT - 80000)),
        ("seller", 80000, ("lost_seller_kwh", SENT - 80000)),
        ("split", (SENT + 80000) / 2, ("lost_seller_kwh", (SENT - 80000) / 2)),
        ("network", 80000, ("lost_network_kwh", 1600)),
    ],
)
def test_losses_by_bearer(bearer: str, paid: float, lost: tuple[str, float]) -> None:
    """Proves: at 0.4 the buyer pays for the 81 633 kWh sent, for the 80 000 that arrive, for the mean, or
    for the 80 000 that the network delivers in full while 2 % of them are its own loss.
    Sensitivity: a bearer who pays for another quantity.
    """
    settlement = _w1(bearer, price=0.4)
    contract = _row(settlement.contracts, trade=TRADE)
    assert contract["paid_kwh"] == pytest.approx(paid)
    assert contract["payment"] == pytest.approx(0.4 * paid)
    assert contract[lost[0]] == pytest.approx(lost[1])
    assert settlement.accounts.lost_kwh == pytest.approx(1600.0 if bearer == "network" else 0.0)


def test_a_sum_without_a_price_and_the_statement_by_month() -> None:
    """Proves: 6000 agreed for a whole trade of one hour in May and one in June, 10 kWh then 30, is 1500
    and 4500; each month's total is the bill, plus fees, plus what is paid.
    Sensitivity: a payment by hours, a month that takes the other's fee.
    """
    shape = "{hourly: [30, " + ", ".join(["0"] * 22) + ", 10]}"
    seller = "\nOWN_run: {type: pv, member: OWN, power_kw: 1, output_per_kw: SHAPE}\nOWN_meter: {type: access, member: OWN, wheeling: {at: town}}\n"
    buyer = "\nOWN_load: {type: load, member: OWN, power_kw: SHAPE}\nOWN_grid: {type: grid, member: OWN, import_price_per_kwh: 1, connection_kw: 500, peak_price_per_kw_month: 2, wheeling: {at: town}}\n"
    plan = planned(
        {"g": seller.replace("SHAPE", shape), "c": buyer.replace("SHAPE", shape)},
        "network: {nodes: {town: {}}}\nfees: {use: {method: value, price_per_kwh: 0.1}}",
        start="2025-05-31T23:00",
        horizon="hours: 2",
        payments={"g_meter_to_c_grid": 6000.0},
    )
    settlement = settle(plan)
    audit_settlement(settlement).require()
    months = settlement.monthly[settlement.monthly["member"] == "c"].set_index("month")
    assert months["paid"].to_dict() == pytest.approx({"2025-05": 1500.0, "2025-06": 4500.0})
    assert months["fees_paid"].to_dict() == pytest.approx({"2025-05": 1.0, "2025-06": 3.0})
    # Demand charges are those of all that is withdrawn: as before.
    assert months["bill_before"].to_dict() == pytest.approx({"2025-05": 30.0, "2025-06": 90.0})
    assert months["bill"].to_dict() == pytest.approx({"2025-05": 20.0, "2025-06": 60.0})
    assert months["total"].to_dict() == pytest.approx({"2025-05": 1521.0, "2025-06": 4563.0})
    hours = settlement.hourly("g_meter_to_c_grid")
    assert hours["payment"].tolist() == pytest.approx([1500.0, 4500.0])
    assert hours["fee_use"].tolist() == pytest.approx([1.0, 3.0])


def test_banking_and_its_fee() -> None:
    """Proves: 10 kWh sent in hour one and used in hour two lose a tenth in the bank, cost 0.05 each to
    bank and 0.1 each to wheel; the seller is paid for what it sent, the network gets both fees.
    Sensitivity: a banking fee that nobody gets, or that the seller pays.
    """
    seller = """
    OWN_run: {type: pv, member: OWN, power_kw: 10, output_per_kw: {hourly: [1, RESTZ]}}
    OWN_meter: {type: access, member: OWN, wheeling: {at: town}}
    """.replace("RESTZ", ", ".join(["0"] * 23))
    buyer = """
    OWN_load: {type: load, member: OWN, power_kw: {hourly: [0, 20, RESTZ]}}
    OWN_grid: {type: grid, member: OWN, import_price_per_kwh: 1, connection_kw: 500, wheeling: {at: town}}
    """.replace("RESTZ", ", ".join(["0"] * 22))
    trading = """
    network: {nodes: {town: {}}}
    fees: {use: {method: value, price_per_kwh: 0.1}}
    rules: {window: day, bank_fee_per_kwh: 0.05, bank_loss_fraction: 0.1}
    """
    trade = "g_meter_to_c_grid"
    plan = planned({"g": seller, "c": buyer}, trading, horizon="hours: 2", payments={trade: 4.0})
    settlement = settle(plan)
    audit_settlement(settlement).require()
    contract = _row(settlement.contracts, trade=trade)
    used = 10.0 / 1.1
    assert contract["sent_kwh"] == pytest.approx(10.0)
    assert contract["received_kwh"] == pytest.approx(used)
    assert contract["fees"] == pytest.approx(0.15 * used)
    assert contract["lost_buyer_kwh"] == pytest.approx(10.0 - used)
    fees = settlement.charges[settlement.charges["trade"] == trade].set_index("item")
    assert list(fees.loc["bank_fee", ["payer", "recipient"]]) == ["c", "network"]
    assert settlement.accounts.total("network") == pytest.approx(0.15 * used)
    gains = settlement.members.set_index("member")["gain"]
    assert gains.to_dict() == pytest.approx({"g": 4.0, "c": 0.85 * used - 4.0})


LINES = """
form: FORM
network:
  nodes: {low: {voltage_kv: 10}, bus: {voltage_kv: 35}, far: {voltage_kv: 10}}
  lines: {up: {from: low, to: bus}, down: {from: bus, to: far}}
fees:
  wheeling: {method: formula, energy_price_per_kwh: {"10": 0.1263, "35": 0.1065}}
  fund: {method: value, price_per_kwh: 0.01, paid_to: state}
  service: {method: value, price_per_kwh: 0.002, paid_to: b}
"""
A = """
OWN_pv: {type: pv, member: OWN, power_kw: 100, output_per_kw: 1}
OWN_meter: {type: access, member: OWN, wheeling: {at: low}}
"""
B = """
OWN_load: {type: load, member: OWN, power_kw: 60}
OWN_grid: {type: grid, member: OWN, import_price_per_kwh: 0.65, connection_kw: 500, wheeling: {at: low}}
"""
C = """
OWN_load: {type: load, member: OWN, power_kw: 70}
OWN_grid: {type: grid, member: OWN, import_price_per_kwh: 0.7, connection_kw: 500, wheeling: {at: far}}
"""


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_three_members_in_either_form(form: str) -> None:
    """Proves: c, worth 0.7 − 0.0198 − fees, takes 70 kWh of 100 and b the rest; the voltage fee goes to
    the network, the fund to the state, the service of each kWh to member b, which pays its own to itself.
    Sensitivity: fees of lines left with the first member, or a member's income lost.
    """
    plan = planned(
        {"a": A, "b": B, "c": C},
        LINES.replace("FORM", form),
        payments={"a_meter_to_c_grid": 42.0, "a_meter_to_b_grid": 15.0},
    )
    settlement = settle(plan)
    audit_settlement(settlement).require()
    received = settlement.contracts.set_index("trade")["received_kwh"]
    assert received["a_meter_to_c_grid"] == pytest.approx(70.0)
    assert received["a_meter_to_b_grid"] == pytest.approx(30.0)
    gains = settlement.members.set_index("member")["gain"]
    assert gains["a"] == pytest.approx(57.0)
    assert gains["c"] == pytest.approx(70 * (0.7 - 0.0198 - 0.012) - 42)
    assert gains["b"] == pytest.approx(30 * (0.65 - 0.01) - 15 + 70 * 0.002)
    accounts = settlement.accounts
    assert accounts.total("network") == pytest.approx(70 * 0.0198)
    assert accounts.total("state") == pytest.approx(1.0)
    parts = settlement.gains.set_index(["member", "part"])["gain"]
    assert parts["c", "fees_paid"] == pytest.approx(-70 * (0.0198 + 0.012))
    assert parts["a", "fees_paid"] == pytest.approx(0.0)


def test_the_price_of_co2_stays_with_who_emits() -> None:
    """Proves: 40 kWh bought at 0.5 kg and 100 per tonne cost the buyer 2, before 4; the state gets both.
    Sensitivity: the price left with the first member, under whom it is booked.
    """
    buyer = """
    OWN_load: {type: load, member: OWN, power_kw: 80}
    OWN_grid: {type: grid, member: OWN, import_price_per_kwh: 0.65, co2_kg_per_kwh: 0.5,
      connection_kw: 500, wheeling: {at: town}}
    """
    seller = A.replace("100,", "40,").replace("low", "town")
    plan = planned(
        {"g": seller, "c": buyer},
        "network: {nodes: {town: {}}}",
        more="carbon: {price_per_t: 100}\n",
    )
    settlement = settle(plan)
    audit_settlement(settlement).require()
    parts = settlement.gains.set_index(["member", "part"])
    assert list(parts.loc[("c", "co2_price"), ["before", "after"]]) == pytest.approx([4.0, 2.0])
    assert parts.loc[("g", "co2_price"), "after"] == pytest.approx(0.0)
    assert settlement.accounts.total("state", "before") == pytest.approx(4.0)
    assert settlement.accounts.total("state") == pytest.approx(-2.0)


def test_nothing_to_settle_where_each_plans_alone() -> None:
    """Proves: a mode without a plan of all members is refused by name.
    Sensitivity: a statement of nothing.
    """
    plan = replace(
        planned({"g": SELLER, "c": BUYER}, TOWN.replace("BEARER", "buyer")), results=None
    )
    with pytest.raises(InputError, match="mode joint: each member plans alone"):
        settle(plan)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_the_price_of_a_members_line_is_its_income(form: str) -> None:
    """Proves: b owns the line to the far feeder and takes 0.05 for each of the 70 kWh that arrive: c pays
    3.5, b gets 3.5, the plan costs what it would without, in either form.
    Sensitivity: a member's line that costs the park money, or an income that nobody has.
    """
    own = "down: {from: bus, to: far, price_per_kwh: 0.05, owner: b}"
    lines = LINES.replace("down: {from: bus, to: far}", own)
    members = {"a": A, "b": B, "c": C}
    free = planned(members, LINES.replace("FORM", form)).results
    plan = planned(members, lines.replace("FORM", form))
    assert plan.results is not None
    assert free is not None
    assert plan.results.cost == pytest.approx(free.cost)
    settlement = settle(plan)
    audit_settlement(settlement).require()
    parts = settlement.gains.set_index(["member", "part"])["gain"]
    assert parts["b", "fees_received"] == pytest.approx(3.5 + 100 * 0.002)
    assert parts["c", "fees_paid"] == pytest.approx(-70 * (0.0198 + 0.012 + 0.05))


def test_growth_of_prices_is_in_the_gain_and_not_in_the_statement() -> None:
    """Proves: where the price of energy grows by 10 % a year over two years, bills and accounts stand at the
    year's prices (52 before, 13 after), costs and gains at what the ledger makes of the growth; a fee that does not grow is the same in both. Sensitivity: fees or bills with another one's growth.
    """
    finance = "finance: {discount_rate: 0, project_years: 2, escalation: {energy_import: 10 %}}\n"
    meter = "OWN_meter: {type: grid, import_price_per_kwh: 9, connection_kw: 500,"
    seller = A.replace("100,", "60,").replace("OWN_meter: {type: access,", meter)
    plan = planned(
        {"a": seller, "b": B.replace("low", "far").replace("60}", "80}")},
        LINES.replace("FORM", "pairs").replace("paid_to: b", "paid_to: crew"),
        more=finance,
    )
    assert plan.results is not None
    settlement = settle(plan)
    audit_settlement(settlement).require()
    ledger = plan.results.ledger
    growth = float(ledger.loc[ledger["category"] == "energy_import", "worth"].iloc[0])
    assert growth > 1.04
    months = settlement.monthly.set_index("member")
    assert months.loc["b", "bill_before"] == pytest.approx(52.0)
    assert months.loc["b", "bill"] == pytest.approx(13.0)
    fee = 60 * (0.0198 + 0.012)
    assert months.loc["b", "fees_paid"] == pytest.approx(fee)
    parts = settlement.gains.set_index(["member", "part"])["gain"]
    assert parts["b", "energy_bought"] == pytest.approx(39.0 * growth)
    assert parts["b", "fees_paid"] == pytest.approx(-fee)
    assert settlement.accounts.total("supplier") == pytest.approx(-39.0)
