"""What a study of trades holds: every member alone, the members together, and who pays whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.audit import Audit
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results
    from microgrid_opt.trading.pairs import Pair

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Traded:
    """What was traded between two meters.

    Parameters
    ----------
    pair
        The meters and their terms.
    sent, received
        Power sent and delivered [kW], shape (n,).
    """

    pair: Pair
    sent: Numbers
    received: Numbers


@dataclass(frozen=True, eq=False)
class Alone:
    """A member without the others.

    Parameters
    ----------
    member
        Its key.
    cost
        Cost over the horizon [currency]; infinite where it cannot serve its demand alone.
    results, audit
        Its plan; ``None`` where there is none.
    note
        Why there is none.
    """

    member: str
    cost: float
    results: Results | None = None
    audit: Audit | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class TradePlan:
    """One mode of a study.

    Parameters
    ----------
    problem
        The park with all members.
    mode
        ``standalone``, ``joint``, ``joint_ir``, ``contract`` or ``clearing``.
    results, audit
        The plan of all members in one model; ``None`` for modes in which each plans alone.
    alone
        Every member alone, by key.
    costs
        Cost of each member before payments between members [currency over the horizon]: its own
        bookings, fees, retained charges, and the price of its CO2.
    payments
        What the buyer pays the seller in each trade [currency over the horizon], by key.
    prices
        Price of each trade [currency per kWh that is paid for], shape (n,), where there is one.
    notes
        What a reader must know: an uplift, a degenerate price, a member that cannot be alone.
    """

    problem: Problem
    mode: str
    results: Results | None
    audit: Audit | None
    alone: Mapping[str, Alone]
    costs: Mapping[str, float]
    payments: Mapping[str, float] = field(default_factory=dict)
    prices: Mapping[str, Numbers] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
