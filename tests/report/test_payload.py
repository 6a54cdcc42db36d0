from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from microgrid_opt.report.payload import Pool, payload
from microgrid_opt.report.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from microgrid_opt.study import Plan


def values(data: dict[str, Any], number: int) -> Any:
    held = data["arrays"][number]
    if isinstance(held, (int, float)):
        return np.full(data["time"]["n"], held)
    return np.frombuffer(base64.b64decode(held), dtype="<f4")


def test_charts_get_the_results_series(year: Plan) -> None:
    """Proves: what the browser decodes is the result to 32-bit precision, for every balance, and its
    supply equals its use in every step. Sensitivity: a wrong byte order gives numbers of 1e-38."""
    data = json.loads(json.dumps(payload(View(year)), allow_nan=False))
    assert [b["label"] for b in data["balances"]] == ["Electricity", "Hydrogen", "Heat", "Gas"]
    for balance in data["balances"]:
        net = sum(
            flow["sign"] * values(data, flow["array"]).astype(float) for flow in balance["flows"]
        )
        peak = max(values(data, flow["array"]).max() for flow in balance["flows"])
        assert np.abs(net).max() < 1e-5 * peak
    pv = next(f for f in data["balances"][0]["flows"] if f["label"] == "屋顶光伏: generation")
    expected = year.results.of("pv.generation")
    assert values(data, pv["array"]) == pytest.approx(expected, rel=1e-6)
    (content,) = data["balances"][0]["contents"]
    assert values(data, content["array"]) == pytest.approx(
        year.results.of("battery.state_of_charge"), rel=1e-6
    )


def test_months_add_up_to_the_energy_table(year: Plan) -> None:
    """Proves: monthly bars are energy, hours included; their sum is the table's number."""
    data = payload(View(year))
    energy = year.results.energy
    for balance, carrier in zip(
        data["balances"], ("electricity", "hydrogen", "heat", "gas"), strict=True
    ):
        rows = energy[energy["carrier"] == carrier]
        for side, sign in (("supplied", 1), ("drawn", -1)):
            shown = sum(sum(f["monthly"]) for f in balance["flows"] if f["sign"] == sign)
            assert shown == pytest.approx(rows[side].sum(), rel=1e-5)
    peaks = {peak["label"]: peak["values"] for peak in data["balances"][0]["peaks"]}
    billed = peaks["Billed: Public grid, Demand charge"]
    assert peaks["Highest import"] == pytest.approx(billed, rel=1e-5)


def test_factors_that_vary_and_weights_reach_the_charts(member_plan: Callable[[], Plan]) -> None:
    """Proves: what arrives at the dairy is 30 kW in every step (0.75 × 40, and 30/41 × 41), and its
    energy counts 1, 4, 0.5 and 12 hours: 525 kWh."""
    data = payload(View(member_plan()))
    dairy = next(b for b in data["balances"] if b["label"] == "Electricity · Dairy")
    arrives = next(f for f in dairy["flows"] if f["sign"] > 0)
    assert values(data, arrives["array"]) == pytest.approx(np.full(4, 30.0))
    assert sum(arrives["monthly"]) == pytest.approx(525.0)
    assert data["time"]["lengths"] == [1.0, 2.0, 0.5, 4.0]
    assert data["time"]["hours"] == [1.0, 4.0, 0.5, 12.0]


@pytest.mark.parametrize(("start", "hours"), [("2025-10-25", 46), ("2025-03-29", 48)])
def test_local_clock_time_across_a_change_of_the_clocks(
    small_plan: Callable[..., Plan], start: str, hours: int
) -> None:
    """Proves: 47 hours after a midnight in Berlin the local clock has moved 46 or 48 hours when the
    clocks changed in between, and 24 hours on the day before."""
    time = payload(View(small_plan(steps=48, timezone="Europe/Berlin", start=start)))["time"]
    offsets = np.frombuffer(base64.b64decode(time["offsets"]), dtype="<i4")
    assert (
        datetime.fromtimestamp(time["start"] / 1000, UTC).isoformat() == f"{start}T00:00:00+00:00"
    )
    assert (offsets[24], offsets[47]) == (24 * 3600, hours * 3600)


def test_equal_and_constant_arrays_are_held_once() -> None:
    pool = Pool()
    ramp = np.arange(5.0)
    assert pool.add(ramp) == pool.add(ramp.copy()) == 0
    assert pool.add(np.full(5, 2.5)) == 1
    assert pool.held[1] == 2.5
    assert isinstance(pool.held[0], str)


def test_series_without_a_change_are_not_offered(small_plan: Callable[..., Plan]) -> None:
    assert payload(View(small_plan()))["series"] == []
