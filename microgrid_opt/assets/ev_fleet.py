"""Electric vehicle fleet: groups of vehicles that charge, and may discharge, while plugged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import refuse
from microgrid_opt.formulations.vehicles import Stays, VehicleGroup, replayed
from microgrid_opt.formulations.wallclock import hours_inside, step_ends
from microgrid_opt.formulations.windows import Name, overlapping
from microgrid_opt.series import SeriesKW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.problem import Surroundings
    from microgrid_opt.results import AssetResults, Quantity

    Floats = NDArray[np.float64]

ELECTRICITY = "electricity"
SAME = 1e-9


class EvFleet(Asset):
    r"""Groups of vehicles, each one battery that comes, charges and leaves with what it needs.

    $$ e_t = e_{t-1} + a_t - l_t + m_t + \Delta t\,(\eta_c\,c_t - d_t / \eta_d), \qquad
       f_{min}\,N E\,o_t \le e_t \le N E\,o_t $$
    $$ c_t + d_t \le P\,\pi_t, \qquad d_t \le P_d\,\pi_t, \qquad m_t \le l_t, \qquad
       \sum_g (c_t - d_t) \le L_t $$

    | symbol | name | unit |
    |---|---|---|
    | $e_t$ | content of the plugged batteries at the end of the step, when leavers are gone | kWh |
    | $a_t, l_t$ | what the batteries hold that arrive; that leave | kWh |
    | $c_t, d_t$ | charge, discharge at the terminals | kW |
    | $m_t$ | what lacks on departure, at ``unserved_price_per_kwh`` | kWh |
    | $N, E$ | ``vehicles``, ``battery_kwh`` | –, kWh |
    | $P, P_d$ | ``charger_kw``, ``power_kw`` of all chargers | kW |
    | $o_t, \pi_t$ | whether plugged at the end of the step; share of the step | –, – |
    | $\eta_c, \eta_d$ | ``charge_efficiency``, ``discharge_efficiency`` | – |
    | $f_{min}$ | ``min_fraction`` | – |
    | $L_t$ | ``power_limit_kw`` | kW |

    Each group has a series of each of these. A stay that the horizon or a gap cuts begins and ends
    there as if it gained its energy evenly: each part has its share of the need by length. The
    reference plan charges on arrival at full power, without discharging and without `power_limit_kw`,
    unless ``in_reference`` is true.

    References: aggregated battery of plugged vehicles as in Lund & Kempton (2008), Integration of
    renewable energy into the transport and electricity sectors through V2G, Energy Policy 36,
    3578–3587, doi:10.1016/j.enpol.2008.06.007.
    """

    type: Literal["ev_fleet"]
    groups: Annotated[dict[Name, VehicleGroup], Field(min_length=1)]
    """Groups of vehicles by name."""
    charging: Literal["managed", "on_arrival"] = "managed"
    """Whether the plan chooses when to charge, or all charge on arrival at full power."""
    power_limit_kw: SeriesKW | None = None
    """Most power that the whole fleet draws, discharge deducted."""

    @model_validator(mode="after")
    def _managed(self) -> Self:
        if self.charging == "managed":
            return self
        if self.power_limit_kw is not None:
            raise refuse(
                "charging", "means nothing with `charging: on_arrival`.", path=("power_limit_kw",)
            )
        for name, group in self.groups.items():
            if group.vehicle_to_grid is not None:
                raise refuse(
                    "charging",
                    "means nothing with `charging: on_arrival`.",
                    path=("groups", name, "vehicle_to_grid"),
                )
        return self

    def prepare(self, surroundings: Surroundings) -> Mapping[str, Floats]:
        """Refuse stays that overlap or are too short for what they need."""
        horizon = surroundings.horizon
        for name, group in self.groups.items():
            for stay in self._problems(group, horizon):
                raise InputError(Finding(stay, key=f"groups.{name}"))
        return {}

    @staticmethod
    def _problems(group: VehicleGroup, horizon: Horizon) -> Iterator[str]:
        import pandas as pd

        stays = Stays.of(group, horizon)
        windows = stays.windows
        days = horizon.stamps[0] + pd.to_timedelta(windows.start, unit="s")
        for one, other in overlapping(windows.start, windows.end):
            yield (
                f"comes at {days[other]:%Y-%m-%d %H:%M} before it has left, having come at "
                f"{days[one]:%Y-%m-%d %H:%M}: correct an arrival or a departure."
            )
        if group.unserved_price_per_kwh is not None:
            return
        needed = (stays.ends - stays.begins) / group.charge_efficiency
        room = group.charging_kw * (windows.end - windows.start) / 3600.0
        for part in np.flatnonzero(needed > room * (1 + SAME) + SAME).tolist():
            yield (
                f"needs {needed[part]:g} kWh in the stay from {days[part]:%Y-%m-%d %H:%M} on, in which "
                f"its chargers can give {room[part]:g} kWh: give more power, a longer stay, a smaller "
                "need or `unserved_price_per_kwh`."
            )

    def reference(self) -> Self | None:
        """Return the fleet that charges on arrival, unless `in_reference` asks for it as it is."""
        kept = super().reference()
        if kept is None or self.in_reference:
            return kept
        groups = {
            name: group.model_copy(update={"vehicle_to_grid": None})
            for name, group in self.groups.items()
        }
        changes = {"charging": "on_arrival", "power_limit_kw": None, "groups": groups}
        return kept.model_copy(update=changes)

    # -------------------------------------------------------------------------------- model

    def build(self, b: Builder) -> None:
        """Write every group, and the limit of the fleet."""
        drawn: list[tuple[float, Any]] = []
        for name, group in self.groups.items():
            stays = Stays.of(group, b.horizon)
            if self.charging == "on_arrival":
                self._write_given(b, name, group, stays)
            else:
                drawn += self._write_group(b, name, group, stays)
        if self.power_limit_kw is not None:
            limit = b.param("power_limit", b.data("power_limit_kw"))
            b.require(
                "fleet_limit", lambda t: sum(sign * flow[t] for sign, flow in drawn) <= limit[t]
            )

    @staticmethod
    def _write_group(
        b: Builder, name: str, group: VehicleGroup, stays: Stays
    ) -> list[tuple[float, Any]]:
        arriving, leaving, open_ = stays.events(len(b.horizon))
        plugged, hours, v2g = (
            stays.windows.open_fraction(),
            b.horizon.step_hours,
            group.vehicle_to_grid,
        )
        full = group.vehicles * group.battery_kwh
        charge = b.series(f"{name}_charge", unit="kW", upper=group.charging_kw * plugged)
        b.draw(ELECTRICITY, charge, role="demand")
        flows, gains = (
            [(1.0, charge)],
            [(b.param(f"{name}_in", hours * group.charge_efficiency), charge)],
        )
        least = 0.0
        if v2g is not None:
            discharge = b.series(
                f"{name}_discharge", unit="kW", upper=group.discharging_kw * plugged
            )
            b.supply(ELECTRICITY, discharge, role="storage")
            most = b.param(f"{name}_most", group.charging_kw * plugged)
            b.require(f"{name}_one_charger", lambda t: charge[t] + discharge[t] <= most[t])
            if v2g.cost_per_kwh:
                b.book("variable_om", b.total(discharge, v2g.cost_per_kwh))
            flows.append((-1.0, discharge))
            gains.append((b.param(f"{name}_out", -hours / v2g.discharge_efficiency), discharge))
            least = v2g.min_fraction * full
        if group.unserved_price_per_kwh is not None:
            missing = b.series(f"{name}_missing", unit="kWh", upper=leaving)
            b.book("unserved", b.times(missing, group.unserved_price_per_kwh * b.horizon.weight))
            gains.append((b.param(f"{name}_excused", 1.0), missing))
        content = b.series(
            f"{name}_state_of_charge", unit="kWh", upper=full * open_, lower=least * open_
        )
        change, before = b.param(f"{name}_change", arriving - leaving), b.previous
        # All stays are over when the horizon is: the first step begins with nothing.
        b.require(
            f"{name}_balance",
            lambda t: (
                content[t]
                == content[before[t]] + change[t] + sum(per[t] * flow[t] for per, flow in gains)
            ),
        )
        return flows

    @staticmethod
    def _write_given(b: Builder, name: str, group: VehicleGroup, stays: Stays) -> None:
        arriving, leaving, _ = stays.events(len(b.horizon))
        power, lacking = stays.on_arrival(group)
        gained = b.horizon.step_hours * power * group.charge_efficiency
        content = np.cumsum(arriving - leaving + gained + lacking)
        b.draw(ELECTRICITY, b.given(f"{name}_charge", power, unit="kW"), role="demand")
        b.given(f"{name}_state_of_charge", np.maximum(content, 0.0), unit="kWh")
        if group.unserved_price_per_kwh is not None:
            b.given(f"{name}_missing", lacking, unit="kWh")
            b.book("unserved", float(lacking @ b.horizon.weight) * group.unserved_price_per_kwh)

    # -------------------------------------------------------------------------------- audit

    def audit(self, a: AssetAudit) -> None:
        """Replay the stays of every group and check power, content and cost."""
        drawn, given, wear, excused = np.zeros(len(a.horizon)), np.zeros(len(a.horizon)), 0.0, 0.0
        for name, group in self.groups.items():
            charge, missing = a.series(f"{name}_charge"), np.zeros(len(a.horizon))
            discharge = np.zeros(len(a.horizon))
            if group.vehicle_to_grid is not None:
                discharge = a.series(f"{name}_discharge")
                energy = float(discharge @ a.horizon.hours)
                wear += energy * group.vehicle_to_grid.cost_per_kwh
            if group.unserved_price_per_kwh is not None:
                missing = a.series(f"{name}_missing")
                lacking = float(missing @ a.horizon.weight)
                excused += lacking * group.unserved_price_per_kwh
            self._audit_group(a, name, group, charge, discharge, missing)
            drawn, given = drawn + charge, given + discharge
        a.equal("charge drawn", a.drawn(ELECTRICITY), drawn, unit="kW")
        a.equal("discharge supplied", a.supplied(ELECTRICITY), given, unit="kW")
        if self.power_limit_kw is not None:
            a.at_most("fleet within its limit", drawn - given, a.data("power_limit_kw"), unit="kW")
        a.booked("variable_om", wear)
        a.booked("unserved", excused)

    def _audit_group(
        self,
        a: AssetAudit,
        name: str,
        group: VehicleGroup,
        charge: Floats,
        discharge: Floats,
        missing: Floats,
    ) -> None:
        hours, full = a.horizon.step_hours, group.vehicles * group.battery_kwh
        begin, over = step_ends(a.horizon)
        stays = list(replayed(group, a.horizon))
        change, leaving, expected = np.zeros((3, len(hours)))
        present = np.zeros(len(hours), dtype=bool)
        for start, end, comes, goes in stays:
            inside = np.flatnonzero((begin < end - SAME) & (over > start + SAME))
            change[inside[0]] += comes
            change[inside[-1]] -= goes
            leaving[inside[-1]] += goes
            present |= (over > start + SAME) & (over < end - SAME)
            needed = (goes - comes) / group.charge_efficiency
            for t in inside:
                here = min(over[t], end) - max(begin[t], start)
                taken = min(needed, here * group.charging_kw)
                expected[t] += taken / hours[t]
                needed -= taken
        plugged = hours_inside(a.horizon, [(start, end) for start, end, _, _ in stays]) / hours
        most = group.charging_kw * plugged
        a.at_most(f"{name} charges only while plugged", charge + discharge, most, unit="kW")
        a.at_most(f"{name} charge not negative", 0.0, charge, unit="kW")
        a.at_most(f"{name} discharge not negative", 0.0, discharge, unit="kW")
        most = group.discharging_kw * plugged
        a.at_most(f"{name} discharges only while plugged", discharge, most, unit="kW")
        a.at_most(f"{name} missing on departure only", missing, leaving, unit="kWh")
        a.at_most(f"{name} missing not negative", 0.0, missing, unit="kWh")
        v2g = group.vehicle_to_grid
        lost = 0.0 if v2g is None else discharge / v2g.discharge_efficiency
        gained = hours * (charge * group.charge_efficiency - lost)
        content = np.cumsum(change + gained + missing)
        least = 0.0 if v2g is None else v2g.min_fraction * full
        held = a.series(f"{name}_state_of_charge")
        a.equal(f"{name} content follows the stays", held, content, unit="kWh", scale=full)
        a.at_most(f"{name} within its batteries", content, full * present, unit="kWh", scale=full)
        a.at_most(f"{name} least content", least * present, content, unit="kWh", scale=full)
        if self.charging == "on_arrival":
            a.equal(f"{name} charges on arrival", charge, expected, unit="kW")
        elif v2g is not None:
            a.noted(f"{name} charges and discharges at once", charge, discharge, unit="kW")

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return what was charged, given back and lacking."""
        figures = {"charged": r.quantity(sum(r.energy(f"{g}_charge") for g in self.groups), "kWh")}
        back = [g for g, group in self.groups.items() if group.vehicle_to_grid is not None]
        if back:
            energy = sum(r.energy(f"{g}_discharge") for g in back)
            figures["discharged"] = r.quantity(energy, "kWh")
        short = [g for g, group in self.groups.items() if group.unserved_price_per_kwh is not None]
        if short:
            lacking = sum(float(r.series(f"{g}_missing") @ r.horizon.weight) for g in short)
            figures["missing_on_departure"] = r.quantity(lacking, "kWh")
        return figures
