"""Random markets: their settlements pass the audit, add up, and are the same in both forms."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.trading.form import takes_arcs
from microgrid_opt.trading.gains import PARTS
from microgrid_opt.trading.pairs import pairs_of
from microgrid_opt.trading.settleaudit import audit_settlement
from microgrid_opt.trading.settlement import settle
from tests.support import problem_of
from tests.trading.settling import plan_of
from tests.trading.test_core_properties import Park, markets, with_trading

FEW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def _told_by_flows(park: Park) -> bool:
    """Return whether the flows on the lines of a market tell its fees: not from 35 kV to 35 kV by 10."""
    problem = problem_of(json.dumps(park))
    try:
        return takes_arcs(problem, pairs_of(problem))
    except InputError:
        return False


@FEW
@given(markets(), st.sampled_from(["buyer", "seller", "split", "network"]), st.data())
def test_every_settlement_adds_up(park: Park, bearer: str, data: st.DataObject) -> None:
    """Proves: with losses by any bearer, windows, retained charges, peaks, stores, lines and CO2, whatever
    is paid, the statements pass the audit; gains of members and changes of accounts cancel, as no plant is
    paid for. Sensitivity: a part of a cost that is in no part, or in two.
    """
    rules = park["trading"]["rules"] | {"loss_bearer": bearer}
    wires = park["trading"]["network"]
    for line in wires["lines"].values():
        owner = data.draw(st.sampled_from([None, *park["members"]]))
        line |= {} if owner is None else {"owner": owner}
    park = with_trading(park, rules=rules, network=wires) | {"carbon": {"price_per_t": 250}}
    for key, asset in park["assets"].items():
        if asset["type"] == "grid":
            park["assets"][key] = asset | {"co2_kg_per_kwh": 0.5}
    problem = problem_of(json.dumps(park))
    plan = plan_of(problem)
    first = settle(plan)
    paid = {key: data.draw(st.integers(-8, 8)) / 4 for key in first.trades}
    settlement = settle(type(plan)(**{**vars(plan), "payments": paid}))
    audit_settlement(settlement).require()
    unserved = {
        row["member"]: row["after"] - row["before"]
        for row in settlement.gains.to_dict("records")
        if row["part"] == "own_assets"
    }
    changes = sum(settlement.accounts.total(name) for name in settlement.accounts.names)
    gained = float(settlement.members["gain"].sum())
    assert gained + changes + sum(unserved.values()) == pytest.approx(0.0, abs=1e-6)


@FEW
@given(markets(arcs=True))
def test_both_forms_settle_alike(park: Park) -> None:
    """Proves: a plan in arcs passes the audit, and without payments everybody together has the same parts
    as in pairs where the optimum is one; the sum of the gains is the same always.
    Sensitivity: fees of lines that are lost or counted twice in the traced trades.
    """
    assume(_told_by_flows(park))
    whole = []
    for form in ("arcs", "pairs"):
        settlement = settle(plan_of(problem_of(json.dumps(with_trading(park, form=form)))))
        audit_settlement(settlement).require()
        assert set(settlement.gains["part"]) == set(PARTS)
        whole.append(float(settlement.members["gain"].sum()))
    assert whole[0] == pytest.approx(whole[1], rel=1e-7, abs=1e-6)
