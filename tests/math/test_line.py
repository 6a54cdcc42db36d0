from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, day, park, problem_of, solve_text, solved

MEMBERS = "{north: {}, south: {}}"
PARK = """
    load: {type: load, member: south, power_kw: 9}
    grid: {type: grid, member: north, import_price_per_kwh: 1}
    dear: {type: supply, member: south, carrier: electricity, price_per_kwh: 3}
    cable: {type: line, member: north, to: south, power_kw: 8, efficiency: 0.9%s}
"""


def test_what_arrives_is_what_was_sent_less_the_loss() -> None:
    """Proves: 8 kW sent, 7.2 arrive, 1.8 are bought at 3: 8 + 5.4. Sensitivity: a kW saves 2.7 − 1."""
    text = park(PARK % "", hours=1, members=MEMBERS)
    results = solved(text)
    assert results.of("cable.forward") == pytest.approx([8])
    assert results.of("cable.backward") == pytest.approx([0])
    assert results.cost == pytest.approx(8 + 5.4)
    more = solved(text.replace("power_kw: 8", "power_kw: 9"))
    assert results.cost - more.cost == pytest.approx(1.7)
    assert results.prices["north.electricity"].to_list() == pytest.approx([1])
    assert results.prices["south.electricity"].to_list() == pytest.approx([3])


def test_a_kwh_sent_costs_at_the_owner() -> None:
    """Proves: 8 kWh × 0.1 stand with the line's member. Sensitivity: at 2 a kWh nothing is sent."""
    results = solved(park(PARK % ", variable_om_per_kwh: 0.1", hours=1, members=MEMBERS))
    assert bill(results, "cable", "variable_om") == pytest.approx(0.8)
    assert set(results.ledger.loc[results.ledger["asset"] == "cable", "member"]) == {"north"}
    idle = solved(park(PARK % ", variable_om_per_kwh: 2", hours=1, members=MEMBERS))
    assert idle.of("cable.forward") == pytest.approx([0])


@pytest.mark.parametrize(("both_ways", "cost"), [("true", 5.4 + 0.6), ("false", 5.4 + 10.8)])
def test_flow_back(both_ways: str, cost: float) -> None:
    """Proves: south's sun serves north if the line may flow back.

    Hour 1: north buys 5.4 at 1. Hour 2: south's 6 kW bring 5.4 to north, for 0.1 a kWh sent; without
    the way back north buys 5.4 at 2. Sensitivity: the way back saves 10.2.
    """
    text = park(
        f"""
        load: {{type: load, member: north, power_kw: {day(5.4, 5.4)}}}
        grid: {{type: grid, member: north, import_price_per_kwh: {day(1, 2)}}}
        sun: {{type: pv, member: south, power_kw: 6, output_per_kw: {day(0, 1)}}}
        cable:
          type: line
          member: north
          to: south
          power_kw: 8
          efficiency: 0.9
          variable_om_per_kwh: 0.1
          both_ways: {both_ways}
        """,
        members=MEMBERS,
    )
    assert solved(text).cost == pytest.approx(cost)


def test_size_of_a_line() -> None:
    """Proves: a kW sent saves 3 × 0.9 − 1 = 1.7 and costs 1: 10 kW for 9 kW. Sensitivity: at 2, none."""
    priced = "power_kw: {max_kw: 50, capex_per_kw: 10, lifetime_years: 10}"
    text = park(PARK.replace("power_kw: 8", priced) % "", hours=1, members=MEMBERS)
    assert solved(text).size("cable") == pytest.approx(10)
    assert solved(text.replace("capex_per_kw: 10", "capex_per_kw: 20")).size("cable") == 0


def test_members_are_apart_without_a_line() -> None:
    """Proves: a balance belongs to a member: south cannot use north's grid."""
    text = """
        load: {type: load, member: south, power_kw: 9}
        sun: {type: pv, member: south, power_kw: 1, output_per_kw: 1}
        grid: {type: grid, member: north, import_price_per_kwh: 1}
        use: {type: load, member: north, power_kw: 1}
    """
    with pytest.raises(InfeasibleError, match=r"electricity of south is short.*by 8 kW"):
        solve_text(park(text, hours=1, members=MEMBERS))


def test_accounts_of_members() -> None:
    """Proves: each member's ledger holds what its own assets cost. Sensitivity: prices 1 and 3."""
    results = solved(
        park(
            """
            a: {type: load, member: north, power_kw: 1}
            b: {type: load, member: south, power_kw: 2}
            grid_a: {type: grid, member: north, import_price_per_kwh: 1}
            grid_b: {type: grid, member: south, import_price_per_kwh: 3}
            """,
            members=MEMBERS,
        )
    )
    by_member = results.ledger.groupby("member")["amount"].sum()
    assert (by_member["north"], by_member["south"]) == (pytest.approx(2), pytest.approx(12))


def test_pipe_for_heat() -> None:
    """Proves: any carrier in kWh may flow. Sensitivity: 10 kW of heat need 10/0.8 sent."""
    results = solved(
        park(
            """
            heat: {type: heat_demand, member: south, power_kw: 10}
            plant: {type: supply, member: north, carrier: heat, price_per_kwh: 1}
            pipe: {type: line, member: north, to: south, carrier: heat, power_kw: 99, efficiency: 0.8}
            """,
            hours=1,
            members=MEMBERS,
        )
    )
    assert results.cost == pytest.approx(12.5)


def test_line_to_itself_is_refused() -> None:
    """Proves: both ends must differ: a line to itself would be an outlet that nobody declared."""
    with pytest.raises(InputError, match=r"cable\.to = 'north'.*itself"):
        problem_of(park((PARK % "").replace("to: south", "to: north"), members=MEMBERS))


def test_line_of_a_carrier_in_kg_is_refused() -> None:
    """Proves: a capacity in kW does not limit kg/h."""
    with pytest.raises(InputError, match=r"cable\.carrier = 'hydrogen'.*counted in kg"):
        problem_of(park((PARK % ", carrier: hydrogen"), members=MEMBERS))


def test_standing_loss_is_drawn_at_the_near_end() -> None:
    """Proves: 0.5 kW and 1 % of 8 kW are bought in the north in every step, flow or not.

    8 kW are sent for 1 h and 2 h. Sensitivity: the loss costs 0.58 × 3.
    """
    text = park(
        PARK % ", standing_loss_kw: 0.5, standing_loss_fraction: 0.01",
        horizon="{start: 2025-03-03, steps_hours: [1, 2]}",
        members=MEMBERS,
    )
    results = solved(text)
    assert results.of("cable.standing_loss") == pytest.approx([0.58, 0.58])
    assert results.of("grid.import") == pytest.approx([8.58, 8.58])
    assert results.cost == pytest.approx((8 + 5.4 + 0.58) * 3)
    lost = results.details.set_index("name").loc["lost", "value"]
    assert lost == pytest.approx((0.8 + 0.58) * 3)


def test_standing_loss_counts_in_the_choice_of_size() -> None:
    """Proves: a kW sent saves 2.7 − 1 and costs 1 and its loss of 0.1: 10 kW. Sensitivity: at 0.8, none."""
    size = "power_kw: {max_kw: 50, capex_per_kw: 10, lifetime_years: 10}"
    text = park(
        PARK.replace("power_kw: 8", size) % ", standing_loss_fraction: 0.1",
        hours=1,
        members=MEMBERS,
    )
    results = solved(text)
    assert results.size("cable") == pytest.approx(10)
    assert results.of("cable.standing_loss") == pytest.approx([1])
    assert results.cost == pytest.approx(10 + 10 + 1)
    dear = solved(text.replace("fraction: 0.1", "fraction: 0.8"))
    assert dear.size("cable") == pytest.approx(0)


def test_flow_both_ways_at_once_is_noted() -> None:
    """Proves: paid to burn electricity, a line with loss sends in circles; the audit says so."""
    text = park(
        """
        load: {type: load, member: south, power_kw: 1}
        grid: {type: grid, member: north, import_price_per_kwh: -1}
        cable: {type: line, member: north, to: south, power_kw: 8, efficiency: 0.5}
        """,
        hours=1,
        members=MEMBERS,
    )
    _, audit = solve_text(text)
    audit.require()
    assert any("sends both ways at once" in note for note in audit.notes)


CIRCLE = """
    load: {type: load, member: south, power_kw: 1}
    grid: {type: grid, member: north, import_price_per_kwh: -1}
    cable: {type: line, member: north, to: south, power_kw: %s, efficiency: 0.5, exclusive: %s}
"""


@pytest.mark.parametrize(("exclusive", "paid"), [("false", 6.5), ("true", 2.0)])
@pytest.mark.parametrize("power", ["8", "{max_kw: 8, min_kw: 8}"])
def test_one_way_at_a_time(power: str, exclusive: str, paid: float) -> None:
    """Proves: a line that sends one way at a time burns nothing.

    Paid 1 a kWh: the load of 1 kW takes 2. Sending back g of f, 0.5 f = 1 + g, f − 0.5 g are bought,
    6.5 kW with f = 8. Sensitivity: the rule costs 4.5 an hour, for steps of 1, 2 and 0.5 h 15.75.
    """
    text = park(
        CIRCLE % (power, exclusive),
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
        members=MEMBERS,
    )
    results = solved(text)
    assert results.cost == pytest.approx(-3.5 * paid)
    if exclusive == "true":
        assert results.of("cable.forward") == pytest.approx([2, 2, 2])
        assert results.of("cable.forwarding") == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("power", "more", "words"),
    [
        ("{capex_per_kw: 1, lifetime_years: 5}", "", "needs a bound: give max_kw"),
        ("8", ", both_ways: false", "needs `both_ways`"),
    ],
)
def test_one_way_at_a_time_needs_a_bound(power: str, more: str, words: str) -> None:
    text = park(CIRCLE % (power, "true" + more), members=MEMBERS)
    with pytest.raises(InputError, match=words):
        problem_of(text)
