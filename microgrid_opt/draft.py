"""What is known of a model while it is written and after: columns, flows, entries, sizes, caps.

No Pyomo here; the variables and expressions that these records point to are opaque.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from microgrid_opt.finance.spec import Finance
    from microgrid_opt.formulations.access import Meterpoint
    from microgrid_opt.formulations.sizing import SizeRecord
    from microgrid_opt.formulations.vintages import History
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.ledger import Entry, Linear

Role = Literal[
    "generation",
    "import",
    "export",
    "demand",
    "conversion",
    "storage",
    "dump",
    "unserved",
    "transfer",
    "trade",
]


@dataclass(frozen=True)
class Given:
    """A series that is known before the solve: a result column, and a constant in the balances."""

    name: str
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A result column: ``member.asset.name`` with its unit, and where its values come from."""

    member: str
    asset: str
    name: str
    unit: str
    source: Any
    every: Literal["step", "month"] = "step"
    integer: bool = False

    @property
    def key(self) -> str:
        """Dotted name in the results."""
        return f"{self.member}.{self.asset}.{self.name}"


@dataclass(frozen=True)
class Flow:
    """A term of a balance: ``sign`` × factor × column enters the balance of (place, carrier).

    ``place`` is where the balance is held: a member, or a node of it.
    """

    member: str
    place: str
    asset: str
    carrier: str
    sign: int
    column: str
    factor: float | NDArray[np.float64]
    role: Role
    renewable: bool
    source: Any


@dataclass(frozen=True)
class Cap:
    """A limit on a sum over the horizon, or on its share of another sum.

    Parameters
    ----------
    amount, whole
        What is limited, and of what it is a share; ``None`` for a plain sum.
    limit, unit
        As a reader knows them: a sum in its unit, or a share with unit 1.
    row
        Name of the constraint.
    row_unit
        Unit of the constraint, in which its dual is a price.
    """

    name: str
    member: str
    amount: Linear
    whole: Linear | None
    sense: Literal["<=", ">="]
    limit: float
    unit: str
    description: str
    row: str
    row_unit: str

    @property
    def form(self) -> Linear:
        """What the constraint compares with a constant."""
        return self.amount if self.whole is None else self.amount - self.whole * self.limit


@dataclass(frozen=True)
class Rounding:
    """How whole-number series of an asset follow from relaxed values.

    Parameters
    ----------
    series
        Variables that the rule reads or decides, by a name of its own.
    rule
        Relaxed values by name, each of shape (n,) or (1,) -> whole values to hold, by name.
    follows
        Names of those that are whole by themselves where the other ones are.
    """

    series: Mapping[str, Any]
    rule: Callable[[Mapping[str, NDArray[np.float64]]], Mapping[str, NDArray[np.float64]]]
    follows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inside:
    """Where a stage of a pathway is written: a block of a larger model, and what came before it."""

    root: Any
    block: str
    history: History


@dataclass
class Draft:
    """What all builders of one model share while it is written."""

    horizon: Horizon
    finance_of: Callable[[str], Finance]
    arrays: Mapping[str, NDArray[np.float64]]
    flow_units: Callable[[str], str]
    model: Any
    columns: list[Column] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    sizes: list[SizeRecord] = field(default_factory=list)
    caps: list[Cap] = field(default_factory=list)
    roundings: list[Rounding] = field(default_factory=list)
    measures: dict[str, list[tuple[str, Linear]]] = field(default_factory=dict)
    subsets: dict[bytes, Any] = field(default_factory=dict)
    balances: dict[tuple[str, str], Any] = field(default_factory=dict)
    meters: list[Meterpoint] = field(default_factory=list)
    trades: bool = False
    inside: Inside | None = None

    def full(self, name: str) -> str:
        """Return the full name of a component from its name in this park."""
        return name if self.inside is None else f"{self.inside.block}.{name}"
