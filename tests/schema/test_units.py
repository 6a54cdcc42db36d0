"""Quantities, unit-bearing fields and sizes: what is understood, and the words of every refusal."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from microgrid_opt import fields
from microgrid_opt.fielddocs import field_docs
from microgrid_opt.fields import (
    Efficiency,
    Fraction,
    Frozen,
    KgPerHour,
    Latitude,
    MoneyPerKWh,
    Rate,
    Size,
    SizedKg,
    SizedKgPerHour,
    SizedKW,
    SizedKWh,
    SizeKg,
    SizeKgPerHour,
    SizeKW,
    SizeKWh,
    Unit,
    Years,
    unit_of,
)
from microgrid_opt.units import (
    _USUAL,
    CURRENCIES,
    _conversion,
    _parsed,
    conversion,
    to_unit,
    unit_label,
)

CNY = {"currency": "CNY"}


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("2 MW", "kW", 2000.0),
        ("2MW", "kW", 2000.0),
        ("500 kWp", "kW", 500.0),
        ("1.5 MWth", "kW", 1500.0),
        ("12 GWh", "kWh", 12e6),
        ("3.6 GJ", "kWh", 1000.0),
        ("50 kg/h", "kg/h", 50.0),
        ("1.2 t/day", "kg/h", 50.0),
        ("35 CNY/kg", "currency/kg", 35.0),
        ("0.8 CNY/kWh", "currency/kWh", 0.8),
        ("0.8 yuan/kWh", "currency/kWh", 0.8),
        ("0.8 RMB per kWh", "currency/kWh", 0.8),
        ("0.8 元/kWh", "currency/kWh", 0.8),
        ("800 CNY/MWh", "currency/kWh", 0.8),
        ("1.2 kCNY/kW", "currency/kW", 1200.0),
        ("3 MCNY", "currency", 3e6),
        ("480 CNY/kW/year", "currency/kW/month", 40.0),
        ("480 CNY/(kW*year)", "currency/kW/month", 40.0),
        ("12 %", "1", 0.12),
        ("7%", "1", 0.07),
        ("15 min", "h", 0.25),
        ("20 minutes", "h", 1 / 3),
        ("2 days", "h", 48.0),
        ("3 years", "year", 3.0),
        ("30 months", "year", 2.5),
        ("0.58 t/MWh", "kg/kWh", 0.58),
        ("0.58 kg/kWh", "t/MWh", 0.58),
        ("20 degC", "degC", 20.0),
        ("20 °C", "degC", 20.0),
        ("293.15 K", "degC", 20.0),
        ("-0.35 %/K", "1/K", -0.0035),
        ("35 deg", "deg", 35.0),
        ("35°", "deg", 35.0),
        ("36 km/h", "m/s", 10.0),
        ("1 kW/m2", "W/m2", 1000.0),
        ("1 kW/m²", "W/m2", 1000.0),
        ("2 kW/m^2", "W/m2", 2000.0),
        ("199.98 MJ/kg", "kWh/kg", 55.55),
        ("2 tce/MWh", "kgce/kWh", 2.0),
        ("+1e3 kW", "kW", 1000.0),
        ("-.5 kW", "kW", -0.5),
        ("1e-999999999 kW", "kW", 0.0),
    ],
)
def test_quantities_come_in_the_unit_of_the_key(text: str, unit: str, expected: float) -> None:
    """Proves: conversion is exact to the last bit (3.6 GJ is 1000 kWh). Sensitivity: a factor of 1000,
    3.6 or 12 apart wherever a prefix, joule or month is misread."""
    assert to_unit(text, unit, currency="CNY") == expected


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (True, "kW", "must be a number in kW or a quantity such as '2 kW'"),
        (None, "kW", "must be a number in kW"),
        ([1], "currency/kWh", "must be a number in CNY/kWh"),
        (math.nan, "kW", "must be a finite number"),
        (-math.inf, "kW", "must be a finite number"),
        (10**400, "kW", "must be a finite number"),
        ("1e999 kW", "kW", "too large"),
        ("", "kW", "does not begin with a number"),
        ("CNY 5", "currency", "does not begin with a number: give a number in CNY"),
        ("nan kW", "kW", "does not begin with a number"),
        ("5", "kW", "is text without a unit: write 5 without quotes"),
        ("5", "1", "or give a plain number or a percentage such as '12 %'"),
        ("1,000 kW", "kW", "thousands separators"),
        ("1 000 kW", "kW", "thousands separators"),
        ("1_000 kW", "kW", "thousands separators"),
        ("1'000 kW", "kW", "thousands separators"),
        ("0,8 kW", "kW", "write a decimal point"),
        ("2 MWh", "kW", "is a quantity of energy (kWh); this key wants power in kW."),
        ("2 kW", "kWh", "is a quantity of power (kW); this key wants energy in kWh."),
        ("2 kW", "1", "is a quantity of power (kW); this key wants a plain number or %."),
        ("5 %", "kW", "is a plain number; this key wants power in kW."),
        ("1.5 MW", "kg/h", "1 kg of hydrogen is 33.33 kWh"),
        ("1.5 MWh", "kg", "lower heating value"),
        ("2 CNY/kg", "currency/kWh", "lower heating value"),
        ("2 kg", "h", "is a quantity of mass (kg); this key wants time in h."),
        ("100 kVA", "kW", "kW are kVA times the power factor"),
        ("0.8 CNY/kWh", "currency/kW/year", "Years and months do not convert to hours"),
        ("8760 h", "year", "Years and months do not convert to hours"),
        ("0.8 USD/kWh", "currency/kWh", "USD is not the park's currency CNY"),
        ("8 kEUR", "currency", "EUR is not the park's currency CNY"),
        ("8 $", "currency", "'$' is not unique: write the ISO 4217 code, for instance USD"),
        ("8 €", "currency", "write the ISO 4217 code EUR"),
        ("8 ¥/kWh", "currency/kWh", "'¥' is not unique: write the ISO 4217 code, for instance CNY"),
        ("8 ct/kWh", "currency/kWh", "'ct' is not a unit here"),
        ("3 Nm3/h", "kg/h", "'Nm3' depends on the gas"),
        ("0.5 kgCO2/kWh", "kg/kWh", "'kgCO2' names a substance: write kg or t"),
        ("0.5 t CO2/MWh", "kg/kWh", "'CO2' names a substance"),
        ("2 kw", "kW", "the unit 'kw' is unknown: did you mean 'kW'?"),
        ("2 mW", "kW", "the unit 'mW' is unknown: did you mean 'MW'?"),
        ("2 kWs", "kW", "the unit 'kWs' is unknown"),
        ("2 parsec", "m", "the unit 'parsec' is unknown"),
        ("2 zzzzzz", "m", "known are W, kW, MW"),
        ("2 kW h", "kWh", "put * or / before 'h'"),
        ("2 kW(h)", "kWh", "put * or / before '('"),
        ("2 /h", "1/h", "not understood at '/'"),
        ("2 kW)", "kW", "not understood at ')'"),
        ("2 kW/", "kW", "not complete"),
        ("2 (kW", "kW", "not complete"),
        ("2 3", "1", "numbers belong before the unit"),
        ("2 m**h", "m2", "** needs 2 or 3"),
        ("25 degC", "K", "wants a difference of temperatures in K"),
        ("1 kW**2", "kW", "is a quantity of kW**2; this key wants power in kW."),
    ],
)
def test_refusals_say_what_is_wrong_and_what_is_allowed(
    value: object, unit: str, words: str
) -> None:
    with pytest.raises(ValueError, match=r"^[A-Za-z'].*[.?]$") as caught:
        to_unit(value, unit, currency="CNY")
    assert words in str(caught.value)


def test_money_without_a_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="no currency is set"):
        to_unit("5 CNY", "currency")
    assert to_unit(5, "currency") == 5.0


def test_the_same_code_is_taken_or_refused_with_the_park() -> None:
    assert to_unit("5 EUR/MWh", "currency/kWh", currency="EUR") == 0.005
    with pytest.raises(ValueError, match="CNY is not the park's currency EUR"):
        to_unit("5 yuan", "currency", currency="EUR")


def test_currency_codes_are_three_capitals() -> None:
    assert {"CNY", "EUR", "USD", "JPY", "ZWG"} <= CURRENCIES
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in CURRENCIES)


def test_plain_numbers_and_usual_units_do_not_import_pint() -> None:
    """Proves: the command line stays fast. Sensitivity: pint alone takes a fifth of a second."""
    code = (
        "import sys; from microgrid_opt.units import to_unit; to_unit(2, 'kW'); to_unit('2 MW', 'kW');"
        "to_unit('3 %', '1'); to_unit('9 CNY/Wh', 'currency/kWh', currency='CNY');"
        "print('pint' in sys.modules); to_unit('2 MW * h', 'kWh'); print('pint' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert shown.split() == ["False", "True"]


def test_conversion_gives_factor_and_offset() -> None:
    assert conversion("MW", "kW") == (1000.0, 0.0)
    assert conversion("K", "degC") == (1.0, -273.15)
    assert conversion("CNY/MWh", "currency/kWh", currency="CNY") == (0.001, 0.0)


def test_labels_show_the_currency() -> None:
    assert unit_label("currency/kWh", "CNY") == "CNY/kWh"
    assert unit_label("1") == ""


ALIKE = [(a, b) for a in sorted(_USUAL) for b in sorted(_USUAL) if _USUAL[a][0] == _USUAL[b][0]]


@settings(max_examples=60, deadline=None)
@given(
    units=st.lists(
        st.sampled_from(ALIKE) | st.tuples(*2 * (st.sampled_from(sorted(_USUAL)),)),
        min_size=1,
        max_size=3,
    ),
    currency=st.sampled_from(["CNY", "USD"]),
)
def test_usual_units_convert_as_pint_converts_them(
    units: list[tuple[str, str]], currency: str
) -> None:
    """Proves: what is read without pint is what pint reads. Sensitivity: each prefix and quotient."""
    given_, wanted = ("/".join(pair[side] for pair in units) for side in (0, 1))
    given_ = given_.replace("currency", currency)
    try:
        expected = _parsed(given_, wanted, currency)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            _conversion(given_, wanted, currency)
    else:
        assert _conversion(given_, wanted, currency) == expected


@pytest.mark.parametrize("given_", sorted(_USUAL))
def test_each_usual_unit_is_what_pint_knows(given_: str) -> None:
    """Proves: no factor of the short list differs from the definitions."""
    assert _conversion(given_, _USUAL[given_][0], None) == _parsed(given_, _USUAL[given_][0], None)


POWERS = {"W": 1e-3, "kW": 1.0, "MW": 1e3, "GW": 1e6}


@settings(max_examples=25, deadline=None)
@given(
    value=st.floats(-1e9, 1e9, allow_subnormal=False),
    source=st.sampled_from(sorted(POWERS)),
    target=st.sampled_from(sorted(POWERS)),
)
def test_powers_convert_by_their_prefix(value: float, source: str, target: str) -> None:
    """Proves: any finite number converts within one rounding of the prefix ratio."""
    found = to_unit(f"{value!r} {source}", target)
    assert found == pytest.approx(value * POWERS[source] / POWERS[target], rel=1e-14)


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=20))
def test_any_text_is_a_number_or_a_plain_refusal(text: str) -> None:
    """Proves: no text escapes with another exception than ValueError."""
    try:
        number = to_unit(text, "kW", currency="CNY")
    except ValueError:
        return
    assert math.isfinite(number)


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="kWhMg/()*23 1CNY%", max_size=12))
def test_any_unit_is_understood_or_plainly_refused(text: str) -> None:
    """Proves: strings near real units never crash the parser, and never give another kind."""
    try:
        number = to_unit(f"2 {text}", "kW", currency="CNY")
    except ValueError:
        return
    assert number > 0


# fields


class Plant(Frozen):
    """A model with every kind of field."""

    power_kw: SizedKW
    """Power."""
    energy_kwh: SizedKWh | None = None
    """Energy."""
    store_kg: SizedKg | None = None
    """Mass."""
    flow_kg_per_hour: SizedKgPerHour | None = None
    """Flow."""
    demand_kg_per_hour: KgPerHour = 0.0
    """Demand."""
    efficiency: Efficiency = 0.9
    """Efficiency."""
    share: Fraction | None = None
    """Share."""
    price: MoneyPerKWh | None = None
    """Price."""
    rate: Rate = 0.05
    """Rate."""
    life: Years | None = None
    """Life."""
    steps: tuple[Latitude, ...] = ()
    """Latitudes."""
    name: str = ""
    """Name."""


def plant(**data: object) -> Plant:
    return Plant.model_validate({"power_kw": 1, **data}, context=CNY)


def refusals(data: dict[str, object]) -> dict[tuple[object, ...], str]:
    with pytest.raises(ValidationError) as caught:
        plant(**data)
    return {error["loc"]: error["msg"] for error in caught.value.errors()}


def test_fields_take_numbers_and_quantities() -> None:
    found = plant(
        demand_kg_per_hour="1.2 t/day",
        efficiency="85 %",
        share=0.5,
        price="-300 CNY/MWh",
        life="30 months",
        steps=[10, "20 deg"],
    )
    assert (found.demand_kg_per_hour, found.efficiency, found.share) == (50.0, 0.85, 0.5)
    assert (found.price, found.life, found.steps) == (-0.3, 2.5, (10.0, 20.0))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("demand_kg_per_hour", -1, "must be at least 0 kg/h."),
        ("demand_kg_per_hour", "-1 kg/h", "must be at least 0 kg/h."),
        ("efficiency", 0, "must be more than 0."),
        ("efficiency", 95, "must be at most 1. Write '95 %' if percent is meant."),
        ("share", "120 %", "must be at most 1."),
        ("share", "3 kW", "is a quantity of power (kW); this key wants a plain number or %."),
        ("rate", 8, "must be less than 1. Write '8 %' if percent is meant."),
        ("life", 0, "must be more than 0 year."),
        ("price", "1 USD/kWh", "USD is not the park's currency CNY: convert it and say CNY."),
        ("price", True, "must be a number in CNY/kWh or a quantity such as '2 CNY/kWh'."),
        ("share", None, None),
    ],
)
def test_field_refusals_stand_at_their_key(key: str, value: object, message: str | None) -> None:
    if message is None:
        assert getattr(plant(**{key: value}), key) is None
    else:
        assert refusals({key: value}) == {(key,): message}


def test_parks_are_closed_and_immutable() -> None:
    assert refusals({"powr": 1}) == {("powr",): "Extra inputs are not permitted"}
    with pytest.raises(ValidationError, match="frozen"):
        plant().name = "other"  # type: ignore[misc]


def test_units_are_known_to_every_field() -> None:
    units = {name: unit_of(Plant, name) for name in Plant.model_fields}
    assert units == {
        "power_kw": "kW",
        "energy_kwh": "kWh",
        "store_kg": "kg",
        "flow_kg_per_hour": "kg/h",
        "demand_kg_per_hour": "kg/h",
        "efficiency": "1",
        "share": "1",
        "price": "currency/kWh",
        "rate": "1",
        "life": "year",
        "steps": "deg",
        "name": None,
    }


def markers() -> dict[str, Unit]:
    found = {}
    for name, value in vars(fields).items():
        for extra in getattr(value, "__metadata__", ()):
            if isinstance(extra, Unit):
                found[name] = extra
    return found


@pytest.mark.parametrize("name", sorted(markers()))
def test_every_alias_has_a_unit_that_converts_to_itself(name: str) -> None:
    """Proves: no alias is spelled in a unit that the parser refuses."""
    unit = markers()[name].unit
    assert conversion(unit.replace("currency", "CNY"), unit, currency="CNY") == (1.0, 0.0)


def test_there_are_aliases() -> None:
    assert len(markers()) > 30


def test_json_schema_has_bounds_quantity_and_unit() -> None:
    schema = Plant.model_json_schema()
    flow = schema["properties"]["demand_kg_per_hour"]
    assert flow["unit"] == "kg/h"
    assert flow["description"] == "Demand."
    number, text = flow["anyOf"]
    assert number == {"type": "number", "minimum": 0}
    assert text["type"] == "string"
    efficiency = schema["properties"]["efficiency"]["anyOf"][0]
    assert efficiency == {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    json.dumps(schema)


# sizes

PRICED = {"max_kw": 100, "capex_per_kw": 500, "lifetime_years": 20}


def size(data: object) -> SizeKW:
    return plant(power_kw=data).power_kw


@pytest.mark.parametrize("value", [400, 400.0, "400 kW", "0.4 MW", {"existing_kw": 400}])
def test_a_number_is_what_exists(value: object) -> None:
    found = size(value)
    assert (found.existing, found.fixed, found.is_chosen, found.has_price) == (
        400.0,
        400.0,
        False,
        False,
    )
    assert (found.lower, found.upper) == (400.0, 400.0)


def test_a_chosen_size_has_totals_as_limits() -> None:
    found = size({"existing_kw": 30, **PRICED, "min_kw": 10})
    assert found.is_chosen
    assert found.fixed is None
    assert (found.lower, found.upper) == (30.0, 100.0)
    assert (found.capex_per_unit, found.lifetime_years, found.replacement_fraction) == (500, 20, 1)


def test_a_price_alone_is_a_choice_without_limit() -> None:
    found = size({"annual_cost_per_kw": "60 CNY/kW/year"})
    assert found.is_chosen
    assert (found.lower, found.upper, found.annual_cost_per_unit) == (0.0, None, 60.0)


def test_operating_cost_alone_leaves_what_exists() -> None:
    found = size({"existing_kw": 30, "fixed_om_per_kw_year": 5})
    assert not found.is_chosen
    assert (found.fixed, found.fixed_om_per_unit_year) == (30.0, 5.0)


def test_existing_only_buys_nothing_and_stays_valid() -> None:
    full = size(
        {
            "existing_kw": 30,
            **PRICED,
            "unit_kw": 10,
            "fixed_capex": 1000,
            "fixed_om_fraction": 0.02,
        }
    )
    kept = full.existing_only()
    assert (kept.fixed, kept.upper, kept.capex_per_unit, kept.fixed_om_fraction) == (
        30.0,
        30.0,
        500.0,
        0.02,
    )
    assert SizeKW.model_validate(kept.model_dump(exclude_defaults=True)) == kept


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "says nothing about the capacity: give existing_kw, fixed_kw or max_kw."),
        ({"lifetime_years": 5}, "says nothing about the capacity"),
        ({"min_kw": 5, "max_kw": 3}, "min_kw 5 is more than max_kw 3: both are totals."),
        ({"existing_kw": 5, "max_kw": 3}, "existing_kw 5 is more than max_kw 3"),
        ({"min_kw": 5}, "has neither a price nor a limit: give a price or max_kw."),
        ({"capex_per_kw": 5}, "capex needs lifetime_years."),
        ({"fixed_kw": 5, "capex_per_kw": 5}, "capex needs lifetime_years."),
        ({"fixed_capex": 5, "lifetime_years": 5}, "fixed_capex needs max_kw."),
        ({"unit_kw": 5, "annual_cost_per_kw": 5}, "unit_kw needs max_kw."),
        ({"unit_kw": 5, "max_kw": 4}, "no whole unit of 5 fits below max_kw."),
        ({**PRICED, "annual_cost_per_kw": 5}, "annual_cost_per_kw stands instead of capex"),
        (
            {"fixed_kw": 5, "max_kw": 9, "min_kw": 1},
            "leaves nothing to choose: remove min_kw and max",
        ),
        ({"fixed_kw": 5, "existing_kw": 9}, "fixed_kw 5 is less than existing_kw 9"),
        (
            {**PRICED, "fixed_om_fraction": 0.1, "fixed_om_per_kw_year": 5},
            "give either fixed_om_per_kw_year or fixed_om_fraction.",
        ),
        ({"max_kw": 9, "fixed_om_fraction": 0.1}, "is a share of capex: give capex_per_kw."),
        (True, "must be a number in kW or a quantity such as '2 kW'."),
        (-1, "must be at least 0 kW."),
        ("5 MWh", "is a quantity of energy (kWh); this key wants power in kW."),
        ([5], "must be a number in kW"),
    ],
)
def test_contradictory_sizes_are_refused_at_the_key(data: object, message: str) -> None:
    ((loc, found),) = refusals({"power_kw": data}).items()
    assert loc == ("power_kw",)
    assert message in found


def test_all_contradictions_come_at_once() -> None:
    message = refusals({"power_kw": {"min_kw": 5, "max_kw": 3, "capex_per_kw": 1}})[("power_kw",)]
    assert "more than max_kw" in message
    assert "needs lifetime_years" in message


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("capex_per_kw", -5, "must be at least 0 CNY/kW."),
        ("capex_per_kw", "5 CNY/kWh", "is a quantity of money per energy (CNY/kWh)"),
        ("lifetime_years", 0, "must be more than 0 year."),
        ("annuity", "never", "Input should be 'project', 'lifetime' or 'straight_line'"),
        ("capex_per_unit", 5, "Extra inputs are not permitted"),
        ("max_kwh", 5, "Extra inputs are not permitted"),
    ],
)
def test_size_keys_carry_the_unit(key: str, value: object, message: str) -> None:
    found = refusals({"power_kw": {**PRICED, key: value}})
    assert list(found) == [("power_kw", key)]
    assert message in found["power_kw", key]


@pytest.mark.parametrize(
    ("cls", "unit", "suffix"),
    [
        (SizeKW, "kW", "kw"),
        (SizeKWh, "kWh", "kwh"),
        (SizeKg, "kg", "kg"),
        (SizeKgPerHour, "kg/h", "kg_per_hour"),
    ],
)
def test_sizes_share_one_declaration(cls: type[Size], unit: str, suffix: str) -> None:
    """Proves: each key has the unit of its size. Sensitivity: one template, four sets of keys."""
    assert cls.unit == unit
    keys = {cls.key(name): unit_of(cls, name) for name in cls.model_fields}
    per = f"currency/({unit})" if "/" in unit else f"currency/{unit}"
    assert keys == {
        f"existing_{suffix}": unit,
        f"min_{suffix}": unit,
        f"max_{suffix}": unit,
        f"fixed_{suffix}": unit,
        f"unit_{suffix}": unit,
        f"capex_per_{suffix}": per,
        f"capex_blocks_per_{suffix}": unit,
        "fixed_capex": "currency",
        f"fixed_om_per_{suffix}_year": f"{per}/year",
        "fixed_om_fraction": "1",
        f"annual_cost_per_{suffix}": f"{per}/year",
        "lifetime_years": "year",
        "replacement_fraction": "1",
        "discount_rate": "1",
        "annuity": None,
        "retirement": None,
    }
    assert field_docs(cls).keys() == cls.model_fields.keys()


def test_dumps_are_valid_again() -> None:
    first = plant(
        power_kw={"existing_kw": 30, **PRICED},
        energy_kwh=5,
        flow_kg_per_hour={"capex_per_kg_per_hour": "5 CNY/(kg/h)", "lifetime_years": 9},
    )
    assert plant(**first.model_dump()) == first
    assert Plant.model_validate(first) == first
    assert Plant.model_validate_json(first.model_dump_json(exclude_defaults=True)) == first


def test_size_schema_is_number_text_or_mapping() -> None:
    schema = Plant.model_json_schema()
    assert schema["properties"]["power_kw"]["anyOf"][2] == {"$ref": "#/$defs/SizeKW"}
    assert schema["$defs"]["SizeKW"]["properties"]["max_kw"]["anyOf"][0]["unit"] == "kW"


def test_unit_in_a_container_is_found() -> None:
    class Inner(Frozen):
        """A mapping of lists."""

        curve: dict[str, tuple[Annotated[float, Unit("m/s")], ...]]
        """Speeds."""

    assert unit_of(Inner, "curve") == "m/s"


def test_context_without_currency_takes_plain_numbers() -> None:
    assert Plant.model_validate({"power_kw": 5, "price": 0.3}).price == 0.3
    with pytest.raises(ValidationError, match="no currency is set"):
        Plant.model_validate({"power_kw": 5, "price": "0.3 CNY/kWh"})
