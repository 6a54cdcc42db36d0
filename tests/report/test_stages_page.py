"""The page over all stages: what it says, and that it opens in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.report.stages import render
from tests.math.test_pathway import BUDGET, FALLING
from tests.pathways import pathway
from tests.report.test_browser import CHROMIUM, charts, opened

if TYPE_CHECKING:
    from pathlib import Path

LINKS = {2027: "stages/2027/report.html", 2028: "stages/2028/report.html"}


def test_numbers_and_links_stand_on_the_page() -> None:
    """Proves: yearly costs, capacity, budget and the reports of the stages are told.

    Sensitivity: 876,000 CNY of purchases in 2027; PV of 50 kW at 1.1 in 2028; a kg is worth 0.1.
    """
    text = render(pathway(BUDGET), LINKS)
    plain = re.sub(r"<[^>]+>", " ", text.partition('<script type="application/json"')[0])
    words = " ".join(plain.split())
    assert "2027 to 2028 in 2 stages, perfect foresight" in words
    assert "876,000" in words
    assert "Pv" not in words.partition("Capacity")[0]
    assert "CO2 budget over all years" in words
    assert "100 CNY/t, present value" in words
    assert 'href="stages/2028/report.html"' in text
    assert "Audit of the reference plan of 2027" in words


def test_the_same_plan_gives_the_same_page() -> None:
    plan = pathway(FALLING)
    links = {2027: "a", 2030: "b"}
    assert render(plan, links) == render(plan, links)
    assert "each stage was planned without knowing the later ones" in render(
        pathway(FALLING, "myopic"), links
    )


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to open the report")
def test_it_is_drawn_without_a_word_on_the_console(tmp_path: Path) -> None:
    dom, complaints = opened(render(pathway(BUDGET), LINKS), tmp_path)
    assert complaints == ""
    drawn = charts(dom)
    assert len(drawn) == 3
    assert all(drawn.values()), drawn
