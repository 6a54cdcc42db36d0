"""Conversions beside pint, which reads the same expressions by definitions of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.units import conversion

DEFINITIONS = """
k- = 1000
M- = 1000000
G- = 1000000000
T- = 1000000000000
watt = [power] = W = Wp = Wel = Wth
hour = [time] = h
minute = hour / 60 = min
second = hour / 3600 = s
day = 24 * hour = d
Wh = watt * hour = Whel = Whth
joule = watt * second = J
voltampere = [apparent_power] = VA
volt = [voltage] = V
var = [reactive_power]
varh = var * hour
gram = [mass] = g
tonne = 1000000 * gram = t
coalequivalent = [coal_equivalent] = gce
tce = 1000000 * coalequivalent
year = [period] = a
month = year / 12
currency = [currency]
percent = 0.01
meter = [length] = m
liter = meter ** 3 / 1000 = L
kelvin = [temperature] = K
degree_Celsius = kelvin; offset: 273.15 = degC
deg = [angle]
pascal = joule / meter ** 3 = Pa
bar = 100000 * pascal
unit = [amount]
""".strip().splitlines()
NAMES = """
W kW MW GW TW Wp kWp kWel MWth Wh kWh MWh GWh TWh kWhel MWhth J kJ MJ GJ TJ VA kVA MVA V kV var kvar
Mvar varh kvarh g kg t kt Mt gce kgce tce h hour hours min minute minutes s second seconds d day days
a year years month months percent m km L K degC deg Pa kPa MPa bar unit currency
"""


def registry() -> Any:
    made: Any = pint.UnitRegistry(None, non_int_type=Fraction)
    made.load_definitions(DEFINITIONS)
    return made


PINT = registry()


def told_by_pint(source: str, target: str) -> tuple[float, float] | None:
    """Return factor and offset, or ``None`` where the two are of different kinds."""
    units = [PINT.parse_units(text) for text in (source, target)]
    if units[0].dimensionality != units[1].dimensionality:
        return None
    zero, one = (
        Fraction(PINT.Quantity(Fraction(number), units[0]).to(units[1]).magnitude)
        for number in (0, 1)
    )
    return float(one - zero), float(zero)


@pytest.mark.parametrize("source", NAMES.split())
def test_every_name_against_every_other(source: str) -> None:
    """Proves: sizes and kinds of all units to the last bit; other kinds are refused.

    Sensitivity: a prefix too much, a joule that is not a watt second, a month of 30 days.
    """
    for target in NAMES.split():
        expected = told_by_pint(source, target)
        if expected is None or (source, target) == ("degC", "K"):
            with pytest.raises(ValueError, match=r"this key wants "):
                conversion(source, target)
        else:
            assert conversion(source, target) == expected, target


@st.composite
def expressions(draw: st.DrawFn) -> tuple[str, str]:
    """Return an expression, and the same one with its factors in another order and unit."""
    factors = draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        ("kW", "MW"),
                        ("h", "min"),
                        ("kg", "t"),
                        ("m", "km"),
                        ("J", "kJ"),
                        ("K", "degC"),
                    ]
                ),
                st.sampled_from(["*", "/"]),
                st.sampled_from(["", "**2", "**3"]),
            ),
            min_size=2,
            max_size=5,
        )
    )
    texts = []
    for which in (0, 1):
        ordered = draw(st.permutations(factors))
        parts = [f"{side}{names[which]}{power}" for names, side, power in ordered]
        half = draw(st.integers(1, len(parts)))
        inner = "1" + "".join(parts[half:])
        bracket = f"*({inner})" if draw(st.booleans()) else "".join(parts[half:])
        texts.append("1" + "".join(parts[:half]) + bracket)
    return texts[0], texts[1]


@given(expressions())
@settings(max_examples=200)
def test_products_quotients_powers_and_brackets(pair: tuple[str, str]) -> None:
    """Proves: precedence and brackets are read as pint reads them."""
    expected = told_by_pint(*pair)
    assert expected is not None
    assert conversion(*pair) == expected
