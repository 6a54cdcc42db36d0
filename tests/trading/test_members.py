"""The park of some of its members: what stays, what goes, what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import study
from microgrid_opt.errors import InputError
from microgrid_opt.trading.fingerprint import fingerprint
from microgrid_opt.trading.members import restricted
from tests.support import dumped, park, problem_of, solved
from tests.trading.games import CHAIN, CHAIN_COSTS, GRIDS, LINES, THREE, of_names

if TYPE_CHECKING:
    from pathlib import Path


def cost(text: str, *members: str) -> float:
    results, audit = study.run(restricted(problem_of(text), members), study.Asked("test"))
    audit.require()
    return results.cost


def battery(users: str, **more: str) -> str:
    extra = "".join(f"\n  {key}: {value}" for key, value in more.items())
    return (
        "store:\n  type: shared_battery\n  member: a\n"
        f"  users: {users}\n  energy_kwh: 10\n  power_kw: 10\n"
        f"  charge_efficiency: 1\n  discharge_efficiency: 1{extra}\n"
    )


def shares(text: str, *members: str) -> dict[str, float | None]:
    (store,) = restricted(problem_of(text), members).park.assets.values()
    return {place: user.share_fraction for place, user in store.users.items()}  # type: ignore[attr-defined]


# ---------------------------------------------------------------------- what is theirs


def test_lines_serve_coalitions_of_both_ends() -> None:
    """Proves: by hand, c buys 6 kW over b's line, b 5 kW over a's; a coalition has the lines whose
    ends are its own.

    Sensitivity: a line kept with one end outside, or dropped with both inside.
    """
    for who, expected in of_names(CHAIN_COSTS).items():
        assert cost(CHAIN, *who) == pytest.approx(expected)


def test_a_coalition_is_a_park_of_its_own() -> None:
    """Proves: what is left is what a file of it would say; it solves, audits and round-trips."""
    nodes = "{hall: {member: a}, yard: {member: c}}"
    text = park(
        GRIDS + LINES + "feeder: {type: line, member: a, to: hall, power_kw: 3}\n"
        "hall_load: {type: load, member: a, node: hall, power_kw: 2}\n"
        "guest: {type: load, member: b, node: yard, power_kw: 0}\n",
        members=THREE,
        nodes=nodes,
    )
    part = restricted(problem_of(text), {"a", "b"})
    assert set(part.park.members) == {"a", "b"}
    assert set(part.park.nodes) == {"hall"}
    assert "guest" not in part.park.assets  # it stands at a node of c
    assert not {"grid_c", "load_c", "line_bc"} & part.park.assets.keys()
    assert {key.split(".")[1] for key in part.arrays} <= part.park.assets.keys()
    assert solved(dumped(part)).cost == pytest.approx(20 + 40 - 10 + 2 * 2 * 1)


def test_everybody_is_the_problem_itself() -> None:
    """Proves: the grand coalition keeps caps of the group and is not rebuilt."""
    problem = problem_of(park(GRIDS, members=THREE, carbon="{cap_t_per_year: 1}"))
    assert restricted(problem, ["c", "a", "b"]) is problem


# ---------------------------------------------------------------------- shared battery


@pytest.mark.parametrize(
    ("users", "members", "left"),
    [
        ("{a: {share_fraction: 0.5}, b: {share_fraction: 0.3}, c: {share_fraction: 0.2}}",
         "ab", {"a": 0.625, "b": 0.375}),
        ("{a: {share_fraction: 0.4}, b: {share_fraction: 0.4}}", "ac", {"a": 0.8}),
        ("{a: {share_fraction: 0.5}, b: {share_fraction: 0.25}, c: {}}", "ab", {"a": 2 / 3, "b": 1 / 3}),
        ("{a: {share_fraction: 0.5}, b: {share_fraction: 0.25}, c: {}}", "ac", {"a": 2 / 3, "c": None}),
        ("{a: {}, b: {share_fraction: 0.25}, c: {}}", "ac", {"a": None, "c": None}),
    ],
)  # fmt: skip
def test_parts_of_those_outside_fall_to_the_others(
    users: str, members: str, left: dict[str, float | None]
) -> None:
    """Proves: the share of the capacity that is held stays; parts keep their proportions.

    First: 0.5 : 0.3 of a whole battery. Second: 0.8 of it is held, also by one. Fourth: of 0.75 that a
    (0.5) and the common part (0.25) hold, a has two thirds.
    """
    text = park(battery(users), members=THREE)
    assert shares(text, *members) == pytest.approx(left)


def test_the_battery_is_its_owners() -> None:
    """Proves: without its owner, or without any user, there is no battery."""
    text = park(GRIDS + battery("{b: {}, c: {}}"), members=THREE)
    assert "store" not in restricted(problem_of(text), {"b", "c"}).park.assets
    assert "store" not in restricted(problem_of(text), {"a"}).park.assets
    assert "store" in restricted(problem_of(text), {"a", "b"}).park.assets
    own = park(GRIDS + battery("{a: {}, b: {}}"), members=THREE)
    assert "store" not in restricted(problem_of(own), {"b", "c"}).park.assets


def test_a_standing_loss_finds_an_owner_for_all_of_it() -> None:
    """Proves: a rule that needs parts adding up to 1 still holds in a coalition."""
    text = park(
        GRIDS
        + battery(
            "{a: {share_fraction: 0.7}, b: {share_fraction: 0.1}, c: {share_fraction: 0.2}}",
            initial_fraction="0.5",
        ),
        members=THREE,
    )
    part = restricted(problem_of(text), {"a", "b"})
    solved(dumped(part))


# ---------------------------------------------------------------------- park-level rules

ROOFS = """
pv_a: {type: pv, member: a, output_per_kw: 1, power_kw: {max_kw: 4, annual_cost_per_kw: 1}, area: {name: roof, m2_per_kw: 5}}
pv_b: {type: pv, member: b, output_per_kw: 1, power_kw: {max_kw: 4, annual_cost_per_kw: 1}, area: {name: roof, m2_per_kw: 5}}
"""


def test_limits_of_the_group_are_refused() -> None:
    """Proves: a cap, a roof and a ceiling that go beyond the coalition are told, all at once, by key."""
    text = park(
        GRIDS + ROOFS,
        members=THREE,
        carbon="{cap_t_per_year: 1}",
        areas="{roof: 30, unused: 5}",
        finance="{discount_rate: 0, project_years: 10, investment_scaling: full, incentives: "
        "{grant: {type: grant, assets: [pv_a, pv_b], amount_per_unit: 1, max_amount: 9}}}",
    )
    problem = problem_of(text)
    with pytest.raises(InputError) as told:
        restricted(problem, {"a", "c"})
    keys = [finding.key for finding in told.value.findings]
    assert keys == [
        "carbon.cap_t_per_year",
        "areas.roof",
        "finance.incentives.grant.max_amount",
    ]
    assert all(finding.where is not None and finding.where.line for finding in told.value.findings)
    with pytest.raises(InputError) as told:
        restricted(problem, {"a", "b"})
    assert [finding.key for finding in told.value.findings] == ["carbon.cap_t_per_year"]


def test_a_roof_of_all_its_users_stays() -> None:
    text = park(GRIDS + ROOFS, members=THREE, areas="{roof: 30, unused: 5}")
    assert set(restricted(problem_of(text), {"a", "b"}).park.areas) == {"roof"}
    assert not restricted(problem_of(text), {"c"}).park.areas
    # 30 m2 carry 6 of 8 kW at 1: in two hours each saves 2 at a's, 4 at b's place.
    assert cost(text, "a", "b") == pytest.approx(60 + 6 - 2 * (4 * 2 + 2 * 1))


def test_prices_and_relative_targets_stay() -> None:
    """Proves: CO2 price and shares are those of the coalition.

    a alone pays 0.5 kg at 1000 per t more for each kWh, and must cover half of 20 kWh by its own PV,
    dear as it is.
    """
    pv = "pv_a: {type: pv, member: a, output_per_kw: 1, power_kw: {max_kw: 9, annual_cost_per_kw: 30}}\n"
    text = park(
        GRIDS + pv,
        members=THREE,
        carbon="{price_per_t: 1000}",
        targets="{min_renewable_share: 0.5}",
    )
    assert cost(text, "a") == pytest.approx(5 * 30 + 10 * 1.5)


def test_money_that_names_others_goes() -> None:
    """Proves: growth, refunds, incentives and contracts of assets outside are left out; categories that
    only they book are no error.
    """
    pv = "".join(
        f"pv_{m}: {{type: pv, member: {m}, output_per_kw: 1, power_kw: {{fixed_kw: 2, "
        f"capex_per_kw: 10, lifetime_years: 10}}, variable_om_per_kwh: {price}}}\n"
        for m, price in (("a", 0), ("b", 0.1))
    )
    finance = (
        "{discount_rate: 0, project_years: 10, investment_scaling: full, "
        "escalation: {grid_b: 1 %, pv_b.variable_om: 2 %, variable_om: 0}, "
        "vat: {fraction: 0.1, refunded_on: [pv_b], added_to: [grid_a]}, incentives: "
        "{feed: {type: production, assets: [pv_a, pv_b], price_per_unit: 0.2}, "
        "other: {type: production, assets: [pv_b], price_per_unit: 0.5}}, "
        "third_party: {x: {type: lease, assets: [pv_b], payment_per_year: 3}}}"
    )
    text = park(GRIDS + pv, members=THREE, finance=finance)
    part = restricted(problem_of(text), {"a"}).park.finance
    assert set(part.escalation) == {"variable_om"}
    assert part.vat is not None
    assert (part.vat.refunded_on, part.vat.added_to) == ((), ("grid_a",))
    assert {name: one.assets for name, one in part.incentives.items()} == {"feed": ("pv_a",)}
    assert not part.third_party
    # Nothing of a's books `variable_om`: its growth is no misspelling all the same.
    assert cost(text.replace("[grid_a]", "[]"), "a") == pytest.approx(2 * (8 * 1 - 2 * 0.2) + 2)


@pytest.mark.parametrize(
    ("members", "words"),
    [((), "at least one member"), (("a", "bb"), "'bb' is no member .*did you mean 'b'")],
)
def test_who_is_no_member_is_told(members: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        restricted(problem_of(park(GRIDS, members=THREE)), members)


# ---------------------------------------------------------------------- content hash

HASH = """
import sys
from microgrid_opt.trading.fingerprint import fingerprint
from microgrid_opt.trading.members import restricted
from tests.support import problem_of
text = open(sys.argv[1]).read()
print(fingerprint(restricted(problem_of(text), sys.argv[2].split(",")), kind="resized", options={"b", "a"}))
"""


def text_with_holidays() -> str:
    holidays = ", ".join(f"2025-0{m}-1{d}" for m in (3, 4, 5) for d in range(6))
    return park(GRIDS + LINES, members=THREE).replace(
        "hours: 2}", f"hours: 2, holidays: [{holidays}]}}"
    )


@pytest.mark.slow
def test_the_hash_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Proves: sets, whose order differs from process to process, do not enter by their order."""
    path = tmp_path / "park.yaml"
    path.write_text(text_with_holidays(), encoding="utf-8")
    found = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", HASH, str(path), members],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, members in (("1", "a,b"), ("2", "b,a"), ("77", "a,b"))
    }
    assert len(found) == 1


def test_the_hash_tells_contents_apart() -> None:
    """Proves: anything that may change the optimum changes the name; what belongs to others does not."""
    text = text_with_holidays()
    of_ab = fingerprint(restricted(problem_of(text), "ab"))
    same = text.replace("import_price_per_kwh: 4", "import_price_per_kwh: 5")  # c's
    assert fingerprint(restricted(problem_of(same), "ab")) == of_ab
    others = [
        restricted(
            problem_of(text.replace("import_price_per_kwh: 1", "import_price_per_kwh: 1.5")), "ab"
        ),
        restricted(problem_of(text.replace("2025-03-10, ", "")), "ab"),
        restricted(problem_of(text.replace("power_kw: 5", "power_kw: 5.000001")), "ab"),
        restricted(problem_of(text), "bc"),
        problem_of(text),
    ]
    names = {
        of_ab,
        *map(fingerprint, others),
        fingerprint(restricted(problem_of(text), "ab"), kind="x"),
    }
    assert len(names) == len(others) + 2
    assert len(of_ab) == 64
