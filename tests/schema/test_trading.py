"""Bad trades: each is told at its place, with what is allowed; several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from microgrid_opt.cli import app
from microgrid_opt.errors import InputError
from tests.support import problem_of, solve_text

if TYPE_CHECKING:
    from pathlib import Path

PARK = """\
schema: 1
name: Test park
currency: CNY
site: {timezone: Asia/Shanghai}
horizon: {start: 2025-01-01, hours: 2}
finance: {discount_rate: 0.06, project_years: 20}
members: {g: {}, c: {}}
trading:
  network:
    nodes:
      high: {voltage_kv: 110, area: one}
      low: {voltage_kv: 10, area: one}
    lines:
      feeder: {from: high, to: low, capacity_kw: 900}
  fees:
    td: {method: formula, energy_price_per_kwh: {"10": 0.12, "110": 0.08}}
  rules: {loss_fraction: 0.02}
  trades:
    ppa: {from: g_meter, to: c_meter, max_kw: 50}
assets:
  g_pv: {type: pv, member: g, power_kw: 100, output_per_kw: 1}
  g_meter: {type: grid, member: g, export_price_per_kwh: 0.3, connection_kw: 90, wheeling: {at: high}}
  c_load: {type: load, member: c, power_kw: 60}
  c_meter: {type: grid, member: c, import_price_per_kwh: 0.6, wheeling: {at: low}}
"""


# what is wrong, old, new, what is told
BAD = [
    (
        "node of a meter",
        "wheeling: {at: low}",
        "wheeling: {at: lou}",
        "park.yaml:24:74: assets.c_meter.wheeling.at = 'lou': is no network node of the park (did you mean 'low'?): known are high, low.",
    ),
    (
        "node of a line",
        "from: high, to: low, cap",
        "from: high, to: lowe, cap",
        "park.yaml:14:28: trading.network.lines.feeder.to = 'lowe': is no node of the network of the park; did you mean `low`?",
    ),
    (
        "owner of a line",
        "capacity_kw: 900",
        "owner: x",
        "park.yaml:14:37: trading.network.lines.feeder.owner = 'x': is no member of the park; known are: g, c",
    ),
    (
        "meter of a trade",
        "{from: g_meter, to",
        "{from: g_pv, to",
        "park.yaml:19:11: trading.trades.ppa.from = 'g_pv': is no meter with `wheeling` of the park; known are: g_meter, c_meter",
    ),
    (
        "meter of a list",
        "{loss_fraction: 0.02}",
        "{sellers: [g_meter, roof]}",
        "park.yaml:17:11: trading.rules.sellers.1 = 'roof': is no meter with `wheeling` of the park; known are: g_meter, c_meter",
    ),
    (
        "one meter",
        ", wheeling: {at: low}",
        "",
        "park.yaml:8:1: trading: needs two meters at least, and there is 1: give `wheeling: {at: NODE}` "
        "to the `grid` of each member that trades, or add an `access`.",
    ),
    (
        "no way",
        "    lines:\n      feeder: {from: high, to: low, capacity_kw: 900}\n",
        "",
        "park.yaml:17:5: trading.trades.ppa: has no way from 'high' to 'low': add a line.",
    ),
    (
        "no voltage",
        "high: {voltage_kv: 110, area: one}",
        "high: {area: one}",
        "park.yaml:11:7: trading.network.nodes.high: has no `voltage_kv`, which the fee 'td' needs: give it.",
    ),
    (
        "no length",
        '{method: formula, energy_price_per_kwh: {"10": 0.12, "110": 0.08}}',
        "{method: distance, price_per_kwh_km: 0.01}",
        "park.yaml:14:7: trading.network.lines.feeder: has no `length_km`, which the fee 'td' needs: give it.",
    ),
    (
        "no price of a level",
        '"110": 0.08',
        '"35": 0.1',
        "park.yaml:16:27: trading.fees.td.energy_price_per_kwh: has no price for 110 kV (it has 10, 35): add it.",
    ),
    (
        "no row of a table",
        '{method: formula, energy_price_per_kwh: {"10": 0.12, "110": 0.08}}',
        '{method: table, price_per_kwh: {"10": {"10": 0, "110": 1}, "110": {"10": 0}}}',
        "park.yaml:16:68: trading.fees.td.price_per_kwh.110: has no price for 110 kV (it has 10): add it.",
    ),
    (
        "no level",
        '"110": 0.08',
        '"high": 0.08',
        'is no voltage level: write kV in quotes, such as "10" or "110".',
    ),
    (
        "mesh",
        "capacity_kw: 900}",
        "capacity_kw: 900}\n      cable: {from: high, to: low}\n    supply_node: high",
        "park.yaml:16:5: trading.network.supply_node: needs a network without meshes: with two ways it is not known which line carries the supply. Remove a line, or leave `supply_node` out.",
    ),
    (
        "supply node unknown",
        "capacity_kw: 900}",
        "capacity_kw: 900}\n    supply_node: station",
        "park.yaml:15:5: trading.network.supply_node = 'station': is no node of the network of the park; known are: high, low",
    ),
    (
        "supply node elsewhere",
        "low: {voltage_kv: 10, area: one}",
        "low: {voltage_kv: 10, area: one}\n      plant: {voltage_kv: 10}\n    supply_node: plant",
        "park.yaml:16:37: trading.network.lines.feeder.capacity_kw: is not connected to the `supply_node` 'plant', so that its capacity cannot be that of all power: connect it, or leave `supply_node` out.",
    ),
    (
        "line to itself",
        "to: low, cap",
        "to: high, cap",
        "park.yaml:14:7: trading.network.lines.feeder: begins and ends at one node.",
    ),
    (
        "periods without calendar",
        "{loss_fraction: 0.02}",
        "{window: period}",
        "park.yaml:17:3: trading.rules: window `period` needs the calendar of the `periods`.",
    ),
    (
        "periods of a trade without calendar",
        "max_kw: 50",
        "window: period",
        "park.yaml:19:39: trading.trades.ppa.window: `period` needs the calendar `trading.rules.periods`.",
    ),
    (
        "bank without window",
        "{loss_fraction: 0.02}",
        "{bank_fee_per_kwh: 0.02}",
        "park.yaml:17:3: trading.rules: `bank_loss_fraction` and `bank_fee_per_kwh` need a `window` longer than an hour.",
    ),
    (
        "name of an asset",
        "ppa: {from",
        "g_pv: {from",
        "park.yaml:19:5: trading.trades.g_pv: is also the name of an asset: choose another.",
    ),
    (
        "name of a line in the results",
        "ppa: {from",
        "line_feeder: {from",
        "park.yaml:19:5: trading.trades.line_feeder: is also the name of the line 'feeder': choose another.",
    ),
    (
        "name of an automatic pair",
        "max_kw: 50}",
        "max_kw: 50}\n    c_meter_to_g_meter: {from: g_meter, to: c_meter}",
        "park.yaml:8:1: trading: the trade from 'c_meter' to 'g_meter' would be called "
        "'c_meter_to_g_meter', which is the trade from 'g_meter' to 'c_meter': choose other keys.",
    ),
    (
        "an asset with the name of an automatic pair",
        "  c_load: {type",
        "  c_meter_to_g_meter: {type: load, member: c, power_kw: 1}\n  c_load: {type",
        "park.yaml:8:1: trading: the trade from 'c_meter' to 'g_meter' would be called "
        "'c_meter_to_g_meter', which is an asset: choose other keys.",
    ),
    (
        "an asset called network",
        "  c_load: {type",
        "  network: {type: load, member: c, power_kw: 1}\n  c_load: {type",
        "park.yaml:23:3: assets.network: is what fees of the network stand under in a park with `trading`: "
        "choose another key.",
    ),
    (
        "same meter",
        "to: c_meter, max",
        "to: g_meter, max",
        "park.yaml:19:5: trading.trades.ppa: `from` and `to` are the same meter.",
    ),
    (
        "profile and limit",
        "max_kw: 50",
        "max_kw: 50, profile_kw: 3",
        "park.yaml:19:5: trading.trades.ppa: `profile_kw` says all of the volume: leave the limits out.",
    ),
    (
        "limits that exclude each other",
        "max_kw: 50",
        "min_kwh_year: 9, max_kwh_year: 8",
        "park.yaml:19:5: trading.trades.ppa: `min_kwh_year` = 9 exceeds `max_kwh_year` = 8.",
    ),
    (
        "trade of a fee",
        "{method: formula",
        "{trades: [pppa], method: formula",
        "park.yaml:16:10: trading.fees.td.trades.0 = 'pppa': is no trade of the park; did you mean `ppa`?",
    ),
    (
        "account that is an asset",
        "{method: formula",
        "{paid_to: g_pv, method: formula",
        "park.yaml:16:10: trading.fees.td.paid_to = 'g_pv': is an asset: name a member, or an account outside the park.",
    ),
    (
        "size limits out of order",
        "{loss_fraction: 0.02}",
        "{max_generation: [{up_to_kv: 110, max_kw: 5}, {up_to_kv: 35, max_kw: 2}]}",
        "park.yaml:17:3: trading.rules: `max_generation` must name its voltages from low to high.",
    ),
    (
        "component that is not there",
        "import_price_per_kwh: 0.6, wheeling: {at: low}",
        "tariff: {name: T, components: {energy: {type: energy, price_per_kwh: 1}}}, wheeling: {at: low, retained: [fund]}",
        "assets.c_meter.wheeling.retained: 'fund' is no component of the tariff: it has energy.",
    ),
    (
        "retained price with a tariff",
        "import_price_per_kwh: 0.6, wheeling: {at: low}",
        "import_price_per_kwh: 0.6, retained_price_per_kwh: 0.1",
        "`retained_price_per_kwh` needs `wheeling`, and prices instead of a `tariff`, whose components say "
        "what is `retained_when_wheeled`.",
    ),
]


def told(text: str) -> str:
    """Return what reading a park says of it."""
    with pytest.raises(InputError) as caught:
        problem_of(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"), [bad[1:] for bad in BAD], ids=[b[0] for b in BAD]
)
def test_bad_trading_is_told_at_its_place(old: str, new: str, message: str) -> None:
    assert old in PARK
    assert message in told(PARK.replace(old, new))


def test_the_park_itself_is_right() -> None:
    results, audit = solve_text(PARK)
    audit.require()
    assert results.of("ppa.sent") == pytest.approx([50, 50])


def test_voltage_of_a_seller_whose_size_is_limited() -> None:
    text = PARK.replace("{loss_fraction: 0.02}", "{max_generation: [{up_to_kv: 35, max_kw: 2 MW}]}")
    found = told(text.replace("high: {voltage_kv: 110, area: one}", "high: {area: one}"))
    assert "has no `voltage_kv`, on which `max_generation` of the meter 'g_meter' depends" in found


def test_arcs_that_cannot_be() -> None:
    """Proves: the message names what keeps the trades from being flows. Sensitivity: `auto` takes pairs."""
    text = PARK.replace("  rules: {", "  form: arcs\n  rules: {")
    with pytest.raises(InputError) as caught:
        solve_text(text)
    assert str(caught.value) == (
        "park.yaml:17:3: trading.form: `arcs` is not possible: `trades` have terms of their own. Use `pairs`."
    )
    solve_text(text.replace("form: arcs", "form: auto"))


def test_all_at_once_on_the_command_line(tmp_path: Path) -> None:
    """Proves: every problem is told in one message, with file and line, and the exit code is 2."""
    text = PARK
    for old, new in (
        ("to: low, cap", "to: lowe, cap"),
        ("{from: g_meter", "{from: g_met"),
        ("{method: formula", "{paid_to: g_pv, method: formula"),
    ):
        text = text.replace(old, new)
    path = tmp_path / "park.yaml"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["solve", str(path)])
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert "3 problems; nothing was written." in said
    for place in ("park.yaml:14:28", "park.yaml:16:10", "park.yaml:19:11"):
        assert place in said.replace(" ", ""), place


def test_a_meter_without_trading() -> None:
    head, _, rest = PARK.partition("trading:\n")
    text = head + rest[rest.index("assets:") :]
    found = told(text)
    assert (
        "assets.g_meter.wheeling.at = 'high': is no network node of the park: known are none: give "
    )
    assert "`trading.network.nodes`" in found


def test_unbounded_meter_is_told_with_its_place() -> None:
    text = PARK.replace("export_price_per_kwh: 0.3, connection_kw: 90", "import_price_per_kwh: 0.1")
    text = text.replace("  c_load", "  g_load: {type: load, member: g, power_kw: 5}\n  c_load")
    with pytest.raises(
        InputError, match=r"park\.yaml:22:\d+: assets\.g_meter\.wheeling: takes and gives"
    ):
        solve_text(text)
