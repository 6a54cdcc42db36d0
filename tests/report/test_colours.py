"""Colours of charts: none twice, and all far enough apart to be told from one another."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest

from microgrid_opt.report.colours import (
    CATEGORIES,
    apart,
    asset_colours,
    carrier_colours,
    categories,
)


def closest(colours: list[str]) -> float:
    return min(apart(one, other) for one, other in combinations(colours, 2))


def park_of(count: int, role: str) -> pd.DataFrame:
    rows = [(f"{role}_{n}", role, False, "heat") for n in range(count)]
    return pd.DataFrame(rows, columns=["asset", "role", "renewable", "carrier"])


def test_distances_are_those_of_oklab() -> None:
    """Proves: black and white are 1 apart, and red and green 0.5 (L, a, b of sRGB red: 0.628, 0.225,
    0.126; of green: 0.866, -0.234, 0.179)."""
    assert apart("#000000", "#FFFFFF") == pytest.approx(1.0, abs=1e-4)
    expected = ((0.866 - 0.628) ** 2 + (0.234 + 0.225) ** 2 + (0.179 - 0.126) ** 2) ** 0.5
    assert apart("#FF0000", "#00FF00") == pytest.approx(expected, abs=2e-3)


def test_crowded_parks_repeat_no_colour() -> None:
    """Proves: 16 converters beside 10 demands and 6 stores can be told apart. Sensitivity: the
    colours of a family alone repeat from its seventh converter on."""
    flows = pd.concat([park_of(16, "conversion"), park_of(10, "demand"), park_of(6, "storage")])
    found = asset_colours(flows, [])
    assert len(found) == len(set(found.values())) == 32
    assert closest(list(found.values())) > 0.04
    assert closest([found[f"conversion_{n}"] for n in range(16)]) > 0.05
    assert asset_colours(flows, []) == found


def test_categories_and_carriers_go_on_after_the_named_ones() -> None:
    assert categories(len(CATEGORIES)) == list(CATEGORIES)
    assert categories(3) == list(CATEGORIES[:3])
    assert closest(categories(24)) > 0.06
    carriers = carrier_colours(["electricity", "heat", *(f"steam_{n}" for n in range(10))])
    assert len(set(carriers.values())) == 12
    assert closest(list(carriers.values())) > 0.05
