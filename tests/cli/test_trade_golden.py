"""The golden cases of wheeled power through YAML and the command line, to their printed digits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.store import StoredPlan, open_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.results import Results

    Run = Callable[..., Any]

GOLDEN = Path(__file__).parents[1] / "trading" / "golden"
CENT = 0.005


def traded(run: Run, name: str, *words: str) -> tuple[str, dict[str, Any]]:
    """Run `trade` on a golden park; return what it printed, with single spaces, and its JSON."""
    result = run("trade", str(GOLDEN / f"{name}.yaml"), "--out", "out", *words)
    assert result.exit_code == 0, result.output
    return re.sub(r" +", " ", result.stdout), json.loads(
        Path("out/trade.json").read_text(encoding="utf-8")
    )


def test_w1_all_modes(run: Run) -> None:
    """Proves: 81.632653 MWh are sent, the gain is 24,478.20, the even split 12,239.10 each, the band of
    prices [0.300000, 0.599858], the clearing price 0.300000 at its lower end: the seller is long.

    Sensitivity: every number is printed, and stands in the JSON with all digits.
    """
    text, found = traded(run, "w1", "--share", "nash,shapley,nucleolus,owen,mid_market")
    assert "deal 0.300000 0.599858 0.300000 0.300000 0.300000" in text
    assert "deal clearing 81,632.653 24,489.80 0.300000" in text
    assert "all 0.00 24,478.20 24,478.20 24,478.20 24,478.20" in text
    assert "g 12,239.10 12,239.10 12,239.10 0.00" in text
    joint = found["modes"]["joint"]
    assert sum(joint["gain"].values()) == pytest.approx(24_478.20, abs=CENT)
    assert joint["sent_kwh"]["deal"] == pytest.approx(81_632.653061)
    for rule in ("nash", "shapley", "nucleolus", "mid_market"):
        shares = found["sharing"]["rules"][rule]["shares"]
        assert shares == pytest.approx({"g": 12_239.10, "c": 12_239.10}, abs=CENT)
    owen = found["sharing"]["rules"]["owen"]
    assert owen["shares"] == pytest.approx({"g": 0.0, "c": 24_478.20}, abs=CENT)
    assert owen["in_core"] is True


def test_w1_even_payments_without_a_price(run: Run) -> None:
    """Proves: without an agreed price the payments of joint_ir give each side 12,239.10."""
    sets = ("--set", "trading.trades.deal.price_per_kwh=null")
    text, found = traded(run, "w1", "--mode", "joint_ir", *sets)
    assert found["modes"]["joint_ir"]["gain"] == pytest.approx(
        {"g": 12_239.10, "c": 12_239.10}, abs=CENT
    )
    assert "12,239.10" in text


def test_w1b_retained_charges(run: Run) -> None:
    """Proves: with funds and system fee of Hubei retained the ceiling is 486.513 yuan/MWh delivered,
    0.476783 per kWh sent, and the gain 14,431.24, not 70 % more.
    """
    text, found = traded(run, "w1b", "--mode", "joint,clearing")
    assert "14,431.24" in text
    assert "g_grid_to_c_grid 0.300000 0.476783 0.300000" in text
    assert found["modes"]["clearing"]["gain"] == pytest.approx({"g": 0.0, "c": 14_431.24}, abs=CENT)


def test_w2_shares(run: Run) -> None:
    """Proves: 12,000; Shapley (2333.33, 2333.33, 7333.33) and the even split outside the core, the
    nucleolus (1000, 1000, 10000) in it, dual prices give all to the short side.
    """
    text, found = traded(run, "w2", "--mode", "joint", "--share", "shapley,nucleolus,nash,owen")
    assert "nobody worse off yes yes yes yes" in text
    assert "in the core no yes no yes" in text
    for row in (
        "s1 2,333.33 1,000.00 4,000.00 0.00",
        "s2 2,333.33 1,000.00 4,000.00 0.00",
        "b 7,333.33 10,000.00 4,000.00 12,000.00",
    ):
        assert row in text
    excess = found["sharing"]["rules"]["shapley"]["max_excess"]
    assert excess["amount"] == pytest.approx(333.33, abs=CENT)
    assert excess["proven"] is True


def test_w3_the_core_is_empty(run: Run) -> None:
    """Proves: a unit of 42 kW for 30 an hour and three loads of 20 at 1 a kWh: nobody alone gains, any
    pair 40 − 30 = 10, all three 42 − 30 = 12. The core is empty, the least-core excess 2, the nucleolus
    (4, 4, 4).
    """
    text, found = traded(run, "w3", "--mode", "joint", "--share", "nucleolus,least_core,shapley")
    assert "the core is empty: least-core excess 2.00 CNY" in text
    for member in "abc":
        assert f"{member} 4.00" in text
    rules = found["sharing"]["rules"]
    assert rules["nucleolus"]["shares"] == pytest.approx({"a": 4, "b": 4, "c": 4})
    assert rules["nucleolus"]["least_core_excess"] == pytest.approx(2)
    assert rules["nucleolus"]["in_core"] is False
    gains = Path("out/coalitions.csv").read_text(encoding="utf-8").splitlines()
    by_size = {(line.split(",")[1], round(float(line.split(",")[3]), 6)) for line in gains[1:]}
    assert by_size == {("1", 0.0), ("2", 10.0), ("3", 12.0)}


def results_of(folder: str) -> Results:
    """Return what a folder holds."""
    plan = open_plan(folder)
    assert isinstance(plan, StoredPlan)
    return plan.results


def demand_charge(folder: str) -> float:
    """Return what the consumer of a saved plan pays for its peak."""
    ledger = results_of(folder).ledger
    of_peak = (ledger["asset"] == "c_grid") & (ledger["category"] == "demand_charge")
    return float(ledger.loc[of_peak, "amount"].sum())


def test_w4_the_demand_charge_stays(run: Run) -> None:
    """Proves: 10 MW at 39 a kW cost 390,000 with 5 MW wheeled in, as without; the band ends at the price
    of energy, 0.65, without the peak. Sensitivity: 5 MW behind the meter leave 195,000.
    """
    text, found = traded(run, "w4", "--mode", "joint,clearing")
    assert found["modes"]["joint"]["sent_kwh"] == pytest.approx({"g_grid_to_c_grid": 5_000})
    assert demand_charge("out/joint") == pytest.approx(390_000)
    assert "g_grid_to_c_grid 0.300000 0.650000" in text
    traded(run, "w4", "--mode", "joint", "--scenario", "behind_the_meter")
    assert demand_charge("out/joint") == pytest.approx(195_000)


def test_w5_nobody_sells_its_own_power_and_buys_as_much(run: Run) -> None:
    """Proves: the true gain is 0. Sensitivity: with meters apart the command reports 5,000."""
    _, found = traded(run, "w5", "--mode", "joint")
    assert sum(found["modes"]["joint"]["gain"].values()) == pytest.approx(0, abs=CENT)
    _, apart = traded(run, "w5", "--mode", "joint", "--scenario", "meters_apart")
    assert sum(apart["modes"]["joint"]["gain"].values()) == pytest.approx(5_000)


def test_w6_a_negative_price_burns_nothing(run: Run) -> None:
    """Proves: at −0.1 the loads take 20 and the battery 10, and get 3.00 together as alone; no meter takes
    and gives at once, and the battery does not charge and discharge at once.
    """
    text, found = traded(run, "w6", "--mode", "standalone,joint")
    assert "all 0.00 0.00" in text
    assert sum(found["modes"]["joint"]["bill"].values()) == pytest.approx(-3.0)
    results = results_of("out/joint")
    for key in ("g_grid", "c_grid"):
        both = min(results.of(f"{key}.withdrawal")[0], results.of(f"{key}.injection")[0])
        assert both == pytest.approx(0, abs=1e-9)
    both = min(results.of("g_battery.charge")[0], results.of("g_battery.discharge")[0])
    assert both == pytest.approx(0, abs=1e-9)
