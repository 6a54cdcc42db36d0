"""A park as plain numbers that every tool can read: buses, flows, stores, sizes, peaks, sums.

It is read off the model's rules (`microgrid_opt.bridges.families`), so that no technology is known
here, and each peer writes it the way its own documentation does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges.families import Families
from microgrid_opt.draft import Given
from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from microgrid_opt.bridges.families import Family
    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.matrix import Matrix

    Floats = NDArray[np.float64]

DATA, SERIES, MATRIX = "data.json", "series.npz", "matrix.npz"
"""Files of a folder: numbers and names, the series they name, and the bare matrix."""
SAME = 1e-12


class Neutral:
    """The numbers of one model.

    Parameters
    ----------
    draft, matrix
        The model and its arrays.

    Raises
    ------
    InputError
        A rule or a variable that this form does not have, by name.
    """

    def __init__(self, draft: Draft, matrix: Matrix) -> None:
        self.draft, self.model = draft, Families(draft, matrix)
        self.n, self.hours = self.model.n, draft.horizon.hours
        self.series: dict[str, Floats] = {}
        if np.ptp(draft.horizon.step_hours) or draft.horizon.step_hours[0] != 1.0:
            raise InputError("The speed of peers is measured on hourly steps.")
        whole = [
            v.name for v in (*self.model.series.values(), *self.model.scalars.values()) if v.integer
        ]
        self._refuse(whole, "is a whole number")
        self.flows = {name: self._flow(name) for name in self.model.series}
        self.data: dict[str, Any] = {
            "steps": self.n,
            "start": str(draft.horizon.stamps[0].tz_localize(None)),
            "month": self._value("month", draft.horizon.month.astype(float)),
            "offset": float(matrix.offset),
            "demands": {},
            "stores": [],
            "peaks": [],
            "size_rows": [],
            "sums": [],
        }
        self._balances()
        self._rules()
        self._scalars()
        contents = {store["name"] for store in self.data["stores"]}
        self.data["flows"] = [
            {"name": name, **self._written(name, flow)}
            for name, flow in self.flows.items()
            if name not in contents
        ]

    def write(self, folder: Path, matrix: Matrix) -> None:
        """Write numbers, series and the bare matrix into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DATA).write_text(json.dumps(self.data, indent=1), encoding="utf-8")
        np.savez(folder / SERIES, allow_pickle=False, **self.series)
        arrays = ("cost", "col_lower", "col_upper", "row_lower", "row_upper")
        np.savez(
            folder / MATRIX,
            allow_pickle=False,
            start=matrix.start,
            index=matrix.index,
            value=matrix.value,
            integrality=matrix.integrality,
            offset=np.array(float(matrix.offset)),
            **{name: getattr(matrix, name) for name in arrays},
        )

    # ------------------------------------------------------------------ values

    def _value(self, name: str, values: Floats) -> float | str:
        """Return a number, or the name of a series."""
        array = np.broadcast_to(np.asarray(values, float), (self.n,))
        if np.ptp(array) <= SAME * max(1.0, float(np.abs(array).max())):
            return float(array[0])
        self.series[name] = np.ascontiguousarray(array)
        return name

    @staticmethod
    def _refuse(names: list[str], why: str) -> None:
        if names:
            raise InputError(f"Peers cannot be measured on this park: {names[0]} {why}.")

    def _flow(self, name: str) -> dict[str, Any]:
        v = self.model.series[name]
        return {"ports": {}, "cost": v.cost / self.hours, "lower": v.lower, "upper": v.upper}

    def _written(self, name: str, flow: dict[str, Any]) -> dict[str, Any]:
        self._refuse([name] if np.any(flow["lower"]) else [], "has a least value")
        upper = flow["upper"]
        ports = {
            bus: self._value(f"{name} {bus}", values)
            for bus, values in flow["ports"].items()
            if np.any(values)
        }
        return {
            "ports": ports,
            "cost": self._value(f"{name} cost", flow["cost"]),
            "upper": None if np.isinf(upper).any() else self._value(f"{name} upper", upper),
            "size": flow.get("size"),
            "share": self._value(f"{name} share", flow.get("share", np.ones(self.n))),
        }

    def _scalars(self) -> None:
        """Write single variables: sizes of flows and stores, and levels, which are all others."""
        owners = (*self.flows.values(), *self.data["stores"])
        used = {one.get("size") for one in owners}
        for kind, wanted in (("sizes", True), ("levels", False)):
            self.data[kind] = {
                name: {
                    "lower": float(v.lower[0]),
                    "upper": None if np.isinf(v.upper[0]) else float(v.upper[0]),
                    "cost": float(v.cost[0]),
                }
                for name, v in self.model.scalars.items()
                if (name in used) == wanted
            }

    # ------------------------------------------------------------------ rules

    def _balances(self) -> None:
        place_of = {name: ".".join(key) for key, name in self.draft.balances.items()}
        for family in self.model.rules:
            bus = place_of.get(family.name)
            if bus is None:
                continue
            self._refuse(list(family.scalars), "is no flow and stands in a balance")
            for (name, _), values in family.series.items():
                self.flows[name]["ports"][bus] = values
        for flow in self.draft.flows:
            key = (flow.place, flow.carrier)
            if isinstance(flow.source, Given) and key in self.draft.balances:
                power = -flow.sign * np.asarray(flow.factor) * flow.source.values
                bus = ".".join(key)
                found = self.data["demands"].get(bus, np.zeros(self.n))
                self.data["demands"][bus] = found + power
        self.data["buses"] = list(place_of.values())
        self.data["demands"] = {
            bus: self._value(f"demand {bus}", power) for bus, power in self.data["demands"].items()
        }

    def _rules(self) -> None:
        known = set(self.draft.balances.values())
        rest = [family for family in self.model.rules if family.name not in known]
        contents = [f for f in rest if any(shift for _, shift in f.series)]
        for family in contents:
            self._store(family)
        stores = {store["name"]: store for store in self.data["stores"]}
        for family in rest:
            if any(family is one for one in contents):
                continue
            if not family.series:
                self._row_of_sizes(family)
            elif family.steps is None:
                self._sum(family)
            elif len(family.series) == 1 and any(name.endswith("]") for name in family.scalars):
                self._peak(family)
            elif len(family.series) == 1 and len(family.scalars) <= 1 and family.covers(self.n):
                self._limit(family, stores)
            else:
                self._refuse([family.name], "ties several flows")

    def _store(self, family: Family) -> None:
        name = next(name for name, shift in family.series if shift)
        now, before = family.series[name, 0], family.series.get((name, 1))
        flows = {flow: values / -now for (flow, _), values in family.series.items() if flow != name}
        into = [flow for flow, values in flows.items() if np.all(values > 0.0)]
        out = [flow for flow, values in flows.items() if np.all(values < 0.0)]
        whole = family.covers(self.n) and before is not None and not family.scalars
        if not whole or len(family.series) != 4 or len(into) != 1 or len(out) != 1:
            self._refuse([family.name], "is no cyclic store with one inflow and one outflow")
        assert before is not None
        self.data["stores"].append(
            {
                "name": name,
                "charge": into[0],
                "discharge": out[0],
                "inward": self._value(f"{name} inward", flows[into[0]]),
                "outward": self._value(f"{name} outward", -flows[out[0]]),
                "loss": self._value(f"{name} loss", 1.0 + before / now),
                "size": None,
                "least": 0.0,
                "most": 1.0,
            }
        )

    def _limit(self, family: Family, stores: dict[str, Any]) -> None:
        """Read x <= share · size, x >= share · size of a store, or a bound."""
        (((name, _), values),) = family.series.items()
        below = np.isneginf(family.lower).all() == bool(values[0] > 0.0)
        limit = family.upper if np.isneginf(family.lower).all() else family.lower
        flow = self.flows[name]
        if not family.scalars:
            self._refuse([family.name] if not below or family.is_equality else [], "is no limit")
            flow["upper"] = np.minimum(flow["upper"], limit / values)
            return
        ((size, by),) = family.scalars.items()
        self._refuse([family.name] if np.any(limit) else [], "is no share of a size")
        share = -by / values
        if name in stores:
            stores[name]["size"] = size
            stores[name]["most" if below else "least"] = self._value(f"{name} {below}", share)
            return
        self._refuse([family.name] if not below or "size" in flow else [], "is a further limit")
        flow |= {"size": size, "share": share}

    def _peak(self, family: Family) -> None:
        """Read x_t <= level of the period of t; -1 where no period counts."""
        assert family.steps is not None
        (((flow, _), values),) = family.series.items()
        names, period = list(family.scalars), np.full(self.n, -1.0)
        for number, name in enumerate(names):
            rows = family.scalars[name] != 0.0
            same = np.allclose(family.scalars[name][rows], -values[rows])
            self._refuse([] if same else [family.name], "is no peak")
            period[family.steps[rows]] = number
        self.data["peaks"].append(
            {"flow": flow, "period": self._value(f"{family.name} period", period), "levels": names}
        )

    def _row_of_sizes(self, family: Family) -> None:
        for row, (low, high) in enumerate(zip(family.lower, family.upper, strict=True)):
            terms = {name: float(v[row]) for name, v in family.scalars.items() if v[row]}
            limits = {
                "lower": None if np.isinf(low) else float(low),
                "upper": None if np.isinf(high) else float(high),
            }
            self.data["size_rows"].append(
                {"name": f"{family.name}_{row}", "terms": terms, **limits}
            )

    def _sum(self, family: Family) -> None:
        self._refuse(list(family.scalars), "stands in a sum over the horizon")
        self._refuse([] if np.isneginf(family.lower[0]) else [family.name], "is no upper limit")
        self.data["sums"].append(
            {
                "name": family.name,
                "upper": float(family.upper[0]),
                "terms": {
                    flow: self._value(f"{family.name} {flow}", values)
                    for (flow, _), values in family.series.items()
                },
            }
        )
