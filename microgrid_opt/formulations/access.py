r"""A meter on a network over which members send power to each other.

$$ W_t = i_t + y_t, \qquad J_t = x_t + o_t, \qquad y_t \le \bar Y, \quad o_t \le \bar O $$

| symbol | name | unit |
|---|---|---|
| $W_t, J_t$ | ``withdrawal``, ``injection``: what the meter sees | kW |
| $i_t, x_t$ | ``import``, ``export``: bought from and sold to the supplier | kW |
| $y_t, o_t$ | ``wheeled_in``, ``wheeled_out``: traded with other members | kW |
| $\bar Y, \bar O$ | ``max_in_kw``, ``max_out_kw`` | kW |

The limits and the peaks of a connection are those of $W_t$ and $J_t$: power that another member sent
loads the meter as bought power does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from microgrid_opt.fields import KW, Frozen, Reference
from microgrid_opt.policies.tariffs.origin import ExportFrom, audit_origin, write_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.assets.base import Asset
    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder

    Numbers = NDArray[np.float64]

CARRIER = "electricity"
IN, OUT = "wheeled_in", "wheeled_out"
SingleMeter = Literal["auto", "always", "never"]


class Wheeling(Frozen):
    """How a meter takes part in trades between members."""

    at: Annotated[str, Reference("network node")]
    """Node of `trading.network` to which the meter is connected."""
    max_in_kw: KW | None = None
    """Most that may come from other members."""
    max_out_kw: KW | None = None
    """Most that may be sent to other members."""
    single_meter: SingleMeter = "auto"
    """Whether taking and giving in one step are excluded by a binary: always, never, or (auto) in the
    steps in which doing both could pay."""
    sends: ExportFrom = "anything"
    """What may be sent to other members: anything, only `generation` at the same place, or only
    `renewable` generation; stores are followed as for `export_from`."""
    retained: tuple[str, ...] | None = None
    """Components of the tariff that stay due on what other members sent, instead of those that the
    tariff says (`retained_when_wheeled`); an empty list for none."""

    def write(self, b: Builder) -> tuple[Any, Any]:
        """Return what comes from other members and what is sent to them, as series of the meter."""
        taken = b.series(IN, unit="kW", upper=self.max_in_kw)
        sent = b.series(OUT, unit="kW", upper=self.max_out_kw)
        b.supply(CARRIER, taken, role="transfer")
        b.draw(CARRIER, sent, role="transfer")
        return taken, sent

    def audit(self, a: AssetAudit) -> tuple[Numbers, Numbers]:
        """Return what the meter took and sent, checked against its limits."""
        taken, sent = a.series(IN), a.series(OUT)
        for name, values, most in ((IN, taken, self.max_in_kw), (OUT, sent, self.max_out_kw)):
            a.at_most(f"{name} not negative", 0.0, values, unit="kW")
            if most is not None:
                a.at_most(f"{name} limit", values, most, unit="kW")
        return taken, sent


def limit_origin(b: Builder, others: Mapping[str, Asset], **flows: ExportFrom) -> None:
    """Write where what leaves a place may come from; all flows that are limited share it.

    Parameters
    ----------
    flows
        What may be sent, by series of the meter.
    """
    limited = {name: origin for name, origin in flows.items() if origin != "anything"}
    if limited:
        renewable = True if "renewable" in limited.values() else None
        write_origin(b, [b.written(name) for name in limited], others, renewable=renewable)


def audit_origins(a: AssetAudit, **flows: ExportFrom) -> None:
    """Check where what left a place came from."""
    limited = {name: origin for name, origin in flows.items() if origin != "anything"}
    if limited:
        renewable = True if "renewable" in limited.values() else None
        sent = np.sum([a.series(name) for name in limited], axis=0)
        audit_origin(a, sent, renewable=renewable)


@dataclass(frozen=True, eq=False)
class Meterpoint:
    """What trades need to know of a meter in the model.

    Parameters
    ----------
    member, asset, place, node
        Owner, key of the asset, where its balances are held, and its node of the network.
    taken, sent
        Series from and to other members.
    withdrawal, injection
        All that passes the meter, each a series.
    most_in, most_out
        Bounds of withdrawal and injection [kW], shape (n,); infinite without one.
    price, dearest
        What one more kWh from the supplier costs at least and at most [currency/kWh], shape (n,);
        infinite where there is no supplier. Peaks are left out: any kWh from elsewhere has them too.
    gain, outlet
        What one more kWh sold to the supplier earns at most, and what it surely earns
        [currency/kWh], shape (n,); minus infinite where nothing is sold or nothing is sure.
    retained
        Charges of the tariff that stay due on a kWh from another member [currency/kWh], shape (n,).
    co2, credit
        CO2 of each kWh from the supplier, and credited for each sold to it [kg/kWh], shape (n,).
    single
        Whether taking and giving at once are excluded.
    """

    member: str
    asset: str
    place: str
    node: str
    taken: Any
    sent: Any
    withdrawal: Any
    injection: Any
    most_in: Numbers
    most_out: Numbers
    price: Numbers
    dearest: Numbers
    gain: Numbers
    outlet: Numbers
    retained: Numbers
    co2: Numbers
    credit: Numbers
    single: SingleMeter
