"""The command `sweep`: files, table, page, exit codes, plain errors, stopping."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from microgrid_opt.solve.live import Live
from microgrid_opt.store import open_plan
from tests.sweep.test_sweep import HAND, YEARS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Program

    Run = Callable[..., Any]


@pytest.fixture
def hand(tmp_path: Path) -> str:
    """Return the name of a park whose front is known."""
    (tmp_path / "hand.yaml").write_text(HAND, encoding="utf-8")
    return "hand.yaml"


def cap(kg: float) -> str:
    """Return a cap over the two hours [kg] in t/year."""
    return repr(kg / 1000 / YEARS)


def words_of(page: Path) -> str:
    text = page.read_text(encoding="utf-8").partition('<script type="application/json"')[0]
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_a_front_in_files_and_on_the_screen(run: Run, hand: str, tmp_path: Path) -> None:
    """Proves: table, CSV, JSON and page tell the same; with `--plans` every plan is one that `compare`
    opens, of the capped park.

    Sensitivity: rounding in the files; a cap that the saved plan does not have.
    """
    result = run("sweep", hand, "--co2", "4", "--plans", "--out", "o")
    assert result.exit_code == 0, result.output
    assert "[CNY/t]" in result.output
    assert "8,000" in result.output
    folder = tmp_path / "o"
    assert {path.name for path in folder.iterdir()} == {
        "sweep.csv",
        "sweep.json",
        "sweep.html",
        "points",
    }
    frame = pd.read_csv(folder / "sweep.csv")
    assert frame["cost"].tolist() == pytest.approx([70, 90, 110, 150], rel=1e-5)
    assert frame["co2_t"].tolist() == pytest.approx([0.015, 0.01, 0.005, 0], abs=1e-7)
    told = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    assert [point["cost"] for point in told["points"]] == pytest.approx(frame["cost"].tolist())
    assert told["parameters"] == [{"kind": "co2", "key": "carbon.cap_t_per_year", "points": 4}]
    stored = open_plan(folder / "points" / "002")
    caps = stored.results.caps.set_index("name")  # type: ignore[union-attr]
    assert caps.loc["co2_cap", "limit"] == pytest.approx(10.0)
    (key,) = told["points"][1]["set"]
    again = run("solve", hand, "--set", key, "--out", "again", "--no-reference", "--quiet")
    assert again.exit_code == 0
    assert open_plan(tmp_path / "again").results.cost == pytest.approx(90)  # type: ignore[union-attr]
    words = words_of(folder / "sweep.html")
    assert "4 points: CO2 cap [t/year]" in words
    assert "Optimal" in words
    assert "Last tonne" in words


def test_two_parameters_and_sizes(run: Run, tmp_path: Path) -> None:
    """Proves: words as values, sizes that change on the screen, in the CSV and in the page's charts."""
    result = run(
        "sweep",
        "tiny.yaml",
        "--vary",
        "assets.pv.power_kw.max_kw=10 kW,20 kW",
        "--scale",
        "assets.grid.import_price_per_kwh=0.5,1",
        "--out",
        "o",
    )
    assert result.exit_code == 0, result.output
    assert "10 kW" in result.output
    frame = pd.read_csv(tmp_path / "o" / "sweep.csv")
    assert frame["pv.power [kW]"].tolist() == pytest.approx([10, 10, 20, 20])
    # 4 h of 100 kW at 0.5 or 1, less PV, plus 0.04 a kW.
    assert frame["cost"].tolist() == pytest.approx(
        [price * (400 - 2 * kw) + 0.04 * kw for kw in (10, 20) for price in (0.5, 1.0)]
    )
    assert "assets.pv.power_kw.max_kw 10 kW" in (tmp_path / "o" / "sweep.html").read_text("utf-8")


def test_points_out_of_reach(run: Run, hand: str, tmp_path: Path) -> None:
    """Proves: some infeasible points are told and the others saved; all of them end with exit code 3."""
    result = run("sweep", hand, "--co2", f"{cap(10)},{cap(-2)}", "--out", "o")
    assert result.exit_code == 0, result.output
    assert "off by 2 kg" in result.output
    assert "Points without a plan" in words_of(tmp_path / "o" / "sweep.html")
    result = run("sweep", hand, "--co2", f"{cap(-1)},{cap(-2)}", "--out", "p")
    assert result.exit_code == 3
    assert "Point 2" in result.output
    assert not (tmp_path / "p" / "sweep.html").exists()


def test_nothing_of_an_earlier_sweep_stays(run: Run, hand: str, tmp_path: Path) -> None:
    """Proves: in a folder that was used before, page and plans are of the last sweep; other files stay.

    Sensitivity: a page beside a table of other points; a folder of the user's that is removed.
    """
    folder = tmp_path / "o"
    assert run("sweep", hand, "--co2", "4", "--plans", "--out", "o", "-q").exit_code == 0
    (folder / "points" / "100 notes").mkdir()
    assert run("sweep", hand, "--co2", "2", "--plans", "--no-report", "--out", "o").exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"sweep.csv", "sweep.json", "points"}
    assert {path.name for path in (folder / "points").iterdir()} == {"001", "002", "100 notes"}
    assert run("sweep", hand, "--co2", "2", "--out", "o", "-q").exit_code == 0
    assert {path.name for path in (folder / "points").iterdir()} == {"100 notes"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Nothing to sweep"),
        (("--co2", "1"), "one point is no sweep"),
        (("--co2", "3,1,2"), "put them in order"),
        (("--vary", "assets.windmill.power_kw=1,2"), "windmill"),
        (("--scale", "assets.grid.price=1,2"), "did you mean"),
        (("--co2", "3", "--strategy", "magic"), "no strategy 'magic'"),
        (("--co2", "3", "--profile", "magic"), "magic"),
        (("--co2", "3", "--out", "hand.yaml"), "is a file"),
        (("--co2", "3", "--set", "assets.grid.co2_kg_per_kwh=0"), "no CO2|There is no front"),
    ],
)
def test_bad_input_is_told_and_nothing_written(
    run: Run, hand: str, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    result = run("sweep", hand, *options)
    assert result.exit_code == 2, result.output
    assert re.search(words, result.output)
    assert not (tmp_path / "results").exists()


def test_ctrl_c_keeps_the_points_so_far(
    run: Run, hand: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: what was solved is in the files, what was not is marked, and the exit code is that of a
    plan; before any point it is 4.
    """
    real, calls = Live.solve, [0]

    def solve(self: Live, **how: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        return real(self, **how)

    monkeypatch.setattr(Live, "solve", solve)
    options = ("sweep", hand, "--co2", f"{cap(15)},{cap(10)},{cap(5)}", "--out", "o")
    result = run(*options)
    assert result.exit_code == 0, result.output
    assert "Stopped (interrupted): 1 of 3 points have a plan" in result.output
    frame = pd.read_csv(tmp_path / "o" / "sweep.csv")
    assert frame["status"].tolist() == ["optimal", "not reached", "not reached"]
    calls[0] = 1
    result = run(*options[:-1], "p")
    assert result.exit_code == 4
    assert "No point has a plan" in result.output


def test_help_does_not_load_the_solver(program: Program) -> None:
    """Proves: help of `sweep` imports neither solver nor tables. Sensitivity: an import at the top."""
    code = (
        "import sys; sys.argv = ['microgrid-opt', 'sweep', '--help']\n"
        "from microgrid_opt.cli import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('pandas', 'pyomo', 'highspy', 'numpy') if m in sys.modules])"
    )
    assert program.run("-c", code).stdout.strip().endswith("[]")
