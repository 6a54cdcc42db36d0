"""The page on trading: each scheme loads, solves, and costs what a pocket calculator says."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import study, yamlio
from tests.registry import manual
from tests.support import EXACT

if TYPE_CHECKING:
    from microgrid_opt.results import Results

BLOCKS = {block.title: block.text for block in manual.blocks("wheeling.md", "yaml")}
PARK = BLOCKS["park.yaml"]
PRICE, KEPT, FEE = 0.651886, 0.127473, 0.0198
ALONE = 1000 * PRICE - 1000 * 0.3
"""Load 2 × 500 bought, sun 800 + 200 sold."""


def plan(name: str, more: str = "") -> Results:
    """Return the optimum of the page's park with one of its blocks, and a change to that."""
    text = (
        PARK
        if name == "park.yaml"
        else f"{PARK}\nscenarios:\n  it:\n{indent(BLOCKS[name], '    ')}"
    )
    document = yamlio.loads(text, "park.yaml")
    if name != "park.yaml":
        document = yamlio.apply_scenario(document, "it")
    if more:
        document = yamlio.apply_sets(document, [more])
    results, audit = study.run(study.resolve(document), EXACT)
    audit.require()
    return results


EXPECTED = {
    # 500 and 200 kWh by wire, without any fee.
    "park.yaml": ALONE - 700 * (PRICE - 0.3),
    "direct.yaml": ALONE - (500 + 196) * (PRICE - KEPT - FEE) + (500 / 0.98 + 200) * 0.3,
    "entrusted.yaml": 1000 * PRICE - 1000 * (0.6 - FEE - 0.02 * 0.6),
    "purchase.yaml": 1000 * PRICE - 1000 * 0.4161,
    # 700 used; what is sold is a fifth of what is made: 175 of 875; 125 are cut.
    "direct_supply.yaml": 300 * PRICE - 175 * 0.3,
    "green.yaml": 1000 * PRICE
    - 1000 * 0.28
    - (500 + 188) * (PRICE - KEPT - 0.03 - 0.05 - 0.1263)
    + (500 / 0.94 + 200) * 0.28,
    # 768 and 192 arrive; 268 wait, of which 268 / 1.08 come back.
    "india.yaml": 8000 - (500 + 192 + 268 / 1.08) * (8 - 4),
    "south_africa.yaml": 2000 - 700 * (2 - 0.6) - 300 * 0.5,
    # The factory's part is 480 and 120, the homes' 100 of 320 and 80; 220 are sold.
    "sharing.yaml": 200 + 60 - 600 * 0.2 - 180 * 0.3 + 780 * 0.0258 - 220 * 0.05,
}


@pytest.mark.parametrize("name", list(BLOCKS))
def test_schemes_cost_what_the_calculator_says(name: str) -> None:
    """Proves: fees, losses, retained charges, windows and lists of each scheme, by hand.

    Sensitivity: each sum has another term of the scheme in it.
    """
    assert plan(name).cost == pytest.approx(EXPECTED[name])


def test_what_the_schemes_hinge_on() -> None:
    """Proves: what each scheme turns off changes the sum by what it says: the period of South Africa, a
    static key against a dynamic one, the surcharge of a group captive.
    """
    day = plan("south_africa.yaml", "trading.rules.window=day")
    assert day.cost == pytest.approx(2000 - 1000 * (2 - 0.6))
    dynamic = plan("sharing.yaml", "trading.rules.pairs=all")
    # At the first hour 20 kWh more reach the factory, at the second 20 go to the homes instead.
    saved = 20 * (0.2 - 0.05 - 0.0258) + 20 * (0.3 - 0.2)
    assert EXPECTED["sharing.yaml"] - dynamic.cost == pytest.approx(saved)
    captive = plan("india.yaml", "trading.fees.cross_subsidy.trades=[works_meter_to_sun_meter]")
    assert EXPECTED["india.yaml"] - captive.cost == pytest.approx(2 * (500 + 192 + 268 / 1.08))


def test_every_block_is_a_scheme() -> None:
    assert BLOCKS.keys() == EXPECTED.keys()
