"""The program in a process of its own: start-up, Ctrl-C, logs, terminals, encodings."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import signal
import struct
import subprocess
import termios
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("highspy", "numpy", "pandas", "plotly", "pvlib", "pyarrow", "pyomo", "yaml")
NEEDLESS = (
    *("jinja2", "matplotlib", "plotly", "pvlib", "pyomo.environ", "requests"),
    *("scipy.optimize", "scipy.sparse", "scipy.special", "scipy.stats"),
    *("microgrid_opt.report.html", "xlsxwriter"),
)
EXACT = ("--solver-option", "mip_rel_gap=0", "--solver-option", "mip_abs_gap=0")


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["--version"]], ids=str)
def test_help_imports_nothing_heavy(program: Any, arguments: list[str]) -> None:
    """Proves: help comes at once. Sensitivity: pandas alone takes longer than the rest together."""
    code = (
        "import sys\n"
        "from microgrid_opt.cli import app\n"
        f"app({arguments!r}, standalone_mode=False)\n"
        f"print('HEAVY', sorted(set(sys.modules) & set({HEAVY!r})))\n"
    )
    result = program.run("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "HEAVY []"


def test_a_park_imports_what_it_needs(program: Any) -> None:
    """Proves: a park whose yields are given needs no weather, a plan without report no page, and no
    park the technologies of others.

    Sensitivity: pvlib and what it brings take longer than this park; the technologies are 40.
    """
    code = (
        "import sys\n"
        "from microgrid_opt.cli import app\n"
        "app(['solve', 'tiny.yaml', '--no-report', '--quiet'], standalone_mode=False)\n"
        "loaded = {m for m, one in sys.modules.items() if type(one).__name__ != '_LazyModule'}\n"
        f"print(sorted(loaded & set({NEEDLESS!r})))\n"
        "print(*sorted(m.rpartition('.')[2] for m in sys.modules if '_opt.assets.' in m))\n"
    )
    result = program.run("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["[]", "base grid load pv"]


@pytest.mark.parametrize(("given", "kept"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")])
def test_idle_threads_are_not_started_unless_asked_for(
    program: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], kept: str
) -> None:
    """Proves: the command line sets the number before NumPy is there, and leaves the user's."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    code = (
        "import atexit, os, sys\n"
        "from microgrid_opt import cli\n"
        "assert 'numpy' not in sys.modules\n"
        "atexit.register(lambda: print(os.environ['OPENBLAS_NUM_THREADS']))\n"
        "sys.argv = ['microgrid-opt', '--version']\n"
        "cli.main()\n"
    )
    result = program.run("-c", code, **given)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == kept


def test_a_log_has_no_control_codes_and_eighty_columns(program: Any) -> None:
    for changes in ({}, {"NO_COLOR": "1"}, {"TERM": "xterm-256color"}):
        result = program.run("solve", "tiny.yaml", "--no-report", PYTHONUTF8="1", **changes)
        assert result.returncode == 0, result.stderr
        assert "\x1b" not in result.stdout + result.stderr
        assert "\r" not in result.stdout + result.stderr
        assert max(len(line) for line in result.stdout.splitlines()) <= 80
        assert "屋顶光伏 [bold]一期" in result.stdout


def test_an_old_encoding_gets_question_marks_and_no_traceback(program: Any) -> None:
    result = program.run("solve", "tiny.yaml", "--no-report", PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert "Tiny [red]park[/red] ???? :smile:" in result.stdout
    assert "Saved in results/tiny" in result.stdout


def test_exit_codes_reach_the_shell(program: Any) -> None:
    codes = {
        ("validate", "tiny.yaml"): 0,
        ("validate", "nowhere.yaml"): 2,
        ("solve",): 2,
        ("solve", "tiny.yaml", "--scenario", "dark"): 3,
    }
    for arguments, code in codes.items():
        result = program.run(*arguments)
        assert result.returncode == code, (arguments, result.stderr)
        assert "Traceback" not in result.stderr
    assert sorted(path.name for path in program.folder.iterdir()) == ["tiny.yaml"]


def test_a_park_without_assets_is_told_like_any_other(program: Any) -> None:
    """Proves: where no technology is read, so that none is imported, all findings are told.

    Sensitivity: a choice among no technologies is a bug's message.
    """
    (program.folder / "bare.yaml").write_text("currency: euro\nassets: {}\n", encoding="utf-8")
    result = program.run("validate", "bare.yaml")
    assert result.returncode == 2, result.stderr
    assert "bare.yaml:1:1: schema: this key is required" in result.stderr
    assert "bare.yaml:2:1: assets: must have at least 1 item" in result.stderr


def test_a_closed_pipe_is_no_bug(program: Any) -> None:
    shell = " ".join(f"'{word}'" for word in program.command("schema"))
    result = subprocess.run(
        ["sh", "-c", f"{shell} | head -n 1"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        **program.options(),
    )
    assert result.stdout == "{\n"
    assert "bug" not in result.stderr
    assert "Traceback" not in result.stderr


def terminal(program: Any, *arguments: str, columns: int = 80, **changes: str) -> tuple[int, str]:
    """Run the program on a terminal of its own; return exit code and all that it wrote."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    changes = {"TERM": "xterm", "PYTHONUTF8": "1", **changes}
    process = subprocess.Popen(
        program.command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        **program.options(**changes),
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(mine, 65536):
            written += part
    except OSError:
        pass  # Linux tells the end of a pseudo-terminal by an error.
    finally:
        os.close(mine)
    return process.wait(timeout=60), written.decode()


def test_a_terminal_shows_progress_and_wipes_it(program: Any) -> None:
    code, written = terminal(program, "solve", "tiny.yaml", "--no-report")
    assert code == 0, written
    progress, _, summary = written.rpartition("\x1b[2K")
    assert "reading the park" in progress
    assert "reading the park" not in summary
    assert "\x1b[1mTiny [red]park[/red]" in summary


def test_no_color_and_a_narrow_terminal(program: Any) -> None:
    arguments = ("solve", "tiny.yaml", "--no-report")
    code, written = terminal(program, *arguments, columns=40, NO_COLOR="1")
    assert code == 0, written
    summary = written.rpartition("\x1b[2K")[2]
    assert "\x1b[3" not in summary, "a colour"
    assert "52,560" in summary
    assert "…" not in summary


def hard_park(path: Path) -> None:
    """Write a park whose plans are found at once and whose optimum takes minutes to prove."""
    draw = random.Random(1)
    assets: dict[str, Any] = {
        "load": {
            "type": "load",
            "power_kw": {"hourly": [1000 + draw.randint(-400, 400) for _ in range(24)]},
        },
        "grid": {"type": "grid", "import_price_per_kwh": 1, "export_price_per_kwh": 0},
    }
    for number in range(60):
        assets[f"pv{number}"] = {
            "type": "pv",
            "curtailable": False,
            "power_kw": {
                "max_kw": 2000,
                "unit_kw": draw.randint(90, 200) + 0.5,
                "capex_per_kw": draw.randint(3500, 3700),
                "fixed_capex": draw.randint(10000, 40000),
                "lifetime_years": 10,
            },
            "output_per_kw": {"hourly": [round(draw.random(), 3) for _ in range(24)]},
        }
    park = {
        "schema": 1,
        "name": "Hard",
        "currency": "CNY",
        "horizon": {"start": "2025-01-01", "hours": 24},
        "finance": {"discount_rate": 0, "project_years": 10},
        "assets": assets,
    }
    path.write_text(json.dumps(park), encoding="utf-8")


def stopped(program: Any, *, after: str, times: int = 1) -> tuple[int, str, str]:
    """Solve the hard park, press Ctrl-C when a line with `after` comes; return code and output."""
    hard_park(program.folder / "hard.yaml")
    code = (
        "import sys\n"
        "from microgrid_opt import cli\nfrom microgrid_opt.cli import console\n"
        "console.LINE_SECONDS = 0.0\n"
        f"sys.argv = ['microgrid-opt', 'solve', 'hard.yaml', '--no-report', *{EXACT!r}]\n"
        "cli.main()\n"
    )
    process = subprocess.Popen(
        program.command("-c", code),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **program.options(),
    )
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if after in line:
            break
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    return process.returncode, out, "".join(seen) + rest


def test_ctrl_c_gives_the_best_plan_held_with_its_gap(program: Any) -> None:
    """Proves: one Ctrl-C ends the search; the plan is labelled, saved, and audited.

    Sensitivity: the optimum is not proven within minutes, so the gap is above zero.
    """
    code, out, err = stopped(program, after="best ")
    assert code == 0, err
    assert "Stopping; Ctrl-C again ends the program at once." in err
    assert "Traceback" not in err
    head = " ".join(out.splitlines()[1:4])
    assert head.startswith("Best plan held when the solver stopped (interrupted), at most ")
    summary = json.loads((program.folder / "results/hard/summary.json").read_bytes())
    assert summary["run"]["status"] == "interrupted"
    assert summary["run"]["gap"]["value"] > 0
    assert summary["audit"]["passed"] is True


def test_two_ctrl_c_end_the_program(program: Any) -> None:
    code, out, err = stopped(program, after="best ", times=2)
    assert code in {0, 4}, err
    assert "Traceback" not in err
    assert "terminate called" not in err
    assert (code == 0) == (program.folder / "results").exists() == bool(out)
