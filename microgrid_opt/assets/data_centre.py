"""Data centre: IT load whose jobs may wait, its overhead by PUE, cooling and waste heat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import (
    KW,
    CarrierName,
    DegreesCelsius,
    Fraction,
    Frozen,
    KWhPerKWh,
    PositiveHours,
    Unit,
    refuse,
    require_one,
)
from microgrid_opt.formulations.demand import refuse_unit
from microgrid_opt.formulations.wallclock import (
    closed_ends,
    each_window,
    hours_inside,
    step_ends,
    unbroken,
)
from microgrid_opt.formulations.windows import TimeLine, Windows, Within, write_corridor
from microgrid_opt.results import DUST
from microgrid_opt.series import SeriesDegreesCelsius, SeriesField, SeriesFraction, SeriesKW
from microgrid_opt.series.shapes import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.formulations.converter import InputSeries
    from microgrid_opt.problem import Surroundings
    from microgrid_opt.results import AssetResults, Quantity

    Floats = NDArray[np.float64]

ELECTRICITY = "electricity"
Pue = Annotated[float, Unit("1", ge=1)]
SeriesPue = Annotated[Series, SeriesField("1", ge=1)]


class PueByTemperature(Frozen):
    """PUE as a function of the outdoor temperature, in straight lines between points."""

    temperature_degc: Annotated[tuple[DegreesCelsius, ...], Field(min_length=2)]
    """Outdoor temperatures, increasing; outside of them the nearest value holds."""
    pue: Annotated[tuple[Pue, ...], Field(min_length=2)]
    """PUE at these temperatures."""

    @model_validator(mode="after")
    def _points(self) -> Self:
        if len(self.pue) != len(self.temperature_degc):
            raise refuse(
                "pue",
                f"has {len(self.pue)} values for {len(self.temperature_degc)} temperatures: give one "
                "each.",
                path=("pue",),
            )
        if any(np.diff(self.temperature_degc) <= 0):
            raise refuse("pue", "must increase.", path=("temperature_degc",))
        return self


class Deferral(Frozen):
    """Jobs that need not run when they arrive."""

    fraction: SeriesFraction
    """Share of the IT load that can run at another time."""
    max_delay_hours: PositiveHours | None = None
    """How late a job may run; it never runs before it arrives. Left out: as `within` says."""
    within: Within | None = None
    """Windows whose jobs stay in them: ``day``, or hours that are a window each; in other hours jobs
    run when they arrive. Without `max_delay_hours` a job may run anywhere in its window, early too."""

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.max_delay_hours is None and self.within is None:
            raise refuse("deferral", "says not until when: give `max_delay_hours` or `within`.")
        return self


class Cooling(Frozen):
    """Cooling that the park's cold does instead of the chillers inside the PUE."""

    carrier: CarrierName = "cold"
    """Cold that is drawn."""
    kwh_per_kwh: KWhPerKWh
    """Cold per kWh of IT."""
    overhead_fraction: Fraction
    """Share of the overhead (PUE less 1) that was cooling, and falls away."""


class ServerHeat(Frozen):
    """Waste heat that can be delivered."""

    carrier: CarrierName = "heat"
    """Balance that the heat serves."""
    fraction: Fraction
    """Heat that can be delivered, per kWh of IT."""
    limit_kw: KW | None = None
    """Most heat that the exchanger delivers; left out: no limit of its own."""


class DataCentre(Asset):
    r"""IT load with overhead by PUE, deferrable jobs, cooling by the park and recovered heat.

    $$ i_t = (1 - f_t)\,I_t + j_t, \qquad i_t \le K, \qquad
       e_t = [1 + (\mathrm{PUE}_t - 1)(1 - \kappa)]\,i_t, \qquad c_t = \gamma\,i_t $$
    $$ J(\tau - L) \le \int_0^\tau j \le J(\tau), \qquad J(\tau) = \int_0^\tau f\,I, \qquad
       0 \le q_t \le \min\{\phi\,i_t, Q\} $$

    | symbol | name | unit |
    |---|---|---|
    | $I_t$ | ``it_power_kw``, as jobs arrive | kW |
    | $f_t$ | ``fraction`` of `deferral` | – |
    | $i_t, j_t$ | IT power as jobs run; of it ``deferrable`` | kW |
    | $K$ | ``it_capacity_kw`` | kW |
    | $L$ | ``max_delay_hours``; with ``within`` the sum is met at the end of each window | h |
    | $e_t$ | electricity drawn | kW |
    | $\mathrm{PUE}_t$ | ``pue``, or from ``pue_by_temperature`` | – |
    | $\kappa, \gamma$ | ``overhead_fraction``, ``kwh_per_kwh`` of `cooling` | – |
    | $c_t$ | cold drawn | kW |
    | $q_t$ | ``heat`` recovered | kW |
    | $\phi, Q$ | ``fraction``, ``limit_kw`` of `heat_recovery` | –, kW |

    All jobs are done by the end of the horizon. The reference plan runs jobs when they arrive, unless
    ``in_reference`` is true.

    References: PUE as total energy per IT energy, ISO/IEC 30134-2:2016; with cooling from outside the
    boundary it is the partial PUE of that standard; deferral as in
    `microgrid_opt.formulations.windows`.
    """

    type: Literal["data_centre"]
    it_power_kw: SeriesKW
    """Power of the IT equipment as jobs arrive."""
    it_capacity_kw: KW | None = None
    """Most IT power that the hall can run; left out: no limit."""
    deferral: Deferral | None = None
    """Jobs that may run at another time."""
    pue: SeriesPue | None = None
    """Total energy per IT energy."""
    pue_by_temperature: PueByTemperature | None = None
    """PUE by outdoor temperature, instead of `pue`."""
    outdoor_temperature_degc: SeriesDegreesCelsius | None = None
    """Outdoor temperature; left out: from the site's weather."""
    cooling: Cooling | None = None
    """Cooling by the park's cold."""
    heat_recovery: ServerHeat | None = None
    """Waste heat that can be delivered; how much is the plan's choice."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_one(self, "pue", "pue_by_temperature")
        if self.pue_by_temperature is None and self.outdoor_temperature_degc is not None:
            raise refuse(
                "pue",
                "means nothing without `pue_by_temperature`: give that, or leave it out.",
                path=("outdoor_temperature_degc",),
            )
        return self

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Refuse cold and heat that are not counted in kWh."""
        del place
        for key, part in (("cooling", self.cooling), ("heat_recovery", self.heat_recovery)):
            if part is not None:
                yield from refuse_unit(f"{key}.carrier", part.carrier, "kWh", carrier)

    def prepare(self, surroundings: Surroundings) -> Mapping[str, Floats]:
        """Take the outdoor temperature from the weather."""
        if self.pue_by_temperature is None or self.outdoor_temperature_degc is not None:
            return {}
        return {
            "outdoor_temperature_degc": surroundings.weather.column("temperature_degc"),
        }

    def reference(self) -> Self | None:
        """Return the data centre without deferral, unless `in_reference` asks for it as it is."""
        kept = super().reference()
        if kept is None or self.in_reference:
            return kept
        return kept.model_copy(update={"deferral": None})

    def _pue(self, given: InputSeries) -> Floats:
        if self.pue_by_temperature is None:
            return given.data("pue")
        table = self.pue_by_temperature
        temperature = given.data("outdoor_temperature_degc")
        return np.asarray(np.interp(temperature, table.temperature_degc, table.pue))

    def _electricity(self, given: InputSeries) -> Floats:
        """Return electricity per kWh of IT, shape (n,)."""
        own = 1.0 if self.cooling is None else 1.0 - self.cooling.overhead_fraction
        return 1.0 + (self._pue(given) - 1.0) * own

    # -------------------------------------------------------------------------------- model

    def build(self, b: Builder) -> None:
        """Write IT power, what it draws, and the heat that is recovered."""
        load = b.data("it_power_kw")
        parts: list[Any] = []
        firm = load
        if self.deferral is not None:
            firm, deferrable = self._write_deferral(b, self.deferral, load)
            parts.append(deferrable)
        parts.insert(0, b.given("firm", firm, unit="kW"))
        self._refuse_too_much(b, firm)
        per_it = self._electricity(b)
        for part in parts:
            b.draw(ELECTRICITY, part, factor=per_it, role="demand")
            if self.cooling is not None and self.cooling.kwh_per_kwh:
                b.draw(self.cooling.carrier, part, factor=self.cooling.kwh_per_kwh, role="demand")
        if self.heat_recovery is not None:
            self._write_heat(b, self.heat_recovery, firm, parts[1:])

    def _refuse_too_much(self, b: Builder, firm: Floats) -> None:
        if self.it_capacity_kw is None:
            return
        over = np.flatnonzero(firm > self.it_capacity_kw)
        if over.size:
            t = int(over[0])
            raise InputError(
                Finding(
                    f"is less than what cannot wait (first at {b.horizon.stamps[t]}: {firm[t]:g} kW): "
                    "give a larger hall or a larger `deferral.fraction`.",
                    key=f"assets.{b.asset}.it_capacity_kw",
                    value=self.it_capacity_kw,
                )
            )

    def _write_deferral(self, b: Builder, spec: Deferral, load: Floats) -> tuple[Floats, Any]:
        """Write when jobs run; return the power that cannot wait and the variable of the rest."""
        line = TimeLine.of(b.horizon)
        arrivals = load * b.data("deferral.fraction")
        low, high = np.zeros(len(load)), np.full(len(load), np.inf)
        if spec.within is not None:
            windows = Windows.within(b.horizon, spec.within)
            low, high = windows.corridor(windows.totals(arrivals))
            arrivals = arrivals * windows.open_fraction()
        if spec.max_delay_hours is not None:
            done, late = line.until(line.end, arrivals), 3600.0 * spec.max_delay_hours
            due = np.maximum(line.end - late, line.start[line.first_step_of_run])
            low = np.maximum(low, line.until(due, arrivals))
            high = np.minimum(high, done)
            last = [stop for _, stop in line.runs()]
            low[last] = done[last]
        low = np.minimum(low, high)
        firm = load - arrivals
        room = (high - np.append(0.0, low[:-1])) / b.horizon.step_hours
        if self.it_capacity_kw is not None:
            room = np.minimum(room, self.it_capacity_kw - firm)
        deferrable = b.series("deferrable", unit="kW", upper=np.clip(room, 0.0, None))
        write_corridor(b, "done", deferrable, (low, high), unit="kWh")
        return firm, deferrable

    @staticmethod
    def _write_heat(b: Builder, spec: ServerHeat, firm: Floats, flexible: list[Any]) -> None:
        limit = np.inf if spec.limit_kw is None else spec.limit_kw
        if flexible:
            heat = b.series("heat", unit="kW", upper=spec.limit_kw)
            known, share = b.param("firm_heat", firm * spec.fraction), spec.fraction
            b.require(
                "recoverable", lambda t: heat[t] <= known[t] + share * sum(x[t] for x in flexible)
            )
        else:
            heat = b.series("heat", unit="kW", upper=np.minimum(firm * spec.fraction, limit))
        b.supply(spec.carrier, heat, role="conversion")

    # -------------------------------------------------------------------------------- audit

    def audit(self, a: AssetAudit) -> None:
        """Replay the jobs, and re-derive electricity, cold and heat from the IT power."""
        load = a.data("it_power_kw")
        running = a.series("firm")
        if self.deferral is None:
            a.equal("all IT load is firm", running, load, unit="kW")
        else:
            self._audit_jobs(a, self.deferral, load)
            running = running + a.series("deferrable")
        if self.it_capacity_kw is not None:
            a.at_most("IT power within the hall", running, self.it_capacity_kw, unit="kW")
        overhead = self._audited_pue(a) - 1.0
        cold = 0.0
        if self.cooling is not None:
            overhead = overhead - overhead * self.cooling.overhead_fraction
            cold = self.cooling.kwh_per_kwh
            a.equal("cold drawn", a.drawn(self.cooling.carrier), cold * running, unit="kW")
        a.equal("electricity drawn", a.drawn(ELECTRICITY), running * (1.0 + overhead), unit="kW")
        if self.heat_recovery is not None:
            spec, heat = self.heat_recovery, a.series("heat")
            a.at_most("heat not negative", 0.0, heat, unit="kW")
            a.at_most("heat within its share", heat, running * spec.fraction, unit="kW")
            limit = np.inf if spec.limit_kw is None else spec.limit_kw
            a.at_most("heat within its limit", heat, limit, unit="kW")
            a.equal("heat supplied", a.supplied(spec.carrier), heat, unit="kW")

    def _audited_pue(self, a: AssetAudit) -> Floats:
        """Read the table segment by segment."""
        table = self.pue_by_temperature
        if table is None:
            return a.data("pue")
        outside = a.data("outdoor_temperature_degc")
        found = np.where(outside <= table.temperature_degc[0], table.pue[0], table.pue[-1])
        for k in range(len(table.pue) - 1):
            low, high = table.temperature_degc[k : k + 2]
            slope = (table.pue[k + 1] - table.pue[k]) / (high - low)
            inside = (outside >= low) & (outside <= high)
            found = np.where(inside, table.pue[k] + slope * (outside - low), found)
        return found

    def _audit_jobs(self, a: AssetAudit, spec: Deferral, load: Floats) -> None:
        hours = a.horizon.step_hours
        arrivals = load * a.data("deferral.fraction")
        windows = [] if spec.within is None else each_window(a.horizon, spec.within)
        share = 1.0 if spec.within is None else hours_inside(a.horizon, windows) / hours
        arrivals = arrivals * share
        deferrable = a.series("deferrable")
        a.equal("firm jobs run when they arrive", a.series("firm"), load - arrivals, unit="kW")
        a.at_most("deferrable not negative", 0.0, deferrable, unit="kW")
        a.at_most("deferred only in the windows", deferrable * (share == 0.0), 0.0, unit="kW")
        done, energy = a.series("done"), hours * deferrable
        anew, on = np.abs(done - energy), np.abs(done - energy - np.append(0.0, done[:-1]))
        a.equal("done is the sum", np.minimum(anew, on), 0.0, unit="kWh", scale=float(done.max()))
        waiting = np.cumsum(hours * (arrivals - deferrable))
        if spec.within is not None:
            closed = closed_ends(a.horizon, windows)
            a.equal("jobs done in their window", waiting[closed], 0.0, unit="kWh")
        if spec.max_delay_hours is None:
            return
        begin, over = step_ends(a.horizon)
        a.at_most("no job before it arrives", 0.0, waiting, unit="kWh")
        for run in unbroken(a.horizon):
            edges = np.append(begin[run[0]], over[run])
            sums = np.append(0.0, np.cumsum(hours[run] * arrivals[run]))
            due = np.maximum(over[run] - spec.max_delay_hours, edges[0])
            recent = sums[1:] - np.interp(due, edges, sums)
            a.at_most("no job too late", waiting[run], recent, unit="kWh")
            a.equal("all jobs done at the end", waiting[run[-1]], 0.0, unit="kWh")

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return IT energy, the mean PUE, what was deferred and what heat was used."""
        running, arriving = r.series("firm"), r.data("it_power_kw")
        if r.has_series("deferrable"):
            running = running + r.series("deferrable")
        energy = float(running @ r.horizon.hours)
        mean = (
            float((running * self._electricity(r)) @ r.horizon.hours) / energy
            if energy > DUST
            else 0.0
        )
        figures = {
            "it_energy": r.quantity(energy, "kWh"),
            "mean_pue" if self.cooling is None else "mean_partial_pue": r.quantity(mean, "1"),
        }
        if self.deferral is not None:
            moved = np.clip(arriving - running, 0.0, None)
            figures["deferred"] = r.quantity(float(moved @ r.horizon.hours), "kWh")
        if self.heat_recovery is not None:
            figures["heat_recovered"] = r.quantity(r.energy("heat"), "kWh")
        return figures
