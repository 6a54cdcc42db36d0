"""The shared battery: accounts that add up, netting of the power, parts of the capacity."""

from __future__ import annotations

from typing import Any

import pytest

from microgrid_opt.builder import Builder
from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solve_text, solved

EQUAL = "{factory: {}, office: {}}"


def shared(
    battery: str,
    *,
    users: str = EQUAL,
    factory: tuple[str, str] = (day(1, 3), day(0, 10)),
    office: tuple[str, str] = (day(1, 3), day(0, 10)),
    lab: tuple[str, str] | None = None,
    more: str = "",
    hours: float = 2,
    **sections: str,
) -> str:
    """Return a park of members with (price, load) each, and one battery without losses."""
    places = {"factory": factory, "office": office} | ({} if lab is None else {"lab": lab})
    assets = [
        f"""
{key}_load: {{type: load, member: {key}, power_kw: {load}}}
{key}_grid: {{type: grid, member: {key}, import_price_per_kwh: {price}}}"""
        for key, (price, load) in places.items()
    ]
    losses = "" if "charge_eff" in battery else "charge_efficiency: 1, discharge_efficiency: 1, "
    assets.append(
        f"""
pool: {{type: shared_battery, member: factory, users: {users}, {losses}{battery}}}
{more}"""
    )
    members = "{" + ", ".join(f"{key}: {{}}" for key in places) + "}"
    return park("".join(assets), hours=hours, members=members, **sections)


def test_each_user_charges_and_discharges_at_its_own_balance() -> None:
    """Proves: 15 kWh of room serve 10 of the dearer user, 5 of the other: 15 + 5 × 3.

    Sensitivity: 20 kWh serve both.
    """
    text = shared("energy_kwh: 15, power_kw: 50", office=(day(1, 4), day(0, 10)))
    results = solved(text)
    assert results.of("pool.discharge_office") == pytest.approx([0, 10])
    assert results.of("pool.discharge_factory") == pytest.approx([0, 5])
    assert results.of("pool.state_of_charge") == pytest.approx([15, 0])
    assert results.of("pool.state_of_charge_office") == pytest.approx([10, 0])
    assert results.of("office_grid.import") == pytest.approx([10, 0])
    assert results.cost == pytest.approx(15 + 15)
    figures = results.details.set_index("name")["value"]
    assert figures["discharged_office"] == pytest.approx(10)
    assert figures["full_cycles"] == pytest.approx(1)
    assert solved(text.replace("energy_kwh: 15", "energy_kwh: 20")).cost == pytest.approx(20)


def test_nobody_takes_out_what_another_put_in() -> None:
    """Proves: free power of the factory does not reach the office: it charges its own at 1.

    Sensitivity: with the load of the office at the factory's balance it is served for nothing.
    """
    free = f"sun: {{type: pv, member: factory, power_kw: 10, output_per_kw: {day(1)}}}"
    text = shared("energy_kwh: 50, power_kw: 50", factory=(day(1, 3), day(0, 0)), more=free)
    results = solved(text)
    assert results.of("pool.charge_office") == pytest.approx([10, 0])
    assert results.cost == pytest.approx(10)
    moved = text.replace("type: load, member: office", "type: load, member: factory")
    assert solved(moved).cost == pytest.approx(0)


def test_users_may_be_nodes() -> None:
    """Proves: a hall of a member has an account of its own. Sensitivity: no user, no battery."""
    text = park(
        f"""
        load: {{type: load, node: hall, power_kw: {day(0, 10)}}}
        grid: {{type: grid, node: hall, import_price_per_kwh: {day(1, 3)}}}
        pool: {{type: shared_battery, users: {{hall: {{}}}}, energy_kwh: 4, power_kw: 9,
          charge_efficiency: 1, discharge_efficiency: 1}}
        """,
        nodes="{hall: {}}",
    )
    assert solved(text).cost == pytest.approx(4 + 6 * 3)


# ------------------------------------------------------------------ power

SHIFTED: dict[str, Any] = {
    "office": (day(1, 3, 3), day(0, 10, 0)),
    "factory": (day(3, 1, 3), day(0, 0, 10)),
    "lab": (day(3, 1, 3), day(0, 0, 10)),
    "users": "{factory: {}, office: {}, lab: {}}",
    "hours": 3,
}


@pytest.mark.parametrize(
    ("rule", "moved"),
    [
        # In hour 2 the office gives 10 while factory and lab take 20: 10 pass the converter. In hour 3
        # both together get 10.
        ("power_kw: 10", 20),
        ("power_kw: 15", 25),
        ("power_kw: 20", 30),
        ("power_kw: 10, netting: false", 20),
        ("power_kw: 20, netting: false", 30),
        # Hour 2: 10 in and 10 out at once need 20.
        ("power_kw: 10, netting: false, shared_power_limit: true", 10),
        ("power_kw: 10, netting: false, exclusive: true", 10),
    ],
)
def test_power_limits_what_is_left_after_netting(rule: str, moved: float) -> None:
    """Proves: each kWh moved saves 2; how many move by the rule. Sensitivity: per case."""
    results = solved(shared(f"energy_kwh: 50, {rule}", **SHIFTED))
    assert results.cost == pytest.approx(30 * 3 - 2 * moved)


def test_charge_exceeds_the_power_before_netting_only() -> None:
    """Proves: 20 kW in and 10 kW out at once are 10 kW of converter: all 30 kWh move at 1 and 0.01.

    Sensitivity: without netting only 10 kW go in at once, and 20 kWh move.
    """
    case = SHIFTED | {
        "factory": (day(3, 1, 3, 3), day(0, 0, 10, 0)),
        "lab": (day(3, 1, 3, 3), day(0, 0, 0, 10)),
        "office": (day(1, 3, 3, 3), day(0, 10, 0, 0)),
        "hours": 4,
    }
    text = shared("energy_kwh: 50, power_kw: 10, charge_cost_per_kwh: 0.01", **case)
    results = solved(text)
    assert results.of("pool.charge") == pytest.approx([10, 20, 0, 0])
    assert results.of("pool.discharge") == pytest.approx([0, 10, 10, 10])
    assert results.cost == pytest.approx(30 + 0.3)
    gross = solved(text.replace("power_kw: 10,", "power_kw: 10, netting: false,"))
    assert gross.cost == pytest.approx(90 - 40 + 0.2)


def test_power_of_one_user() -> None:
    """Proves: a fifth of 20 kW for the office: 4 kWh move. Sensitivity: a half, 10."""
    users = "{factory: {}, office: {power_share_fraction: %s}}"
    text = shared("energy_kwh: 50, power_kw: 20", users=users % 0.2, factory=("1", "0"))
    assert solved(text).cost == pytest.approx(4 + 6 * 3)
    half = shared("energy_kwh: 50, power_kw: 20", users=users % 0.5, factory=("1", "0"))
    assert solved(half).cost == pytest.approx(10)


# ------------------------------------------------------------------ parts of the capacity


def test_part_that_one_user_holds() -> None:
    """Proves: the office holds 60 % of 10 kWh and gets 6, the factory the rest at a better spread.

    6 × 2 and 4 × 3 saved of 30 + 40. Sensitivity: without parts all 10 go to the factory.
    """
    case: dict[str, Any] = {"factory": (day(1, 4), day(0, 10))}
    users = "{factory: {}, office: {share_fraction: 0.6}}"
    text = shared("energy_kwh: 10, power_kw: 50", users=users, **case)
    assert solved(text).cost == pytest.approx(70 - 6 * 2 - 4 * 3)
    assert solved(text.replace(users, EQUAL)).cost == pytest.approx(70 - 10 * 3)


def test_users_without_part_share_the_rest() -> None:
    """Proves: 3 of 10 kWh are held by an idle office: factory and lab get 7 together.

    Sensitivity: a part of 0.1 leaves 9.
    """
    case: dict[str, Any] = {"office": ("1", "0"), "lab": (day(1, 3), day(0, 10))}
    users = "{factory: {}, office: {share_fraction: 0.3}, lab: {}}"
    text = shared("energy_kwh: 10, power_kw: 50", users=users, **case)
    assert solved(text).cost == pytest.approx(60 - 7 * 2)
    assert solved(text.replace("0.3", "0.1")).cost == pytest.approx(60 - 9 * 2)


def test_one_battery_for_two_peaks_is_bought_once() -> None:
    """Proves: peaks of 10 kWh at different hours need 10 kWh of battery, not 20. Sensitivity: together."""
    battery = "energy_kwh: {max_kwh: 99, annual_cost_per_kwh: 0.1}, power_kw: 50"
    office = (day(1, 3, 3, 3), day(0, 10, 0, 0))
    apart = (day(3, 3, 1, 3), day(0, 0, 0, 10))
    results = solved(shared(battery, office=office, factory=apart, hours=4))
    assert results.size("pool", "energy") == pytest.approx(10)
    assert results.cost == pytest.approx(20 + 1)
    together = solved(shared(battery, hours=2))
    assert together.size("pool", "energy") == pytest.approx(20)


# ------------------------------------------------------------------ losses, start, wear


def test_losses_floor_and_start_of_every_account() -> None:
    """Proves: each starts with half of its part, keeps a tenth, loses 10 % an hour, over 2 h and 1 h.

    Factory, 8 kWh: 4 × 0.9² = 3.24, less 0.8/0.9 that must be left: 0.9 × (2.916 − 0.8) out.
    Office, 2 kWh: a quarter of it. Sensitivity: parts swapped, the same sum but other accounts.
    """
    users = "{factory: {share_fraction: 0.8}, office: {share_fraction: 0.2}}"
    text = shared(
        "energy_kwh: 10, power_kw: 50, charge_efficiency: 0.8, discharge_efficiency: 0.9, "
        "self_discharge_per_hour: 0.1, min_fraction: 0.1, initial_fraction: 0.5, final: free",
        users=users,
        factory=("9", day(0, 0, 10)),
        office=("9", day(0, 0, 10)),
        horizon="{start: 2025-03-03, steps_hours: [2, 1]}",
    )
    results = solved(text)
    out = 0.9 * (4 * 0.9**3 - 0.8)
    assert results.of("pool.discharge_factory") == pytest.approx([0, out])
    assert results.of("pool.discharge_office") == pytest.approx([0, out / 4])
    assert results.cost == pytest.approx(9 * (20 - 1.25 * out))


def test_standing_loss_is_borne_by_the_parts() -> None:
    """Proves: 1 % an hour of 20 kWh, three quarters of it by the factory, bought at 1 in two hours.

    Sensitivity: the two accounts bear 0.15 and 0.05 an hour.
    """
    users = "{factory: {share_fraction: 0.75}, office: {share_fraction: 0.25}}"
    text = shared(
        "energy_kwh: 20, power_kw: 50, standing_loss_per_hour: 0.01",
        users=users,
        factory=("1", "0"),
        office=("2", "0"),
    )
    assert solved(text).cost == pytest.approx(2 * (0.15 * 1 + 0.05 * 2))


def test_wear_and_costs_are_of_all_accounts() -> None:
    """Proves: 20 kWh at 0.1 in and 0.2 out; with ageing, 20 kWh fall: 20 × 1000 / 4000.

    Sensitivity: per user it would be half.
    """
    costs = "charge_cost_per_kwh: 0.1, discharge_cost_per_kwh: 0.2"
    text = shared(f"energy_kwh: 20, power_kw: 50, {costs}")
    assert bill(solved(text), "pool", "variable_om") == pytest.approx(6)
    ageing = (
        "ageing: {end_of_life_fraction: 0.8, price_per_kwh: 1000, "
        "cycle_life: [{depth_fraction: 0.5, cycles: 8000}, {depth_fraction: 1, cycles: 4000}]}"
    )
    aged = solved(text.replace(costs, ageing))
    assert bill(aged, "pool", "ageing") == pytest.approx(5)


# ------------------------------------------------------------------ audit and refusals


@pytest.mark.parametrize(
    ("energy", "rule", "found"),
    [
        (50, "accounts_", "accounts add up: charge"),
        (50, "accounts_", "accounts add up: discharge"),
        (50, "accounts_", "accounts add up: state_of_charge"),
        (50, "net_discharge", "net power"),
        (20, "common_part", "common part of the capacity"),
    ],
)
def test_audit_finds_a_rule_left_out(
    monkeypatch: pytest.MonkeyPatch, energy: float, rule: str, found: str
) -> None:
    """Proves: accounts, netting and parts are stated again by the audit. Sensitivity: whole, it passes."""
    case = SHIFTED | {"users": "{factory: {}, office: {share_fraction: 0.3}, lab: {}}"}
    costs = "charge_cost_per_kwh: 0.01, discharge_cost_per_kwh: 0.01"
    text = shared(f"energy_kwh: {energy}, power_kw: 15, {costs}", **case)
    solved(text)
    honest = Builder.require

    def spoiled(self: Builder, name: str, *args: Any, **more: Any) -> None:
        if not name.startswith(rule):
            honest(self, name, *args, **more)

    monkeypatch.setattr(Builder, "require", spoiled)
    _, audit = solve_text(text)
    assert found in {check.what for check in audit.failures}


@pytest.mark.parametrize(
    ("battery", "users", "message"),
    [
        (
            "energy_kwh: 1, power_kw: 1",
            "{factory: {}, ofice: {}}",
            "is no member or node of the park",
        ),
        ("energy_kwh: 1, power_kw: 1", "{}", "users"),
        (
            "energy_kwh: 1, power_kw: 1",
            "{factory: {share_fraction: 0.7}, office: {share_fraction: 0.6}}",
            "users.*hold shares that add up to 1.3: they may not exceed 1",
        ),
        (
            "energy_kwh: 1, power_kw: 1",
            "{factory: {share_fraction: 1}, office: {}}",
            "users.*hold all of it by their shares, nothing is left for `office`",
        ),
        (
            "energy_kwh: 1, power_kw: 1, initial_fraction: 0.5",
            EQUAL,
            "initial_fraction.*needs an owner for all of it",
        ),
        (
            "energy_kwh: 1, power_kw: 1, exclusive: true",
            EQUAL,
            "exclusive.*has no meaning with `netting`",
        ),
        ("energy_kwh: 1", EQUAL, "power_kw"),
    ],
)
def test_what_does_not_fit_is_refused(battery: str, users: str, message: str) -> None:
    """Proves: unknown users, too large parts and content of nobody are refused by name."""
    with pytest.raises(InputError, match=message):
        problem_of(shared(battery, users=users))
