"""One colour for each asset and carrier, the same in every chart, readable by the colour-blind.

Colours follow what an asset does in the balances, never which technology it is. The families differ
in lightness as well as in hue (after Paul Tol, Colour Schemes, SRON/EPS/TN/09-002, 2021), so that
neighbours in a stack stay apart without colour vision and on light and dark paper.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    import pandas as pd

_FAMILIES: Mapping[str, Sequence[str]] = {
    "by day": ("#E9B44C", "#DD8D5B", "#C3CF5B", "#F2D58A"),
    "renewable": ("#58A89B", "#8CC7BE", "#3F7F8C", "#A9C979"),
    "generation": ("#A4763F", "#C79B6B", "#7D5A3C"),
    "import": ("#7A8696", "#9FA9B5", "#5F6A78"),
    "purchase": ("#B08D79", "#94806F", "#C3B6AB", "#6E5B4E"),
    "storage": ("#3C76B4", "#86B5DF", "#5F66B3", "#9DB0E0", "#2C5A86"),
    "conversion": ("#9268AE", "#CF7FA4", "#B5543A", "#C9A3D6", "#7F3F6E", "#E0A58C"),
    "transfer": ("#3D97A8", "#8FCBD4", "#2C6F7C"),
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
BAD = "#C22F3D"


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
    pools = {family: cycle(colours) for family, colours in _FAMILIES.items()}
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
    others = cycle(_OTHERS)
    return {name: _CARRIERS.get(name) or next(others) for name in carriers}


def faded(colour: str, alpha: float) -> str:
    """Return ``#rrggbb`` as ``rgba(...)``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
