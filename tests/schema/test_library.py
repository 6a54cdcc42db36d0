"""The technology library: honest numbers, and how a park takes, overrides and converts them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from microgrid_opt import store, study, yamlio
from microgrid_opt.assets.base import asset_types
from microgrid_opt.cli import app
from microgrid_opt.cli.schema import json_schema
from microgrid_opt.errors import InputError
from microgrid_opt.fields import Size
from microgrid_opt.library import comparison, library, unit_at
from microgrid_opt.park import park_model
from microgrid_opt.report.html import write_report
from microgrid_opt.units import CURRENCIES, conversion
from microgrid_opt.yamlio.modelwalk import fields_of, peel
from tests.registry import manual
from tests.support import bill, dumped, park, planned, problem_of, solved

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.library import Entry
    from microgrid_opt.problem import Problem

park_model()
NAMES = list(library())
OWN: dict[str, str] = {
    "chp": "fuel: gas",
    "generator": "fuel: gas",
    "fuel_boiler": "fuel: biomass",
    "pv": "output_per_kw: 0.2",
    "wind": "output_per_kw: 0.3",
    "compressor": "from_carrier: low, to_carrier: hydrogen",
    "china_2025/pumped_hydro": "reservoir_hours: 6",
}
"""What only a park can say, by type or entry."""
CARRIERS = "{low: {unit: kg, energy_kwh_per_unit: 33.33}}"
USUAL = """
lfp_battery vanadium_flow_battery pv_rooftop pv_ground onshore_wind alkaline_electrolyser
pem_electrolyser hydrogen_compressor fuel_cell_stationary electric_boiler electrode_boiler
heat_pump_90c steam_heat_pump gas_engine_chp gas_turbine_chp pumped_hydro hot_water_store
molten_salt_store
"""
WORKS = """
load: {type: load, power_kw: 100}
grid: {type: grid, import_price_per_kwh: 100}
"""
BATTERY = """
bat:
  technology: china_2025/lfp_battery
  energy_kwh: {max_kwh: 4000}
  power_kw: {max_kw: 2000}
""".lstrip()
PV = "pv: {technology: china_2025/pv_rooftop, power_kw: {max_kw: 60}, output_per_kw: 0.5}\n"
ASSETS = WORKS + BATTERY + PV
DEAR = ("per_kwh: 100}", "per_kwh: 1000}")
"""From a price of the grid at which no kW of PV pays to one at which every kW does."""


def refusal(text: str) -> str:
    with pytest.raises(InputError) as raised:
        problem_of(text)
    return str(raised.value)


def sizes_of(entry: Entry) -> dict[str, type[Size]]:
    """Return the sizes that an entry has values for."""
    cls = asset_types()[entry.type]
    found = {path[0]: peel(fields_of(cls)[path[0]]).plain for path in entry.values if path[1:]}
    return {key: kind for key, kind in found.items() if issubclass(kind, Size)}


def asset_text(entry: Entry) -> str:
    """Return an asset that refers to an entry: a limit for each size, what only a park can say."""
    parts = [f"technology: {entry.name}"]
    parts += [f"{key}: {{{kind.key('maximum')}: 50}}" for key, kind in sizes_of(entry).items()]
    if not sizes_of(entry):
        parts.append("power_kw: 50")
    parts += [OWN[key] for key in (entry.type, entry.name) if key in OWN]
    return ", ".join(parts)


def resolved(entry: Entry, *, currency: str, **sections: str) -> Problem:
    text = park(f"x: {{{asset_text(entry)}}}", currency=currency, **sections)
    if entry.type == "compressor":
        text = text.replace("assets:", f"carriers: {CARRIERS}\nassets:")
    return problem_of(text)


def money_of(entry: Entry) -> str:
    codes = {value.currency for value in entry.values.values()} - {None}
    assert len(codes) <= 1, "one entry, one currency"
    return str(next(iter(codes), "CNY"))


# ----------------------------------------------------------------------------------------- numbers


def test_there_are_two_sets_with_the_usual_technologies() -> None:
    assert {name.partition("/")[0] for name in NAMES} == {"china_2025", "international"}
    for name in USUAL.split():
        assert {f"china_2025/{name}", f"international/{name}"} <= set(NAMES)
    assert all(money_of(library()[name]) == "CNY" for name in NAMES if "china" in name)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_source_year_and_range(name: str) -> None:
    """Proves: no number stands alone, and none is given to more than four digits."""
    entry = library()[name]
    assert entry.about.endswith(".")
    assert entry.values
    for path, value in entry.values.items():
        assert value.low <= value.value <= value.high, path
        assert value.low < value.high, path
        assert len(value.source) > 20, path
        assert 2015 <= value.year <= 2026, path
        for number in (value.value, value.low, value.high):
            assert float(f"{number:.4g}") == number, path


@pytest.mark.parametrize("name", NAMES)
def test_every_number_fits_its_field(name: str) -> None:
    """Proves: fields exist on the type, units convert, value and range lie within the bounds."""
    entry = library()[name]
    cls = asset_types()[entry.type]
    for path, value in entry.values.items():
        marker = unit_at(cls, path)
        if value.unit:
            conversion(value.unit, marker.unit, currency=value.currency)
        assert (value.currency is not None) == ("currency" in marker.unit), path
        assert value.currency in {None, *CURRENCIES}
        for number in value.numbers(marker.unit):
            assert marker.breach(number) is None, path
        for key in value.unless:
            assert key in fields_of(cls), path


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_makes_an_asset(name: str) -> None:
    """Proves: sizes and fuels are all that a park must add; the park then holds the final numbers."""
    entry = library()[name]
    problem = resolved(entry, currency=money_of(entry))
    rows = {row.key: row for row in comparison(problem.park, "x")}
    nested = {path for path in entry.values if path[1:] and path[0] not in sizes_of(entry)}
    assert rows.keys() == {".".join(path) for path in entry.values.keys() - nested}
    for row in rows.values():
        assert not row.is_overridden
        assert row.low <= row.used <= row.high
    again = problem_of(dumped(problem))
    assert again.park == problem.park


# ------------------------------------------------------------------------------------ what is taken


def test_final_numbers_are_in_the_park() -> None:
    asset: Any = problem_of(park(ASSETS)).park.assets["bat"]
    assert asset.type == "battery"
    assert asset.technology == "china_2025/lfp_battery"
    assert asset.energy_kwh.capex_per_unit == 900.0
    assert asset.energy_kwh.fixed_om_fraction == 0.015
    assert asset.energy_kwh.maximum == 4000.0
    assert asset.charge_efficiency == 0.94
    assert not asset.power_kw.has_price


def test_a_plan_with_library_values_by_hand() -> None:
    """Proves: the costs of the entry reach the bill, and the stored park gives the same plan.

    Each kW of PV costs 3000/25 + 40 = 160 a year and gives 1 kWh, which saves 100 or 1000.
    Sensitivity: capex, operation, lifetime of the entry.
    """
    built = solved(park((WORKS + PV).replace(*DEAR)))
    assert bill(built, "pv", "investment") == pytest.approx(60 * 120.0)
    assert bill(built, "pv", "fixed_om") == pytest.approx(60 * 40.0)
    assert bill(solved(park(WORKS + PV)), "pv", "investment") == 0.0


def test_what_the_park_gives_wins() -> None:
    given = "{max_kwh: 4000, capex_per_kwh: 650, fixed_om_per_kwh_year: 5}"
    text = park(ASSETS.replace("{max_kwh: 4000}", given))
    problem = problem_of(text)
    size = problem.park.assets["bat"].sizes()["energy"]
    assert size.capex_per_unit == 650.0
    assert (size.fixed_om_per_unit_year, size.fixed_om_fraction) == (5.0, 0.0)
    assert size.lifetime_years == 12.0
    overridden = {row.key for row in comparison(problem.park, "bat") if row.is_overridden}
    assert overridden == {"energy_kwh.capex_per_kwh", "energy_kwh.fixed_om_fraction"}


def test_a_yearly_cost_replaces_investment_and_what_depends_on_it() -> None:
    given = "{max_kwh: 4000, annual_cost_per_kwh: 80}"
    size = problem_of(park(ASSETS.replace("{max_kwh: 4000}", given))).park.assets["bat"].sizes()
    assert size["energy"].annual_cost_per_unit == 80.0
    assert size["energy"].capex_per_unit == 0.0
    assert size["energy"].lifetime_years is None


@pytest.mark.parametrize("given", ["60", "60 kW", "{existing_kw: 60}"])
def test_what_only_exists_is_not_for_sale(given: str) -> None:
    """Proves: existing capacity gets its operating cost, and the entry's price buys nothing more.

    The load would take any amount of PV at 160 a year for a kW. Sensitivity: the limit that is set.
    """
    pv = PV.replace("{max_kw: 60}", given)
    results = solved(park((WORKS + pv).replace(*DEAR)))
    assert bill(results, "pv", "investment") == 0.0
    assert bill(results, "pv", "fixed_om") == pytest.approx(60 * 40.0)


def test_existing_capacity_with_a_limit_is_for_sale() -> None:
    given = "power_kw: {existing_kw: 60, max_kw: 90}"
    size = problem_of(park(ASSETS.replace("power_kw: {max_kw: 60}", given))).park.assets["pv"]
    assert (size.sizes()["power"].fixed, size.sizes()["power"].upper) == (None, 90.0)


def test_existing_capacity_may_be_retired() -> None:
    given = "power_kw: {existing_kw: 60, retirement: whole}"
    asset = problem_of(park(ASSETS.replace("power_kw: {max_kw: 60}", given))).park.assets["pv"]
    size = asset.sizes()["power"]
    assert (size.lower, size.upper) == (0.0, 60.0)


def test_a_priced_size_must_be_given() -> None:
    """Proves: a battery by power and hours cannot lose its cost per kWh without a word."""
    text = ASSETS.replace("energy_kwh: {max_kwh: 4000}", "hours: 2")
    assert refusal(park(text)) == (
        "park.yaml:11:5: assets.bat.technology = 'china_2025/lfp_battery': has a price per "
        "`energy_kwh`, which is missing: give this size, or `energy_kwh: null` if there is none, so "
        "that no cost is lost."
    )
    asset = problem_of(park(text.replace("hours: 2", "hours: 2\n  energy_kwh: null"))).park
    assert "energy" not in asset.assets["bat"].sizes()


def test_other_mappings_are_filled_where_they_are_given() -> None:
    maker = "ely: {technology: international/pem_electrolyser, power_kw: {max_kw: 5}%s}"
    plain: Any = problem_of(park(maker % "", currency="USD")).park.assets["ely"]
    assert plain.commitment is None
    text = park(maker % ", commitment: {}", currency="USD")
    problem = problem_of(text)
    asset: Any = problem.park.assets["ely"]
    assert asset.commitment.min_load_fraction == 0.05
    assert "commitment.min_load_fraction" in {row.key for row in comparison(problem.park, "ely")}


def test_the_same_said_in_another_way_replaces_a_value() -> None:
    pump = "hp: {technology: china_2025/heat_pump_90c, power_kw: {max_kw: 5}%s}"
    plain: Any = problem_of(park(pump % "")).park.assets["hp"]
    assert plain.cop.value == 3.5
    table = "cop_by_lift: {lift_kelvin: [30, 60], cop: [5, 3]}"
    ends = "source_temperature_degc: 20, sink_temperature_degc: 65"
    other: Any = problem_of(park(pump % f", {table}, {ends}")).park.assets["hp"]
    assert other.cop is None


# -------------------------------------------------------------------------------------------- money


def test_money_is_converted_once() -> None:
    """Proves: 900 CNY at 0.128 USD are 115.2 USD; shares and years are left alone; a dump is final."""
    problem = problem_of(park(ASSETS, currency="USD", exchange_rates="{CNY: 0.128}"))
    size = problem.park.assets["bat"].sizes()["energy"]
    assert size.capex_per_unit == pytest.approx(115.2, rel=1e-12)
    assert (size.fixed_om_fraction, size.lifetime_years) == (0.015, 12.0)
    assert problem_of(dumped(problem)).park == problem.park
    (row,) = [row for row in comparison(problem.park, "bat") if "capex" in row.key]
    assert (row.unit, row.library_unit, row.is_overridden) == ("USD/kWh", "USD/kWh", False)


def test_another_currency_needs_a_rate() -> None:
    text = park(WORKS + BATTERY, currency="EUR")
    assert refusal(text) == (
        "park.yaml:11:5: assets.bat.technology = 'china_2025/lfp_battery': has costs in CNY, and the "
        "park is in EUR: give `exchange_rates: {CNY: ...}` at the top of the file, the EUR for 1 CNY."
    )


def test_no_rate_is_needed_where_the_park_has_its_own_costs() -> None:
    given = "{max_kwh: 4000, capex_per_kwh: 120}"
    text = (WORKS + BATTERY).replace("{max_kwh: 4000}", given)
    problem = problem_of(park(text, currency="EUR"))
    (row,) = [row for row in comparison(problem.park, "bat") if "capex" in row.key]
    assert (row.used, row.unit) == (120.0, "EUR/kWh")
    assert (row.library, row.library_unit, row.is_overridden) == (900.0, "CNY/kWh", True)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"currency": "USD", "exchange_rates": "{CNY: 0}"}, "exchange_rates.CNY = 0: must be more"),
        ({"currency": "USD", "exchange_rates": "{CNY: a}"}, "exchange_rates.CNY = 'a': does not"),
        ({"currency": "USD", "exchange_rates": "{CNX: 1}"}, "has costs in CNY"),
        ({"exchange_rates": "{CNY: 1}"}, "exchange_rates.CNY: is the park's own currency"),
        ({"currency": "yuan"}, "currency = 'yuan': is no currency"),
        ({"currency": "USD", "exchange_rates": "0.128"}, "exchange_rates = 0.128: must be"),
    ],
)
def test_wrong_money_is_told_once(sections: dict[str, str], said: str) -> None:
    """Proves: each mistake is told where it stands, without a tail of costs that it leaves out."""
    text = refusal(park(ASSETS, **sections))
    assert said in text
    assert "fixed_om_fraction" not in text


# ----------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("china_2025/lfp_batery", "; did you mean `china_2025/lfp_battery`?"),
        ("lfp_battery", ": write `china_2025/lfp_battery` or `international/lfp_battery`."),
        ("nonsense/xyz", ": `microgrid-opt technologies` lists them."),
    ],
)
def test_unknown_entries_are_told_with_the_nearest(name: str, said: str) -> None:
    text = park(ASSETS.replace("china_2025/lfp_battery", name))
    where = f"park.yaml:11:5: assets.bat.technology = '{name}': "
    assert refusal(text) == f"{where}is no technology of the library{said}"


def test_all_problems_come_in_one_message() -> None:
    text = park(ASSETS.replace("/lfp_battery", "/lfp").replace("max_kw: 60", "max_kw: -60"))
    told = refusal(text)
    assert "2 problems" in told
    assert told.index("assets.bat.technology") < told.index("assets.pv.power_kw.max_kw")


def test_a_type_must_agree() -> None:
    text = park(ASSETS.replace("bat:\n", "bat:\n  type: pv\n"))
    assert refusal(text) == (
        "park.yaml:11:5: assets.bat.type = 'pv': must be `battery`, the type of "
        "china_2025/lfp_battery, or be left out."
    )
    agreed = park(ASSETS.replace("bat:\n", "bat:\n  type: battery\n"))
    assert problem_of(agreed).park == problem_of(park(ASSETS)).park


def test_a_library_value_that_clashes_is_told_at_the_line_of_its_entry() -> None:
    """Proves: what the park does not say itself is placed at `technology`, and the entry is named."""
    tank = """
    tank:
      max_fraction: 0.05
      capacity_kg: {max_kg: 10}
      technology: international/hydrogen_tank_250bar
    """
    assert refusal(park(tank, currency="EUR")) == (
        "park.yaml:11:5: assets.tank.min_fraction: lies above `max_fraction` 0.05: correct "
        "one. (values of international/hydrogen_tank_250bar)"
    )
    own = park(tank.replace("max_fraction: 0.05", "max_fraction: 5"), currency="EUR")
    assert "values of" not in refusal(own)


def test_a_size_that_clashes_names_the_entry() -> None:
    text = park(ASSETS.replace("{max_kwh: 4000}", "{max_kwh: 4000, capex_per_kwh: 0}"))
    assert refusal(text) == (
        "park.yaml:12:5: assets.bat.energy_kwh: fixed_om_fraction is a share of capex: give "
        "capex_per_kwh. (values of china_2025/lfp_battery)"
    )


def test_what_is_missing_is_still_asked_for() -> None:
    engine = "chp: {technology: china_2025/gas_engine_chp, power_kw: {max_kw: 5}}"
    assert "`fuel` and `fuels` are both missing" in refusal(park(engine))


# --------------------------------------------------------------------------------- scenarios, schema


def test_scenarios_and_sets_work_on_top(tmp_path: Path) -> None:
    path = tmp_path / "park.yaml"
    change = (
        "scenarios:\n"
        "  cheap: {assets: {bat: {energy_kwh: {capex_per_kwh: 500}}}}\n"
        "  abroad: {exchange_rates: {USD: 7}, assets: {bat: {technology: international/lfp_battery}}}\n"
    )
    path.write_text(park(ASSETS) + change, encoding="utf-8")

    def capex(**changes: Any) -> float:
        asset = study.load(path, **changes).park.assets["bat"]
        return float(asset.sizes()["energy"].capex_per_unit)

    assert capex() == 900.0
    assert capex(scenario="cheap") == 500.0
    assert capex(scenario="abroad") == 7 * 165.0
    assert capex(sets=["assets.bat.energy_kwh.capex_per_kwh=400"]) == 400.0
    assert capex(sets=["assets.bat.technology=china_2025/vanadium_flow_battery"]) == 1930.0


def test_the_json_schema_knows_the_library() -> None:
    check = Draft202012Validator(json_schema())
    data = yamlio.load(study.park_file("case:minimal")).data

    def takes(**asset: Any) -> bool:
        return bool(check.is_valid({**data, "assets": {**data["assets"], "x": asset}}))

    name = "china_2025/lfp_battery"
    assert takes(technology=name, energy_kwh={"max_kwh": 1})
    assert takes(technology=name, type="battery", energy_kwh={"max_kwh": 1})
    assert not takes(technology="china_2025/lfp", energy_kwh={"max_kwh": 1})
    assert not takes(technology=name, energy_kw={"max_kwh": 1})
    assert not takes(technology=name, charge_efficiency=-1)
    assert not takes(energy_kwh={"max_kwh": 1})


# --------------------------------------------------------------------------------- report, commands


def test_the_report_lists_used_and_library_values(tmp_path: Path) -> None:
    given = "{max_kwh: 4000, capex_per_kwh: 650}"
    plan = planned(park(ASSETS.replace("{max_kwh: 4000}", given)))
    write_report(plan, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("Values of the technology library") == 2
    (row,) = re.findall(r"<tr>\n(<td>energy_kwh\.capex_per_kwh.*?)</tr>", text)
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[1:5] == ["650 CNY/kWh", "900 CNY/kWh", "800 to 1,200 CNY/kWh", "yes"]
    assert cells[5].startswith("Engineering range for China")
    assert cells[6] == "2025"
    (row,) = re.findall(r"<tr>\n(<td>charge_efficiency.*?)</tr>", text)
    assert re.findall(r"<td>(.*?)</td>", row)[1:5] == ["0.94", "0.94", "0.927 to 0.949", "no"]


def test_a_stored_park_keeps_the_name_of_the_entry(tmp_path: Path) -> None:
    plan = planned(park(ASSETS))
    store.save(plan, tmp_path / "out")
    held = json.loads((tmp_path / "out" / "park.json").read_text(encoding="utf-8"))
    assert held["assets"]["bat"]["technology"] == "china_2025/lfp_battery"
    assert held["assets"]["bat"]["energy_kwh"]["capex_per_kwh"] == 900.0


def test_the_command_lists_entries_and_values() -> None:
    listed = CliRunner().invoke(app, ["technologies"])
    assert listed.exit_code == 0
    for name, entry in library().items():
        assert re.search(rf"^{name} +{entry.type} ", listed.output, re.MULTILINE)
    few = CliRunner().invoke(app, ["technologies", "electrolyser"]).output
    assert "alkaline_electrolyser" in few
    assert "battery" not in few
    one = CliRunner().invoke(app, ["technologies", "china_2025/lfp_battery_tender"]).output
    row = r"energy_kwh\.capex_per_kwh +CNY/Wh +0\.4646 +0\.416 to 0\.5764 +\[1\]"
    assert re.search(row, one)
    assert "[1] 2025: ESS News, 26 June 2025" in one
    wrong = CliRunner().invoke(app, ["technologies", "lfp_batery"])
    assert wrong.exit_code == 2
    assert "china_2025/lfp_battery" in wrong.output


# --------------------------------------------------------------------------------------- the manual

EXAMPLES = manual.blocks("technologies.md", "yaml")


def test_the_manual_has_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_of_the_manual_load(number: int, tmp_path: Path) -> None:
    """Proves: the first block is a park, and each other block, merged into it, gives another one."""
    path = tmp_path / "park.yaml"
    text = EXAMPLES[0].text
    lines = "".join(f"    {line}\n" for line in EXAMPLES[number].text.splitlines())
    path.write_text(f"{text}\nscenarios:\n  example:\n{lines}" if number else text, "utf-8")
    problem = study.load(path, scenario="example" if number else None)
    if number:
        assert problem.park != study.load(path).park


def test_commands_of_the_manual_run() -> None:
    lines = [line for b in manual.blocks("technologies.md", "sh") for line in b.text.splitlines()]
    assert len(lines) == 3
    for line in lines:
        done = CliRunner().invoke(app, line.split()[1:])
        assert done.exit_code == 0, f"{line}: {done.output}"
