"""What the reference plan has, and how a plan is held against it."""

from __future__ import annotations

import pytest

from tests.support import park, planned, problem_of

PARK = """
    load: {type: load, power_kw: 10}
    grid: {type: grid, import_price_per_kwh: 1, co2_kg_per_kwh: 1}
    pv: {type: pv, output_per_kw: 1, %s, power_kw: {%s, max_kw: 20, annual_cost_per_kw: 0.5}}
"""


@pytest.mark.parametrize(
    ("flag", "existing", "size"),
    [
        ("curtailable: true", "existing_kw: 0", None),
        ("curtailable: true", "existing_kw: 3", 3),
        ("in_reference: false", "existing_kw: 3", None),
        ("in_reference: true", "existing_kw: 3", 10),
        ("in_reference: true", "existing_kw: 0", 10),
    ],
)
def test_assets_of_the_reference(flag: str, existing: str, size: float | None) -> None:
    """Proves: existing capacity only; nothing with `false`; all, chosen sizes too, with `true`.

    Sensitivity: the cost of 10 kWh is what the PV does not make.
    """
    plan = planned(park(PARK % (flag, existing), hours=1))
    assert plan.reference is not None
    if size is None:
        assert "pv" not in plan.reference.sizes["asset"].to_list()
        assert plan.reference.cost == pytest.approx(10)
    else:
        assert plan.reference.size("pv") == pytest.approx(size)
        bought = size if "true" in flag and "in_ref" in flag else 3
        existing_kw = float(existing.rpartition(" ")[2])
        assert plan.reference.cost == pytest.approx(10 - size + 0.5 * (bought - existing_kw))
    assert plan.results.size("pv") == pytest.approx(10)


def test_caps_and_targets_are_off_in_the_reference() -> None:
    """Proves: the reference keeps no cap and no target: it stands for today. Sensitivity: 10 kg."""
    plan = planned(
        park(
            PARK % ("curtailable: true", "existing_kw: 0"),
            hours=1,
            carbon="{cap_t_per_year: 0}",
            targets="{min_renewable_share: 1}",
        )
    )
    assert plan.reference is not None
    assert plan.reference.co2_kg == pytest.approx(10)
    assert plan.reference.caps.empty
    assert plan.results.co2_kg == pytest.approx(0)


def test_upkeep_of_what_exists_is_paid_in_the_reference() -> None:
    """Proves: fixed O&M of 3 kW at 0.2 is paid, the one-off sum and capex are not: 7 + 0.6."""
    size = "existing_kw: 3, fixed_om_per_kw_year: 0.2, capex_per_kw: 5, fixed_capex: 9, lifetime_years: 10"
    text = (PARK % ("curtailable: true", size)).replace(", annual_cost_per_kw: 0.5", "")
    plan = planned(park(text, hours=1))
    assert plan.reference is not None
    assert plan.reference.cost == pytest.approx(7.6)


def test_saving_is_reference_less_plan() -> None:
    """Proves: 10 without PV against 5 with it. Sensitivity: a dearer plant saves less."""
    text = park(PARK % ("curtailable: true", "existing_kw: 0"), hours=1)
    plan = planned(text)
    assert plan.comparison is not None
    assert plan.comparison.saving == pytest.approx(5)
    assert plan.comparison.co2_reduction_kg == pytest.approx(10)
    dearer = planned(text.replace("0.5}", "0.7}")).comparison
    assert dearer is not None
    assert dearer.saving == pytest.approx(3)


def test_no_reference_is_no_error() -> None:
    """Proves: where today's assets cannot serve the demand, the plan stands alone with a note."""
    text = park(
        """
        load: {type: load, power_kw: 10}
        pv: {type: pv, output_per_kw: 1, power_kw: {max_kw: 20, annual_cost_per_kw: 0.5}}
        """,
        hours=1,
    )
    plan = planned(text)
    assert plan.reference is None
    assert plan.comparison is None
    assert "cannot serve the demand" in plan.reference_note


def test_reference_of_a_reference_is_itself() -> None:
    """Proves: taking the reference twice changes nothing."""
    problem = problem_of(park(PARK % ("curtailable: true", "existing_kw: 3")))
    once = problem.reference()
    assert once.reference().park == once.park
