"""More bad input, in a table: what is changed in a good park, and what the user is told.

The long cases, with files and scenarios, stand in `test_bad_input`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyomo.environ as pyo
import pytest

from microgrid_opt import study
from microgrid_opt.errors import InputError
from microgrid_opt.park import RESERVED_ASSETS, RESERVED_MEMBERS

if TYPE_CHECKING:
    from pathlib import Path

PARK = """\
schema: 1
name: Test park
currency: CNY
site: {timezone: Asia/Shanghai}
horizon: {start: 2025-01-01, hours: 24}
finance: {discount_rate: 0.06, project_years: 20}
assets:
  load: {type: load, power_kw: 10}
  grid: {type: grid, import_price_per_kwh: 0.6}
  pv:
    type: pv
    power_kw: {max_kw: 100, capex_per_kw: 3000, lifetime_years: 20}
    output_per_kw: 0.2
  battery:
    type: battery
    energy_kwh: 100
    power_kw: 50
    charge_efficiency: 0.95
    discharge_efficiency: 0.95
"""

# name, what stands in the park, what is put instead, what is told
BAD = [
    (
        "key of another place",
        "name: Test park",
        "name: Test park\ntimezone: Asia/Shanghai",
        "park.yaml:3:1: timezone = 'Asia/Shanghai': unknown key here; it belongs under `site`",
    ),
    (
        "text number",
        "power_kw: 10}",
        'power_kw: "10"}',
        "park.yaml:8:22: assets.load.power_kw = '10': is text without a unit: write 10 without quotes, or give a number in kW or a quantity such as '2 kW'.",
    ),
    (
        "null number",
        "power_kw: 10}",
        "power_kw: null}",
        "park.yaml:8:22: assets.load.power_kw: must be a number in kW or a quantity such as '2 kW'.",
    ),
    (
        "existing > max",
        "{max_kw: 100,",
        "{existing_kw: 200, max_kw: 100,",
        "park.yaml:12:5: assets.pv.power_kw: existing_kw 200 is more than max_kw 100: both are totals.",
    ),
    (
        "unit larger than room",
        "{max_kw: 100,",
        "{unit_kw: 500, max_kw: 100,",
        "park.yaml:12:5: assets.pv.power_kw: no whole unit of 500 fits below max_kw.",
    ),
    (
        "capex and yearly cost",
        ", lifetime_years: 20}",
        ", lifetime_years: 20, annual_cost_per_kw: 5}",
        "park.yaml:12:5: assets.pv.power_kw: annual_cost_per_kw stands instead of capex: remove it, or capex_per_kw and fixed_capex.",
    ),
    (
        "upkeep said twice",
        ", lifetime_years: 20}",
        ", lifetime_years: 20, fixed_om_per_kw_year: 5, fixed_om_fraction: 1 %}",
        "park.yaml:12:5: assets.pv.power_kw: give either fixed_om_per_kw_year or fixed_om_fraction.",
    ),
    (
        "upkeep as a share of nothing",
        "capex_per_kw: 3000, lifetime_years: 20}",
        "fixed_om_fraction: 1 %}",
        "park.yaml:12:5: assets.pv.power_kw: fixed_om_fraction is a share of capex: give capex_per_kw.",
    ),
    (
        "size says nothing",
        "{max_kw: 100, capex_per_kw: 3000, lifetime_years: 20}",
        "{lifetime_years: 20}",
        "park.yaml:12:5: assets.pv.power_kw: says nothing about the capacity: give existing_kw, fixed_kw or max_kw.",
    ),
    (
        "replacement with lifetime annuity",
        ", lifetime_years: 20}",
        ", lifetime_years: 20, annuity: lifetime, replacement_fraction: 0.5}",
        "park.yaml:12:88: assets.pv.power_kw.replacement_fraction = 0.5: means nothing with annuity `lifetime`: leave it out, or use annuity `project`.",
    ),
    (
        "zero lifetime",
        "lifetime_years: 20",
        "lifetime_years: 0",
        "park.yaml:12:49: assets.pv.power_kw.lifetime_years = 0: must be more than 0 year.",
    ),
    (
        "capex in another unit",
        "capex_per_kw: 3000",
        "capex_per_kw: 3000 CNY/kWh",
        "park.yaml:12:29: assets.pv.power_kw.capex_per_kw = '3000 CNY/kWh': is a quantity of money per energy (CNY/kWh); this key wants money per power in CNY/kW.",
    ),
    (
        "size key of another unit",
        "max_kw: 100",
        "max_kwh: 100",
        "park.yaml:12:16: assets.pv.power_kw.max_kwh = 100: unknown key; did you mean `max_kw`?",
    ),
    (
        "fraction > 100",
        "charge_efficiency: 0.95\n    dis",
        "charge_efficiency: 950\n    dis",
        "park.yaml:18:5: assets.battery.charge_efficiency = 950: must be at most 1.",
    ),
    (
        "rate in percent",
        "discount_rate: 0.06",
        "discount_rate: 6",
        "park.yaml:6:11: finance.discount_rate = 6: must be less than 1. Write '6 %' if percent is meant.",
    ),
    (
        "number id",
        "  pv:",
        "  1:",
        'park.yaml:10:3: assets: the key `1` is a number: write "1" in quotes',
    ),
    (
        "no space after colon",
        "type: battery",
        "type:battery",
        "park.yaml:16:15: a `:` too many: put text that holds `: ` in quotes, put a space after the colon of the key above, or correct the indentation",
    ),
    (
        "carrier typo",
        "  load: {type: load",
        "  s: {type: supply, carrier: hydrogene, price_per_kg: 1}\n  load: {type: load",
        "park.yaml:8:21: assets.s.carrier = 'hydrogene': is no carrier of the park (did you mean 'hydrogen'?): known are electricity, heat, cold, gas, coal, biomass, hydrogen, co2.",
    ),
    (
        "supply unit",
        "  load: {type: load",
        "  s: {type: supply, carrier: hydrogen, price_per_kwh: 1}\n  load: {type: load",
        "park.yaml:8:21: assets.s.carrier = 'hydrogen': is counted in kg: give `price_per_kg` instead of `price_per_kwh`, and the other keys likewise.",
    ),
    (
        "supply both",
        "  load: {type: load",
        "  s: {type: supply, carrier: gas, price_per_kwh: 1, price_per_kg: 1}\n  load: {type: load",
        "park.yaml:8:3: assets.s: `price_per_kwh` and `price_per_kg` are both given: give exactly one.",
    ),
    (
        "supply limit",
        "  load: {type: load",
        "  s: {type: supply, carrier: hydrogen, price_per_kg: 1, limit_kw: 5}\n  load: {type: load",
        "park.yaml:8:57: assets.s.limit_kw: does not go with `price_per_kg`: give `limit_kg_per_hour`.",
    ),
    (
        "built-in carrier",
        "assets:\n",
        "carriers: {gas: {unit: kg}}\nassets:\n",
        "park.yaml:7:12: carriers.gas: every park has this carrier: choose another key.",
    ),
    (
        "carrier in m3",
        "assets:\n",
        "carriers: {water: {unit: m3}}\nassets:\n",
        "park.yaml:7:20: carriers.water.unit = 'm3': must be kWh or kg.",
    ),
    (
        "hydrogen demand key",
        "  load: {type: load",
        "  h: {type: hydrogen_demand, power_kw: 5}\n  load: {type: load",
        "park.yaml:8:30: assets.h.power_kw = 5: unknown key; allowed: member, node, label, technology, in_reference, type, flow_kg_per_hour, filling, unserved_price_per_kg",
    ),
    (
        "pay for cutting demand",
        "power_kw: 10}",
        "power_kw: 10, unserved_price_per_kwh: -1}",
        "park.yaml:8:36: assets.load.unserved_price_per_kwh: must be at least 0: nobody is paid for cutting demand.",
    ),
    (
        "negative load in day",
        "power_kw: 10}",
        "power_kw: {hourly: [1, 2, -3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}}",
        "park.yaml:8:48: assets.load.power_kw.hourly.2 = -3: must be at least 0 kW.",
    ),
    (
        "mapping without form",
        "power_kw: 10}",
        "power_kw: {hour: [1]}}",
        "park.yaml:8:22: assets.load.power_kw: needs one of the keys `annual`, `file`, `hourly`, `weekday`, `seasons`, `monthly`, `periods`: did you mean 'hourly'?",
    ),
    (
        "weekday alone",
        "power_kw: 10}",
        "power_kw: {weekday: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}}",
        "park.yaml:8:22: assets.load.power_kw: give both `weekday` and `weekend`, or `hourly` for all days.",
    ),
    (
        "eleven months",
        "power_kw: 10}",
        "power_kw: {monthly: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}}",
        "park.yaml:8:22: assets.load.power_kw: has 11 values: give twelve.",
    ),
    (
        "annual of price",
        "import_price_per_kwh: 0.6",
        "import_price_per_kwh: {annual: 5, shape: 1}",
        "park.yaml:9:45: assets.grid.import_price_per_kwh.annual = 5: a yearly amount makes sense for kW and kg/h only.",
    ),
    (
        "price period that nothing uses",
        "import_price_per_kwh: 0.6",
        'import_price_per_kwh: {periods: {a: 1, b: 2}, calendar: [{hours: "0-24", period: a}]}',
        "park.yaml:9:22: assets.grid.import_price_per_kwh: nothing uses the period 'b': add a rule or remove it.",
    ),
    (
        "hours beyond the day",
        "import_price_per_kwh: 0.6",
        'import_price_per_kwh: {periods: {a: 1}, calendar: [{hours: "0-25", period: a}]}',
        "park.yaml:9:74: assets.grid.import_price_per_kwh.calendar.0.hours = '0-25': '0-25' goes beyond the day: hours run from 0 to 24.",
    ),
    (
        "thirteenth month",
        "import_price_per_kwh: 0.6",
        "import_price_per_kwh: {periods: {a: 1}, calendar: [{months: [13], period: a}]}",
        "park.yaml:9:83: assets.grid.import_price_per_kwh.calendar.0.months.0 = 13: must be <= 12",
    ),
    (
        "end and hours",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, end: 2025-01-02, hours: 24}",
        "park.yaml:5:1: horizon: `end` and `hours` contradict: give only one.",
    ),
    (
        "end before start",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-02, end: 2025-01-01}",
        "park.yaml:5:30: horizon.end: must be later than the start, 2025-01-02 00:00.",
    ),
    (
        "negative step",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, hours: 24, step_minutes: -60}",
        "park.yaml:5:41: horizon.step_minutes = -60: must be more than 0 min.",
    ),
    (
        "step too long",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, hours: 48, step_minutes: 2880}",
        "park.yaml:5:1: horizon: `step_minutes` must lie between 1 and 1440.",
    ),
    (
        "zero unequal step",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, steps_hours: [1, 0]}",
        "park.yaml:5:1: horizon: `steps_hours` needs at least one length, and all above 0.",
    ),
    (
        "weights of another number",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, hours: 24, weight: [1, 2]}",
        "park.yaml:5:41: horizon.weight: has 2 numbers for 24 steps: give one each.",
    ),
    (
        "zero weight",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, hours: 24, weight: 0}",
        "park.yaml:5:41: horizon.weight = 0: must be more than 0.",
    ),
    (
        "start a number",
        "{start: 2025-01-01, hours: 24}",
        "{start: 20250101, hours: 24}",
        "park.yaml:5:11: horizon.start = 20250101: must be a date such as 2025-01-31 or a time such as 2025-01-31T13:00.",
    ),
    (
        "year as text",
        "{start: 2025-01-01, hours: 24}",
        '{year: "2025"}',
        "park.yaml:5:11: horizon.year = '2025': must be a whole number, not text; write it without quotes",
    ),
    (
        "year a fraction",
        "{start: 2025-01-01, hours: 24}",
        "{year: 2025.5}",
        "park.yaml:5:11: horizon.year = 2025.5: must be a whole number",
    ),
    (
        "year before time zones",
        "{start: 2025-01-01, hours: 24}",
        "{year: 1025}",
        "park.yaml:5:11: horizon.year = 1025: must be >= 1900",
    ),
    (
        "a millennium of hours",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, hours: 10000000}",
        "park.yaml:5:1: horizon: has 10,000,000 steps in 10,000,000 h: at most 2,000,000 steps and 100 years can be planned.",
    ),
    (
        "holiday",
        "{start: 2025-01-01, hours: 24}",
        "{start: 2025-01-01, hours: 24, holidays: [1 May]}",
        "park.yaml:5:52: horizon.holidays.0 = '1 May': must be a date such as 2025-01-31 or a time such as 2025-01-31T13:00.",
    ),
    (
        "skipped hour",
        "site: {timezone: Asia/Shanghai}\nhorizon: {start: 2025-01-01, hours: 24}",
        "site: {timezone: Europe/Berlin}\nhorizon: {start: 2025-03-30T02:30, hours: 24}",
        "park.yaml:5:1: horizon: 2025-03-30 02:30 is skipped or doubled in Europe/Berlin, where clocks change: give it with its offset, such as 2025-10-26T02:30+01:00.",
    ),
    (
        "zone with a plus sign",
        "Asia/Shanghai",
        "GMT+8",
        "park.yaml:4:8: site.timezone = 'GMT+8': is not a time zone of the IANA data base: write for instance Asia/Shanghai, Europe/Berlin or Etc/GMT-8.",
    ),
    (
        "latitude beyond the pole",
        "{timezone: Asia/Shanghai}",
        "{timezone: Asia/Shanghai, latitude: 95}",
        "park.yaml:4:33: site.latitude = 95: must be at most 90 deg.",
    ),
    (
        "altitude in kg",
        "{timezone: Asia/Shanghai}",
        "{timezone: Asia/Shanghai, altitude_m: 1 kg}",
        "park.yaml:4:33: site.altitude_m = '1 kg': is a quantity of mass (kg); this key wants length in m.",
    ),
    (
        "pv none",
        "    output_per_kw: 0.2\n",
        "",
        "park.yaml:10:3: assets.pv: `output_per_kw` or `array` is missing: give exactly one.",
    ),
    (
        "tilt",
        "    output_per_kw: 0.2\n",
        "    array: {tilt_deg: 120}\n",
        "park.yaml:13:13: assets.pv.array.tilt_deg = 120: must be at most 90 deg.",
    ),
    (
        "wind curve",
        "    type: pv\n    power_kw: {max_kw: 100, capex_per_kw: 3000, lifetime_years: 20}\n    output_per_kw: 0.2\n",
        "    type: wind\n    power_kw: {max_kw: 100, capex_per_kw: 3000, lifetime_years: 20}\n    turbine: {hub_height_m: 100}\n",
        "park.yaml:13:5: assets.pv.turbine: `power_curve` or `wind_speed_m_per_s` is missing: give exactly one.",
    ),
    (
        "initial outside",
        "    power_kw: 50\n    charge",
        "    power_kw: 50\n    initial_fraction: 0.05\n    min_fraction: 0.1\n    charge",
        "park.yaml:18:5: assets.battery.initial_fraction: lies outside `min_fraction` 0.1 … `max_fraction` 1: choose one inside.",
    ),
    (
        "min fraction",
        "    power_kw: 50\n    charge",
        "    power_kw: 50\n    max_fraction: 0.05\n    min_fraction: 0.1\n    charge",
        "park.yaml:19:5: assets.battery.min_fraction: lies above `max_fraction` 0.05: correct one.",
    ),
    (
        "c rates",
        "    power_kw: 50\n    charge",
        "    power_kw: 50\n    min_c_rate_per_hour: 1\n    max_c_rate_per_hour: 0.5\n    charge",
        "park.yaml:18:5: assets.battery.min_c_rate_per_hour: lies above `max_c_rate_per_hour` 0.5: correct one.",
    ),
    (
        "C-rate that given sizes break",
        "    power_kw: 50\n    charge",
        "    power_kw: 50\n    max_c_rate_per_hour: 0.2\n    charge",
        "park.yaml:18:5: assets.battery.max_c_rate_per_hour: does not fit the sizes given: their power per capacity is 0.5. Correct a size or the rate, or let the plan choose a size.",
    ),
    (
        "self discharge 1",
        "    power_kw: 50\n    charge",
        "    power_kw: 50\n    self_discharge_per_hour: 1\n    charge",
        "park.yaml:18:5: assets.battery.self_discharge_per_hour = 1: must be less than 1 1/h.",
    ),
    (
        "cap negative",
        "assets:\n",
        "carbon: {cap_t_per_year: -1}\nassets:\n",
        "park.yaml:7:10: carbon.cap_t_per_year = -1: must be at least 0 t.",
    ),
    (
        "cap in cubic metres",
        "assets:\n",
        "carbon: {cap_t_per_year: 5 m3}\nassets:\n",
        "park.yaml:7:10: carbon.cap_t_per_year = '5 m3': is a quantity of volume (m3); this key wants mass in t.",
    ),
    (
        "share in percent",
        "assets:\n",
        "targets: {min_renewable_share: 50}\nassets:\n",
        "park.yaml:7:11: targets.min_renewable_share = 50: must be at most 1. Write '50 %' if percent is meant.",
    ),
    (
        "target word",
        "assets:\n",
        "targets: {renewable_share_base: load}\nassets:\n",
        "park.yaml:7:11: targets.renewable_share_base = 'load': must be `consumption` or `demand`",
    ),
    (
        "annuity word",
        "project_years: 20}",
        "project_years: 20, annuity: linear}",
        "park.yaml:6:51: finance.annuity = 'linear': must be `project`, `lifetime` or `straight_line`",
    ),
    (
        "scaling above one",
        "project_years: 20}",
        "project_years: 20, investment_scaling: 2}",
        "park.yaml:6:51: finance.investment_scaling = 2: must be at most 1. Write '2 %' if percent is meant.",
    ),
    (
        "schema true",
        "schema: 1",
        "schema: true",
        "park.yaml:1:1: schema = True: must be 1, the only version of this file format so far.",
    ),
    (
        "schema missing",
        "schema: 1\n",
        "",
        "park.yaml:1:1: schema: this key is required: it must be `1`",
    ),
    (
        "name a number",
        "name: Test park",
        "name: 5",
        "park.yaml:2:1: name = 5: must be text, not a number; put it in quotes",
    ),
    (
        "maybe for a switch",
        "import_price_per_kwh: 0.6",
        "import_price_per_kwh: 0.6, exclusive: maybe",
        "park.yaml:9:49: assets.grid.exclusive = 'maybe': must be true or false, not text",
    ),
    (
        "size counted on a side that there is not",
        "  load: {type: load",
        "  e: {type: electrolyser, power_kw: 5, consumption_kwh_per_kg: 50, size_on: output}\n  load: {type: load",
        "park.yaml:8:68: assets.e.size_on = 'output': must be `input`",
    ),
    (
        "line to itself",
        "  load: {type: load",
        "  l: {type: line, to: park, power_kw: 5}\n  load: {type: load",
        "park.yaml:8:19: assets.l.to = 'park': leads from park to itself: name the member or node at the other end.",
    ),
    (
        "line nowhere",
        "  load: {type: load",
        "  l: {type: line, to: south, power_kw: 5}\n  load: {type: load",
        "park.yaml:8:19: assets.l.to = 'south': is no member or node of the park: known are park.",
    ),
    (
        "members as a list",
        "assets:\n",
        "members: [north]\nassets:\n",
        "park.yaml:7:1: members = ['north']: must be a mapping, not a list",
    ),
    (
        "yaml anchor",
        "power_kw: 10}",
        "power_kw: *base}",
        "park.yaml:8:32: assets.load.power_kw: no anchor `&base` stands above this alias",
    ),
    (
        "spreadsheet",
        "power_kw: 10}",
        "power_kw: {file: load.xlsx, column: load_kw}}",
        "park.yaml:8:22: assets.load.power_kw = 'load.xlsx': must be a .csv or a .parquet file: save it as one.",
    ),
    (
        "asset with a word of Pyomo",
        "  pv:",
        "  model:",
        "park.yaml:10:3: assets.model: is a reserved name: choose another key.",
    ),
    (
        "member with a word of Pyomo",
        "assets:\n",
        "members: {load: {}}\nassets:\n",
        "park.yaml:7:11: members.load: is a reserved name: choose another key.",
    ),
    (
        "rules that do not meet",
        "import_price_per_kwh: 0.6",
        'import_price_per_kwh: {periods: {a: 1, b: 2}, calendar: [{hours: "0-12, 11-24", period: a}], otherwise: b}',
        "park.yaml:9:22: assets.grid.import_price_per_kwh: the hours '0-12, 11-24' of rule 1 overlap.",
    ),
    (
        "store in a line",
        "  load: {type: load",
        "  l: {type: line, to: park, carrier: hydrogen, power_kw: 5}\n  load: {type: load",
        "2 problems in the input:\n- park.yaml:8:19: assets.l.to = 'park': leads from park to itself: name the member or node at the other end.\n- park.yaml:8:29: assets.l.carrier = 'hydrogen': is counted in kg, the capacity of a line in kW: a line takes carriers counted in kWh.",
    ),
    (
        "commitment without bound",
        "  load: {type: load",
        "  e: {type: electrolyser, power_kw: {capex_per_kw: 1, lifetime_years: 9}, consumption_kwh_per_kg: 50, commitment: {min_load_fraction: 0.2}}\n  load: {type: load",
        "park.yaml:8:3: assets.e: `commitment` needs a bound: give max_kw.",
    ),
    (
        "demand served by nobody at all",
        "  grid: {type: grid, import_price_per_kwh: 0.6}\n  pv:\n    type: pv\n    power_kw: {max_kw: 100, capex_per_kw: 3000, lifetime_years: 20}\n    output_per_kw: 0.2\n  battery:\n    type: battery\n    energy_kwh: 100\n    power_kw: 50\n    charge_efficiency: 0.95\n    discharge_efficiency: 0.95\n",
        "",
        "park.yaml:8:3: assets.load: draws electricity (first at 2025-01-01 00:00:00+08:00), but no asset at 'park' supplies electricity: add a source, a converter or a purchase of electricity.",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "told"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_bad_value_is_told_in_these_words(old: str, new: str, told: str, tmp_path: Path) -> None:
    """Proves: place, value, what is allowed and what to do; nothing is solved."""
    assert PARK.count(old) == 1
    (tmp_path / "park.yaml").write_text(PARK.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        study.run(study.load(tmp_path / "park.yaml"))
    message = str(caught.value).replace(f"{tmp_path}/", "").replace(str(tmp_path), "FOLDER")
    assert message == told


def test_the_park_that_is_spoiled_is_good(tmp_path: Path) -> None:
    """Proves: what fails above fails for the change alone."""
    (tmp_path / "park.yaml").write_text(PARK, encoding="utf-8")
    _, audit = study.run(study.load(tmp_path / "park.yaml"))
    assert audit.passed


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (
            {"options": ["mip_rel_gapp=0.1"]},
            "options.mip_rel_gapp = 0.1: HiGHS has no such option; did you mean `mip_rel_gap`?",
        ),
        (
            {"options": ["mip_rel_gap=often"]},
            "options.mip_rel_gap = 'often': HiGHS does not take this value: allowed is double in [0, inf] (default 0.0001)",
        ),
        (
            {"options": ["mip_rel_gap=-1"]},
            "options.mip_rel_gap = -1: HiGHS does not take this value: allowed is double in [0, inf] (default 0.0001)",
        ),
        ({"profile": "defalt"}, "there is no solver profile `defalt`; did you mean `default`?"),
        ({"profile": "mine.yaml"}, "mine.yaml: there is no such file"),
    ],
    ids=[
        "option misspelt",
        "word for a number",
        "negative gap",
        "profile misspelt",
        "profile lost",
    ],
)
def test_bad_solver_settings(what: dict[str, object], told: str) -> None:
    """Proves: an option is checked before anything is solved, by the solver itself."""
    with pytest.raises(InputError) as caught:
        study.solve(study.load("minimal"), **what)  # type: ignore[arg-type]
    assert told in str(caught.value)


def test_bad_weather_is_told_once_where_it_stands(tmp_path: Path) -> None:
    """Proves: a mean that no sky gives is told at its place in the file, once for two plants."""
    means = "[9" + ", 2" * 11 + "]"
    weather = (
        f"{{ghi_kwh_per_m2_day: {means}, temperature_degc: {means}, wind_speed_m_per_s: {means}}}"
    )
    text = PARK.replace(
        "{timezone: Asia/Shanghai}",
        "{timezone: Asia/Shanghai, latitude: 32, longitude: 119, weather: {synthetic: "
        + weather
        + "}}",
    ).replace("    output_per_kw: 0.2\n", "    array: {tilt_deg: 30}\n")
    second = "  more: {type: pv, power_kw: 5, array: {tilt_deg: 10}}\n"
    (tmp_path / "park.yaml").write_text(text + second, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        study.load(tmp_path / "park.yaml")
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "park.yaml:4:106: site.weather.synthetic.ghi_kwh_per_m2_day[0] = 9.0: a clear sky gives at "
        "most 4.73 kWh/m2 a day in month 1 at this latitude"
    )


def test_words_of_pyomo_are_reserved() -> None:
    """Proves: what Pyomo keeps for itself is refused when the park is read, and not later; `load`, a
    word of models only, may be an asset.
    """
    for block, reserved in (
        (pyo.Block(concrete=True), RESERVED_ASSETS),
        (pyo.ConcreteModel(), RESERVED_MEMBERS),
    ):
        words = {name for name in dir(block) if re.fullmatch("[a-z][a-z0-9_]*", name)}
        assert words <= reserved
    assert RESERVED_ASSETS.isdisjoint({"load", "grid", "pv", "battery", "heat", "process"})
