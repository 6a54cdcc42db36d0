"""Answers outlive the program: kept whole or not at all, resumed, never mixed up."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.study import Asked
from microgrid_opt.trading.coalition import Cache, CoalitionCost
from microgrid_opt.trading.coalitions import Coalitions
from microgrid_opt.trading.solver import CoalitionSolver
from tests.support import problem_of
from tests.trading.games import CHAIN, CHAIN_COSTS, of_names

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from microgrid_opt.trading.coalitions import CoalitionProgress

EXPECTED = of_names(CHAIN_COSTS)


def run(
    folder: Path, text: str = CHAIN, profile: str = "test"
) -> tuple[dict[frozenset[str], float], int]:
    """Return all costs, and how many were solved."""
    problem = problem_of(text)
    with Coalitions(problem, cache=folder, asked=Asked(profile)) as game:
        found = game.costs(game.every)
    assert set(found) == {frozenset(who) for who in EXPECTED}
    return {who: one.cost for who, one in found.items()}, sum(not o.cached for o in found.values())


def test_answers_are_read_again(tmp_path: Path) -> None:
    """Proves: a second run solves nothing and says the same; progress counts the cached ones."""
    first, solved = run(tmp_path)
    assert (first, solved) == (pytest.approx(EXPECTED), 7)
    assert len(list(tmp_path.iterdir())) == 7
    assert run(tmp_path) == (first, 0)
    seen: list[CoalitionProgress] = []
    with Coalitions(
        problem_of(CHAIN), cache=tmp_path, asked=Asked("test"), on_progress=seen.append
    ) as game:
        game.costs(["ab", "c"])
    assert [(one.done, one.total, one.cached) for one in seen] == [(2, 2, 2)]


def test_what_differs_is_solved_anew(tmp_path: Path) -> None:
    """Proves: a price of c's changes the answers of c's coalitions only; another solver profile and the
    other game have answers of their own.
    """
    first, _ = run(tmp_path)
    changed, solved = run(
        tmp_path, CHAIN.replace("import_price_per_kwh: 4", "import_price_per_kwh: 5")
    )
    assert solved == 4
    assert changed[frozenset("c")] == pytest.approx(100)
    assert changed[frozenset("ab")] == first[frozenset("ab")]
    assert run(tmp_path, profile="default")[1] == 7
    with Coalitions(problem_of(CHAIN), cache=tmp_path, asked=Asked("test"), kind="frozen") as game:
        found = game.costs(game.every)
    assert not any(one.cached for one in found.values())


@pytest.mark.parametrize("damage", ["cut", "empty", "digit", "other", "gone"])
def test_damaged_files_are_noticed(tmp_path: Path, damage: str) -> None:
    """Proves: a file that was cut off, changed in one digit or copied from another answer counts as
    none; it is solved again and repaired.

    Sensitivity: reading a cost without its checksum or its key.
    """
    run(tmp_path)
    first, second, *_ = sorted(tmp_path.iterdir())
    data = first.read_bytes()
    wrong = {
        "cut": data[: len(data) // 2],
        "empty": b"",
        "digit": data.replace(b'.0"', b'.5"', 1),
        "other": second.read_bytes(),
    }
    if damage == "gone":
        first.unlink()
    else:
        assert wrong[damage] != data
        first.write_bytes(wrong[damage])
    costs, solved = run(tmp_path)
    assert costs == pytest.approx(EXPECTED)
    assert solved == 1
    assert run(tmp_path)[1] == 0


def test_every_number_survives(tmp_path: Path) -> None:
    """Proves: infinite costs, missing gaps and the last bit of a number are read as they were written."""
    cache = Cache(tmp_path / "new" / "folder")
    for number, answer in enumerate(
        [
            CoalitionCost(
                frozenset("ab"), "resized", "optimal", 0.1 + 0.2, 1 / 3, 0.0, {"x.y": 1e-17}
            ),
            CoalitionCost(frozenset("b"), "frozen", "infeasible", math.inf, math.inf, message="Ü"),
        ]
    ):
        cache.put(str(number), answer)
        held = cache.get(str(number))
        assert held is not None
        assert held.cached
        assert {**vars(held), "cached": False} == vars(answer)
    assert cache.get("2") is None
    cache.put("3", CoalitionCost(frozenset("b"), "resized", "no plan", math.nan))
    (held,) = [cache.get("3")]
    assert held is not None
    assert math.isnan(held.cost)


def test_no_plan_is_not_kept(tmp_path: Path) -> None:
    """Proves: what ran out of time is asked again; meanwhile it counts as no number."""
    problem = problem_of(CHAIN)
    hurried = Asked("test", ("simplex_iteration_limit=0", "presolve=off"))
    with Coalitions(problem, cache=tmp_path, asked=hurried) as game:
        answer = game.cost("abc")
    assert answer.status == "no plan"
    assert math.isnan(answer.cost)
    assert "before it held any plan" in answer.message
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- ends before the end

SLOW = """
import sys, time
from pathlib import Path
from microgrid_opt.study import Asked
from microgrid_opt.trading.coalitions import Coalitions
from tests.support import problem_of
text = Path(sys.argv[1]).read_text()
def wait(progress):
    print(progress.done, flush=True)
    time.sleep(0.3 if progress.done else 0.0)
with Coalitions(problem_of(text), cache=Path(sys.argv[2]), asked=Asked("test"), route="built",
                on_progress=wait) as game:
    game.costs(game.every)
"""


@pytest.mark.slow
def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    """Proves: after SIGKILL half-way, what was finished is there and whole, and only the rest is solved.

    Sensitivity: answers that are written at the end, or in place.
    """
    park_file, folder = tmp_path / "park.yaml", tmp_path / "answers"
    park_file.write_text(CHAIN, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SLOW, str(park_file), str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            if line.strip() == "3":
                break
        process.kill()
    assert process.wait() == -signal.SIGKILL
    held = [json.loads(path.read_bytes()) for path in folder.glob("*.json")]
    assert 3 <= len(held) <= 4
    costs, solved = run(folder)
    assert costs == pytest.approx(EXPECTED)
    assert solved == 7 - len(held)


def test_an_interrupted_run_gives_what_is_there(tmp_path: Path) -> None:
    """Proves: Ctrl-C between coalitions ends the run with those finished, and the next one goes on."""

    def press(progress: CoalitionProgress) -> None:
        if progress.done == 3:
            signal.raise_signal(signal.SIGINT)

    problem = problem_of(CHAIN)
    with Coalitions(problem, cache=tmp_path, asked=Asked("test"), on_progress=press) as game:
        found = game.costs(game.every)
        assert game.interrupted
    assert len(found) == 3
    assert {who: one.cost for who, one in found.items()} == pytest.approx(
        {who: EXPECTED[who] for who in found}
    )
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert run(tmp_path)[1] == 4


def test_an_answer_of_an_interrupted_solve_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: HiGHS takes Ctrl-C as a wish to stop early and gives what it has; that is no answer.

    Sensitivity: keeping the plan (or its absence) of a solve during which Ctrl-C came.
    """
    real = CoalitionSolver.solve

    def slow(self: CoalitionSolver, members: Collection[str]) -> list[CoalitionCost]:
        found = real(self, members)
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            time.sleep(10)
        except KeyboardInterrupt:
            return found
        raise AssertionError

    monkeypatch.setattr(CoalitionSolver, "solve", slow)
    with Coalitions(problem_of(CHAIN), cache=tmp_path, asked=Asked("test")) as game:
        assert game.costs(["a", "b"]) == {}
        assert game.interrupted
    assert not list(tmp_path.iterdir())
