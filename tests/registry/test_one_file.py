"""One technology is one file: removing it removes the technology. Adding one: `test_extend.py`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import yaml

from tests.registry.catalogue import PACKAGE, ROOT, technologies

if TYPE_CHECKING:
    from pathlib import Path

SOLVE = """
import json
from microgrid_opt.park import park_model
park_model()
from microgrid_opt.docs_pages import pages
from microgrid_opt.study import load, solve
plan = solve(load("minimal"), profile="test")
plan.audit.require()
print(json.dumps({
    "cost": plan.results.cost,
    "pages": sorted(pages()),
}))
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


def test_deleting_files_removes_technologies(tmp_path: Path) -> None:
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
    found = run_in(tmp_path, SOLVE)
    assert abs(float(str(found["cost"])) - 1288.20) < 1e-6
    pages = [f"assets/{name}.md" for name in sorted(used)]
    assert found["pages"] == sorted(["fields.md", "assets/index.md", *pages])
