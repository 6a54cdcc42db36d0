r"""Shared areas: the plants on one roof or plot must fit on it together.

$$ \sum_i a_i\,S_i \le A $$

| symbol | name | unit |
|---|---|---|
| $a_i$ | ``m2_per_kw`` of plant $i$ | m²/kW |
| $S_i$ | size of plant $i$ | kW |
| $A$ | area under its name in ``areas`` | m² |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.fields import AreaName, Frozen, SquareMetersPerKW

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder


class Footing(Frozen):
    """The shared area on which a plant stands."""

    name: AreaName
    """Name of the area in `areas`."""
    m2_per_kw: SquareMetersPerKW
    """Area that each kW takes, gaps included."""

    def build(self, b: Builder, size: Any) -> None:
        """Declare the area that a plant of ``size`` takes."""
        b.measure(_measure(self.name), b.times(size, self.m2_per_kw))

    def audit(self, a: AssetAudit, size: float) -> None:
        """Re-derive the area that a plant of ``size`` takes."""
        a.measure(_measure(self.name), size * self.m2_per_kw)


def _measure(area: str) -> str:
    return f"area.{area}"


def limit_areas(b: Builder, areas: Mapping[str, float]) -> None:
    """Limit what stands on each area [m²]."""
    for name, area in areas.items():
        taken = b.measured(_measure(name))
        if taken.terms or taken.constant:
            description = f"plants on the area {name!r}"
            b.cap(f"area_{name}", taken, "<=", area, unit="m2", description=description)
