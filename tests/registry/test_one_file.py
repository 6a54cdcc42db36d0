"""One technology is one file: adding a file adds it, removing a file removes it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import yaml

from tests.registry.catalogue import PACKAGE, ROOT, technologies

if TYPE_CHECKING:
    from pathlib import Path

GEOTHERMAL = '''
"""Geothermal well: heat at a given rate."""

from typing import Literal

from microgrid_opt.assets.base import Asset
from microgrid_opt.fields import PricePerKWh, SizedKW


class Geothermal(Asset):
    r"""Heat from a well. $$ q_t \\le P $$"""

    type: Literal["geothermal"]
    power_kw: SizedKW
    """Heat at full rate."""
    variable_om_per_kwh: PricePerKWh = 0.0
    """Cost of pumping."""

    def build(self, b):
        heat = b.series("heat", unit="kW", upper=b.size("power", self.power_kw))
        b.supply("heat", heat, role="generation")
        b.book("variable_om", b.total(heat, self.variable_om_per_kwh))

    def audit(self, a):
        heat = a.series("heat")
        a.at_most("within size", heat, a.size("power"), unit="kW")
        a.equal("heat supplied", a.supplied("heat"), heat, unit="kW")
        a.booked("variable_om", float(heat @ a.horizon.hours) * self.variable_om_per_kwh)
'''
PARK = """
schema: 1
name: Spa
currency: EUR
site: {timezone: Europe/Berlin}
horizon: {start: 2025-01-06, hours: 10}
finance: {discount_rate: 0, project_years: 10, annuity: straight_line, investment_scaling: full}
assets:
  bath: {type: heat_demand, power_kw: 40}
  well:
    type: geothermal
    power_kw: {max_kw: 100, capex_per_kw: 100, lifetime_years: 10}
    variable_om_per_kwh: 0.02
"""
SOLVE = """
import json, sys
from microgrid_opt.park import park_model
park_model()
{extra}
from microgrid_opt.docs_pages import pages
from microgrid_opt.cli.schema import json_schema
from microgrid_opt.study import load, solve
plan = solve(load({park!r}), profile="test")
plan.audit.require()
print(json.dumps({{
    "cost": plan.results.cost,
    "definitions": sorted(json_schema()["$defs"]),
    "pages": sorted(pages()),
}}))
"""


def run_in(folder: Path, code: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_file_outside_the_package_adds_a_technology(tmp_path: Path) -> None:
    """Proves: schema, model, ledger, results and audit work for a technology nobody knew.

    By hand: 40 kW × 100/10 a year + 40 kW × 10 h × 0.02 = 400 + 8. Sensitivity: size, price, hours.
    """
    (tmp_path / "geothermal.py").write_text(GEOTHERMAL, encoding="utf-8")
    (tmp_path / "park.yaml").write_text(PARK, encoding="utf-8")
    code = SOLVE.format(extra="import geothermal", park="park.yaml")
    found = run_in(
        tmp_path,
        code.replace("import json, sys", f"import json, sys\nsys.path.append({str(ROOT)!r})"),
    )
    assert abs(float(str(found["cost"])) - 408.0) < 1e-6
    assert "Geothermal" in str(found["definitions"])
    assert "geothermal" not in str(found["pages"])


def test_deleting_files_and_import_lines_removes_technologies(tmp_path: Path) -> None:
    """Proves: without the files of all technologies that `minimal` does not use, it still solves."""
    minimal = yaml.safe_load((ROOT / "cases/minimal/park.yaml").read_text(encoding="utf-8"))
    used = {asset["type"] for asset in minimal["assets"].values()}
    gone = set(technologies()) - used
    assert len(gone) > 5
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("microgrid_opt", "cases", "solvers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    for name in gone:
        (tmp_path / PACKAGE.name / "assets" / f"{name}.py").unlink()
    init = tmp_path / PACKAGE.name / "assets" / "__init__.py"
    lines = init.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not set(re.findall(r"\w+", line)) & gone]
    init.write_text("\n".join(kept) + "\n", encoding="utf-8")
    found = run_in(tmp_path, SOLVE.format(extra="", park="minimal"))
    assert abs(float(str(found["cost"])) - 1288.20) < 1e-6
    pages = [f"assets/{name}.md" for name in sorted(used)]
    assert found["pages"] == sorted(["fields.md", "assets/index.md", *pages])
