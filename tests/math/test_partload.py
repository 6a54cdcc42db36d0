from __future__ import annotations

import re

import numpy as np
import pytest

from microgrid_opt.assets.gas_boiler import GasBoiler
from microgrid_opt.assets.generator import Generator
from microgrid_opt.errors import InputError
from microgrid_opt.formulations.partload import Curve
from tests.support import day, park, solve_text, solved

GAS = "gas: {type: supply, carrier: gas, price_per_kwh: 1}"


def points(*pairs: tuple[float, float]) -> str:
    inner = (f"{{load_fraction: {x}, efficiency_factor: {f}}}" for x, f in pairs)
    return f"part_load: [{', '.join(inner)}]"


BETTER = points((0.5, 1.25), (1, 1))
WORSE = points((0.5, 0.8), (1, 1))


def boiler(keys: str, *load: float, size: str = "100", more: str = "") -> str:
    return park(
        f"heat: {{type: heat_demand, power_kw: {day(*load)}}}\n{GAS}\n{more}\n"
        f"boiler: {{type: gas_boiler, efficiency: 0.8, power_kw: {size}, {keys}}}",
        hours=len(load),
    )


def test_better_at_part_load_needs_no_binaries() -> None:
    """Proves: between the points the flows are interpolated: 50 kW take 50/(0.8 × 1.25) = 50, 100 kW
    100/0.8 = 125, 75 kW the mean 87.5, and 25 kW half of 50; on steps of 1, 2, 1 and 0.5 h.

    Sensitivity: without the curve 50/0.8 + 2 × 125 + 75/0.8 + 0.5 × 25/0.8.
    """
    text = boiler(BETTER, 50, 100, 100, 75, 25).replace("hours: 5", "steps_hours: [1, 2, 1, 0.5]")
    results = solved(text)
    assert results.of("boiler.input") == pytest.approx([50, 125, 87.5, 25])
    assert results.cost == pytest.approx(50 + 2 * 125 + 87.5 + 0.5 * 25)
    assert results.run.kind == "LP"
    plain = solved(text.replace(BETTER, "label: plain"))
    assert plain.cost == pytest.approx(62.5 + 250 + 93.75 + 0.5 * 31.25)


def test_a_larger_unit_runs_at_better_part_load() -> None:
    """Proves: the curve scales with a chosen size. 50 kW take 62.5 from a boiler of 50 and 50 from one
    of 100: 0.25 saved per kW, so it is bought at 0.2 a kW.

    Sensitivity: at 0.3 a kW it is not.
    """
    size = "{max_kw: 300, capex_per_kw: 2, lifetime_years: 10}"
    results = solved(boiler(BETTER, 50, size=size))
    assert results.size("boiler") == pytest.approx(100)
    assert results.cost == pytest.approx(50 + 100 * 0.2)
    dearer = solved(boiler(BETTER, 50, size=size.replace(": 2,", ": 3,")))
    assert dearer.size("boiler") == pytest.approx(50)
    assert dearer.cost == pytest.approx(62.5 + 50 * 0.3)


@pytest.mark.parametrize("size", ["100", "{min_kw: 100, max_kw: 300, annual_cost_per_kw: 9}"])
def test_worse_at_part_load_takes_binaries(size: str) -> None:
    """Proves: 50 kW of 100 at 0.8 × 0.8 take 78.125; 75 kW the mean of that and 125.

    Sensitivity: the convex hull of the curve would take 62.5 for 50 kW, as without part load.
    """
    results = solved(boiler(WORSE, 50, 75, size=size))
    assert results.of("boiler.input") == pytest.approx([78.125, (78.125 + 125) / 2])
    assert results.run.kind == "MILP"
    plain = solved(boiler("label: plain", 50, 75, size=size))
    assert plain.of("boiler.input") == pytest.approx([62.5, 93.75])


def test_worse_at_part_load_makes_a_unit_small() -> None:
    """Proves: for a load of 50 the boiler of 50 takes 62.5, one of 100 would take 78.125: even where
    capacity is free, the size is 50; a load of 100 in the next hour makes it 100.

    Sensitivity: the second hour takes 125 anyway, the first 78.125 instead of 62.5.
    """
    size = "{max_kw: 300, annual_cost_per_kw: 0.001}"
    one = solved(boiler(WORSE, 50, size=size))
    assert one.size("boiler") == pytest.approx(50)
    assert one.cost == pytest.approx(62.5 + 0.05)
    two = solved(boiler(WORSE, 50, 100, size=size))
    assert two.size("boiler") == pytest.approx(100)
    assert two.cost == pytest.approx(78.125 + 125 + 0.1)


def test_idle_consumption_is_one_equality() -> None:
    """Proves: points 0.2 at half and 1 at full efficiency are 0.25 + 0.75 x: 60 kW of 100 take
    (25 + 45)/0.8 = 87.5, and nothing is taken when off; no segments are chosen.

    Sensitivity: at constant efficiency 60 kW take 75.
    """
    keys = points((0.2, 0.5), (1, 1)) + ", commitment: {min_load_fraction: 0.2}"
    results = solved(boiler(keys, 60, 0, 100))
    assert results.of("boiler.input") == pytest.approx([87.5, 0, 125])
    assert "park.boiler.segment_1" not in results.series
    chosen = solved(boiler(keys, 60, 0, 100, size="{max_kw: 400, annual_cost_per_kw: 0.1}"))
    assert chosen.of("boiler.input") == pytest.approx([87.5, 0, 125])
    assert chosen.size("boiler") == pytest.approx(100)


def test_on_the_input_side() -> None:
    """Proves: with the size on the input, 50 kW in make 50 × 0.8 × 1.25 = 50, 100 kW in make 80.

    Sensitivity: at constant efficiency 50 kW of heat take 62.5.
    """
    results = solved(boiler(f"size_on: input, {BETTER}", 50, 80))
    assert results.of("boiler.input") == pytest.approx([50, 100])
    worse = solved(boiler(f"size_on: input, {WORSE}", 32, 80))
    assert worse.of("boiler.input") == pytest.approx([50, 100])


NEGATIVE = """
heat: {type: heat_demand, power_kw: 36}
grid: {type: grid, import_price_per_kwh: -1}
boiler:
  type: electric_boiler
  power_kw: 100
  size_on: input
  efficiency: 0.8
  %s
"""


def test_input_is_wasted_where_that_pays_unless_exact() -> None:
    """Proves: at a price of −1 the plan lies below the curve: 100 kW in, 36 kW of heat where 80 were
    possible, and the audit says so; `part_load_exact` keeps it on the curve: 36/(0.8 × 1.25) = 36.

    Sensitivity: 64 kWh of wasted electricity at −1.
    """
    text = park(NEGATIVE % BETTER, hours=1)
    results, audit = solve_text(text)
    audit.require()
    assert results.of("boiler.input") == pytest.approx([100])
    assert results.run.kind == "LP"
    (note,) = [note for note in audit.notes if "part-load" in note]
    assert re.search(r"boiler makes less than its part-load curve allows in 1 steps \(44 kW", note)
    exact = solved(park(NEGATIVE % f"{BETTER}\n  part_load_exact: true", hours=1))
    assert exact.of("boiler.input") == pytest.approx([36])
    assert exact.cost - results.cost == pytest.approx(64)


def test_curve_begins_where_the_unit_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: at 60 % availability the least load of 0.4 × 60 lies below the first point, 40: the unit
    runs at 40 or not at all.

    Sensitivity: in the first hour 30 kW would be within 24 and 60.
    """
    keys = f"{points((0.4, 0.9), (1, 1))}, commitment: {{min_load_fraction: 0.4}}"
    dear = "dear: {type: supply, carrier: heat, price_per_kwh: 9}"
    text = boiler(keys, 30, 50, more=dear)
    assert solved(text).of("boiler.output") == pytest.approx([0, 50])
    monkeypatch.setattr(GasBoiler, "availability", lambda *_: np.array([0.6, 0.6]))
    assert solved(text).of("boiler.output") == pytest.approx([0, 50])
    assert solved(text.replace("[30, ", "[45, ")).of("boiler.output") == pytest.approx([45, 50])


def test_a_curve_without_binaries_begins_there_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the same with a curve that is better at part load, which lies on no binaries of its own.

    Sensitivity: without the rule 30 kW would be made, from fuel at 1 instead of heat at 9.
    """
    keys = f"{points((0.4, 1.1), (1, 1))}, commitment: {{min_load_fraction: 0.4}}"
    text = boiler(keys, 30, 50, more="dear: {type: supply, carrier: heat, price_per_kwh: 9}")
    monkeypatch.setattr(GasBoiler, "availability", lambda *_: np.array([0.6, 0.6]))
    assert solved(text).of("boiler.output") == pytest.approx([0, 50])


def test_segments_on_one_line_are_joined() -> None:
    """Proves: points of constant efficiency are one segment, whatever their number."""
    flat = Curve.through([(0.3, 1), (0.7, 1), (1, 1)], "input", from_zero=True, is_exact=True)
    assert len(flat.segments) == 1
    assert not flat.needs_binaries
    bent = Curve.through([(0.5, 1.1), (1, 1)], "input", from_zero=True, is_exact=False)
    assert bent.bends_well
    assert not bent.needs_binaries
    other = Curve.through([(0.5, 0.9), (1, 1)], "output", from_zero=True, is_exact=False)
    assert not other.bends_well
    assert other.needs_binaries


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (points((1, 1)), r"boiler\.part_load: has one point: give two or more"),
        (points((0.5, 1), (0.4, 1), (1, 1)), "must have increasing loads, not 0.5, 0.4, 1."),
        (points((0.5, 1), (0.9, 1)), "ends at a load of 0.9: the last point must be at 1"),
        (points((0.5, 1), (1, 0.9)), "has the factor 0.9 at full load: .* the last one must be 1"),
        (points((0.5, 0.4), (1, 1)), "takes less at a load of 1 than at 0.5: correct"),
        (
            f"{BETTER}, commitment: {{min_load_fraction: 0.2}}",
            "begins at a load of 0.5, but the unit may run at `min_load_fraction` 0.2",
        ),
        ("part_load_exact: true", r"boiler\.part_load_exact: needs a part-load curve"),
        (points((0.5, 0), (1, 1)), "efficiency_factor = 0: must be more than 0"),
    ],
)
def test_bad_curves_are_refused(keys: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        solve_text(boiler(keys, 10))


def test_size_on_input_must_not_make_less_at_higher_load() -> None:
    with pytest.raises(InputError, match=r"makes less at a load of 1 than at 0.5: correct"):
        solve_text(boiler(f"size_on: input, {points((0.5, 2.5), (1, 1))}", 10))


def test_binaries_need_a_bound() -> None:
    """Proves: the big-M comes from the declared bound only; a curve without binaries needs none."""
    size = "{annual_cost_per_kw: 0.1}"
    with pytest.raises(InputError, match=r"`part_load` needs a bound, .* binaries: give max_kw\."):
        solve_text(boiler(WORSE, 10, size=size))
    assert solved(boiler(BETTER, 10, size=size)).size("boiler") == pytest.approx(20)


def test_a_type_with_equations_of_its_own_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a technology that does not say that it minds the curve never ignores one silently."""
    monkeypatch.setattr(Generator, "has_own_part_load", False)
    text = park(
        "load: {type: load, power_kw: 1}\ngas: {type: supply, carrier: gas, price_per_kwh: 1}\n"
        f"g: {{type: generator, fuel: gas, power_kw: 9, electric_efficiency: 0.4, {BETTER}}}"
    )
    with pytest.raises(InputError, match=r"g\.part_load: is not offered by this type"):
        solve_text(text)
