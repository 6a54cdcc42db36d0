"""Places inside a member: halls joined by transformers and pipes, and whose assets stand where."""

from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError
from tests.support import bill, day, park, problem_of, solve_text, solved

HALLS = "{press: {label: Press hall}, paint: {}}"
UNEQUAL = "{start: 2025-03-03, steps_hours: [1, 2]}"


def halls(transformer: str, *, extra: str = "") -> str:
    """Return a park of 9 kW of load in the paint shop, the grid in the press hall, one transformer."""
    return park(
        f"""
        ovens: {{type: load, node: paint, power_kw: 9}}
        presses: {{type: load, node: press, power_kw: 4}}
        grid: {{type: grid, node: press, import_price_per_kwh: 1}}
        diesel: {{type: supply, node: paint, carrier: electricity, price_per_kwh: 3}}
        transformer: {{type: line, node: press, to: paint, {transformer}}}
        {extra}
        """,
        horizon=UNEQUAL,
        nodes=HALLS,
    )


def test_limit_of_the_transformer_bites() -> None:
    """Proves: 5 kW sent, 4.9 arrive, 4.1 kW of diesel at 3: (4 + 5 + 12.3) × 3 h.

    Prices differ between the halls. Sensitivity: a kW more saves 0.98 × 3 − 1; with 20 kW the limit
    is gone and 9/0.98 kW are sent.
    """
    text = halls("power_kw: 5, efficiency: 0.98")
    results = solved(text)
    assert results.of("transformer.forward") == pytest.approx([5, 5])
    assert results.cost == pytest.approx((4 + 5 + 12.3) * 3)
    assert results.prices["press.electricity"].to_list() == pytest.approx([1, 1])
    assert results.prices["paint.electricity"].to_list() == pytest.approx([3, 3])
    more = solved(text.replace("power_kw: 5,", "power_kw: 6,"))
    assert results.cost - more.cost == pytest.approx((0.98 * 3 - 1) * 3)
    wide = solved(text.replace("power_kw: 5,", "power_kw: 20,"))
    assert wide.of("transformer.forward") == pytest.approx([9 / 0.98] * 2)
    assert wide.prices["paint.electricity"].to_list() == pytest.approx([1 / 0.98] * 2)


def test_halls_are_apart_without_a_line() -> None:
    """Proves: a node is a balance of its own: the press hall's grid does not reach the paint shop."""
    text = """
        ovens: {type: load, node: paint, power_kw: 9}
        lamp: {type: supply, node: paint, carrier: electricity, price_per_kwh: 3, limit_kw: 5}
        grid: {type: grid, node: press, import_price_per_kwh: 1}
        presses: {type: load, node: press, power_kw: 4}
    """
    with pytest.raises(InfeasibleError, match=r"electricity of paint is short.*by 4 kW"):
        solve_text(park(text, nodes=HALLS))


def test_demand_at_a_node_without_supply_is_told() -> None:
    """Proves: the message names the node, not the member."""
    text = """
        ovens: {type: load, node: paint, power_kw: 9}
        grid: {type: grid, import_price_per_kwh: 1}
        presses: {type: load, power_kw: 4}
    """
    with pytest.raises(InputError, match=r"no asset at 'paint' supplies electricity"):
        solve_text(park(text, nodes=HALLS))


def test_node_and_member_are_joined_like_two_nodes() -> None:
    """Proves: an asset without `node` is with its member, and a line may lead there and back.

    Hour 1: the roof's 6 kW serve 2 kW at the node, 4 kW flow back to the yard. Sensitivity: one way
    only, the yard buys 4 kW.
    """
    text = park(
        f"""
        yard: {{type: load, power_kw: 4}}
        grid: {{type: grid, import_price_per_kwh: 1}}
        hall: {{type: load, node: paint, power_kw: 2}}
        roof: {{type: pv, node: paint, power_kw: 6, output_per_kw: {day(1)}}}
        feeder: {{type: line, to: paint, power_kw: 10}}
        """,
        nodes=HALLS,
    )
    results = solved(text)
    net = results.of("feeder.forward") - results.of("feeder.backward")
    assert net == pytest.approx([-4, 2])
    assert results.cost == pytest.approx(6)
    one_way = solved(text.replace("power_kw: 10}", "power_kw: 10, both_ways: false}"))
    assert one_way.cost == pytest.approx(6 + 4)


def test_heat_pipe_between_halls_cools_down() -> None:
    """Proves: 9 kW arrive of 10 sent, and 0.5 kW are lost in every step: 10.5 kW for 3 h.

    Sensitivity: without the standing loss 10 kW.
    """
    text = park(
        """
        baths: {type: heat_demand, node: paint, power_kw: 9}
        plant: {type: supply, node: press, carrier: heat, price_per_kwh: 1}
        pipe:
          type: line
          node: press
          to: paint
          carrier: heat
          power_kw: 20
          efficiency: 0.9
          both_ways: false
          standing_loss_kw: 0.5
        """,
        horizon=UNEQUAL,
        nodes=HALLS,
    )
    results = solved(text)
    assert results.of("plant.purchase") == pytest.approx([10.5, 10.5])
    assert results.cost == pytest.approx(31.5)
    lost = results.details.set_index("name").loc["lost"]
    assert (lost["value"], lost["unit"]) == (pytest.approx(1.5 * 3), "kWh")
    assert solved(text.replace("loss_kw: 0.5", "loss_kw: 0")).cost == pytest.approx(30)


def test_two_members_at_one_node() -> None:
    """Proves: at a node both members' assets share one balance, and each pays for its own.

    North's 6 kW of load are served by south's generator at 2 for 3 h. Sensitivity: with the generator
    at south's own place instead, north's grid at 5 serves it.
    """
    text = park(
        """
        load: {type: load, member: north, node: shared, power_kw: 6}
        mains: {type: grid, member: north, node: shared, import_price_per_kwh: 5}
        engine: {type: supply, member: south, node: shared, carrier: electricity, price_per_kwh: 2}
        """,
        horizon=UNEQUAL,
        members="{north: {}, south: {}}",
        nodes="{shared: {member: north}}",
    )
    results = solved(text)
    assert bill(results, "engine", "purchase") == pytest.approx(36)
    by_member = results.ledger.groupby("member")["amount"].sum()
    assert by_member["south"] == pytest.approx(36)
    assert by_member["north"] == pytest.approx(0)
    assert set(results.flows["place"]) == {"shared"}
    apart = solved(text.replace("south, node: shared", "south"))
    assert apart.cost == pytest.approx(90)


def test_accounts_know_the_place() -> None:
    """Proves: the energy table tells where each asset stands. Sensitivity: node against member."""
    results = solved(halls("power_kw: 5"))
    places = results.energy.groupby("asset")["place"].agg(set)
    assert places["ovens"] == {"paint"}
    assert places["grid"] == {"press"}
    assert places["transformer"] == {"press", "paint"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("to: paint", "to: nowhere"),
            r"transformer\.to = 'nowhere': is no member or node of the park",
        ),
        (("node: paint, power", "node: pint, power"), r"node = 'pint'.*did you mean 'paint'"),
        (("to: paint", "to: press"), r"transformer\.to = 'press': leads from press to itself"),
        (
            ("power_kw: 5", "power_kw: {max_kw: 5}, standing_loss_kw: 1"),
            r"standing_loss_kw: would be lost whatever is built.*give `standing_loss_fraction`",
        ),
    ],
)
def test_bad_input(change: tuple[str, str], message: str) -> None:
    """Proves: places that are not there, lines to nowhere and losses of nothing are refused."""
    with pytest.raises(InputError, match=message):
        problem_of(halls("power_kw: 5").replace(*change))


def test_place_of_two_kinds_is_refused() -> None:
    """Proves: a node may not carry a member's key, nor belong to a member who is not there."""
    text = "load: {type: load, power_kw: 1}\ngrid: {type: grid, import_price_per_kwh: 1}"
    with pytest.raises(InputError, match=r"nodes\.park: is the key of a member"):
        problem_of(park(text, nodes="{park: {}}"))
