"""Batches: fixed length and profile, so many a day and at once, at the best moments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from microgrid_opt import study
from microgrid_opt.audit import audit
from microgrid_opt.errors import InputError
from microgrid_opt.model import build
from tests.support import EXACT, bill, day, park, problem_of, solved

if TYPE_CHECKING:
    from microgrid_opt.results import Results

PRICES = (1, 5, 3, 2, 1, 4)


def furnace(spec: str, prices: str = day(*PRICES), *, more: str = "", **sections: str) -> str:
    """Return a park of a furnace that takes 10 kW for an hour and 4 kW for another, and a grid."""
    profile = "" if "inputs_kw" in spec else "inputs_kw: {electricity: [10, 4]}, "
    return park(
        f"furnace: {{type: batch_process, {profile}{spec}}}\n"
        f"grid: {{type: grid, import_price_per_kwh: {prices}}}\n{more}",
        **({"horizon": "{start: 2025-03-03, hours: 6}"} | sections),
    )


def starts(results: Results) -> list[float]:
    found: list[float] = results.of("furnace.starts").tolist()
    return found


# ------------------------------------------------------------------ when


def test_a_batch_runs_where_its_profile_is_cheapest() -> None:
    """Proves: of 10 a + 4 b for neighbouring hours the least is 10 × 2 + 4 × 1 (at 3:00).

    Sensitivity: with a first price of 0.1 at 0:00, 1 + 20 is less.
    """
    text = furnace("batches_per_day: 1, start_hours: 0-5")
    results = solved(text)
    assert starts(results) == [0, 0, 0, 1, 0, 0]
    assert results.of("furnace.electricity_in") == pytest.approx([0, 0, 0, 10, 4, 0])
    assert results.cost == pytest.approx(24)
    assert results.total("demand") == pytest.approx(14)
    cheap = solved(text.replace("[1, 5", "[0.1, 5"))
    assert starts(cheap) == [1, 0, 0, 0, 0, 0]
    assert cheap.cost == pytest.approx(21)


def test_start_hours_hold() -> None:
    """Proves: from 1:00 to before 3:00 the better start is 2:00: 30 + 8. Sensitivity: to 4:00, 24."""
    text = furnace("batches_per_day: 1, start_hours: 1-3")
    assert solved(text).cost == pytest.approx(38)
    assert solved(text.replace("1-3", "1-4")).cost == pytest.approx(24)


def test_one_at_a_time_or_more() -> None:
    """Proves: two batches one after the other start at 1:00 and 3:00; two at once at 3:00.

    By price: starts cost 62, 38, 24 at 1, 2, 3:00; 2 and 3 would overlap: 62 + 24. Sensitivity: 2 × 24.
    """
    text = furnace("batches_per_day: 2, start_hours: 1-4")
    results = solved(text)
    assert starts(results) == [0, 1, 0, 1, 0, 0]
    assert results.cost == pytest.approx(62 + 24)
    both = solved(text.replace("start_hours", "max_at_once: 2, start_hours"))
    assert starts(both) == [0, 0, 0, 2, 0, 0]
    assert both.of("furnace.electricity_in") == pytest.approx([0, 0, 0, 20, 8, 0])
    assert both.cost == pytest.approx(48)
    figures = both.details.set_index(["asset", "name"])["value"]
    assert figures["furnace", "batches"] == 2


def test_each_day_has_its_batches() -> None:
    """Proves: one batch of 4 h on each of two days, though the second day is dearer in every step.

    Sensitivity: on working days alone there is one: Saturday 8 March has none.
    """
    text = furnace(
        "batches_per_day: 1, part_hours: 4, start_hours: 0-16",
        f"{{weekday: {[2] * 12 + [1] * 12}, weekend: {[6] * 12 + [5] * 12}}}",
        horizon="{start: 2025-03-07, hours: 48, step_minutes: 240}",
    )
    results = solved(text)
    assert starts(results) == [0, 0, 0, 1, 0, 0] * 2
    assert results.cost == pytest.approx(56 + 5 * 56)
    working = solved(text.replace("part_hours", "days: weekday, part_hours"))
    assert starts(working) == [0, 0, 0, 1, 0, 0, *[0] * 6]


def test_a_cut_day_has_the_whole_batches_of_its_share() -> None:
    """Proves: 12 h have 1 of 3 batches a day (half of them, rounded down). Sensitivity: 18 h have 2."""
    text = furnace(
        "batches_per_day: 3, part_hours: 3",
        horizon="{start: 2025-03-03, hours: 12, step_minutes: 180}",
    )
    assert sum(starts(solved(text))) == 1
    assert sum(starts(solved(text.replace("hours: 12", "hours: 18")))) == 2


def test_a_batch_goes_on_at_the_beginning_of_the_horizon() -> None:
    """Proves: a start at 5:00 draws 4 kW at 0:00: 10 × 1 + 4 × 2. Sensitivity: at 0:00 it costs 70."""
    text = furnace("batches_per_day: 1, start_hours: 0-6", day(2, 9, 9, 9, 9, 1))
    results = solved(text)
    assert starts(results) == [0, 0, 0, 0, 0, 1]
    assert results.of("furnace.electricity_in") == pytest.approx([4, 0, 0, 0, 0, 10])
    assert results.cost == pytest.approx(18)
    assert solved(text.replace("0-6", "0-1")).cost == pytest.approx(20 + 36)


def test_a_stretch_of_steps_is_a_circle_of_its_own() -> None:
    """Proves: with a change of weight at 2:00 a start at 1:00 goes on at 0:00, not at 2:00."""
    text = furnace(
        "batches_per_day: 2, start_hours: 0-4",
        day(2, 1, 7, 7),
        horizon="{start: 2025-03-03, steps_hours: [1, 1, 1, 1], weight: [1, 1, 3, 3]}",
    )
    results = solved(text)
    assert results.of("furnace.electricity_in")[:2] == pytest.approx([4, 10])
    assert results.cost == pytest.approx(18 + 3 * 98)


def test_unequal_steps_take_the_mean_of_the_profile() -> None:
    """Proves: started at 1:00 on steps of 1, 0.5, 0.5, 2 h: 10 kW twice, then 4 kW for half of 2 h.

    Sensitivity: the mean of 5 and 1 is paid for the last 4 kWh.
    """
    text = furnace(
        "batches_per_day: 1, start_hours: 1-2",
        day(9, 1, 5, 1),
        horizon="{start: 2025-03-03, steps_hours: [1, 0.5, 0.5, 2]}",
    )
    text = text.replace("1-2", "'1-1:30'")
    results = solved(text)
    assert results.of("furnace.electricity_in") == pytest.approx([0, 10, 10, 2])
    assert results.cost == pytest.approx(10 + 4 * 3)


def test_half_hours_and_hours_agree() -> None:
    """Proves: with hourly prices no start at half past is better; the same plan and cost."""
    text = furnace("batches_per_day: 2, start_hours: 0-5")
    fine = solved(text.replace("hours: 6", "hours: 6, step_minutes: 30"))
    assert fine.cost == pytest.approx(solved(text).cost)


def test_quarter_hour_parts_on_hourly_steps() -> None:
    """Proves: parts of 15 min at 8, 0, 0, 4 kW are 3 kW over an hour. Sensitivity: linear in them."""
    text = furnace(
        "inputs_kw: {electricity: [8, 0, 0, 4]}, part_hours: 0.25, batches_per_day: 1, start_hours: 4-5"
    )
    results = solved(text)
    assert results.of("furnace.electricity_in") == pytest.approx([0, 0, 0, 0, 3, 0])


# ------------------------------------------------------------------ what


def test_inputs_outputs_cost_and_co2() -> None:
    """Proves: a batch takes 10 and 4 kW and 6 kg/h of water, gives 5 kW of heat and 20 kg of product.

    14 kWh at 1, 6 kg at 0.5, 3 for itself, 2 kg of CO2. Sensitivity: each is linear in the batches.
    """
    text = furnace(
        "inputs_kw: {electricity: [10, 4]}, inputs_kg_per_hour: {water: [6, 0]}, "
        "outputs_kw: {heat: [0, 5]}, outputs_kg_per_hour: {product: [0, 20]}, batches_per_day: 2, "
        "cost_per_batch: 3, co2_kg_per_batch: 2, start_hours: 0-4",
        "1",
        more="""
houses: {type: heat_demand, power_kw: 5, unserved_price_per_kwh: 0.1}
well: {type: supply, carrier: water, price_per_kg: 0.5}
yard: {type: demand, carrier: product, filling: {windows: {day: {hours: 0-4, kg: 40}}}}
stock: {type: supply, carrier: product, price_per_kg: 100}
""",
        horizon="{start: 2025-03-03, hours: 4}",
        carriers="{water: {unit: kg}, product: {unit: kg}}",
    )
    results = solved(text)
    assert results.of("furnace.product_out").sum() == pytest.approx(40)
    assert results.total("conversion", "heat") == pytest.approx(10)
    assert bill(results, "furnace", "batches") == pytest.approx(6)
    assert bill(results, "furnace", "batches", "co2") == pytest.approx(4)
    assert results.cost == pytest.approx(28 + 6 + 6 + 1)


def test_the_plan_may_choose_how_many() -> None:
    """Proves: a batch makes 20 kg worth 2 each, of 14 kWh: two are worth it at 24, the third at 62 is not.

    Sensitivity: at 4 a kg the third is run as well.
    """
    text = furnace(
        "outputs_kg_per_hour: {product: [0, 20]}, max_batches_per_day: 3, start_hours: 0-5",
        day(1, 3, 9, 2, 1, 9),
        more="sale: {type: sale, carrier: product, price_per_kg: 2}",
        carriers="{product: {unit: kg}}",
    )
    results = solved(text)
    assert starts(results) == [1, 0, 0, 1, 0, 0]
    assert results.cost == pytest.approx(10 + 12 + 20 + 4 - 80)
    dear = solved(
        text.replace("per_kg: 2", "per_kg: 9").replace("start_hours", "max_at_once: 2, start_hours")
    )
    assert sum(starts(dear)) == 3


# ------------------------------------------------------------------ rounding


@pytest.mark.parametrize(
    ("spec", "relaxed", "whole"),
    [
        # The best two steps, as far as one at a time goes.
        ("batches_per_day: 2", [0.2, 0.9, 0.8, 0.1, 0, 0], [0, 1, 0, 1, 0, 0]),
        ("batches_per_day: 2, max_at_once: 2", [0, 1.1, 0.9, 0, 0, 0], [0, 2, 0, 0, 0, 0]),
        # Around the end: a start at 5:00 also keeps 0:00 busy.
        ("batches_per_day: 2", [0.9, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 1]),
        # The best two leave no room for the third: the earliest are taken.
        ("batches_per_day: 3", [0, 1, 0, 0, 1, 0], [1, 0, 1, 0, 1, 0]),
        ("max_batches_per_day: 3", [0, 0.9, 0, 0.6, 0, 0], [0, 1, 0, 1, 0, 0]),
        ("max_batches_per_day: 3", [0, 0.4, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]),
    ],
)
def test_relaxed_starts_become_whole_ones(
    spec: str, relaxed: list[float], whole: list[float]
) -> None:
    """Proves: rounding keeps the number of a day and the number at once. Sensitivity: per case."""
    draft = build(problem_of(furnace(spec + ", start_hours: 0-6")))
    (rounding,) = draft.roundings
    found = rounding.rule({"starts": np.array(relaxed)})
    assert found["starts"].tolist() == whole


def test_no_rounding_where_there_is_no_room() -> None:
    """Proves: four batches of two hours do not fit six hours: the decision is left to the solver."""
    draft = build(problem_of(furnace("batches_per_day: 4, start_hours: 0-6")))
    assert draft.roundings[0].rule({"starts": np.full(6, 0.5)}) == {}


# ------------------------------------------------------------------ audit and messages


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("starts", [0, 0, 0, 1, 0, 1], "starts inside the hours"),
        ("starts", [0, 0, 1, 1, 0, 0], "batches at once"),
        ("starts", [1, 0, 0, 1, 0, 0], "batches of a day"),
        ("starts", [0, 0, 0, 0, 0, 0], "all batches of a day"),
        ("starts", [0, 0, 0, 0.5, 0.5, 0], "starts are whole"),
        ("electricity_in", [0, 0, 0, 4, 10, 0], "electricity_in follows the batches"),
        ("batches_so_far", [0, 0, 1, 1, 1, 1], "batches so far"),
    ],
)
def test_audit_finds_wrong_batches(column: str, values: list[float], message: str) -> None:
    """Proves: count, hours and profile are replayed from the starts alone. Sensitivity: per case."""
    problem = problem_of(furnace("batches_per_day: 1, start_hours: 0-5"))
    results, honest = study.run(problem, EXACT)
    assert honest.passed
    series = results.series.copy()
    series[f"park.furnace.{column}"] = np.array(values, dtype=float)
    found = audit(replace(results, series=series), problem)
    assert message in {check.what for check in found.failures}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("start_hours: 0-5", "`batches_per_day` or `max_batches_per_day` is missing"),
        ("batches_per_day: 1, max_batches_per_day: 2", "are both given"),
        ("batches_per_day: 0", "must be >= 1"),
        ("batches_per_day: 13", "means 26 h of batches a day, and 1 at once have 24 h each"),
        ("inputs_kw: {}, batches_per_day: 1", "takes and gives nothing"),
        ("inputs_kw: {electricity: []}, batches_per_day: 1", "electricity"),
        (
            "batches_per_day: 1, outputs_kw: {heat: [1]}",
            r"different length \(electricity_in 2, heat_out 1\)",
        ),
        ("batches_per_day: 1, inputs_kg_per_hour: {gas: [1, 1]}", "put it in `inputs_kw`"),
        ("batches_per_day: 1, outputs_kw: {hydrogen: [1, 1]}", "put it in `outputs_kg_per_hour`"),
        ("batches_per_day: 1, inputs_kw: {electricty: [1, 1]}", "did you mean 'electricity'"),
        (
            "batches_per_day: 1, part_hours: 0.75",
            "makes a batch of 1.5 h, which is no whole number",
        ),
        ("batches_per_day: 1, part_hours: 4", "A batch of 8 h does not fit the 6 h of steps"),
        ("batches_per_day: 1, start_hours: '1:15-1:45'", "has no start of a step on 2025-03-03"),
    ],
)
def test_what_does_not_fit_is_refused(spec: str, message: str) -> None:
    """Proves: every contradiction has a message that says what to do. Sensitivity: per case."""
    with pytest.raises(InputError, match=message):
        solved(furnace(spec))


def test_a_batch_costs_as_often_as_its_steps_count() -> None:
    """Proves: a batch of a step that stands for three costs 3 × (5 + 24) and lets 3 × 2 kg of CO2 go.

    Sensitivity: a cost that is divided by the weight, or counted once.
    """
    results = solved(
        furnace(
            "batches_per_day: 1, start_hours: 0-5, cost_per_batch: 5, co2_kg_per_batch: 2",
            horizon="{start: 2025-03-03, hours: 6, weight: 3}",
        )
    )
    assert starts(results) == [0, 0, 0, 1, 0, 0]
    assert bill(results, "furnace", "batches") == pytest.approx(15)
    assert results.co2_kg == pytest.approx(6)
    assert results.cost == pytest.approx(3 * (24 + 5))
