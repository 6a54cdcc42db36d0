"""The strict YAML layer: scalars, locations, refusals and their exact messages."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt import yamlio
from microgrid_opt.errors import InputError, Location
from microgrid_opt.yamlio import Document, load, loads
from microgrid_opt.yamlio import grammar as grammar


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with libyaml and with PyYAML's own parser: both must tell the user the same."""
    monkeypatch.setattr(grammar, "_LOADER", getattr(yaml, request.param))


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        loads(text, "p.yaml")
    return [str(finding) for finding in caught.value.findings]


def file_problem(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(path)
    (finding,) = caught.value.findings
    return str(finding).replace(str(path.parent), "DIR")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7:00", "7:00"),
        ("1:30:00", "1:30:00"),
        ("2030-01-01", "2030-01-01"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
        *[(word, word) for word in ("no", "No", "yes", "on", "OFF", "y", "n", "nULL", "tRUE")],
        ("0b101", "0b101"),
        ("1,000", "1,000"),
        ("=", "="),
        ("_1", "_1"),
        ("a_1", "a_1"),
        ("-0o17", "-0o17"),
        ("1e", "1e"),
        (".", "."),
        ("'5'", "5"),
        ('"true"', "true"),
        ("'1_000'", "1_000"),
        ("'.nan'", ".nan"),
        ("''", ""),
        ("1e6", 1e6),
        ("1E6", 1e6),
        ("1e-3", 1e-3),
        (".5", 0.5),
        ("-.5e+1", -5.0),
        ("1.", 1.0),
        ("+2.5", 2.5),
        ("0o17", 15),
        ("0xFf", 255),
        ("010", 10),
        ("08", 8),
        ("-0", 0),
        ("+12", 12),
        ("18446744073709551617", 2**64 + 1),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("[]", []),
        ("{}", {}),
    ],
)
@pytest.mark.usefixtures("_each_parser")
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    """Proves: YAML 1.2.2 section 10.3.2 decides, and only for scalars without quotes."""
    got = loads(f"a: {text}\n", "p.yaml").data["a"]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize("word", [".nan", ".NaN", ".inf", "-.Inf", "+.INF"])
def test_numbers_that_are_not_finite_are_refused(word: str) -> None:
    message = f"`{word}` is refused: write a finite number or leave the key out"
    assert problems(f"a:\n  b: {word}\n") == [f"p.yaml:2:6: a.b: {message}"]


@pytest.mark.parametrize("number", ["1e309", "-1e999", "9" * 310, "9" * 5000, "0x" + "f" * 300])
def test_numbers_beyond_a_float_are_refused(number: str) -> None:
    shown = number if len(number) <= 20 else number[:17] + "..."
    message = f"`{shown}` is refused: the largest number is 1.8e308"
    assert problems(f"a: {number}\n") == [f"p.yaml:1:4: a: {message}"]


@pytest.mark.parametrize(
    ("word", "bare"), [("1_000", "1000"), ("-1_0.5", "-10.5"), ("1_", "1"), ("1_0e3", "10e3")]
)
def test_underscores_in_numbers_are_refused(word: str, bare: str) -> None:
    message = (
        f"`{word}` is refused, YAML readers disagree on underscores: "
        f'write {bare} for the number or "{word}" for the text'
    )
    assert problems(f"a: {word}\n") == [f"p.yaml:1:4: a: {message}"]


PARK = """\
# a park
site:
  name: "Büro 😀"  # quoted
  tags: [a, {b: 1, "c": 2}]

assets:
  roof:
    type: pv
    steps:
      - 1
      -   x: 5
          y:
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), (2, 1), (2, 1)),
        (("site",), (2, 1), (3, 3)),
        (("site", "name"), (3, 3), (3, 9)),
        (("site", "tags"), (4, 3), (4, 9)),
        (("site", "tags", 0), (4, 10), (4, 10)),
        (("site", "tags", 1), (4, 13), (4, 13)),
        (("site", "tags", 1, "b"), (4, 14), (4, 17)),
        (("site", "tags", 1, "c"), (4, 20), (4, 25)),
        (("assets", "roof", "type"), (8, 5), (8, 11)),
        (("assets", "roof", "steps"), (9, 5), (10, 7)),
        (("assets", "roof", "steps", 0), (10, 9), (10, 9)),
        (("assets", "roof", "steps", 1), (11, 11), (11, 11)),
        (("assets", "roof", "steps", 1, "x"), (11, 11), (11, 14)),
        (("assets", "roof", "steps", 1, "y"), (12, 11), (12, 13)),
        (("assets", "roof", "power_kw"), (7, 3), (8, 5)),
        (("assets", "roof", "power_kw", "max"), (7, 3), (8, 5)),
        (("assets", "roof", "steps", 7), (9, 5), (10, 7)),
        (("finance", "rate"), (2, 1), (2, 1)),
        (("finance", "assets"), (2, 1), (2, 1)),
    ],
)
def test_locations_are_exact(
    path: tuple[str | int, ...], key: tuple[int, int], value: tuple[int, int]
) -> None:
    """Proves: line and column of key and value, counted in characters; else the nearest ancestor."""
    document = loads(PARK, "park.yaml")
    assert document.where(path) == Location("park.yaml", *key)
    assert document.where_value(path) == Location("park.yaml", *value)


def test_alias_keeps_its_own_place_and_the_anchors_inner_places() -> None:
    document = loads("a: &x {b: 1}\nc: *x\nd: *x\n", "p.yaml")
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}
    assert document.where(("c",)) == Location("p.yaml", 2, 1)
    assert document.where_value(("c",)) == Location("p.yaml", 2, 4)
    assert document.where(("c", "b")) == Location("p.yaml", 1, 8)
    document.data["c"]["b"] = 2
    assert document.data["d"] == {"b": 1}


def test_load_knows_name_folder_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "park.yaml"
    path.write_bytes("\ufeffa: 1\r\nb: ü\r\n".encode())
    document = load(path)
    assert document.data == {"a": 1, "b": "ü"}
    assert (document.name, document.folder) == (str(path), tmp_path)
    assert document.text_sha256 == hashlib.sha256("a: 1\r\nb: ü\r\n".encode()).hexdigest()
    assert document.where(("a",)) == Location(str(path), 1, 1)
    assert document.where(("b",)) == Location(str(path), 2, 1)
    assert loads("\ufeffa: 1\r\nb: ü\r\n", "x").text_sha256 == document.text_sha256
    assert loads("a: 1\n", "x").folder == Path()


def test_document_is_frozen() -> None:
    document = loads("a: 1\n", "p.yaml")
    with pytest.raises(AttributeError):
        document.name = "other"  # type: ignore[misc]
    assert isinstance(document, Document)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            "a: 1\nb: ü".encode() + b"\xb5\xe7: 1\n",
            "DIR/park.yaml:2:5: byte 0xb5 at offset 10 is not UTF-8: "
            "save the file as UTF-8 (perhaps it is GBK or Latin-1)",
        ),
        (
            b"\xef\xbb\xbfa: \xff\n",
            "DIR/park.yaml:1:4: byte 0xff at offset 6 is not UTF-8: "
            "save the file as UTF-8 (perhaps it is GBK or Latin-1)",
        ),
        ("a: 1".encode("utf-16"), "DIR/park.yaml: the file is UTF-16: save it as UTF-8"),
        (b"", "DIR/park.yaml: the file is empty: it must hold keys such as `assets:`"),
        (b"\xef\xbb\xbf", "DIR/park.yaml: the file is empty: it must hold keys such as `assets:`"),
    ],
)
def test_files_that_are_not_utf8(tmp_path: Path, raw: bytes, expected: str) -> None:
    path = tmp_path / "park.yaml"
    path.write_bytes(raw)
    assert file_problem(path) == expected


def test_missing_files_get_a_suggestion(tmp_path: Path) -> None:
    missing = "there is no such file"
    assert file_problem(tmp_path / "park.yaml") == f"DIR/park.yaml: {missing}"
    for name in ("winter-park.yaml", "load.csv"):
        (tmp_path / name).touch()
    asked = tmp_path / "winter_prak.yml"
    assert file_problem(asked) == (
        f"DIR/winter_prak.yml: {missing}; did you mean `DIR/winter-park.yaml`?"
    )
    assert file_problem(tmp_path / "zz.yaml") == (
        f"DIR/zz.yaml: {missing}; the folder has: winter-park.yaml"
    )
    assert (
        file_problem(tmp_path / "lod.csv")
        == f"DIR/lod.csv: {missing}; did you mean `DIR/load.csv`?"
    )
    nowhere = tmp_path / "no" / "park.yaml"
    assert file_problem(nowhere) == f"DIR/park.yaml: {missing}, and no folder `DIR`"


def test_a_folder_is_refused_with_the_files_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    assert file_problem(folder) == "DIR/case: this is a folder, give the YAML file in it"
    for name in ("park.yaml", "b.yml", "x.csv"):
        (folder / name).touch()
    assert file_problem(folder) == (
        "DIR/case: this is a folder, give the YAML file in it: b.yml, park.yaml"
    )


def test_unreadable_files_say_why(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert file_problem(loop).startswith("DIR/loop.yaml: the file cannot be read: ")


def test_large_files_are_refused_before_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "park.yaml"
    with path.open("wb") as file:
        file.truncate(16 * 2**20 + 1)
    message = (
        "the file has 16777217 bytes, the limit is 16777216 (16 MB): "
        "put long series in files of their own"
    )
    assert file_problem(path) == f"DIR/park.yaml: {message}"
    monkeypatch.setattr(yamlio, "MAX_BYTES", 6)
    assert loads("a: ü\n", "p.yaml").data == {"a": "ü"}
    assert problems("a: üü\n") == [
        "p.yaml: the file has 8 bytes, the limit is 6 (16 MB): put long series in files of their own"
    ]


# YAML 1.1 (safe_dump) and 1.2 (loads) agree on which of these texts need quotes.
AGREED = st.one_of(
    st.from_regex(r"[A-Za-zäé电][A-Za-z0-9äé电 :#,'\"\\{}\[\]&*!|>%@`\n-]{0,20}", fullmatch=True),
    st.sampled_from(["", "~", "null", "true", "12", ".5", "1.0", "0x1f", ".nan", "1_000", "- a"]),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    AGREED,
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(AGREED, inner, max_size=4)
)


@pytest.mark.parametrize("flow", [True, False])
@given(data=st.dictionaries(AGREED, VALUES, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_dumped_data_come_back(flow: bool, data: dict[str, object]) -> None:
    """Proves: what PyYAML or JSON write, loads reads, values and types alike (repr tells 1 from 1.0)."""
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    assert repr(loads(text, "p.yaml").data) == repr(data)
    assert repr(loads(json.dumps(data, ensure_ascii=False), "p.yaml").data) == repr(data)


@given(data=st.dictionaries(AGREED, VALUES, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_every_path_has_its_own_place(data: dict[str, object]) -> None:
    """Proves: in block style without aliases no two keys share a place, and each line shows its key."""
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    document = loads(text, "p.yaml")
    places = [document.where((key,)) for key in document.data]
    assert len(set(places)) == len(places)
    assert places == sorted(places)


PIECES = st.sampled_from(
    [*"[]{}'\"?%@>\\\n\t\x85", "a", "b: ", "- ", ", ", ": ", "  ", "&x ", "*x", "!t ", "# c",
     "---", "...", "<<", ".inf", "1_0", "5", "é"]
)  # fmt: skip


@given(text=st.lists(PIECES, max_size=25).map("".join))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_data_or_placed_problems(text: str) -> None:
    """Proves: no other exception than InputError leaves the reader, and each problem has a place."""
    found: list[str] = []
    data: object = {}
    try:
        data = loads(text, "p.yaml").data
    except InputError as error:
        found = [str(finding) for finding in error.findings] or ["no findings"]
    assert isinstance(data, dict)
    assert all(line.startswith("p.yaml:") for line in found)
