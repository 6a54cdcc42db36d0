"""Who sent how much to whom, against hand solutions and an independent mixing of the flows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.trading.flows import Tracing, charged, traded
from microgrid_opt.trading.pairs import pairs_of
from tests.support import problem_of, solve_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.plans import Traded

FEE = "fees: {km: {method: distance, price_per_kwh_km: 0.5}}"


def _network(lines: Mapping[tuple[int, int], float], nodes: int, extra: str = "") -> Problem:
    """Return a park with a meter ``m3`` at each node 3, and lossy lines between nodes (i, j)."""
    listed = ", ".join(
        f"l{i}{j}: {{from: n{i}, to: n{j}, loss_fraction: {loss!r}, length_km: {i + j}}}"
        for (i, j), loss in lines.items()
    )
    places = ", ".join(f"n{i}: {{}}" for i in range(nodes))
    meters = "\n".join(
        f"  m{i}: {{type: access, member: p{i}, wheeling: {{at: n{i}}}}}" for i in range(nodes)
    )
    members = ", ".join(f"p{i}: {{}}" for i in range(nodes))
    trading = f"{{network: {{nodes: {{{places}}}, lines: {{{listed}}}}}, form: pairs, {extra}}}"
    return problem_of(
        "schema: 1\nname: Net\ncurrency: CNY\nsite: {timezone: Etc/GMT-8}\n"
        "horizon: {start: 2025-03-03, hours: 1}\nfinance: {discount_rate: 0, project_years: 1}\n"
        f"members: {{{members}}}\ntrading: {trading}\nassets:\n{meters}\n"
    )


def _plan(
    flows: Mapping[tuple[int, int], float], out: Mapping[int, float], into: Mapping[int, float]
) -> Results:
    """Return what stands in for a plan: one step of flows, sent and taken power."""

    def of(key: str) -> Any:
        owner, asset, name = key.split(".")
        number = int(asset.removeprefix("line_l").removeprefix("m")[:1])
        if asset.startswith("line_l"):
            assert owner == "p0"
            pair = (number, int(asset[-1]))
            return np.array([flows.get(pair, 0.0) if name == "forward" else 0.0])
        assert owner == f"p{number}"
        return np.array([(out if name == "wheeled_out" else into).get(number, 0.0)])

    return cast("Results", SimpleNamespace(of=of))


def _traced(problem: Problem, results: Results) -> dict[str, Traded]:
    """Return the trades of flows, in networks with meshes too, which a plan itself does not take."""
    return Tracing(problem, results).traded(pairs_of(problem))


def _sums(problem: Problem, results: Results) -> tuple[dict[str, float], dict[str, float]]:
    sent, received = dict[str, float](), dict[str, float]()
    for one in _traced(problem, results).values():
        sent[one.pair.source] = sent.get(one.pair.source, 0.0) + float(one.sent[0])
        received[one.pair.sink] = received.get(one.pair.sink, 0.0) + float(one.received[0])
    return sent, received


def test_mixing_at_each_node_by_hand() -> None:
    """Proves: with 400 in at node 0, 114 at node 1 and lossy lines, node 2 holds 112 + 171 = 283, of
    which 112 + 171·59/173 come from meter 0; its meter takes 200 of that mix, node 3 the rest.
    Sensitivity: any other rule of mixing, or losses taken at the wrong end of a line.
    """
    lines = {(0, 1): 1 / 60, (0, 3): 7 / 225, (0, 2): 3 / 115, (1, 2): 2 / 173, (2, 3): 1 / 83}
    flows = {(0, 1): 60.0, (0, 3): 225.0, (0, 2): 115.0, (1, 2): 173.0, (2, 3): 83.0}
    problem = _network(lines, 4)
    found = _traced(problem, _plan(flows, {0: 400.0, 1: 114.0}, {2: 200.0, 3: 300.0}))
    share = (112.0 + 171.0 * 59.0 / 173.0) / 283.0
    received = {key: float(one.received[0]) for key, one in found.items() if one.received[0] > 0}
    assert received == pytest.approx(
        {
            "m0_to_m2": 200.0 * share,
            "m1_to_m2": 200.0 * (1.0 - share),
            "m0_to_m3": 218.0 + 82.0 * share,
            "m1_to_m3": 82.0 * (1.0 - share),
        },
        rel=1e-12,
    )
    # What is sent carries its own losses: meter 1 has 114 to give, 200 : 83 at node 2.
    assert found["m1_to_m2"].sent[0] == pytest.approx(114.0 * 200.0 / 283.0, rel=1e-12)
    assert found["m1_to_m3"].sent[0] == pytest.approx(114.0 * 83.0 / 283.0, rel=1e-12)


@st.composite
def _mesh(draw: st.DrawFn) -> tuple[dict[tuple[int, int], float], ...]:
    """Draw losses, flows, what is sent and what is taken in a network without circles."""
    nodes = draw(st.integers(2, 5))
    power = st.floats(0.5, 50.0)
    losses, flows, out, into = {}, {}, {}, {}
    entering = [0.0] * nodes
    for i in range(nodes):
        if i == 0 or (i + 1 < nodes and draw(st.booleans())):
            out[i] = draw(power)
            entering[i] += out[i]
        onward = [j for j in range(i + 1, nodes) if j == i + 1 or draw(st.booleans())]
        weights = {j: draw(st.floats(0.1, 1.0)) for j in onward}
        here = draw(st.sampled_from([0.0, 0.3, 1.0])) if onward else 1.0
        here = 0.0 if i in out else here
        whole = here + sum(weights.values())
        if here:
            into[i] = entering[i] * here / whole
        for j, weight in weights.items():
            losses[i, j] = draw(st.sampled_from([0.0, 0.02, 0.2]))
            flows[i, j] = entering[i] * weight / whole
            entering[j] += flows[i, j] * (1.0 - losses[i, j])
    return losses, flows, out, into  # type: ignore[return-value]


@settings(max_examples=60, deadline=None)
@given(_mesh())
def test_sums_at_every_meter_and_an_independent_mixing(drawn: Any) -> None:
    """Proves: on meshes with losses the trades of every meter add up to what it sent and took, and
    each one is what a walk from node to node finds that carries the origins of the power along.
    Sensitivity: shares by another rule, losses left out, a meter at the wrong node.
    """
    losses, flows, out, into = drawn
    nodes = 1 + max(j for _, j in losses)
    problem = _network(losses, nodes)
    results = _plan(flows, out, into)
    sent, received = _sums(problem, results)
    for number in range(nodes):
        assert sent[f"m{number}"] == pytest.approx(out.get(number, 0.0), rel=1e-9)
        assert received[f"m{number}"] == pytest.approx(into.get(number, 0.0), rel=1e-9)
    holds = [dict[int, float]() for _ in range(nodes)]
    found = _traced(problem, results)
    for here in range(nodes):
        if here in out:
            holds[here][here] = holds[here].get(here, 0.0) + out[here]
        whole = sum(holds[here].values())
        for source, part in holds[here].items():
            if here in into and source != here:
                trade = found[f"m{source}_to_m{here}"]
                assert trade.received[0] == pytest.approx(into[here] * part / whole, rel=1e-9)
            for (i, j), flow in flows.items():
                if i == here:
                    onward = flow * part / whole * (1.0 - losses[i, j])
                    holds[j][source] = holds[j].get(source, 0.0) + onward


@settings(max_examples=40, deadline=None)
@given(_mesh())
def test_fees_of_the_trades_are_those_of_the_lines(drawn: Any) -> None:
    """Proves: fees told by trade add up to Σ price · flow over the lines, in meshes too, where the
    power takes other ways than the shortest one.
    Sensitivity: fees by the shortest way, or by a share that does not add up to one.
    """
    losses, flows, out, into = drawn
    problem = _network(dict.fromkeys(losses, 0.0), 1 + max(j for _, j in losses), FEE)
    level = _level(flows, losses, into)
    results = _plan(level[0], out, level[1])
    used = _traced(problem, results)
    fees = Tracing(problem, results).charged(pairs_of(problem), used)
    whole = sum(0.5 * (i + j) * flow for (i, j), flow in level[0].items())
    assert sum(float(one["km"][0]) for one in fees.values()) == pytest.approx(whole, rel=1e-9)
    assert all(one["km"][0] == 0.0 for key, one in fees.items() if used[key].received[0] == 0.0)


def _level(
    flows: Mapping[tuple[int, int], float],
    losses: Mapping[tuple[int, int], float],
    into: Mapping[int, float],
) -> tuple[dict[tuple[int, int], float], dict[int, float]]:
    """Return flows and takings as they would be without losses, each node splitting as before."""
    nodes = 1 + max(j for _, j in losses)
    raised = dict(flows)
    taken = dict(into)
    factor = [1.0] * nodes
    for here in range(nodes):
        before = sum(f * (1.0 - losses[a]) for a, f in flows.items() if a[1] == here)
        after = sum(raised[a] for a in flows if a[1] == here)
        own = sum(f for a, f in flows.items() if a[0] == here) + into.get(here, 0.0) - before
        factor[here] = (after + own) / (before + own) if before + own else 1.0
        for a in flows:
            if a[0] == here:
                raised[a] = flows[a] * factor[here]
        if here in taken:
            taken[here] = into[here] * factor[here]
    return raised, taken


def test_a_circle_that_nobody_feeds_trades_nothing() -> None:
    """Proves: opposite flows on a line and a circle of three lines beside a true trade of 5 leave that
    trade as it is.
    Sensitivity: a singular system of equations, or shares of the circle counted as trades.
    """
    lines = {(0, 1): 0.0, (1, 2): 0.0, (2, 3): 0.0, (3, 1): 0.0}
    flows = {(0, 1): 5.0, (1, 2): 7.0, (2, 3): 7.0, (3, 1): 7.0}
    found = _traced(_network(lines, 4), _plan(flows, {0: 5.0}, {1: 5.0}))
    powers = {key: float(one.received[0]) for key, one in found.items() if one.received[0] > 1e-6}
    assert powers == pytest.approx({"m0_to_m1": 5.0})
    lonely = _plan({(1, 2): 7.0, (2, 3): 7.0, (3, 1): 7.0}, {}, {})
    assert not any(one.received[0] for one in _traced(_network(lines, 4), lonely).values())


def test_a_meter_does_not_trade_with_itself() -> None:
    """Proves: a meter that gives 8 and takes 3 at once gives 5 to the others.
    Sensitivity: its own taking shared out among all who gave.
    """
    found = _traced(_network({(0, 1): 0.0}, 2), _plan({(0, 1): 5.0}, {0: 8.0}, {0: 3.0, 1: 5.0}))
    assert {key: float(one.sent[0]) for key, one in found.items()} == pytest.approx(
        {"m0_to_m1": 5.0, "m1_to_m0": 0.0}
    )


THREE = """
a_pv: {type: must_run, member: a, power_kw: 100, output_per_kw: 1}
a_meter: {type: access, member: a, wheeling: {at: low}}
b_load: {type: load, member: b, power_kw: 60}
b_meter: {type: grid, member: b, import_price_per_kwh: 0.65, connection_kw: 500, wheeling: {at: low}}
c_load: {type: load, member: c, power_kw: 100}
c_meter: {type: grid, member: c, import_price_per_kwh: 0.7, connection_kw: 500, wheeling: {at: far}}
"""
TRADING = """
trading:
  form: FORM
  network:
    nodes: {low: {voltage_kv: 10}, bus: {voltage_kv: 35}, far: {voltage_kv: 10}}
    lines: {up: {from: low, to: bus}, down: {from: bus, to: far, price_per_kwh: 0.001}}
  fees:
    wheeling: {method: formula, energy_price_per_kwh: {"10": 0.1263, "35": 0.1065}}
    fund: {method: value, price_per_kwh: 0.01, paid_to: state}
"""


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_pairs_and_arcs_tell_the_same_trades(form: str) -> None:
    """Proves: three members, b on the seller's feeder (worth 0.65 − 0.01), c beyond the 35 kV bus
    (0.7 − 0.01 − 0.0198 − 0.001): a sends 100 kW to c, who pays 1.98 + 0.1 + 1.00 per hour; both forms
    say so.
    Sensitivity: a form that tells another buyer, or fees that do not follow the trade.
    """
    text = (
        "schema: 1\nname: Three\ncurrency: CNY\nsite: {timezone: Etc/GMT-8}\n"
        "horizon: {start: 2025-03-03, hours: 1}\nfinance: {discount_rate: 0, project_years: 1}\n"
        "members: {a: {}, b: {}, c: {}}\n" + TRADING.replace("FORM", form) + "assets:"
    ) + THREE.replace("\n", "\n  ")
    results, audit = solve_text(text)
    audit.require()
    problem = problem_of(text)
    powers = {key: float(one.received[0]) for key, one in traded(problem, results).items()}
    assert powers["a_meter_to_c_meter"] == pytest.approx(100.0)
    assert powers["a_meter_to_b_meter"] == pytest.approx(0.0, abs=1e-9)
    fees = {
        name: float(money[0])
        for name, money in charged(problem, results)["a_meter_to_c_meter"].items()
    }
    assert fees == pytest.approx({"wheeling": 1.98, "fund": 1.0, "line_down": 0.1})
