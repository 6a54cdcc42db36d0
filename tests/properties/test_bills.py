"""For any tariff and load: the plan's bill is the calculator's bill, and no price makes a bill fall."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt.bill import Facts, Meter
from microgrid_opt.bill import bill as priced
from microgrid_opt.policies.tariffs import Contract, Tariff
from tests.billing import bill_of, charges, grid_text, meter
from tests.support import park, problem_of, solve_text

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
HORIZONS = (
    "{start: 2025-01-31T20:00, hours: 8}",
    "{start: 2024-02-29T21:00, hours: 6, step_minutes: 30}",
    "{start: 2025-03-30, steps_hours: [1, 0.5, 0.5, 2, 1]}",
    "{start: 2025-10-25T22:00, hours: 8}",
)
"""Two months; a leap day; the nights on which the clocks of Berlin change."""

REVENUE = {"export", "surcharge", "net_metering", "tiered_export", "contract_for_difference"}
REVENUE |= {"demand_response"}
price = st.integers(1, 40).map(lambda n: n / 40)
any_price = st.integers(-10, 40).map(lambda n: n / 40)
money = st.integers(0, 40).map(float)


def hourly(of: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.lists(of, min_size=24, max_size=24).map(lambda values: {"hourly": values})


@st.composite
def tiers(draw: st.DrawFn, end: str, key: str) -> list[dict[str, float]]:
    ends = sorted(draw(st.sets(st.integers(1, 60), min_size=1, max_size=2)))
    prices = draw(st.lists(price, min_size=len(ends) + 1, max_size=len(ends) + 1))
    found = [{end: float(e), key: p} for e, p in zip(ends, prices, strict=False)]
    return [*found, {key: prices[-1]}]


@st.composite
def demands(draw: st.DrawFn) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "demand"}
    kind = draw(st.sampled_from(["price", "tiers", "bands", "year"]))
    if kind == "price":
        component["price_per_kw_month"] = draw(price)
    elif kind == "tiers":
        component["tiers"] = draw(tiers("up_to_kw", "price_per_kw_month"))
    elif kind == "bands":
        bands = draw(tiers("up_to_kw", "price_per_month"))
        rising = sorted(band["price_per_month"] for band in bands)
        component["bands"] = [
            {**band, "price_per_month": p} for band, p in zip(bands, rising, strict=True)
        ]
    else:
        component["price_per_kw_year"] = 8760 * draw(price)
    if draw(st.booleans()):
        component["window_minutes"] = draw(st.sampled_from([15, 30, 60]))
    if draw(st.booleans()):
        component["when"] = [{"hours": "0-2"}, {"hours": "21-23", "days": ["weekday"]}]
    if draw(st.booleans()):
        component["at_least_kw"] = float(draw(st.integers(1, 20)))
    if kind != "year" and draw(st.booleans()):
        component["ratchet_fraction"] = 0.6
        if draw(st.booleans()):
            component["ratchet_months"] = draw(st.lists(st.sampled_from([1, 2, 3, 10]), min_size=1))
        else:
            component["ratchet_lookback_months"] = draw(st.integers(1, 3))
    if kind == "price" and draw(st.booleans()):
        component["rebate"] = {"from_kwh_per_kva_month": 1.5, "factor": 0.9}
    return component


@st.composite
def tariffs(draw: st.DrawFn) -> dict[str, Any]:
    """Return the keys of a tariff with an energy charge and up to four other components."""
    components: dict[str, Any] = {
        "energy": {"type": "energy", "price_per_kwh": draw(any_price), "floats": True}
    }
    multiplier = draw(hourly(st.sampled_from([0.5, 1.0, 2.0])))
    kinds = {
        "demand": demands(),
        "second_demand": demands(),
        "blocks": tiers("up_to_kwh_month", "price_per_kwh").map(
            lambda blocks: {"type": "tiered_energy", "tiers": blocks}
        ),
        "meter": st.just({"type": "fixed", "price_per_month": 7, "price_per_day": 2}),
        "feed_in": hourly(any_price).map(lambda p: {"type": "export", "price_per_kwh": p}),
        "net": st.just({"type": "net_metering", "surplus_price_per_kwh": -0.5}),
        "bins": st.just(
            {
                "type": "tiered_export",
                "tiers": [
                    {"up_to_import_share": 0.5, "price_per_kwh": 0.4},
                    {"up_to_kwh_month": 20, "price_per_kwh": 0.2},
                    {"price_per_kwh": -0.1},
                ],
            }
        ),
        "mechanism": hourly(any_price).map(
            lambda p: {
                "type": "contract_for_difference",
                "share": 0.8,
                "strike_price_per_kwh": 0.3,
                "reference_price_per_kwh": p,
            }
        ),
        "response": st.fixed_dictionaries(
            {
                "type": st.just("demand_response"),
                "baseline_kw": st.integers(0, 60),
                "when": st.just([{"hours": "0-2, 21-23"}]),
                "price_per_kwh": price,
                "committed_kw": st.integers(1, 9),
                "price_per_kw_month": price,
                "shortfall_price_per_kwh": price,
            }
        ),
        "reactive": st.just({"type": "reactive", "price_per_kvarh": 0.05}),
        "tax": st.just({"type": "surcharge", "rate": 0.19}),
        "least": money.map(lambda m: {"type": "minimum_bill", "amount_per_month": m}),
    }
    for name in draw(st.sets(st.sampled_from(sorted(kinds)), max_size=4)):
        components[name] = draw(kinds[name])
    found: dict[str, Any] = {"multiplier": multiplier, "components": components}
    if draw(st.booleans()):
        found["choices"] = {
            "basic": {
                "options": ["kva", "kw", "agreed"],
                "period": draw(st.sampled_from(["month", "quarter", "year"])),
            }
        }
        components["capacity"] = {
            "type": "capacity",
            "option": "kva",
            "price_per_kva_month": draw(price),
        }
        components["metered"] = {
            "type": "demand",
            "option": "kw",
            "price_per_kw_month": draw(price),
        }
        components["contract"] = {
            "type": "contract_demand",
            "option": "agreed",
            "price_per_kw_month": draw(price),
            "at_least_transformer_share": 0.4,
            "excess_from": 1.05,
        }
    return found


def text_of(tariff: dict[str, Any], load: Any, sun: Any, horizon: str) -> str:
    contract = {"power_factor": 0.9, "peaks_so_far_kw": {}, "standby_kw": 2}
    line = grid_text(tariff, contract=contract, transformer_kva=70, contract_kw=22)
    return park(
        f"load: {{type: load, power_kw: {json.dumps(load)}}}\n"
        f"pv: {{type: pv, power_kw: 30, output_per_kw: {json.dumps(sun)}}}\n"
        "battery: {type: battery, energy_kwh: 12, power_kw: 6, charge_efficiency: 0.9, "
        "discharge_efficiency: 0.9, initial_fraction: 0.5, exclusive: true}\n" + line,
        horizon=horizon,
        site="{timezone: Europe/Berlin}",
    )


loads = hourly(st.integers(0, 50).map(float))
suns = hourly(st.sampled_from([0.0, 0.0, 0.5, 1.0]))


@pytest.mark.slow
@QUICK
@given(tariffs(), loads, suns, st.sampled_from(HORIZONS))
def test_plan_pays_what_the_calculator_says(
    tariff: dict[str, Any], load: Any, sun: Any, horizon: str
) -> None:
    """Proves: every component of the optimum's ledger is the calculator's, which picks by itself.

    Sensitivity: the calculator sees the meter only, and takes the cheapest option where one is left open.
    """
    text = text_of(tariff, load, sun, horizon)
    problem = problem_of(text)
    results, audit = solve_text(text)
    audit.require()
    grid: Any = problem.park.assets["grid"]
    prefix = "assets.grid.tariff."
    numbers = {k.removeprefix(prefix): v for k, v in problem.arrays.items() if k.startswith(prefix)}
    bought = np.maximum(results.of("grid.import"), 0.0)
    sells = tariff["components"].keys() & {"feed_in", "net", "bins", "mechanism"}
    sold = np.maximum(results.of("grid.export"), 0.0) if sells else 0.0 * bought
    found = priced(
        grid.tariff, numbers, Meter(problem.horizon, bought, sold), Facts(grid.contract, 70.0, 22.0)
    )
    booked = charges(results)
    assert found.total == pytest.approx(sum(booked.values()), rel=1e-5, abs=2e-3)
    if "choices" not in tariff and "least" not in tariff["components"]:
        for name in found.amounts:
            assert found.component(name) == pytest.approx(booked[name], rel=1e-5, abs=2e-3), name
    # W6: whatever the prices are, the meter does not run both ways to earn.
    if "feed_in" in tariff["components"]:
        gain = numbers["components.feed_in.price_per_kwh"]
        cost = numbers["components.energy.price_per_kwh"] * numbers["multiplier"]
        both = np.minimum(bought, sold)
        assert (both[gain > cost + 1e-6] < 1e-5).all() or "blocks" in tariff["components"]


@pytest.mark.slow
@QUICK
@given(tariffs(), loads, suns, st.sampled_from(HORIZONS), st.data())
def test_no_plan_is_cheaper_at_a_higher_price(
    tariff: dict[str, Any], load: Any, sun: Any, horizon: str, data: st.DataObject
) -> None:
    """Proves: the optimum's cost does not fall when the energy price or a tier's price rises."""
    before, _ = solve_text(text_of(tariff, load, sun, horizon))
    dearer = json.loads(json.dumps(tariff))
    name = data.draw(
        st.sampled_from([n for n in ("energy", "blocks") if n in dearer["components"]])
    )
    if name == "energy":
        dearer["components"]["energy"]["price_per_kwh"] += 0.25
    else:
        for tier in dearer["components"]["blocks"]["tiers"]:
            tier["price_per_kwh"] += 0.25
    after, _ = solve_text(text_of(dearer, load, sun, horizon))
    assert after.cost >= before.cost - 1e-3 - 1e-6 * abs(before.cost)


@settings(max_examples=100, deadline=None, database=None)
@given(tariffs(), st.lists(st.integers(0, 50), min_size=24, max_size=24), st.data())
def test_no_bill_falls_when_a_price_rises(
    keys: dict[str, Any], load: list[int], data: st.DataObject
) -> None:
    """Proves: for a given load, raising any price of a charge never lowers the bill."""
    contract = {"power_factor": 0.9}
    sizes: dict[str, Any] = {"transformer_kva": 70.0, "contract_kw": 22.0}
    metered = meter("2025-01-31T12:00", load, sold=[1.0] * 24)
    before = bill_of(Tariff.model_validate(keys), metered, contract, **sizes)
    names = [n for n, c in keys["components"].items() if c["type"] not in REVENUE]
    name = data.draw(st.sampled_from(names))
    component = keys["components"][name]
    raised = {
        key: value + 0.5
        for key, value in component.items()
        if isinstance(value, int | float) and (key.startswith("price") or key == "amount_per_month")
    }
    if "tiers" in component or "bands" in component:
        key = "tiers" if "tiers" in component else "bands"
        raised[key] = [
            {k: v + 0.5 if k.startswith("price") else v for k, v in tier.items()}
            for tier in component[key]
        ]
    dearer = {**keys, "components": {**keys["components"], name: {**component, **raised}}}
    after = bill_of(Tariff.model_validate(dearer), metered, contract, **sizes)
    assert after.total >= before.total - 1e-9


@settings(max_examples=100, deadline=None, database=None)
@given(tariffs(), st.lists(st.integers(0, 50), min_size=24, max_size=24))
def test_picking_is_never_dearer_than_any_option(keys: dict[str, Any], load: list[int]) -> None:
    """Proves: the cheapest option of each period is at most each option taken throughout."""
    if "choices" not in keys:
        return
    of = Tariff.model_validate(keys)
    sizes: dict[str, Any] = {"transformer_kva": 70.0, "contract_kw": 22.0}
    metered = meter("2025-01-31T12:00", load)
    best = bill_of(of, metered, {"power_factor": 0.9}, **sizes).total
    for option in ("kva", "kw", "agreed"):
        fixed = Contract(power_factor=0.9, choices={"basic": option})
        found = bill_of(of, metered, fixed.model_dump(), **sizes).total
        assert best <= found + 1e-9
