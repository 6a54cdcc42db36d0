"""A strategy that is asked for by name: taken where it fits, else the usual choice and a line."""

from __future__ import annotations

import pytest

from microgrid_opt import study
from microgrid_opt.errors import InputError
from microgrid_opt.model import build
from microgrid_opt.solve import choice, handoff
from tests.support import EXACT, park, problem_of

HOURS = 240
LOADS = [20 + 7 * ((5 * hour) % 11) for hour in range(24)]
PRICES = [round(0.1 + 0.03 * ((7 * hour) % 13), 2) for hour in range(24)]
BODY = f"""
load: {{type: load, power_kw: {{hourly: {LOADS}}}}}
grid: {{type: grid, import_price_per_kwh: {{hourly: {PRICES}}}, connection_kw: 200,
       peak_price_per_kw_month: 4}}
battery:
  type: battery
  charge_efficiency: 0.9
  discharge_efficiency: 0.9
  final: cyclic
  energy_kwh: {{max_kwh: 500, capex_per_kwh: 4, lifetime_years: 10}}
  power_kw: {{max_kw: 200, capex_per_kw: 1, lifetime_years: 10}}
"""
UNIT = """
engine: {type: generator, power_kw: 30, electric_efficiency: 0.4, fuel: gas,
         commitment: {min_load_fraction: 0.5, start_cost: 3}}
gas: {type: supply, carrier: gas, price_per_kwh: 0.05}
"""


def text(more: str = "") -> str:
    return park(BODY + more, hours=HOURS)


def test_pieces_that_are_asked_for_have_the_optimum_of_one_run() -> None:
    """Proves: `progressive` by name cuts a small model too, to the exact optimum."""
    problem = problem_of(text())
    exact, _ = study.run(problem, EXACT)
    found, audit = study.run(problem, study.Asked(strategy="progressive"))
    audit.require()
    assert exact.run.strategy == "direct"
    assert found.run.strategy == "progressive"
    assert found.cost == pytest.approx(exact.cost, rel=1e-6)


def test_rounding_that_is_asked_for_is_within_its_gap() -> None:
    """Proves: `rounded` by name rounds few on/offs too, `direct` leaves many to HiGHS."""
    problem = problem_of(text(UNIT))
    exact, _ = study.run(problem, EXACT)
    asked = ("mip_rel_gap=0.5",)
    found, audit = study.run(problem, study.Asked(options=asked, strategy="rounded"))
    audit.require()
    assert exact.run.strategy == "direct"
    assert found.run.strategy == "rounded"
    assert found.run.bound is not None
    assert found.run.bound <= exact.cost * (1 + 1e-9) <= found.cost * (1 + 2e-9)


@pytest.mark.parametrize(
    ("strategy", "more"), [("rounded", ""), ("parts", ""), ("progressive", UNIT)]
)
def test_a_strategy_that_does_not_fit_gives_way_and_says_so(strategy: str, more: str) -> None:
    problem = problem_of(text(more))
    found, _ = study.run(problem, study.Asked(strategy=strategy))
    assert found.run.strategy == "direct"
    assert found.run.choice.endswith(f"; strategy {strategy} does not fit this model")


def test_no_such_strategy() -> None:
    with pytest.raises(InputError, match=r"no strategy 'progresive'; did you mean `progressive`\?"):
        study.solve(problem_of(text()), strategy="progresive")


GIVEN = BODY.replace("{max_kwh: 500, capex_per_kwh: 4, lifetime_years: 10}", "500").replace(
    "{max_kw: 200, capex_per_kw: 1, lifetime_years: 10}", "200"
)


@pytest.mark.parametrize(
    ("assets", "carbon", "method"),
    [
        (GIVEN, "{}", "dual simplex"),
        (BODY, "{}", "interior point (HiPO)"),
        (
            GIVEN.replace("connection_kw", "co2_kg_per_kwh: 0.6, connection_kw"),
            "{cap_t_per_year: 900}",
            "interior point (HiPO)",
        ),
    ],
)
def test_a_large_year_in_which_nothing_reaches_over_it_is_left_to_simplex(
    monkeypatch: pytest.MonkeyPatch, assets: str, carbon: str, method: str
) -> None:
    """Proves: with given sizes a month's peak is what reaches farthest, so that simplex takes a year of
    any size; a chosen size, or a cap of the year, reaches over all of it.

    Sensitivity: a month's peak that counts as far, a cap that does not.
    """
    monkeypatch.setattr(choice, "LARGE_NONZEROS", 1)
    matrix = handoff.extract(build(problem_of(park(assets, hours=8760, carbon=carbon))).model)
    assert choice.choose(choice.AUTO, (), matrix)[1].endswith(f": {method}")
