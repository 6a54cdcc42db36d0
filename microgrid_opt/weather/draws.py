"""Series with a wanted distribution and a wanted memory, for synthetic weather."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


def autoregressive(count: int, lag_one: float, random: np.random.Generator) -> FloatArray:
    """Stationary Gaussian AR(1) series of unit variance, shape (count,)."""
    shocks = random.standard_normal(count) * math.sqrt(1.0 - lag_one**2)
    shocks[0] /= math.sqrt(1.0 - lag_one**2)
    series = np.empty(count)
    last = 0.0
    for step, shock in enumerate(shocks.tolist()):
        last = lag_one * last + shock
        series[step] = last
    return series


def rank_shares(values: FloatArray) -> FloatArray:
    """Share of each value's rank, in the middle of its class: (rank + 1/2)/n."""
    ranks = np.empty(len(values))
    ranks[values.argsort()] = np.arange(len(values)) + 0.5
    return ranks / len(values)


@cache
def _normal_table() -> tuple[FloatArray, FloatArray]:
    at = np.linspace(-8.0, 8.0, 3201)
    return at, np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in at])


def normal_share(at: FloatArray) -> FloatArray:
    """Probability that a standard normal variable is below each value (table of 3201 points)."""
    points, shares = _normal_table()
    return np.interp(at, points, shares)


def normal_quantile(share: FloatArray) -> FloatArray:
    """Value that a standard normal variable stays below with each probability."""
    points, shares = _normal_table()
    return np.interp(share, shares, points)


def clearness_quantiles(mean: float, shares: FloatArray) -> FloatArray:
    """Quantiles of the daily clearness index by Hollands and Huget (1983).

    Parameters
    ----------
    mean
        Mean clearness index of the month, 0 to about 0.8.
    shares
        Probabilities between 0 and 1, shape (n,).
    """
    top = 0.6313 + 0.267 * mean - 11.9 * (mean - 0.75) ** 8
    top = max(top, mean + 0.02)
    grid = np.linspace(0.0, top, 801)

    def density(rate: float) -> FloatArray:
        weights: FloatArray = (top - grid) * np.exp(rate * (grid - top))
        weights /= weights.sum()
        return weights

    low, high = -400.0, 400.0
    for _ in range(100):
        rate = (low + high) / 2.0
        if float(density(rate) @ grid) < mean:
            low = rate
        else:
            high = rate
    cumulated = density((low + high) / 2.0).cumsum()
    return np.interp(shares, cumulated, grid)


def weibull_quantiles(mean: float, shape: float, shares: FloatArray) -> FloatArray:
    """Quantiles of a Weibull distribution, scaled so that their own mean is exactly ``mean``."""
    unit: FloatArray = (-np.log1p(-shares)) ** (1.0 / shape)
    return unit * (mean / float(unit.mean()))


def weibull_variation(shape: float) -> float:
    """Return standard deviation over mean of a Weibull distribution."""
    first = math.gamma(1.0 + 1.0 / shape)
    return math.sqrt(math.gamma(1.0 + 2.0 / shape) / first**2 - 1.0)


def scaled_rows(
    index: FloatArray, limit: FloatArray, weight: FloatArray, wanted: FloatArray
) -> FloatArray:
    """Scale each row so that its sum(index * weight) is as wanted, no value above its limit.

    Shapes: (rows, columns) for the first three, (rows,) for ``wanted``. A row whose limits do not
    allow the wanted sum ends at its limits.
    """
    for _ in range(100):
        held = (index * weight).sum(axis=1)
        factor = np.where(held > 0, wanted / np.maximum(held, 1e-9), 1.0)
        if np.abs(factor - 1.0).max() < 1e-6:
            break
        index = np.minimum(index * factor[:, None], limit)
    return index
