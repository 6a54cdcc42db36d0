"""What a solve gives back: plain tables with units, no Pyomo and no solver in them.

Tables are pandas frames in tidy form; series are one column per ``member.asset.name``. Values carry
full precision; rounding happens where people read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from microgrid_opt.ledger import KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon


DUST = 1e-3
"""Sizes below this [kW, kWh, kg] are what an interior-point method leaves of zero."""


def _no_bill() -> pd.DataFrame:
    import pandas as pd

    from microgrid_opt.bill.of_plan import COLUMNS

    return pd.DataFrame(columns=list(COLUMNS))


@dataclass(frozen=True)
class Quantity:
    """A number with its unit; `1` is dimensionless."""

    value: float
    unit: str

    def __str__(self) -> str:
        """Return a rounded number with its unit, for reading."""
        shown = f"{self.value:,.4g}" if abs(self.value) < 1000 else f"{self.value:,.0f}"
        return shown if self.unit == "1" else f"{shown} {self.unit}"


@dataclass(frozen=True)
class Stage:
    """One stage of a solve: what was solved and how long it took [s]."""

    name: str
    seconds: float
    objective: float | None = None
    bound: float | None = None


@dataclass(frozen=True)
class Run:
    """How the plan came about; why the solver stopped stands apart from what is held.

    Parameters
    ----------
    status
        Why the solver stopped: ``optimal``, ``time_limit``, ``interrupted``, …
    objective
        Cost of the plan that is held [currency over the horizon].
    bound
        Proven lower bound of the cost [currency over the horizon]; ``None`` when there is none.
    gap
        (objective − bound) / |objective| [-].
    kind
        ``LP`` or ``MILP``.
    choice
        Why this profile and strategy were taken, in one line.
    prices_from
        Where duals come from: ``LP`` or ``LP with integers fixed``; empty without duals.
    """

    status: str
    objective: float
    bound: float | None
    gap: float | None
    kind: str
    profile: str
    strategy: str
    seconds: float
    columns: int
    rows: int
    nonzeros: int
    integers: int
    prices_from: str
    solver: str
    choice: str = ""
    stages: tuple[Stage, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_optimal(self) -> bool:
        """Whether the plan is proven optimal within the profile's gap."""
        return self.status == "optimal"


@dataclass(frozen=True, eq=False)
class Results:
    """One plan.

    Parameters
    ----------
    name, currency
        From the park; of a stage the name says which one.
    horizon
        The time axis.
    run
        Status, objective, bound, gap.
    columns
        One row per series: ``key, member, asset, name, unit``.
    series
        Index ``stamp``; one float column per key.
    monthly
        Index ``month``; one column per key that has one value a billing month.
    flows
        Terms of the balances: ``member, place, asset, carrier, sign, column, factor, role,
        renewable``; ``place`` is the member or node whose balance it is;
        ``factor`` is NaN where it varies, then ``factors`` has it.
    factors
        Varying factors, one column per position in ``flows``.
    sizes
        ``member, asset, size, unit, total, new, existing, minimum, maximum, chosen, capex,
        annual_cost, fixed_om``; money in currency and currency/year; no maximum is NaN.
    energy
        ``member, place, asset, carrier, role, renewable, unit, supplied, drawn, supplied_kwh,
        drawn_kwh``.
    ledger
        ``member, asset, category, effect, unit, amount, worth`` over the horizon; ``worth`` is what
        the amount at the prices of the year was multiplied with, for growth and value-added tax.
    caps
        ``name, member, description, sense, limit, value, unit, binding, shadow_price, price_unit``:
        what one more unit of the limit would save; NaN without duals.
    prices
        Index ``stamp``; cost of one more unit drawn, one column per ``member.carrier``
        [currency/unit]; no columns when no duals are held.
    details
        ``asset, name, value, unit``: figures that the technologies add.
    carriers
        ``carrier, unit, flow_unit, energy_kwh_per_unit, kgce_per_unit, consumed``; the last two are
        NaN where the park asks for no CO2 per coal equivalent.
    labels
        Name for reading of every asset and member.
    bill
        ``member, asset, component, label, kind, month, quantity, unit, price, amount``: what each
        connection to a public network is billed, by component and month.
    """

    name: str
    currency: str
    horizon: Horizon
    run: Run
    columns: pd.DataFrame
    series: pd.DataFrame
    monthly: pd.DataFrame
    flows: pd.DataFrame
    factors: pd.DataFrame
    sizes: pd.DataFrame
    energy: pd.DataFrame
    ledger: pd.DataFrame
    caps: pd.DataFrame
    prices: pd.DataFrame
    details: pd.DataFrame
    carriers: pd.DataFrame
    labels: Mapping[str, str]
    bill: pd.DataFrame = field(default_factory=_no_bill)

    def effect(self, effect: str) -> float:
        """Return the ledger's sum of an effect over the horizon, in the effect's unit."""
        ledger = self.ledger
        return float(ledger.loc[ledger["effect"] == effect, "amount"].sum())

    @property
    def cost(self) -> float:
        """Total cost over the horizon [currency]."""
        return self.effect("cost")

    @property
    def co2_kg(self) -> float:
        """CO2 over the horizon [kg]."""
        return self.effect("co2")

    def size(self, asset: str, name: str | None = None) -> float:
        """Return a size in operation; the name may be left out when the asset has one size."""
        rows = self.sizes[self.sizes["asset"] == asset]
        if name is not None:
            rows = rows[rows["size"] == name]
        if len(rows) != 1:
            known = ", ".join(f"{r.asset}.{r.size}" for r in self.sizes.itertuples())
            message = f"No single size {asset}.{name or '*'}; there are: {known}."
            raise KeyError(message)
        return float(rows["total"].iloc[0])

    def shown_sizes(self) -> pd.DataFrame:
        """Return the sizes for reading: what is below `DUST` is nothing."""
        shown = self.sizes.copy()
        for name in ("total", "new", "capex", "annual_cost", "fixed_om"):
            shown[name] = shown[name].where(shown["total"].abs() > DUST, 0.0)
        return shown

    def of(self, key: str) -> NDArray[np.float64]:
        """Return a series by ``member.asset.name``, or by ``asset.name``; shape (n,)."""
        if key in self.series.columns:
            return self.series[key].to_numpy()
        found = [column for column in self.series.columns if column.split(".", 1)[1] == key]
        if len(found) != 1:
            message = f"No single series {key!r}; there are: {', '.join(self.series.columns)}."
            raise KeyError(message)
        return self.series[found[0]].to_numpy()

    def total(self, role: str, carrier: str = "electricity", *, renewable: bool = False) -> float:
        """Return the energy of a role over the horizon in the carrier's unit, both signs positive."""
        rows = self.energy[(self.energy["role"] == role) & (self.energy["carrier"] == carrier)]
        if renewable:
            rows = rows[rows["renewable"]]
        return float(rows["supplied"].sum() + rows["drawn"].sum())

    def indicators(self) -> dict[str, Quantity]:
        """Return shares and totals of electricity that planners ask for first.

        A park that asks for its CO2 per coal equivalent has that as well.
        """
        made, bought, sold = (self.total(role) for role in ("generation", "import", "export"))
        green = self.total("generation", renewable=True)
        used = made + bought - sold
        shares = {
            "self_sufficiency": (made - sold, used),
            "self_consumption": (made - sold, made),
            "renewable_share": (green - sold, used),
            "export_share": (sold, made),
        }
        found = {
            "consumption": Quantity(used, "kWh"),
            "generation": Quantity(made, "kWh"),
            "import": Quantity(bought, "kWh"),
            "export": Quantity(sold, "kWh"),
        }
        found |= {
            name: Quantity(part / whole, "1") for name, (part, whole) in shares.items() if whole > 0
        }
        consumed = self._consumed_kgce()
        if consumed is not None:
            found["energy_consumed"] = Quantity(consumed / KG_PER_T, "tce")
            if consumed > 0.0:
                found["co2_intensity"] = Quantity(self.co2_kg / consumed, "t/tce")
        return found

    def _consumed_kgce(self) -> float | None:
        """Return the energy consumed [kgce]; ``None`` for a park that does not ask for it."""
        carriers = self.carriers
        if "consumed" not in carriers or carriers["consumed"].isna().all():
            return None
        return float((carriers["consumed"] * carriers["kgce_per_unit"]).sum())

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by its name."""
        import pandas as pd

        held = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in held.items() if isinstance(value, pd.DataFrame)}


class AssetResults:
    """One asset's part of the results, for its summary."""

    def __init__(
        self, results: Results, member: str, asset: str, data: Mapping[str, NDArray[np.float64]]
    ) -> None:
        self._results = results
        self._prefix = f"{member}.{asset}."
        self._asset = asset
        self._data = data

    @property
    def horizon(self) -> Horizon:
        """The time axis."""
        return self._results.horizon

    def data(self, name: str) -> NDArray[np.float64]:
        """Return a resolved input series, shape (n,)."""
        return self._data[f"assets.{self._asset}.{name}"]

    def has_data(self, name: str) -> bool:
        """Return whether the asset was given the optional input series."""
        return f"assets.{self._asset}.{name}" in self._data

    def data_below(self, prefix: str) -> dict[str, NDArray[np.float64]]:
        """Return the resolved input series below a key of the asset, by the rest of their keys."""
        start = f"assets.{self._asset}.{prefix}."
        found = (key for key in self._data if key.startswith(start))
        return {key.removeprefix(start): self._data[key] for key in found}

    def has_series(self, name: str) -> bool:
        """Return whether the asset has a result series of that name."""
        return self._prefix + name in self._results.series.columns

    def has_monthly(self, name: str) -> bool:
        """Return whether the asset has a result of that name for each billing month."""
        return self._prefix + name in self._results.monthly.columns

    def monthly(self, name: str) -> NDArray[np.float64]:
        """Return a result with a value for each billing month, shape (months,)."""
        return self._results.monthly[self._prefix + name].to_numpy()

    def series(self, name: str) -> NDArray[np.float64]:
        """Return a result series, shape (n,)."""
        return self._results.series[self._prefix + name].to_numpy()

    def energy(self, name: str) -> float:
        """Return Σ hours · series."""
        return float(self.series(name) @ self.horizon.hours)

    def size(self, name: str) -> float:
        """Return a size in operation."""
        return self._results.size(self._asset, name)

    @staticmethod
    def quantity(value: float, unit: str) -> Quantity:
        """Return a number with its unit."""
        return Quantity(float(value), unit)
