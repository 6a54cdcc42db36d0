"""The page over all stages: what it says, and that it opens in a browser."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.report.html import render as render_stage
from microgrid_opt.report.stages import render
from tests.math.test_pathway import BUDGET, FALLING, HEAD
from tests.pathways import PLAIN, pathway
from tests.report.test_browser import CHROMIUM, charts, opened
from tests.support import park

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


def words_of(text: str) -> str:
    """Return what a page says, without its data."""
    plain = re.sub(r"<[^>]+>", " ", text.partition('<script type="application/json"')[0])
    return " ".join(plain.split())


MIXED = park(
    HEAD % 1
    + """
    feeder: {type: grid, connection_kw: 500, import_price_per_kwh: 2, co2_kg_per_kwh: 1}
    old: {type: pv, power_kw: {existing_kw: 5, retirement: partial}, output_per_kw: 1}
    kept: {type: pv, power_kw: {existing_kw: 7}, output_per_kw: 1}
    pv: {type: pv, power_kw: {max_kw: 50, capex_per_kw: 11, lifetime_years: 10}, output_per_kw: 1}
""",
    hours=1,
    finance=PLAIN,
    carbon="{cap_t_per_year: 1000}",
    stages="{2027: {}, 2030: {carbon: {cap_t_per_year: 394.2}, "
    "assets: {old: {power_kw: {fixed_om_per_kw_year: 9000}}}}}",
)


def test_the_chart_shows_what_is_bought_or_retires() -> None:
    """Proves: PV that is bought and PV that is given up are drawn; connections and the rest are not."""
    text = render(pathway(MIXED), {2027: "a", 2030: "b"})
    specs = re.search(r'id="figures">(.*?)</script>', text, re.DOTALL)
    assert specs is not None
    held = [spec for spec in json.loads(specs[1]).values() if "Capacity" in spec["label"]]
    assert [trace["name"] for spec in held for trace in spec["data"]] == ["old", "pv"]
    words = words_of(text)
    assert words.count("feeder Connection") == 2
    assert words.count("kept Power") == 2


def test_limits_stand_by_stage() -> None:
    """Proves: each stage has its own limit, value, state and the worth of one more unit.

    Sensitivity: 93 kg are less than 1000 t a year in 2027; 45 kg bind in 2030, where PV costs 1.1, not 1.
    """
    words = words_of(render(pathway(MIXED), {2027: "a", 2030: "b"}))
    table = words.partition("Limits by stage")[2]
    assert "CO2 cap 2027" in table
    assert "CO2 cap 2030" in table
    assert "slack –" in table
    assert "≤ 45 kg 45 kg binding 100 CNY/t" in table


@pytest.mark.parametrize("foresight", ["perfect", "myopic"])
def test_a_stage_says_which_one_it_is_and_earns_nothing_alone(foresight: str) -> None:
    """Proves: title, no net present value, payback or payments, and what the proof is of.

    Sensitivity: perfect foresight proves the pathway; the myopic stage given what was bought.
    """
    plan = pathway(FALLING, foresight)
    words = {year: words_of(render_stage(stage)) for year, stage in plan.stages.items()}
    for year, said in ((2027, "2027-2029"), (2030, "2030-2034")):
        assert f"stage {year}, for {said}" in words[year]
        assert "Net present value and payback are those of the pathway" in words[year]
        assert "Internal rate" not in words[year]
        assert "Payments against the reference plan" not in words[year]
        assert "against the reference, 10 years" not in words[year]
        joint = "part of the pathway of 2027 and 2030, which is solved and proven as a whole"
        assert (joint in words[year]) == (foresight == "perfect")
        assert ("the model of all 2 stages" in words[year]) == (foresight == "perfect")
        given = "no plan can cost less, given what earlier stages bought"
        assert (given in words[year]) == (foresight == "myopic")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to open the report")
def test_it_is_drawn_without_a_word_on_the_console(tmp_path: Path) -> None:
    dom, complaints = opened(render(pathway(BUDGET), LINKS), tmp_path)
    assert complaints == ""
    drawn = charts(dom)
    assert len(drawn) == 3
    assert all(drawn.values()), drawn
