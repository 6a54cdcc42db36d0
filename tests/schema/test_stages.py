"""Stages in a park file: what they mean, and what is told when they cannot be."""

from __future__ import annotations

import re

import pytest

from microgrid_opt import study, yamlio
from microgrid_opt.errors import InputError
from microgrid_opt.yamlio.stages import apply_stages, stage_years
from tests.pathways import PLAIN, staged
from tests.support import park

ASSETS = """
load: {type: load, power_kw: 100}
grid: {type: grid, import_price_per_kwh: 1}
pv:
  type: pv
  power_kw: {max_kw: 50, capex_per_kw: 9, lifetime_years: 10}
  output_per_kw: 1
old:
  type: pv
  power_kw: {existing_kw: 10, fixed_om_per_kw_year: 0.1, retirement: partial}
  output_per_kw: 1
"""


def text(stages: str, finance: str = PLAIN, **sections: str) -> str:
    return park(ASSETS, hours=1, finance=finance, stages=stages, **sections)


def changing(change: str) -> str:
    """Return a park whose second stage makes a change."""
    return text(f"{{2027: {{}}, 2030: {change}}}")


def test_each_stage_changes_the_one_before() -> None:
    """Proves: overrides add up from stage to stage, null removes, and places lead to the last word."""
    document = yamlio.loads(
        "a: {x: 1, y: 1}\nstages:\n  2027: {}\n  2030: {a: {x: 2}}\n  '2035': {a: {y: null}}\n", "p"
    )
    assert stage_years(document) == (2027, 2030, 2035)
    assert [apply_stages(document, year).data["a"] for year in (None, 2027, 2030, 2035)] == [
        {"x": 1, "y": 1},
        {"x": 1, "y": 1},
        {"x": 2, "y": 1},
        {"x": 2},
    ]
    assert apply_stages(document, 2035).where(("a", "x")).line == 4


def test_scenarios_and_sets_come_before_the_stages(tmp_path: object) -> None:
    """Proves: `--scenario` may change a stage; `--set` reaches into one, and its value goes on."""
    from pathlib import Path

    path = Path(str(tmp_path)) / "park.yaml"
    scenario = "{dear: {stages: {2030: {assets: {grid: {import_price_per_kwh: 3}}}}}}"
    path.write_text(text("{2027: {}, 2030: {}, 2033: {}}", scenarios=scenario), encoding="utf-8")
    key = "stages.2033.assets"
    problem = study.load(
        path, scenario="dear", sets=["assets.load.power_kw=70", f"{key}={{load: {{power_kw: 60}}}}"]
    )
    assert not isinstance(problem, study.Problem)
    prices = [
        stage.arrays["assets.grid.import_price_per_kwh"][0] for stage in problem.stages.values()
    ]
    loads = [stage.arrays["assets.load.power_kw"][0] for stage in problem.stages.values()]
    assert (prices, loads) == ([1, 3, 3], [70, 70, 60])
    alone = study.load(path, scenario="dear", stage=2030)
    assert isinstance(alone, study.Problem)
    assert alone.origin.stage == 2030
    assert alone.arrays["assets.grid.import_price_per_kwh"][0] == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{}", "stages: is empty: it must be a mapping from calendar years"),
        ("[2027]", "stages: is a list: it must be a mapping from calendar years"),
        ("{2030: {}, 2027: {}}", "park.yaml:7:20: stages.2027: comes after 2030"),
        ("{soon: {}}", "stages.soon: must be a calendar year from 1900 to 2200"),
        ("{20271: {}}", "stages.20271: must be a calendar year"),
        ("{2027: 5}", "stages.2027: must be a mapping of the keys that it changes, not a number"),
        ("{2027: {stages: {}}}", "stages.2027.stages: a stage cannot change `stages`"),
        ("{2027: {scenarios: {}}}", "a stage cannot change `scenarios`"),
        ("{2027: {asets: {}}}", "asets: unknown key"),
        ("{2027: {}, 2030: {assets: {pv: {colour: red}}}}", "in stage 2030: unknown key"),
        ("{2027: {assets: {wind: null}}}", "null removes a key, but the park has no such key"),
    ],
)
def test_malformed_stages(given: str, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        staged(text(given))


def test_a_year_twice_is_refused() -> None:
    with pytest.raises(InputError, match="the key `2030` stands twice"):
        staged(text("{2030: {}, 2030: {}}"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("{horizon: {hours: 2}}", "the horizon must be the same in all stages"),
        ("{currency: EUR}", "the currency must be the same in all stages"),
        (
            "{finance: {discount_rate: 0.1}}",
            "finance.discount_rate: in stage 2030: the financial terms must",
        ),
        (
            "{finance: {annuity: straight_line}}",
            "finance.annuity: in stage 2030: the financial terms must be the",
        ),
        ("{members: {a: {}}}", "the members must be the same in all stages"),
        ("{site: {timezone: UTC}}", "the time zone must be the same in all stages"),
        (
            "{assets: {old: {power_kw: {existing_kw: 20}}}}",
            "existing_kw grows from 10 in 2027 to 20: what comes later is bought",
        ),
        (
            "{assets: {old: {power_kw: {retirement: none}}}}",
            "part of existing_kw may be given up in 2027, which this forgets: keep `retirement`",
        ),
        (
            "{assets: {old: {power_kw: {existing_kw: 5, retirement: none, max_kw: 20, "
            "annual_cost_per_kw: 9}}}}",
            "part of existing_kw may be given up in 2027, which this forgets: keep `retirement`",
        ),
        (
            "{assets: {pv: {power_kw: {existing_kw: 0, max_kw: null, capex_per_kw: null}}}}",
            "nothing can be bought any more, but what 2027 buys may still stand: keep max_kw",
        ),
        ("{assets: {pv: null}}", "assets.pv: in stage 2030: is removed, but what 2027 buys"),
        (
            "{assets: {pv: {power_kw: {annuity: project}}}}",
            "assets.pv.power_kw.annuity: in stage 2030: `project` means nothing in a park with",
        ),
    ],
)
def test_what_stages_cannot_say_together(change: str, told: str) -> None:
    """Proves: each contradiction is told with the stage and its place in the file."""
    with pytest.raises(InputError, match=re.escape(told)) as caught:
        staged(changing(change))
    where = caught.value.findings[0].where
    assert where is not None
    assert where.line == 7


def test_the_annuity_of_the_project_life_is_refused() -> None:
    """Proves: the default rule, which counts replacements, is refused once, with the way out."""
    finance = PLAIN.replace("annuity: lifetime", "annuity: project")
    for given in (finance, finance.replace("annuity: project, ", "")):
        with pytest.raises(InputError, match="write `annuity: lifetime`") as caught:
            staged(text("{2027: {}, 2030: {}}", finance=given))
        assert [finding.key for finding in caught.value.findings] == ["finance.annuity"]


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ("escalation: {grid: 0.02}", "give the prices of each stage"),
        (
            "incentives: {g: {type: grant, assets: [pv], fraction: 0.1}}",
            "take grants off the capex",
        ),
        (
            "third_party: {x: {type: lease, assets: [pv], payment_per_year: 1, years: 5}}",
            "a stage alone",
        ),
    ],
)
def test_terms_of_one_project_are_refused(terms: str, told: str) -> None:
    """Proves: what stands for the years of one project is told with the way out, at its own line."""
    given = PLAIN.replace("annuity: lifetime", f"annuity: lifetime, {terms}")
    with pytest.raises(InputError, match=re.escape(told)) as caught:
        staged(text("{2027: {}, 2030: {}}", finance=given))
    assert [finding.key for finding in caught.value.findings] == [f"finance.{terms.split(':')[0]}"]


def test_what_was_bought_may_go_when_its_life_is_over() -> None:
    """Proves: an asset may leave once no purchase of it lives. Sensitivity: life 3 instead of 10."""
    given = changing("{assets: {pv: null}}").replace("lifetime_years: 10", "lifetime_years: 3")
    assert list(staged(given).stages) == [2027, 2030]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("{end_year: 2029}", "pathway.end_year = 2029: must be 2030 or later"),
        ("{foresight: some}", "pathway.foresight = 'some': must be"),
        ("{co2_budget: 3}", "pathway.co2_budget = 3: unknown key; did you mean `co2_budget_t`?"),
        (
            "{foresight: myopic, co2_budget_t: 3}",
            "pathway.co2_budget_t = 3.0: a budget over all years needs perfect foresight",
        ),
    ],
)
def test_bad_pathway(keys: str, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        staged(text("{2027: {}, 2030: {}}", pathway=keys))


def test_pathway_and_choices_without_stages(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "park.yaml"
    path.write_text(park(ASSETS, hours=1, pathway="{}"), encoding="utf-8")
    with pytest.raises(InputError, match="pathway: is about `stages`, and the file has none"):
        study.load(path)
    path.write_text(park(ASSETS, hours=1), encoding="utf-8")
    with pytest.raises(InputError, match="there is no stage 2030; the file has none"):
        study.load(path, stage=2030)
    with pytest.raises(InputError, match="foresight is about parks with `stages`"):
        study.load(path, foresight="myopic")
    path.write_text(text("{2027: {}, 2030: {}}"), encoding="utf-8")
    with pytest.raises(InputError, match="there is no stage 2031; the file has 2027, 2030"):
        study.load(path, stage=2031)
    with pytest.raises(InputError, match=r"pathway.foresight.*must be"):
        study.load(path, foresight="late")


def test_what_all_stages_share_is_told_once() -> None:
    """Proves: a wrong key of the park itself is one finding, not one for each stage."""
    given = text("{2027: {}, 2030: {}, 2033: {}}").replace("output_per_kw", "output", 1)
    with pytest.raises(InputError) as caught:
        staged(given)
    assert len({finding.key for finding in caught.value.findings}) == len(caught.value.findings)


def test_a_given_total_below_what_stands() -> None:
    """Proves: 30 kW given where 50 kW of 2027 stand is told with stage, asset and a way out."""
    fixed = ASSETS.replace("max_kw: 50", "fixed_kw: 50")
    stages = "{2027: {}, 2030: {assets: {pv: {power_kw: {fixed_kw: 30}}}}}"
    with pytest.raises(InputError, match="in stage 2030: pv: fixed_kw 30 is less than the 50 kW"):
        study.solve(staged(park(fixed, hours=1, finance=PLAIN, stages=stages)), profile="test")
