"""Bad input of every kind that we could think of, with the exact words that the user is told.

Each case changes one thing in a park that solves. The message must name the place (file, line and
column), the value, what is allowed, and what to do; nothing may be solved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from microgrid_opt import study
from microgrid_opt.assets.base import asset_types
from microgrid_opt.errors import InputError
from microgrid_opt.park import park_model

if TYPE_CHECKING:
    from pathlib import Path

PARK = """\
schema: 1
name: Bad input
currency: CNY
site: {timezone: Asia/Shanghai}
horizon:
  start: 2025-01-01
  hours: 24
finance:
  discount_rate: 0.06
  project_years: 20
assets:
  load:
    type: load
    power_kw: 100
  grid:
    type: grid
    import_price_per_kwh: 0.5
  roof:
    type: pv
    power_kw: {max_kw: 60, capex_per_kw: 3000, lifetime_years: 25}
    output_per_kw: 0.2
  battery:
    type: battery
    energy_kwh: {max_kwh: 100, capex_per_kwh: 900, lifetime_years: 12}
    charge_efficiency: 0.95
    discharge_efficiency: 0.95
"""


def types() -> str:
    """Return what `type` may be, as a message lists it: every technology by name."""
    park_model()
    *most, last = (f"`{name}`" for name in asset_types())
    return f"{', '.join(most)} or {last}"


@dataclass(frozen=True)
class Bad:
    """One kind of bad input: what is changed in the park, and what is told."""

    name: str
    told: str
    old: str = ""
    new: str = ""
    files: dict[str, str | bytes] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    scenario: str | None = None
    text: str | bytes | None = None


BAD = [
    Bad(
        "unknown key with suggestion",
        told=(
            "2 problems in the input:\n"
            "- park.yaml:12:3: assets.load.power_kw: this key is required: it must "
            "be a number in kW or a quantity such as '2 kW', or a series (annual, "
            "file, hourly, weekday, seasons, monthly, periods)\n"
            "- park.yaml:14:5: assets.load.power_kW = 100: unknown key; did you "
            "mean `power_kw`?"
        ),
        old="    power_kw: 100",
        new="    power_kW: 100",
    ),
    Bad(
        "unknown key far from any",
        told=(
            "park.yaml:3:1: colour = 'red': unknown key; allowed: schema, name, "
            "description, currency, exchange_rates, site, horizon, finance, carriers, members, "
            "nodes, areas, assets, carbon, targets, trading"
        ),
        old="name: Bad input",
        new=("name: Bad input\ncolour: red"),
    ),
    Bad(
        "wrong unit",
        told=(
            "park.yaml:14:5: assets.load.power_kw = '100 kWh': is a quantity of "
            "energy (kWh); this key wants power in kW."
        ),
        old="    power_kw: 100",
        new="    power_kw: 100 kWh",
    ),
    Bad(
        "wrong currency",
        told=(
            "park.yaml:17:5: assets.grid.import_price_per_kwh = '0.5 USD/kWh': USD "
            "is not the park's currency CNY: convert it and say CNY."
        ),
        old="import_price_per_kwh: 0.5",
        new="import_price_per_kwh: 0.5 USD/kWh",
    ),
    Bad(
        "absurd unit",
        told=(
            "park.yaml:14:5: assets.load.power_kw = '100 parsec': the unit "
            "'parsec' is unknown: known are W, kW, MW, GW, kWp, MWp, Wh, kWh, MWh, "
            "GWh, TWh, J, kJ, MJ, GJ, TJ, kg, g, t, h, min, s, day, month, year, "
            "%, degC, K, deg, m, km, m2, m3, L, V, kV, kVA, MVA, kvar, kvarh, kgce, tce, bar, Pa, "
            "kPa, MPa, their products and quotients."
        ),
        old="    power_kw: 100",
        new="    power_kw: 100 parsec",
    ),
    Bad(
        "apparent power",
        told=(
            "park.yaml:14:5: assets.load.power_kw = '100 kVA': is a quantity of "
            "apparent power (kVA); this key wants power in kW. kW are kVA times "
            "the power factor: convert it."
        ),
        old="    power_kw: 100",
        new="    power_kw: 100 kVA",
    ),
    Bad(
        "unit without number",
        told=(
            "park.yaml:14:5: assets.load.power_kw = 'kW': does not begin with a "
            "number: give a number in kW or a quantity such as '2 kW'."
        ),
        old="    power_kw: 100",
        new="    power_kw: kW",
    ),
    Bad(
        "thousands separator",
        told=(
            "park.yaml:14:5: assets.load.power_kw = '1,000 kW': has thousands "
            "separators: write the digits without gaps."
        ),
        old="    power_kw: 100",
        new="    power_kw: 1,000 kW",
    ),
    Bad(
        "true for a number",
        told=(
            "park.yaml:7:3: horizon.hours = 'yes': does not begin with a number: "
            "give a number in h or a quantity such as '2 h'."
        ),
        old="  hours: 24",
        new="  hours: yes",
    ),
    Bad(
        "boolean for a number",
        told=(
            "park.yaml:7:3: horizon.hours = True: must be a number in h or a "
            "quantity such as '2 h'."
        ),
        old="  hours: 24",
        new="  hours: true",
    ),
    Bad(
        "infinite",
        told=(
            "park.yaml:14:15: assets.load.power_kw: `.inf` is refused: write a "
            "finite number or leave the key out"
        ),
        old="    power_kw: 100\n",
        new="    power_kw: .inf\n",
    ),
    Bad(
        "not a number",
        told=(
            "park.yaml:14:15: assets.load.power_kw: `.nan` is refused: write a "
            "finite number or leave the key out"
        ),
        old="    power_kw: 100\n",
        new="    power_kw: .nan\n",
    ),
    Bad(
        "negative capacity",
        told=("park.yaml:20:16: assets.roof.power_kw.max_kw = -60: must be at least 0 kW."),
        old="max_kw: 60",
        new="max_kw: -60",
    ),
    Bad(
        "min above max",
        told=(
            "park.yaml:20:5: assets.roof.power_kw: min_kw 80 is more than max_kw "
            "60: both are totals."
        ),
        old="max_kw: 60",
        new="max_kw: 60, min_kw: 80",
    ),
    Bad(
        "percent meant",
        told=(
            "park.yaml:25:5: assets.battery.charge_efficiency = 95: must be at "
            "most 1. Write '95 %' if percent is meant."
        ),
        old=("charge_efficiency: 0.95\n    dis"),
        new=("charge_efficiency: 95\n    dis"),
    ),
    Bad(
        "efficiency of zero",
        told=("park.yaml:25:5: assets.battery.charge_efficiency = 0: must be more than 0."),
        old=("charge_efficiency: 0.95\n    dis"),
        new=("charge_efficiency: 0\n    dis"),
    ),
    Bad(
        "capex without life",
        told="park.yaml:20:5: assets.roof.power_kw: capex needs lifetime_years.",
        old=", lifetime_years: 25",
        new="",
    ),
    Bad(
        "given and chosen size",
        told=(
            "park.yaml:20:5: assets.roof.power_kw: fixed_kw leaves nothing to "
            "choose: remove max_kw."
        ),
        old="max_kw: 60",
        new="fixed_kw: 50, max_kw: 60",
    ),
    Bad(
        "units without maximum",
        told="park.yaml:20:5: assets.roof.power_kw: unit_kw needs max_kw.",
        old="{max_kw: 60, ",
        new="{unit_kw: 5, ",
    ),
    Bad(
        "one-off cost without maximum",
        told="park.yaml:20:5: assets.roof.power_kw: fixed_capex needs max_kw.",
        old="{max_kw: 60, ",
        new="{fixed_capex: 5, ",
    ),
    Bad(
        "fixed below existing",
        told=(
            "park.yaml:20:5: assets.roof.power_kw: fixed_kw 50 is less than "
            "existing_kw 70: it is the total, existing capacity included."
        ),
        old="max_kw: 60",
        new="fixed_kw: 50, existing_kw: 70",
    ),
    Bad(
        "unknown type",
        told=(
            "park.yaml:23:5: assets.battery.type = 'batery': must be "
            f"{types()}; did you mean `battery`?"
        ),
        old="type: battery",
        new="type: batery",
    ),
    Bad(
        "missing type",
        told=(f"park.yaml:22:3: assets.battery.type: this key is required: it must be {types()}"),
        old="    type: battery\n",
        new="",
    ),
    Bad(
        "missing key",
        told=(
            "park.yaml:22:3: assets.battery.discharge_efficiency: this key is "
            "required: it must be a number"
        ),
        old="    discharge_efficiency: 0.95\n",
        new="",
    ),
    Bad(
        "orphaned asset",
        told=(
            "park.yaml:22:1: battery: unknown key; it has a `type` as assets have: "
            "indent it to stand under `assets:`"
        ),
        old=(
            "  battery:\n"
            "    type: battery\n"
            "    energy_kwh: {max_kwh: 100, capex_per_kwh: 900, lifetime_years: "
            "12}\n"
            "    charge_efficiency: 0.95\n"
            "    discharge_efficiency: 0.95\n"
        ),
        new=(
            "battery:\n"
            "  type: battery\n"
            "  energy_kwh: 100\n"
            "  charge_efficiency: 0.95\n"
            "  discharge_efficiency: 0.95\n"
        ),
    ),
    Bad(
        "two assets with one id",
        told=(
            "park.yaml:18:3: assets.grid: two assets have the id `grid` (lines 15 "
            "and 18): give each its own id"
        ),
        old="  roof:\n",
        new="  grid:\n",
    ),
    Bad(
        "unknown carrier",
        told=(
            "park.yaml:18:23: assets.spill.carrier = 'electricty': is no carrier "
            "of the park (did you mean 'electricity'?): known are electricity, "
            "heat, cold, gas, coal, biomass, hydrogen, co2."
        ),
        old="  roof:\n",
        new=("  spill: {type: dump, carrier: electricty}\n  roof:\n"),
    ),
    Bad(
        "unknown member",
        told=(
            "park.yaml:14:5: assets.load.member = 'me': is no member of the park: known are park."
        ),
        old="    type: load\n",
        new=("    type: load\n    member: me\n"),
    ),
    Bad(
        "several members, none named",
        told=(
            "4 problems in the input:\n"
            "- park.yaml:13:3: assets.load.member: is missing: the park has "
            "several members (a, b).\n"
            "- park.yaml:16:3: assets.grid.member: is missing: the park has "
            "several members (a, b).\n"
            "- park.yaml:19:3: assets.roof.member: is missing: the park has "
            "several members (a, b).\n"
            "- park.yaml:23:3: assets.battery.member: is missing: the park has "
            "several members (a, b)."
        ),
        old="assets:\n",
        new=("members: {a: {}, b: {}}\nassets:\n"),
    ),
    Bad(
        "reserved name",
        told=("park.yaml:18:3: assets.balance: is a reserved name: choose another key."),
        old="  roof:\n",
        new="  balance:\n",
    ),
    Bad(
        "bad id",
        told=(
            "park.yaml:18:3: assets.Roof-1: this key is not allowed: is no name "
            "for a key here: begin with a small letter, go on with small letters, "
            "digits and `_`, 48 characters at most."
        ),
        old="  roof:\n",
        new="  Roof-1:\n",
    ),
    Bad(
        "bad time zone",
        told=(
            "park.yaml:4:8: site.timezone = 'Asia/Shangai': is not a time zone of "
            "the IANA data base: write for instance Asia/Shanghai, Europe/Berlin "
            "or Etc/GMT-8."
        ),
        old="Asia/Shanghai",
        new="Asia/Shangai",
    ),
    Bad(
        "year and start",
        told=("park.yaml:5:1: horizon: `year` and `start` are both given: give exactly one."),
        old="  start: 2025-01-01",
        new=("  start: 2025-01-01\n  year: 2025"),
    ),
    Bad(
        "no length",
        told=("park.yaml:5:1: horizon: with `start` give `end`, `hours` or `steps_hours` as well."),
        old="  hours: 24\n",
        new="",
    ),
    Bad(
        "half a step",
        told=(
            "park.yaml:5:1: horizon: 24.5 h are not a whole number (at least one) "
            "of 60-minute steps: change `hours`, `end` or `step_minutes`."
        ),
        old="hours: 24",
        new="hours: 24.5",
    ),
    Bad(
        "step of zero",
        told="park.yaml:8:3: horizon.step_minutes = 0: must be more than 0 min.",
        old="  hours: 24",
        new=("  hours: 24\n  step_minutes: 0"),
    ),
    Bad(
        "bad date",
        told=(
            "park.yaml:6:3: horizon.start = '2025-02-30': must be a date such as "
            "2025-01-31 or a time such as 2025-01-31T13:00."
        ),
        old="start: 2025-01-01",
        new="start: 2025-02-30",
    ),
    Bad(
        "no finance",
        told=(
            "park.yaml:1:1: finance: this key is required: it must be a mapping "
            "with keys (discount_rate, project_years, annuity, investment_scaling, rates, "
            "inflation, escalation, tax, loan, vat, incentives, third_party)"
        ),
        old=("finance:\n  discount_rate: 0.06\n  project_years: 20\n"),
        new="",
    ),
    Bad(
        "schema of the future",
        told="park.yaml:1:1: schema = 2: must be 1, the only version of this file format so far.",
        old="schema: 1",
        new="schema: 2",
    ),
    Bad(
        "currency no code",
        told=(
            "park.yaml:3:1: currency = 'yuan': is no currency: write its ISO 4217 "
            "code, for instance CNY, EUR or USD."
        ),
        old="currency: CNY",
        new="currency: yuan",
    ),
    Bad(
        "23-value day",
        told=(
            "park.yaml:14:16: assets.load.power_kw.hourly = [1, 1, 1, 1, 1, 1, 1, "
            "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]: has 23 values: a day "
            "has 24 (hours), 48 (half hours) or 96 (quarters)."
        ),
        old="    power_kw: 100\n",
        new=(
            "    power_kw: {hourly: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "
            "1, 1, 1, 1, 1, 1, 1, 1]}\n"
        ),
    ),
    Bad(
        "list for a series",
        told=(
            "park.yaml:14:5: assets.load.power_kw = [1, 2, 3]: is a list of 3: "
            "write the values of a day under `hourly`, of the months under "
            "`monthly`, and longer ones into a file."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: [1, 2, 3]\n",
    ),
    Bad(
        "negative load",
        told="park.yaml:14:5: assets.load.power_kw = -5: must be at least 0 kW.",
        old="    power_kw: 100\n",
        new="    power_kw: -5\n",
    ),
    Bad(
        "overlapping price periods",
        told=(
            "park.yaml:17:5: assets.grid.import_price_per_kwh: rules 1 and 2 both "
            "cover Jan, weekday, 8:00."
        ),
        old="import_price_per_kwh: 0.5",
        new=(
            "import_price_per_kwh: {periods: {a: 1, b: 2}, calendar: [{hours: "
            "0-12, period: a}, {hours: 8-24, period: b}]}"
        ),
    ),
    Bad(
        "hours without a price",
        told=(
            "park.yaml:17:5: assets.grid.import_price_per_kwh: no rule covers Jan, "
            "weekday, 12:00: add one, or give `otherwise`."
        ),
        old="import_price_per_kwh: 0.5",
        new=("import_price_per_kwh: {periods: {a: 1}, calendar: [{hours: 0-12, period: a}]}"),
    ),
    Bad(
        "unknown price period",
        told=(
            "park.yaml:17:5: assets.grid.import_price_per_kwh: no period is called "
            "'peek': did you mean 'peak'?"
        ),
        old="import_price_per_kwh: 0.5",
        new=("import_price_per_kwh: {periods: {peak: 1}, calendar: [{hours: 0-24, period: peek}]}"),
    ),
    Bad(
        "missing file",
        told=(
            "park.yaml:14:5: assets.load.power_kw = 't.csv': there is no such file "
            "in 'FOLDER': did you mean 's.csv'?"
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: t.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,5\n"
            )
        },
    ),
    Bad(
        "missing column",
        told=(
            "s.csv:1: assets.load.power_kw: has no column 'laod_kw': did you mean "
            "'load_kw'? It has 'time', 'load_kw'."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: laod_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,5\n"
            )
        },
    ),
    Bad(
        "a row too few",
        told=(
            "s.csv:24: assets.load.power_kw: after this row, no row for 2025-01-01 "
            "23:00: a series may have no gaps (23 rows for 24 intervals)."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
            )
        },
    ),
    Bad(
        "doubled stamp",
        told=(
            "s.csv:14: assets.load.power_kw = '2025-01-01T11:00+08:00': the time "
            "stamp stands twice."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,5\n"
            )
        },
    ),
    Bad(
        "gap",
        told=(
            "s.csv:13: assets.load.power_kw: after this row, no row for 2025-01-01 "
            "12:00: a series may have no gaps (23 rows for 24 intervals)."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,5\n"
            )
        },
    ),
    Bad(
        "NaN in a series",
        told=(
            "s.csv:25: assets.load.power_kw = 'NaN': column 'load_kw' is blank: a "
            "series may have no gaps."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,NaN\n"
            )
        },
    ),
    Bad(
        "blank cell",
        told=(
            "s.csv:25: assets.load.power_kw = '': column 'load_kw' is blank: a "
            "series may have no gaps."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,\n"
            )
        },
    ),
    Bad(
        "text in a cell",
        told=(
            "s.csv:25: assets.load.power_kw = 'n/a': column 'load_kw' is blank: a "
            "series may have no gaps."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,n/a\n"
            )
        },
    ),
    Bad(
        "negative in a series",
        told=("s.csv:25: assets.load.power_kw = '-1': column 'load_kw' must be at least 0 kW."),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={
            "s.csv": (
                "time,load_kw\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,-1\n"
            )
        },
    ),
    Bad(
        "no unit of a column",
        told=(
            "park.yaml:14:5: assets.load.power_kw: the column 'load' has no unit: "
            "give `unit: kW` (or another unit of that kind)."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load}\n",
        files={
            "s.csv": (
                "time,load\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,5\n"
            )
        },
    ),
    Bad(
        "empty series file",
        told="s.csv: assets.load.power_kw: the file is empty.",
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={"s.csv": ""},
    ),
    Bad(
        "series file not UTF-8",
        told=(
            "s.csv:2: assets.load.power_kw: byte 0xff is not UTF-8: save the file "
            "as UTF-8 (perhaps it is GBK, UTF-16 or Latin-1)."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load_kw}\n",
        files={"s.csv": b"time,load_kw\n\xff\xfe\n"},
    ),
    Bad(
        "unknown column unit",
        told=(
            "park.yaml:14:5: assets.load.power_kw = 'kVA': is a quantity of "
            "apparent power (kVA); this key wants power in kW. kW are kVA times "
            "the power factor: convert it."
        ),
        old="    power_kw: 100\n",
        new="    power_kw: {file: s.csv, column: load, unit: kVA}\n",
        files={
            "s.csv": (
                "time,load\n"
                "2025-01-01T00:00+08:00,5\n"
                "2025-01-01T01:00+08:00,5\n"
                "2025-01-01T02:00+08:00,5\n"
                "2025-01-01T03:00+08:00,5\n"
                "2025-01-01T04:00+08:00,5\n"
                "2025-01-01T05:00+08:00,5\n"
                "2025-01-01T06:00+08:00,5\n"
                "2025-01-01T07:00+08:00,5\n"
                "2025-01-01T08:00+08:00,5\n"
                "2025-01-01T09:00+08:00,5\n"
                "2025-01-01T10:00+08:00,5\n"
                "2025-01-01T11:00+08:00,5\n"
                "2025-01-01T12:00+08:00,5\n"
                "2025-01-01T13:00+08:00,5\n"
                "2025-01-01T14:00+08:00,5\n"
                "2025-01-01T15:00+08:00,5\n"
                "2025-01-01T16:00+08:00,5\n"
                "2025-01-01T17:00+08:00,5\n"
                "2025-01-01T18:00+08:00,5\n"
                "2025-01-01T19:00+08:00,5\n"
                "2025-01-01T20:00+08:00,5\n"
                "2025-01-01T21:00+08:00,5\n"
                "2025-01-01T22:00+08:00,5\n"
                "2025-01-01T23:00+08:00,5\n"
            )
        },
    ),
    Bad(
        "exclusive without a bound",
        told=(
            "park.yaml:15:3: assets.grid: `exclusive` needs a bound on the import: "
            "give `import_limit_kw`, or `connection_kw` with a maximum."
        ),
        old="    type: grid\n",
        new=("    type: grid\n    exclusive: true\n    export_price_per_kwh: 0.1\n"),
    ),
    Bad(
        "grid without a price",
        told=(
            "park.yaml:15:3: assets.grid: give `import_price_per_kwh`, "
            "`export_price_per_kwh` or both."
        ),
        old="    import_price_per_kwh: 0.5\n",
        new="",
    ),
    Bad(
        "end without a start of the store",
        told=(
            "park.yaml:25:5: assets.battery.final: needs `initial_fraction`: with "
            "a free start the store would begin with content that nobody paid for."
        ),
        old=("    charge_efficiency: 0.95\n    dis"),
        new=("    final: free\n    charge_efficiency: 0.95\n    dis"),
    ),
    Bad(
        "PV with two sources",
        told=(
            "park.yaml:18:3: assets.roof: `output_per_kw` and `array` are both "
            "given: give exactly one."
        ),
        old="    output_per_kw: 0.2\n",
        new=("    output_per_kw: 0.2\n    array: {tilt_deg: 30}\n"),
    ),
    Bad(
        "PV without weather",
        told=(
            "park.yaml:18:3: assets.roof: `site.weather` is missing: give a "
            "weather file, twelve monthly means (synthetic), or the asset's own "
            "`output_per_kw` series."
        ),
        old="    output_per_kw: 0.2\n",
        new="    array: {tilt_deg: 30}\n",
    ),
    Bad(
        "two caps",
        told=(
            "park.yaml:11:1: carbon: `cap_t_per_year` and `reduction_fraction` "
            "contradict: give only one."
        ),
        old="assets:\n",
        new=("carbon: {cap_t_per_year: 5, reduction_fraction: 0.5}\nassets:\n"),
    ),
    Bad(
        "demand that nobody serves",
        told=(
            "park.yaml:18:3: assets.steam: draws heat (first at 2025-01-01 "
            "00:00:00+08:00), but no asset at 'park' supplies heat: add "
            "a source, a converter or a purchase of heat."
        ),
        old="  roof:\n",
        new=("  steam: {type: heat_demand, power_kw: 5}\n  roof:\n"),
    ),
    Bad(
        "hydrogen in kW",
        told=(
            "park.yaml:18:30: assets.h.flow_kg_per_hour = '5 kW': is a quantity of "
            "power (kW); this key wants mass per time in kg/h. Convert by the "
            "lower heating value: 1 kg of hydrogen is 33.33 kWh."
        ),
        old="  roof:\n",
        new=("  h: {type: hydrogen_demand, flow_kg_per_hour: 5 kW}\n  roof:\n"),
    ),
    Bad(
        "mixed units of a purchase",
        told=(
            "park.yaml:18:55: assets.gas.co2_kg_per_kg: does not go with "
            "`price_per_kwh`: give `co2_kg_per_kwh`."
        ),
        old="  roof:\n",
        new=("  gas: {type: supply, carrier: gas, price_per_kwh: 1, co2_kg_per_kg: 2}\n  roof:\n"),
    ),
    Bad(
        "unknown scenario",
        told="park.yaml: scenarios: there is no scenario `dry`; the file has none",
        scenario="dry",
    ),
    Bad(
        "set without equals",
        told="--set horizon.hours: write --set path.to.key=value",
        sets=("horizon.hours",),
    ),
    Bad(
        "set to a path that is not there",
        told=(
            "--set assets.rof.curtailable=false: assets.rof: `assets` has no key "
            "`rof`; did you mean `roof`?"
        ),
        sets=("assets.rof.curtailable=false",),
    ),
    Bad(
        "set to an unknown key",
        told=(
            "--set finance.yield=0.05: finance.yield = 0.05: unknown key; allowed: "
            "discount_rate, project_years, annuity, investment_scaling, rates, inflation, "
            "escalation, tax, loan, vat, incentives, third_party"
        ),
        sets=("finance.yield=0.05",),
    ),
    Bad(
        "empty file",
        told="park.yaml: the file is empty: it must hold keys such as `assets:`",
        text="",
    ),
    Bad(
        "only comments",
        told=("park.yaml: the file holds only comments: it must hold keys such as `assets:`"),
        text="# nothing\n",
    ),
    Bad(
        "not UTF-8",
        told=(
            "park.yaml:2:7: byte 0xff at offset 16 is not UTF-8: save the file as "
            "UTF-8 (perhaps it is GBK or Latin-1)"
        ),
        text=b"schema: 1\nname: \xff\n",
    ),
    Bad(
        "two documents",
        told=("park.yaml:2:1: a second document starts here: a file holds one; remove the `---`"),
        text=("schema: 1\n---\nschema: 1\n"),
    ),
    Bad(
        "a list",
        told="park.yaml:1:1: the file must hold keys such as `assets:`, not a list",
        text="- schema: 1\n",
    ),
    Bad(
        "tab indentation",
        told="park.yaml:3:1: a tab cannot indent: use spaces",
        text=("schema: 1\nsite:\n\ttimezone: UTC\n"),
    ),
    Bad(
        "alias bomb",
        told=(
            "park.yaml:6:29: f.7: the aliases (`*name`) repeat more than 1000000 "
            "values: put long series in files"
        ),
        text=(
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
            "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
            "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
            "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
            "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
            "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
            "h: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g,*g]\n"
            "i: &i [*h,*h,*h,*h,*h,*h,*h,*h,*h,*h]\n"
        ),
    ),
    Bad(
        "recursive alias",
        told="park.yaml:1:8: a.0: `*a` stands inside `&a`: it would never end",
        text="a: &a [*a]\n",
    ),
    Bad(
        "merge key",
        told=(
            "park.yaml:3:3: b: the merge key `<<` is refused: repeat the keys, use "
            "an anchor for a whole value (`a: &x 5`, `b: *x`), or write the "
            "difference as a scenario under `scenarios:`"
        ),
        text=("a: &a {x: 1}\nb:\n  <<: *a\n"),
    ),
    Bad(
        "python tag",
        told=(
            "park.yaml:1:4: a: the tag `!!python/object:os.system` is refused: "
            "write the value plainly, text in quotes"
        ),
        text="a: !!python/object:os.system {}\n",
    ),
    Bad(
        "unclosed bracket",
        told=("park.yaml:2:2: the `[` of line 1 is not closed before here: `,` or `]` is missing"),
        text=("a: [1, 2\nb: 3\n"),
    ),
    Bad(
        "bad indentation",
        told=(
            "park.yaml:3:2: this does not fit the mapping that starts on line 1: "
            "its keys must start in one column, and nothing may follow a closing "
            "quote or bracket"
        ),
        text=("assets:\n  a: {type: load}\n b: 3\n"),
    ),
]


def write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input_is_told_in_these_words(bad: Bad, tmp_path: Path) -> None:
    text = PARK.replace(bad.old, bad.new, 1) if bad.text is None else bad.text
    assert text != PARK or bad.sets or bad.scenario
    write(tmp_path / "park.yaml", text)
    for name, content in bad.files.items():
        write(tmp_path / name, content)
    with pytest.raises(InputError) as caught:
        study.run(study.load(tmp_path / "park.yaml", scenario=bad.scenario, sets=bad.sets))
    told = str(caught.value).replace(f"{tmp_path}/", "").replace(str(tmp_path), "FOLDER")
    assert told == bad.told


def test_the_park_that_is_spoiled_is_good(tmp_path: Path) -> None:
    """Proves: what fails above fails for the change alone."""
    write(tmp_path / "park.yaml", PARK)
    _, audit = study.run(study.load(tmp_path / "park.yaml"))
    assert audit.passed


def test_there_are_more_than_forty_kinds() -> None:
    assert len({bad.name for bad in BAD}) == len(BAD) > 40


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Proves: three mistakes in three places are one message with three lines."""
    text = PARK.replace("power_kw: 100", "power_kw: 100 kWh").replace("max_kw: 60", "max_kw: -1")
    write(tmp_path / "park.yaml", text.replace("  hours: 24", "  hours: 24\n  hour: 3"))
    with pytest.raises(InputError) as caught:
        study.load(tmp_path / "park.yaml")
    assert len(caught.value.findings) == 3
    assert str(caught.value).startswith("3 problems in the input:\n- ")
