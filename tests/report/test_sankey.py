from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.report.sankey import energy_graph, material_graph, materials
from microgrid_opt.report.view import View

if TYPE_CHECKING:
    from microgrid_opt.results import Results
    from microgrid_opt.study import Plan

NAMES = [
    "member",
    "place",
    "asset",
    "carrier",
    "role",
    "renewable",
    "unit",
    "supplied",
    "drawn",
    "supplied_kwh",
    "drawn_kwh",
]


def with_energy(results: Results, rows: list[tuple[str, str, str, float, float]]) -> Results:
    """Return results whose energy table has (asset, carrier, role, supplied, drawn) rows."""
    full = [("park", "park", a, c, r, False, "kWh", s, d, s, d) for a, c, r, s, d in rows]
    energy = pd.DataFrame(full, columns=NAMES)
    return replace(results, energy=energy, details=results.details.iloc[:0])


def sums(results: Results) -> dict[tuple[Any, Any], float]:
    """Return the energy of every link by its ends."""
    found: dict[tuple[Any, Any], float] = {}
    for start, end, energy, _ in energy_graph(results).kept():
        found[start, end] = found.get((start, end), 0.0) + energy
    return found


def is_acyclic(results: Results) -> bool:
    links = [(start, end) for start, end, *_ in energy_graph(results).kept()]
    nodes = {node for link in links for node in link}
    while nodes:
        free = {n for n in nodes if not any(end == n and start in nodes for start, end in links)}
        if not free:
            return False
        nodes -= free
    return True


def test_an_engine_passes_on_what_it_burns(year: Plan) -> None:
    """Proves: 100 kWh of gas become 40 of electricity (generation) and 45 of heat; 15 are lost.

    Sensitivity: as an end of its own, the electricity would come from nowhere and 55 be lost.
    """
    rows = [
        ("gas", "gas", "import", 100.0, 0.0),
        ("engine", "gas", "conversion", 0.0, 100.0),
        ("engine", "electricity", "generation", 40.0, 0.0),
        ("engine", "heat", "conversion", 45.0, 0.0),
        ("load", "electricity", "demand", 0.0, 40.0),
        ("house", "heat", "demand", 0.0, 45.0),
    ]
    found = sums(with_energy(year.results, rows))
    engine = ("asset", "engine", "conversion", "0")
    assert found[engine, ("lost",)] == pytest.approx(15.0)
    assert found[engine, ("bus", "park", "electricity")] == pytest.approx(40.0)
    assert found[engine, ("bus", "park", "heat")] == pytest.approx(45.0)


def test_every_balance_gives_what_it_takes(year: Plan) -> None:
    """Proves: at each carrier inflow = outflow, by lower heating value, in a year with 5 carriers'
    worth of converters. Sensitivity: hydrogen counted in kg instead of kWh is off by 33."""
    links = energy_graph(year.results).kept()
    buses = {end for _, end, *_ in links if end[0] == "bus"}
    assert len(buses) == 4
    for bus in buses:
        into = sum(energy for _, end, energy, _ in links if end == bus)
        out = sum(energy for start, _, energy, _ in links if start == bus)
        assert into == pytest.approx(out, rel=1e-5)


def test_losses_surroundings_and_curtailment_are_links(year: Plan) -> None:
    """Proves: a boiler of 90 % loses 10; a heat pump with 30 of power and 90 of heat takes 60 from
    the surroundings; a battery that takes 50 and gives 40 loses 10."""
    results = with_energy(
        year.results,
        [
            ("boiler", "gas", "conversion", 0.0, 100.0),
            ("boiler", "heat", "conversion", 90.0, 0.0),
            ("pump", "electricity", "conversion", 0.0, 30.0),
            ("pump", "heat", "conversion", 90.0, 0.0),
            ("battery", "electricity", "storage", 40.0, 50.0),
        ],
    )
    found = sums(results)
    boiler, pump = (("asset", name, "conversion", "0") for name in ("boiler", "pump"))
    assert found[boiler, ("lost",)] == pytest.approx(10.0)
    assert found[("ambient",), pump] == pytest.approx(60.0)
    assert found[("asset", "battery", "storage", "-1"), ("lost",)] == pytest.approx(10.0)
    cut = sums(year.results)[("asset", "pv", "generation", "1"), ("curtailed",)]
    table = year.results.details
    listed = table[(table["asset"] == "pv") & (table["name"] == "curtailed")]["value"].iloc[0]
    assert cut == pytest.approx(listed)


def test_power_to_hydrogen_to_power_is_no_cycle(year: Plan) -> None:
    """Proves: the smaller of two converters that close a circle stands twice, once per side."""
    results = with_energy(
        year.results,
        [
            ("cells", "electricity", "conversion", 0.0, 100.0),
            ("cells", "hydrogen", "conversion", 60.0, 0.0),
            ("fuel", "hydrogen", "conversion", 0.0, 20.0),
            ("fuel", "electricity", "conversion", 10.0, 0.0),
        ],
    )
    assert is_acyclic(results)
    nodes = {node for start, end, *_ in energy_graph(results).kept() for node in (start, end)}
    assert {("asset", "fuel", "conversion", "1"), ("asset", "fuel", "conversion", "-1")} <= nodes
    assert ("asset", "cells", "conversion", "0") in nodes


ROWS = st.tuples(
    st.sampled_from("abcde"),
    st.sampled_from(["electricity", "heat", "gas", "hydrogen"]),
    st.sampled_from(["conversion", "storage", "import", "export", "demand", "transfer"]),
    st.floats(0.0, 100.0),
    st.floats(0.0, 100.0),
)


@settings(max_examples=25)
@given(st.lists(ROWS, max_size=14))
def test_no_energy_table_makes_a_cycle(year: Plan, rows: list[Any]) -> None:
    assert is_acyclic(with_energy(year.results, rows))


def with_materials(results: Results, rows: list[tuple[str, str, str, float, float]]) -> Results:
    """Return results whose (asset, carrier, role, supplied, drawn) rows are kg without heat."""
    full = [("park", "park", a, c, r, False, "kg", s, d, 0.0, 0.0) for a, c, r, s, d in rows]
    names = sorted({row[1] for row in rows})
    carriers = pd.DataFrame(
        [(name, "kg", "kg/h", 0.0) for name in names],
        columns=["carrier", "unit", "flow_unit", "energy_kwh_per_unit"],
    )
    energy = pd.concat([results.energy, pd.DataFrame(full, columns=NAMES)])
    return replace(results, energy=energy, carriers=pd.concat([results.carriers, carriers]))


STONE = [
    ("quarry", "stone", "import", 100.0, 0.0),
    ("kiln", "stone", "conversion", 0.0, 100.0),
    ("kiln", "lime", "conversion", 56.0, 0.0),
    ("kiln", "flue", "conversion", 44.0, 0.0),
    ("capture", "flue", "conversion", 0.0, 40.0),
    ("stack", "flue", "dump", 0.0, 4.0),
    ("works", "lime", "demand", 0.0, 56.0),
]


def test_materials_have_a_graph_of_their_own(year: Plan) -> None:
    """Proves: 100 kg of stone become 56 of lime and 44 of flue gas; mass has no losses, and energy
    is not in it. Sensitivity: by heating value all of these links are zero and vanish."""
    results = with_materials(year.results, STONE)
    links = {(start, end): amount for start, end, amount, _ in material_graph(results).kept()}
    kiln = ("asset", "kiln", "conversion", "0")
    bus = {name: ("bus", "park", name) for name in ("stone", "lime", "flue")}
    assert links == {
        (("asset", "quarry", "import", "1"), bus["stone"]): 100.0,
        (bus["stone"], kiln): 100.0,
        (kiln, bus["lime"]): 56.0,
        (kiln, bus["flue"]): 44.0,
        (bus["flue"], ("asset", "capture", "conversion", "0")): 40.0,
        (bus["flue"], ("asset", "stack", "dump", "-1")): 4.0,
        (bus["lime"], ("asset", "works", "demand", "-1")): 56.0,
    }
    assert not material_graph(year.results).kept()
    figure = materials(View(replace(year, results=results)))
    assert figure is not None
    assert figure["data"][0]["valuesuffix"] == " kg"
    assert materials(View(year)) is None


def test_labels_take_two_lines_where_columns_are_close(year: Plan) -> None:
    """Proves: a label of 43 letters takes two lines, all its words stay, and a short one takes one."""
    results = with_materials(year.results, STONE)
    labels = {"works": "Burnt lime for the steel works of the town", "kiln": "Kiln"}
    view = View(replace(year, results=replace(results, labels=labels)))
    figure = materials(view)
    assert figure is not None
    shown = figure["data"][0]["node"]["label"]
    long = next(label for label in shown if "Burnt" in label)
    assert long.count("<br>") == 1
    assert long.replace("<br>", " ") == labels["works"]
    assert "Kiln" in shown
