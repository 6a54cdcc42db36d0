"""Whatever is changed in the trades of a plan, or spoiled in their model, the audit notices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.builder import Builder
from tests.support import EXACT, problem_of, solve_text
from tests.trading.markets import Market
from tests.trading.test_core_meters import STORE

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from microgrid_opt.results import Results

NETWORK = """{nodes: {station: {voltage_kv: 110}, mill: {voltage_kv: 10}, yard: {voltage_kv: 35}},
  lines: {m: {from: station, to: mill, capacity_kw: 45, price_per_kwh: 0.01, owner: o}, n: {from: station,
  to: yard, price_per_kwh: 0.02}}SUPPLY}"""
FEES = """{td: {method: formula, energy_price_per_kwh: {"10": 0.12, "35": 0.1, "110": 0.08}},
  fund: {method: value, price_per_kwh: [H], paid_to: state}, help: {method: value, price_per_kwh: 0.01, paid_to: o}}"""
ASSETS = """
o_pv: {type: pv, member: o, power_kw: {max_kw: 90, annual_cost_per_kw: 0.01}, output_per_kw: 1}
o_load: {type: load, member: o, power_kw: 5}
o_gate: {type: grid, member: o, import_price_per_kwh: 0.5, export_price_per_kwh: 0.1, connection_kw: 80, export_from: renewable, wheeling: {at: station, sends: renewable, single_meter: always}}
x_load: {type: load, member: x, power_kw: LOAD}
x_meter: {type: grid, member: x, import_price_per_kwh: 0.7, retained_price_per_kwh: 0.1, peak_price_per_kw_month: 0.2, connection_kw: 70, wheeling: {at: mill}}
y_load: {type: load, member: y, power_kw: 30, unserved_price_per_kwh: 9}
y_meter: {type: access, member: y, power_kw: 28, wheeling: {at: yard, max_in_kw: 27}}
"""
MEMBERS = "{o: {}, x: {}, y: {}}"
SHAPE = "{hourly: [60, 20, 40, " + "0, " * 20 + "0]}"
PRICE = "{hourly: [0.01, 0.03, 0.02, " + "0, " * 20 + "0]}"


def market(**parts: Any) -> Market:
    found = Market(
        ASSETS,
        network=NETWORK.replace("SUPPLY", ""),
        fees=FEES.replace("[H]", PRICE),
        members=MEMBERS,
        hours=3,
    )
    return found.but(("LOAD", SHAPE), **parts)


MARKETS = {
    "pairs": market(
        rules="{loss_fraction: 0.1, max_generation: [{up_to_kv: 110, max_kw: 85}]}",
        trades="{ppa: {from: o_gate, to: x_meter, max_kw: 30, max_kwh_year: 200000, min_kwh_year: 900}, fix: {from: o_gate, to: y_meter, profile_kw: 4}}",
    ),
    "arcs": market(form="arcs"),
    "bank": market(
        rules="{window: day, bank_fee_per_kwh: 0.02, bank_loss_fraction: 0.1, loss_fraction: 0.1}",
        network=NETWORK.replace("SUPPLY", ", supply_node: station").replace("45", "62"),
    ),
}


@pytest.fixture(scope="module", params=list(MARKETS))
def honest(request: pytest.FixtureRequest) -> tuple[str, Results]:
    problem = problem_of(MARKETS[request.param].text)
    results, checked = study.run(problem, EXACT)
    checked.require()
    return request.param, results


def failed(name: str, results: Results) -> set[str]:
    found = audit(results, problem_of(MARKETS[name].text))
    assert not found.passed
    return {f"{check.subject}: {check.what}" for check in found.failures}


def changed(frame: pd.DataFrame, row: Any, column: str, value: Any) -> pd.DataFrame:
    copy = frame.copy()
    copy.loc[row, column] = value
    return copy


def of_trades(results: Results) -> list[str]:
    """Return the series that trading adds, but for the bank's account, which is the solver's help."""
    words = ("sent", "received", "banked", "forward", "backward", "wheeled_in", "wheeled_out")
    return [key for key in results.series if key.rpartition(".")[2] in words]


def test_the_markets_use_everything(honest: tuple[str, Results]) -> None:
    name, results = honest
    used = {key for key in of_trades(results) if results.series[key].abs().max() > 0}
    expected = {
        "pairs": {"o.ppa.sent", "o.fix.sent", "x.x_meter.wheeled_in", "y.y_meter.wheeled_in"},
        "arcs": {"o.line_m.forward", "o.line_n.forward", "o.o_gate.wheeled_out"},
        "bank": {"o.o_gate_to_x_meter.banked", "o.o_gate_to_x_meter.received"},
    }
    assert expected[name] <= used


def test_every_value_of_every_series_of_a_trade(honest: tuple[str, Results]) -> None:
    """Proves: a value changed by 2 kW in either direction breaks a sum, a balance or a bill.

    Sensitivity: a series that no check reads.
    """
    name, results = honest
    for key in of_trades(results):
        for stamp in results.series.index:
            for shift in (2.0, -2.0):
                value = float(results.series.loc[stamp, key]) + shift
                failed(name, replace(results, series=changed(results.series, stamp, key, value)))


def test_every_amount_of_a_trade(honest: tuple[str, Results]) -> None:
    """Proves: each fee, line price, retained charge and bank fee of the ledger, 1 off, is found by name."""
    name, results = honest
    for row, entry in results.ledger.iterrows():
        tampered = changed(results.ledger, row, "amount", entry["amount"] + 1.0)
        found = failed(name, replace(results, ledger=tampered))
        told = f"{entry['member']}.{entry['asset']}: ledger {entry['effect']} {entry['category']}"
        assert told in found


OTHER = [
    ("pairs", '"10": 0.12', '"10": 0.13', "ledger cost td"),
    ("pairs", "0.03, 0.02", "0.04, 0.02", "ledger cost fund"),
    ("pairs", "paid_to: o", "paid_to: x", "ledger cost help"),
    ("pairs", "price_per_kwh: 0.01, owner", "price_per_kwh: 0.02, owner", "ledger cost line_m"),
    ("pairs", "loss_fraction: 0.1,", "loss_fraction: 0.05,", "receives the sum of its trades"),
    ("pairs", "capacity_kw: 45", "capacity_kw: 20", "trades within the capacity of m"),
    ("pairs", "profile_kw: 4", "profile_kw: 5", "sends its profile"),
    ("pairs", "max_kw: 30", "max_kw: 20", "sends at most"),
    ("pairs", "max_kwh_year: 200000", "max_kwh_year: 2000", "most_energy kept"),
    ("pairs", "min_kwh_year: 900", "min_kwh_year: 199000", "limit of least_energy"),
    ("pairs", "max_kw: 85", "max_kw: 30", "generation_that_may_sell kept"),
    ("pairs", "max_in_kw: 27", "max_in_kw: 3", "wheeled_in limit"),
    (
        "pairs",
        "access, member: y, power_kw: 28",
        "access, member: y, power_kw: 10",
        "power size given",
    ),
    ("pairs", "retained_price_per_kwh: 0.1", "retained_price_per_kwh: 0.2", "ledger cost retained"),
    ("pairs", "connection_kw: 70", "connection_kw: 40", "connection size given"),
    ("arcs", '"10": 0.12', '"10": 0.13', "ledger cost line_fee"),
    ("arcs", "0.03, 0.02", "0.04, 0.02", "ledger cost fund"),
    ("arcs", "capacity_kw: 45", "capacity_kw: 20", "trades within capacity"),
    ("arcs", "rules: {}", "rules: {sellers: [x_meter]}", "none of the sellers"),
    ("bank", "window: day", "window: period", "received within what was sent in its period"),
    ("bank", "bank_loss_fraction: 0.1", "bank_loss_fraction: 0.2", "received within what was sent"),
    ("bank", "bank_fee_per_kwh: 0.02", "bank_fee_per_kwh: 0.03", "ledger cost bank_fee"),
    ("bank", "capacity_kw: 62", "capacity_kw: 10", "all power within the capacity of m"),
]


@pytest.mark.parametrize(("name", "old", "new", "what"), OTHER)
def test_trades_of_another_park(name: str, old: str, new: str, what: str) -> None:
    """Proves: trades are held against the terms of the park that they are said to belong to."""
    text = MARKETS[name].text
    assert text.count(old) == 1
    if "period" in new and "window" in new:
        new += (
            ", periods: {periods: {a: 1, b: 2}, calendar: [{hours: 0-1, period: a}], otherwise: b}"
        )
    results, checked = solve_text(text)
    checked.require()
    found = audit(results, problem_of(text.replace(old, new)))
    assert any(check.what.startswith(what) for check in found.failures), found.failures


def spoiled(monkeypatch: pytest.MonkeyPatch, method: str, change: Callable[..., Any]) -> None:
    real = getattr(Builder, method)

    def instead(self: Builder, *args: Any, **keys: Any) -> Any:
        told = change(self, *args, **keys)
        return None if told is None else real(self, *told[0], **told[1])

    monkeypatch.setattr(Builder, method, instead)


@pytest.mark.parametrize(
    ("name", "rule", "what"),
    [
        ("pairs", "wheeled_in_sum", "receives the sum of its trades"),
        ("pairs", "wheeled_out_sum", "sends the sum of its trades"),
        ("pairs", "capacity_forward", "trades within the capacity of m"),
        ("arcs", "capacity_forward", "trades within capacity"),
        ("arcs", "node_mill", "what enters the node mill leaves it"),
        ("bank", "account_closed", "received within what was sent in its day"),
        ("bank", "banked_above", "what is banked is counted"),
        ("bank", "capacity_forward", "all power within the capacity of m"),
    ],
)
def test_a_rule_that_is_left_out(
    name: str, rule: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: the model without one of its rules gives a plan that the audit refuses."""
    spoiled(monkeypatch, "require", lambda _, key, *a, **k: None if key == rule else ((key, *a), k))
    text = MARKETS[name].text.replace(
        "0.5, export_price_per_kwh: 0.1", "0.05, export_price_per_kwh: 0.04"
    )
    if rule == "capacity_forward":
        text = text.replace("capacity_kw: 45", "capacity_kw: 10").replace("62", "50")
    _, found = solve_text(text)
    assert any(check.what.startswith(what) for check in found.failures), found.failures


def test_origin_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: power that was bought and sent through a store is found. Sensitivity: with the rule it is not."""
    text = STORE.but(("SENDS", "sends: generation")).text
    solve_text(text)[1].require()
    spoiled(
        monkeypatch,
        "require",
        lambda _, key, *a, **k: None if key == "export_origin" else ((key, *a), k),
    )
    _, found = solve_text(text)
    assert {check.what for check in found.failures} == {"only generation is exported"}


def test_a_fee_that_is_not_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled(monkeypatch, "book", lambda _, key, *a, **k: None if key == "td" else ((key, *a), k))
    _, found = solve_text(MARKETS["pairs"].text)
    assert "ledger cost td" in {check.what for check in found.failures}


def test_taking_and_giving_at_once() -> None:
    """Proves: `always` is audited from the flows, whatever the binary says. Sensitivity: the same flows
    under `never` pass.
    """
    text = MARKETS["arcs"].text
    results, checked = solve_text(text.replace("single_meter: always", "single_meter: never"))
    checked.require()
    series = results.series.copy()
    for key in ("o.o_gate.import", "o.o_gate.withdrawal", "o.o_gate.export", "o.o_gate.injection"):
        series[key] += 7.0
    found = audit(replace(results, series=series), problem_of(text))
    assert any("takes and gives at once" in check.what for check in found.failures)
    ways = [c for c in found.failures if c.what == "never takes and gives at once"]
    assert len(ways) == 1
    assert np.isfinite(ways[0].error)
