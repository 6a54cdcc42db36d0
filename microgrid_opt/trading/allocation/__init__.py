"""Sharing the gain of a cooperative game: pure functions on what coalitions are worth.

A `Game` is a set of players and a function that says what each group of them gains. Every rule
returns an `Allocation` with the shares and what they promise: whether they add up, who would be
better off alone, which coalition would gain most by leaving.

| rule | values asked for |
|---|---|
| `nash`, `pro_rata`, `owen` | n + 1 |
| `shapley` | all up to 12 players, sampled above |
| `least_core`, `fair_least_core` | all, or what an oracle finds |
| `nucleolus` | all |
"""

from microgrid_opt.trading.allocation.excess import (
    Excess,
    Separation,
    max_excess,
)
from microgrid_opt.trading.allocation.game import Coalition, Game
from microgrid_opt.trading.allocation.least_core import fair_least_core, least_core
from microgrid_opt.trading.allocation.nucleolus import nucleolus
from microgrid_opt.trading.allocation.owen import Production, owen
from microgrid_opt.trading.allocation.result import Allocation, assess
from microgrid_opt.trading.allocation.shapley import exact_shapley, sampled_shapley, shapley
from microgrid_opt.trading.allocation.simple import nash, pro_rata

__all__ = [
    "Allocation",
    "Coalition",
    "Excess",
    "Game",
    "Production",
    "Separation",
    "assess",
    "exact_shapley",
    "fair_least_core",
    "least_core",
    "max_excess",
    "nash",
    "nucleolus",
    "owen",
    "pro_rata",
    "sampled_shapley",
    "shapley",
]
