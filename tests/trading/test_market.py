"""A park under one set of rules after another: what each changes, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microgrid_opt.errors import InputError
from microgrid_opt.study import run_model
from microgrid_opt.trading import modes
from microgrid_opt.trading.market import experiments, ranges_table, table, told
from microgrid_opt.trading.rulesets import RuleSet, Sweep, load_rules
from tests.support import EXACT
from tests.trading.markets import Market

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.trading.market import Outcome

PARK = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: east}}
    c_load: {type: load, member: c, power_kw: 80}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, retained_price_per_kwh: 0.1, co2_kg_per_kwh: 0.5, wheeling: {at: west}}
    """,
    network="{nodes: {east: {voltage_kv: 10, area: e}, west: {voltage_kv: 10, area: w}, top: {voltage_kv: 35}},"
    " lines: {a: {from: east, to: top, length_km: 1}, b: {from: top, to: west, length_km: 2}}}",
    fees="{use: {method: value, price_per_kwh: 0.04}, tax: {method: value, price_per_kwh: 0.01, paid_to: state}}",
)


@pytest.fixture
def park(tmp_path: Path) -> str:
    """Return the file of a park where 80 kWh gain 0.65 − 0.3 − 0.1 − 0.05 = 0.2 each."""
    path = tmp_path / "park.yaml"
    path.write_text(PARK.text, encoding="utf-8")
    return str(path)


def tried(park: str, **rules: RuleSet) -> dict[str, Outcome]:
    return {one.name: one for one in experiments(park, rules, asked=EXACT, ranges=True)}


def test_rules_side_by_side(park: str) -> None:
    """Proves: welfare is 80 kWh times what is left of the difference: 0.2 as it is, 0.25 without fees, 0.3
    without retained charges, 0.35 without both, nothing when trade stays within areas or nobody may
    buy; what network and state get follows.
    """
    found = tried(
        park,
        today=RuleSet(),
        no_fees=RuleSet(fee_factor=0),
        not_retained=RuleSet(retained=False),
        neither=RuleSet(fee_factor=0, retained=False),
        local=RuleSet(within="area"),
        nobody=RuleSet(buyers=()),
        sellers=RuleSet(sellers=("c_grid",)),
    )
    welfare = {name: one.values["welfare"] for name, one in found.items()}
    assert welfare == pytest.approx(
        {
            "today": 16,
            "no_fees": 20,
            "not_retained": 24,
            "neither": 28,
            "local": 0,
            "nobody": 0,
            "sellers": 0,
        },
        abs=1e-9,
    )
    today = found["today"]
    assert today.values["sent_kwh"] == pytest.approx(80)
    assert today.accounts["network"] == pytest.approx(80 * 0.04)
    assert today.accounts["state"] == pytest.approx(80 * (0.01 + 0.1))  # retained charges as well
    assert today.values["self_sufficiency"] == pytest.approx(1)
    assert today.values["co2_kg"] == pytest.approx(0)
    assert found["local"].values["co2_kg"] == pytest.approx(40)
    assert found["local"].values["self_sufficiency"] == pytest.approx(0)
    assert today.values["cost_alone"] - today.values["cost"] == pytest.approx(16)


def test_what_all_pay_is_what_the_accounts_get(park: str) -> None:
    """Proves: nothing else is paid in this park, so that cost = supplier + network + state."""
    for one in tried(park, today=RuleSet(), no_fees=RuleSet(fee_factor=0)).values():
        assert sum(one.accounts.values()) == pytest.approx(one.values["cost"])


def test_any_key_of_the_park_may_change(park: str) -> None:
    """Proves: a price of CO2 of 100 a tonne makes the avoided 40 kg worth 4 more."""
    found = tried(park, taxed=RuleSet(set={"carbon.price_per_t": 100}))["taxed"]
    assert found.values["welfare"] == pytest.approx(16 + 4)
    assert told([found], "CNY")["rule_sets"]["taxed"]["welfare"] == pytest.approx(20)


@pytest.mark.parametrize(
    ("fee", "price"),
    [
        ('{method: formula, energy_price_per_kwh: {"10": 0.13, "35": 0.11}}', 0.02),
        ('{method: table, price_per_kwh: {"10": {"35": 0.03}}}', 0.03),
        ("{method: distance, price_per_kwh_km: 0.01}", 0.03),
    ],
)
def test_the_level_of_every_kind_of_fee(tmp_path: Path, fee: str, price: float) -> None:
    """Proves: twice the fee takes twice its price off the gain, by formula, table and distance."""
    path = tmp_path / "park.yaml"
    path.write_text(PARK.but(fees=f"{{use: {fee}}}").text, encoding="utf-8")
    found = tried(str(path), double=RuleSet(fee_factor=2))["double"]
    assert found.values["welfare"] == pytest.approx(80 * (0.25 - 2 * price))
    assert found.accounts["network"] == pytest.approx(80 * 2 * price)


def test_a_window_lets_noon_serve_the_evening(tmp_path: Path) -> None:
    """Proves: by the hour nothing of what is made at noon meets the load of the evening; by the day it all
    does, 80 x 0.2.
    """
    market = PARK.but(
        ("output_per_kw: 1", f"output_per_kw: {{hourly: {[0] * 12 + [1] + [0] * 11}}}"),
        ("power_kw: 80", f"power_kw: {{hourly: {[0] * 20 + [80] + [0] * 3}}}"),
        hours=24,
    )
    path = tmp_path / "park.yaml"
    path.write_text(market.text, encoding="utf-8")
    found = experiments(str(path), Sweep(window=("hour", "day")).combinations(), asked=EXACT)
    assert [one.name for one in found] == ["window=hour", "window=day"]
    assert [one.values["welfare"] for one in found] == pytest.approx([0, 16], abs=1e-9)


def test_price_ranges(park: str) -> None:
    """Proves: both sides gain between 0.3 and 0.65 − 0.1 − 0.05 = 0.5; without the fee up to 0.55."""
    rules = {"today": RuleSet(), "no_fee": RuleSet(fee_factor=0)}
    rows = ranges_table(experiments(park, rules, asked=EXACT, ranges=True)).to_dict("records")
    assert [(row["low"], row["high"]) for row in rows] == [
        pytest.approx((0.3, 0.5)),
        pytest.approx((0.3, 0.55)),
    ]


def test_members_alone_are_solved_once(park: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: rules of trade leave those alone as they are: two members and three joint plans make five
    solves. Sensitivity: retained charges are part of a meter, and are solved anew.
    """
    real, labels = run_model, []

    def counted(*args: object, **words: object) -> object:
        labels.append(words["label"])
        return real(*args, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(modes, "run_model", counted)
    rules = {"a": RuleSet(), "b": RuleSet(fee_factor=0), "c": RuleSet(within="area")}
    experiments(park, rules, asked=EXACT)
    assert sorted(map(str, labels)) == ["c alone", "g alone", "joint", "joint", "joint"]
    labels.clear()
    experiments(park, {"a": RuleSet(), "b": RuleSet(retained=False)}, asked=EXACT)
    assert labels.count("c alone") == 2


def test_rules_that_no_plan_can_meet(park: str) -> None:
    """Proves: one impossible set of rules is told in its row, and the others are solved."""
    sets = {"assets.c_grid.import_limit_kw": 10, "trading.rules.buyers": []}
    found = tried(park, today=RuleSet(), dark=RuleSet(set=sets))
    assert "No plan" in found["dark"].notes[0]
    assert table(list(found.values()))["welfare"].isna().tolist() == [False, True]


# ---------------------------------------------------------------------- the file


def rules_of(folder: Path, text: str) -> dict[str, RuleSet]:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rules(path).all


def test_a_file_of_rules(tmp_path: Path) -> None:
    """Proves: sets by name, and every combination of what is swept, by a name that tells it."""
    found = rules_of(
        tmp_path,
        "schema: 1\n"
        "rule_sets: {today: {}, cheap: {label: Cheap, fee_factor: 0.5, sellers: [g_grid]}}\n"
        "sweep: {retained: [true, false], set: {carbon.price_per_t: [0, 100]}}\n",
    )
    assert list(found) == [
        "today",
        "cheap",
        "retained=true, carbon.price_per_t=0",
        "retained=true, carbon.price_per_t=100",
        "retained=false, carbon.price_per_t=0",
        "retained=false, carbon.price_per_t=100",
    ]
    assert found["cheap"].sets == ('trading.rules.sellers=["g_grid"]',)
    assert found["retained=false, carbon.price_per_t=100"].sets == ("carbon.price_per_t=100",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema: 1\n", "give `rule_sets`, or values to `sweep`"),
        ("schema: 1\nrule_sets:\n  a: {fee_facto: 1}\n", "rules.yaml:3"),
        ("schema: 1\nrule_sets:\n  a: {window: week}\n", "rules.yaml:3"),
        ("schema: 1\nrule_sets:\n  a: {fee_factor: -1}\n", "rules.yaml:3"),
    ],
)
def test_wrong_files_of_rules(tmp_path: Path, text: str, message: str) -> None:
    """Proves: what is wrong is told with its place."""
    with pytest.raises(InputError, match=message):
        rules_of(tmp_path, text)


def test_wrong_keys_are_told_before_anything_is_solved(park: str) -> None:
    """Proves: all sets of rules are read first, and each finding names its set."""
    with pytest.raises(InputError, match=r"rules 'a'(.|\n)*rules 'b'"):
        tried(park, a=RuleSet(sellers=("nobody",)), b=RuleSet(set={"assets.roof.power_kw": 1}))
