"""A technology from outside the package, as the manual shows it: by file, by entry point, by import."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.registry import manual
from tests.registry.catalogue import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "extend.md"
COST = 560.0
"""100 kW × 20/10 + 500 kWh × (0.02 + 0.1) + 300 kWh × 1."""


def shown(title: str) -> str:
    """Return the block of the page that stands for a file."""
    languages = ("python", "toml", "yaml")
    (block,) = [b for name in languages for b in manual.blocks(PAGE, name) if b.title == title]
    return block.text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the files of the page."""
    for name in ("gas_expander.py", "park.yaml"):
        (tmp_path / name).write_text(shown(name), encoding="utf-8")
    return tmp_path


def run(folder: Path, *command: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the package and `path` to be found."""
    places = [str(place) for place in (ROOT, path) if place is not None]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=folder,
        env=kept | {"PYTHONPATH": os.pathsep.join(places), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def installed(folder: Path, *, code: str | None = None) -> Path:
    """Return a folder for the path with the page's package as if it had been installed there."""
    import tomllib

    project = tomllib.loads(shown("pyproject.toml"))["project"]
    site = folder / "site"
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    points = project["entry-points"]["microgrid_opt.assets"]
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[microgrid_opt.assets]", *lines, ""]))
    head = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    (info / "METADATA").write_text("\n".join([*head, ""]))
    (folder / "gas_expander.py").unlink()
    text = shown("gas_expander.py") if code is None else code
    (site / "gas_expander.py").write_text(text, encoding="utf-8")
    return site


def assert_solved(folder: Path) -> dict[str, object]:
    """Assert cost, audit and report of the results; return the manifest's plugin."""
    summary = json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["audit"]["passed"] is True
    found = json.loads((folder / "out" / "manifest.json").read_text(encoding="utf-8"))
    (plugin,) = found["plugins"]
    report = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert re.search(r'Expander <span class="kind">gas expander, of gas_expander', report)
    assert "preheat_kwh_per_kwh" in report
    text = json.dumps(summary)
    assert '"expander"' in text
    return {**plugin, "cost": summary["cost"]["value"]}


def test_the_file_is_short() -> None:
    assert 30 < len(shown("gas_expander.py").splitlines()) < 60


def test_by_import_on_the_command_line(folder: Path) -> None:
    """Proves: `--import` alone makes the type known to validate, solve, report and schema.

    Sensitivity: size, price, profile and preheat of the park; without the option it is refused.
    """
    program = ("-m", "microgrid_opt")
    refused = run(folder, *program, "validate", "park.yaml")
    assert refused.returncode == 2
    assert "assets.expander.type = 'gas_expander': must be `" in refused.stderr
    for module in ("gas_expander.py", "gas_expander"):
        done = run(folder, *program, "--import", module, "validate", "park.yaml")
        assert done.returncode == 0, done.stderr
    done = run(folder, *program, "--import", "gas_expander", "solve", "park.yaml", "--out", "out")
    assert done.returncode == 0, done.stderr
    found = assert_solved(folder)
    assert found["cost"] == pytest.approx(COST, rel=1e-9)
    assert (found["type"], found["module"]) == ("gas_expander", "gas_expander")
    assert found["distribution"] == ""
    done = run(folder, *program, "--import", "gas_expander.py", "schema")
    schema = json.loads(done.stdout)
    power = schema["$defs"]["GasExpander"]["properties"]["preheat_kwh_per_kwh"]
    assert (power["unit"], power["default"]) == ("kWh/kWh", 1.1)
    assert power["description"] == "Heat that each kWh of electricity needs."


def test_as_an_installed_distribution(folder: Path) -> None:
    """Proves: the entry point of the page's pyproject is all that is needed, and is named.

    Sensitivity: the group's name in the page, and the import of plugins before a park is read.
    """
    site = installed(folder)
    program = ("-m", "microgrid_opt")
    done = run(folder, *program, "solve", "park.yaml", "--out", "out", path=site)
    assert done.returncode == 0, done.stderr
    found = assert_solved(folder)
    assert found["cost"] == pytest.approx(COST, rel=1e-9)
    assert found["distribution"] == "gas-expander 1.0"
    assert len(str(found["sha256"])) == 64
    report = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "gas_expander (gas-expander 1.0)" in report
    done = run(folder, *program, "schema", path=site)
    assert "GasExpander" in json.loads(done.stdout)["$defs"]
    assert run(folder, *program, "cases", "list", path=site).returncode == 0


def test_by_plain_import(folder: Path) -> None:
    """Proves: the page's Python works, and pages of the manual are made on demand only."""
    (block,) = [b for b in manual.blocks(PAGE, "python") if not b.title]
    code = (
        f"{block.text}\nplan.audit.require()\n"
        "from microgrid_opt.docs_pages import main, pages\n"
        "assert 'assets/gas_expander.md' not in pages()\n"
        "assert main(['pages', '--import', 'gas_expander']) == 0\n"
        "print(plan.results.cost)\n"
    )
    done = run(folder, "-c", code, path=folder)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) == pytest.approx(COST, rel=1e-9)
    page = (folder / "pages" / "assets" / "gas_expander.md").read_text(encoding="utf-8")
    assert "| `preheat_kwh_per_kwh` | kWh/kWh | `1.1` |" in page


def test_commands_of_the_page_run(folder: Path) -> None:
    lines = [line for block in manual.blocks(PAGE, "sh") for line in block.text.splitlines()]
    assert len(lines) == 3
    for line in lines:
        program, *words = line.split()
        assert program == "microgrid-opt"
        done = run(folder, "-m", "microgrid_opt", *words)
        assert done.returncode == 0, f"{line}: {done.stderr}"
