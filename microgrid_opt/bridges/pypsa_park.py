"""A park file that is written from a PyPSA network: keys, sizes, series, and what is refused."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges.folder import UNLIMITED, column
from microgrid_opt.bridges.pypsa_understood import BUILT_IN, HARMLESS, UNDERSTOOD
from microgrid_opt.errors import Finding
from microgrid_opt.park import RESERVED_ASSETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from microgrid_opt.bridges.pypsa_read import Component, Stored

    Floats = NDArray[np.float64]

SHORTEST_HOURS = 1.0 / 60.0
"""Steps below this are parts of a sum and no lengths; without stores they need none [h]."""


def _words() -> Any:
    import yaml

    file = files("microgrid_opt") / "data" / "bridges" / "pypsa.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))


class ParkFile:
    """The park of a network while it is written.

    Parameters
    ----------
    stored
        The network.
    """

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.words = _words()
        self.findings: list[Finding] = []
        self.carriers: dict[str, str] = {}
        self.assets: dict[str, Any] = {}
        self.nodes: dict[str, Any] = {}
        self.series: dict[str, Floats] = {}
        self.hours = stored.weightings["stores"]
        stores = any(one.kind in {"Store", "StorageUnit"} for one in stored.components)
        if not stores and np.min(self.hours) < SHORTEST_HOURS:
            self.hours = np.ones_like(self.hours)
        self.emissions = {
            one.name: one.number("co2_emissions", 0.0)
            for one in stored.components
            if one.kind == "Carrier"
        }
        self.cap: float | None = None

    def refuse(self, one: Component, attribute: str, why: str) -> None:
        """Remember what a park cannot say."""
        self.findings.append(Finding(f"{one.kind} {one.name!r}: `{attribute}` {why}"))

    # ------------------------------------------------------------------ what is not understood

    def check(self) -> None:
        """Refuse components and attributes that a park does not have."""
        for name in self.stored.strange:
            self.findings.append(
                Finding(
                    f"{name}: a park has no such component"
                    + (
                        ", only transport without Kirchhoff's laws: make Links of them."
                        * (name == "lines")
                    )
                )
            )
        for one in self.stored.components:
            for attribute, value in one.values.items():
                key = re.sub(r"(?<=\D)\d+$", "", attribute)
                if key in HARMLESS or key in UNDERSTOOD[one.kind]:
                    continue
                default = UNDERSTOOD["defaults"].get(key)
                if default is None or not _is(value, default):
                    self.refuse(one, attribute, "has no counterpart in a park.")
            if one.values.get("active", True) in (False, "False"):
                self.refuse(one, "active", "is off: remove the component.")
        if not np.isfinite(self.hours).all() or np.any(self.hours <= 0.0):
            self.findings.append(Finding("snapshot_weightings: `stores` must be lengths above 0."))

    def has_buses(self, one: Component) -> bool:
        """Return whether all buses of a component are there, or refuse them."""
        ports = {key: v for key, v in one.values.items() if re.fullmatch(r"bus\d*", key) and v}
        for key, bus in ports.items():
            if str(bus) not in self.carriers:
                self.refuse(one, key, f"names no Bus: {bus}.")
        return all(str(bus) in self.carriers for bus in ports.values())

    def constant(self, one: Component, attribute: str, default: float) -> float:
        """Return a number, or refuse an attribute that varies."""
        value = one.number(attribute, default)
        if isinstance(value, np.ndarray):
            self.refuse(one, attribute, "varies by snapshot, which is not possible here.")
            return default
        return float(value)

    def must_be(self, one: Component, attribute: str, wanted: float) -> None:
        """Refuse an attribute that has another value."""
        if np.any(one.number(attribute, wanted) != wanted):
            self.refuse(one, attribute, f"must be {wanted:g}.")

    # ------------------------------------------------------------------ values

    def value(self, name: str, values: Any, unit: str) -> Any:
        """Return a number, or a column of the series file."""
        return column(self.series, name, values, unit)

    def asset(self, name: str, kind: str, **keys: Any) -> str:
        """Add an asset under a key made of its name, without keys of no value."""
        key = unique(name, {*self.assets, *RESERVED_ASSETS})
        given = {k: v for k, v in keys.items() if v is not None}
        self.assets[key] = {"type": self.words["technologies"][kind]} | given
        return key

    def size(self, one: Component, nominal: str, unit: str, times: float = 1.0) -> Any:
        """Return a size; ``times`` is how much of ours one of PyPSA's is."""
        if not one.truth(f"{nominal}_extendable"):
            return self.constant(one, nominal, 0.0) * times
        cost = (one.number("capital_cost", 0.0) + one.number("fom_cost", 0.0)) / times
        least = one.number(f"{nominal}_min", 0.0) * times
        most = one.number(f"{nominal}_max", np.inf) * times
        if cost == 0.0 and np.isinf(most):
            return UNLIMITED
        found = {f"annual_cost_per_{unit}": cost}
        if least:
            found[f"min_{unit}"] = least
        if np.isfinite(most):
            found[f"max_{unit}"] = most
        return found

    def source_carrier(self, name: str) -> str:
        """Return a new carrier, for what only one asset takes."""
        key = unique(name, {*self.carriers.values(), *BUILT_IN})
        self.carriers[f"{name} "] = key
        return key

    def recipe(
        self,
        name: str,
        inputs: dict[str, float],
        outputs: dict[str, float],
        size_on: str,
        size: Any,
        node: str | None = None,
        cost: float = 0.0,
        available: Any = 1.0,
    ) -> None:
        """Add a recipe."""
        self.asset(
            name,
            kind="link",
            node=node,
            inputs=inputs,
            outputs=outputs,
            size_on=size_on,
            power_kw=size,
            variable_om_per_unit=cost or None,
            available_fraction=None if available == 1.0 else available,
        )

    # ------------------------------------------------------------------ the park

    def park(self) -> dict[str, Any]:
        """Return the whole park."""
        from microgrid_opt.park import HorizonSpec

        weight = self.stored.weightings["objective"] / self.hours
        horizon = {
            "start": self._first(),
            "steps_hours": self.hours.tolist(),
            "weight": weight.tolist() if np.ptp(weight) else float(weight[0]),
        }
        park: dict[str, Any] = {
            "schema": 1,
            "name": self.stored.name or "Imported network",
            "description": "Imported from PyPSA; MW and MWh are called kW and kWh, tonnes kg.",
            "currency": "EUR",
            "site": {"timezone": "UTC"},
            "horizon": horizon,
            "finance": {
                "discount_rate": 0,
                "project_years": 1,
                "annuity": "straight_line",
                "investment_scaling": "full",
            },
        }
        self.stamps = (made := HorizonSpec(**horizon).horizon("UTC")).stamps
        own: dict[str, Any] = {key: {} for key in self.carriers.values() if key not in BUILT_IN}
        park |= {"carriers": own} if own else {}
        park |= {"nodes": self.nodes} if self.nodes else {}
        if self.cap is not None:
            park["carbon"] = {"cap_t_per_year": self.cap / 1000.0 / made.year_share}
        return park | {"assets": self.assets}

    def _first(self) -> str:
        first = str(self.stored.snapshots[0])
        return first if re.match(r"\d{4}-\d\d-\d\d", first) else "2025-01-01"


def unique(name: str, taken: set[str]) -> str:
    """Return a key made of a name that is not taken yet."""
    base = re.sub(r"\W+", "_", name.strip().lower(), flags=re.ASCII).strip("_") or "x"
    base = base if base[0].isalpha() else f"x_{base}"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key


def _is(value: Any, default: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(np.all((value == default) | np.isnan(value)))
    return str(value) == str(default) or value == default
