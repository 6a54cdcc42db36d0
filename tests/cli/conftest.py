"""The command line in this process and in one of its own, and a small park."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from microgrid_opt.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
TINY = """\
schema: 1
name: "Tiny [red]park[/red] 零碳园区 :smile:"
currency: CNY
horizon: {start: 2025-03-03, hours: 4}
finance: {discount_rate: 0, project_years: 10}
assets:
  load: {type: load, power_kw: 100}
  grid: {type: grid, import_price_per_kwh: 1.0, co2_kg_per_kwh: 0.5}
  pv:
    type: pv
    label: 屋顶光伏 [bold]一期
    power_kw: {max_kw: 60, capex_per_kw: 876, lifetime_years: 10}
    output_per_kw: 0.5
scenarios:
  half: {assets: {pv: {power_kw: {max_kw: 30}}}}
  dark: {assets: {grid: {import_limit_kw: 20}}}
"""
"""Each kW of PV costs 87.6 CNY/year, 0.04 CNY over 4 h, and saves 2 CNY: all 60 kW are built."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs a command in an empty folder with ``tiny.yaml``."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "MICROGRID_OPT_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(app, list(arguments))

    return invoke


class Program:
    """The program in a process of its own, in a folder with ``tiny.yaml``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")

    def options(self, **changes: str) -> dict[str, Any]:
        """Return where and in which environment to run: nothing there steers the output."""
        dropped = {"COLUMNS", "FORCE_COLOR", "NO_COLOR", "MICROGRID_OPT_DEBUG", "PYTHONPATH"}
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {"cwd": self.folder, "env": kept | {"PYTHONPATH": str(ROOT)} | changes}

    def command(self, *arguments: str) -> list[str]:
        """Return the command line; code after ``-c`` instead of a command runs as it is."""
        head = [] if arguments[0] == "-c" else ["-m", "microgrid_opt"]
        return [sys.executable, *head, *arguments]

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run to the end, with `changes` to the environment."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=120,
            **self.options(**changes),
        )


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return the program as a process, in an empty folder with ``tiny.yaml``."""
    return Program(tmp_path)
