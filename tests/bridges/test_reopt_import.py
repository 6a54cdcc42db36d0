"""A REopt scenario as a park: published bills, hand-made cash flows, and nothing dropped in silence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from microgrid_opt import study
from microgrid_opt.bridges.reopt_import import convert
from microgrid_opt.bridges.reopt_money import Price, Terms
from microgrid_opt.cli import app
from microgrid_opt.errors import InputError
from tests.support import EXACT

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.results import Results

Block = dict[str, Any]
SITE = {"longitude": -84.387982, "latitude": 33.748995}
NO_MONEY = {
    "offtaker_tax_rate_fraction": 0,
    "offtaker_discount_rate_fraction": 0,
    "elec_cost_escalation_rate_fraction": 0,
    "om_cost_escalation_rate_fraction": 0,
    "generator_fuel_cost_escalation_rate_fraction": 0,
    "analysis_years": 1,
}


def scenario(folder: Path, **blocks: Any) -> Path:
    path = folder / "scenario.json"
    path.write_text(json.dumps({"Site": SITE} | blocks), encoding="utf-8")
    return path


def planned(folder: Path, **blocks: Any) -> Results:
    convert(scenario(folder, **blocks), folder / "park")
    results, audit = study.run(study.load(folder / "park"), EXACT)
    audit.require()
    return results


def billed(results: Results, category: str) -> float:
    """Return what the first year's bill has of a category, before any growth."""
    rows = results.ledger
    rows = rows[(rows["category"] == category) & (rows["effect"] == "cost")]
    return float((rows["amount"] / rows["worth"]).sum())


def peaks() -> list[float]:
    load = [100.0] * 8760
    for step, power in ((22, 200.0), (2403, 400.0), (4088, 500.0), (8333, 300.0)):
        load[step - 1] = power
    return load


LOOKBACK = {
    "demand_lookback_percent": 0.75,
    "monthly_demand_rates": [10, 10, 20, 50, 20, 10, 20, 20, 20, 20, 20, 5],
    "blended_annual_energy_rate": 0.01,
}


@pytest.mark.parametrize(
    ("keys", "demand"),
    [
        ({"demand_lookback_months": [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]}, 74500.0),
        ({"demand_lookback_range": 6}, 79375.0),
    ],
)
def test_published_lookback_charges(tmp_path: Path, keys: Block, demand: float) -> None:
    """Proves: the scenarios of REopt.jl, test/runtests.jl, Lookback Demand Charges 2 and 3.

    Sensitivity: a month that counts from 0, or a ratchet that does not reach back over January.
    """
    results = planned(
        tmp_path,
        ElectricLoad={"doe_reference_name": "MidriseApartment", "loads_kw": peaks(), "year": 2022},
        ElectricTariff=LOOKBACK | keys,
        Financial={"offtaker_tax_rate_fraction": 0.26, "elec_cost_escalation_rate_fraction": 0.026},
    )
    assert billed(results, "peak") == pytest.approx(demand, rel=1e-9)
    assert billed(results, "energy") == pytest.approx(8770.0, rel=1e-9)


def test_published_coincident_peaks(tmp_path: Path) -> None:
    """Proves: 10 for 1 kW in steps of one month and 5 for steps of two: REopt.jl, Coincident Peak Charges.

    Sensitivity: a peak that is charged in each month would make it 20.
    """
    results = planned(
        tmp_path,
        ElectricLoad={"doe_reference_name": "FlatLoad", "annual_kwh": 8760.0},
        ElectricTariff={
            "coincident_peak_load_active_time_steps": [[1, 2, 100], [6000, 7000]],
            "coincident_peak_load_charge_per_kw": [10, 5],
            "blended_annual_energy_rate": 1.0,
            "blended_annual_demand_rate": 0.0,
        },
    )
    coincident = billed(results, "coincident_1") + billed(results, "coincident_2")
    assert coincident == pytest.approx(15.0, rel=1e-9)
    assert results.horizon.stamps[0].isoformat() == "2017-01-01T00:00:00-06:00"


def test_published_blended_tariff(tmp_path: Path) -> None:
    """Proves: 1000 and 136.99, REopt.jl, Blended tariff (test/scenarios/no_techs.json)."""
    results = planned(
        tmp_path,
        ElectricLoad={"doe_reference_name": "FlatLoad", "annual_kwh": 10000.0},
        ElectricTariff={"blended_annual_energy_rate": 0.1, "blended_annual_demand_rate": 10},
    )
    assert billed(results, "energy") == pytest.approx(1000.0, rel=1e-9)
    assert billed(results, "peak") == pytest.approx(136.99, abs=0.005)


MONEY = {
    "om_cost_escalation_rate_fraction": 0.02,
    "elec_cost_escalation_rate_fraction": 0.03,
    "offtaker_tax_rate_fraction": 0.25,
    "offtaker_discount_rate_fraction": 0.08,
    "analysis_years": 12,
}
SUN = [0.5 if 8 <= hour % 24 < 20 else 0.0 for hour in range(8760)]
PLANT = {
    "production_factor_series": SUN,
    "existing_kw": 0,
    "min_kw": 150,
    "max_kw": 150,
    "installed_cost_per_kw": 1500,
    "om_cost_per_kw": 20,
    "degradation_fraction": 0.01,
    "macrs_option_years": 5,
    "macrs_bonus_fraction": 0.6,
    "macrs_itc_reduction": 0.5,
    "federal_itc_fraction": 0.3,
    "state_ibi_fraction": 0.1,
    "utility_rebate_per_kw": 50,
}
STORE = {
    "min_kw": 40,
    "max_kw": 40,
    "min_kwh": 200,
    "max_kwh": 200,
    "installed_cost_per_kw": 900,
    "installed_cost_per_kwh": 450,
    "replace_cost_per_kw": 700,
    "replace_cost_per_kwh": 300,
    "inverter_replacement_year": 10,
    "battery_replacement_year": 15,
    "macrs_option_years": 7,
    "macrs_bonus_fraction": 0,
    "macrs_itc_reduction": 0.5,
    "total_itc_fraction": 0.3,
    "total_rebate_per_kw": 10,
    "total_rebate_per_kwh": 5,
}
FIVE = (0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576)
SEVEN = (0.1429, 0.2449, 0.1749, 0.1249, 0.0893, 0.0892, 0.0893, 0.0446)


def present(flows: dict[int, float]) -> float:
    return sum(amount / 1.08**year for year, amount in flows.items())


def test_cash_flow_of_pv_and_storage_by_hand(tmp_path: Path) -> None:
    """Proves: plan = REopt's lifecycle cost, put together here payment by payment and year by year.

    REopt web tool user manual, economic model: all after tax; the credit, and MACRS on a basis
    less half the credit, from year 1; costs grow from year 1; one replacement, deducted in its
    year, none in or after the last year; the plant degrades from year 2 and the bill counts its mean
    output. Storage starts half full, may end at its least of 20 %, and with one price does nothing else.
    Sensitivity: an escalation from year 2, a residual value, or a second replacement each change it.
    """
    results = planned(
        tmp_path,
        ElectricLoad={"loads_kw": [100.0] * 8760},
        ElectricTariff={"blended_annual_energy_rate": 0.2, "blended_annual_demand_rate": 0},
        Financial=MONEY,
        PV=PLANT,
        ElectricStorage=STORE,
    )
    flows = dict.fromkeys(range(13), 0.0)
    basis = 150 * ((1500 - 50) * 0.9)
    flows[0] -= basis
    flows[1] += 0.3 * basis
    for year, share in enumerate(FIVE, start=1):
        deducted = share * 0.4 + (0.6 if year == 1 else 0.0)
        flows[year] += 0.25 * deducted * basis * (1 - 0.5 * 0.3)
    paid = 40 * 900 + 200 * 450
    flows[0] -= paid - 40 * 10 - 200 * 5
    flows[1] += 0.3 * paid
    for year, share in enumerate(SEVEN, start=1):
        flows[year] += 0.25 * share * paid * (1 - 0.5 * 0.3)
    flows[10] -= 40 * 700 * 0.75
    growth = {year: (1.03 / 1.08) ** year for year in range(1, 13)}
    faded = sum(g * 0.99 ** (year - 1) for year, g in growth.items()) / sum(growth.values())
    once = 200 * 0.3 * 0.96 * 0.975**0.5
    bought = 100 * 8760 - 150 * 0.5 * faded * 365 * 12 - once
    for year in range(1, 13):
        flows[year] -= 0.75 * (0.2 * bought * 1.03**year + 150 * 20 * 1.02**year)
    factor = 0.75 * sum(1.08**-year for year in range(1, 13))
    assert results.cost * factor == pytest.approx(-present(flows), rel=1e-9)
    described = (tmp_path / "park" / "park.yaml").read_text(encoding="utf-8")
    assert f"{factor:.8g} times the yearly cost" in " ".join(described.split())


def test_effective_cost_is_never_negative() -> None:
    terms = Terms(years=20, rate=0.05, tax=0.4)
    assert Price(100.0, credit=0.9, macrs=(1.0,), rebate=60.0).worth(terms) == 0.0
    assert terms.worth(0.0) == pytest.approx(12.46221, abs=1e-5)
    assert Terms(5, 0.03, 0.0).worth(0.03) == pytest.approx(5.0)


def test_wholesale_is_fed_by_plants_that_may_sell_and_not_by_the_store(tmp_path: Path) -> None:
    """Proves: of 150 kW of sun beside 50 kW of load 100 kW are sold or stored for the night.

    A kWh in the store gives up 0.05 of sale and saves 0.2 at night, so 48 of 60 kWh are filled and emptied
    each day, after the 18 above the least filling from the start. At night a kWh would sell at 0.5, which
    REopt's store may not.
    Sensitivity: a store at the plants' node would sell at night.
    """
    free = {f"{kind}_cost_per_{u}": 0 for kind in ("installed", "replace") for u in ("kw", "kwh")}
    prices = [0.05 if 8 <= hour % 24 < 20 else 0.5 for hour in range(8760)]
    results = planned(
        tmp_path,
        ElectricLoad={"loads_kw": [50.0] * 8760},
        ElectricTariff={"blended_annual_energy_rate": 0.2, "wholesale_rate": prices},
        Financial=NO_MONEY,
        PV=PLANT
        | {
            "name": "roof",
            "installed_cost_per_kw": 0,
            "utility_rebate_per_kw": 0,
            "om_cost_per_kw": 0,
        }
        | {"degradation_fraction": 0, "production_factor_series": [2 * share for share in SUN]},
        ElectricStorage=free | {"min_kw": 20, "max_kw": 20, "min_kwh": 60, "max_kwh": 60},
    )
    way = 0.96 * 0.975**0.5
    sold = float(results.of("wholesale.sale") @ results.horizon.hours)
    assert sold == pytest.approx(100 * 4380 - 365 * 48 / way)
    assert billed(results, "energy") == pytest.approx(0.2 * (50 * 4380 - (18 + 365 * 48) * way))


def test_generator(tmp_path: Path) -> None:
    """Proves: 100 kWh at 4 a gallon of 40 kWh and an efficiency of 0.4 cost 25 and 0.02 each for wear.

    Its CO2: 22 lb a gallon are 22 × 0.45359237 / 40 / 0.4 kg/kWh.
    """
    results = planned(
        tmp_path,
        ElectricLoad={"loads_kw": [100.0] * 8760},
        ElectricTariff={"blended_annual_energy_rate": 1.0},
        ElectricUtility={"emissions_factor_series_lb_CO2_per_kwh": 1.0},
        Financial=NO_MONEY,
        Generator={
            "only_runs_during_grid_outage": False,
            "existing_kw": 60,
            "max_kw": 0,
            "fuel_cost_per_gallon": 4.0,
            "fuel_higher_heating_value_kwh_per_gal": 40.0,
            "electric_efficiency_full_load": 0.4,
            "fuel_avail_gal": 16425,
            "om_cost_per_kw": 2,
            "om_cost_per_kwh": 0.02,
            "emissions_factor_lb_CO2_per_gal": 22.0,
        },
    )
    made = 16425 * 40 * 0.4
    assert results.cost == pytest.approx(made * (0.25 + 0.02) + 120 + (876000 - made))
    kilograms = 0.45359237 * (16425 * 22 + 876000 - made)
    assert results.co2_kg == pytest.approx(kilograms)


STRANGE: Block = {
    "ElectricLoad": {"loads_kw": [1.0] * 8760, "annual_kwh": 5, "lods_kw": 1},
    "ElectricTariff": {
        "blended_annual_energy_rate": 0.1,
        "urdb_label": "539f6a23ec4f024411ec8bf9",
        "export_rate_beyond_net_metering_limit": 0.02,
    },
    "ElectricUtility": {"net_metering_limit_kw": 10, "outage_durations": [10]},
    "PV": {"production_factor_series": SUN, "production_incentive_per_kwh": 0.1, "existing_kw": 3},
    "ElectricStorage": {"can_grid_charge": False, "model_degradation": False},
    "Generator": {"existing_kw": 5},
    "CHP": {"prime_mover": "recip_engine"},
    "Settings": {"off_grid_flag": True},
}
LOST = {
    "ElectricLoad.annual_kwh",
    "ElectricLoad.lods_kw",
    "ElectricLoad.loads_kw_is_net",
    "ElectricTariff.urdb_label",
    "ElectricTariff.export_rate_beyond_net_metering_limit",
    "ElectricUtility.net_metering_limit_kw",
    "ElectricUtility.outage_durations",
    "PV.production_incentive_per_kwh",
    "ElectricStorage.can_grid_charge",
    "Generator.only_runs_during_grid_outage",
    "CHP",
    "Settings.off_grid_flag",
}


def test_what_a_park_cannot_say_is_refused_all_at_once_or_left_out_when_asked(
    tmp_path: Path,
) -> None:
    path = scenario(tmp_path, **STRANGE)
    with pytest.raises(InputError) as caught:
        convert(path, tmp_path / "park")
    assert {finding.key for finding in caught.value.findings} == LOST
    assert not (tmp_path / "park").exists()
    park, told = convert(path, tmp_path / "park", allow_loss=True)
    assert {finding.key for finding in told.lost} == LOST
    assert set(park["assets"]) == {"load", "grid", "pv", "storage"}
    study.load(tmp_path / "park")


@pytest.mark.parametrize(
    ("blocks", "word"),
    [
        ({"ElectricLoad": {"doe_reference_name": "Hospital"}}, "come with REopt alone"),
        ({"ElectricLoad": {"loads_kw": [1.0] * 24}}, "must be a list of 8760 numbers"),
        ({"ElectricLoad": {"loads_kw": [-1.0] * 8760}}, "negative in places"),
        ({"ElectricLoad": {"loads_kw": [1.0] * 8760, "year": 2024}}, "is a leap year"),
        ({"ElectricLoad": {"path_to_csv": "no.csv"}}, "cannot be read"),
        ({"ElectricTariff": {}}, "energy has no price"),
        ({"ElectricTariff": {"blended_annual_energy_rate": "cheap"}}, "is no number"),
        ({"ElectricTariff": LOOKBACK | {"demand_lookback_months": [1, 4, 12]}}, "a list of 12"),
        (
            {
                "ElectricTariff": LOOKBACK
                | {"demand_lookback_months": [1] * 12, "demand_lookback_range": 2}
            },
            "contradicts",
        ),
        ({"PV": {}}, "looks it up over the network"),
        ({"Wind": {"production_factor_series": SUN}}, "Wind.installed_cost_per_kw: is missing"),
        ({"ElectricStorage": {"min_kw": 5, "max_kw": 4}}, "more than the 4 that are possible"),
    ],
)
def test_what_cannot_be_read_is_refused_even_with_allow_loss(
    tmp_path: Path, blocks: Block, word: str
) -> None:
    plain = {
        "ElectricLoad": {"loads_kw": [1.0] * 8760},
        "ElectricTariff": {"blended_annual_energy_rate": 0.1},
    }
    with pytest.raises(InputError, match=word):
        convert(scenario(tmp_path, **(plain | blocks)), tmp_path / "park", allow_loss=True)


def test_space_of_pv_and_wind(tmp_path: Path) -> None:
    """Proves: 0.3 acres at 0.006 and 5000 square feet at 0.01 take 100 kW; wind needs land above 1.5 MW."""
    path = scenario(
        tmp_path,
        Site=SITE | {"land_acres": 0.3, "roof_squarefeet": 5000},
        ElectricLoad={"loads_kw": [1.0] * 8760},
        ElectricTariff={
            "tou_energy_rates_per_kwh": [0.1, 0.3] * 4380,
            "monthly_energy_rates": [1] * 12,
        },
        PV={"production_factor_series": SUN},
        Wind={"production_factor_series": SUN, "installed_cost_per_kw": 3000, "max_kw": 1e9},
    )
    park, told = convert(path, tmp_path / "park")
    assert park["assets"]["pv"]["power_kw"]["max_kw"] == pytest.approx(100.0)
    assert park["assets"]["wind"]["power_kw"]["max_kw"] == pytest.approx(1500.0)
    assert told.taken["PV"]["installed_cost_per_kw"] == 1790
    assert "monthly_energy_rates counts for nothing" in " ".join(told.notes)


def test_command(tmp_path: Path) -> None:
    path = scenario(tmp_path, **STRANGE)
    words = ["import", "reopt", str(path), "--out", str(tmp_path / "park")]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert "CHP: has no counterpart" in refused.output
    done = CliRunner().invoke(app, [*words, "--allow-loss"])
    assert done.exit_code == 0, done.output
    assert "left out: Settings.off_grid_flag" in done.output
    assert "default taken: ElectricStorage: " in done.output
    assert "4 assets" in done.output
    again = CliRunner().invoke(app, [*words, "--allow-loss"])
    assert again.exit_code == 2
    missing = CliRunner().invoke(app, ["import", "reopt", "no.json", "--out", str(tmp_path / "b")])
    assert "no such file" in missing.output
