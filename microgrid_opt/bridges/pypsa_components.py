"""Components of a PyPSA network, written from what a series, a size or a content takes part in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges.families import Families
from microgrid_opt.bridges.pypsa_tables import Tables

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.bridges.families import Variable
    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]

FREE = "free"
"""Bus without energy: where a Link starts that takes from no balance."""
EXACT = 1e-12


@dataclass
class Plant:
    """A series or a size on its way to a component: ports by bus, and what limits it."""

    variable: Variable
    ports: dict[str, Floats] = field(default_factory=dict)
    size: Variable | None = None
    most: Floats | None = None
    least: Floats | None = None


@dataclass
class Content:
    """The content of a store: what of it a step leaves, its size, start and end."""

    plant: Plant
    kept: Floats
    start: float | None = None
    last: tuple[float, float] = (0.0, np.inf)


class Components:
    """What is known of the network while it is written.

    Parameters
    ----------
    draft, matrix
        The model and its arrays.
    """

    def __init__(self, draft: Draft, matrix: Matrix) -> None:
        self.draft, self.matrix = draft, matrix
        self.model = Families(draft, matrix)
        self.n, self.hours = self.model.n, draft.horizon.step_hours
        self.refused: dict[str, str] = {}
        self.plants = {name: Plant(v) for name, v in self.model.series.items()}
        self.scalars = {name: Plant(v) for name, v in self.model.scalars.items()}
        self.contents: dict[str, Content] = {}
        self._owned: set[str] = set()
        self.tables = Tables(
            stamps(draft),
            {
                "objective": draft.horizon.hours,
                "stores": self.hours,
                "generators": draft.horizon.hours,
            },
        )

    @staticmethod
    def _port(plant: Plant, bus: str, values: Floats) -> None:
        plant.ports[bus] = plant.ports.get(bus, 0.0) + values

    def _loss(self, content: Content) -> float:
        return float(np.round(1.0 - content.kept[0] ** (1.0 / self.hours[0]), 15))

    # ------------------------------------------------------------------ components

    def _write_store(self, name: str, content: Content) -> None:
        plant, bus = content.plant, f"{name} content"
        losses = 1.0 - content.kept ** (1.0 / self.hours)
        if np.ptp(losses) > EXACT:
            self.refused[name] = "loses another share in each step"
            return
        self.tables.add("Bus", bus, carrier=short(name))
        limits: dict[str, Any] = {}
        lower, upper = plant.variable.lower, plant.variable.upper
        if plant.size is not None:
            limits = sized(plant.size, "e_nom")
            limits |= {"e_max_pu": plant.most, "e_min_pu": plant.least}
            whole: float | None = None
        elif np.isfinite(upper).all():
            whole = float(upper.max())
            scale = whole or 1.0
            limits = {"e_nom": whole, "e_max_pu": upper / scale, "e_min_pu": lower / scale}
        else:
            whole = None
            limits = {"e_nom_extendable": True}
            if np.any(lower) or np.isfinite(upper).any():
                self.refused[name] = "has a limit in some steps only"
        if content.start is not None:
            limits["e_initial"] = content.start
            if not self._hold_end(content, limits, whole):
                self.refused[name] = "must end with what it began, and its size is chosen"
        self.tables.add(
            "Store",
            name,
            bus=bus,
            carrier=asset_of(name),
            e_cyclic=content.start is None,
            standing_loss=self._loss(content),
            marginal_cost_storage=plant.variable.cost / self.draft.horizon.hours,
            **limits,
        )

    def _hold_end(self, content: Content, limits: dict[str, Any], whole: float | None) -> bool:
        low, high = content.last
        if low <= 0.0 and np.isinf(high):
            return True
        if not whole:
            return low == high == 0.0
        least = np.broadcast_to(limits["e_min_pu"], self.n).copy()
        most = np.broadcast_to(limits["e_max_pu"], self.n).copy()
        least[-1], most[-1] = max(least[-1], low / whole), min(most[-1], high / whole)
        limits |= {"e_min_pu": least, "e_max_pu": most}
        return True

    def _write(self, name: str, plant: Plant, *, always: bool = False) -> None:
        """Write a series, or a size that others need to see, as a Generator or a Link."""
        ports = {bus: values for bus, values in plant.ports.items() if np.any(values)}
        cost = plant.variable.cost
        if name in self.refused or (not ports and not np.any(cost)):
            return
        start = None if always else start_of(ports)
        alone = None if always else generator(plant)
        scale = np.ones(self.n)
        attributes: dict[str, Any] = {"carrier": short(name)}
        if alone is not None:
            bus, values = alone
            scale = np.abs(values)
            attributes |= {"bus": bus, "sign": float(np.sign(values[0]))}
        else:
            if start is not None:
                scale = -ports.pop(start)
            attributes |= {"bus0": start or FREE}
            for number, (bus, values) in enumerate(ports.items(), start=1):
                suffix = "" if number == 1 else str(number)
                attributes |= {f"bus{number}": bus, f"efficiency{suffix}": values / scale}
            attributes.setdefault("bus1", FREE)
        if always:
            limits = sized(plant.variable, "p_nom") | {"p_min_pu": 1.0}
        else:
            limits = self._limits(name, plant, scale)
            limits["marginal_cost"] = cost / (self.draft.horizon.hours * scale)
        self.tables.add("Link" if alone is None else "Generator", name, **attributes, **limits)

    def _limits(self, name: str, plant: Plant, scale: Floats) -> dict[str, Any]:
        if plant.size is not None:
            assert plant.most is not None
            assert plant.least is not None
            found = sized(plant.size, "p_nom")
            return found | {"p_max_pu": plant.most * scale, "p_min_pu": plant.least * scale}
        lower, upper = plant.variable.lower * scale, plant.variable.upper * scale
        if np.isfinite(upper).all() and np.isfinite(lower).all():
            most = float(max(upper.max(), np.abs(lower).max()))
            base = most or 1.0
            return {"p_nom": most, "p_max_pu": upper / base, "p_min_pu": lower / base}
        if np.any(lower) or np.isfinite(upper).any():
            self.refused[name] = "has a least value or a limit in some steps only"
        return {"p_nom_extendable": True}

    def _constants(self) -> None:
        """Write the free bus, where it is used, and what the park costs whatever is decided."""
        links = self.tables.components.get("Link", {}).values()
        if not self.matrix.offset and not any(
            FREE in (link["bus0"], link["bus1"]) for link in links
        ):
            return
        self.tables.add("Bus", FREE, carrier=FREE)
        self.tables.add("Generator", FREE, bus=FREE, carrier=FREE, p_nom_extendable=True)
        self.tables.add(
            "Generator", f"{FREE} sink", bus=FREE, carrier=FREE, sign=-1.0, p_nom_extendable=True
        )
        if self.matrix.offset:
            self.tables.add(
                "Generator",
                "constant cost",
                bus=FREE,
                carrier=FREE,
                p_nom_extendable=True,
                p_nom_min=1.0,
                p_nom_max=1.0,
                p_max_pu=0.0,
                capital_cost=self.matrix.offset,
            )

    def _carriers(self) -> None:
        known = self.tables.components.setdefault("Carrier", {})
        for component in ("Bus", "Generator", "Load", "Link", "Store", "StorageUnit"):
            for row in self.tables.components.get(component, {}).values():
                known.setdefault(row["carrier"], {"co2_emissions": 0.0})


def stamps(draft: Draft) -> pd.DatetimeIndex:
    """Return local stamps without their zone, or those of UTC where a change of clocks doubles one."""
    local = draft.horizon.stamps.tz_localize(None)
    if local.is_unique and local.is_monotonic_increasing:
        return local
    return draft.horizon.stamps.tz_convert("UTC").tz_localize(None)


def asset_of(name: str) -> str:
    """Return the asset of a series."""
    return name.split(".")[1]


def short(name: str) -> str:
    """Return the name of a series without its member."""
    return name.partition(".")[2]


def sized(size: Variable, key: str) -> dict[str, Any]:
    """Return the attributes of a chosen size whose nominal value is called `key`."""
    return {
        f"{key}_extendable": True,
        f"{key}_min": float(size.lower[0]),
        f"{key}_max": float(size.upper[0]),
        "capital_cost": float(size.cost[0]),
    }


def generator(plant: Plant) -> tuple[str, Floats] | None:
    """Return bus and factor of a series with one port of one sign."""
    ports = [(bus, values) for bus, values in plant.ports.items() if np.any(values)]
    if len(ports) != 1 or np.any(ports[0][1] * ports[0][1][0] <= 0.0):
        return None
    return ports[0]


def start_of(ports: dict[str, Floats]) -> str | None:
    """Return the bus that a Link starts at: one from which every step takes, the same if possible."""
    taking = [bus for bus, values in ports.items() if np.all(values < 0.0)]
    return min(
        taking, key=lambda bus: (bus.endswith(("rule", "sum")), np.ptp(ports[bus])), default=None
    )
