"""Fees: by formula, table, value, hour, distance and line; losses and who bears them."""

from __future__ import annotations

import pytest

from microgrid_opt.trading.costs import paid_shares
from microgrid_opt.trading.pairs import pairs_of
from tests.support import bill, day, problem_of, solved
from tests.trading.markets import FEEDERS, Market

HUBEI = '{"10": 0.1263, "35": 0.1065, "110 kV": 0.0884}'


def trade(source: str, sink: str, **parts: str) -> Market:
    """Return a market in which `source` sends 100 kW to `sink`, worth 0.6 less 0.2 a kWh."""
    parts.setdefault("network", FEEDERS)
    return Market(
        f"""
        g_pv: {{type: must_run, member: g, power_kw: 1000, output_per_kw: 1}}
        g_grid: {{type: grid, member: g, export_price_per_kwh: 0.2, wheeling: {{at: {source}}}}}
        c_load: {{type: load, member: c, power_kw: 100}}
        c_grid: {{type: grid, member: c, import_price_per_kwh: 0.6, wheeling: {{at: {sink}}}}}
        """,
        **parts,
    )


FORMULA = f"{{td: {{method: formula, energy_price_per_kwh: {HUBEI}}}}}"


@pytest.mark.parametrize("form", ["pairs", "arcs"])
@pytest.mark.parametrize(
    ("source", "sink", "fee"),
    [
        ("high", "low", 0.0379),  # 0.0181 + 0.0198: the levels telescope
        ("middle", "low", 0.0198),
        ("high", "middle", 0.0181),
        ("low", "far", 0.0198),  # over 35 kV
        ("low", "low", 0.0),  # within one level: nothing, by the letter
        ("low", "high", 0.0),
        ("far", "middle", 0.0),
    ],
)
def test_fee_by_formula(source: str, sink: str, fee: float, form: str) -> None:
    """Proves: TD(user) − TD(highest on the way), 0.1263 / 0.1065 / 0.0884 at 10 / 35 / 110 kV (Hubei
    January 2026): 0.0379, 0.0198, 0.0181; 0 upwards and within a level; flows on lines say the same.

    Sensitivity: the fee of one level more is 0.0181 or 0.0198 a kWh.
    """
    market = trade(source, sink, fees=FORMULA, form=form)
    assert market.gain == pytest.approx(100 * (0.4 - fee))
    solved(market.text)


def test_fee_by_table() -> None:
    """Proves: the row is the user's voltage, the column the highest on the way.

    Sensitivity: exchanged, the fee would be 0.09.
    """
    table = (
        '{t: {method: table, price_per_kwh: {"10": {"10": 0.01, "35": 0.05, "110": 0.07}, '
        '"35": {"10": 0.09, "35": 0, "110": 0.03}, "110": {"110": 0}}}}'
    )
    assert trade("middle", "low", fees=table).gain == pytest.approx(100 * 0.35)
    assert trade("high", "low", fees=table).gain == pytest.approx(100 * 0.33)
    assert trade("high", "middle", fees=table).gain == pytest.approx(100 * 0.37)
    assert trade("low", "low", fees=table).gain == pytest.approx(100 * 0.39)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_fee_by_value_and_by_the_hour(form: str) -> None:
    """Proves: 0.1 in the first hour, 0.35 in the second; at 0.45 in the third nobody trades.

    Sensitivity: the gain is 30 + 5 + 0.
    """
    fees = f"{{wire: {{method: value, price_per_kwh: {day(0.1, 0.35, 0.45)}}}}}"
    market = trade("low", "far", fees=fees, form=form, hours=3)  # type: ignore[arg-type]
    results = solved(market.text)
    assert results.of("c_grid.wheeled_in") == pytest.approx([100, 100, 0])
    assert market.gain == pytest.approx(30 + 5)


LONG = FEEDERS.replace("to: middle}", "to: middle, length_km: 20}").replace(
    "to: low}", "to: low, length_km: 5}"
)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_fee_by_distance(form: str) -> None:
    """Proves: 25 km at 0.004 a kWh and km are 0.1. Sensitivity: 5 km are 0.02."""
    network = LONG.replace("to: far}", "to: far, length_km: 7}")
    fees = "{d: {method: distance, price_per_kwh_km: 0.004}}"
    market = trade("high", "low", fees=fees, network=network, form=form)
    assert market.gain == pytest.approx(100 * 0.3)
    near = trade("middle", "low", fees=fees, network=network, form=form)
    assert near.gain == pytest.approx(100 * 0.38)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_price_of_a_line_of_the_network_company(form: str) -> None:
    """Proves: 0.03 leave the park for each kWh on the line. Sensitivity: the other line is free."""
    network = FEEDERS.replace("to: far}", "to: far, price_per_kwh: 0.03}")
    market = trade("low", "far", network=network, form=form)
    assert market.gain == pytest.approx(100 * 0.37)
    assert trade("low", "middle", network=network, form=form).gain == pytest.approx(100 * 0.4)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_price_of_a_line_of_a_member_stays_in_the_park(form: str) -> None:
    """Proves: what a member takes for its line is no cost of all together: the gain is that without.

    Sensitivity: of the network company it costs 3. In pairs the ledger shows who pays and who gets it.
    """
    network = FEEDERS.replace("to: far}", "to: far, price_per_kwh: 0.03, owner: g}")
    market = trade("low", "far", network=network, form=form)
    assert market.gain == pytest.approx(100 * 0.4)
    results = solved(market.text)
    rows = results.ledger[results.ledger["asset"] == "g_grid_to_c_grid"]
    paid = dict(zip(rows["member"], rows["amount"], strict=True))
    assert paid == (pytest.approx({"c": 3, "g": -3}) if form == "pairs" else {})


def test_formula_fee_paid_to_a_member_is_no_cost_of_all_together() -> None:
    """Proves: both forms, a network owner that is a member. Sensitivity: paid outside it costs 3.79."""
    paid = FORMULA.replace("method", "paid_to: n, method")
    for form in ("pairs", "arcs"):
        market = trade("high", "low", fees=paid, form=form, members="{g: {}, c: {}, n: {}}")
        assert market.gain == pytest.approx(40)
        outside = trade("high", "low", fees=FORMULA, form=form, members="{g: {}, c: {}, n: {}}")
        assert outside.gain == pytest.approx(40 - 3.79)


def test_who_pays_and_who_gets_a_fee() -> None:
    """Proves: all fees that fit add up, each with its payer and account; between areas and within.

    Sensitivity: the fee of the other area, and that of a trade not named, are not due.
    """
    network = (
        "{nodes: {north: {area: one}, south: {area: two}}, lines: {l: {from: north, to: south}}}"
    )
    fees = """{wire: {method: value, price_per_kwh: 0.01}, fund: {method: value, price_per_kwh: 0.02, paid_to: state},
      agent: {method: value, price_per_kwh: 0.04, paid_by: seller, paid_to: c}, local: {method: value,
      price_per_kwh: 9, between: same_area}, remote: {method: value, price_per_kwh: 0.05, between: areas},
      other: {method: value, price_per_kwh: 9, trades: [c_grid_to_g_grid]}}"""
    market = trade("north", "south", network=network, fees=fees)
    (pair,) = (p for p in pairs_of(problem_of(market.text)) if p.key == "g_grid_to_c_grid")
    accounts = {charge.fee: (charge.paid_by, charge.paid_to) for charge in pair.charges}
    assert accounts == {
        "wire": ("c", "network"),
        "fund": ("c", "state"),
        "agent": ("g", "c"),
        "remote": ("c", "network"),
    }
    results = solved(market.text)
    rows = results.ledger[results.ledger["asset"] == "g_grid_to_c_grid"]
    assert {(r.member, r.category): r.amount for r in rows.itertuples()} == pytest.approx(
        {
            ("c", "wire"): 1,
            ("c", "fund"): 2,
            ("c", "remote"): 5,
            ("g", "agent"): 4,
            ("c", "agent"): -4,
        }
    )
    assert market.gain == pytest.approx(40 - 8)


@pytest.mark.parametrize(
    ("bearer", "sent", "share"),
    [("buyer", 125, 1.0), ("seller", 125, 0.8), ("split", 125, 0.9), ("network", 100, 1.0)],
)
def test_losses_and_who_bears_them(bearer: str, sent: float, share: float) -> None:
    """Proves: with 20 % lost, 125 must be sent for 100, unless the network makes the loss good; the
    bearer decides for which share of what is sent the buyer pays.

    Sensitivity: the gain is 60 − 0.2 × sent.
    """
    market = trade("low", "low", rules=f"{{loss_fraction: 0.2, loss_bearer: {bearer}}}")
    results = solved(market.text)
    assert results.of("g_grid_to_c_grid.sent") == pytest.approx([sent])
    assert market.gain == pytest.approx(60 - 0.2 * sent)
    pair = pairs_of(problem_of(market.text))[0]
    of_sent, of_received = paid_shares(pair)
    assert of_sent + of_received * pair.delivered == pytest.approx(share)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_losses_of_lines_multiply(form: str) -> None:
    """Proves: 10 % and 20 % on the way and 50 % beside it: 100 / 0.36 are sent. Sensitivity: the trade's
    own loss stands instead of the rules' only.
    """
    network = FEEDERS.replace("to: middle}", "to: middle, loss_fraction: 0.1}").replace(
        "to: low}", "to: low, loss_fraction: 0.2}"
    )
    market = trade("high", "low", network=network, rules="{loss_fraction: 0.5}", form=form)
    results = solved(market.but(("price_per_kwh: 0.2", "price_per_kwh: 0.1")).text)
    assert results.of("g_grid.wheeled_out") == pytest.approx([100 / 0.36])
    own = "{t: {from: g_grid, to: c_grid, loss_fraction: 0}}"
    better = market.but(form="pairs", trades=own)
    assert solved(better.text).of("t.sent") == pytest.approx([100 / 0.72])


def test_line_price_is_due_on_what_arrives_at_its_end() -> None:
    """Proves: 100 delivered behind a second line with 20 % loss are 125 at the end of the first:
    12.5 at 0.1. Sensitivity: per kWh delivered it would be 10.
    """
    network = FEEDERS.replace("to: middle}", "to: middle, price_per_kwh: 0.1}").replace(
        "to: low}", "to: low, loss_fraction: 0.2}"
    )
    results = solved(trade("high", "low", network=network).text)
    assert bill(results, "g_grid_to_c_grid", "line_a") == pytest.approx(12.5)


def test_retained_charges_by_price_by_flag_and_by_list() -> None:
    """Proves: 0.05 stays due as a plain price; of a tariff, 0.02 by its flag, or 0.3 by the meter's list.

    Sensitivity: the bill of each component is its own.
    """
    plain = trade("low", "far").but(
        ("import_price_per_kwh: 0.6,", "import_price_per_kwh: 0.6, retained_price_per_kwh: 0.05,")
    )
    assert plain.gain == pytest.approx(100 * 0.35)
    assert bill(solved(plain.text), "c_grid", "retained") == pytest.approx(5)
    components = "{energy: {type: energy, price_per_kwh: 0.28}, td: {type: energy, price_per_kwh: 0.3}, fund: {type: energy, price_per_kwh: 0.02, retained_when_wheeled: true}}"
    tariff = trade("low", "far").but(
        ("import_price_per_kwh: 0.6,", f"tariff: {{name: T, components: {components}}},")
    )
    assert tariff.gain == pytest.approx(100 * 0.38)
    listed = tariff.but(("wheeling: {at: far}", "wheeling: {at: far, retained: [td]}"))
    assert listed.gain == pytest.approx(100 * 0.1)
    assert bill(solved(listed.text), "c_grid", "fund") == pytest.approx(0)
    nothing = tariff.but(("wheeling: {at: far}", "wheeling: {at: far, retained: []}"))
    assert nothing.gain == pytest.approx(100 * 0.4)
