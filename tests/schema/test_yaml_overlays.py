"""Scenarios and ``--set`` on top of a document: values, places, refusals."""

from __future__ import annotations

import copy

import pytest

from microgrid_opt.errors import InputError, Location
from microgrid_opt.yamlio import Document, apply_scenario, apply_sets, loads, scenario_names

PARK = """\
site: {name: East, tags: [a, b]}
empty:
assets:
  roof:
    type: pv
    power_kw: {min: 0, max: 500}
    tilt: 10
  tank: {type: battery, energy_kwh: 200}
scenarios:
  high:
    site: {tags: [c]}
    assets:
      roof:
        power_kw:
          max: 900
        tilt: null
      wind: {type: wind, power_kw: 50}
  gas:
    assets:
      tank: {type: boiler, power_kw: {max: 7}}
      roof: {type: pv, power_kw: 5}
  as-is:
"""


@pytest.fixture(name="park")
def _park() -> Document:
    return loads(PARK, "p.yaml")


def set_problems(park: Document, *assignments: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        apply_sets(park, assignments)
    return [str(finding) for finding in caught.value.findings]


def scenario_problems(text: str, name: str | None) -> list[str]:
    with pytest.raises(InputError) as caught:
        apply_scenario(loads(text, "p.yaml"), name)
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("assets.roof.tilt=5", ("assets", "roof", "tilt"), 5),
        ("assets.roof.tilt=1e1", ("assets", "roof", "tilt"), 10.0),
        ("assets.roof.new=7:00", ("assets", "roof", "new"), "7:00"),
        ("assets.roof.new=", ("assets", "roof", "new"), None),
        ("assets.roof.new=a=b", ("assets", "roof", "new"), "a=b"),
        ('assets.roof.new="5"', ("assets", "roof", "new"), "5"),
        ("assets.roof.power_kw={max: 9}", ("assets", "roof", "power_kw", "max"), 9),
        ("site.tags.1=z", ("site", "tags", 1), "z"),
        ("site.tags=[x, [y]]", ("site", "tags", 1, 0), "y"),
        ("top=1", ("top",), 1),
    ],
)
def test_a_set_value_and_its_place(
    park: Document, text: str, path: tuple[str | int, ...], value: object
) -> None:
    result = apply_sets(park, [text])
    got: object = result.data
    for key in path:
        got = got[key]  # type: ignore[index]
    assert got == value
    assert type(got) is type(value)
    assert result.where(path) == result.where_value(path) == Location(f"--set {text}")
    assert str(result.where(path)) == f"--set {text}"


def test_sets_leave_the_rest_and_the_input_alone(park: Document) -> None:
    before = copy.deepcopy(park.data)
    result = apply_sets(
        park, ["assets.b={type: battery}", "assets.b.power_kw=5", "assets.b.power_kw=6"]
    )
    assert result.data["assets"]["b"] == {"type": "battery", "power_kw": 6}
    assert result.where(("assets", "b", "type")).file == "--set assets.b={type: battery}"
    assert park.data == before
    assert park.where(("assets", "b")) == Location("p.yaml", 3, 1)
    assert result.where(("assets", "roof", "tilt")) == Location("p.yaml", 7, 5)
    assert result.text_sha256 == park.text_sha256
    del result.data["assets"]["b"]
    assert result.data == park.data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assets.roof", "write --set path.to.key=value"),
        ("=5", "write --set path.to.key=value"),
        ("assets..tilt=5", "write --set path.to.key=value"),
        ("asets.roof.tilt=5", "asets: the file has no key `asets`; did you mean `assets`?"),
        (
            "assets.zz.tilt=5",
            "assets.zz: `assets` has no key `zz`; it has: roof, tank",
        ),
        (
            "assets.roof.tilt.max=5",
            "assets.roof.tilt.max: `assets.roof.tilt` is a number, not a mapping or list: "
            "set it as a whole",
        ),
        (
            "assets.roof.power_kw.max.x=5",
            "assets.roof.power_kw.max.x: `assets.roof.power_kw.max` is a number, not a mapping or "
            "list: set it as a whole",
        ),
        ("site.tags.2=5", "site.tags.2: `site.tags` is a list of 2: its items are 0 to 1"),
        ("site.tags.-1=5", "site.tags.-1: `site.tags` is a list of 2: its items are 0 to 1"),
        ("site.tags.x=5", "site.tags.x: `site.tags` is a list of 2: its items are 0 to 1"),
        (
            "site.name=.nan",
            "`.nan` is refused: write a finite number or leave the key out",
        ),
        ("site.name=[1", "the `[` of line 1 is not closed before here: `,` or `]` is missing"),
        (
            "site.name=a: 1",
            "write text with `: ` in quotes, mappings as {a: 1} and lists as [1, 2]",
        ),
        ("site.name=- 1", "write text with `: ` in quotes, mappings as {a: 1} and lists as [1, 2]"),
        (
            "site.name={a: 1, a: 2}",
            "a: the key `a` stands twice (in one value): remove or rename one",
        ),
        ("site.name=!x 1", "the tag `!x` is refused: write the value plainly, text in quotes"),
        ("site.name=\0", "the control character U+0000 is refused: remove it"),
    ],
)
def test_sets_that_are_refused(park: Document, text: str, expected: str) -> None:
    (found,) = set_problems(park, text)
    assert found == f"--set {text}: {expected}"


def test_all_bad_sets_are_reported_together(park: Document) -> None:
    empty = apply_sets(park, ["site.tags=[]"])
    assert set_problems(empty, "site.tags.0=5", "site.name=x", "sites.x=1") == [
        "--set site.tags.0=5: site.tags.0: `site.tags` is an empty list: set it as a whole",
        "--set sites.x=1: sites: the file has no key `sites`; did you mean `site`?",
    ]


def test_a_set_opens_a_section_that_the_file_leaves_out(park: Document) -> None:
    result = apply_sets(park, ["carbon.price=5", "carbon.cap=6", "empty.max=7"])
    assert result.data["carbon"] == {"price": 5, "cap": 6}
    assert result.data["empty"] == {"max": 7}
    assert result.where(("carbon", "price")).file == "--set carbon.price=5"


def test_scenario_merges_replaces_removes(park: Document) -> None:
    before = copy.deepcopy(park.data)
    high = apply_scenario(park, "high")
    assert high.data == {
        "site": {"name": "East", "tags": ["c"]},
        "empty": None,
        "assets": {
            "roof": {"type": "pv", "power_kw": {"min": 0, "max": 900}},
            "tank": {"type": "battery", "energy_kwh": 200},
            "wind": {"type": "wind", "power_kw": 50},
        },
    }
    assert park.data == before
    assert scenario_names(park) == ("high", "gas", "as-is")
    assert scenario_names(high) == ()


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("assets",), 3, 1),
        (("assets", "roof"), 4, 3),
        (("assets", "roof", "power_kw"), 6, 5),
        (("assets", "roof", "power_kw", "min"), 6, 16),
        (("assets", "roof", "power_kw", "max"), 15, 11),
        (("assets", "roof", "tilt"), 16, 9),
        (("assets", "wind", "power_kw"), 17, 26),
        (("site", "tags"), 11, 12),
        (("site", "tags", 0), 11, 19),
        (("site", "tags", 1), 11, 12),
        (("scenarios",), 1, 1),
    ],
)
def test_merged_values_stand_where_they_were_written(
    park: Document, path: tuple[str | int, ...], line: int, column: int
) -> None:
    """Proves: a change leads to the scenario's line, also where it removed a key (roof.tilt)."""
    assert apply_scenario(park, "high").where(path) == Location("p.yaml", line, column)


def test_another_type_replaces_the_mapping_and_the_same_type_merges(park: Document) -> None:
    gas = apply_scenario(park, "gas")
    assert gas.data["assets"]["tank"] == {"type": "boiler", "power_kw": {"max": 7}}
    assert gas.data["assets"]["roof"] == {"type": "pv", "power_kw": 5, "tilt": 10}
    assert gas.where(("assets", "tank")) == Location("p.yaml", 20, 7)
    assert gas.where(("assets", "tank", "energy_kwh")) == Location("p.yaml", 20, 7)


@pytest.mark.parametrize("name", [None, "as-is"])
def test_no_scenario_only_removes_the_section(park: Document, name: str | None) -> None:
    plain = apply_scenario(park, name)
    assert plain.data == {key: park.data[key] for key in ("site", "empty", "assets")}
    assert plain.where(("assets", "roof")) == Location("p.yaml", 4, 3)
    assert apply_scenario(loads("a: 1\n", "p"), None).data == {"a": 1}
    assert apply_scenario(loads("a: 1\nscenarios:\n", "p"), None).data == {"a": 1}


def test_a_scenario_can_be_changed_by_set(park: Document) -> None:
    text = "scenarios.high.assets.wind.power_kw=60"
    changed = apply_scenario(apply_sets(park, [text]), "high")
    assert changed.data["assets"]["wind"]["power_kw"] == 60
    assert changed.where(("assets", "wind", "power_kw")) == Location(f"--set {text}")


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (
            PARK,
            "hihg",
            [
                "p.yaml:9:1: scenarios: there is no scenario `hihg`; did you mean `high`? "
                "The file has high, gas, as-is"
            ],
        ),
        (
            PARK,
            "zzz",
            ["p.yaml:9:1: scenarios: there is no scenario `zzz`; the file has high, gas, as-is"],
        ),
        ("a: 1\n", "x", ["p.yaml: scenarios: there is no scenario `x`; the file has none"]),
        (
            "scenarios: [a]\n",
            None,
            [
                "p.yaml:1:1: scenarios: must be a mapping from scenario names to changed keys, "
                "not a list"
            ],
        ),
        (
            "scenarios:\n  a: 5\n  b: {scenarios: {}}\n  c: {}\n",
            "c",
            [
                "p.yaml:2:3: scenarios.a: must be a mapping of the keys that it changes, not a number",
                "p.yaml:3:7: scenarios.b.scenarios: a scenario cannot hold scenarios",
            ],
        ),
        (
            "assets: {roof: {tilt: 5}}\nscenarios:\n  s:\n    assets: {roof: {tlit: ~}, b: {c: ~}}\n",
            "s",
            [
                "p.yaml:4:21: assets.roof.tlit: null removes a key, but the park has no such key; "
                "did you mean `tilt`?",
                "p.yaml:4:35: assets.b.c: null removes a key, but the park has no such key",
            ],
        ),
    ],
)
def test_scenarios_that_are_refused(text: str, name: str | None, expected: list[str]) -> None:
    assert scenario_problems(text, name) == expected
