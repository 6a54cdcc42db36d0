"""Walking a model along an error: aliases, nested unions, root models; and the known keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NewType, Self

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass
from typing_extensions import TypeAliasType

from microgrid_opt.yamlio import loads
from microgrid_opt.yamlio.findings import findings_of, known_keys


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Size(Frozen):
    min: float = 0
    max: Annotated[float, Field(ge=0)]


class Checked(Size):
    """A size whose union branch pydantic calls ``function-after[_any(), Checked]``."""

    @model_validator(mode="after")
    def _any(self) -> Self:
        return self


class Pv(Frozen):
    type: Literal["pv"]
    power_kw: Annotated[float, Field(ge=0)] | Checked


class Battery(Frozen):
    type: Literal["battery"]
    energy_kwh: float | Size


class Park(Frozen):
    assets: dict[str, Annotated[Pv | Battery, Field(discriminator="type")]] = {}
    backup: Annotated[Pv | Battery, Field(discriminator="type")] | None = None
    shares: list[float] = []


def lines(text: str, model: type[BaseModel]) -> list[str]:
    document = loads(text, "p.yaml")
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document.data)
    return [str(finding) for finding in findings_of(caught.value, document, model)]


@pytest.mark.parametrize(
    ("loc", "keys"),
    [
        ((), ("assets", "backup", "shares")),
        (("assets",), ()),
        (("assets", "a", "pv"), ("type", "power_kw")),
        (("assets", "a", "pv", "type"), ()),
        (("assets", "a", "pv", "power_kw"), ("min", "max")),
        (
            ("assets", "a", "pv", "power_kw", "function-after[_any(), Checked]"),
            ("min", "max"),
        ),
        (("backup", "pv", "power_kw"), ("min", "max")),
        (("backup", "nope"), ()),
        (("nope", "x"), ()),
    ],
)
def test_known_keys(loc: tuple[str | int, ...], keys: tuple[str, ...]) -> None:
    assert known_keys(Park, loc) == keys


class Spline(Frozen):
    knots: dict[str, float] = {}


class Line(Frozen):
    slope: float
    through: Annotated[tuple[float, str], Field(strict=False)] = (0.0, "")


class Curves(RootModel[list[Line]]):
    pass


def _kind(value: Any) -> str:
    return "spline" if isinstance(value, dict) and "knots" in value else "line"


@dataclass(config=ConfigDict(extra="forbid"))
class Plain:
    """A class whose fields the walk does not know: there the data decide."""

    low: float
    inner: dict[str, float | Size]


Share = NewType("Share", float)
Power = TypeAliasType("Power", float | Size)


class Unknown(BaseModel):
    plain: Plain


class Odd(Frozen):
    """Rarer shapes: aliases, nested and callable unions, root models, lists of unions."""

    renamed: float = Field(default=0, alias="in-file")
    either: Line | Spline | dict[str, list[float]] | None = None
    nested: Annotated[Pv | Battery, Field(discriminator="type")] | float = 0
    called: Annotated[
        Annotated[Line, Tag("line")] | Annotated[Spline, Tag("spline")], Discriminator(_kind)
    ] = Line(slope=1)
    curves: Curves = Curves([])
    sizes: list[float | Size] = []
    share: Share | None = None
    power: Power = 1.0
    twice: float = Field(default=0, validation_alias="second", alias="first")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in-file: x\n", ["1:1: in-file = 'x': must be a number, not text"]),
        ("in_file: 1\n", ["1:1: in_file = 1: unknown key; did you mean `in-file`?"]),
        ("either: {slope: x}\n", ["1:10: either.slope = 'x': must be a number, not text"]),
        (
            "either: {slope: 1, through: [1, 2]}\n",
            ["1:33: either.through.1 = 2: must be text, not a number; put it in quotes"],
        ),
        (
            "either: 5\n",
            [
                "1:1: either = 5: must be a mapping with keys (slope, through), "
                "a mapping with keys (knots) or a mapping, not a number"
            ],
        ),
        ("nested: {type: pv, power_kw: -1}\n", ["1:20: nested.power_kw = -1: must be >= 0"]),
        (
            "nested: x\n",
            [
                "1:1: nested = 'x': must be a mapping with a `type` (pv, battery) or a number, not text"
            ],
        ),
        (
            "nested: {type: py}\n",
            ["1:10: nested.type = 'py': must be `pv` or `battery`"],
        ),
        ("called: {knots: {a: x}}\n", ["1:18: called.knots.a = 'x': must be a number, not text"]),
        ("called: {}\n", ["1:1: called.slope: this key is required: it must be a number"]),
        ("curves: [{slope: x}]\n", ["1:11: curves.0.slope = 'x': must be a number, not text"]),
        ("curves: 5\n", ["1:1: curves = 5: must be a list, not a number"]),
        ("secondd: 1\n", ["1:1: secondd = 1: unknown key; did you mean `second`?"]),
        ("share: x\n", ["1:1: share = 'x': must be a number, not text"]),
        ("power: {max: -1}\n", ["1:9: power.max = -1: must be >= 0"]),
        (
            "sizes: [1, x, {max: -1}]\n",
            [
                "1:12: sizes.1 = 'x': must be a number or a mapping with keys (min, max), not text",
                "1:16: sizes.2.max = -1: must be >= 0",
            ],
        ),
    ],
)
def test_rarer_shapes(text: str, expected: list[str]) -> None:
    assert lines(text, Odd) == [f"p.yaml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "plain: {inner: {}}\n",
            ["1:1: plain.low: this key is required"],
        ),
        (
            "plain: {low: [], inner: {a: {max: -1}}}\n",
            [
                "1:9: plain.low = []: must be a valid number",
                "1:26: plain.inner.a: must be a valid number",
                "1:30: plain.inner.a.max = -1: must be >= 0",
            ],
        ),
    ],
)
def test_where_the_annotations_say_nothing_the_data_decide(text: str, expected: list[str]) -> None:
    assert lines(text, Unknown) == [f"p.yaml:{line}" for line in expected]


def test_a_part_of_a_document_can_be_validated() -> None:
    document = loads("x:\n  y: {max: 1, site: {}, maxx: 2}\n", "p.yaml")
    with pytest.raises(ValidationError) as caught:
        Size.model_validate(document.data["x"]["y"])
    found = findings_of(caught.value, document, Size, prefix=("x", "y"))
    assert [str(line) for line in found] == [
        "p.yaml:2:15: x.y.site: unknown key; allowed: min, max",
        "p.yaml:2:25: x.y.maxx = 2: unknown key; did you mean `max`?",
    ]
