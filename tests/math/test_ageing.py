"""Ageing of a battery: wear by depth of cycle, fade by age, and that nothing is paid twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from microgrid_opt.builder import Builder
from microgrid_opt.errors import InputError
from microgrid_opt.formulations.wear import replay
from tests.support import bill, day, park, problem_of, solve_text, solved

if TYPE_CHECKING:
    from microgrid_opt.results import Results

CONVEX = "[{depth_fraction: 0.5, cycles: 4000}, {depth_fraction: 1, cycles: 1000}]"
"""A cycle of full depth takes 0.001 of the life, one of half depth 0.00025."""
YEAR = "{start: 2025-03-03, hours: 2, weight: 4380}"
"""Two hours, 4380 times: a year."""


def aged(
    ageing: str,
    *,
    prices: str = day(1, 3),
    load: str = "10",
    energy: str = "10",
    more: str = "",
    hours: float = 2,
    **sections: str,
) -> str:
    """Return a park with a lossless battery of 10 kWh that ages."""
    text = park(
        f"""
        load: {{type: load, power_kw: {load}}}
        grid: {{type: grid, import_price_per_kwh: {prices}}}
        battery:
          type: battery
          energy_kwh: {energy}
          power_kw: 100
          charge_efficiency: 1
          discharge_efficiency: 1
          ageing: {{end_of_life_fraction: 0.8, {ageing}}}
        """,
        hours=hours,
        **sections,
    )
    return text + "".join(f"    {line.strip()}\n" for line in more.splitlines() if line.strip())


def figure(results: Results, name: str) -> float:
    return float(results.details.set_index(["asset", "name"])["value"]["battery", name])


# ------------------------------------------------------------------ wear by depth


def test_full_cycle_wears_by_both_segments() -> None:
    """Proves: 10 kWh moved: 10 × 1000 × 0.001 = 10 of wear, half of it 2.5 and the deep half 7.5.

    Bill 20 + 0 + 10. Sensitivity: at a spread of 1.2 the deep half, 1.5 a kWh, stays: 15 + 11 + 2.5.
    """
    text = aged(f"cycle_life: {CONVEX}, price_per_kwh: 1000")
    results = solved(text)
    assert bill(results, "battery", "ageing") == pytest.approx(10)
    assert results.cost == pytest.approx(30)
    assert results.of("battery.fall_1") == pytest.approx([0, 5])
    assert results.of("battery.fall_2") == pytest.approx([0, 5])
    near = solved(text.replace(day(1, 3), day(1, 2.2)))
    assert near.of("battery.discharge") == pytest.approx([0, 5])
    assert near.cost == pytest.approx(15 + 11 + 2.5)


def test_two_half_cycles_wear_less_than_a_full_one() -> None:
    """Proves: twice 5 kWh wear 2 × 2.5 = 5, the same 10 kWh at once 10. Sensitivity: depth alone."""
    text = aged(
        f"cycle_life: {CONVEX}, price_per_kwh: 1000",
        prices=day(1, 3, 1, 3),
        load=day(0, 5, 0, 5),
        hours=4,
    )
    results = solved(text)
    assert results.of("battery.discharge") == pytest.approx([0, 5, 0, 5])
    assert bill(results, "battery", "ageing") == pytest.approx(5)
    assert results.cost == pytest.approx(10 + 5)


def test_cycle_within_a_cycle_counts_apart() -> None:
    """Proves: full, half, full, empty is one full and one half cycle, as rainflow counts: 10 + 2.5.

    Sensitivity: the same falls in one go would cost 10 + 5 × 1.5.
    """
    text = aged(
        f"cycle_life: {CONVEX}, price_per_kwh: 1000",
        prices=day(1, 4, 1.5, 4, 4),
        load=day(0, 5, 0, 5, 5),
        hours=5,
    )
    results = solved(text)
    assert results.of("battery.state_of_charge") == pytest.approx([10, 5, 10, 5, 0])
    assert bill(results, "battery", "ageing") == pytest.approx(12.5)
    assert results.cost == pytest.approx(10 + 7.5 + 12.5)


def test_one_depth_is_wear_by_throughput() -> None:
    """Proves: 2000 cycles of 0.8 are 1600 × 10 kWh: 0.625 a kWh of content, 0.625/0.9 at the terminals.

    The same plan with that as `discharge_cost_per_kwh` costs the same: 10 kWh in at 1, 9 out, and 6.25.
    Sensitivity: a table with the same wear at every depth, in segments, gives the same plan.
    """
    text = aged("cycle_life: [{depth_fraction: 0.8, cycles: 2000}], price_per_kwh: 1000")
    text = text.replace("discharge_efficiency: 1", "discharge_efficiency: 0.9")
    results = solved(text)
    assert results.cost == pytest.approx(20 + 3 + 6.25)
    plain = [line for line in text.splitlines() if "ageing" not in line]
    plain.append(f"    discharge_cost_per_kwh: {0.625 / 0.9}")
    assert solved("\n".join(plain)).cost == pytest.approx(results.cost)
    table = "[{depth_fraction: 0.4, cycles: 4000}, {depth_fraction: 1, cycles: 1600}]"
    split = solved(text.replace("[{depth_fraction: 0.8, cycles: 2000}]", table))
    assert split.cost == pytest.approx(results.cost)


@pytest.mark.parametrize("final", ["cyclic", "at_least_initial", "free"])
def test_segments_agree_with_throughput(final: str) -> None:
    """Proves: equal wear at all depths costs the same in segments and by throughput.

    With losses, a floor, a given start, a chosen size and unequal steps. Sensitivity: both count what
    is lost as well as what is discharged; the battery is used.
    """
    more = f"""
    self_discharge_per_hour: 0.1
    standing_loss_per_hour: 0.01
    min_fraction: 0.1
    initial_fraction: 0.5
    final: {final}
    """
    one, many = (
        "[{depth_fraction: 1, cycles: 1000}]",
        ("[{depth_fraction: 0.25, cycles: 4000}, {depth_fraction: 1, cycles: 1000}]"),
    )
    costs = []
    for table in (one, many):
        text = aged(
            f"cycle_life: {table}, price_per_kwh: 300",
            prices=day(1, 4, 1, 5),
            energy="{max_kwh: 30, annual_cost_per_kwh: 0.2}",
            more=more,
            horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
        )
        results = solved(text)
        assert results.size("battery", "energy") > 1
        costs.append(bill(results, "battery", "ageing"))
        costs.append(results.cost)
    assert costs[:2] == pytest.approx(costs[2:])
    assert costs[0] > 1


def test_start_of_an_open_horizon_is_shallow() -> None:
    """Proves: of 7 kWh at the start the first 5 lie shallow: 6 out are 5 × 0.5 + 1 × 1.5 = 4.

    Sensitivity: lying deep first, 6 out would be 2 × 0.5 + 4 × 1.5 = 7.
    """
    text = aged(
        f"cycle_life: {CONVEX}, price_per_kwh: 1000",
        prices="3",
        load="6",
        more="initial_fraction: 0.7\nfinal: free",
        hours=1,
    )
    results = solved(text)
    assert results.of("battery.discharge") == pytest.approx([6])
    assert bill(results, "battery", "ageing") == pytest.approx(4)


def test_larger_battery_cycles_shallower() -> None:
    """Proves: 10 kWh a cycle, 4380 times: from 10 to 20 kWh each kWh saves 10 of wear a year.

    100 × 4380 × 0.5 × (k2 − k1), k1 = 2/87600, k2 = 6/87600. Bought at 5 a year, not at 15.
    Sensitivity: the size is a variable in the segments' limits.
    """
    table = "[{depth_fraction: 0.5, cycles: 87600}, {depth_fraction: 1, cycles: 21900}]"
    text = aged(
        f"cycle_life: {table}, price_per_kwh: 100, calendar_fade_per_year: 0.02",
        energy="{max_kwh: 50, capex_per_kwh: 50, lifetime_years: 10}",
        horizon=YEAR,
    )
    results = solved(text)
    assert results.size("battery", "energy") == pytest.approx(20)
    assert bill(results, "battery", "ageing") == pytest.approx(100)
    dear = solved(text.replace("capex_per_kwh: 50", "capex_per_kwh: 150"))
    assert dear.size("battery", "energy") == pytest.approx(10)
    assert bill(dear, "battery", "ageing") == pytest.approx(200)


# ------------------------------------------------------------------ nothing is paid twice

DEEP = "cycle_life: [{depth_fraction: 1, cycles: %s}]"


@pytest.mark.parametrize(
    ("cycles", "life", "fade", "charged"),
    [
        # A tenth of a battery a year is worn out, and a tenth is what ten years of life pay for.
        (43800, 10, 0, 0),
        # Two tenths: one battery in five years, the half of which is paid for.
        (21900, 10, 0, 100),
        # The same battery written off in five years.
        (21900, 5, 0, 0),
        # Ten years are all that age leaves: every cycle shortens them.
        (21900, 10, 0.02, 200),
        # Age alone would last 20 years: half of the yearly cost is left for cycles.
        (21900, 10, 0.01, 150),
    ],
)
def test_yearly_cost_and_wear_never_pay_the_same_battery(
    cycles: int, life: int, fade: float, charged: float
) -> None:
    """Proves: capex 100 × 10 kWh: yearly cost and wear together are 1000 / the years it lasts.

    Sensitivity: without the part that the yearly cost pays for, 100 to 200 would come on top.
    """
    text = aged(
        DEEP % cycles + f", calendar_fade_per_year: {fade}",
        energy=f"{{fixed_kwh: 10, capex_per_kwh: 100, lifetime_years: {life}}}",
        horizon=YEAR,
    )
    results = solved(text)
    worn = 4380 / cycles
    assert bill(results, "battery", "ageing") == pytest.approx(charged)
    paid = bill(results, "battery", "investment") + charged
    assert paid == pytest.approx(1000 * max(1 / life, worn + fade / 0.2))
    assert figure(results, "expected_life") == pytest.approx(1000 / paid)
    assert figure(results, "fade_per_year") == pytest.approx(0.2 * worn + fade)
    assert figure(results, "cycle_fade_per_year") == pytest.approx(0.2 * worn)
    assert figure(results, "equivalent_full_cycles_per_year") == pytest.approx(4380)


def test_lifetime_counts_in_proportion_to_the_horizon() -> None:
    """Proves: two hours have 2/8760 of the yearly allowance of 1/10: 10 kWh × 1/1000 are worn.

    Charged: 100 × (0.01 − 10 × 2/87600). Sensitivity: with a year's allowance nothing.
    """
    text = aged(DEEP % 1000, energy="{fixed_kwh: 10, capex_per_kwh: 100, lifetime_years: 10}")
    assert bill(solved(text), "battery", "ageing") == pytest.approx(100 * (0.01 - 20 / 87600))


def test_replacement_price_may_differ_from_the_first() -> None:
    """Proves: without `price_per_kwh` a replacement costs capex × its fraction: 0.6 × 100 a kWh.

    Sensitivity: an own price of 30 halves it.
    """
    energy = "{fixed_kwh: 10, capex_per_kwh: 100, lifetime_years: 10, replacement_fraction: 0.6}"
    finance = "{discount_rate: 0, project_years: 10}"
    text = aged(
        DEEP % 21900 + ", calendar_fade_per_year: 0.02",
        energy=energy,
        horizon=YEAR,
        finance=finance,
    )
    assert bill(solved(text), "battery", "ageing") == pytest.approx(0.6 * 200)
    own = text.replace("calendar_fade", "price_per_kwh: 30, calendar_fade")
    assert bill(solved(own), "battery", "ageing") == pytest.approx(60)


def test_existing_battery_pays_all_wear() -> None:
    """Proves: without a yearly cost every cycle is charged: 100 × 2 kWh a year. Sensitivity: price."""
    text = aged(DEEP % 21900 + ", price_per_kwh: 100", horizon=YEAR)
    results = solved(text)
    assert bill(results, "battery", "ageing") == pytest.approx(200)
    assert figure(results, "expected_life") == pytest.approx(5)


def test_augmentation_makes_up_for_all_fade() -> None:
    """Proves: 0.2 × 2 kWh by cycling and 0.02 × 10 kWh by age, at 100: 60, beside the yearly cost.

    Sensitivity: linear in the size: chosen at 10 kWh it is the same.
    """
    ageing = DEEP % 21900 + ", calendar_fade_per_year: 0.02, mode: augmentation"
    for size in ("fixed_kwh: 10", "max_kwh: 50"):
        text = aged(
            ageing, energy=f"{{{size}, capex_per_kwh: 100, lifetime_years: 10}}", horizon=YEAR
        )
        results = solved(text)
        assert results.size("battery", "energy") == pytest.approx(10)
        assert bill(results, "battery", "ageing") == pytest.approx(60)
        assert bill(results, "battery", "investment") == pytest.approx(100)
        assert "expected_life" in set(results.details["name"])


# ------------------------------------------------------------------ capacity of the plan


@pytest.mark.parametrize(("plan", "usable"), [("new", 10), ("mid_life", 9), ("end_of_life", 8)])
def test_plan_uses_the_capacity_that_is_left(plan: str, usable: float) -> None:
    """Proves: at 80 % of 10 kWh only 8 move, half-way 9: (10 + usable) + (10 − usable) × 3.

    Sensitivity: chosen for the same 8 kWh of load, the battery is larger by as much.
    """
    ageing = DEEP % 1e9 + f", price_per_kwh: 1, plan_capacity: {plan}"
    results = solved(aged(ageing))
    assert results.cost == pytest.approx(10 + usable + 3 * (10 - usable), rel=1e-6)
    chosen = aged(ageing, energy="{max_kwh: 50, annual_cost_per_kwh: 0.1}", load=day(0, 8), hours=2)
    assert solved(chosen).size("battery", "energy") == pytest.approx(80 / usable)


def test_given_start_and_floor_are_shares_of_what_is_left() -> None:
    """Proves: from 0.5 × 8 down to 0.1 × 8 kWh: 3.2 kWh out. Sensitivity: of 10 kWh it would be 4."""
    text = aged(
        DEEP % 1e9 + ", price_per_kwh: 1, plan_capacity: end_of_life",
        prices="3",
        more="initial_fraction: 0.5\nmin_fraction: 0.1\nfinal: free",
        hours=1,
    )
    assert solved(text).of("battery.discharge") == pytest.approx([3.2])


# ------------------------------------------------------------------ counting of cycles


def ring(*content: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rises and falls of contents that return to the first one."""
    change = np.diff(content, append=content[0])
    return np.maximum(change, 0.0), np.maximum(-change, 0.0)


@pytest.mark.parametrize(
    ("content", "wear"),
    [
        ((0, 1), 0.001),
        ((1, 0), 0.001),
        ((0, 0.5, 0, 0.5), 2 * 0.00025),
        ((0, 1, 0.5, 1), 0.001 + 0.00025),
        ((0, 0.3, 0.6, 1, 0.8, 0.4), 0.001),
        # 1 → 0.2 with 0.5 → 0.7 inside: depths 0.8 and 0.2.
        ((1, 0.5, 0.7, 0.2), 0.0001 + 0.00025 + 0.3 * 0.0015),
    ],
)
def test_simple_cycles_counted_by_hand(content: tuple[float, ...], wear: float) -> None:
    counted = replay(*ring(*content), [0.5, 0.5], [0.0005, 0.0015])
    assert counted.sum() == pytest.approx(wear)


def rainflow(content: list[float]) -> list[float]:
    """Return the depths of all cycles of a ring, by the four-point rule of ASTM E1049."""
    top = content.index(max(content))
    points = [*content[top:], *content[: top + 1]]
    stack: list[float] = []
    depths: list[float] = []
    for point in points:
        stack.append(point)
        while len(stack) > 2 and (stack[-2] - stack[-3]) * (stack[-1] - stack[-2]) >= 0:
            stack.pop(-2)
        while len(stack) > 3:
            first, low, high, last = stack[-4:]
            if abs(high - low) > min(abs(low - first), abs(last - high)):
                break
            depths.append(abs(high - low))
            del stack[-3:-1]
    assert len(stack) <= 3
    return [*depths, *([abs(stack[1] - stack[0])] if len(stack) == 3 else [])]


def test_replay_is_rainflow_counting() -> None:
    """Proves: on 300 random rings the replay gives the wear of the cycles that rainflow finds.

    Sensitivity: counting each fall from the top of the table would be less, from its slope more.
    """
    draw = np.random.default_rng(7)
    depths, wear = [0, 0.25, 0.5, 1], [0, 0.1, 0.3, 1.0]
    widths, slopes = np.diff(depths).tolist(), (np.diff(wear) / np.diff(depths)).tolist()
    for _ in range(300):
        content = (draw.integers(0, 9, draw.integers(2, 20)) / 8).tolist()
        counted = replay(*ring(*content), widths, slopes).sum()
        assert counted == pytest.approx(np.interp(rainflow(content), depths, wear).sum())


def test_flow_through_within_a_step_is_shallow() -> None:
    """Proves: what comes and goes in one step wears the shallowest segment. Sensitivity: slopes."""
    counted = replay(np.array([3.0]), np.array([3.0]), [1, 9], [0.1, 0.5])
    assert counted == pytest.approx([0.3])


# ------------------------------------------------------------------ the audit notices


@pytest.mark.parametrize(
    ("method", "rule", "found"),
    [
        ("require", "segments", "segments hold the content"),
        ("require", "falls", "segments fall with the content"),
        ("require", "segment_2_rises", "segment 2 falls"),
        ("require_sum", "wear_beyond_lifetime", "wear beyond the lifetime is charged"),
        ("book", "ageing", "ledger cost ageing"),
    ],
)
def test_audit_finds_a_rule_left_out(
    monkeypatch: pytest.MonkeyPatch, method: str, rule: str, found: str
) -> None:
    """Proves: every rule of ageing is stated again by the audit. Sensitivity: whole, it passes."""
    text = aged(
        f"cycle_life: {CONVEX}, price_per_kwh: 1000",
        energy="{fixed_kwh: 10, annual_cost_per_kwh: 1, lifetime_years: 10}",
        more="self_discharge_per_hour: 0.1\nmin_fraction: 0.1",
    )
    solved(text)
    honest = getattr(Builder, method)

    def spoiled(self: Builder, name: str, *args: Any, **more: Any) -> None:
        if name != rule:
            honest(self, name, *args, **more)

    monkeypatch.setattr(Builder, method, spoiled)
    _, audit = solve_text(text)
    assert found in {check.what for check in audit.failures}


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("ageing", "more", "message"),
    [
        (
            "cycle_life: [{depth_fraction: 1, cycles: 9}, {depth_fraction: 0.5, cycles: 9}]",
            "",
            r"cycle_life.*must go from shallow to deep",
        ),
        (
            "cycle_life: [{depth_fraction: 0.5, cycles: 100}, {depth_fraction: 1, cycles: 90}]",
            "",
            r"cycle_life.*wear per depth falls from 0.5 to 1: .* leave out the depth 0.5",
        ),
        (
            "cycle_life: [{depth_fraction: 0.4, cycles: 900}, {depth_fraction: 0.6, cycles: 300}]",
            "min_fraction: 0.1",
            r"cycle_life.*ends at a depth of 0.6, the battery may cycle up to 0.9",
        ),
        ("cycle_life: []", "", r"cycle_life"),
        (
            DEEP % 100,
            "discharge_cost_per_kwh: 0.1",
            r"discharge_cost_per_kwh.*counts wear a second",
        ),
        (
            DEEP % 100 + ", mode: augmentation, plan_capacity: mid_life",
            "",
            r"plan_capacity.*must be `new`",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(ageing: str, more: str, message: str) -> None:
    """Proves: a table that cannot be, wear counted twice and fade made up for twice are refused."""
    with pytest.raises(InputError, match=message):
        problem_of(aged(ageing + ", price_per_kwh: 1", more=more))


def test_price_and_life_must_follow_from_something() -> None:
    """Proves: no price is no free wear, and a life beyond what age leaves is refused."""
    with pytest.raises(InputError, match=r"price_per_kwh.*is missing: the capacity has no capex"):
        problem_of(aged(DEEP % 100))
    long = aged(
        DEEP % 100 + ", calendar_fade_per_year: 0.04",
        energy="{max_kwh: 10, capex_per_kwh: 1, lifetime_years: 6}",
    )
    with pytest.raises(
        InputError, match=r"ends the life after 5 years, before .* 6 of the capacity"
    ):
        problem_of(long)
