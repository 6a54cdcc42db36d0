"""A park as a PyPSA network with the same optimum.

The network is read off the model, not off the technologies: whatever a technology writes as series,
balances, stores and sizes becomes a component, new technologies included.

| of the model | in PyPSA |
|---|---|
| carrier at a place | ``Bus`` |
| known series in a balance | ``Load`` |
| series in one balance | ``Generator``; ``sign`` -1 for what is drawn |
| series in several balances, or in the content of a store | ``Link`` with as many ports |
| content of a store | ``Store`` on a bus of its own |
| size that limits one series or content | its ``p_nom`` or ``e_nom`` |
| size that appears elsewhere too | ``Link`` that always runs at ``p_nom`` |
| other rule of each step | ``Bus`` on which its terms meet, with a slack ``Generator`` |
| cap of CO2 from generators with fixed factors | ``GlobalConstraint`` |
| other sum over the horizon | ``Bus`` with a cyclic ``Store`` that adds it up |
| constant cost | ``Generator`` of size 1 that gives nothing |
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.bridges.pypsa_components import EXACT, Content, asset_of
from microgrid_opt.bridges.pypsa_rules import Rules
from microgrid_opt.draft import Given

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.bridges.families import Family
    from microgrid_opt.bridges.pypsa_components import Plant
    from microgrid_opt.bridges.pypsa_tables import Tables

    Floats = NDArray[np.float64]


class Exporter(Rules):
    """Turns one model into tables; `refused` says what PyPSA cannot, by rule or variable."""

    def run(self) -> Tables:
        """Return the tables; incomplete where something is refused."""
        for variable in (*self.model.series.values(), *self.model.scalars.values()):
            if variable.integer:
                self.refused[variable.name] = "is a whole number"
        self._balances()
        rest = self._stores(self._without_bounds(self._without_balances()))
        self._sizes([f for f in rest if f.steps is not None])
        rest = [family for family in rest if family.name not in self._taken]
        for family in rest:
            if family.steps is not None or not family.series:
                self._rule_bus(family)
        for family in rest:
            if family.steps is None and family.series:
                self._budget_bus(family)
        for name, content in self.contents.items():
            self._write_store(name, content)
        for name, plant in self.plants.items():
            if name not in self.contents:
                self._write(name, plant)
        for name, plant in self.scalars.items():
            if name not in self._owned:
                self._write(name, plant, always=True)
        self._constants()
        self._carriers()
        return self.tables

    # ------------------------------------------------------------------ balances

    def _without_balances(self) -> list[Family]:
        known = set(self.draft.balances.values())
        return [family for family in self.model.rules if family.name not in known]

    def _without_bounds(self, families: list[Family]) -> list[Family]:
        """Turn rules on one series alone into its bounds; return the other families."""
        rest = []
        for family in families:
            if len(family.series) != 1 or family.scalars or family.steps is None:
                rest.append(family)
                continue
            (((name, shift), values),) = family.series.items()
            if shift or np.any(values == 0.0):
                rest.append(family)
                continue
            plant = self.plants[name]
            one, other = family.lower / values, family.upper / values
            low = family.spread(np.minimum(one, other), self.n, -np.inf)
            high = family.spread(np.maximum(one, other), self.n, np.inf)
            v = plant.variable
            lower, upper = np.maximum(v.lower, low), np.minimum(v.upper, high)
            plant.variable = replace(v, lower=lower, upper=upper)
        return rest

    def _balances(self) -> None:
        place_of = {name: key for key, name in self.draft.balances.items()}
        for family in self.model.rules:
            key = place_of.get(family.name)
            if key is None:
                continue
            bus = ".".join(key)
            unit = self.draft.flow_units(key[1])
            self.tables.add("Bus", bus, carrier=key[1], location=key[0], unit=unit)
            for (name, _), values in family.series.items():
                self._port(self.plants[name], bus, values)
            for name, values in family.scalars.items():
                self._port(self.scalars[name], bus, values)
        for flow in self.draft.flows:
            bus = f"{flow.place}.{flow.carrier}"
            if isinstance(flow.source, Given) and (flow.place, flow.carrier) in self.draft.balances:
                power = -flow.sign * np.asarray(flow.factor) * flow.source.values
                name = flow.column
                if name in self.tables.components.get("Load", {}):
                    name = f"{flow.column} at {bus}"
                self.tables.add("Load", name, bus=bus, carrier=flow.asset, p_set=power)

    # ------------------------------------------------------------------ stores

    def _stores(self, families: list[Family]) -> list[Family]:
        """Take the content of every store; return the other families."""
        rest = []
        for family in families:
            shifted = {name for name, shift in family.series if shift}
            if family.steps is None or not shifted:
                rest.append(family)
                continue
            problem = self._store(family, shifted)
            if problem:
                self.refused[family.name] = problem
        return [family for family in rest if not self._end_of_store(family)]

    def _store(self, family: Family, shifted: set[str]) -> str:
        name = min(shifted)
        if any(self.plants[flow].variable.integer for flow, _ in family.series):
            return "ties a step to the one before"
        now, before = family.series.get((name, 0)), family.series.get((name, 1))
        shifts = {shift for _, shift in family.series if shift}
        if len(shifted) > 1 or shifts != {1} or now is None or before is None or family.scalars:
            return "ties a step to the one before"
        assert family.steps is not None
        first = 0 if family.covers(self.n) else 1
        kept = family.spread(-before / now, self.n, 1.0)
        if (
            not family.is_equality
            or np.any(family.lower)
            or not np.array_equal(family.steps, np.arange(first, self.n))
            or np.any(kept <= 0.0)
            or name in self.contents
        ):
            return "ties a step to the one before"
        bus = f"{name} content"
        self.contents[name] = content = Content(self.plants[name], kept)
        if first:
            content.start = np.nan
        for (flow, _), values in family.series.items():
            if flow != name:
                self._port(
                    self.plants[flow], bus, family.spread(-values / now, self.n) / self.hours
                )
        return ""

    def _end_of_store(self, family: Family) -> bool:
        """Read what one row says of the first or the last content; return whether it does."""
        names = [name for name, _ in family.series if name in self.contents]
        if family.steps is not None or len(names) != 1 or self.n < 2:
            return False
        content = self.contents[names[0]]
        values = family.series[names[0], 0]
        places = np.flatnonzero(values)
        if content.start is None or len(places) != 1:
            return False
        if family.scalars:
            self.refused[family.name] = "fixes a share of a size that is chosen"
            return True
        factor, place = values[places[0]], int(places[0])
        low, high = family.lower[0] / factor, family.upper[0] / factor
        if place == 0:
            for (flow, _), terms in family.series.items():
                if flow != names[0]:
                    bus = f"{names[0]} content"
                    self.plants[flow].ports[bus][0] = -terms[0] / factor / self.hours[0]
            # PyPSA takes the first content as it is, after its loss.
            content.start, content.kept[0] = (
                low,
                content.kept[-1] ** (self.hours[0] / self.hours[-1]),
            )
            return True
        if place == self.n - 1 and len(family.series) == 1:
            content.last = (min(low, high), max(low, high))
            return True
        return False

    # ------------------------------------------------------------------ sizes

    def _sizes(self, families: list[Family]) -> None:
        """Give every size that limits one series alone to that series."""
        self._taken: set[str] = set()
        using: dict[str, list[Family]] = {}
        for family in self.model.rules:
            for name in family.scalars:
                using.setdefault(name, []).append(family)
        for name, users in using.items():
            found = [self._limit(family, name) for family in users]
            limits = [limit for limit in found if limit is not None]
            owners = {limit[0] for limit in limits}
            if len(limits) != len(found) or users[0] not in families:
                continue
            if len(owners) == 3 and self._storage_unit(name, limits):
                self._owned.add(name)
                self._taken |= {family.name for family in users}
            if len(owners) != 1:
                continue
            plant = self.plants[owners.pop()]
            if plant.size is not None or len({way for _, way, _ in limits}) != len(limits):
                continue
            shares = {way: share for _, way, share in limits}
            if "most" not in shares or not self._takes(plant, self.scalars[name], shares["most"]):
                continue
            plant.size, plant.most = self.scalars[name].variable, shares["most"]
            plant.least = shares.get("least", np.zeros(self.n))
            self._owned.add(name)
            self._taken |= {family.name for family in users}

    def _storage_unit(self, size: str, limits: list[tuple[str, str, Floats]]) -> bool:
        """Write content and both powers in proportion to one size, where PyPSA has them as one unit."""
        shares = {(name, way): share for name, way, share in limits}
        names = {name for name, _, _ in limits}
        stores = [name for name in names if name in self.contents]
        if len(stores) != 1 or len(shares) != len(limits) or any(map(np.ptp, shares.values())):
            return False
        content, bus = self.contents[stores[0]], f"{stores[0]} content"
        into = [name for name in names if np.all(self.plants[name].ports.get(bus, 0.0) > 0.0)]
        out = [name for name in names if np.all(self.plants[name].ports.get(bus, 0.0) < 0.0)]
        if len(into) != 1 or len(out) != 1:
            return False
        charge, discharge = self.plants[into[0]], self.plants[out[0]]
        place = next(iter(charge.ports))
        ratios = [plant.ports.get(port) for plant in (charge, discharge) for port in (place, bus)]
        if any(ratio is None or np.ptp(ratio) > EXACT for ratio in ratios):
            return False
        taken, inward, given, outward = (float(ratio[0]) for ratio in ratios if ratio is not None)
        ports = {*charge.ports, *discharge.ports}
        floor = shares.get((stores[0], "least"), np.zeros(1))[0]
        loses = np.any(content.kept < 1.0)
        plants = (charge, discharge, content.plant)
        if (
            (taken, given, len(ports)) != (-1.0, 1.0, 2)
            or sum(bus in plant.ports for plant in self.plants.values()) != 2
            or np.any(charge.variable.cost)
            or (floor and (loses or np.any(content.plant.variable.cost)))
            or content.start is not None
            or any(np.isfinite(p.variable.upper).any() or p.variable.lower.any() for p in plants)
            or (out[0], "least") in shares
            or (into[0], "least") in shares
        ):
            return False
        rate = float(shares[out[0], "most"][0])
        spec, hours = self.scalars[size].variable, self.draft.horizon.hours
        self.tables.add(
            "StorageUnit",
            stores[0],
            bus=place,
            carrier=asset_of(stores[0]),
            p_nom_extendable=True,
            p_nom_min=float(spec.lower[0]) * rate,
            p_nom_max=float(spec.upper[0]) * rate,
            capital_cost=float(spec.cost[0]) / rate,
            max_hours=float(shares[stores[0], "most"][0] - floor) / rate,
            p_min_pu=-float(shares[into[0], "most"][0]) / rate,
            efficiency_store=inward,
            efficiency_dispatch=-1.0 / outward,
            standing_loss=self._loss(content),
            marginal_cost=discharge.variable.cost / hours,
            marginal_cost_storage=content.plant.variable.cost / hours,
            cyclic_state_of_charge=True,
        )
        for name in names:
            self.plants[name].ports.clear()
            self.plants[name].variable = replace(self.plants[name].variable, cost=np.zeros(self.n))
        del self.contents[stores[0]]
        return True

    def _takes(self, plant: Plant, size: Plant, share: Floats) -> bool:
        """Return whether a size can be the series' own, turning a fixed bound into its largest."""
        if np.any(plant.variable.lower) or size.ports:
            return False
        bound = plant.variable.upper
        if np.isinf(bound).all():
            return True
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(share > 0.0, bound / share, np.inf)
        if np.isinf(ratio).all():
            return True
        same = share.min() > 0.0 and np.ptp(ratio) <= EXACT * ratio.max()
        cheap = size.variable.cost[0] >= 0.0 and size.variable.lower[0] <= ratio.min()
        if same and cheap:
            most = np.minimum(size.variable.upper, ratio.min())
            size.variable = replace(size.variable, upper=most)
        return bool(same and cheap)

    def _limit(self, family: Family, size: str) -> tuple[str, str, Floats] | None:
        """Return series, side and share where a family says x <= share × size, or x >= it."""
        if len(family.series) != 1 or len(family.scalars) != 1 or not family.covers(self.n):
            return None
        ((name, shift), values), share = next(iter(family.series.items())), family.scalars[size]
        sides = np.isneginf(family.lower).all(), np.isposinf(family.upper).all()
        bound = family.upper if sides[0] else family.lower
        if shift or sides[0] == sides[1] or np.any(bound) or np.any(values * values[0] <= 0.0):
            return None
        below = sides[0] == (values[0] > 0.0)
        ratio = -share / values
        return None if np.any(ratio < 0.0) else (name, "most" if below else "least", ratio + 0.0)
