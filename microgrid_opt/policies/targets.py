r"""Minimum and maximum shares of electricity over the horizon, all linear.

$$ G^r - X \ge \sigma\,(G + I - X), \qquad G - X \ge \gamma\,A, \qquad X \le \xi\,G $$

| symbol | name | unit |
|---|---|---|
| $G, G^r$ | generation, renewable generation (after curtailment) | kWh |
| $I, X$ | import and export through grid connections | kWh |
| $A$ | available generation: what sun and wind would have given | kWh |
| $\sigma$ | ``min_renewable_share`` | – |
| $\gamma$ | ``min_self_consumption`` | – |
| $\xi$ | ``max_export_share`` | – |

Conventions on which planners differ, and ours: export is counted as renewable first; the
denominator of the renewable share is `consumption` (all electricity that enters the park and does
not leave it, storage and conversion losses included) or `demand` (what the demands ask for); the
self-consumption follows 发改能源〔2025〕650号, whose base is the available generation, and can be set
to the generation after curtailment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from microgrid_opt.carriers import ELECTRICITY
from microgrid_opt.fields import Fraction, Frozen

if TYPE_CHECKING:
    from microgrid_opt.builder import Builder


class Targets(Frozen):
    """Shares that the plan must keep."""

    min_renewable_share: Fraction | None = None
    """Least share of renewable electricity used in the park."""
    renewable_share_base: Literal["consumption", "demand"] = "consumption"
    """Denominator of the renewable share."""
    renewable_share_export: Literal["deducted", "counted"] = "deducted"
    """Whether exported energy is taken off the renewable numerator."""
    min_self_consumption: Fraction | None = None
    """Least share of on-site generation that is used in the park."""
    self_consumption_base: Literal["available", "generated"] = "available"
    """Denominator of the self-consumption."""
    max_export_share: Fraction | None = None
    """Largest share of on-site generation that is exported."""

    def build(self, b: Builder) -> None:
        """Limit the shares that are asked for."""
        generation = b.energy(ELECTRICITY, "generation")
        export = b.energy(ELECTRICITY, "export")
        if self.min_renewable_share is not None:
            used = b.energy(ELECTRICITY, "generation", renewable=True)
            if self.renewable_share_export == "deducted":
                used = used - export
            base = (
                b.energy(ELECTRICITY, "demand")
                if self.renewable_share_base == "demand"
                else generation + b.energy(ELECTRICITY, "import") - export
            )
            b.cap(
                "renewable_share",
                used,
                ">=",
                self.min_renewable_share,
                whole=base,
                unit="kWh",
                description=f"renewable share of at least {self.min_renewable_share:.2%}",
            )
        if self.min_self_consumption is not None:
            available = (
                b.measured("available_generation")
                if self.self_consumption_base == "available"
                else generation
            )
            b.cap(
                "self_consumption",
                generation - export,
                ">=",
                self.min_self_consumption,
                whole=available,
                unit="kWh",
                description=f"self-consumption of at least {self.min_self_consumption:.2%}",
            )
        if self.max_export_share is not None:
            b.cap(
                "export_share",
                export,
                "<=",
                self.max_export_share,
                whole=generation,
                unit="kWh",
                description=f"export of at most {self.max_export_share:.2%} of generation",
            )
