"""What the linopy models of peers are given beyond components: levels, peaks, rows, shared sizes."""

import numpy as np
import pandas as pd
import xarray as xr


class Further:
    """Adds variables, constraints and cost to a linopy model; a peer says where its own are."""

    time = "time"

    def __init__(self, model, case):
        self.model, self.case, self.level = model, case, None

    def write(self):
        """Add all."""
        case, m = self.case, self.model
        if case.levels:
            self._write_levels()
        for size, owner, other in case.sharing:
            rule = self.size_of_flow(other) == self.size_of_flow(owner)
            m.add_constraints(rule, name=f"{size} of {other}")
        for peak in case.peaks:
            here = np.flatnonzero(peak["period"] >= 0)
            names = np.array(peak["levels"])[peak["period"][here].astype(int)]
            level = self.level.sel(level=xr.DataArray(names, dims=self.time))
            flow = self.flow(peak["flow"]).isel({self.time: here})
            rule = flow - level.assign_coords({self.time: flow.indexes[self.time]}) <= 0
            m.add_constraints(rule, name=f"{peak['levels'][0]} of {peak['flow']}")
        self._write_rows([row for row in case.size_rows if set(row["terms"]) <= set(case.levels)])
        for row in case.size_rows:
            if not set(row["terms"]) <= set(case.levels):
                total = sum(value * self._size(name) for name, value in row["terms"].items())
                self._limit(total, row["lower"], row["upper"], row["name"])

    def _write_levels(self):
        index = pd.Index(self.case.levels, name="level")
        spec = pd.DataFrame(self.case.levels.values(), index=index).astype(float)
        self.level = self.model.add_variables(
            spec["lower"].fillna(-np.inf), spec["upper"].fillna(np.inf), name="level"
        )
        self.model.objective += (self.level * spec["cost"]).sum()

    def _write_rows(self, rows):
        """Write rows over levels as one matrix."""
        if not rows:
            return
        names = [row["name"] for row in rows]
        table = pd.DataFrame([row["terms"] for row in rows], index=pd.Index(names, name="row"))
        weights = table.reindex(columns=pd.Index(self.case.levels, name="level")).fillna(0.0)
        total = (xr.DataArray(weights) * self.level).sum("level")
        for key, sign in (("lower", ">="), ("upper", "<=")):
            bound = pd.Series([row[key] for row in rows], weights.index, dtype=float).dropna()
            if len(bound):
                self.model.add_constraints(
                    total.sel(row=bound.index), sign, bound, name=f"rows {key}"
                )

    def _limit(self, total, lower, upper, name):
        if lower is not None:
            self.model.add_constraints(total >= lower, name=f"{name} lower")
        if upper is not None:
            self.model.add_constraints(total <= upper, name=f"{name} upper")

    def _size(self, name):
        if name in self.case.levels:
            return 1.0 * self.level.sel(level=name)
        owner = self.case.owner.get(name)
        if owner is not None:
            return self.size_of_flow(owner)
        store = next(key for key, store in self.case.stores.items() if store["size"] == name)
        return self.size_of_store(store)
