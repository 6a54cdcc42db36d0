r"""Demand response in the model: payment for import below a baseline in events.

$$ q_t \le B_t z_t, \qquad q_t + i_t \le B_t z_t + \bar I_t (1 - z_t), \qquad
   u_t \ge K - q_t, \qquad C = \sum_t h_t\,(s\,u_t - p\,q_t) - \sum_m k\,K $$

with the cut $q$, the baseline $B$, the import $i$ and its bound $\bar I$, the committed power $K$ and what is
short of it $u$, and the prices $p$, $s$, $k$. Where the import may exceed the baseline, the cut is the
positive part of a difference that is paid for, and takes a binary $z$; elsewhere none. Only steps of events
have any of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.policies.tariffs.calendar import event_steps

if TYPE_CHECKING:
    from microgrid_opt.policies.tariffs.amounts import Amount
    from microgrid_opt.policies.tariffs.components import DemandResponse
    from microgrid_opt.policies.tariffs.terms import Connection


def write_response(at: Connection, component: DemandResponse, name: str) -> Amount:
    """Return the payments for demand response as a negative amount, penalties added."""
    b = at.b
    events = event_steps(component, at.horizon)
    called = np.bincount(at.month, weights=events, minlength=at.count) > 0.0
    committed = component.committed_kw
    amount = at.nothing(np.where(called, -committed * component.price_per_kw_month, 0.0))
    paid = component.price_per_kwh > 0.0 or component.shortfall_price_per_kwh > 0.0
    if not events.any() or not paid:
        return amount
    base = np.where(events, at.data(name, "baseline_kw"), 0.0)
    steps = np.flatnonzero(events)
    withdrawn = at.withdrawn
    cut = b.series(f"tariff_{name}_cut", unit="kW", upper=base)
    baseline = b.param(f"tariff_{name}_baseline", base)
    above = np.flatnonzero(events & (at.most_bought > base))
    if above.size:
        at.bounded(
            at.most_bought[above], name, "an event in which the import may exceed the baseline"
        )
        called_on = b.series(f"tariff_{name}_below", unit="1", binary=True)
        most = b.param(f"tariff_{name}_most", np.where(events, at.most_bought, 0.0))
        b.require(
            f"tariff_{name}_cut_when_below",
            lambda t: cut[t] <= baseline[t] * called_on[t],
            over=above,
        )
        b.require(
            f"tariff_{name}_below_baseline",
            lambda t: (
                cut[t] + withdrawn[t] <= baseline[t] * called_on[t] + most[t] * (1.0 - called_on[t])
            ),
            over=above,
        )
    within = np.setdiff1d(steps, above)
    b.require(
        f"tariff_{name}_cut_below", lambda t: cut[t] + withdrawn[t] <= baseline[t], over=within
    )
    amount = amount + at.of_steps(cut, np.full(len(at.horizon), -component.price_per_kwh))
    if committed and component.shortfall_price_per_kwh:
        short = b.series(f"tariff_{name}_short", unit="kW")
        b.require(f"tariff_{name}_committed", lambda t: short[t] + cut[t] >= committed, over=steps)
        penalty = np.full(len(at.horizon), component.shortfall_price_per_kwh)
        amount = amount + at.of_steps(short, penalty)
    return amount
