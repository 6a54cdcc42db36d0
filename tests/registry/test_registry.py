"""What every technology must bring: units, words, formula, reference, test, case, page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml

from microgrid_opt import yamlio
from microgrid_opt.completion import fill
from microgrid_opt.fielddocs import field_docs
from microgrid_opt.fields import Frozen, Size, unit_of
from microgrid_opt.series.shapes import Series
from microgrid_opt.shipped import shipped
from microgrid_opt.study import case_names
from tests.registry.catalogue import (
    PACKAGE,
    ROOT,
    homes,
    imports,
    modules,
    technologies,
    texts,
    tree_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.assets.base import Asset

TYPES = technologies()
NAMES = sorted(TYPES)

OTHER_MEANING = {
    ("bridges/pypsa_understood.py", "generator"): "an attribute of PyPSA's buses",
    **{
        (path, "demand"): "a role in a balance, or a result series"
        for path in (
            "draft.py",
            "formulations/demand.py",
            "formulations/filling.py",
            "parkaudit.py",
            "policies/targets.py",
            "report/colours.py",
            "report/payload.py",
            "trading/green.py",
            "trading/oneway.py",
        )
    },
    **{
        (path, "dump"): "a role in a balance"
        for path in (
            "draft.py",
            "parkaudit.py",
            "policies/intensity.py",
            "report/colours.py",
            "report/payload.py",
            "trading/green.py",
        )
    },
    ("policies/tariffs/components.py", "demand"): "a kind of charge",
    ("bill/of_plan.py", "demand"): "a kind of charge",
    ("trading/gains.py", "demand"): "a kind of charge",
    ("report/bills.py", "line"): "a key of plotly",
    ("report/cashflow.py", "line"): "a key of plotly",
    ("report/figures.py", "line"): "a key of plotly",
    ("report/sankey.py", "line"): "a key of plotly",
    ("report/sweeps.py", "line"): "a key of plotly",
    ("report/tradecharts.py", "line"): "a key of plotly",
    ("report/tables.py", "pv"): "how to spell a word",
}
"""Words that are also the type of a technology, where they mean something else."""


def models_below(model: type[Frozen]) -> Iterator[type[Frozen]]:
    """Yield a model and the models that its fields hold, sizes and series left out."""
    yield model
    for info in model.model_fields.values():
        for part in parts(info.annotation):
            if issubclass(part, Frozen) and not issubclass(part, Size | Series):
                yield from models_below(part)


def parts(annotation: Any) -> Iterator[type[Any]]:
    """Yield the plain types in an annotation."""
    inner = get_args(annotation)
    if not inner and isinstance(annotation, type):
        yield annotation
    for part in inner:
        yield from parts(part)


def is_numeric(annotation: Any) -> bool:
    return any(issubclass(part, float | Size | Series) for part in parts(annotation))


def numbers_without_unit(model: type[Frozen]) -> set[str]:
    return {
        f"{part.__name__}.{name}"
        for part in models_below(model)
        for name, info in part.model_fields.items()
        if is_numeric(info.annotation) and unit_of(part, name) is None
    }


def test_the_type_is_the_name_of_the_file() -> None:
    files = {path.stem for path in (PACKAGE / "assets").glob("*.py")} - {"__init__", "base"}
    assert files == set(NAMES)
    assert len(NAMES) >= 15
    for name, cls in TYPES.items():
        assert cls.__module__ == f"microgrid_opt.assets.{name}"


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_unit(name: str) -> None:
    """Proves: no number, size or series of a technology is without unit.

    Sensitivity: a field of type float instead of one of `microgrid_opt.fields`.
    """
    assert numbers_without_unit(TYPES[name]) == set()


def test_a_number_without_unit_is_found() -> None:
    class Odd(Frozen):
        length: float | None = None
        switched: bool = False
        count: int = 0

    assert numbers_without_unit(Odd) == {"Odd.length"}


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    for model in models_below(TYPES[name]):
        docs = field_docs(model)
        assert model.model_fields.keys() - {"type"} <= docs.keys(), model.__name__
        for field, text in docs.items():
            assert text.endswith("."), f"{model.__name__}.{field}"


@pytest.mark.parametrize("name", NAMES)
def test_docstring_has_formula_symbols_and_references(name: str) -> None:
    doc = TYPES[name].__doc__ or ""
    formulas = re.findall(r"\$\$(.+?)\$\$", doc, flags=re.DOTALL)
    assert formulas
    assert all(re.search(r"=|\\le|\\ge", formula) for formula in formulas)
    assert "| symbol | name | unit |" in doc
    references = doc.partition("References:")[2]
    assert re.search(r"\b(19|20)\d\d\b", references), "a reference with its year"


def named_in_tables(doc: str) -> set[str]:
    rows = [line for line in doc.splitlines() if line.lstrip().startswith("| $")]
    return {word for row in rows for word in re.findall(r"``(\w+)``", row)}


@pytest.mark.parametrize("name", NAMES)
def test_symbol_tables_name_what_exists(name: str) -> None:
    """Proves: each name in a symbol table is a key or a result series of the technology.

    Sensitivity: a renamed field whose table was left as it was.
    """
    cls = TYPES[name]
    known = {field for model in models_below(cls) for field in model.model_fields}
    for model in (cls, *models_below(cls)):
        for file in homes(model):
            known |= texts(tree_of(file))
    assert named_in_tables(cls.__doc__ or "") - known == set()


def test_names_are_read_from_symbol_tables() -> None:
    doc = r"""
    | $E, P$ | ``energy_kwh``, ``power_kw`` | kWh, kW |
    ``not_in_a_table``
    """
    assert named_in_tables(doc) == {"energy_kwh", "power_kw"}


@pytest.mark.parametrize("name", NAMES)
def test_mathematics_are_tested_by_hand(name: str) -> None:
    file = ROOT / "tests" / "math" / f"test_{name}.py"
    assert file.is_file()
    assert "Proves:" in file.read_text(encoding="utf-8")


def used_in_cases() -> set[str]:
    found: set[str] = set()
    for case in case_names():
        document = fill(yamlio.load(shipped("cases") / case / "park.yaml")).document
        found |= {asset["type"] for asset in document.data["assets"].values()}
    return found


def test_every_technology_is_in_a_shipped_case() -> None:
    assert set(NAMES) == used_in_cases()


def test_list_of_other_meanings_holds_nothing_old() -> None:
    named = {(path, word) for path, tree in modules() for word in texts(tree) & set(NAMES)}
    assert named.issuperset(OTHER_MEANING)


def technology_of(path: str) -> str | None:
    folder, _, file = path.rpartition("/")
    return file.removesuffix(".py") if folder == "assets" else None


def test_no_other_module_names_a_technology() -> None:
    """Proves: shared code knows no technology by name, so one file is all that a new one needs."""
    named = [
        (path, word)
        for path, tree in modules()
        if technology_of(path) not in {*NAMES, "__init__"} and path != "__init__.py"
        for word in sorted(texts(tree) & set(NAMES))
    ]
    assert set(named) - set(OTHER_MEANING) == set()


def test_no_other_module_imports_a_technology() -> None:
    """Proves: only the package of technologies imports them, and none imports another."""
    for path, tree in modules():
        if path == "assets/__init__.py":
            continue
        for name in imports(tree):
            home, _, rest = name.partition("microgrid_opt.assets.")
            assert home or rest.partition(".")[0] not in NAMES, f"{path} imports {name}"


def test_only_builder_and_solve_import_pyomo_and_highspy() -> None:
    found = {
        path
        for path, tree in modules()
        if {name.partition(".")[0] for name in imports(tree)} & {"pyomo", "highspy"}
    }
    assert not {path for path in found if not path.startswith("solve/")}
    assert {"solve/modelling.py", "solve/session.py"} <= found
    layer = "microgrid_opt.solve.modelling"
    users = {
        path for path, tree in modules() if any(one.startswith(layer) for one in imports(tree))
    }
    assert {path for path in users if not path.startswith("solve/")} == {"builder.py"}


@pytest.mark.parametrize("case", case_names())
def test_case_says_what_it_promises_and_why(case: str) -> None:
    folder = shipped("cases") / case
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# ")
    assert "licen" in readme.lower(), "where the data come from and under which licence"
    expected = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    assert expected["origin"].strip()
    assert 0 < expected["relative_tolerance"] <= 1e-2
    assert expected["plan"]


def abstract_members(cls: type[Asset]) -> set[str]:
    return set(getattr(cls, "__abstractmethods__", ()))


@pytest.mark.parametrize("name", NAMES)
def test_technology_states_its_physics_twice(name: str) -> None:
    """Proves: model and audit are both written, and neither is left to the base class."""
    cls = TYPES[name]
    for method in ("build", "audit"):
        assert getattr(cls, method).__qualname__ != f"Asset.{method}"
    assert not abstract_members(cls)
