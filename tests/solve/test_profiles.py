"""Solver profiles and the refusal of options that HiGHS does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyomo.environ as pyo
import pytest
from pydantic import ValidationError

from microgrid_opt.errors import InputError
from microgrid_opt.shipped import first_folder, shipped
from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.highs import Session
from microgrid_opt.solve.options import option_help
from microgrid_opt.solve.profiles import Profile, load_profile, profile_names

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.solve.matrix import Matrix


@pytest.fixture(scope="module")
def tiny() -> Matrix:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 1))
    m.cost = pyo.Objective(expr=m.x)
    return extract(m)


def refused(matrix: Matrix, **options: Any) -> list[str]:
    profile = Profile(name="own", solver="highs", purpose="test", options=options, accept="optimal")
    with pytest.raises(InputError) as caught, Session(matrix, profile):
        pass
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize("name", profile_names())
def test_shipped_profiles_are_taken_whole_by_highs(name: str, tiny: Matrix) -> None:
    """Proves: every option of every shipped profile is set, and results can be repeated."""
    profile = load_profile(name)
    with Session(tiny, profile) as session:
        for option, value in profile.options.items():
            assert session._highs.getOptionValue(option)[1] == value, option
    assert profile.purpose.endswith(".")
    assert profile.options["threads"] == 1
    assert profile.options["random_seed"] == 0
    assert profile.options["parallel"] == "off"


def test_shipped_names() -> None:
    assert {"default", "test", "fast", "mip", "hipo"} <= set(profile_names())
    assert load_profile().name == "default"
    assert load_profile("test").options["mip_rel_gap"] == 0


def test_misspelt_option_names_its_neighbour(tiny: Matrix) -> None:
    (text,) = refused(tiny, mip_relgap=0.01)
    assert text.startswith("options.mip_relgap = 0.01: HiGHS has no such option")
    assert "did you mean `mip_rel_gap`?" in text


def test_wrong_values_name_what_is_allowed(tiny: Matrix) -> None:
    """Proves: all refusals come at once, each with type or range."""
    found = refused(
        tiny,
        mip_rel_gap=-1.0,
        threads=1.5,
        simplex_strategy=9,
        solver="simplx",
        presolve=True,
        time_limit="soon",
        random_seed=7,
    )
    texts = dict(text.removeprefix("options.").split(" = ", 1) for text in found)
    assert set(texts) == {
        "mip_rel_gap",
        "threads",
        "simplex_strategy",
        "solver",
        "presolve",
        "time_limit",
    }
    assert "double in [0, inf]" in texts["mip_rel_gap"]
    assert "integer in {0, 4}" in texts["simplex_strategy"]
    assert "(default 1)" in texts["simplex_strategy"]
    assert '"ipx", "hipo"' in texts["solver"]
    assert '"choose"' in texts["presolve"]


def test_nan_is_no_value(tiny: Matrix) -> None:
    """Proves: HiGHS's own check lets NaN through; ours does not."""
    with Session(tiny) as session, pytest.raises(InputError, match="mip_abs_gap = nan"):
        session.set_options({"mip_abs_gap": float("nan")})


def test_option_help_covers_highs() -> None:
    known = option_help()
    assert len(known) > 80
    assert known["mip_rel_gap"].default == "0.0001"
    assert known["hipo_ordering"].type == "string"
    assert known["output_flag"].range == "{false, true}"


def test_overrides() -> None:
    profile = load_profile("default", ["mip_rel_gap=0.5", "solver=ipx", "time_limit=10"])
    assert profile.options["mip_rel_gap"] == 0.5
    assert profile.options["solver"] == "ipx"
    assert profile.options["time_limit"] == 10
    assert load_profile("default", ["accept=feasible"]).accept == "feasible"
    with pytest.raises(InputError, match="must be"):
        load_profile("default", ["accept=anything"])
    with pytest.raises(InputError):
        load_profile("default", ["mip_rel_gap"])


def test_own_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = "solver: highs\npurpose: Mine.\noptions: {presolve: off}\naccept: feasible\n"
    path.write_text(text, encoding="utf-8")
    profile = load_profile(path)
    assert (profile.name, profile.options) == (str(path), {"presolve": "off"})
    path.write_text(text + "tolerance: 3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine.yaml:5:1: tolerance.*unknown key"):
        load_profile(path)
    path.write_text(text.replace("highs", "cplex"), encoding="utf-8")
    with pytest.raises(InputError, match=r"mine.yaml:1.*solver.*highs"):
        load_profile(path)


def test_unknown_profile() -> None:
    with pytest.raises(InputError, match="no solver profile `defualt`; did you mean `default`"):
        load_profile("defualt")
    with pytest.raises(InputError, match="no such file"):
        load_profile("elsewhere/mine.yaml")


def test_profiles_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load_profile().accept = "feasible"


def test_shipped_folders(tmp_path: Path) -> None:
    """Proves: the wheel's folder wins over the checkout's, and a missing one is said so."""
    assert (shipped("solvers") / "default.yaml").is_file()
    assert shipped("cases").is_dir()
    wheel, checkout = tmp_path / "wheel", tmp_path / "checkout"
    checkout.mkdir()
    assert first_folder("cases", (wheel, checkout)) == checkout
    wheel.mkdir()
    assert first_folder("cases", (wheel, checkout)) == wheel
    with pytest.raises(InputError, match="install microgrid-opt again"):
        first_folder("cases", (tmp_path / "none",))
