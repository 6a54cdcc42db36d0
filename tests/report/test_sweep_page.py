"""The page over a sweep: what it says, and that it opens in a browser."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.report.sweeps import render
from tests.report.test_browser import CHROMIUM, charts, opened
from tests.report.test_stages_page import words_of
from tests.sweep.test_sweep import HAND, swept

if TYPE_CHECKING:
    from pathlib import Path

PV = "\n  pv: {type: pv, output_per_kw: 1, power_kw: {max_kw: 8, annual_cost_per_kw: 9}}\n"
OPTIONS: tuple[dict[str, Any], ...] = (
    {"co2": "4"},
    {"vary": ["assets.grid.import_limit_kw=15,20"]},
    {"scale": ["assets.load.power_kw=0.5,1", "assets.pv.power_kw.max_kw=0,1"]},
    {"scale": ["assets.load.power_kw=0.5,1"], "co2": "3"},
)


def test_numbers_stand_on_the_page(tmp_path: Path) -> None:
    """Proves: costs, last and mean tonne, sizes and charts of a front are told.

    Below 5 kg a kW of PV (9) replaces 1 of the grid, 5 of clean power and 0.5 kg: 6 a kg, 4 kg in all,
    where clean power takes 8. The last 5 kg cost (4 · 6 + 8) / 5 = 6.4 a kg.
    Sensitivity: a chart without points, a table of other points.
    """
    found = swept(tmp_path, HAND + PV, co2="4")
    text = render(found)
    words = words_of(text)
    assert "4 points: CO2 cap [t/year]" in words
    assert "What a tonne of CO 2 costs to avoid" in words
    assert "4,000" in words
    assert "6,400" in words
    assert "figures were computed again, independently, and agree" in words
    assert '"name":"pv.power"' in text
    assert '"text":"pv.power, kW"' in text
    assert '"name":"last tonne"' in text
    assert "Points without a plan" not in words


def test_the_same_sweep_gives_the_same_page(tmp_path: Path) -> None:
    """Proves: the page does not depend on the clock. Sensitivity: a set that is drawn in any order."""
    found = swept(tmp_path, HAND + PV, scale=["assets.load.power_kw=0.5,1"])
    assert render(found) == render(found)
    assert math.isfinite(found.points[0].cost)
    assert "What a tonne" not in words_of(render(found))


def test_reasons_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    """Proves: each line of why a point has no plan is a line of the page, for each point anew.

    Sensitivity: sentences that run together; a line that is not escaped.
    """
    found = swept(tmp_path, HAND + PV, scale=["assets.load.power_kw=0.5,1"])
    why = "the cap on CO2 is too low\nthe line is < 3 kW"
    found.points[1] = replace(found.points[1], status="infeasible", why=why)
    lines = "Point 2: the cap on CO2 is too low<br>the line is &lt; 3 kW"
    assert f"<li>{lines}</li>" in render(found)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to open the page: install chromium")
@pytest.mark.parametrize("options", OPTIONS)
def test_every_chart_is_drawn(options: dict[str, Any], tmp_path: Path) -> None:
    """Proves: all charts are drawn with one and two parameters, and the browser complains of nothing."""
    dom, complaints = opened(render(swept(tmp_path, HAND + PV, **options)), tmp_path)
    drawn = charts(dom)
    assert drawn
    assert all(drawn.values()), drawn
    assert complaints == ""
