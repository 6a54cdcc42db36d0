"""What the report reads: the plan as a protocol, and small lookups that every section shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from microgrid_opt.bill.beside import connections
from microgrid_opt.ledger import COST
from microgrid_opt.report.colours import asset_colours, carrier_colours
from microgrid_opt.report.tables import humanised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.audit import Audit
    from microgrid_opt.bill.beside import Connection
    from microgrid_opt.finance.proforma import Proforma
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results


GRID_BILL = "grid_bill"
"""Category under which the components of a tariff stand in charts and tables of cost."""
_DARK, _NIGHT = 1e-4, 1 / 3
"""Output below this share of its peak is none [-]; share of steps without output, at night [-]."""


class Planned(Protocol):
    """A solved park: `microgrid_opt.study.Plan`, or a stored one."""

    @property
    def problem(self) -> Problem:
        """What was solved."""

    @property
    def results(self) -> Results:
        """The plan."""

    @property
    def audit(self) -> Audit:
        """Its independent re-computation."""

    @property
    def reference(self) -> Results | None:
        """What the park does today."""

    @property
    def reference_audit(self) -> Audit | None:
        """Re-computation of the reference."""

    @property
    def reference_note(self) -> str:
        """Why there is no reference plan."""

    @property
    def comparison(self) -> Any:
        """Plan against reference: `microgrid_opt.compare.Comparison` or ``None``."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """Wall time of each phase [s]."""


@dataclass(frozen=True, eq=False)
class View:
    """A plan with its labels, colours and units.

    Parameters
    ----------
    plan
        What `microgrid_opt.study.solve` returned.
    """

    plan: Planned

    @property
    def results(self) -> Results:
        """The plan's tables."""
        return self.plan.results

    @property
    def reference(self) -> Results | None:
        """The reference plan's tables."""
        return self.plan.reference

    @property
    def currency(self) -> str:
        """ISO 4217 code of all money."""
        return self.results.currency

    @cached_property
    def is_year(self) -> bool:
        """Whether amounts over the horizon are amounts per year."""
        return self.results.horizon.is_calendar_year

    @cached_property
    def several_members(self) -> bool:
        """Whether the park has more than one member."""
        return len(self.plan.problem.park.members) > 1

    @cached_property
    def colours(self) -> dict[str, str]:
        """Colour of every asset, of the reference's too."""
        import pandas as pd

        held = [one for one in (self.results, self.reference) if one is not None]
        flows = pd.concat([one.flows for one in held])
        by_day = {asset for one in held for asset in _by_day(one)}
        return asset_colours(flows, self.plan.problem.park.assets, by_day)

    @cached_property
    def carrier_colours(self) -> dict[str, str]:
        """Colour of every carrier."""
        return carrier_colours(self.results.carriers["carrier"])

    @cached_property
    def carriers(self) -> dict[str, pd.Series]:
        """Row of the carrier table by carrier."""
        return {row["carrier"]: row for _, row in self.results.carriers.iterrows()}

    @cached_property
    def connections(self) -> list[Connection]:
        """What each connection is billed in the plan and, where there is one, the reference plan."""
        held = [one for one in (self.results, self.reference) if one is not None]
        return connections([one.bill for one in held])

    @cached_property
    def proforma(self) -> Proforma | None:
        """The cash flow of the plan; ``None`` without a reference plan or whole years."""
        from microgrid_opt.finance.proforma import proforma

        park = self.plan.problem.park
        if self.reference is None or park.finance.project_years % 1:
            return None
        return proforma(self.results, self.reference, park)

    def ledger(self, held: Results) -> pd.DataFrame:
        """Return a ledger in which all that a tariff charges is one category."""
        billed = {
            (connection.asset, line.component)
            for connection in self.connections
            if connection.has_tariff
            for line in connection.components
        }
        ledger = held.ledger
        pairs = zip(ledger["asset"], ledger["category"], strict=True)
        inside = np.array([pair in billed for pair in pairs], dtype=bool)
        inside &= (ledger["effect"] == COST).to_numpy()
        return ledger.assign(category=ledger["category"].mask(inside, GRID_BILL))

    def label(self, key: str) -> str:
        """Return the name for reading of an asset or member."""
        known = self.results.labels.get(key)
        if known is None and self.reference is not None:
            known = self.reference.labels.get(key)
        return humanised(key) if known is None or known == key else known

    def asset_label(self, member: str, asset: str) -> str:
        """Return the asset's name, with its member's where there are several."""
        name = "Park rules" if asset == "policies" else self.label(asset)
        return f"{name} · {self.label(member)}" if self.several_members else name

    @cached_property
    def several_places(self) -> bool:
        """Whether the park has balances at more than one place."""
        return self.several_members or bool(self.plan.problem.park.nodes)

    def balance_label(self, place: str, carrier: str) -> str:
        """Return the name of a balance."""
        name = humanised(carrier)
        return f"{name} · {self.label(place)}" if self.several_places else name

    def series_label(self, key: str) -> str:
        """Return the name of a series ``member.asset.name``."""
        member, asset, name = key.split(".", 2)
        return f"{self.asset_label(member, asset)}: {name.replace('_', ' ')}"

    def colour(self, asset: str) -> str:
        """Return an asset's colour."""
        return self.colours.get(asset, "#8A939F")

    def flow_values(self, held: Results, position: int) -> NDArray[np.float64]:
        """Return factor × column of one row of a flow table, unsigned, shape (n,)."""
        row = held.flows.iloc[position]
        factor: Any = row["factor"]
        if np.isnan(factor):
            factor = held.factors[str(held.flows.index[position])].to_numpy()
        return np.asarray(factor * held.series[row["column"]].to_numpy(), dtype=float)


def _by_day(results: Results) -> Iterator[str]:
    """Yield assets that generate, but not in at least a third of the steps."""
    made = results.flows[results.flows["role"] == "generation"]
    for asset, column in zip(made["asset"], made["column"], strict=True):
        values = results.series[column].to_numpy()
        if values.any() and (values <= _DARK * values.max()).mean() >= _NIGHT:
            yield asset
