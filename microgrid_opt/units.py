"""Quantities with units: ``"2 MW"`` becomes 2000 where a key is in kW; a plain number is taken as is.

The units are a closed list (`_DEFINITIONS`), read by pint in exact fractions. A year is a billing
period of its own and never turns into hours: 8760 or 8766 h would be a guess, and a price per kWh
would pass for a price per kW and year.
"""

from __future__ import annotations

import difflib
import math
import re
from fractions import Fraction
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from microgrid_opt.imports import promised

if TYPE_CHECKING:
    import pint

# ISO 4217:2015 list one (national currencies and funds), as amended to 2025.
_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN
BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF
KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK
SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU
UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
_CURRENCY_NAMES = {"yuan": "CNY", "RMB": "CNY", "rmb": "CNY", "元": "CNY"}

QUANTITY_PATTERN = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*[^0-9\s.,].*$"
"""What a quantity looks like, for the JSON Schema."""

_PREFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_DEFINITIONS = """
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

_NAME = re.compile(
    "[kMGT]?(?:W|V|Wp|Wel|Wth|Wh|Whel|Whth|J|VA|varh?|g|gce|Pa)|[kM]?t|tce|k?m|h|hours?|min|minutes?|s|"
    "seconds?|d|days?|a|years?|months?|percent|L|K|degC|deg|bar|unit|currency"
)
_KNOWN = """
W kW MW GW kWp MWp Wh kWh MWh GWh TWh J kJ MJ GJ TJ kg g t h min s day month year % degC K deg m km
m2 m3 L V kV kVA MVA kvar kvarh kgce tce bar Pa kPa MPa
"""

_BARE = ("1", "W", "Wh", "g", "h", "day", "year", "m", "m2", "m3", "currency")
_USUAL = (
    {p + name: (name, Fraction(x)) for name in ("W", "Wh", "g") for p, x in _PREFIXES.items()}
    | {name: (name, Fraction(1)) for name in _BARE}
    | {"t": ("g", Fraction(10**6)), "kt": ("g", Fraction(10**9)), "%": ("1", Fraction(1, 100))}
)
"""Units that are read without pint: each with what it is a multiple of."""

_KINDS = {
    "1": "a plain number",
    "kW": "power",
    "kWh": "energy",
    "kVA": "apparent power",
    "kV": "voltage",
    "kvar": "reactive power",
    "kvarh": "reactive energy",
    "kg": "mass",
    "kg/h": "mass per time",
    "h": "time",
    "year": "calendar time",
    "m": "length",
    "m2": "area",
    "m3": "volume",
    "m/s": "speed",
    "W/m2": "power per area",
    "deg": "angle",
    "K": "temperature",
    "currency": "money",
    "currency/kW": "money per power",
    "currency/kWh": "money per energy",
    "currency/kg": "money per mass",
    "currency/year": "money per year",
    "currency/kW/year": "money per power and year",
    "currency/kWh/year": "money per energy and year",
    "kg/kWh": "mass per energy",
    "kWh/kg": "energy per mass",
}

_SYMBOL = "is not unique: write the ISO 4217 code, for instance {}"
_CO2 = "names a substance: write kg or t, the key says what is weighed"
_REFUSED = {
    "$": _SYMBOL.format("USD"),
    "€": "is a symbol: write the ISO 4217 code EUR",
    "£": _SYMBOL.format("GBP"),
    "¥": _SYMBOL.format("CNY or JPY"),
    "￥": _SYMBOL.format("CNY or JPY"),
    "cent": "is not a unit here: write 0.08 EUR instead of 8 cent",
    "ct": "is not a unit here: write 0.08 EUR instead of 8 ct",
    "Nm3": "depends on the gas: give kg; 1 Nm3 of hydrogen is 0.0899 kg",
    "Nm³": "depends on the gas: give kg; 1 Nm3 of hydrogen is 0.0899 kg",
    "CO2": _CO2,
    "CO2e": _CO2,
    "CO2eq": _CO2,
    "kgCO2": _CO2,
    "kgCO2e": _CO2,
    "tCO2": _CO2,
    "tCO2e": _CO2,
    "gCO2": _CO2,
    "gCO2e": _CO2,
    "H2": _CO2,
    "kgH2": _CO2,
}

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[,'’_ \u00a0\u202f][0-9]{3})+(?![0-9])")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]")
_TOKEN = re.compile(r"\s*(\*\*|[*/()]|[0-9]+|[^\s*/()0-9][^\s*/()]*)")
_SPELLING = (
    ("°C", " degC "),
    ("°", " deg "),
    ("%", " percent "),
    ("²", "2"),
    ("³", "3"),
    ("^", "**"),
    ("·", "*"),
    ("×", "*"),
)


def to_unit(value: object, unit: str, *, currency: str | None = None) -> float:
    """Return a number or quantity in the unit of its key.

    Parameters
    ----------
    value
        A number, taken to be in ``unit`` already, or a quantity such as ``"2 MW"``.
    unit
        Unit of the key; ``currency`` in it stands for the park's currency, ``1`` for a fraction.
    currency
        ISO 4217 code of the park's currency; needed for quantities of money only.

    Raises
    ------
    ValueError
        Not a finite number, no unit, another unit than the key's kind, another currency, or
        thousands separators. The message is a plain sentence.
    """
    if isinstance(value, str):
        return _quantity(value, unit, currency)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"must be {_wanted(unit, currency)}.")  # noqa: TRY004
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("must be a finite number: leave the key out if there is no limit.")
    return number


def conversion(unit: str, target: str, *, currency: str | None = None) -> tuple[float, float]:
    """Return factor and offset with which numbers in ``unit`` become numbers in ``target``.

    Raises
    ------
    ValueError
        ``unit`` is unknown, of another kind than ``target``, or in another currency.
    """
    factor, offset = _conversion(unit, target, currency)
    return float(factor), float(offset)


def unit_label(unit: str, currency: str | None = None) -> str:
    """Return a unit as people read it: the park's currency by its code, nothing for ``1``."""
    return "" if unit == "1" else unit.replace("currency", currency or "currency")


def _quantity(text: str, unit: str, currency: str | None) -> float:
    if _GROUPED.match(text.strip()):
        raise ValueError("has thousands separators: write the digits without gaps.")
    if _COMMA.match(text.strip()):
        raise ValueError("has a comma: write a decimal point.")
    match = _NUMBER.match(text.strip())
    if match is None:
        raise ValueError(f"does not begin with a number: give {_wanted(unit, currency)}.")
    given = text.strip()[match.end() :].strip()
    if not given:
        raise ValueError(
            f"is text without a unit: write {match[0]} without quotes, or give "
            f"{_wanted(unit, currency)}."
        )
    number = float(match[0])
    if not math.isfinite(number):
        raise ValueError("is too large for a number.")
    factor, offset = _conversion(given, unit, currency)
    # An exponent such as 1e-999999999 is zero as a float but endless as a fraction.
    return float((Fraction(match[0]) if number else 0) * factor + offset)


def _wanted(unit: str, currency: str | None) -> str:
    if unit == "1":
        return "a plain number or a percentage such as '12 %'"
    label = unit_label(unit, currency)
    return f"a number in {label} or a quantity such as '2 {label}'"


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Fraction]:
    # Where dask is installed pint loads its graphs, for arrays that are none here.
    with promised("dask", "dask.base"):
        import pint

    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(None, non_int_type=Fraction)
    prefixes = [f"{prefix}- = {scale}" for prefix, scale in _PREFIXES.items()]
    registry.load_definitions([*prefixes, *_DEFINITIONS])
    return registry


@lru_cache(maxsize=1024)
def _conversion(given: str, unit: str, currency: str | None) -> tuple[Fraction, Fraction]:
    usual = _usual(given, currency), _usual(unit, currency)
    if usual[0] is not None and usual[1] is not None and usual[0][0] == usual[1][0]:
        return usual[0][1] / usual[1][1], Fraction(0)
    return _parsed(given, unit, currency)


def _usual(text: str, currency: str | None) -> tuple[list[str], Fraction] | None:
    """Return the units of a quotient without prefixes, and their factor; ``None`` if pint has to read it.

    Most parks need no others, and pint takes longer to load than such a park to be read.
    """
    parts = ["currency" if part == currency else part for part in text.split("/")]
    if any(part not in _USUAL for part in parts):
        return None
    (first, factor), *others = (_USUAL[part] for part in parts)
    return [first, *(name for name, _ in others)], factor / math.prod(scale for _, scale in others)


def _parsed(given: str, unit: str, currency: str | None) -> tuple[Fraction, Fraction]:
    registry = _registry()
    source = registry.parse_units(_expression(given, currency))
    target = registry.parse_units(_expression(unit, currency))
    if source.dimensionality != target.dimensionality:
        raise ValueError(_mismatch(given, source, unit, target, currency))
    zero, one = (
        Fraction(registry.Quantity(Fraction(x), source).to(target).magnitude) for x in (0, 1)
    )
    if zero and target != registry.parse_units("degC"):
        raise ValueError("is a temperature; this key wants a difference of temperatures in K.")
    return one - zero, zero


def _mismatch(given: str, source: Any, unit: str, target: Any, currency: str | None) -> str:
    label = unit_label(unit, currency)
    wants = _kind(target)
    wanted = "a plain number or %" if unit == "1" else f"{wants} in {label}" if wants else label
    kind = _kind(source)
    shown = next((u for u, k in _KINDS.items() if k == kind), given)
    of = f"{kind} ({unit_label(shown, currency)})" if kind and shown != "1" else (kind or given)
    text = f"is {of}" if of == "a plain number" else f"is a quantity of {of}"
    text += f"; this key wants {wanted}."
    ratio = dict((source / target).dimensionality)
    mass = ratio.get("[mass]", 0)
    if mass and ratio == {"[mass]": mass, "[power]": -mass, "[time]": -mass}:
        text += " Convert by the lower heating value: 1 kg of hydrogen is 33.33 kWh."
    if "[apparent_power]" in ratio:
        text += " kW are kVA times the power factor: convert it."
    if "[period]" in ratio:
        text += " Years and months do not convert to hours."
    return text


def _kind(parsed: Any) -> str | None:
    registry = _registry()
    for unit, kind in _KINDS.items():
        if registry.parse_units(_expression(unit, None)).dimensionality == parsed.dimensionality:
            return kind
    return None


def _expression(text: str, currency: str | None) -> str:
    """Return a unit in pint's grammar, every name checked."""
    plain = re.sub(r"\bper\b", "/", text)
    for spelled, meant in _SPELLING:
        plain = plain.replace(spelled, meant)
    plain = plain.strip()
    parts: list[str] = []
    position = depth = 0
    operand = False
    while position < len(plain):
        match = _TOKEN.match(plain, position)
        if match is None:
            raise ValueError(f"the unit {text!r} is not understood.")
        token, position = match[1], match.end()
        depth += (token == "(") - (token == ")")
        if token in {"**", "*", "/", ")"}:
            if not operand or depth < 0:
                raise ValueError(f"the unit {text!r} is not understood at {token!r}.")
        elif operand:
            name = token if token == "(" else _part(token, currency)
            raise ValueError(f"the unit {text!r} is not understood: put * or / before {name!r}.")
        elif token != "(":
            exponent = bool(parts) and parts[-1] == "**"
            token = _digits(token, text, exponent=exponent) or _part(token, currency)
        operand = token not in {"**", "*", "/", "("}
        parts.append(token)
    if not operand or depth:
        raise ValueError(f"the unit {text!r} is not complete.")
    return "" if parts == ["1"] else "".join(parts)


def _digits(token: str, text: str, *, exponent: bool) -> str:
    if not token.isdigit():
        if exponent:
            raise ValueError(f"the unit {text!r} is not understood: ** needs 2 or 3.")
        return ""
    if token not in ({"2", "3"} if exponent else {"1"}):
        raise ValueError(f"the unit {text!r} is not understood: numbers belong before the unit.")
    return token


def _part(name: str, currency: str | None) -> str:
    """Return one unit name as the registry knows it."""
    if name in _REFUSED:
        raise ValueError(f"{name!r} {_REFUSED[name]}.")
    prefix, code = (name[0], name[1:]) if name[1:] in CURRENCIES and len(name) == 4 else ("", name)
    code = _CURRENCY_NAMES.get(code, code)
    if code in CURRENCIES and prefix in {"", "k", "M", "G"}:
        if currency is None:
            raise ValueError(f"{name!r} is money, but no currency is set: give a plain number.")
        if code != currency:
            raise ValueError(
                f"{code} is not the park's currency {currency}: convert it and say {currency}."
            )
        return f"{prefix}currency"
    if _NAME.fullmatch(name):
        return name
    if name[-1] in "23" and _NAME.fullmatch(name[:-1]):
        return f"{name[:-1]}**{name[-1]}"
    raise ValueError(f"the unit {name!r} is unknown{_nearest_unit(name)}")


def _nearest_unit(name: str) -> str:
    folded = {unit.casefold(): unit for unit in _KNOWN.split()}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    if close:
        return f": did you mean {folded[close[0]]!r}?"
    return f": known are {', '.join(_KNOWN.split())}, their products and quotients."
