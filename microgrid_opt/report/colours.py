"""One colour for each asset and carrier, the same in every chart, readable by the colour-blind.

Colours follow what an asset does in the balances, never which technology it is. The families differ
in lightness as well as in hue (after Paul Tol, Colour Schemes, SRON/EPS/TN/09-002, 2021), so that
neighbours in a stack stay apart without colour vision and on light and dark paper.
"""

from __future__ import annotations

import colorsys
import math
from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

_FAMILIES: Mapping[str, Sequence[str]] = {
    "by day": ("#E9B44C", "#DD8D5B", "#C3CF5B", "#F2D58A"),
    "renewable": ("#58A89B", "#8CC7BE", "#3F7F8C", "#A9C979"),
    "generation": ("#A4763F", "#C79B6B", "#7D5A3C"),
    "import": ("#7A8696", "#9FA9B5", "#5F6A78"),
    "purchase": ("#B08D79", "#94806F", "#C3B6AB", "#6E5B4E"),
    "storage": ("#3C76B4", "#86B5DF", "#5F66B3", "#2C5A86"),
    "conversion": ("#9268AE", "#CF7FA4", "#B5543A", "#C9A3D6", "#7F3F6E", "#E0A58C"),
    "transfer": ("#3D97A8", "#8FCBD4", "#2C6F7C"),
    "trade": ("#4F9A6B", "#93C9A6", "#2F6B49"),
    "demand": ("#50688A", "#8A6379", "#6F8F7A", "#A3A0BD", "#7B6A55"),
    "export": ("#8A939F",),
    "dump": ("#BDC3CB", "#D5D9DE"),
    "unserved": ("#C22F3D",),
}
_ORDER = tuple(_FAMILIES)
_CARRIERS = {
    "electricity": "#D9A521",
    "heat": "#CC5A4E",
    "gas": "#A07F64",
    "hydrogen": "#4C9BC4",
}
_OTHERS = ("#6FA287", "#9C7FB8", "#C98BA7", "#7C8C6A", "#5E84A8")
CATEGORIES = (
    "#44688F",
    "#88ABCB",
    "#D9A94A",
    "#B5543A",
    "#5E9F8F",
    "#9C7FB8",
    "#C3C96B",
    "#8A8F98",
    "#CF7FA4",
    "#6B5A4A",
)
"""Colours for categories of the ledger, in the order in which they appear."""


PLAN, REFERENCE = "#3C76B4", "#A9B2BD"
LOST = "#BDC3CB"
TRADED = "#4F9A6B"
BAD = "#C22F3D"
_APART = 0.05
"""Colours closer than this in OKLab are too much alike [-]."""
_NEAR = 1 / 12
"""How far the hue of a new colour may be from one of its family [of the circle of hues]."""

Point = tuple[float, float, float]


def categories(count: int) -> list[str]:
    """Return colours for a number of categories, in the order in which they appear."""
    return list(islice(_endless(CATEGORIES, set()), count))


def _endless(colours: Sequence[str], used: set[str]) -> Iterator[str]:
    """Yield a family's colours, then others, each as far from all that are used as there is.

    The others are of the family's hues while these have one that can be told apart.
    """
    for colour in colours:
        used.add(colour)
        yield colour
    near = [one for one in _grid() if any(_turned(one, colour) <= _NEAR for colour in colours)]
    while True:
        held = [_oklab(colour) for colour in used]
        best = max(near, key=lambda colour: _nearest(colour, held))
        if _nearest(best, held) < _APART:
            best = max(_grid(), key=lambda colour: _nearest(colour, held))
        used.add(best)
        yield best


@cache
def _grid() -> tuple[str, ...]:
    """Return muted colours of all hues that can be seen on light and dark paper."""
    hues = (number / 24 for number in range(24))
    found = (
        colorsys.hls_to_rgb(hue, lightness, saturation)
        for hue, lightness, saturation in product(hues, (0.36, 0.47, 0.58, 0.7), (0.25, 0.5))
    )
    return tuple("#" + "".join(f"{round(255 * part):02X}" for part in rgb) for rgb in found)


def _turned(one: str, other: str) -> float:
    """Return how far two hues are from one another [of the circle of hues]."""
    off = abs(colorsys.rgb_to_hls(*_rgb(one))[0] - colorsys.rgb_to_hls(*_rgb(other))[0])
    return min(off, 1.0 - off)


def _rgb(colour: str) -> Point:
    red, green, blue = (int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    return red, green, blue


@cache
def _oklab(colour: str) -> Point:
    """Return a colour where distances are those that the eye sees (Ottosson, OKLab, 2020)."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(colour))
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def apart(one: str, other: str) -> float:
    """Return how far two colours are from one another for the eye; black to white is 1."""
    return _nearest(one, [_oklab(other)])


def _nearest(colour: str, held: Iterable[Point]) -> float:
    mine = _oklab(colour)
    return min(math.dist(mine, one) for one in held)


def asset_colours(
    flows: pd.DataFrame, assets: Iterable[str], by_day: Container[str] = ()
) -> dict[str, str]:
    """Return a colour for every asset by its main role in the balances.

    Parameters
    ----------
    flows
        Flow table of the results.
    assets
        All assets, those without a flow included.
    by_day
        Assets that generate in a part of the hours only, as the sun does.
    """
    roles: dict[str, set[str]] = {}
    names = ("asset", "role", "renewable", "carrier")
    for asset, role, renewable, carrier in zip(*(flows[name] for name in names), strict=True):
        family = "renewable" if renewable else role
        if role == "import" and carrier != "electricity":
            family = "purchase"
        roles.setdefault(asset, set()).add(family)
    present = {"by day", *(family for found in roles.values() for family in found)}
    used = {colour for family in present & set(_FAMILIES) for colour in _FAMILIES[family]}
    pools = {family: _endless(colours, used) for family, colours in _FAMILIES.items()}
    found = {}
    for asset in (*dict.fromkeys(flows["asset"]), *assets):
        if asset not in found:
            family = next((f for f in _ORDER if f in roles.get(asset, ())), "export")
            if "storage" in roles.get(asset, ()):
                family = "storage"
            if family == "renewable" and asset in by_day:
                family = "by day"
            found[asset] = next(pools[family])
    return found


def carrier_colours(carriers: Iterable[str]) -> dict[str, str]:
    """Return a colour for every carrier."""
    others = _endless(_OTHERS, set(_CARRIERS.values()))
    return {name: _CARRIERS.get(name) or next(others) for name in carriers}


def faded(colour: str, alpha: float) -> str:
    """Return ``#rrggbb`` as ``rgba(...)``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
