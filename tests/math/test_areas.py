"""Roofs and plots that several plants share."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import park, planned, problem_of, shadow_price, solve_text, solved

PARK = """
    load: {type: load, power_kw: 900}
    grid: {type: grid, import_price_per_kwh: 1}
    flat: {type: pv, output_per_kw: 0.5, area: {name: roof, m2_per_kw: 5}, power_kw: {max_kw: 500, annual_cost_per_kw: 0.1}}
    steep: {type: pv, output_per_kw: 0.6, area: {name: roof, m2_per_kw: 10}, power_kw: {max_kw: 500, annual_cost_per_kw: 0.1}}
"""


def test_the_plant_that_earns_more_per_area_takes_the_roof() -> None:
    """Proves: per m² a flat kW earns 0.4 / 5 and a steep one 0.5 / 10, so 200 kW flat fill 1000 m².

    Shadow price: a m² saves 0.08. Sensitivity: a m² more saves it; without the roof's limit 500 each.
    """
    text = park(PARK, hours=1, areas="{roof: 1000 m2}")
    results = solved(text)
    assert results.size("flat") == pytest.approx(200)
    assert results.size("steep") == pytest.approx(0)
    assert results.cost == pytest.approx(900 - 200 * 0.4)
    (row,) = results.caps.to_dict("records")
    assert row["name"] == "area_roof"
    assert (row["value"], row["limit"], row["unit"]) == (pytest.approx(1000), 1000, "m2")
    assert row["binding"]
    assert shadow_price(results, "area_roof") == pytest.approx(0.08)
    assert row["price_unit"] == "CNY/m2"
    more = solved(text.replace("1000 m2", "1001 m2"))
    assert results.cost - more.cost == pytest.approx(0.08)
    wide = solved(text.replace("1000 m2", "10000 m2"))
    assert wide.size("flat") == pytest.approx(500)
    assert wide.size("steep") == pytest.approx(500)
    assert shadow_price(wide, "area_roof") == pytest.approx(0)


def test_two_plants_share_where_the_better_one_is_limited() -> None:
    """Proves: 100 kW flat take 500 m², the steep plant gets 500 m² for 50 kW; a m² is worth 0.05.

    Sensitivity: the limit of the flat plant moves area to the steep one.
    """
    text = park(PARK, hours=1, areas="{roof: 1000 m2}").replace("max_kw: 500", "max_kw: 100", 1)
    results = solved(text)
    assert results.size("flat") == pytest.approx(100)
    assert results.size("steep") == pytest.approx(50)
    assert shadow_price(results, "area_roof") == pytest.approx(0.05)


def test_areas_are_apart() -> None:
    """Proves: on two roofs each plant has its own limit, in its own unit of area: 0.01 km² are 10,000 m²."""
    text = park(PARK, hours=1, areas="{roof: 100, field: 0.01 km2}").replace(
        "name: roof, m2_per_kw: 10", "name: field, m2_per_kw: 40"
    )
    results = solved(text)
    assert results.size("flat") == pytest.approx(20)
    assert results.size("steep") == pytest.approx(250)


def test_what_stands_there_takes_its_area() -> None:
    """Proves: 80 kW of old PV leave 600 of 1000 m², 120 kW for new; a bigger old plant fits no more.

    Sensitivity: each old kW takes 5 m².
    """
    old = "    old: {type: pv, output_per_kw: 0.5, power_kw: 80, area: {name: roof, m2_per_kw: 5}}"
    text = park(PARK + old, hours=1, areas="{roof: 1000 m2}")
    results = solved(text)
    assert results.size("flat") == pytest.approx(120)
    with pytest.raises(InfeasibleError, match="area"):
        solve_text(text.replace("power_kw: 80", "power_kw: 201"))


def test_given_plants_alone_must_fit() -> None:
    """Proves: without anything to choose, 1005 m² on 1000 are told with what is missing."""
    text = park(
        """
        load: {type: load, power_kw: 900}
        grid: {type: grid, import_price_per_kwh: 1}
        old: {type: pv, output_per_kw: 0.5, power_kw: 201, area: {name: roof, m2_per_kw: 5}}
        """,
        hours=1,
        areas="{roof: 1000 m2}",
    )
    with pytest.raises(InfeasibleError, match=r"plants on the area 'roof'.* by 5 m2"):
        solve_text(text)
    assert solved(text.replace("201", "200")).caps["value"].to_list() == [1000]


def test_replacing_old_plants_frees_their_area() -> None:
    """Proves: old PV may go: 0.1 per kWh less earned on the same roof than by a better module.

    An old kW earns 0.3 on 5 m², a new one 0.5 − 0.1: all 200 kW are replaced. Sensitivity: at 0.3 a
    year a new kW earns 0.2, and the old ones stay.
    """
    text = park(
        """
        load: {type: load, power_kw: 900}
        grid: {type: grid, import_price_per_kwh: 1}
        old: {type: pv, output_per_kw: 0.3, power_kw: {existing_kw: 200, retirement: partial}, area: {name: roof, m2_per_kw: 5}}
        new: {type: pv, output_per_kw: 0.5, power_kw: {max_kw: 500, annual_cost_per_kw: 0.1}, area: {name: roof, m2_per_kw: 5}}
        """,
        hours=1,
        areas="{roof: 1000 m2}",
    )
    results = solved(text)
    assert results.size("old") == pytest.approx(0)
    assert results.size("new") == pytest.approx(200)
    dear = solved(text.replace("annual_cost_per_kw: 0.1", "annual_cost_per_kw: 0.3"))
    assert dear.size("old") == pytest.approx(200)


def test_wind_hydro_and_blocks_stand_somewhere_too() -> None:
    """Proves: 5 kW of hydro and 10 kW of a block at 5 m² a kW leave 225 of 300 m² for whole turbines of
    10 kW at 20 m² a kW: one. Sensitivity: the second fits on 475 m², not on 474.
    """
    text = park(
        """
        load: {type: load, power_kw: 900}
        grid: {type: grid, import_price_per_kwh: 1}
        wind: {type: wind, output_per_kw: 0.5, power_kw: {max_kw: 50, unit_kw: 10, annual_cost_per_kw: 0.1}, area: {name: plot, m2_per_kw: 20}}
        weir: {type: hydro, output_per_kw: 0.5, power_kw: 5, area: {name: plot, m2_per_kw: 5}}
        block: {type: must_run, output_per_kw: 0.5, power_kw: 10, area: {name: plot, m2_per_kw: 5}}
        """,
        hours=1,
        areas="{plot: 300 m2}",
    )
    assert solved(text).size("wind") == pytest.approx(10)
    assert solved(text.replace("300 m2", "474 m2")).size("wind") == pytest.approx(10)
    assert solved(text.replace("300 m2", "475 m2")).size("wind") == pytest.approx(20)


def test_reference_plan_has_what_stands_there() -> None:
    """Proves: business as usual keeps old plants on their area, and nothing new."""
    old = "    old: {type: pv, output_per_kw: 0.5, power_kw: 80, area: {name: roof, m2_per_kw: 5}}"
    plan = planned(park(PARK + old, hours=1, areas="{roof: 1000 m2}"))
    assert plan.reference is not None
    assert plan.reference.caps["value"].to_list() == [pytest.approx(400)]
    assert plan.results.caps["value"].to_list() == [pytest.approx(1000)]


@pytest.mark.parametrize(
    ("area", "message"),
    [
        ("{name: rof, m2_per_kw: 5}", r"area\.name = 'rof': is no area of the park .*'roof'"),
        ("{name: roof, m2_per_kw: 0}", "m2_per_kw.*more than 0"),
        ("{name: roof}", "m2_per_kw.*required"),
        ("{m2_per_kw: 5}", "name.*required"),
    ],
)
def test_bad_input(area: str, message: str) -> None:
    text = park(PARK, areas="{roof: 1000 m2}").replace("{name: roof, m2_per_kw: 5}", area)
    with pytest.raises(InputError, match=message):
        problem_of(text)


def test_area_without_a_park_that_has_one() -> None:
    with pytest.raises(InputError, match="is no area of the park: known are none: give `areas`"):
        problem_of(park(PARK))
