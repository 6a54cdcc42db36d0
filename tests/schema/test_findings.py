"""Pydantic's errors as findings: key path, place, value, what is allowed, what to do."""

from __future__ import annotations

import enum
from typing import Annotated, Literal, Self, Union

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from microgrid_opt.errors import Finding, Location
from microgrid_opt.yamlio import apply_scenario, apply_sets, loads
from microgrid_opt.yamlio.findings import findings_of


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Size(Frozen):
    min: float = Field(default=0, ge=0)
    max: Annotated[float, Field(ge=0)]
    capex_per_kw: float = 0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Mode(enum.Enum):
    ISLAND = "island"
    GRID = "grid"


def _even(value: int) -> int:
    if value % 2:
        raise PydanticCustomError("odd_type", "must be even, not {value}", {"value": value})
    return value


def _not_zero(value: object) -> object:
    if value == 0:
        raise AssertionError("zero is no size")
    return value


class Pv(Frozen):
    type: Literal["pv"]
    power_kw: Annotated[float, Field(ge=0)] | Size
    tilt: Annotated[float, Field(gt=0, lt=90.5)] = 30
    pv: float = 0
    mount: Literal["flat", "east-west"] = "flat"


class Battery(Frozen):
    type: Literal["battery"]
    energy_kwh: float | Literal["auto"] | Size
    on: bool = True
    cycles: Annotated[int, Field(le=9000), AfterValidator(_even)] = 2
    label: str = ""
    prices: Annotated[float | list[float], AfterValidator(lambda value: value)] | None = None
    mode: Annotated[Mode, Field(strict=False)] = Mode.GRID
    reserve: Annotated[float | Size, BeforeValidator(_not_zero)] = 1


AnyAsset = Annotated[Union[Pv, Battery], Field(discriminator="type")]  # noqa: UP007
Name = Annotated[str, Field(pattern="^[a-z0-9_]+$")]


class Site(Frozen):
    name: str
    country: str = ""


class Park(Frozen):
    site: Site | None = None
    assets: dict[Name, AnyAsset] = {}
    backup: AnyAsset | None = None
    shares: Annotated[list[Annotated[float, Field(ge=0)]], Field(max_length=3)] = []
    finance: dict[str, float] = {}

    @model_validator(mode="after")
    def _has_owner(self) -> Self:
        if "ghost" in self.assets:
            raise PydanticCustomError(
                "ghost", "no member `{name}`", {"name": "x", "path": ("assets", "ghost", "type")}
            )
        return self


def findings(text: str, model: type[BaseModel] = Park) -> list[Finding]:
    document = loads(text, "p.yaml")
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document.data)
    return findings_of(caught.value, document, model)


def lines(text: str, model: type[BaseModel] = Park) -> list[str]:
    return [str(finding) for finding in findings(text, model)]


SIZE = "a number or a mapping with keys (min, max, capex_per_kw)"
ENERGY = "a number, `auto` or a mapping with keys (min, max, capex_per_kw)"


def test_a_finding_has_key_place_and_value() -> None:
    (found,) = findings("assets:\n  roof:\n    type: pv\n    power_kw:\n      max: -1\n")
    assert found == Finding(
        "must be >= 0", Location("p.yaml", 5, 7), "assets.roof.power_kw.max", -1
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # unknown keys
        ("power_kW: 5", "1:33: assets.a.power_kW = 5: unknown key; did you mean `power_kw`?"),
        ("power-kw: 5", "1:33: assets.a.power-kw = 5: unknown key; did you mean `power_kw`?"),
        (
            "zzz: 5",
            "1:33: assets.a.zzz = 5: unknown key; allowed: type, power_kw, tilt, pv, mount",
        ),
        ("max: 5", "1:33: assets.a.max = 5: unknown key here; it belongs under `power_kw`"),
        ('"tilt:5": ', "1:33: assets.a.tilt:5: unknown key; put a space after the colon"),
        (
            "finance: {}",
            "1:33: assets.a.finance: unknown key here; "
            "if `finance` is meant for the top of the file, indent it less",
        ),
        # a field with the name of its asset's tag stays in the path
        ("pv: x", "1:33: assets.a.pv = 'x': must be a number, not text"),
        # bounds
        ("tilt: 0", "1:33: assets.a.tilt = 0: must be > 0"),
        ("tilt: 91.0", "1:33: assets.a.tilt = 91.0: must be < 90.5"),
        # kinds
        ("tilt: true", "1:33: assets.a.tilt = True: must be a number, not true"),
        ("tilt: ", "1:33: assets.a.tilt: is empty: it must be a number"),
        ("tilt: [1]", "1:33: assets.a.tilt = [1]: must be a number, not a list"),
        ("tilt: {a: 1}", "1:33: assets.a.tilt: must be a number, not a mapping"),
        (
            "mount: flta",
            "1:33: assets.a.mount = 'flta': must be `flat` or `east-west`; did you mean `flat`?",
        ),
        ("mount: zz", "1:33: assets.a.mount = 'zz': must be `flat` or `east-west`"),
        ("mount: 5", "1:33: assets.a.mount = 5: must be `flat` or `east-west`"),
        ("mount: no", "1:33: assets.a.mount = 'no': must be `flat` or `east-west`"),
    ],
)
def test_wrong_keys_and_values_of_an_asset(fields: str, expected: str) -> None:
    text = f"assets: {{a: {{type: pv, power_kw: 1, {fields}}}}}\n"
    expected = expected.replace("1:33:", "1:37:")
    assert lines(text) == [f"p.yaml:{expected}"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # a scalar or a mapping: only the branch that fits is heard
        ("-1", ["1:24: assets.a.power_kw = -1: must be >= 0"]),
        ("{max: -1}", ["1:35: assets.a.power_kw.max = -1: must be >= 0"]),
        (
            "{max: x, capex: 2}",
            [
                "1:35: assets.a.power_kw.max = 'x': must be a number, not text",
                "1:43: assets.a.power_kw.capex = 2: unknown key; did you mean `capex_per_kw`?",
            ],
        ),
        (
            "{maximum: 2}",
            [
                "1:24: assets.a.power_kw.max: this key is required: it must be a number",
                "1:35: assets.a.power_kw.maximum = 2: unknown key; did you mean `max`?",
            ],
        ),
        ("{min: 2, max: 1}", ["1:24: assets.a.power_kw: min 2 is above max 1"]),
        ("five", [f"1:24: assets.a.power_kw = 'five': must be {SIZE}, not text"]),
        ("true", [f"1:24: assets.a.power_kw = True: must be {SIZE}, not true"]),
        ("[5]", [f"1:24: assets.a.power_kw = [5]: must be {SIZE}, not a list"]),
        ("", [f"1:24: assets.a.power_kw: is empty: it must be {SIZE}"]),
        (
            "'5'",
            [f"1:24: assets.a.power_kw = '5': must be {SIZE}, not text; write it without quotes"],
        ),
        (
            "5 kW",
            [
                f"1:24: assets.a.power_kw = '5 kW': must be {SIZE}, not text; "
                "write the number alone, without unit or separators"
            ],
        ),
        (
            "'1,000'",
            [
                f"1:24: assets.a.power_kw = '1,000': must be {SIZE}, not text; "
                "write the number alone, without unit or separators"
            ],
        ),
        ("7:00", [f"1:24: assets.a.power_kw = '7:00': must be {SIZE}, not text"]),
    ],
)
def test_a_union_speaks_with_the_voice_of_the_branch_that_was_meant(
    value: str, expected: list[str]
) -> None:
    text = f"assets: {{a: {{type: pv, power_kw: {value}}}}}\n"
    assert lines(text) == [f"p.yaml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("energy_kwh: aut", f"energy_kwh = 'aut': must be {ENERGY}; did you mean `auto`?"),
        ("energy_kwh: 5 kWh", f"energy_kwh = '5 kWh': must be {ENERGY}; write the number alone, "
         "without unit or separators"),
        ("energy_kwh: true", f"energy_kwh = True: must be {ENERGY}, not true"),
        ("on: yes", "on = 'yes': must be true or false, not text; write true"),
        ("on: Off", "on = 'Off': must be true or false, not text; write false"),
        ("on: 1", "on = 1: must be true or false, not a number"),
        ("cycles: 1.5", "cycles = 1.5: must be a whole number"),
        ("cycles: true", "cycles = True: must be a whole number, not true"),
        ("cycles: 9001", "cycles = 9001: must be <= 9000"),
        ("cycles: 3", "cycles = 3: must be even, not 3"),
        ("label: 5", "label = 5: must be text, not a number; put it in quotes"),
        ("label: true", "label = True: must be text, not true; put it in quotes"),
        ("prices: [1, x]", "prices.1 = 'x': must be a number, not text"),
        ("prices: x", "prices = 'x': must be a number or a list, not text"),
        ("prices: {}", "prices: must be a number or a list, not a mapping"),
        ("mode: isle", "mode = 'isle': must be `island` or `grid`"),
        ("mode: islnd", "mode = 'islnd': must be `island` or `grid`; did you mean `island`?"),
        ("reserve: 0", "reserve = 0: zero is no size"),
        ("reserve: {max: x}", "reserve.max = 'x': must be a number, not text"),
    ],
)  # fmt: skip
def test_fields_of_every_kind(fields: str, expected: str) -> None:
    base = "" if fields.startswith("energy_kwh") else "energy_kwh: 1, "
    (found,) = lines(f"assets: {{a: {{type: battery, {base}{fields}}}}}\n")
    assert found.split(": ", 1)[1] == f"assets.a.{expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "assets:\n  a: {type: pvv}\n",
            ["2:7: assets.a.type = 'pvv': must be `pv` or `battery`; did you mean `pv`?"],
        ),
        ("assets:\n  a: {type: 7}\n", ["2:7: assets.a.type = 7: must be `pv` or `battery`"]),
        (
            "assets:\n  a: {power_kw: 5}\n",
            ["2:3: assets.a.type: this key is required: it must be `pv` or `battery`"],
        ),
        (
            "assets:\n  a:\n  b: 5\n",
            [
                "2:3: assets.a: is empty: it must be a mapping with a `type` (pv, battery)",
                "3:3: assets.b = 5: must be a mapping with a `type` (pv, battery), not a number",
            ],
        ),
        (
            "assets:\n  shares: [1.0]\n  site: {name: x}\n",
            [
                "2:3: assets.shares = [1.0]: must be a mapping with a `type` (pv, battery), "
                "not a list; if `shares` is meant for the top of the file, indent it less",
                "3:3: assets.site.type: this key is required: it must be `pv` or `battery`; "
                "if `site` is meant for the top of the file, indent it less",
            ],
        ),
        (
            "roof:\n  type: pv\nasset: {}\n",
            [
                "1:1: roof: unknown key; it has a `type` as assets have: "
                "indent it to stand under `assets:`",
                "3:1: asset: unknown key; did you mean `assets`?",
            ],
        ),
        (
            "zzz: 1\n",
            ["1:1: zzz = 1: unknown key; allowed: site, assets, backup, shares, finance"],
        ),
        ("site: {}\n", ["1:1: site.name: this key is required: it must be text"]),
        ("site: x\n", ["1:1: site = 'x': must be a mapping with keys (name, country), not text"]),
        ("assets: [1]\n", ["1:1: assets = [1]: must be a mapping, not a list"]),
        (
            "backup: {type: battery}\n",
            [f"1:1: backup.energy_kwh: this key is required: it must be {ENERGY}"],
        ),
        (
            "shares: [1, -2, x]\n",
            [
                "1:13: shares.1 = -2: must be >= 0",
                "1:17: shares.2 = 'x': must be a number, not text",
            ],
        ),
        (
            "shares: [1, 2, 3, 4]\n",
            ["1:1: shares = [1, 2, 3, 4]: must have at most 3 items, not 4"],
        ),
        ("finance: {rate: x}\n", ["1:11: finance.rate = 'x': must be a number, not text"]),
        (
            "assets:\n  A: {type: pv, power_kw: 5}\n",
            ["2:3: assets.A: this key is not allowed: must match pattern '^[a-z0-9_]+$'"],
        ),
        (
            "assets:\n  ghost: {type: pv, power_kw: 5}\n",
            ["2:11: assets.ghost.type: no member `x`"],
        ),
    ],
)
def test_a_park(text: str, expected: list[str]) -> None:
    assert lines(text) == [f"p.yaml:{line}" for line in expected]


def test_findings_come_in_the_order_of_the_file() -> None:
    text = "zz: 1\nshares: [x]\nassets: {a: {type: pv, power_kw: -1}}\nsite: {}\n"
    assert [found.where for found in findings(text)] == [
        Location("p.yaml", 1, 1),
        Location("p.yaml", 2, 10),
        Location("p.yaml", 3, 24),
        Location("p.yaml", 4, 1),
    ]


def test_places_of_sets_and_scenarios() -> None:
    """Proves: a bad value leads to where it was written; a removed key to what removed it."""
    document = loads(
        "assets: {a: {type: pv, power_kw: 1}, b: {type: pv, power_kw: 1}}\n"
        "scenarios:\n  s:\n    assets:\n      a: {power_kw: null, tilt: -5}\n",
        "p.yaml",
    )
    merged = apply_sets(apply_scenario(document, "s"), ["assets.b.tilt=99"])
    with pytest.raises(ValidationError) as caught:
        Park.model_validate(merged.data)
    assert [str(found) for found in findings_of(caught.value, merged, Park)] == [
        "--set assets.b.tilt=99: assets.b.tilt = 99: must be < 90.5",
        f"p.yaml:5:11: assets.a.power_kw: this key is required: it must be {SIZE}",
        "p.yaml:5:27: assets.a.tilt = -5: must be > 0",
    ]


KEYS = st.sampled_from(
    [*("a", "b", "type", "power_kw", "energy_kwh", "max", "min", "pv", "tilt", "on", "prices"), "A"]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2),
    st.sampled_from(["pv", "x", "auto"]),
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
TOPS = st.sampled_from(["assets", "backup", "shares", "finance", "site", "nope"])
ASSETS = st.dictionaries(KEYS, TREES, max_size=5).map(lambda tree: {"type": "pv", **tree})


@given(
    tree=st.dictionaries(TOPS, TREES | st.dictionaries(KEYS, ASSETS, max_size=2), min_size=1),
    kind=st.sampled_from(["pv", "battery"]),
)
@settings(max_examples=50, deadline=None)
def test_every_failure_is_told_in_paths_of_the_file(tree: dict[str, object], kind: str) -> None:
    """Proves: no error is lost, and no name of a union branch gets into a key path."""
    text = yaml.safe_dump(tree).replace("type: pv", f"type: {kind}")
    document = loads(text, "p.yaml")
    try:
        Park.model_validate(document.data)
    except ValidationError as error:
        told = findings_of(error, document, Park)
        assert told
        for found in told:
            *above, last = found.key.split(".")
            inside: object = document.data
            for key in above:
                inside = inside[int(key)] if isinstance(inside, list) else inside[key]  # type: ignore[index]
            assert isinstance(inside, (dict, list))
            required = found.message.startswith("this key is required")
            assert required or (
                int(last) < len(inside) if isinstance(inside, list) else last in inside
            )
            assert "Input" not in found.message
            assert found.where is not None
            assert found.where.line
