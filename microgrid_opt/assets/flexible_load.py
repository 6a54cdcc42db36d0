"""Flexible load: a demand that can be shifted within windows or hours, and cut at a price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import (
    KW,
    CarrierName,
    Efficiency,
    Fraction,
    Frozen,
    Hours,
    KWh,
    Unit,
    refuse,
    require_one,
)
from microgrid_opt.formulations.demand import refuse_unit
from microgrid_opt.formulations.wallclock import closed_ends, each_window, hours_inside, unbroken
from microgrid_opt.formulations.windows import TimeLine, Windows, Within, write_lag
from microgrid_opt.series import SeriesFraction, SeriesKW, SeriesPerUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.formulations.converter import InputSeries
    from microgrid_opt.results import AssetResults, Quantity

CostPerKWh = Annotated[float, Unit("currency/kWh", ge=0)]


class Shift(Frozen):
    """The part of the load that may be moved, and how soon it must be made up for."""

    down_fraction: SeriesFraction | None = None
    """Share of the load that may be taken away in a step."""
    down_kw: SeriesKW | None = None
    """Power that may be taken away, instead of a share; never more than the load."""
    up_fraction: SeriesPerUnit | None = None
    """Power that may be added in a step, as a share of the load."""
    up_kw: SeriesKW | None = None
    """Power that may be added, instead of a share."""
    within: Within | None = None
    """Windows whose energy stays the same: ``day``, or hours that are a window each, such as
    ``6-14, 14-22, 22-6``; in other hours nothing is moved."""
    delay_hours: Hours | None = None
    """How much later load may be served; instead of `within`."""
    advance_hours: Hours | None = None
    """How much earlier load may be served; instead of `within`."""
    efficiency: Efficiency = 1.0
    """Energy taken away per energy added to make up for it."""
    max_shifted_kwh: KWh | None = None
    """Most energy that may be late, or early, at any time."""
    cost_per_kwh: CostPerKWh = 0.0
    """Cost of each kWh taken away to be served at another time."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        require_one(self, "down_fraction", "down_kw")
        require_one(self, "up_fraction", "up_kw")
        if (self.within is None) == (self.delay_hours is None and self.advance_hours is None):
            raise refuse(
                "shift",
                "says not when load is made up for: give either `within`, or `delay_hours` or "
                "`advance_hours` or both.",
            )
        return self

    def limits(self, given: InputSeries, load: NDArray[np.float64]) -> tuple[Any, Any]:
        """Return the largest power taken away and added, shape (n,)."""
        found = []
        for way in ("down", "up"):
            share = f"shift.{way}_fraction"
            of_load = given.has_data(share)
            found.append(given.data(share) * load if of_load else given.data(f"shift.{way}_kw"))
        return np.minimum(found[0], load), found[1]


class CurtailmentLevel(Frozen):
    """A part of the load that may be cut at one price."""

    fraction: Fraction | None = None
    """Share of the load."""
    power_kw: KW | None = None
    """Power, instead of a share; never more than the load."""
    price_per_kwh: CostPerKWh
    """Price of each kWh cut."""

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        require_one(self, "fraction", "power_kw")
        return self

    def limit(self, load: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the largest cut, shape (n,)."""
        if self.power_kw is not None:
            return np.minimum(self.power_kw, load)
        return load * float(self.fraction or 0.0)


class Curtailment(Frozen):
    """What may be cut and is not made up for."""

    levels: Annotated[tuple[CurtailmentLevel, ...], Field(min_length=1)]
    """Parts of the load with a price each."""
    yearly_limit_kwh: KWh | None = None
    """Most energy cut in a year; a horizon of another length gets its share."""
    yearly_limit_hours: Hours | None = None
    """Most hours of a year in which anything is cut; they are counted by a binary."""


class FlexibleLoad(Asset):
    r"""Load that may be taken away and added within limits, and cut at a price.

    $$ p_t = D_t + u_t - d_t - \sum_l c_{lt}, \qquad d_t + \sum_l c_{lt} \le D_t, \qquad
       u_t + d_t \le \max\{\bar u_t, \bar d_t\} $$
    $$ v_t = v_{t-1} + \Delta t\,(\eta\,u_t - d_t), \qquad |v_t| \le V, \qquad
       v_t = 0 \text{ at the end of a window} $$
    $$ U(\tau + L) \ge R(\tau), \qquad U(\tau) \le R(\tau + A), \qquad
       R(\tau) = \int_0^\tau d, \quad U(\tau) = \eta\int_0^\tau u $$

    | symbol | name | unit |
    |---|---|---|
    | $p_t$ | ``power`` drawn | kW |
    | $D_t$ | ``power_kw``, the load as it is without shifts | kW |
    | $u_t, d_t$ | ``added``, ``taken_away`` | kW |
    | $\bar u_t, \bar d_t$ | from ``up_fraction`` or ``up_kw``, ``down_fraction`` or ``down_kw`` | kW |
    | $v_t, V$ | ``shifted``: early less late energy; ``max_shifted_kwh`` | kWh |
    | $R$ | ``taken_so_far`` | kWh |
    | $L, A$ | ``delay_hours``, ``advance_hours`` | h |
    | $\eta$ | ``efficiency`` | – |
    | $c_{lt}$ | cut of each of the ``levels``, at its ``price_per_kwh`` | kW |

    With ``delay_hours`` and ``advance_hours`` the two conditions on the sums are the same as a table
    that says of each kWh taken away when it is made up for: what is taken away first is made up for
    first. On steps of one hour that is the model of Zerrahn and Schill, with 4 instead of 2 L + 2
    columns a step. All must be made up for by the end of the horizon. The reference plan has the load
    without shifts and cuts, unless ``in_reference`` is true.

    References: Zerrahn & Schill (2015), On the representation of demand-side management in power
    system models, Energy 84, 840–845, doi:10.1016/j.energy.2015.03.037.
    """

    type: Literal["flexible_load"]
    carrier: CarrierName = "electricity"
    """What is drawn; counted in kWh."""
    power_kw: SeriesKW
    """Load as it is without shifts and cuts."""
    shift: Shift | None = None
    """The part that may be moved in time."""
    curtail: Curtailment | None = None
    """The part that may be cut."""

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse a carrier that is not counted in kWh."""
        del place
        yield from refuse_unit("carrier", self.carrier, "kWh", carrier)

    def reference(self) -> Self | None:
        """Return the load without flexibility, unless `in_reference` asks for it as it is."""
        kept = super().reference()
        if kept is None or self.in_reference:
            return kept
        return kept.model_copy(update={"shift": None, "curtail": None})

    def build(self, b: Builder) -> None:
        """Write what is drawn, shifts, cuts and their cost."""
        load = b.data("power_kw")
        terms: list[tuple[float, Any]] = []
        removed: list[Any] = []
        if self.shift is not None:
            added, taken = self._write_shift(b, self.shift, load)
            terms += [(1.0, added), (-1.0, taken)]
            removed.append(taken)
        if self.curtail is not None:
            cuts = self._write_cuts(b, self.curtail, load)
            terms += [(-1.0, cut) for cut in cuts]
            removed += cuts
        if not terms:
            b.draw(self.carrier, b.given("power", load, unit="kW"), role="demand")
            return
        base = b.param("load", load)
        power = b.series("power", unit="kW")
        b.require(
            "drawn", lambda t: power[t] == base[t] + sum(sign * flow[t] for sign, flow in terms)
        )
        if len(removed) > 1:
            b.require("no_more_than_the_load", lambda t: sum(x[t] for x in removed) <= base[t])
        b.draw(self.carrier, power, role="demand")

    def _write_shift(self, b: Builder, shift: Shift, load: Any) -> tuple[Any, Any]:
        down, up = shift.limits(b, load)
        line = TimeLine.of(b.horizon)
        settled = np.append(line.first_of_run[1:], True)
        if shift.within is not None:
            windows = Windows.within(b.horizon, shift.within)
            share = windows.open_fraction()
            down, up = down * share, up * share
            over, begun = windows.corridor(np.ones(len(windows.share)))
            settled = over == begun
        added = b.series("added", unit="kW", upper=up)
        taken = b.series("taken_away", unit="kW", upper=down)
        most = b.param("largest_shift", np.maximum(up, down))
        b.require("one_way", lambda t: added[t] + taken[t] <= most[t])
        hours = b.horizon.step_hours
        fresh = np.append(True, settled[:-1])
        kept = b.param("shifted_kept", np.where(fresh, 0.0, 1.0))
        inward, outward = b.param("inward", hours * shift.efficiency), b.param("outward", hours)
        limit = np.inf if shift.max_shifted_kwh is None else shift.max_shifted_kwh
        room = [
            np.where(settled, 0.0, np.minimum(limit, _per_stretch(hours * way, fresh)))
            for way in (down, up * shift.efficiency)
        ]
        shifted = b.series("shifted", unit="kWh", lower=-room[0], upper=room[1])
        before = b.previous
        b.require(
            "shifted_balance",
            lambda t: (
                shifted[t]
                == kept[t] * shifted[before[t]] + inward[t] * added[t] - outward[t] * taken[t]
            ),
        )
        if shift.within is None:
            self._write_moving(b, shift, shifted, taken, _per_stretch(hours * down, fresh))
        if shift.cost_per_kwh:
            b.book("shift", b.total(taken, shift.cost_per_kwh))
        return added, taken

    @staticmethod
    def _write_moving(b: Builder, shift: Shift, shifted: Any, taken: Any, most: Any) -> None:
        """Pair what is taken away with what is added, first with first."""
        line, before = TimeLine.of(b.horizon), b.previous
        kept = b.param("taken_kept", np.where(line.first_of_run, 0.0, 1.0))
        hours = b.param("taken_hours", b.horizon.step_hours)
        so_far = b.series("taken_so_far", unit="kWh", upper=most)
        b.require(
            "taken_sum", lambda t: so_far[t] == kept[t] * so_far[before[t]] + hours[t] * taken[t]
        )

        def made_up(t: Any) -> Any:
            return shifted[t] + so_far[t]

        def away(t: Any) -> Any:
            return so_far[t]

        write_lag(b, "late", made_up, away, shift.delay_hours or 0.0)
        write_lag(b, "early", away, made_up, shift.advance_hours or 0.0)

    def _write_cuts(self, b: Builder, spec: Curtailment, load: Any) -> list[Any]:
        limits = [level.limit(load) for level in spec.levels]
        cuts = []
        for number, (level, limit) in enumerate(zip(spec.levels, limits, strict=True), start=1):
            cut = b.series(f"curtailed_{number}", unit="kW", upper=limit)
            b.book("curtailment", b.total(cut, level.price_per_kwh))
            cuts.append(cut)
        if spec.yearly_limit_kwh is not None:
            b.cap(
                "curtailed_energy",
                sum((b.total(cut) for cut in cuts), b.total(cuts[0], 0.0)),
                "<=",
                spec.yearly_limit_kwh * b.horizon.year_share,
                unit="kWh",
                description=f"yearly limit of the energy cut at {b.asset}",
            )
        if spec.yearly_limit_hours is not None:
            called = b.series("called", unit="1", binary=True)
            most = b.param("largest_cut", np.sum(limits, axis=0))
            b.require("cut_when_called", lambda t: sum(c[t] for c in cuts) <= most[t] * called[t])
            b.cap(
                "curtailed_hours",
                b.total(called),
                "<=",
                spec.yearly_limit_hours * b.horizon.year_share,
                unit="h",
                description=f"yearly limit of the hours with cuts at {b.asset}",
            )
        return cuts

    # -------------------------------------------------------------------------------- audit

    def audit(self, a: AssetAudit) -> None:
        """Re-derive what is drawn, and replay shifts and cuts against their limits."""
        load, expected = a.data("power_kw"), a.data("power_kw").copy()
        if self.shift is not None:
            added, taken = a.series("added"), a.series("taken_away")
            expected += added - taken
            self._audit_shift(a, self.shift, added, taken)
        if self.curtail is not None:
            cuts = [a.series(f"curtailed_{k + 1}") for k in range(len(self.curtail.levels))]
            expected -= np.sum(cuts, axis=0)
            self._audit_cuts(a, self.curtail, cuts)
        a.equal("power follows load, shifts and cuts", a.series("power"), expected, unit="kW")
        a.at_most("power not negative", 0.0, expected, unit="kW", scale=float(load.max()))
        a.equal("power drawn", a.drawn(self.carrier), a.series("power"), unit="kW")

    def _audit_shift(self, a: AssetAudit, shift: Shift, added: Any, taken: Any) -> None:
        load, hours = a.data("power_kw"), a.horizon.step_hours
        windows = [] if shift.within is None else each_window(a.horizon, shift.within)
        share: Any = 1.0 if shift.within is None else hours_inside(a.horizon, windows) / hours
        for name, flow, way in (("added", added, "up"), ("taken away", taken, "down")):
            of_load = f"shift.{way}_fraction"
            limit = a.data(of_load) * load if a.has_data(of_load) else a.data(f"shift.{way}_kw")
            a.at_most(f"{name} not negative", 0.0, flow, unit="kW")
            a.at_most(f"{name} within its limit", flow, limit * share, unit="kW")
        a.at_most("no more taken away than there is", taken, load, unit="kW")
        a.booked("shift", float(taken @ a.horizon.hours) * shift.cost_per_kwh)
        a.noted("takes away and adds load at once", added, taken, unit="kW")
        gained = hours * (added * shift.efficiency - taken)
        early = np.concatenate([np.cumsum(gained[run]) for run in unbroken(a.horizon)])
        most = np.inf if shift.max_shifted_kwh is None else shift.max_shifted_kwh
        a.equal("shifted follows the flows", a.series("shifted"), early, unit="kWh")
        a.at_most("late or early energy within its limit", np.abs(early), most, unit="kWh")
        if shift.within is not None:
            closed = closed_ends(a.horizon, windows)
            a.equal("made up for within the window", early[closed], 0.0, unit="kWh")
            return
        for run in unbroken(a.horizon):
            edges = np.append(0.0, np.cumsum(hours[run]))
            made, away = (
                np.append(0.0, np.cumsum(hours[run] * flow[run]))
                for flow in (added * shift.efficiency, taken)
            )
            for what, ahead, behind, lag in (
                ("late", made, away, shift.delay_hours or 0.0),
                ("early", away, made, shift.advance_hours or 0.0),
            ):
                moments = np.union1d(edges, np.clip(edges - lag, 0.0, None))
                now = np.interp(moments, edges, ahead)
                open_ = np.interp(moments, edges, behind) - now
                soon = np.interp(moments + lag, edges, ahead) - now
                a.at_most(f"load is never more than {lag:g} h {what}", open_, soon, unit="kWh")

    def _audit_cuts(self, a: AssetAudit, spec: Curtailment, cuts: list[Any]) -> None:
        load, hours = a.data("power_kw"), a.horizon.hours
        total = np.sum(cuts, axis=0)
        cost = 0.0
        for level, cut in zip(spec.levels, cuts, strict=True):
            most = load * (level.fraction or 0.0) if level.power_kw is None else level.power_kw
            a.at_most("cut not negative", 0.0, cut, unit="kW")
            a.at_most("cut within its level", cut, most, unit="kW")
            cost += float(cut @ hours) * level.price_per_kwh
        removed = total + a.series("taken_away") if self.shift is not None else total
        a.at_most("no more cut than there is", removed, load, unit="kW")
        a.booked("curtailment", cost)
        share = a.horizon.year_share
        if spec.yearly_limit_kwh is not None:
            limit = spec.yearly_limit_kwh * share
            a.capped("curtailed_energy", float(total @ hours), "<=", limit, unit="kWh")
        if spec.yearly_limit_hours is not None:
            called = a.series("called")
            a.equal("called is yes or no", called * (1.0 - called), 0.0, unit="1")
            a.at_most("cut only when called", total * (1.0 - called), 0.0, unit="kW")
            limit = spec.yearly_limit_hours * share
            a.capped("curtailed_hours", float(called @ hours), "<=", limit, unit="h")

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return what was shifted and cut, and the peak with and without."""
        figures = {}
        if self.shift is not None:
            figures["shifted"] = r.quantity(r.energy("taken_away"), "kWh")
        if self.curtail is not None:
            energy = sum(r.energy(f"curtailed_{k + 1}") for k in range(len(self.curtail.levels)))
            figures["curtailed_load"] = r.quantity(energy, "kWh")
        if figures:
            figures["peak"] = r.quantity(r.series("power").max(), "kW")
            figures["peak_without_flexibility"] = r.quantity(r.data("power_kw").max(), "kW")
        return figures


def _per_stretch(amounts: NDArray[np.float64], fresh: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the sum of the amounts between fresh starts, for each step, shape (n,)."""
    starts = np.flatnonzero(fresh)
    sums = np.add.reduceat(amounts, starts)
    return np.asarray(sums[np.cumsum(fresh) - 1])
