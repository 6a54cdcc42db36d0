"""Rules that no component of PyPSA stands for: their terms meet on a bus without energy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges.pypsa_components import EXACT, Components, generator, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.bridges.families import Family

    Floats = NDArray[np.float64]

CO2_CAP = "co2_cap"


class Rules(Components):
    """Writes rules of each step, and sums over the horizon."""

    # ------------------------------------------------------------------ other rules

    def _rule_bus(self, family: Family) -> None:
        """Let the terms of a rule meet on a bus, with slack where it is no equation."""
        if any(name in self.contents for name, _ in family.series):
            self.refused[family.name] = "ties the content of a store to something else"
            return
        if any(shift for _, shift in family.series):
            return  # refused before
        if any(name in self._owned for name in family.scalars):
            self.refused[family.name] = "ties the size of a store to something else"
            return
        spread = self._over_steps(family)
        bus = f"{family.name} rule"
        self.tables.add("Bus", bus, carrier="rule")
        for (name, _), values in family.series.items():
            self._port(self.plants[name], bus, spread(values))
        for name, values in family.scalars.items():
            self._port(self.scalars[name], bus, spread(values))
        self._slack(bus, spread(family.lower), spread(family.upper), family.steps)

    def _over_steps(self, family: Family) -> Any:
        if family.steps is None:
            return lambda values: np.full(self.n, float(values[0]))
        return lambda values: family.spread(values, self.n)

    def _slack(
        self, bus: str, lower: Floats, upper: Floats, steps: NDArray[np.int64] | None = None
    ) -> None:
        """Hold a bus at its limits: a load, and a generator for what may lie between them."""
        base = np.where(np.isfinite(upper), upper, lower)
        self.tables.add("Load", f"{bus} limit", bus=bus, carrier="rule", p_set=base)
        active = np.ones(self.n, bool)
        if steps is not None:
            active = np.isin(np.arange(self.n), steps)
        sign = 1.0 if np.isfinite(upper[active]).all() else -1.0
        other = (lower if sign > 0.0 else upper)[active]
        if np.array_equal(other, base[active]):
            return
        if np.isfinite(other).any():
            width = np.where(active, np.abs(upper - lower), 0.0)
            limits = {"p_nom": float(width.max()), "p_max_pu": width / width.max()}
        else:
            limits = {"p_nom_extendable": True, "p_max_pu": active.astype(float)}
        self.tables.add("Generator", f"{bus} slack", bus=bus, carrier="rule", sign=sign, **limits)

    def _budget_bus(self, family: Family) -> None:
        """Add a sum over the horizon up on a bus, or make it a constraint of PyPSA's where it is one."""
        if any(name in self.contents for name, _ in family.series):
            self.refused[family.name] = "fixes the content of a store at some time"
            return
        if any(name in self._owned for name in family.scalars):
            self.refused[family.name] = "ties a size to a sum over the horizon"
            return
        if self._co2_constraint(family):
            return
        bus = f"{family.name} sum"
        self.tables.add("Bus", bus, carrier="rule")
        for (name, _), values in family.series.items():
            self._port(self.plants[name], bus, values / self.hours)
        evenly = 1.0 / float(self.hours.sum())
        for name, values in family.scalars.items():
            self._port(self.scalars[name], bus, np.full(self.n, values[0] * evenly))
        limits = (np.full(self.n, bound[0] * evenly) for bound in (family.lower, family.upper))
        self._slack(bus, *limits)
        self.tables.add(
            "Store",
            bus,
            bus=bus,
            carrier="rule",
            e_nom_extendable=True,
            e_min_pu=-1.0,
            e_cyclic=True,
        )

    def _co2_constraint(self, family: Family) -> bool:
        if not any(cap.row == family.name and cap.name == CO2_CAP for cap in self.draft.caps):
            return False
        factors: dict[str, float] = {}
        for (name, _), values in family.series.items():
            flow = generator(self.plants[name])
            if flow is None:
                return False
            rates = values / (self.draft.horizon.hours * np.abs(flow[1]))
            if np.ptp(rates) > EXACT * np.abs(rates).max():
                return False
            factors[name] = float(rates[0])
        if family.scalars:
            return False
        for name, factor in factors.items():
            self.tables.add("Carrier", short(name), co2_emissions=factor)
        self.tables.add(
            "GlobalConstraint",
            family.name,
            type="primary_energy",
            carrier_attribute="co2_emissions",
            sense="<=",
            constant=float(family.upper[0]),
        )
        return True
