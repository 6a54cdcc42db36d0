r"""The cooperative game: players and what every group of them is worth.

Coalitions are numbered by bit masks: player $i$ belongs to mask $m$ when bit $i$ of $m$ is set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

Coalition: TypeAlias = frozenset[str]
"""Players by name."""

ENUMERABLE = 20
"""Most players for which all coalitions can be listed (about a million)."""

RELATIVE = 1e-8
"""Differences below this part of the largest value are taken as rounding."""


@dataclass(frozen=True, eq=False)
class Game:
    r"""A game with transferable utility; values are asked for once and remembered.

    $$ v : 2^N \to \mathbb{R},\qquad v(\emptyset) = 0 $$

    Parameters
    ----------
    players
        Two or more different names.
    value
        What a coalition gains [unit]; never asked for the empty one.
    unit
        Label of the values, usually the currency.
    many
        Values of many coalitions at once, in order, where that is faster (in parallel);
        `value` is asked one by one if None.
    accuracy
        How exact the values are [unit]: an excess below it counts as none.

    Raises
    ------
    InputError
        For fewer than two players or a name that is there twice; later, for a value that is not
        finite (a member that cannot do without the others must be priced or left out).
    """

    players: tuple[str, ...]
    value: Callable[[Coalition], float]
    unit: str = ""
    many: Callable[[Sequence[Coalition]], Sequence[float]] | None = None
    accuracy: float = 0.0
    _values: dict[int, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.players) < 2 or len(set(self.players)) < len(self.players):
            raise InputError(
                f"A game needs two or more players with different names; got {self.players}."
            )
        self._values[0] = 0.0

    @classmethod
    def from_costs(
        cls, players: Sequence[str], cost: Callable[[Coalition], float], unit: str = ""
    ) -> Game:
        r"""Return the savings game $v(S) = \sum_{i \in S} c(\{i\}) - c(S)$ of a cost game."""
        alone = {player: cost(frozenset([player])) for player in players}

        def value(coalition: Coalition) -> float:
            if len(coalition) == 1:
                return 0.0
            return sum(alone[player] for player in coalition) - cost(coalition)

        return cls(tuple(players), value, unit)

    @classmethod
    def from_values(cls, values: Mapping[Coalition, float], unit: str = "") -> Game:
        """Return the game of a table; the players are all that occur, sorted."""
        players = tuple(sorted(frozenset().union(*values)))
        return cls(players, lambda coalition: values[coalition], unit)

    # ------------------------------------------------------------------ coalitions and masks

    @property
    def count(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def grand(self) -> int:
        """Mask of all players together."""
        return (1 << self.count) - 1

    @cached_property
    def _bit(self) -> dict[str, int]:
        return {player: 1 << i for i, player in enumerate(self.players)}

    def mask(self, coalition: Iterable[str]) -> int:
        """Return the mask of a coalition.

        Raises
        ------
        InputError
            For a name that is no player.
        """
        mask = 0
        for player in coalition:
            if player not in self._bit:
                raise InputError(f"{player} is no player; the players are {self.players}.")
            mask |= self._bit[player]
        return mask

    def coalition(self, mask: int) -> Coalition:
        """Return the names of a mask's players."""
        return frozenset(player for player, bit in self._bit.items() if mask & bit)

    def array(self, by_player: Mapping[str, float]) -> Floats:
        """Return numbers by player as an array in the players' order, shape (players,).

        Raises
        ------
        InputError
            When a player has no finite number, or somebody else has one.
        """
        findings = [
            Finding("is no player of the game", key=str(name))
            for name in by_player
            if name not in self._bit
        ]
        findings += [
            Finding("needs a finite number", key=player, value=by_player.get(player))
            for player in self.players
            if not np.isfinite(by_player.get(player, np.nan))
        ]
        if findings:
            raise InputError(findings)
        return np.array([by_player[player] for player in self.players], dtype=float)

    def named(self, numbers: Floats) -> dict[str, float]:
        """Return an array in the players' order as numbers by player."""
        return dict(zip(self.players, numbers.tolist(), strict=True))

    # ------------------------------------------------------------------ values

    def __call__(self, coalition: Iterable[str]) -> float:
        """Return what a coalition is worth [unit]."""
        return float(self.worth([self.mask(coalition)])[0])

    def worth(self, masks: Iterable[int]) -> Floats:
        """Return the values of coalitions given by mask, asking for those not known yet."""
        masks = [int(mask) for mask in masks]
        missing = [mask for mask in dict.fromkeys(masks) if mask not in self._values]
        coalitions = [self.coalition(mask) for mask in missing]
        if self.many is not None and coalitions:
            found = list(self.many(coalitions))
        else:
            found = [self.value(coalition) for coalition in coalitions]
        findings = [
            Finding("the value of this coalition is not finite", key=_label(coalition), value=value)
            for coalition, value in zip(coalitions, found, strict=True)
            if not np.isfinite(value)
        ]
        if findings:
            raise InputError(findings)
        self._values.update(zip(missing, map(float, found), strict=True))
        return np.array([self._values[mask] for mask in masks], dtype=float)

    def table(self) -> Floats:
        """Return the values of all coalitions by mask, shape (2**players,).

        Raises
        ------
        InputError
            For more than `ENUMERABLE` players.
        """
        if self.count > ENUMERABLE:
            raise InputError(
                f"{self.count} players have too many coalitions to list them all (at most "
                f"{ENUMERABLE}); use sampled Shapley values, or a separation oracle."
            )
        return self.worth(range(self.grand + 1))

    @property
    def total(self) -> float:
        """What all players together are worth [unit]."""
        return float(self.worth([self.grand])[0])

    @property
    def alone(self) -> Floats:
        """What every player is worth alone, shape (players,)."""
        return self.worth(1 << i for i in range(self.count))

    @property
    def tolerance(self) -> float:
        """What counts as no money [unit]: `accuracy`, or `RELATIVE` of the largest known value."""
        return max(self.accuracy, RELATIVE * max(map(abs, self._values.values())))

    @property
    def asked(self) -> int:
        """How many values have been asked for so far."""
        return len(self._values) - 1

    @property
    def all_known(self) -> bool:
        """Whether every value has been asked for."""
        return self.asked == self.grand

    def known(self) -> tuple[Ints, Floats]:
        """Return masks and values of the known coalitions, without the empty and the grand one."""
        pairs = [(m, v) for m, v in self._values.items() if 0 < m < self.grand]
        return (
            np.array([mask for mask, _ in pairs], dtype=np.int64),
            np.array([value for _, value in pairs], dtype=float),
        )

    def members(self, masks: Ints) -> Floats:
        """Return 1 where a player belongs to a coalition, shape (masks, players)."""
        bits: Floats = ((masks[:, None] >> np.arange(self.count)) & 1).astype(float)
        return bits


def _label(coalition: Coalition) -> str:
    return "{" + ", ".join(sorted(coalition)) + "}"
