"""Recipes of industry against published stoichiometry, inventories and a contest.

Sources of the printed values:

- Standard atomic weights, abridged: Prohaska et al. (2022), Standard atomic weights of the elements
  2021 (IUPAC Technical Report), Pure Appl. Chem. 94, 573-600, doi:10.1515/pac-2019-0603.
- 2006 IPCC Guidelines for National Greenhouse Gas Inventories: volume 2, chapter 1, table 1.4 (CO2 per
  energy: natural gas 56.1, coke-oven gas 44.4 kg/GJ); volume 3, chapter 2, equation 2.4 (clinker
  0.51 t/t with 65 % CaO, of 0.785 t CO2 per t CaO) and chapter 3 (urea binds 0.733 t CO2 per t).
- Coke-oven gas: The Great Soviet Encyclopedia, 3rd edition (1970-1979), "Coke-oven gas": 55-60 % H2,
  20-30 % CH4, 5-7 % CO, 2-3 % CO2, 2-3 % unsaturated hydrocarbons by volume; lower heating value
  17.5 MJ/m3; about 300 m3 per t of dry charge.
- Enthalpies of formation: Cox, Wagman & Medvedev (1989), CODATA Key Values for Thermodynamics (H2O,
  CO2, CO); NIST Chemistry WebBook (CH4, C2H4).
- Ammonia park: problem A of a public student contest, China, 2026: alkaline 10 MW at 71.4 kWh/kg, PEM
  10 MW at 62.5 kWh/kg, 200 kg of hydrogen per t of ammonia.
"""

from __future__ import annotations

import pytest

from tests.support import bill, park, solved

H, C, N, O, CA, FE = 1.008, 12.011, 14.007, 15.999, 40.078, 55.845  # noqa: E741
H2, N2, CO2, WATER = 2 * H, 2 * N, C + 2 * O, 2 * H + O
AMMONIA = N + 3 * H
HAEMATITE = 2 * FE + 3 * O
UREA = 4 * H + 2 * N + C + O
MJ_PER_KWH = 3.6
KG = "{unit: kg}"


def plant(inputs: dict[str, float], outputs: dict[str, float], product: str, rate: float) -> str:
    """Return a recipe with every digit of its amounts, and a customer for exactly `rate` kg/h."""
    amounts = [
        "{" + ", ".join(f"{name}: {amount!r}" for name, amount in side.items()) + "}"
        for side in (inputs, outputs)
    ]
    return (
        f"plant: {{type: recipe, inputs: {amounts[0]}, outputs: {amounts[1]}, size_on: {product}, "
        f"flow_kg_per_hour: {rate * 2}}}\n"
        f"customer: {{type: sale, carrier: {product}, price_per_kg: 0, min_kg_per_hour: {rate}, "
        f"limit_kg_per_hour: {rate}}}\n"
    )


def sources(*carriers: str) -> str:
    lines = (
        f"{name}_source: {{type: supply, carrier: {name}, price_per_kg: 1}}" for name in carriers
    )
    return "\n".join(lines)


def test_ammonia() -> None:
    """Proves: N2 + 3 H2 = 2 NH3: a tonne takes 177.6 kg of hydrogen and 822.4 kg of nitrogen.

    Mass is kept. Sensitivity: 177 kg/t is the printed stoichiometric amount, 200 kg/t that of R5.
    """
    text = park(
        sources("hydrogen", "nitrogen")
        + "\n"
        + plant({"nitrogen": N2, "hydrogen": 3 * H2}, {"ammonia": 2 * AMMONIA}, "ammonia", 1000),
        hours=1,
        carriers=f"{{nitrogen: {KG}, ammonia: {KG}}}",
    )
    results = solved(text)
    hydrogen = results.of("hydrogen_source.purchase")[0]
    nitrogen = results.of("nitrogen_source.purchase")[0]
    assert hydrogen == pytest.approx(177.6, abs=0.1)
    assert hydrogen + nitrogen == pytest.approx(1000)
    assert results.cost == pytest.approx(1000)


def test_ammonia_of_the_contest() -> None:
    """Proves: 10 MW at 71.4 and 10 MW at 62.5 kWh/kg give 300.06 kg/h, and these 1.500 t/h.

    Sensitivity: at the stoichiometric 177.6 kg/t the same hydrogen gives 1.690 t/h.
    """

    def text(hydrogen: float) -> str:
        return park(
            f"""
            grid: {{type: grid, import_price_per_kwh: 0.3424}}
            alkaline: {{type: electrolyser, power_kw: 10000, consumption_kwh_per_kg: 71.4}}
            pem: {{type: electrolyser, power_kw: 10000, consumption_kwh_per_kg: 62.5}}
            synthesis:
              type: recipe
              inputs: {{hydrogen: {hydrogen}}}
              outputs: {{ammonia: 1000}}
              size_on: ammonia
              flow_kg_per_hour: 3000
            ship: {{type: sale, carrier: ammonia, price_per_kg: 10}}
            """,
            hours=1,
            carriers=f"{{ammonia: {KG}}}",
        )

    results = solved(text(200))
    made = 10000 / 71.4 + 10000 / 62.5
    assert made == pytest.approx(300.06, abs=0.005)
    assert results.of("ship.sale") == pytest.approx([made / 0.2])
    assert results.of("ship.sale")[0] == pytest.approx(1500, rel=1e-3)
    assert results.of("grid.import") == pytest.approx([20000])
    lean = solved(text(3 * H2 / (2 * AMMONIA) * 1000))
    assert lean.of("ship.sale")[0] == pytest.approx(1690, rel=1e-3)


def test_direct_reduction_with_hydrogen() -> None:
    """Proves: Fe2O3 + 3 H2 = 2 Fe + 3 H2O: 54 kg of hydrogen and 1430 kg of haematite a tonne of iron.

    Sensitivity: mass is kept, 484 kg of steam leave.
    """
    text = park(
        sources("hydrogen", "haematite")
        + "\noff_gas: {type: dump, carrier: water}\n"
        + plant(
            {"haematite": HAEMATITE, "hydrogen": 3 * H2},
            {"iron": 2 * FE, "water": 3 * WATER},
            "iron",
            1000,
        ),
        hours=1,
        carriers=f"{{haematite: {KG}, iron: {KG}, water: {KG}}}",
    )
    results = solved(text)
    hydrogen = results.of("hydrogen_source.purchase")[0]
    ore = results.of("haematite_source.purchase")[0]
    assert hydrogen == pytest.approx(54, abs=0.5)
    assert ore == pytest.approx(1430, abs=1)
    steam = results.of("off_gas.dumped")[0]
    assert steam == pytest.approx(484, abs=0.5)
    assert hydrogen + ore == pytest.approx(1000 + steam)


def test_clinker_emits_whatever_it_burns() -> None:
    """Proves: CaCO3 = CaO + CO2 gives 0.785 t per t of lime, 0.51 t per t of clinker; this stays.

    The kiln takes 3.4 GJ a tonne as gas (56.1 kg/GJ) or hydrogen. Sensitivity: at 200 a tonne of CO2
    it burns hydrogen, and 510 of 701 kg remain.
    """
    lime = CO2 / (CA + O)
    assert lime == pytest.approx(0.785, abs=0.0005)
    process = lime * 0.65
    assert process == pytest.approx(0.51, abs=0.0005)
    heat = 3400 / MJ_PER_KWH

    def text(price: float) -> str:
        return park(
            f"""
            quarry: {{type: supply, carrier: meal, price_per_kg: 0}}
            gas: {{type: supply, carrier: gas, price_per_kwh: 0.03, co2_kg_per_kwh: {0.0561 * 3.6}}}
            truck: {{type: supply, carrier: hydrogen, price_per_kg: 2}}
            kiln:
              type: recipe
              inputs: {{meal: 1.55}}
              outputs: {{clinker: 1}}
              choices: {{firing: {{amount: {heat / 1000}, worth_per_unit: {{gas: 1, hydrogen: 33.33}}}}}}
              size_on: clinker
              flow_kg_per_hour: 1000
              co2_kg_per_unit: {process}
            customer: {{type: sale, carrier: clinker, price_per_kg: 0, min_kg_per_hour: 1000}}
            """,
            hours=1,
            carriers=f"{{meal: {KG}, clinker: {KG}}}",
            carbon=f"{{price_per_t: {price}}}",
        )

    gas = solved(text(100))
    assert gas.co2_kg == pytest.approx(1000 * process + 3.4 * 56.1)
    hydrogen = solved(text(200))
    assert hydrogen.of("kiln.gas_for_firing") == pytest.approx([0])
    assert hydrogen.co2_kg == pytest.approx(bill(hydrogen, "kiln", "process", "co2"))
    assert hydrogen.co2_kg == pytest.approx(510, abs=1)


def test_urea_binds_what_is_captured() -> None:
    """Proves: CO2 + 2 NH3 = CO(NH2)2 + H2O binds 0.733 t a tonne, out of a flue at 90 % capture.

    Sensitivity: 1000 kg/h of urea take 732.8 kg/h, of 814 kg/h treated; the rest leaves.
    """
    recipe = plant(
        {"ammonia": 2 * AMMONIA, "co2": CO2}, {"urea": UREA, "water": WATER}, "urea", 1000
    )
    results = solved(
        park(
            sources("ammonia")
            + "\n"
            + recipe
            + """
works: {type: process_emissions, co2_kg_per_hour: 900, flue_carrier: flue_co2}
chimney: {type: dump, carrier: flue_co2, co2_kg_per_unit: 1}
drain: {type: dump, carrier: water}
grid: {type: grid, import_price_per_kwh: 0.5}
capture:
  type: carbon_capture
  flue_carrier: flue_co2
  flow_kg_per_hour: 2000
  capture_fraction: 0.9
  electricity_kwh_per_t: 300
""",
            hours=1,
            carriers=f"{{ammonia: {KG}, urea: {KG}, water: {KG}, flue_co2: {KG}}}",
        )
    )
    bound = results.of("capture.captured")[0]
    assert bound == pytest.approx(733, abs=0.5)
    assert results.of("ammonia_source.purchase")[0] == pytest.approx(567, abs=0.5)
    assert results.of("chimney.dumped")[0] == pytest.approx(900 - bound / 0.9)
    assert results.co2_kg == pytest.approx(900 - bound)


FORMED = {"H2O": -241.826, "CO2": -393.51, "CO": -110.53, "CH4": -74.6, "C2H4": 52.4}
"""Enthalpies of formation as gases at 25 degC [kJ/mol]."""
LITRES_PER_MOL = 22.414
# Share by volume, and per mole: carbon, water formed and heat of formation [kJ/mol].
OVEN_GAS = {
    "H2": (0.575, 0, 1, 0.0),
    "CH4": (0.25, 1, 2, FORMED["CH4"]),
    "CO": (0.06, 1, 0, FORMED["CO"]),
    "C2H4": (0.025, 2, 2, FORMED["C2H4"]),
    "CO2": (0.025, 1, 0, FORMED["CO2"]),
}


def test_coke_oven_gas() -> None:
    """Proves: gas of the printed composition has the printed heating value and IPCC's CO2 per GJ.

    300 m3 a tonne of charge are 5.25 GJ, 1458 kWh; flared, 233 kg of CO2. Used as fuel, it saves a
    tonne of charge 1458 kWh of bought gas. Sensitivity: a flare without CO2 would hide them.
    """
    heat = sum(
        share * (formed - carbon * FORMED["CO2"] - water * FORMED["H2O"])
        for share, carbon, water, formed in OVEN_GAS.values()
    )
    per_m3 = heat / LITRES_PER_MOL
    assert per_m3 == pytest.approx(17.5, rel=0.01)
    carbon = sum(share * carbon for share, carbon, _, _ in OVEN_GAS.values())
    co2_per_gj = carbon * CO2 / heat * 1000
    assert co2_per_gj == pytest.approx(44.4, rel=0.03)
    text = park(
        f"""
        coal_source: {{type: supply, carrier: coal, price_per_kwh: 0.05}}
        gas_source: {{type: supply, carrier: gas, price_per_kwh: 0.3}}
        oven:
          type: recipe
          inputs: {{coal: 8000}}
          outputs: {{coke: 750, oven_gas: {300 * per_m3 / MJ_PER_KWH!r}}}
          size_on: coke
          flow_kg_per_hour: 750
        mill: {{type: sale, carrier: coke, price_per_kg: 3}}
        works: {{type: heat_demand, power_kw: 2000}}
        boiler:
          type: recipe
          outputs: {{heat: 1}}
          choices: {{fuel: {{amount: 1, worth_per_unit: {{gas: 1, oven_gas: 1}}}}}}
          size_on: heat
          power_kw: 2000
        flare: {{type: dump, carrier: oven_gas, co2_kg_per_unit: {co2_per_gj * 0.0036!r}}}
        """,
        hours=1,
        carriers=f"{{coke: {KG}, oven_gas: {{}}}}",
    )
    used = solved(text)
    flared = solved(text.replace("worth_per_unit: {gas: 1, oven_gas: 1}", IDLE))
    assert flared.of("flare.dumped")[0] == pytest.approx(1458, rel=0.01)
    assert flared.co2_kg == pytest.approx(233, rel=0.03)
    assert used.of("boiler.oven_gas_for_fuel") == pytest.approx(flared.of("flare.dumped"))
    assert flared.cost - used.cost == pytest.approx(1458 * 0.3, rel=0.01)


IDLE = "worth_per_unit: {gas: 1, oven_gas: 1}, max_share: {oven_gas: 0}"
