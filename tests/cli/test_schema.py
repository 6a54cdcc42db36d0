"""The JSON Schema: words and units on every key, takes every case, refuses typing errors."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal

import pytest
from jsonschema import Draft202012Validator

from microgrid_opt import study, yamlio
from microgrid_opt.assets.base import asset_types
from microgrid_opt.assets.load import Load
from microgrid_opt.cli.schema import DIALECT, ID, json_schema
from microgrid_opt.cli.starter import write_starter
from microgrid_opt.park import park_model

if TYPE_CHECKING:
    from collections.abc import Iterator


def validator() -> Draft202012Validator:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in (("Park", schema), *schema["$defs"].items()):
        for key, field in part["properties"].items():
            yield f"{name}.{key}", field


def takes_number(field: dict[str, Any]) -> bool:
    return any(branch.get("type") == "number" for branch in [field, *field.get("anyOf", [])])


def test_the_head_says_what_it_is() -> None:
    schema = json_schema()
    assert (schema["$schema"], schema["$id"]) == (DIALECT, ID)
    assert schema["title"]
    assert schema["description"]
    assert set(schema["$defs"]) > {kind.__name__ for kind in asset_types().values()}


def test_every_key_has_words() -> None:
    silent = [
        name
        for name, field in fields(json_schema())
        if not (field.get("title") and field.get("description"))
    ]
    assert silent == []


def test_no_description_has_formulas_or_reference_lists() -> None:
    for name, field in fields(json_schema()):
        assert "$$" not in field["description"], name
        assert "\n" not in field["description"], name


def test_every_number_has_a_unit() -> None:
    bare = [
        name for name, field in fields(json_schema()) if takes_number(field) and "unit" not in field
    ]
    assert bare == []


def test_units_are_those_of_the_classes() -> None:
    schema = json_schema()
    assert schema["$defs"]["Pv"]["properties"]["power_kw"]["unit"] == "kW"
    assert schema["$defs"]["SizeKW"]["properties"]["capex_per_kw"]["unit"] == "currency/kW"
    assert schema["$defs"]["Site"]["properties"]["altitude_m"]["unit"] == "m"
    assert schema["$defs"]["Load"]["properties"]["power_kw"]["unit"] == "kW"


@pytest.mark.parametrize("name", study.case_names())
def test_it_takes_every_shipped_case(name: str) -> None:
    data = yamlio.load(study.park_file(f"case:{name}")).data
    assert [error.message for error in validator().iter_errors(data)] == []


def test_it_takes_the_starter(tmp_path: Any) -> None:
    data = yamlio.load(write_starter(tmp_path / "park.yaml")).data
    assert [error.message for error in validator().iter_errors(data)] == []


TYPING_ERRORS: tuple[tuple[str, object], ...] = (
    ("asset", {}),
    ("carbn", {"price_per_t": 80}),
    ("assets.Pv 1", {"type": "load", "power_kw": 1}),
    ("assets.pv.typ", "pv"),
    ("assets.pv.type", "pw"),
    ("assets.pv.power_kwh", 5),
    ("assets.pv.power_kw.max_kv", 5),
    ("assets.pv.power_kw.max_kw", -5),
    ("assets.pv.power_kw.min_kw", "five"),
    ("assets.pv.output_per_kw", {"hourli": [1]}),
    ("horizon.start", "3 March"),
    ("finance.discount_rate", 6),
    ("scenarios", {"dear": {"finanse": {}}}),
    ("members", {"A b": {}}),
)


@pytest.mark.parametrize(("place", "value"), TYPING_ERRORS, ids=[e[0] for e in TYPING_ERRORS])
def test_it_refuses_typing_errors(place: str, value: object) -> None:
    data = deepcopy(yamlio.load(study.park_file("case:minimal")).data)
    check = validator()
    assert check.is_valid(data)
    *path, key = place.split(".")
    part = data
    for name in path:
        part = part[name]
    part[key] = value
    assert not check.is_valid(data)


@pytest.mark.parametrize(
    "start", ["2025-03-03", "2025-03-03 06:00", "2025-03-03T06:00:00", "2025-03-03T06:00+08:00"]
)
def test_it_takes_every_way_to_write_a_moment_that_the_park_takes(start: str) -> None:
    data = deepcopy(yamlio.load(study.park_file("case:minimal")).data)
    data["horizon"]["start"] = start
    assert validator().is_valid(data)
    park = park_model().model_validate(data, context={"currency": "CNY"})
    assert park.horizon.horizon("Asia/Shanghai").stamps[0].day == 3


def test_a_technology_from_outside_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(asset_types())
    monkeypatch.setattr("microgrid_opt.assets.base._REGISTRY", known)

    class Sauna(Load):
        """Hot room."""

        type: Literal["sauna"]  # type: ignore[assignment]

    try:
        schema = json_schema()
        data = deepcopy(yamlio.load(study.park_file("case:minimal")).data)
        data["assets"]["sauna"] = {"type": "sauna", "power_kw": 6}
        assert Draft202012Validator(schema).is_valid(data)
        assert schema["$defs"][Sauna.__name__]["description"] == "Hot room."
    finally:
        known.pop("sauna")
        assert "Sauna" not in json_schema()["$defs"]
