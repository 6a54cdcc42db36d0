"""Access to a network on which members trade, without a supplier behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import SizedKW
from microgrid_opt.formulations.access import (
    CARRIER,
    OUT,
    Meterpoint,
    Wheeling,
    audit_origins,
    limit_origin,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder


class Access(Asset):
    r"""Meter of a generator, a store or a user that only trades: no supplier, no tariff.

    $$ y_t + o_t \le K, \qquad y_t \le \bar Y, \quad o_t \le \bar O $$

    | symbol | name | unit |
    |---|---|---|
    | $y_t, o_t$ | ``wheeled_in``, ``wheeled_out`` | kW |
    | $K$ | ``power_kw`` | kW |
    | $\bar Y, \bar O$ | ``wheeling.max_in_kw``, ``wheeling.max_out_kw`` | kW |

    A park without ``trading``, and its reference plan, have nothing behind such a meter.

    References: separately metered generators of 发改能源〔2017〕1901号 (pilot of distributed
    generation that trades in the market).
    """

    type: Literal["access"]
    wheeling: Wheeling
    """Where the meter is connected, and its limits."""
    power_kw: SizedKW | None = None
    """Capacity of the connection."""

    def build(self, b: Builder) -> None:
        """Write what is taken and sent, where the park trades."""
        size = None if self.power_kw is None else b.size("power", self.power_kw)
        if not b.trades:
            return
        taken, sent = self.wheeling.write(b)
        if size is not None:
            b.require("within_power", lambda t: taken[t] + sent[t] <= size)
        n = len(b.horizon)
        most = None if size is None else b.upper_bound(size)
        bound = np.full(n, np.inf if most is None else most)
        limits = (self.wheeling.max_in_kw, self.wheeling.max_out_kw)
        most_in, most_out = (bound if top is None else np.minimum(bound, top) for top in limits)
        b.meter(
            Meterpoint(
                b.member,
                b.asset,
                b.place,
                self.wheeling.at,
                taken=taken,
                sent=sent,
                withdrawal=taken,
                injection=sent,
                most_in=most_in,
                most_out=most_out,
                price=np.full(n, np.inf),
                dearest=np.full(n, np.inf),
                gain=np.full(n, -np.inf),
                outlet=np.full(n, -np.inf),
                retained=np.zeros(n),
                co2=np.zeros(n),
                credit=np.zeros(n),
                single=self.wheeling.single_meter,
            )
        )

    def close(self, b: Builder, others: Mapping[str, Asset]) -> None:
        """Write where what is sent may come from."""
        if b.trades:
            limit_origin(b, others, **{OUT: self.wheeling.sends})

    def audit(self, a: AssetAudit) -> None:
        """Re-derive the limits."""
        if not a.trades:
            return
        taken, sent = self.wheeling.audit(a)
        audit_origins(a, **{OUT: self.wheeling.sends})
        a.equal("wheeled_in supplied", a.supplied(CARRIER), taken, unit="kW")
        a.equal("wheeled_out drawn", a.drawn(CARRIER), sent, unit="kW")
        if self.power_kw is not None:
            a.at_most("within power", taken + sent, a.size("power"), unit="kW")
