"""Grid connection: import and export of electricity, limits, prices or a tariff, CO2 of the mix."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import KWhPerYear, MoneyPerKWMonth, SizedKVA, SizedKW, refuse
from microgrid_opt.formulations.access import (
    OUT,
    Meterpoint,
    Wheeling,
    audit_origins,
    limit_origin,
)
from microgrid_opt.ledger import CO2
from microgrid_opt.policies.tariffs import Contract, NamedTariff, Tariff
from microgrid_opt.policies.tariffs.components import MinimumBill
from microgrid_opt.policies.tariffs.origin import ExportFrom
from microgrid_opt.series import SeriesCO2PerKWh, SeriesKW, SeriesPrice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.bill import Facts
    from microgrid_opt.bill.of_plan import Line
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.policies.tariffs.terms import Connection
    from microgrid_opt.results import AssetResults, Quantity

CARRIER = "electricity"
WHOLE = {"import": "withdrawal", "export": "injection"}
"""All that passes the meter each way, where a park trades."""
SAME_PRICE = 1e-9
"""Prices closer than this [currency/kWh] count as equal."""


class Grid(Asset):
    r"""Connection to the public grid, with prices per kWh and kW of monthly peak, or a whole tariff.

    $$ i_t \le \bar I_t,\; i_t \le K, \qquad x_t \le \bar X_t,\; x_t \le K, \qquad
       i_t, x_t \le \varphi S, \qquad \sum_t h_t\,x_t \le X, \qquad
       i_t \le \bar I_t z_t,\; x_t \le \bar X_t (1 - z_t), \qquad i_t \le p_m\ \forall t \in m $$
    $$ C = \sum_t h_t\,(c_t\,i_t - r_t\,x_t + \kappa_t\,y_t) + \sum_m d\,p_m, \qquad
       E = \sum_t h_t\,(\epsilon_t\,i_t - \epsilon^x_t\,x_t) $$

    | symbol | name | unit |
    |---|---|---|
    | $i_t, x_t$ | ``import``, ``export`` | kW |
    | $K$ | ``connection_kw`` | kW |
    | $S, \varphi$ | ``transformer_kva``, ``power_factor`` | kVA, – |
    | $\bar I_t, \bar X_t$ | ``import_limit_kw``, ``export_limit_kw`` | kW |
    | $X$ | ``max_export_kwh_year`` | kWh/year |
    | $z_t$ | ``importing`` (with ``exclusive``, and where a tariff pays more than it costs) | 0/1 |
    | $p_m$ | ``peak`` of billing month $m$ | kW |
    | $c_t, r_t$ | ``import_price_per_kwh``, ``export_price_per_kwh`` | currency/kWh |
    | $d$ | ``peak_price_per_kw_month`` | currency/kW/month |
    | $\epsilon_t, \epsilon^x_t$ | ``co2_kg_per_kwh``, ``export_co2_credit_kg_per_kwh`` | kg/kWh |
    | $y_t$ | ``wheeled_in``, from other members (with ``wheeling``) | kW |
    | $\kappa_t$ | ``retained_price_per_kwh`` | currency/kWh |

    With ``wheeling`` the limits and the peaks are those of ``withdrawal`` and ``injection``, in which
    what is traded with other members is included (`microgrid_opt.formulations.access`).

    References: two-part tariff with a maximum-demand charge, e.g. 发改价格〔2023〕526号; location-based
    scope-2 accounting of the import, GHG Protocol Scope 2 Guidance (2015), chapter 6.
    """

    type: Literal["grid"]
    tariff: Annotated[Tariff, NamedTariff()] | None = None
    """Whole tariff, by name (`microgrid-opt tariffs`), file or inline; instead of a price of import."""
    contract: Contract = Contract()
    """What is agreed under the tariff: voltage, choices, power factor, peaks so far."""
    transformer_kva: SizedKVA | None = None
    """Transformers, or access capacity: limits both ways, and the base of charges per kVA."""
    contract_kw: SizedKW | None = None
    """Contracted demand, for tariffs that charge it; given, or chosen up to a maximum."""
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
    max_export_kwh_year: KWhPerYear | None = None
    """Largest export of a year; of a shorter horizon its share."""
    export_from: ExportFrom = "anything"
    """What may be sold: anything, only `generation` at the same place, or only `renewable` generation;
    with these two, power that was bought cannot be sold again through a store."""
    exclusive: bool = False
    """Whether import and export in one step are excluded by a binary (one meter)."""
    peak_price_per_kw_month: MoneyPerKWMonth = 0.0
    """Price of each kW of the highest import of a billing month."""
    co2_kg_per_kwh: SeriesCO2PerKWh | None = None
    """CO2 of each kWh bought."""
    export_co2_credit_kg_per_kwh: SeriesCO2PerKWh | None = None
    """CO2 credited for each kWh sold."""
    wheeling: Wheeling | None = None
    """How this meter takes part in trades between members; left out: it does not."""
    retained_price_per_kwh: SeriesPrice | None = None
    """What stays due for each kWh that another member sent, such as funds and system fees; with a
    `tariff`, its components say so (`retained_when_wheeled`)."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.imports and not self.exports:
            raise refuse("grid", "give `import_price_per_kwh`, `export_price_per_kwh` or both.")
        if self.tariff is None and (self.contract != Contract() or self.contract_kw is not None):
            raise refuse("grid", "`contract` and `contract_kw` need a `tariff`.")
        if self.tariff is not None and (
            self.import_price_per_kwh is not None or self.peak_price_per_kw_month
        ):
            raise refuse(
                "grid",
                "`tariff` stands instead of `import_price_per_kwh` and `peak_price_per_kw_month`: "
                "remove these, or make them components of the tariff.",
            )
        if self.retained_price_per_kwh is not None and (
            self.wheeling is None or self.tariff is not None
        ):
            raise refuse(
                "grid",
                "`retained_price_per_kwh` needs `wheeling`, and prices instead of a `tariff`, whose "
                "components say what is `retained_when_wheeled`.",
            )
        sends = "anything" if self.wheeling is None else self.wheeling.sends
        if len({self.export_from, sends} - {"anything"}) > 1:
            raise refuse(
                "grid",
                f"`export_from: {self.export_from}` and `wheeling.sends: {sends}` would each follow "
                "the same stores: write the same for both, or leave one at `anything`.",
            )
        if self.max_export_kwh_year is not None and not self.exports:
            raise refuse(
                "grid", "`max_export_kwh_year` needs an export: give `export_price_per_kwh`."
            )
        if self.exclusive:
            for side, traded in (("import", self.imports), ("export", self.exports)):
                if traded and not self._limited(side):
                    raise refuse(
                        "grid",
                        f"`exclusive` needs a bound on the {side}: give `{side}_limit_kw`, or "
                        "`connection_kw` with a maximum.",
                    )
        return self

    def _limited(self, side: str) -> bool:
        sizes = (self.connection_kw, self.transformer_kva)
        sized = any(size is not None and size.upper is not None for size in sizes)
        return sized or getattr(self, f"{side}_limit_kw") is not None

    @property
    def imports(self) -> bool:
        """Whether anything can be bought."""
        return self.import_price_per_kwh is not None or self.tariff is not None

    @property
    def exports(self) -> bool:
        """Whether anything can be sold."""
        if self.export_price_per_kwh is not None:
            return True
        active = {} if self.tariff is None else self.tariff.active(self.contract)
        return any(component.direction in {"export", "both"} for component in active.values())

    @property
    def priced(self) -> Tariff | None:
        """The tariff, with what is retained on wheeled power as `wheeling` says."""
        if self.tariff is None or self.wheeling is None or self.wheeling.retained is None:
            return self.tariff
        return self.tariff.retaining(self.wheeling.retained)

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Yield what of the contract does not fit the tariff."""
        del place, carrier
        if self.tariff is not None:
            for problem in self.contract.misfits(self.tariff):
                field, _, rest = problem.partition(" ")
                yield field.rstrip(":"), rest
        retained = () if self.wheeling is None else self.wheeling.retained or ()
        known = () if self.tariff is None else tuple(self.tariff.components)
        for name in retained:
            if name not in known:
                listed = ", ".join(known) or "none, for want of a `tariff`"
                yield (
                    "wheeling.retained",
                    f"{name!r} is no component of the tariff: it has {listed}.",
                )

    def reference(self) -> Self | None:
        """Return the connection as it is today; a contracted demand can be agreed anew."""
        kept = super().reference() if self.in_reference is not None else self
        if kept is None or self.in_reference is not None:
            return kept
        hardware = {"connection_kw": self.connection_kw, "transformer_kva": self.transformer_kva}
        sizes = {name: size for name, size in hardware.items() if size is not None}
        if sizes and not any(size.existing for size in sizes.values()):
            return None
        return self.model_copy(update={name: size.existing_only() for name, size in sizes.items()})

    def build(self, b: Builder) -> None:
        """Write import, export, trades, their limits, peaks or tariff, money and CO2."""
        caps = self._caps(b)
        most = {side: self._bound(b, side, caps) for side in ("import", "export")}
        trades = self.wheeling is not None and b.trades
        taken, sent = self.wheeling.write(b) if self.wheeling and trades else (None, None)
        bought, withdrawn = (
            self._direction(b, "import", caps, taken) if self.imports else (None, taken)
        )
        if bought is not None:
            self._buy(b, bought, withdrawn)
        sold, injected = self._direction(b, "export", caps, sent) if self.exports else (None, sent)
        for side, there, flow in (("import", self.imports, taken), ("export", self.exports, sent)):
            if flow is not None and not there:
                self._limit(b, side, flow, caps)
        if sold is not None:
            self._sell(b, sold)
        steps = np.arange(len(b.horizon) if self.exclusive else 0, dtype=np.int64)
        connection = None
        if self.tariff is not None:
            connection = self._connection(b, bought, sold, most["import"], caps, (taken, withdrawn))
            connection.write()
            if not self.exclusive and sold is not None:
                steps = self._paying_steps(b, connection, most)
        if withdrawn is not None and injected is not None and len(steps):
            _exclude(b, withdrawn, injected, most, steps)
        if trades:
            if b.has_data("retained_price_per_kwh"):
                b.book("retained", b.total(taken, b.data("retained_price_per_kwh")))
            self._register(b, connection, (taken, sent), (withdrawn, injected), most)

    def _caps(self, b: Builder) -> list[tuple[str, Any, float]]:
        """Return name, size and kW per unit of what limits both ways."""
        factor = self.contract.power_factor or 1.0
        return [
            (name, b.size(name, size), share)
            for name, size, share in (
                ("connection", self.connection_kw, 1.0),
                ("transformer", self.transformer_kva, factor),
            )
            if size is not None
        ]

    def _buy(self, b: Builder, bought: Any, withdrawn: Any) -> None:
        b.supply(CARRIER, bought, role="import")
        if self.import_price_per_kwh is not None:
            b.book("energy_import", b.total(bought, b.data("import_price_per_kwh")))
        if self.peak_price_per_kw_month:
            peak = b.monthly("peak", unit="kW")
            month = b.month
            b.require("monthly_peak", lambda t: withdrawn[t] <= peak[month[t]])
            b.book("demand_charge", b.times(peak, self.peak_price_per_kw_month))
        if self.co2_kg_per_kwh is not None:
            b.book("import", b.total(bought, b.data("co2_kg_per_kwh")), effect=CO2)

    def _sell(self, b: Builder, sold: Any) -> None:
        b.draw(CARRIER, sold, role="export")
        if self.export_price_per_kwh is not None:
            b.book("energy_export", -b.total(sold, b.data("export_price_per_kwh")))
        if self.export_co2_credit_kg_per_kwh is not None:
            credit = b.total(sold, b.data("export_co2_credit_kg_per_kwh"))
            b.book("export_credit", -credit, effect=CO2)
        if self.max_export_kwh_year is not None:
            b.cap(
                "exported_energy",
                b.total(sold),
                "<=",
                self.max_export_kwh_year * b.horizon.year_share,
                unit="kWh",
                description=f"largest export of {b.asset}",
            )

    def close(self, b: Builder, others: Mapping[str, Asset]) -> None:
        """Write which power may be exported."""
        limit_origin(b, others, **self._origins(trades=b.trades))

    def _origins(self, *, trades: bool) -> dict[str, ExportFrom]:
        """Return what may be sold and sent, by series."""
        found: dict[str, ExportFrom] = {"export": self.export_from} if self.exports else {}
        if self.wheeling is not None and trades:
            found[OUT] = self.wheeling.sends
        return found

    def _connection(
        self,
        b: Builder,
        bought: Any,
        sold: Any,
        most_bought: NDArray[np.float64],
        caps: list[tuple[str, Any, float]],
        traded: tuple[Any, Any],
    ) -> Connection:
        """Return what the tariff is written on; ``traded``: from other members, and all withdrawn."""
        from microgrid_opt.policies.tariffs.terms import Connection

        assert self.priced is not None
        wheeled, withdrawn = traded
        return Connection(
            b,
            self.priced,
            self.contract,
            bought=bought,
            sold=sold,
            wheeled=wheeled,
            withdrawn=withdrawn,
            most_bought=most_bought,
            transformer=next((size for name, size, _ in caps if name == "transformer"), None),
            contracted=None if self.contract_kw is None else b.size("contract", self.contract_kw),
        )

    def _paying_steps(
        self, b: Builder, connection: Connection, most: Mapping[str, NDArray[np.float64]]
    ) -> NDArray[np.int64]:
        """Return the steps in which import and export must exclude each other."""
        cost, gain = connection.marginal()
        if self.export_price_per_kwh is not None:
            gain = gain + b.data("export_price_per_kwh")
        steps = np.flatnonzero(gain > cost + SAME_PRICE)
        for side, limits in most.items():
            if len(steps) and not np.isfinite(limits[steps]).all():
                message = (
                    f"pays more for export than import costs in {len(steps)} steps, first at "
                    f"{b.horizon.stamps[steps[0]]}, which needs a bound on the {side}: give "
                    f"`{side}_limit_kw`, or `connection_kw` or `transformer_kva` with a maximum."
                )
                raise InputError(Finding(message, key="tariff"))
        return steps

    def _direction(
        self, b: Builder, side: str, caps: list[tuple[str, Any, float]], traded: Any
    ) -> tuple[Any, Any]:
        """Return what the supplier delivers or takes, and all that passes the meter that way."""
        if traded is None:
            flow = b.series(side, unit="kW", upper=self._given(b, side, caps))
            self._limit(b, side, flow, caps, given=False)
            return flow, flow
        flow = b.series(side, unit="kW")
        whole = b.series(WHOLE[side], unit="kW", upper=self._given(b, side, caps))
        b.require(f"{WHOLE[side]}_sum", lambda t: whole[t] == flow[t] + traded[t])
        self._limit(b, side, whole, caps, given=False)
        return flow, whole

    @staticmethod
    def _given(b: Builder, side: str, caps: list[tuple[str, Any, float]]) -> Any:
        """Return the limit that is known before the solve, or ``None``."""
        key = f"{side}_limit_kw"
        given: Any = b.data(key) if b.has_data(key) else None
        for _, size, share in caps:
            if not b.is_choice(size):
                given = size * share if given is None else np.minimum(given, size * share)
        return given

    def _limit(
        self,
        b: Builder,
        side: str,
        flow: Any,
        caps: list[tuple[str, Any, float]],
        *,
        given: bool = True,
    ) -> None:
        """Keep a flow within the sizes that are chosen, and with ``given`` within the known limit."""
        for name, size, share in caps:
            if b.is_choice(size):
                b.require(f"{side}_{name}", partial(_within, flow, share * size))
        known = self._given(b, side, caps) if given else None
        if known is not None:
            most = b.param(f"most_{side}_traded", np.broadcast_to(known, len(b.horizon)))
            b.require(f"{side}_limit", lambda t: flow[t] <= most[t])

    def _register(
        self,
        b: Builder,
        connection: Connection | None,
        traded: tuple[Any, Any],
        whole: tuple[Any, Any],
        most: Mapping[str, NDArray[np.float64]],
    ) -> None:
        """Tell the trades of the park about this meter."""
        assert self.wheeling is not None
        n = len(b.horizon)
        low, high = (np.zeros(n), np.zeros(n)) if connection is None else connection.energy_prices()
        gain, sure = (np.zeros(n), True) if connection is None else connection.export_price()
        retained = np.zeros(n) if connection is None else connection.retained()
        sure &= self.max_export_kwh_year is None
        sure &= self.export_from in {"anything", self.wheeling.sends}

        def own(key: str) -> NDArray[np.float64] | float:
            return b.data(key) if b.has_data(key) else 0.0

        gain = gain + own("export_price_per_kwh")
        bought = own("import_price_per_kwh")
        b.meter(
            Meterpoint(
                b.member,
                b.asset,
                b.place,
                self.wheeling.at,
                *traded,
                *whole,
                most_in=most["import"],
                most_out=most["export"],
                price=low + bought if self.imports else np.full(n, np.inf),
                dearest=high + bought if self.imports else np.full(n, np.inf),
                gain=gain if self.exports else np.full(n, -np.inf),
                outlet=gain if self.exports and sure else np.full(n, -np.inf),
                retained=retained + own("retained_price_per_kwh"),
                co2=np.zeros(n) + own("co2_kg_per_kwh"),
                credit=np.zeros(n) + own("export_co2_credit_kg_per_kwh"),
                single="never" if self.exclusive else self.wheeling.single_meter,
            )
        )

    @staticmethod
    def _bound(b: Builder, side: str, caps: list[tuple[str, Any, float]]) -> NDArray[np.float64]:
        key = f"{side}_limit_kw"
        most = np.full(len(b.horizon), np.inf)
        if b.has_data(key):
            most = np.minimum(most, b.data(key))
        for _, size, share in caps:
            upper = b.upper_bound(size)
            most = most if upper is None else np.minimum(most, upper * share)
        return most

    def audit(self, a: AssetAudit) -> None:
        """Re-derive limits, monthly peaks, the bill and the CO2 from the meter alone."""
        hours = a.horizon.hours
        zero = np.zeros(len(a.horizon))
        sides = {"import": self.imports, "export": self.exports}
        flow = {side: a.series(side) if there else zero for side, there in sides.items()}
        traded = self._audit_trades(a)
        for side, bought_or_sold in flow.items():
            a.at_most(f"{side} not negative", 0.0, bought_or_sold, unit="kW")
            values = bought_or_sold + traded[side]
            if self.connection_kw is not None:
                a.at_most(f"{side} within connection", values, a.size("connection"), unit="kW")
            if self.transformer_kva is not None:
                carried = a.size("transformer") * (self.contract.power_factor or 1.0)
                a.at_most(f"{side} within transformers", values, carried, unit="kW")
            if a.has_data(f"{side}_limit_kw"):
                a.at_most(f"{side} limit", values, a.data(f"{side}_limit_kw"), unit="kW")
        whole = {side: values + traded[side] for side, values in flow.items()}
        a.equal("import supplied", a.supplied(CARRIER), whole["import"], unit="kW")
        a.equal("export drawn", a.drawn(CARRIER), whole["export"], unit="kW")
        both = np.minimum(whole["import"], whole["export"])
        if self.exclusive:
            a.at_most("never imports and exports at once", both, 0.0, unit="kW")
            if all(sides.values()):
                importing = a.series("importing")
                wrong = whole["import"] * (1.0 - importing) + whole["export"] * importing
                a.at_most("importing tells the way", wrong, 0.0, unit="kW")
        else:
            a.noted("imports and exports at once", whole["import"], whole["export"], unit="kW")
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
            self._audit_peaks(a, whole["import"])
        if self.tariff is not None:
            self._audit_tariff(a)
        if self.exports:
            self._audit_export(a, flow["export"])
        audit_origins(a, **self._origins(trades=a.trades))

    def _audit_trades(self, a: AssetAudit) -> dict[str, NDArray[np.float64]]:
        """Return what was traded with other members by side, and check its sums and charges."""
        zero = np.zeros(len(a.horizon))
        if self.wheeling is None or not a.trades:
            return {"import": zero, "export": zero}
        traded = dict(zip(("import", "export"), self.wheeling.audit(a), strict=True))
        for side, there in (("import", self.imports), ("export", self.exports)):
            if there:
                whole = a.series(side) + traded[side]
                a.equal(f"{WHOLE[side]} is the sum", a.series(WHOLE[side]), whole, unit="kW")
        if a.has_data("retained_price_per_kwh"):
            price = a.data("retained_price_per_kwh")
            a.booked("retained", float((traded["import"] * price) @ a.horizon.hours))
        return traded

    def _audit_export(self, a: AssetAudit, sold: NDArray[np.float64]) -> None:
        """Check how much was sold."""
        if self.max_export_kwh_year is not None:
            limit = self.max_export_kwh_year * a.horizon.year_share
            a.capped("exported_energy", float(sold @ a.horizon.hours), "<=", limit, unit="kWh")

    def _audit_tariff(self, a: AssetAudit) -> None:
        """Price the meter with the bill calculator, and hold the ledger against it."""
        from microgrid_opt.bill import bill
        from microgrid_opt.bill.of_plan import meter_of
        from microgrid_opt.policies.tariffs.calendar import beyond_validity, periods_of

        assert self.tariff is not None
        for sentence in beyond_validity(self.tariff, a.horizon):
            a.note(f"is priced beyond its tariff's validity: {sentence}")
        for name, choice in self.tariff.open_choices(self.contract).items():
            offered = [o for o in choice.options if a.has_monthly(f"tariff_{name}_{o}")]
            taken = np.array([a.monthly(f"tariff_{name}_{o}") for o in offered])
            first = np.unique(periods_of(choice, a.horizon), return_index=True)[1]
            a.equal(f"one option of {name}", taken.max(axis=0), 1.0, unit="1")
            for option in offered:
                held = a.monthly(f"tariff_{name}_{option}")
                same = held[first][periods_of(choice, a.horizon)]
                a.equal(f"{option} held for its period", held, same, unit="1")
        assert self.priced is not None
        found = bill(self.priced, a.data_below("tariff"), meter_of(a), self._facts(a))
        # Below a minimum bill other charges are free: they and what is added share one sum.
        added = sum(
            float(amounts.sum())
            for name, amounts in found.amounts.items()
            if isinstance(self.tariff.components[name], MinimumBill)
        )
        for name, amounts in found.amounts.items():
            a.booked(name, float(amounts.sum()), over=a.slack + added, under=added)
        booked = sum(a.ledger(name) for name in found.amounts)
        gross = sum(float(np.abs(amounts).sum()) for amounts in found.amounts.values())
        a.at_most("bill is paid", found.total, booked, unit="currency", scale=gross)
        a.at_most("bill is not more", booked, found.total + a.slack, unit="currency", scale=gross)

    def _audit_peaks(self, a: AssetAudit, bought: NDArray[np.float64]) -> None:
        months = a.horizon.month
        highest = np.array([bought[months == m].max() for m in range(len(a.horizon.month_labels))])
        billed, price = a.monthly("peak"), self.peak_price_per_kw_month
        a.at_most("import within the peak that is billed", highest, billed, unit="kW")
        # Only a plan short of the optimum bills more than the peak, and not more than it is short.
        excess = float((billed - highest).sum()) * price
        a.at_most("peaks billed beyond the import", excess, a.slack, unit="currency")
        a.booked("demand_charge", float(billed.sum()) * price)

    def _facts(self, held: AssetResults | AssetAudit) -> Facts:
        """Return what of a plan the bill depends on beside the meter."""
        from microgrid_opt.bill import Facts
        from microgrid_opt.bill.of_plan import options_of

        assert self.tariff is not None
        return Facts(
            self.contract,
            None if self.transformer_kva is None else held.size("transformer"),
            None if self.contract_kw is None else held.size("contract"),
            options_of(self.tariff, self.contract, held),
        )

    def bill(self, r: AssetResults) -> Iterator[Line]:
        """Yield what the meter reads, and what it costs by the tariff or the prices."""
        from microgrid_opt.bill.of_plan import meter_lines, meter_of, price_lines, tariff_lines

        meter = meter_of(r)
        contracted = None if self.contract_kw is None else r.size("contract")
        yield from meter_lines(meter, exports=self.exports, contract_kw=contracted)
        if self.priced is not None:
            yield from tariff_lines(self.priced, r.data_below("tariff"), meter, self._facts(r))
        prices = {
            side: r.data(f"{side}_price_per_kwh") if r.has_data(f"{side}_price_per_kwh") else None
            for side in ("import", "export", "retained")
        }
        yield from price_lines(
            meter,
            import_price=prices["import"],
            export_price=prices["export"],
            retained_price=prices["retained"],
            peak_price=self.peak_price_per_kw_month,
        )

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return the highest import and export."""
        return {
            f"highest_{side}": r.quantity(float(r.series(side).max()), "kW")
            for side in ("import", "export")
            if r.has_series(side)
        }


def _within(flow: Any, most: Any, t: Any) -> Any:
    return flow[t] <= most


def _exclude(
    b: Builder,
    withdrawn: Any,
    injected: Any,
    most: Mapping[str, NDArray[np.float64]],
    steps: NDArray[np.int64],
) -> None:
    importing = b.series("importing", unit="1", binary=True)
    most_in = b.param("most_import", most["import"])
    most_out = b.param("most_export", most["export"])
    b.require("only_import", lambda t: withdrawn[t] <= most_in[t] * importing[t], over=steps)
    b.require(
        "only_export", lambda t: injected[t] <= most_out[t] * (1.0 - importing[t]), over=steps
    )
