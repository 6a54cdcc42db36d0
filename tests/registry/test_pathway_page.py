"""The page of investment stages tells the truth: its park, commands and Python run as written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from microgrid_opt import load, solve
from microgrid_opt.cli import app
from tests.registry import manual

PAGE = "pathways.md"


@pytest.fixture
def park(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the page's park in a folder of its own, which is the working directory."""
    folder = tmp_path / "park"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (block,) = manual.blocks(PAGE, "yaml")
    Path(block.title).write_text(block.text, encoding="utf-8")
    return Path(block.title)


def test_commands_run(park: Path) -> None:
    """Proves: every command of the page works, in its order."""
    assert park.exists()
    (block,) = manual.blocks(PAGE, "sh")
    lines = block.text.splitlines()
    assert len(lines) == 6
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}: {done.output}"


def test_python_runs(park: Path) -> None:
    assert park.exists()
    (block,) = manual.blocks(PAGE, "python")
    exec(compile(block.text, PAGE, "exec"), {})


def test_foresight_is_worth_something_there(park: Path) -> None:
    """Proves: the example shows what it is for: stages differ, and looking ahead pays."""
    perfect, myopic = (solve(load(park, foresight=word)) for word in ("perfect", "myopic"))
    values = [plan.pathway.present_value for plan in (perfect, myopic)]
    assert values[0] < values[1] * (1 - 1e-3)
    built = perfect.pathway.sizes.groupby("year")["capex"].sum()
    assert (built > 0).sum() >= 2
