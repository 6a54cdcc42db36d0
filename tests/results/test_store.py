from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_opt.errors import InputError
from microgrid_opt.horizon import Horizon
from microgrid_opt.park import park_model
from microgrid_opt.problem import Origin
from microgrid_opt.results import Stage
from microgrid_opt.store import open_plan, save
from microgrid_opt.store.encoding import equal, files_of, results_of, timings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from microgrid_opt.results import Results
    from microgrid_opt.study import Plan

    Make = Callable[..., Results]
    Parts = Mapping[str, Callable[..., Any]]

numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
units: st.SearchStrategy[Literal["s", "ms", "us", "ns"]] = st.sampled_from(["s", "ms", "us", "ns"])
zones = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "Etc/GMT-8", "+05:30"])


def again(results: Results) -> Results:
    return results_of(dict(files_of(results, "x/")), "x/", timings_of(results.run))


def column(data: st.DataObject, n: int) -> np.ndarray[Any, Any]:
    return np.array(data.draw(st.lists(numbers, min_size=n, max_size=n)), dtype=float)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_results_come_back_to_the_last_bit(
    results: Make, parts: Parts, data: st.DataObject
) -> None:
    """Proves: any floats (NaN, infinities, -0.0, subnormals), names, zones, units of time stamps,
    holidays and solver options survive. Sensitivity: null for NaN, milliseconds for seconds or a
    dictionary of labels in another order fail.
    """
    n = data.draw(st.integers(1, 5))
    zone, unit = data.draw(zones), data.draw(units)
    start = pd.Timestamp(data.draw(st.dates(date(1950, 1, 1), date(2190, 1, 1))))
    stamps = pd.date_range(start, periods=n, freq="6min", tz="UTC").tz_convert(zone).as_unit(unit)
    positive = st.lists(st.floats(1e-3, 0.09), min_size=n, max_size=n)
    horizon = Horizon(
        stamps,
        np.array(data.draw(positive)),
        1e3 * np.array(data.draw(positive)),
        data.draw(st.frozensets(st.dates(date(1950, 1, 1), date(2190, 1, 1)), max_size=4)),
    )
    index = pd.DatetimeIndex(stamps, name="stamp")
    names = data.draw(st.lists(words, max_size=3, unique=True))
    table = {name: column(data, n) for name in names}
    before = results(
        name=data.draw(words),
        horizon=horizon,
        series=pd.DataFrame(table, index=index),
        prices=pd.DataFrame(table, index=index),
        factors=pd.DataFrame(table, index=range(n)),
        sizes=tuple(parts["size"](asset=name, total=data.draw(numbers)) for name in names),
        labels=data.draw(st.dictionaries(words, words, max_size=4)),
        run=parts["run"](
            bound=data.draw(st.none() | numbers),
            gap=data.draw(st.none() | numbers),
            stages=(Stage("first", 0.25, data.draw(st.none() | numbers)),),
            options=data.draw(
                st.dictionaries(words, st.one_of(st.booleans(), st.integers(), numbers, words))
            ),
        ),
    )
    after = again(before)
    assert equal(before, after)
    assert list(after.labels) == list(before.labels)
    assert after.horizon.holidays == horizon.holidays
    assert after.horizon.stamps.dtype == stamps.dtype
    for name, values in table.items():
        bits = after.series[name].to_numpy().view(np.int64)[~np.isnan(values)]
        assert np.array_equal(bits, values[~np.isnan(values)].view(np.int64))


def test_nothing_that_results_hold_is_left_out(results: Make) -> None:
    """Proves: every field of Results and Run comes back, those of later versions too, as long as
    they are tables or plain values. Sensitivity: a field that is not written makes the
    constructor fail; one that is written but changed fails here.
    """
    before = results()
    after = again(before)
    plain = [f.name for f in fields(before) if isinstance(getattr(before, f.name), str | dict)]
    assert {"name", "currency", "labels"} <= set(plain)
    for name in plain:
        assert getattr(after, name) == getattr(before, name)
    assert after.run == before.run
    for name, table in before.tables().items():
        pd.testing.assert_frame_equal(after.tables()[name], table, check_freq=False)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"labels": {}},
        {"monthly": pd.DataFrame({"park.grid.peak": [7.5]}, index=pd.Index(["2025-02"]))},
        {"factors": pd.DataFrame({"0": [1.0, 1.0, 1.0, float("nan")]}, index=range(4))},
    ],
)
def test_equal_sees_every_difference(results: Make, parts: Parts, change: dict[str, Any]) -> None:
    before = results()
    assert equal(before, results())
    assert not equal(before, replace(before, **change))
    assert not equal(before, replace(before, horizon=parts["horizon"](weight=1.0)))
    assert not equal(before, replace(before, run=parts["run"](seconds=9.0)))
    zero = before.series.assign(**{"park.grid.import": 0.0})
    assert not equal(before, replace(before, series=zero)), "0.0 is not -0.0"


def test_a_saved_plan_comes_back_equal(plan: Callable[..., Plan], tmp_path: Path) -> None:
    held = plan()
    save(held, tmp_path / "run")
    found = open_plan(tmp_path / "run")
    assert equal(found.results, held.results)
    assert held.reference is not None
    assert found.reference is not None
    assert equal(found.reference, held.reference)
    assert found.summary["name"] == "测试园区 é"
    assert found.summary["comparison"]["npv"]["value"] == held.comparison.npv  # type: ignore[union-attr]
    assert [item.lifetime_years for item in found.investments] == [8.0]


def test_the_folder_holds_what_the_table_in_the_docs_says(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    held = plan()
    save(held, tmp_path / "run")
    found = {p.relative_to(tmp_path / "run").as_posix() for p in (tmp_path / "run").rglob("*.*")}
    tables = {f"tables/{name}.parquet" for name in (*held.results.tables(), "horizon")}
    own = {"summary.json", "results.json", *tables}
    assert found == {"manifest.json", "park.json", *own, *(f"reference/{name}" for name in own)}


def test_the_tables_are_readable_without_this_program(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    held = plan()
    save(held, tmp_path / "run")
    series = pd.read_parquet(tmp_path / "run/tables/series.parquet")
    pd.testing.assert_frame_equal(series, held.results.series, check_freq=False)
    assert str(series.index.dtype).endswith("Asia/Shanghai]")


def test_two_saves_give_the_same_bytes_but_for_the_manifest(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    save(plan(), tmp_path / "a", command="one")
    slow = plan()
    save(
        replace(slow, results=replace(slow.results, run=replace(slow.results.run, seconds=77.0))),
        tmp_path / "b",
        command="two",
    )
    names = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    differing = [
        str(name)
        for name in names
        if (tmp_path / "a" / name).read_bytes() != (tmp_path / "b" / name).read_bytes()
    ]
    assert differing == ["manifest.json"]


def test_json_is_strict_and_sorted(plan: Callable[..., Plan], tmp_path: Path) -> None:
    save(plan(), tmp_path / "run")

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    paths = list((tmp_path / "run").rglob("*.json"))
    assert len(paths) == 6
    for path in paths:
        text = path.read_text(encoding="utf-8")
        held = json.loads(text, parse_constant=refuse)
        # The park keeps the order of its file: the first member owns the policies.
        is_sorted = path.name != "park.json"
        assert text == json.dumps(held, sort_keys=is_sorted, ensure_ascii=False, indent=2) + "\n"
    assert "测试园区 é" in (tmp_path / "run/park.json").read_text(encoding="utf-8")


def test_the_stored_park_is_a_park(plan: Callable[..., Plan], tmp_path: Path) -> None:
    """Proves: `park.json` is valid against the schema and describes the same park."""
    held = plan()
    save(held, tmp_path / "run")
    data = open_plan(tmp_path / "run").park
    back = park_model().model_validate(data, context={"currency": "CNY", "folder": tmp_path})
    assert back.model_dump(by_alias=True) == held.problem.park.model_dump(by_alias=True)
    assert data["horizon"]["holidays"] == ["2025-01-01", "2025-05-01"]
    assert list(data["assets"]) == list(held.problem.park.assets)


def test_the_manifest_says_where_a_plan_came_from(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    origin = Origin("park.yaml", "cd" * 32, "dry year", ("finance.discount_rate=0.08",))
    held = plan()
    problem = replace(held.problem, origin=origin)
    held = replace(held, problem=problem)
    save(held, tmp_path / "run", command="microgrid-opt solve park.yaml")
    found = open_plan(tmp_path / "run").manifest
    assert found["command"] == "microgrid-opt solve park.yaml"
    assert found["origin"] == {
        "park_file": "park.yaml",
        "park_sha256": "cd" * 32,
        "scenario": "dry year",
        "sets": ["finance.discount_rate=0.08"],
    }
    assert found["inputs"] == {"load.csv": "ab" * 32}
    assert found["solver"]["profile"] == "default"
    assert found["solver"]["options"]["threads"] == 1
    assert found["timings"]["phases"] == {"build": 0.1, "solve": 2.0}
    assert found["versions"]["pandas"] == pd.__version__
    created = datetime.fromisoformat(found["created"])
    assert created.utcoffset() == timedelta(0)


def test_a_plan_without_reference_has_no_reference_folder(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    held = plan(reference=None, reference_audit=None, comparison=None, reference_note="no assets")
    save(plan(), tmp_path / "run")
    save(held, tmp_path / "run")
    assert not (tmp_path / "run/reference").exists()
    found = open_plan(tmp_path / "run")
    assert found.reference is None
    assert found.summary["reference_note"] == "no assets"


def test_damage_to_any_file_is_found_and_named(plan: Callable[..., Plan], tmp_path: Path) -> None:
    """Proves: one flipped bit, a truncated tail or a missing file is named, whichever file it is.
    Sensitivity: the manifest itself is covered too.
    """
    save(plan(), tmp_path / "run")
    paths = sorted(path for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert len(paths) > 30
    for path in paths:
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for broken in (bytes(flipped), whole[:-3]):
            path.write_bytes(broken)
            with pytest.raises(InputError, match="damaged") as caught:
                open_plan(tmp_path / "run")
            assert str(path) in str(caught.value)
        path.unlink()
        with pytest.raises(InputError, match=path.name):
            open_plan(tmp_path / "run")
        path.write_bytes(whole)
    open_plan(tmp_path / "run")


def test_all_damage_is_told_at_once(plan: Callable[..., Plan], tmp_path: Path) -> None:
    save(plan(), tmp_path / "run")
    (tmp_path / "run/tables/series.parquet").unlink()
    (tmp_path / "run/park.json").write_text("{}")
    with pytest.raises(InputError) as caught:
        open_plan(tmp_path / "run")
    assert len(caught.value.findings) == 2


def test_a_manifest_that_was_edited_is_refused(plan: Callable[..., Plan], tmp_path: Path) -> None:
    save(plan(), tmp_path / "run")
    path = tmp_path / "run/manifest.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"seconds": 1.25', '"seconds": 0.25'), encoding="utf-8")
    with pytest.raises(InputError, match=r"manifest\.json: is damaged"):
        open_plan(tmp_path / "run")


def test_wrong_folders_are_explained(plan: Callable[..., Plan], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_plan(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is no folder of results"):
        open_plan(tmp_path / "file")
    (tmp_path / "park").mkdir()
    with pytest.raises(InputError, match=r"there is no manifest\.json"):
        open_plan(tmp_path / "park")
    (tmp_path / "park/park.yaml").write_text("schema: 1")
    with pytest.raises(InputError, match="it is a park, solve it first"):
        open_plan(tmp_path / "park")
    (tmp_path / "park/manifest.json").write_text('{"program": "web", "schema": 1}')
    with pytest.raises(InputError, match="is of 'web'"):
        open_plan(tmp_path / "park")
    save(plan(), tmp_path / "run")
    assert open_plan(tmp_path / "run/summary.json").results.name == "测试园区 é"


def test_other_versions_of_the_layout_are_refused(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    save(plan(), tmp_path / "run")
    path = tmp_path / "run/manifest.json"
    held = json.loads(path.read_bytes())
    held["versions"]["microgrid-opt"] = "9.9"
    path.write_text(json.dumps(held | {"schema": 2}))
    with pytest.raises(InputError, match=r"schema = 2: .* reads version 1 .* microgrid-opt 9\.9"):
        open_plan(tmp_path / "run")
