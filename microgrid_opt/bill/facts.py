"""What a bill is made of beside the tariff: what the meter saw, and what the customer has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.policies.tariffs.spec import Contract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from microgrid_opt.horizon import Horizon

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Meter:
    """What passed the meter: means over the steps.

    Parameters
    ----------
    horizon
        The time axis, n steps.
    bought, sold
        Import and export [kW], shape (n,), never negative.
    reactive
        Reactive power drawn [kvar], shape (n,); ``None`` where it is not measured.
    self_used, wheeled
        Own generation used behind the meter, and energy that others sent over the public network
        [kW], shape (n,); ``None`` for nothing. Components that are retained are due for them, and
        what was wheeled counts in peaks and reactive energy.
    """

    horizon: Horizon
    bought: Numbers
    sold: Numbers
    reactive: Numbers | None = None
    self_used: Numbers | None = None
    wheeled: Numbers | None = None

    def __post_init__(self) -> None:
        for name in ("bought", "sold", "reactive", "self_used", "wheeled"):
            values = getattr(self, name)
            if values is not None and np.shape(values) != (len(self.horizon),):
                raise InputError(
                    f"{name} has {np.size(values)} values for {len(self.horizon)} steps."
                )

    @property
    def withdrawn(self) -> Numbers:
        """All that the meter took [kW], shape (n,): bought from the supplier, or sent by others."""
        return self.bought if self.wheeled is None else self.bought + self.wheeled


@dataclass(frozen=True)
class Facts:
    """What the customer has: sizes that a bill depends on, and the contract.

    Parameters
    ----------
    contract
        Voltage, choices, power factor, peaks before.
    transformer_kva
        Transformers or access capacity [kVA]; ``None`` where it is not known.
    contract_kw
        Contracted demand [kW]; ``None`` where there is none.
    picked
        Option of each period of a choice, by choice; what is not here is picked by price.
    """

    contract: Contract = field(default_factory=Contract)
    transformer_kva: float | None = None
    contract_kw: float | None = None
    picked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def transformers(self, component: str) -> float:
        """Return the transformers [kVA] that a component asks for.

        Raises
        ------
        InputError
            It is not known.
        """
        if self.transformer_kva is None:
            raise InputError(f"{component} needs the transformers' capacity: give transformer_kva.")
        return self.transformer_kva

    def contracted(self, component: str) -> float:
        """Return the contracted demand [kW] that a component asks for.

        Raises
        ------
        InputError
            It is not known.
        """
        if self.contract_kw is None:
            raise InputError(f"{component} needs the contracted demand: give contract_kw.")
        return self.contract_kw
