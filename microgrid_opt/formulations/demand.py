r"""A demand that must be served step by step or window by window, or left unserved at a price.

$$ x_t = D_t \quad\text{or}\quad \sum_{t \in w} \Delta t\,x_t = A_w, \; x_t \le X_t, \qquad
   s_t + u_t = x_t, \quad 0 \le u_t \le x_t, \qquad C = \sum_t h_t\,v\,u_t $$

| symbol | name | unit |
|---|---|---|
| $x_t$ | ``demand`` | unit of the carrier per hour |
| $D_t$ | demand of each step | same |
| $A_w, X_t$ | amount of a window, largest flow (`microgrid_opt.formulations.windows`) | unit; unit per hour |
| $u_t, s_t$ | ``unserved``; what is served | unit of the carrier per hour |
| $v$ | price of unserved demand (value of lost load) | currency/unit |
| $h_t$ | step length × weight | h |

Source: value of lost load as in London Economics (2013), The Value of Lost Load for Electricity in
Great Britain, section 2.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from microgrid_opt.assets.base import Asset
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import refuse
from microgrid_opt.formulations.filling import Filling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.problem import Surroundings


class FixedDemand(Asset):
    """Equations and audit of a demand; a technology names its carrier, keys and unit."""

    @property
    @abstractmethod
    def drawn_carrier(self) -> str:
        """Carrier that is drawn."""

    @property
    @abstractmethod
    def drawn_unit(self) -> str:
        """Unit of the flow: kW or kg/h."""

    @property
    @abstractmethod
    def drawn_key(self) -> str:
        """Field that says what is drawn: a series, or a `Filling`."""

    @property
    @abstractmethod
    def unserved_price(self) -> float | None:
        """Price of unserved demand, or ``None`` when all of it must be served."""

    @property
    def _filling(self) -> Filling | None:
        found = getattr(self, self.drawn_key)
        return found if isinstance(found, Filling) else None

    @model_validator(mode="after")
    def _worth_serving(self) -> Self:
        if self.unserved_price is not None and self.unserved_price < 0:
            key = next(
                name for name in type(self).model_fields if name.startswith("unserved_price")
            )
            raise refuse(
                "unserved", "must be at least 0: nobody is paid for cutting demand.", path=(key,)
            )
        return self

    def prepare(self, surroundings: Surroundings) -> Mapping[str, NDArray[np.float64]]:
        """Refuse windows that overlap."""
        if self._filling is not None:
            try:
                self._filling.check(surroundings.horizon)
            except InputError as error:
                (found,) = error.findings
                raise InputError(Finding(found.message, key=self.drawn_key)) from None
        return {}

    def build(self, b: Builder) -> None:
        """Draw the demand; with a price, allow it to be left unserved."""
        demand: Any
        if self._filling is None:
            values = b.data(self.drawn_key)
            demand = b.given("demand", values, unit=self.drawn_unit)
        else:
            values = None
            demand = self._filling.build(b, self.drawn_key)
        b.draw(self.drawn_carrier, demand, role="demand")
        if self.unserved_price is None:
            return
        unserved = b.series("unserved", unit=self.drawn_unit, upper=values)
        if self._filling is not None:
            b.require("unserved_limit", lambda t: unserved[t] <= demand[t])
        b.supply(self.drawn_carrier, unserved, role="unserved")
        b.book("unserved", b.total(unserved, self.unserved_price))

    def audit(self, a: AssetAudit) -> None:
        """Re-derive that all demand is drawn, and what unserved demand costs."""
        values = a.series("demand") if self._filling is not None else a.data(self.drawn_key)
        a.equal("demand drawn", a.drawn(self.drawn_carrier), values, unit=self.drawn_unit)
        if self._filling is not None:
            self._filling.audit(a, values, self.drawn_key)
        if self.unserved_price is not None:
            unserved = a.series("unserved")
            a.at_most("unserved not negative", 0.0, unserved, unit=self.drawn_unit)
            a.at_most("unserved within demand", unserved, values, unit=self.drawn_unit)
            a.equal(
                "unserved covers", a.supplied(self.drawn_carrier), unserved, unit=self.drawn_unit
            )
            a.booked("unserved", float(unserved @ a.horizon.hours) * self.unserved_price)


def refuse_unit(
    key: str, name: str, unit: str, carrier: Callable[[str], Carrier]
) -> Iterator[tuple[str, str]]:
    """Yield a message when a carrier is not counted in the unit of the keys.

    Parameters
    ----------
    key, name
        Field that names the carrier, and the carrier.
    unit
        Unit that the other keys of the technology count in: kWh or kg.
    carrier
        Gives a carrier of the park by name.
    """
    found = carrier(name).unit
    if found != unit:
        yield key, f"{name} is counted in {found}, this demand in {unit}: name another carrier."
