"""Points of a sweep are plans of parks of their own; fronts by hand and against fresh solves."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from microgrid_opt import study, yamlio
from microgrid_opt.errors import InputError
from microgrid_opt.problem import Problem
from microgrid_opt.results import Run
from microgrid_opt.solve.chain import GAP
from microgrid_opt.solve.live import Live
from microgrid_opt.sweep import Point, Sweep, axes_of
from microgrid_opt.sweep import sweep as run
from microgrid_opt.sweep.front import MOST_GAP, gap_of, with_cap
from microgrid_opt.sweep.tables import abatement_cost, changing_sizes, table
from tests.properties.strategies import parks, text_of
from tests.support import EXACT, day, park

if TYPE_CHECKING:
    from microgrid_opt.study import Plan

HAND = park(
    f"""
    load: {{type: load, power_kw: {day(10, 20)}}}
    grid: {{type: grid, import_price_per_kwh: {day(1, 3)}, import_limit_kw: 100, co2_kg_per_kwh: 0.5}}
    clean: {{type: supply, carrier: electricity, price_per_kwh: 5}}
    """
)
"""Least cost: 10 · 1 + 20 · 3 = 70 with 15 kg. A kg less costs (5 − 3) / 0.5 = 4 down to 5 kg, then
(5 − 1) / 0.5 = 8 down to 0."""
YEARS = 2 / 8760


def swept(folder: Path, text: str, *, asked: study.Asked = EXACT, **options: Any) -> Sweep:
    """Return a sweep of a park's text that has passed its audits."""
    path = folder / "park.yaml"
    path.write_text(text, encoding="utf-8")
    axes = axes_of(options.get("co2"), options.get("vary", ()), options.get("scale", ()))
    found = run(str(path), axes, asked=asked)
    for point in found.points:
        assert point.audit is None or point.audit.passed, point.audit.failures
    return found


def costs(found: Sweep) -> list[float]:
    return [point.cost for point in found.points]


# ---------------------------------------------------------------------- by hand


def test_a_front_by_hand(tmp_path: Path) -> None:
    """Proves: ends, caps in t/year, costs, duals and quotients of a front with two slopes.

    Sensitivity: a cap that is not scaled to two hours, an end that is dominated, the quotient of the
    wrong neighbour.
    """
    found = swept(tmp_path, HAND, co2="7")
    assert [p.co2_kg for p in found.points] == pytest.approx(
        [15, 12.5, 10, 7.5, 5, 2.5, 0], abs=1e-4
    )
    assert costs(found) == pytest.approx([70, 80, 90, 100, 110, 130, 150], rel=1e-5)
    caps = [float(p.values[0]) for p in found.points]
    assert caps[0] == pytest.approx(15 / 1000 / YEARS)
    duals = [p.price_per_t for p in found.points]
    assert duals[1:4] == pytest.approx([4000] * 3)
    assert duals[5:] == pytest.approx([8000] * 2)
    quotients = abatement_cost(found)
    assert [quotients[n] for n in range(2, 8)] == pytest.approx([4000] * 4 + [8000] * 2, rel=1e-4)


def test_no_end_of_a_front_is_dominated(tmp_path: Path) -> None:
    """Proves: of plans of least cost the one with the least CO2 is the end (here a second supplier at
    the same price and half the CO2).

    Sensitivity: taking whatever plan the solver returns first.
    """
    equal = "\n  greener: {type: supply, carrier: electricity, price_per_kwh: 1, limit_kw: 4, co2_kg_per_kwh: 0.25}\n"
    found = swept(tmp_path, HAND + equal, co2="2")
    # Hour 1: 4 greener + 6 grid; hour 2: 4 greener (cheaper) + 16 grid: 8 · 0.25 + 22 · 0.5 = 13 kg.
    assert found.points[0].cost == pytest.approx(4 + 6 + 4 + 48)
    assert found.points[0].co2_kg == pytest.approx(13)


def test_given_caps_prices_and_sizes_by_hand(tmp_path: Path) -> None:
    """Proves: caps may be loose or out of reach; the reason tells by how much; prices and demand are
    scaled by key, values are set.

    Sensitivity: an audit that does not know the changed price or cap; a factor that adds up from
    point to point.
    """
    caps = [cap / 1000 / YEARS for cap in (20, 10, -1)]
    found = swept(tmp_path, HAND, co2=",".join(map(repr, caps)))
    assert costs(found)[:2] == pytest.approx([70, 90])
    assert found.points[0].price_per_t == 0.0
    assert found.points[2].status == "infeasible"
    assert "off by 1 kg" in found.points[2].why
    found = swept(tmp_path, HAND, scale=["assets.grid.import_price_per_kwh=0,0.5,1,2"])
    # At double price the second hour buys clean at 5.
    assert costs(found) == pytest.approx([0, 35, 70, 10 * 2 + 20 * 5])
    found = swept(tmp_path, HAND, scale=["assets.load.power_kw=0.5,2"])
    assert costs(found) == pytest.approx([35, 140])
    found = swept(tmp_path, HAND, vary=["assets.grid.import_limit_kw=5:15:3"])
    assert costs(found) == pytest.approx([5 + 25 + 15 + 75, 10 + 30 + 50, 10 + 45 + 25])
    found = swept(tmp_path, HAND, scale=["assets.grid.co2_kg_per_kwh=1,2"], co2="3")
    assert [p.co2_kg for p in found.points] == pytest.approx([15, 7.5, 0, 30, 15, 0], abs=1e-4)
    assert costs(found)[:3] == pytest.approx(costs(found)[3:])


def test_two_parameters_and_their_table(tmp_path: Path) -> None:
    """Proves: every combination once, in the order of the values; quotients stay inside a front."""
    found = swept(tmp_path, HAND, scale=["assets.clean.price_per_kwh=1,2"], co2="2")
    assert [p.values[0] for p in found.points] == [1.0, 1.0, 2.0, 2.0]
    # Clean power at 10: a kg costs 14 in hour 2 and 18 in hour 1.
    assert abatement_cost(found) == pytest.approx(
        {2: (150 - 70) / 15 * 1000, 4: (300 - 70) / 15 * 1000}, rel=1e-4
    )
    frame = table(found)
    assert list(frame["point"]) == [1, 2, 3, 4]
    assert (frame["audit"] == "passed").all()
    assert frame["cost"].tolist() == costs(found)
    assert changing_sizes(found) == []


# ---------------------------------------------------------------------- against fresh solves


@pytest.mark.parametrize(
    ("case", "scenario", "sets", "options"),
    [
        ("minimal", None, (), {"co2": "6"}),
        ("minimal", None, (), {"vary": ["assets.battery.energy_kwh.max_kwh=0,60,240"]}),
        (
            "shared_storage",
            None,
            (),
            {"scale": ["assets.workshop_grid.import_price_per_kwh=0.5,1,2"]},
        ),
        (
            "yangzhou",
            "sizing",
            ("horizon={start: 2021-06-07, hours: 168}",),
            {"co2": "6"},
        ),
        (
            "wind_pv_hydrogen",
            None,
            ("horizon={start: 2025-03-03, hours: 168}",),
            {"co2": "5", "scale": ["assets.gas.price_per_kwh=1,3"]},
        ),
    ],
)
def test_every_point_equals_a_fresh_solve_of_its_park(
    case: str, scenario: str | None, sets: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Proves: cost and CO2 price of every point are those of its park loaded with the keys that it
    names and solved from nothing.

    Sensitivity: a model that keeps something of the point before; keys that say another park.
    """
    axes = axes_of(options.get("co2"), options.get("vary", ()), options.get("scale", ()))
    found = run(case, axes, scenario=scenario, sets=sets, asked=EXACT)
    for point in found.points:
        assert point.audit is not None
        assert point.audit.passed
        keys = [key for key in point.sets if "=" in key]
        scales = {k: float(f) for k, _, f in (s.partition(" x ") for s in point.sets) if f}
        problem = study.load(case, scenario=scenario, sets=keys, scales=scales)
        assert isinstance(problem, Problem)
        fresh, _ = study.run(problem, EXACT)
        assert point.cost == pytest.approx(fresh.run.objective, rel=1e-6)
        assert point.cost == pytest.approx(fresh.cost, rel=1e-6)


def test_a_cap_is_the_same_as_in_the_file() -> None:
    """Proves: changing the cap of a problem gives what loading the changed park gives.

    Sensitivity: a reduction that stays beside the cap; an origin that does not tell.
    """
    held = study.load("wind_pv_hydrogen", sets=["horizon={start: 2025-03-03, hours: 24}"])
    assert isinstance(held, Problem)
    changed = with_cap(held, 123.5)
    loaded = study.load("wind_pv_hydrogen", sets=changed.origin.sets)
    assert isinstance(loaded, Problem)
    assert changed.park == loaded.park
    assert changed.origin == loaded.origin


def test_whole_numbers(tmp_path: Path) -> None:
    """Proves: a park with whole units is solved from the last plan, to the same cost as anew.

    Units of 4 kW clean power cost 10 each and free 8 kWh of grid power (4 kg): 0, 1, 2 … are bought as
    the cap falls below 15, 11, 7 kg.
    """
    units = "\n  pv: {type: pv, output_per_kw: 1, power_kw: {max_kw: 8, unit_kw: 4, annual_cost_per_kw: 10}}\n"
    caps = [cap / 1000 / YEARS for cap in (15, 12.5, 10)]
    found = swept(tmp_path, HAND + units, co2=",".join(map(repr, caps)))
    # A unit costs 40 and saves 4 · 1 + 4 · 3 = 16; clean power costs 4 per kg here: 10 and 20.
    assert costs(found) == pytest.approx([70, 80, 90])
    run_ = found.points[1].run
    assert run_ is not None
    assert run_.kind == "MILP"
    assert "from the last plan" in run_.choice


# ---------------------------------------------------------------------- random parks


@settings(max_examples=25, deadline=None)
@given(description=parks())
def test_fronts_of_random_parks(description: dict[str, Any]) -> None:
    """Proves: cost does not fall as the cap tightens, the front is convex, and each quotient lies
    between the duals of its points.

    Sensitivity: a plan that is not optimal, a dual of the wrong sign or unit.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = swept(Path(folder), text_of(description), co2="5")
        except InputError as error:
            assert "front" in str(error) or "no CO2" in str(error)  # noqa: PT017
            return
    points = found.points
    assert all(point.status == "optimal" for point in points)
    rise = 1e-6 * max(abs(point.cost) for point in points)
    assert all(b.cost >= a.cost - rise for a, b in pairwise(points))
    slopes = [abatement_cost(found).get(point.number, math.nan) for point in points]
    known = [slope for slope in slopes if math.isfinite(slope)]
    size = 1e-4 * max([1.0, *map(abs, known)])
    assert all(b >= a - size for a, b in pairwise(known))
    for (loose, tight), slope in zip(pairwise(points), slopes[1:], strict=True):
        assert loose.price_per_t - size <= slope <= tight.price_per_t + size


# ---------------------------------------------------------------------- words, and being stopped


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (HAND.replace(", co2_kg_per_kwh: 0.5", ""), {"co2": "3"}, "The park has no CO2 to limit"),
        (HAND.replace("price_per_kwh: 5", "price_per_kwh: 0.5"), {"co2": "3"}, "There is no front"),
        (HAND, {"vary": ["assets.wind.power_kw=1,2"]}, "wind"),
        (HAND, {"scale": ["assets.grid.import_price=1,2"]}, "did you mean"),
        (HAND, {"scale": ["assets.grid=1,2"]}, "name one: assets.grid.import_price_per_kwh"),
    ],
)
def test_what_cannot_be_swept_is_told(
    tmp_path: Path, text: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        swept(tmp_path, text, **options)


def test_a_park_without_a_front_does_not_cost_the_others_theirs(tmp_path: Path) -> None:
    """Proves: of two parks the one with nothing to avoid, or without a plan, is one point that says so;
    where none has a front nothing is solved. With a load of 0 there is no CO2; 200 times the load is
    more than grid (100 kW) and 50 kW of clean power give.

    Sensitivity: an error in one park that ends the sweep; an empty cap that is taken for a number.
    """
    text = HAND.replace("price_per_kwh: 5", "price_per_kwh: 5, limit_kw: 50")
    found = swept(tmp_path, text, scale=["assets.load.power_kw=0,1,200"], co2="3")
    assert [point.status for point in found.points] == [
        "no plan",
        *["optimal"] * 3,
        "infeasible",
    ]
    assert "There is no front" in found.points[0].why
    assert found.points[0].values == (0.0, "")
    assert costs(found)[1:4] == pytest.approx([70, 100, 150], rel=1e-4)
    assert len(table(found)) == 5
    assert not found.stopped
    with pytest.raises(InputError, match="There is no front"):
        swept(tmp_path, text, vary=["assets.clean.price_per_kwh=0.1,0.2"], co2="3")


def test_numbers_with_units_are_scaled(tmp_path: Path) -> None:
    """Proves: 100 kW times 0.05 is 5 kW, as a number and with its unit."""
    unit = HAND.replace("import_limit_kw: 100", "import_limit_kw: 0.1 MW")
    for text in (HAND, unit):
        found = swept(tmp_path, text, scale=["assets.grid.import_limit_kw=0.05,1"])
        assert costs(found) == pytest.approx([5 + 25 + 15 + 75, 70])


def test_a_park_with_stages_is_swept_by_stage() -> None:
    with pytest.raises(InputError, match="--stage YEAR"):
        run("pathway_2035", axes_of("3"), asked=EXACT)


def test_points_are_kept_when_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: Ctrl-C in the third point leaves two, marks the others, and ends without an error.

    Sensitivity: raising; solving on; a point that is lost.
    """
    path = tmp_path / "park.yaml"
    path.write_text(HAND, encoding="utf-8")
    caps = ",".join(repr(cap / 1000 / YEARS) for cap in (15, 10, 5, 1))
    told: list[int] = []
    real, calls = Live.solve, [0]

    def solve(self: Live, **how: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return real(self, **how)

    def hear(_: Sweep, point: Point, plan: Plan | None) -> None:
        assert plan is not None
        told.append(point.number)

    monkeypatch.setattr(Live, "solve", solve)
    found = run(str(path), axes_of(caps), asked=EXACT, on_point=hear)
    assert found.stopped == "interrupted"
    assert told == [1, 2]
    assert [p.status for p in found.points] == ["optimal", "optimal", "not reached", "not reached"]


def test_the_time_limit_is_for_all_points(tmp_path: Path) -> None:
    """Proves: no point begins after the time limit, and what was not reached is told."""
    asked = study.Asked("test", time_limit_seconds=0.0)
    found = swept(tmp_path, HAND, asked=asked, scale=["assets.load.power_kw=1,2"])
    assert found.stopped == "time limit"
    assert [point.status for point in found.points] == ["not reached"] * 2


def test_series_that_others_derive_from_are_scaled_first() -> None:
    """Proves: a factor on a series reaches what assets derive from it before the model is written."""
    document = yamlio.loads(HAND, "park.yaml")
    scaled = study.resolve(document, scales={"assets.grid.import_price_per_kwh": 2.0})
    plain = study.resolve(document)
    key = "assets.grid.import_price_per_kwh"
    assert scaled.arrays[key] == pytest.approx(2.0 * plain.arrays[key])
    assert scaled.arrays["assets.load.power_kw"] == pytest.approx(
        plain.arrays["assets.load.power_kw"]
    )


def test_a_point_of_a_year_is_solved_to_a_share_of_its_step() -> None:
    """Proves: with a tonne at 50 and 400 at the caps 100 and 60, costing 1e6 and 1.02e6, the point at 40 may be open by
    2 % of 400 · 20, the point at 80 by the least gap, as 2 % of 50 · 20 is less than that; a dear step by the most.
    Half a year has half the tonnes. The loosest, and one beside a point without a price, have the least gap.

    Sensitivity: the price of the tighter neighbour, which is dearer; the step between solved points, which are farther
    apart than the caps; tonnes of a year.
    """
    run_ = Run(**dict.fromkeys(Run.__dataclass_fields__))  # type: ignore[arg-type]
    open_ = [Point(number, (cap,)) for number, cap in enumerate((100.0, 80.0, 60.0, 40.0, 20.0))]
    points = list(open_)
    points[0] = replace(open_[0], run=run_, cost=1e6, price_per_t=50.0)
    points[2] = replace(open_[2], run=run_, cost=1.02e6, price_per_t=400.0)
    assert gap_of(points, points[3]) == pytest.approx(0.02 * 400 * 20 / 1.02e6)
    assert gap_of(points, points[1]) == GAP
    half = replace(points[3], year_share=0.8)
    assert gap_of(points, half) == pytest.approx(0.8 * 0.02 * 400 * 20 / 1.02e6)
    assert gap_of(points, points[0]) == GAP
    points[2] = replace(points[2], price_per_t=1e5)
    assert gap_of(points, points[4]) == MOST_GAP
    points[2] = replace(points[2], price_per_t=math.nan)
    assert gap_of(points, points[4]) == GAP
