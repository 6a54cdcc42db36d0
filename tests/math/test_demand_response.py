"""Demand response, and export by the year: hand-solved; `solved` holds them against the calculator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from tests.billing import bill_of, charges, grid_text, meter, tariff
from tests.math.test_tariffs import BATTERY, PV, at_night, energy, solved_load
from tests.support import park, problem_of, solve_text, solved

EVENT: dict[str, Any] = {
    "type": "demand_response",
    "baseline_kw": 10,
    "when": [{"hours": "0-1", "months": [2]}],
    "price_per_kwh": 3,
    "committed_kw": 6,
    "price_per_kw_month": 2,
    "shortfall_price_per_kwh": 1,
}
"""The first hour of February: the third of four."""


def of(**keys: Any) -> dict[str, Any]:
    return {"components": {"energy": energy(1), "response": {**EVENT, **keys}}}


@pytest.mark.parametrize(
    ("load", "payment"),
    [
        # 6 kW below 10: 6 x 3, and 6 x 2 for what is committed; nothing is short
        (4, -18 - 12),
        # 1 kW below: 1 x 3, 5 short
        (9, -3 - 12 + 5),
        # above the baseline nothing is cut, and nothing is owed for it but the 6 that are short
        (14, -12 + 6),
    ],
)
def test_cut_below_the_baseline(load: float, payment: float) -> None:
    """Proves: 3 for each kWh below 10 kW, 2 for each of 6 kW committed, 1 for each kWh short.

    Sensitivity: an import above the baseline is not a negative cut.
    """
    found = charges(solved_load(of(), [5, 5, load, 8], connection_kw=20))
    assert found == pytest.approx({"energy": 18 + load, "response": payment})


def test_a_battery_cuts_where_it_pays() -> None:
    """Proves: 14 kW less 9 of the battery are 5 below the baseline: 15 + 12 - 1; without, -12 + 6.

    Sensitivity: a programme that pays by the month only is not acted upon.
    """
    results = solved_load(of(), [5, 5, 14, 8], connection_kw=20, more=BATTERY)
    assert results.of("grid.import")[2] == pytest.approx(5)
    assert charges(results)["response"] == pytest.approx(-15 - 12 + 1)
    idle = of(price_per_kwh=0, shortfall_price_per_kwh=0)
    found = charges(solved_load(idle, [5, 5, 14, 8], more=BATTERY))
    assert found["response"] == pytest.approx(-12)


def test_listed_hours_and_a_baseline_by_the_hour() -> None:
    """Proves: two listed hours, baselines of 10 and 4 kW: 5 x 3 + 1 x 3, commitments apart."""
    keys = {
        "at": ["2025-01-31T23:00", "2025-02-01T01:00"],
        "when": [],
        "baseline_kw": {"hourly": [0, 4, *[0] * 21, 10]},
        "committed_kw": 0,
        "price_per_kw_month": 0,
        "shortfall_price_per_kwh": 0,
    }
    found = charges(solved_load(of(**keys), [5, 5, 4, 3], connection_kw=20))
    assert found["response"] == pytest.approx(-15 - 3)


def test_binaries_only_where_the_import_may_exceed_the_baseline() -> None:
    """Proves: with a connection of 10 kW no binary is taken, with 20 kW one that has a rule."""
    results = solved_load(of(), [5, 5, 4, 8], connection_kw=10)
    assert results.run.integers == 0
    assert charges(results)["response"] == pytest.approx(-30)
    with pytest.raises(InputError, match="may exceed the baseline needs a bound"):
        solved_load(of(), [5, 5, 4, 8])


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"when": []}, "give one of `when` and `at`"),
        ({"at": ["2025-02-01T00:00"]}, "give one of `when` and `at`"),
        ({"committed_kw": 0}, "need `committed_kw`"),
        ({"price_per_kwh": -1}, "response.price_per_kwh"),
        ({"baseline_kw": -5}, "response.baseline_kw"),
    ],
)
def test_wrong_programmes_are_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        problem_of(park(grid_text(of(**keys), connection_kw=20)))
    assert told in str(caught.value)


steps = st.lists(st.integers(0, 20), min_size=4, max_size=4)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(load=steps, base=st.integers(0, 20), paid=st.integers(0, 3), short=st.integers(0, 3))
def test_plan_is_never_worse_than_the_plain_one(
    load: list[int], base: int, paid: int, short: int
) -> None:
    """Proves: with a battery the plan costs at most what the calculator says of the load alone.

    Sensitivity: the audit holds every plan's payment against the calculator's.
    """
    keys = {"baseline_kw": base, "price_per_kwh": paid, "shortfall_price_per_kwh": short}
    text = park(
        f"load: {{type: load, power_kw: {at_night([float(v) for v in load])}}}\n{BATTERY}\n"
        + grid_text(of(**keys), connection_kw=30),
        horizon="{start: 2025-01-31T22:00, hours: 4}",
    )
    results, audit = solve_text(text)
    audit.require()
    alone = bill_of(
        tariff(**of(**keys)["components"]), meter("2025-01-31T22:00", [float(v) for v in load])
    )
    assert results.cost <= alone.total + 1e-6


# ------------------------------------------------------------------------------- export by the year


def test_bins_of_the_year() -> None:
    """Proves: of 6 kWh in January and 3 in February, 8 of the year earn 0.9, one 0.1.

    Four hours are a share of 4 / 8760 of the year, so that 8 kWh are 17 520 a year.
    Sensitivity: by the month January's six and February's three would all earn 0.9.
    """
    bins = {
        "type": "tiered_export",
        "tiers": [{"up_to_kwh_year": 17_520, "price_per_kwh": 0.9}, {"price_per_kwh": 0.1}],
    }
    keys = {"components": {"energy": energy(1), "bins": bins}}
    found = charges(solved_load(keys, [4, 5, 7, 0], more=PV % at_night([1, 0, 1, 0])))
    assert found == pytest.approx({"energy": 5, "bins": -(8 * 0.9 + 0.1)})
    priced = bill_of(
        tariff(**keys["components"]), meter("2025-01-31T22:00", [0] * 4, sold=[6, 0, 3, 0])
    )
    assert priced.amounts["bins"] == pytest.approx([-5.4, -(1.8 + 0.1)])


def test_bins_of_month_and_year_do_not_mix() -> None:
    tiers = [
        {"up_to_kwh_year": 9, "price_per_kwh": 0.9},
        {"up_to_kwh_month": 5, "price_per_kwh": 0.5},
        {"price_per_kwh": 0.1},
    ]
    keys = {"components": {"energy": energy(1), "bins": {"type": "tiered_export", "tiers": tiers}}}
    with pytest.raises(InputError, match="cannot be mixed"):
        problem_of(park(grid_text(keys)))


def test_export_of_a_year_is_capped() -> None:
    """Proves: 9 kWh are spare and 4 may be sold (8760 a year): the rest is curtailed; at 0.3.

    Sensitivity: without the cap all nine are sold.
    """
    keys = {"components": {"energy": energy(1)}}
    more = PV % at_night([1, 0, 1, 0])
    sizes: dict[str, Any] = {"export_price_per_kwh": 0.3}
    free = charges(solved_load(keys, [4, 5, 7, 0], more=more, **sizes))
    assert free["energy_export"] == pytest.approx(-2.7)
    held = charges(solved_load(keys, [4, 5, 7, 0], more=more, max_export_kwh_year=8760, **sizes))
    assert held["energy_export"] == pytest.approx(-1.2)
    with pytest.raises(InputError, match="needs an export"):
        problem_of(
            park("grid: " + json.dumps({"type": "grid", "tariff": keys, "max_export_kwh_year": 9}))
        )


def test_share_of_export_and_none_at_all() -> None:
    """Proves: of 20 kWh generated 15 % may be exported, 3 kWh; without a price nothing is."""
    keys = {"components": {"energy": energy(1)}}
    load = f"load: {{type: load, power_kw: {at_night([4, 5, 7, 0])}}}\n"
    body = load + PV % at_night([1, 0, 1, 0])
    horizon = "{start: 2025-01-31T22:00, hours: 4}"
    results = solved(
        park(
            body + grid_text(keys, export_price_per_kwh=0.3),
            horizon=horizon,
            targets="{max_export_share: 0.15}",
        )
    )
    # Curtailed power is not generated: x <= 0.15 (11 + x).
    assert results.of("grid.export").sum() == pytest.approx(0.15 * 11 / 0.85)
    none = solved(park(body + grid_text(keys), horizon=horizon))
    assert "park.grid.export" not in none.series.columns
