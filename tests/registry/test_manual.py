"""The manual tells the truth: examples load, pages are current, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml
from typer.testing import CliRunner

from microgrid_opt import docs_pages, study, yamlio
from microgrid_opt.cli import app
from microgrid_opt.errors import InputError, MicrogridError
from microgrid_opt.fields import Frozen
from microgrid_opt.park import park_model
from microgrid_opt.solve.profiles import load_profile, profile_names
from microgrid_opt.solve.status import Status
from tests.registry import manual
from tests.registry.catalogue import ROOT

if TYPE_CHECKING:
    from microgrid_opt.study import Plan

EXAMPLES = manual.blocks("park-file.md", "yaml")
PARK = EXAMPLES[0].text
NAMES = [path.relative_to(manual.DOCS).as_posix() for path in manual.pages()]


def changed(text: str, folder: Path) -> yamlio.Document:
    """Return the example park with a later block of the page merged in, as a scenario is.

    A horizon is replaced as a whole: a year and a start exclude each other.
    """
    path = folder / "park.yaml"
    base = PARK
    if text.startswith("horizon:"):
        base = re.sub(r"^horizon:\n(  .*\n)+", "", PARK, flags=re.MULTILINE)
        assert "start:" not in base
    scenario = indent(text, "    ")
    path.write_text(f"{base}\nscenarios:\n  example:\n{scenario}", encoding="utf-8")
    return yamlio.apply_scenario(yamlio.load(path), "example")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the files that the page shows, each long enough for the park."""
    for block in manual.blocks("park-file.md", "csv"):
        head, first, *_ = block.text.splitlines()
        rows = [f"2025-03-{3 + h // 24:02d}T{h % 24:02d}:00+08:00,400" for h in range(48)]
        assert rows[0].partition(",")[0] == first.partition(",")[0]
        (tmp_path / block.title).write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    return tmp_path


def test_generated_pages_are_up_to_date() -> None:
    """Proves: keys, units, defaults and formulas of the manual are those of the code.

    When it fails: python -m microgrid_opt.docs_pages docs/reference
    """
    folder = manual.DOCS / "reference"
    wanted = docs_pages.pages()
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    assert there == set(wanted)
    for name, text in wanted.items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name}: generate it again"


def test_pages_are_written_and_removed(tmp_path: Path) -> None:
    old = tmp_path / "assets" / "steam_engine.md"
    old.parent.mkdir()
    old.write_text(docs_pages.HEADER, encoding="utf-8")
    own = old.with_name("by_hand.md")
    own.write_text("# By hand", encoding="utf-8")
    assert docs_pages.main([str(tmp_path)]) == 0
    assert not old.exists()
    assert own.exists()
    assert docs_pages.write(tmp_path) == []
    (tmp_path / "fields.md").write_text("", encoding="utf-8")
    assert docs_pages.write(tmp_path) == ["fields.md"]


def test_every_key_of_the_park_is_on_a_page() -> None:
    """Proves: no mapping below the park is left out of the reference."""
    told = {
        cell
        for name in docs_pages.pages()
        for cell in re.findall(r"`([a-z_0-9]+)`", manual.page(f"reference/{name}"))
    }
    park_model()
    stack: list[type[Frozen]] = [
        model for model in _all_models(Frozen) if model.__module__.startswith("microgrid_opt.")
    ]
    keys = {
        info.alias or name
        for model in stack
        if not model.__module__.endswith(
            ("solve.profiles", "bench.spec", "fields", "trading.rulesets")
        )
        for name, info in model.model_fields.items()
    }
    assert {"tilt_deg", "min_up_hours", "max_export_share", "otherwise"} <= keys
    assert keys - {"value"} - told == set()


def _all_models(model: type[Frozen]) -> list[type[Frozen]]:
    below = model.__subclasses__()
    return below + [deeper for one in below for deeper in _all_models(one)]


def test_the_first_example_is_a_whole_park(tmp_path: Path) -> None:
    path = tmp_path / "park.yaml"
    path.write_text(PARK, encoding="utf-8")
    plan = study.solve(study.load(path), profile="test")
    plan.audit.require()
    assert plan.comparison is not None
    assert plan.comparison.saving > 0


@pytest.mark.parametrize("number", range(1, len(EXAMPLES)))
def test_examples_load(number: int, folder: Path) -> None:
    """Proves: each block of the page, merged into the first one, is a park without findings."""
    text = EXAMPLES[number].text
    if text.startswith("scenarios:"):
        path = folder / "park.yaml"
        path.write_text(f"{PARK}\n{text}", encoding="utf-8")
        names = yamlio.scenario_names(yamlio.load(path))
        assert len(names) == 2
        for name in names:
            assert study.load(path, scenario=name).arrays
    else:
        assert study.resolve(changed(text, folder)).arrays


def test_an_example_with_a_misspelt_key_would_fail(folder: Path) -> None:
    text = EXAMPLES[1].text
    assert "connection_kw" in text
    with pytest.raises(InputError, match="conection_kw"):
        study.resolve(changed(text.replace("connection_kw", "conection_kw"), folder))


@pytest.mark.parametrize("name", ["quickstart.md", "model.md", "results.md"])
def test_python_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in manual.blocks(name, "python"):
        exec(compile(block.text, name, "exec"), {})


def commands(name: str) -> list[list[str]]:
    lines = [line for block in manual.blocks(name, "sh") for line in block.text.splitlines()]
    found = [shlex.split(line) for line in lines]
    return [words[1:] for words in found if words[0] == "microgrid-opt"]


def test_quickstart_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: every command of the page works, in its order."""
    monkeypatch.chdir(tmp_path)
    listed = commands("quickstart.md")
    assert len(listed) == 9
    for words in listed:
        # The starter park has a month; a day is enough to see that the command works.
        short = ["--set", "horizon.end=2025-03-02", "--quiet"]
        mine = words[0] == "solve" and words[1] == "my_park.yaml"
        done = CliRunner().invoke(app, words + (short if mine else []))
        assert done.exit_code == 0, f"{words}: {done.output}"
    assert (tmp_path / "results" / "minimal" / "report.html").is_file()


def test_other_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenarios = next(block.text for block in EXAMPLES if block.text.startswith("scenarios:"))
    Path("park.yaml").write_text(f"{PARK}\n{scenarios}", encoding="utf-8")
    listed = [*commands("park-file.md"), *commands("solving.md"), *commands("sweep.md")]
    assert len(listed) >= 5
    for words in listed:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{words}: {done.output}"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    path = manual.DOCS / name
    for target in manual.links(path.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.is_file(), f"{path.name}: {target}"
        if anchor:
            text = there.read_text(encoding="utf-8")
            known = [docs_pages.slug(heading) for heading in manual.headings(text)]
            assert anchor in known, f"{path.name}: {target}"


def test_navigation_names_every_page() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = re.findall(r"[\w/-]+\.md", str(site["nav"]))
    there = {path.relative_to(manual.DOCS).as_posix() for path in manual.pages()}
    own = {name for name in there if not name.startswith("reference/assets/")}
    assert set(named) == own | {"reference/assets/index.md"}
    assert len(named) == len(set(named))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return study.solve(study.load("minimal"), profile="test")


def test_results_page_lists_every_table_and_column(plan: Plan) -> None:
    """Proves: tables and columns of the page are those of a plan, in their order."""
    tables: dict[str, Any] = plan.results.tables()
    for name, table in tables.items():
        if table.index.name in {"stamp", "month"} or name == "factors":
            assert manual.section("results.md", name)
        else:
            assert manual.first_cells(manual.section("results.md", name)) == list(table.columns)
    assert manual.first_cells(manual.section("results.md", "horizon")) == ["step_hours", "weight"]


def test_results_page_lists_categories_and_roles(plan: Plan) -> None:
    from microgrid_opt.draft import Role

    text = manual.section("results.md", "ledger") + manual.section("results.md", "energy")
    assert set(get_args(Role)) <= set(re.findall(r"`(\w+)`", text))
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "microgrid_opt").rglob("*.py")
    )
    booked = set(re.findall(r'b\.book\(\s*"(\w+)"', sources)) | {"investment", "fixed_om"}
    booked |= {"earlier_investment"}
    booked |= {"start", "stop"}
    assert booked <= set(re.findall(r"`(\w+)`", text))
    for name in plan.results.indicators():
        assert f"`{name}`" in manual.page("results.md") or name in {
            *("consumption", "generation", "import", "export"),
        }


def test_results_page_lists_the_files_of_a_folder(plan: Plan, tmp_path: Path) -> None:
    from microgrid_opt import store

    store.save(plan, tmp_path / "plan")
    there = {
        f"{path.name}/" if path.is_dir() else path.name for path in (tmp_path / "plan").iterdir()
    }
    told = manual.first_cells(manual.section("results.md", "Files of a folder"))
    assert set(told) == there | {"report.html"}


def test_solving_page_lists_profiles_statuses_and_exit_codes() -> None:
    told = manual.first_cells(manual.section("solving.md", "Profiles"))
    assert sorted(told) == sorted([*profile_names(), "auto"])
    for name in profile_names():
        assert load_profile(name).purpose
    statuses = manual.first_cells(manual.section("solving.md", "Statuses"))
    assert statuses == [status.value for status in Status]
    codes = re.findall(r"^\| (\d) \|", manual.section("solving.md", "Exit codes"), re.MULTILINE)
    known = {MicrogridError.exit_code, *(e.exit_code for e in MicrogridError.__subclasses__())}
    assert [int(code) for code in codes] == sorted({0, *known})


def test_conventions_are_seventeen_and_name_keys_that_exist() -> None:
    text = manual.page("conventions.md")
    numbers = [heading.partition(".")[0] for heading in manual.headings(text)[1:]]
    assert numbers == [str(number) for number in range(1, 18)]
    reference = "".join(
        path.read_text(encoding="utf-8") for path in (manual.DOCS / "reference").rglob("*.md")
    )
    for words in re.findall(r"`([^`]+)`", text):
        for word in re.findall(r"[a-z_0-9]+", words):
            assert re.search(rf"\b{word}", reference), f"`{words}`: {word} is nowhere"
