"""Grid connection: import and export of electricity, limits, demand charge, CO2 of the mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import MoneyPerKWMonth, SizedKW, refuse
from microgrid_opt.ledger import CO2
from microgrid_opt.series import SeriesCO2PerKWh, SeriesKW, SeriesPrice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.results import AssetResults, Quantity

CARRIER = "electricity"


class Grid(Asset):
    r"""Connection to the public grid, with energy prices and a price per kW of monthly peak.

    $$ i_t \le \bar I_t,\; i_t \le K, \qquad x_t \le \bar X_t,\; x_t \le K, \qquad
       i_t \le \bar I_t z_t,\; x_t \le \bar X_t (1 - z_t), \qquad i_t \le p_m\ \forall t \in m $$
    $$ C = \sum_t h_t\,(c_t\,i_t - r_t\,x_t) + \sum_m d\,p_m, \qquad
       E = \sum_t h_t\,(\epsilon_t\,i_t - \epsilon^x_t\,x_t) $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t, x_t$ | ``import``, ``export`` | kW |
    | $K$ | ``connection_kw`` | kW |
    | $\bar I_t, \bar X_t$ | ``import_limit_kw``, ``export_limit_kw`` | kW |
    | $z_t$ | ``importing`` (with ``exclusive``) | 0/1 |
    | $p_m$ | ``peak`` of billing month $m$ | kW |
    | $c_t, r_t$ | ``import_price_per_kwh``, ``export_price_per_kwh`` | currency/kWh |
    | $d$ | ``peak_price_per_kw_month`` | currency/kW/month |
    | $\epsilon_t, \epsilon^x_t$ | ``co2_kg_per_kwh``, ``export_co2_credit_kg_per_kwh`` | kg/kWh |

    References: two-part tariff with a maximum-demand charge, e.g. 发改价格〔2023〕526号; location-based
    scope-2 accounting of the import, GHG Protocol Scope 2 Guidance (2015), chapter 6.
    """

    type: Literal["grid"]
    import_price_per_kwh: SeriesPrice | None = None
    """Price of each kWh bought; left out: nothing can be bought."""
    export_price_per_kwh: SeriesPrice | None = None
    """Revenue of each kWh sold; left out: nothing can be sold."""
    connection_kw: SizedKW | None = None
    """Capacity of the connection, both ways."""
    import_limit_kw: SeriesKW | None = None
    """Largest import."""
    export_limit_kw: SeriesKW | None = None
    """Largest export."""
    exclusive: bool = False
    """Whether import and export in one step are excluded by a binary (one meter)."""
    peak_price_per_kw_month: MoneyPerKWMonth = 0.0
    """Price of each kW of the highest import of a billing month."""
    co2_kg_per_kwh: SeriesCO2PerKWh | None = None
    """CO2 of each kWh bought."""
    export_co2_credit_kg_per_kwh: SeriesCO2PerKWh | None = None
    """CO2 credited for each kWh sold."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.import_price_per_kwh is None and self.export_price_per_kwh is None:
            raise refuse("grid", "give `import_price_per_kwh`, `export_price_per_kwh` or both.")
        if self.exclusive:
            connected = self.connection_kw is not None and self.connection_kw.upper is not None
            for side in ("import", "export"):
                limited = getattr(self, f"{side}_limit_kw") is not None
                traded = getattr(self, f"{side}_price_per_kwh") is not None
                if traded and not limited and not connected:
                    raise refuse(
                        "grid",
                        f"`exclusive` needs a bound on the {side}: give `{side}_limit_kw`, or "
                        "`connection_kw` with a maximum.",
                    )
        return self

    def build(self, b: Builder) -> None:
        """Write import, export, their limits, peaks, money and CO2."""
        connection = (
            None if self.connection_kw is None else b.size("connection", self.connection_kw)
        )
        bought = sold = None
        if self.import_price_per_kwh is not None:
            bought = self._direction(b, "import", connection)
            b.supply(CARRIER, bought, role="import")
            b.book("energy_import", b.total(bought, b.data("import_price_per_kwh")))
            if self.peak_price_per_kw_month:
                peak = b.monthly("peak", unit="kW")
                month = b.month
                b.require("monthly_peak", lambda t: bought[t] <= peak[month[t]])
                b.book("demand_charge", b.times(peak, self.peak_price_per_kw_month))
            if self.co2_kg_per_kwh is not None:
                b.book("import", b.total(bought, b.data("co2_kg_per_kwh")), effect=CO2)
        if self.export_price_per_kwh is not None:
            sold = self._direction(b, "export", connection)
            b.draw(CARRIER, sold, role="export")
            b.book("energy_export", -b.total(sold, b.data("export_price_per_kwh")))
            if self.export_co2_credit_kg_per_kwh is not None:
                credit = b.total(sold, b.data("export_co2_credit_kg_per_kwh"))
                b.book("export_credit", -credit, effect=CO2)
        if self.exclusive and bought is not None and sold is not None:
            importing = b.series("importing", unit="1", binary=True)
            most_in = b.param("most_import", self._bound(b, "import", connection))
            most_out = b.param("most_export", self._bound(b, "export", connection))
            b.require("only_import", lambda t: bought[t] <= most_in[t] * importing[t])
            b.require("only_export", lambda t: sold[t] <= most_out[t] * (1.0 - importing[t]))

    @staticmethod
    def _direction(b: Builder, side: str, connection: Any) -> Any:
        key = f"{side}_limit_kw"
        if not b.has_data(key):
            return b.series(side, unit="kW", upper=connection)
        limit = b.data(key)
        if connection is None or b.is_choice(connection):
            flow = b.series(side, unit="kW", upper=limit)
            if connection is not None:
                b.require(f"{side}_connection", lambda t: flow[t] <= connection)
            return flow
        return b.series(side, unit="kW", upper=np.minimum(limit, connection))

    @staticmethod
    def _bound(b: Builder, side: str, connection: Any) -> Any:
        key = f"{side}_limit_kw"
        most = np.inf if connection is None else b.upper_bound(connection)
        most = np.inf if most is None else most
        return np.minimum(b.data(key), most) if b.has_data(key) else most

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limits, monthly peaks, the bill and the CO2 from the meter alone."""
        hours = a.horizon.hours
        zero = np.zeros(len(a.horizon))
        sides = {
            "import": self.import_price_per_kwh is not None,
            "export": self.export_price_per_kwh is not None,
        }
        flow = {side: a.series(side) if there else zero for side, there in sides.items()}
        for side, values in flow.items():
            a.at_most(f"{side} not negative", 0.0, values, unit="kW")
            if self.connection_kw is not None:
                a.at_most(f"{side} within connection", values, a.size("connection"), unit="kW")
            if a.has_data(f"{side}_limit_kw"):
                a.at_most(f"{side} limit", values, a.data(f"{side}_limit_kw"), unit="kW")
        a.equal("import supplied", a.supplied(CARRIER), flow["import"], unit="kW")
        a.equal("export drawn", a.drawn(CARRIER), flow["export"], unit="kW")
        both = np.minimum(flow["import"], flow["export"])
        if self.exclusive:
            a.at_most("never imports and exports at once", both, 0.0, unit="kW")
            if all(sides.values()):
                importing = a.series("importing")
                wrong = flow["import"] * (1.0 - importing) + flow["export"] * importing
                a.at_most("importing tells the way", wrong, 0.0, unit="kW")
        else:
            a.noted("imports and exports at once", flow["import"], flow["export"], unit="kW")
        for category, side, sign, key, effect in (
            ("energy_import", "import", 1.0, "import_price_per_kwh", "cost"),
            ("energy_export", "export", -1.0, "export_price_per_kwh", "cost"),
            ("import", "import", 1.0, "co2_kg_per_kwh", "co2"),
            ("export_credit", "export", -1.0, "export_co2_credit_kg_per_kwh", "co2"),
        ):
            if a.has_data(key) and sides[side]:
                amount = sign * float((flow[side] * a.data(key)) @ hours)
                a.booked(category, amount, effect=effect)
        if self.peak_price_per_kw_month and sides["import"]:
            self._audit_peaks(a, flow["import"])

    def _audit_peaks(self, a: AssetAudit, bought: NDArray[np.float64]) -> None:
        months = a.horizon.month
        highest = np.array([bought[months == m].max() for m in range(len(a.horizon.month_labels))])
        billed, price = a.monthly("peak"), self.peak_price_per_kw_month
        a.at_most("import within the peak that is billed", highest, billed, unit="kW")
        # Only a plan short of the optimum bills more than the peak, and not more than it is short.
        excess = float((billed - highest).sum()) * price
        a.at_most("peaks billed beyond the import", excess, a.slack, unit="currency")
        a.booked("demand_charge", float(billed.sum()) * price)

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return the highest import and export."""
        return {
            f"highest_{side}": r.quantity(float(r.series(side).max()), "kW")
            for side in ("import", "export")
            if r.has_series(side)
        }
