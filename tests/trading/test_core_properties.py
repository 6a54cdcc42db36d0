"""Random markets: both forms agree, one meter at a time is exact, the bill is the plan's, more is better."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from microgrid_opt import study
from microgrid_opt.errors import InfeasibleError
from microgrid_opt.trading.form import takes_arcs
from microgrid_opt.trading.pairs import pairs_of
from tests.support import EXACT, problem_of

Park = dict[str, Any]
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LEVELS = {10: 0.13, 35: 0.11, 110: 0.08}


def eighths(draw: Any, low: float, high: float) -> float:
    return draw(st.integers(int(8 * low), int(8 * high))) / 8


def shape(draw: Any, steps: int, low: float, high: float) -> dict[str, Any]:
    return {"hourly": [*(eighths(draw, low, high) for _ in range(steps)), *[0] * (24 - steps)]}


def network(draw: Any, *, limits: bool) -> tuple[dict[str, Any], list[str]]:
    """Return a random tree of one to five nodes, whose voltage falls from the root on."""
    nodes = [f"n{k}" for k in range(draw(st.integers(1, 5)))]
    lines: dict[str, Any] = {}
    levels = [draw(st.sampled_from(list(LEVELS)))]
    for k in range(1, len(nodes)):
        above = draw(st.integers(0, k - 1))
        levels.append(draw(st.sampled_from([kv for kv in LEVELS if kv <= levels[above]])))
        line = {"from": nodes[above], "to": nodes[k], "length_km": k}
        if draw(st.booleans()):
            line = line | {"from": line["to"], "to": line["from"]}
        if limits and draw(st.booleans()):
            line["capacity_kw"] = draw(st.integers(1, 8))
        if draw(st.booleans()):
            line["price_per_kwh"] = eighths(draw, 0, 0.25)
        lines[f"l{k}"] = line
    voltages = {node: {"voltage_kv": kv} for node, kv in zip(nodes, levels, strict=True)}
    return {"nodes": voltages, "lines": lines}, nodes


@st.composite
def markets(draw: Any, *, arcs: bool = False, lowest: float = 0.0) -> Park:
    """Return a park of two to four members of all kinds, who trade over a tree.

    Parameters
    ----------
    arcs
        Only what flows on lines can tell.
    lowest
        Lowest price of the suppliers.
    """
    steps = draw(st.integers(1, 2))
    wires, nodes = network(draw, limits=True)
    count = draw(st.integers(2, 4 if arcs else 3))
    assets: dict[str, Any] = {}
    for k in range(count):
        assets |= member(draw, f"m{k}", steps, draw(st.sampled_from(nodes)), lowest)
    fees: dict[str, Any] = {}
    if draw(st.booleans()):
        prices = {str(kv): price for kv, price in LEVELS.items()}
        fees["td"] = {"method": "formula", "energy_price_per_kwh": prices}
    if draw(st.booleans()):
        fees["flat"] = {"method": "value", "price_per_kwh": shape(draw, steps, 0, 0.25)}
    if draw(st.booleans()):
        fees["far"] = {"method": "distance", "price_per_kwh_km": 0.01}
    rules: dict[str, Any] = {}
    rules["loss_fraction"] = draw(st.sampled_from([0, 0.125]))
    rules["loss_bearer"] = draw(st.sampled_from(["buyer", "network"]))
    if not arcs:
        rules["window"] = draw(st.sampled_from(["hour", "hour", "day"]))
        if rules["window"] == "day":
            for line in wires["lines"].values():
                line.pop("capacity_kw", None)
    trading = {"network": wires, "fees": fees, "rules": rules, "form": "arcs" if arcs else "pairs"}
    return {
        "schema": 1,
        "name": "Random market",
        "currency": "CNY",
        "site": {"timezone": "Etc/GMT-8"},
        "horizon": {"start": "2025-03-03", "hours": steps},
        "finance": {"discount_rate": 0, "project_years": 10, "investment_scaling": "full"},
        "members": {f"m{k}": {} for k in range(count)},
        "trading": trading,
        "assets": assets,
    }


def member(draw: Any, key: str, steps: int, node: str, lowest: float) -> dict[str, Any]:
    """Return the assets of a member: perhaps PV, load and battery behind one meter."""
    found: dict[str, Any] = {}
    if draw(st.booleans()):
        found[f"{key}_pv"] = {
            "type": "pv",
            "power_kw": 8,
            "output_per_kw": shape(draw, steps, 0, 1),
        }
    if draw(st.booleans()):
        found[f"{key}_load"] = {
            "type": "load",
            "power_kw": shape(draw, steps, 0, 8),
            "unserved_price_per_kwh": 2,
        }
    if draw(st.booleans()):
        found[f"{key}_battery"] = {
            "type": "battery",
            "energy_kwh": 8,
            "power_kw": 4,
            "charge_efficiency": 1,
            "discharge_efficiency": 1,
            "exclusive": True,
        }
    meter: dict[str, Any] = {"type": "access", "power_kw": 20}
    if draw(st.integers(0, 3)):
        meter = {"type": "grid", "connection_kw": 20}
        meter["import_price_per_kwh"] = shape(draw, steps, lowest, 1)
        if draw(st.booleans()):
            meter["export_price_per_kwh"] = shape(draw, steps, lowest, 0.75)
        if draw(st.booleans()):
            meter["retained_price_per_kwh"] = 0.125
        if draw(st.booleans()):
            meter["peak_price_per_kw_month"] = 0.5
    found[f"{key}_meter"] = meter | {"wheeling": {"at": node}}
    return {name: asset | {"member": key} for name, asset in found.items()}


def cost_of(park: Park) -> float:
    results, audit = study.run(problem_of(json.dumps(park)), EXACT)
    audit.require()
    return results.cost


def meter_mode(park: Park, mode: str) -> Park:
    copy = json.loads(json.dumps(park))
    for asset in copy["assets"].values():
        if "wheeling" in asset:
            asset["wheeling"]["single_meter"] = mode
    return copy  # type: ignore[no-any-return]


def with_trading(park: Park, **parts: Any) -> Park:
    return park | {"trading": park["trading"] | parts}


@QUICK
@given(markets(arcs=True))
def test_arcs_cost_what_pairs_cost(park: Park) -> None:
    """Proves: flows on the lines of a tree have the same least cost as pairs of meters.

    Sensitivity: the fee of one line, its price or its capacity left out on one side.
    """
    problem = problem_of(json.dumps(park))
    assert takes_arcs(problem, pairs_of(problem)) == bool(pairs_of(problem))
    arcs, pairs = cost_of(park), cost_of(with_trading(park, form="pairs"))
    assert arcs == pytest.approx(pairs, rel=1e-7, abs=1e-6)


@QUICK
@given(markets(lowest=-0.25))
def test_binaries_are_left_out_where_they_do_not_matter(park: Park) -> None:
    """Proves: `auto`, which decides by prices where a meter needs a binary, costs what `always` costs,
    with losses, windows, negative prices, peaks, stores and meters without supplier.

    Sensitivity: a step in which doing both pays and that the rule does not see.
    """
    auto, always = (cost_of(meter_mode(park, mode)) for mode in ("auto", "always"))
    assert auto == pytest.approx(always, rel=1e-7, abs=1e-6)


@QUICK
@given(markets())
def test_a_market_never_costs_more(park: Park) -> None:
    """Proves: with each pair that is let in the least cost of all falls or stays.

    Sensitivity: a trade that is forced, or a limit that comes with trading.
    """
    keys = [pair.key for pair in pairs_of(problem_of(json.dumps(park)))]
    ends = {pair.key: (pair.source, pair.sink) for pair in pairs_of(problem_of(json.dumps(park)))}
    costs = []
    for count in (0, 1, len(keys) // 2, len(keys)):
        trades = {
            f"t{k}": dict(zip(("from", "to"), ends[key], strict=True))
            for k, key in enumerate(keys[:count])
        }
        rules = park["trading"]["rules"] | {"pairs": "listed"}
        costs.append(cost_of(with_trading(meter_mode(park, "always"), trades=trades, rules=rules)))
    assert costs == sorted(costs, reverse=True) or np.diff(costs).max() < 1e-6
    # An empty list says the same as no trading at all, where nobody depends on it.
    assert costs[-1] == pytest.approx(cost_of(meter_mode(park, "always")), rel=1e-7, abs=1e-6)


@QUICK
@given(markets(), st.integers(2, 4))
def test_no_trade_where_the_fee_exceeds_every_spread(park: Park, fee: int) -> None:
    """Proves: above the dearest use (2, unserved) nothing is received. Sensitivity: a fee that is not due."""
    fees = {"wall": {"method": "value", "price_per_kwh": fee + 0.125}}
    results, audit = study.run(problem_of(json.dumps(with_trading(park, fees=fees))), EXACT)
    audit.require()
    taken = [results.of(f"{key}.wheeled_in") for key in park["assets"] if key.endswith("meter")]
    assert np.sum(taken) == pytest.approx(0, abs=1e-6)


@QUICK
@given(markets())
def test_the_bill_is_the_plan_with_wheeled_power(park: Park) -> None:
    """Proves: tariffs with retained parts and a peak, priced by the bill calculator from what passed
    each meter, are the ledger's sums; the peak is that of all that was withdrawn.

    Sensitivity: a retained charge on bought power only, or a peak without what was wheeled.
    """
    copy = json.loads(json.dumps(park))
    for asset in copy["assets"].values():
        if "import_price_per_kwh" in asset:
            energy = asset.pop("import_price_per_kwh")
            kept = asset.pop("retained_price_per_kwh", 0)
            peak = asset.pop("peak_price_per_kw_month", 0.25)
            components = {
                "energy": {"type": "energy", "price_per_kwh": energy},
                "fund": {"type": "energy", "price_per_kwh": kept, "retained_when_wheeled": True},
                "peak": {"type": "demand", "price_per_kw_month": peak},
            }
            asset["tariff"] = {"name": "T", "components": components}
    results, audit = study.run(problem_of(json.dumps(copy)), EXACT)
    audit.require()
    hours = results.horizon.hours
    for key, asset in copy["assets"].items():
        if "tariff" not in asset:
            continue
        bought, wheeled = (results.of(f"{key}.{name}") for name in ("import", "wheeled_in"))
        rows = results.bill[results.bill["asset"] == key].set_index("component")["amount"]
        fund = asset["tariff"]["components"]["fund"]["price_per_kwh"]
        price = asset["tariff"]["components"]["peak"]["price_per_kw_month"]
        assert rows["fund"] == pytest.approx(fund * float((bought + wheeled) @ hours), abs=1e-6)
        assert rows["peak"] == pytest.approx(price * (bought + wheeled).max(), abs=1e-5)


def brute(park: Park) -> float:
    """Return the least cost over all choices of taking or giving, each an LP of its own."""
    meters = [key for key in park["assets"] if key.endswith("meter")]
    best = float("inf")
    for ways in product((False, True), repeat=len(meters)):
        copy = meter_mode(park, "never")
        for key, takes in zip(meters, ways, strict=True):
            asset = copy["assets"][key]
            asset["wheeling"]["max_out_kw" if takes else "max_in_kw"] = 0
            if asset["type"] == "grid":
                asset["export_limit_kw" if takes else "import_limit_kw"] = 0
        try:
            best = min(best, cost_of(copy))
        except InfeasibleError:
            continue
    return best


@QUICK
@given(markets(lowest=-0.25).filter(lambda park: park["horizon"]["hours"] == 1))
def test_one_meter_is_the_best_of_all_ways(park: Park) -> None:
    """Proves: over one step the plan is the best of all choices of a way for each meter, which are
    enumerated. Sensitivity: a meter that may take and give at once.
    """
    assert cost_of(park) == pytest.approx(brute(park), rel=1e-7, abs=1e-6)


def test_the_random_markets_trade() -> None:
    """Proves: the properties above are not about markets in which nothing happens."""

    def trades(park: Park) -> bool:
        results, _ = study.run(problem_of(json.dumps(park)), EXACT)
        return any(results.series[c].max() > 1 for c in results.series if c.endswith("wheeled_in"))

    assert find(
        markets(arcs=True),
        trades,
        settings=settings(max_examples=200, database=None, phases=[Phase.generate]),
    )
