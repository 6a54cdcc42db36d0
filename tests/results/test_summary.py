from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.audit import Audit, Check
from microgrid_opt.results import Quantity
from microgrid_opt.store.encoding import to_json
from microgrid_opt.summary import describe, headline, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microgrid_opt.results import Results
    from microgrid_opt.study import Plan

    Parts = Mapping[str, Callable[..., Any]]


def quantities(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "value" in value and "unit" in value:
            yield value
        for item in value.values():
            yield from quantities(item)
    elif isinstance(value, list):
        for item in value:
            yield from quantities(item)


def bare_numbers(value: Any, path: str = "") -> Iterator[str]:
    """Yield paths of floats that stand without a unit."""
    if isinstance(value, dict) and "unit" not in value:
        for key, item in value.items():
            yield from bare_numbers(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from bare_numbers(item, f"{path}[{number}]")
    elif isinstance(value, float):
        yield path


def test_summary_says_what_the_plan_is(plan: Callable[..., Plan]) -> None:
    """Proves: figures, units and places of the numbers chosen in the factory."""
    found = summarise(plan())
    assert found["run"]["status"] == "optimal"
    assert found["run"]["bound"] == {"value": 99.5, "unit": "CNY"}
    assert found["run"]["kind"] == "MILP"
    assert found["sizes"]["park"]["roof"]["power"]["total"] == {"value": 100.0, "unit": "kW"}
    assert found["sizes"]["park"]["roof"]["power"]["capex"] == {"value": 1000.0, "unit": "CNY"}
    assert found["sizes"]["park"]["roof"]["power"]["annual_cost"]["unit"] == "CNY/year"
    assert found["sizes"]["park"]["roof"]["power"]["maximum"] == {"value": None, "unit": "kW"}
    assert found["sizes"]["park"]["roof"]["power"]["chosen"] is True
    generation = found["energy"]["park"]["roof"]["electricity"]["generation"]
    assert generation["supplied"] == {"value": 600.0, "unit": "kWh"}
    assert found["ledger"]["park"]["grid"]["import"]["co2"] == {"value": 250.0, "unit": "kg"}
    assert found["categories"]["energy_import"]["cost"] == {"value": 300.0, "unit": "CNY"}
    assert found["indicators"]["self_sufficiency"] == {"value": 0.5, "unit": "1"}
    assert found["details"]["roof"]["full_load_hours"] == {"value": 1100.5, "unit": "h"}
    assert found["co2_shadow_price"] == {"value": 250.0, "unit": "CNY/t"}
    assert found["caps"][0]["shadow_price"] == {"value": 0.25, "unit": "CNY/kg"}
    assert found["comparison"]["saving"]["unit"] == "CNY"
    assert found["comparison"]["co2_reduction"] == {"value": 250.0, "unit": "kg"}
    assert found["audit"]["passed"] is True
    assert found["audit"]["checks"] == 1
    assert found["audit"]["worst"]["what"] == "ledger = objective"
    assert found["investments"][0]["lifetime"] == {"value": 8.0, "unit": "year"}
    assert found["finance"]["discount_rate"] == {"value": 0.05, "unit": "1/year"}


def test_every_number_has_a_unit(plan: Callable[..., Plan]) -> None:
    found = summarise(plan())
    assert list(bare_numbers(found)) == []
    assert all(isinstance(item["unit"], str) and item["unit"] for item in quantities(found))


def test_nothing_in_it_depends_on_the_clock(plan: Callable[..., Plan]) -> None:
    held = plan()
    slow = replace(
        held.results.run,
        seconds=1e6,
        stages=tuple(replace(stage, seconds=9.0) for stage in held.results.run.stages),
    )
    later = replace(held, results=replace(held.results, run=slow), seconds={"solve": 1e6})
    assert to_json(summarise(later)) == to_json(summarise(held))


def test_prices_are_means_over_time(results: Callable[..., Results], parts: Parts) -> None:
    """Proves: prices 0.1 (3 h) and 1.0 (1 h) have the mean 0.325. Sensitivity: 0.55 by steps."""
    found = describe(results(horizon=parts["horizon"](step_hours=(3.0, 1.0))), None)
    price = found["prices"]["park.electricity"]
    assert price["mean"]["value"] == pytest.approx(0.325)
    assert (price["min"]["value"], price["max"]["value"]) == (0.1, 1.0)
    assert price["mean"]["unit"] == "CNY/kWh"
    assert found["audit"] is None


def test_rows_of_one_key_are_added(results: Callable[..., Results]) -> None:
    """Proves: two bookings of one category are one sum, as the ledger counts them."""
    rows = (("grid", "purchase", "cost", 2.0), ("grid", "purchase", "cost", 3.0))
    found = describe(results(ledger=rows), None)
    assert found["ledger"]["park"]["grid"]["purchase"]["cost"] == {"value": 5.0, "unit": "CNY"}


def test_what_is_not_finite_is_null(results: Callable[..., Results], parts: Parts) -> None:
    run = parts["run"](bound=float("-inf"), gap=float("inf"))
    caps = results().caps.assign(shadow_price=float("nan"))
    broken = Check("park", "co2 re-derived", float("inf"), 0.0, "")
    found = json.loads(to_json(describe(results(run=run, caps=caps), Audit((broken,), ()))))
    assert found["run"]["bound"]["value"] is None
    assert found["run"]["gap"]["value"] is None
    assert found["co2_shadow_price"]["value"] is None
    assert found["audit"]["passed"] is False
    assert found["audit"]["worst"]["error"] is None
    assert found["audit"]["failures"] == [str(broken)]


def test_sets_are_written_in_order() -> None:
    """Proves: the order of a set, which changes from run to run, does not reach the file."""
    days = [date(2025, 1, 1) + timedelta(days=day) for day in range(60)]
    assert json.loads(to_json({"days": frozenset(days)})) == {
        "days": [day.isoformat() for day in days]
    }


def test_a_plan_without_reference_has_no_comparison(plan: Callable[..., Plan]) -> None:
    alone = plan(reference=None, comparison=None, reference_note="not asked for")
    found = summarise(alone)
    assert found["comparison"] is None
    assert found["reference_note"] == "not asked for"
    assert all(row.reference is None for row in headline(alone))


def test_headline_sets_both_plans_side_by_side(plan: Callable[..., Plan]) -> None:
    held = plan()
    rows = {row.key: row for row in headline(held)}
    assert list(rows)[:3] == ["cost", "investment", "CO2"]
    assert rows["cost"].reference == Quantity(600.0, "CNY")
    assert rows["investment"].plan == Quantity(1000.0, "CNY")
    assert rows["CO2"].plan == Quantity(0.25, "t")
    assert rows["self_sufficiency"].label == "Self-sufficiency"
    assert rows["self_sufficiency"].plan == Quantity(0.5, "1")
