"""A stage of a pathway as a plan: what it is called, and what its comparison may tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import open_plan, save
from microgrid_opt.compare import compare_stored
from microgrid_opt.pathway.limits import limits_of, words_of
from microgrid_opt.pathway.store import StoredPathway
from microgrid_opt.summary import summarise
from tests.math.test_pathway import FALLING, sunny
from tests.pathways import PLAIN, pathway

if TYPE_CHECKING:
    from pathlib import Path


def test_a_stage_names_itself_and_leaves_the_park_its_name(tmp_path: Path) -> None:
    """Proves: results, summary and reference are named by the stage; the saved park is not."""
    plan = pathway(FALLING)
    save(plan, tmp_path / "run")
    held = open_plan(tmp_path / "run")
    assert isinstance(held, StoredPathway)
    name = held.pathway.name
    for year, last in ((2027, 2029), (2030, 2034)):
        stage = held.stages[year]
        title = f"{name}, stage {year}, for {year}-{last}"
        assert stage.results.name == stage.summary["name"] == title
        assert stage.reference is not None
        assert stage.reference.name == title
        assert stage.park["name"] == name
        assert stage.manifest["origin"]["stages"] == [2027, 2030]
        assert stage.manifest["origin"]["foresight"] == "perfect"
    single = pathway(sunny("max_kw: 50, capex_per_kw: 6, lifetime_years: 10", "{2031: {}}"))
    assert single.stages[2031].results.name.endswith(", stage 2031, for 2031")


def test_a_stage_has_no_net_present_value_of_its_own() -> None:
    """Proves: cost of a year stays; what capex earns is told of the pathway only.

    Sensitivity: a pathway of one stage has bought all that earns, and tells it.
    """
    plan = pathway(FALLING, "myopic")
    for stage in plan.stages.values():
        held = stage.comparison
        assert held is not None
        assert math.isnan(held.npv)
        assert (held.irr, held.payback_years, held.discounted_payback_years) == (None,) * 3
        assert held.flows is None
        assert not {"npv", "irr", "payback", "discounted_payback"} & held.quantities().keys()
        assert [note for note in held.notes if "net present value of the pathway" in note]
        told = summarise(stage)["comparison"]
        assert "npv" not in told
        assert told["yearly_cost"]["value"] == held.yearly_cost
    single = pathway(sunny("max_kw: 50, capex_per_kw: 6, lifetime_years: 10", "{2027: {}}"))
    alone = single.stages[2027].comparison
    assert alone is not None
    assert math.isfinite(alone.npv)
    assert alone.payback_years is not None


@pytest.mark.parametrize("scaling", ["auto", "full"])
def test_annuities_of_earlier_purchases_count_once_a_year(scaling: str, tmp_path: Path) -> None:
    """Proves: 50 kW of 2027 cost 0.9 × 50 = 45 CNY in a year of 2030, whatever the horizon carries.

    Running cost of a year: 8760 × 50 with PV, 8760 × 100 without, so 438,000 are saved before capital.
    Sensitivity: counted as running cost of one hour the annuity would be 8760 times as much.
    """
    text = sunny(
        "max_kw: 50, capex_per_kw: 9, lifetime_years: 10",
        "{2027: {}, 2030: {}}",
        finance=PLAIN.replace("full", scaling),
    )
    plan = pathway(text)
    held = plan.stages[2030].comparison
    assert held is not None
    assert held.yearly_cost == pytest.approx(8760 * 50 + 45)
    assert held.other_yearly_cost == pytest.approx(8760 * 100)
    assert held.yearly_operating_saving == pytest.approx(8760 * 50)
    assert held.abatement_cost_per_t == pytest.approx((45 - 438_000) / 438)
    save(plan, tmp_path / "run")
    stored = open_plan(tmp_path / "run")
    assert isinstance(stored, StoredPathway)
    both = compare_stored(stored.stages[2030], stored.stages[2027])
    assert both.yearly_cost == pytest.approx(both.other_yearly_cost)
    assert both.yearly_operating_saving == pytest.approx(0, abs=1e-6)
    assert math.isnan(both.npv)


def test_limits_of_the_stages_side_by_side() -> None:
    """Proves: 50 of 100 kg are allowed in 2030 only, at 0.1 a kg: PV at 1.1 in place of the grid at 1."""
    text = sunny(
        "max_kw: 100, capex_per_kw: 11, lifetime_years: 10",
        "{2027: {carbon: {cap_t_per_year: 1000}}, 2030: {carbon: {cap_t_per_year: 438}}}",
    )
    stages = {year: stage.results for year, stage in pathway(text).stages.items()}
    (limits,) = limits_of(stages).values()
    assert words_of(limits) == "CO2 cap"
    assert [limit.year for limit in limits] == [2027, 2030]
    assert [limit.binding for limit in limits] == [False, True]
    assert limits[1].limit == limits[1].value == pytest.approx(50)
    assert limits[1].worth == pytest.approx(100)
    assert limits[1].worth_unit == "CNY/t"
