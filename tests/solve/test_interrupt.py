"""Ctrl-C, cancel and progress of a running solve."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.solve import watch
from microgrid_opt.solve.highs import Session, solve
from microgrid_opt.solve.profiles import load_profile
from microgrid_opt.solve.status import Status

if TYPE_CHECKING:
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Progress

PROMPT_SECONDS = 2.0
"""Ctrl-C works within about a second; the rest is for a busy machine."""


def test_ctrl_c_keeps_the_best_plan(hard: Matrix) -> None:
    """Proves: Ctrl-C ends an integer solve at once, with its plan, bound and gap, and says so."""
    pressed: list[float] = []

    def press(progress: Progress) -> None:
        if progress.gap is not None and progress.seconds > 0.8 and not pressed:
            pressed.append(time.monotonic())
            signal.raise_signal(signal.SIGINT)

    outcome = solve(hard, load_profile("test"), on_progress=press, time_limit=60)
    assert time.monotonic() - pressed[0] < PROMPT_SECONDS
    assert outcome.status is Status.INTERRUPTED
    solution = outcome.accepted("feasible")
    assert solution.max_primal_residual <= 1e-6
    assert outcome.objective == pytest.approx(hard.objective(solution.values))
    assert 0 < outcome.bound < outcome.objective
    assert outcome.gap is not None
    assert 0 < outcome.gap < 0.5


def test_cancel_from_another_thread(hard: Matrix) -> None:
    cancel = threading.Event()
    timer = threading.Timer(0.8, cancel.set)
    timer.start()
    outcome = solve(hard, load_profile("test"), cancel=cancel, time_limit=60)
    timer.join()
    assert outcome.status is Status.INTERRUPTED
    assert outcome.solution is not None
    assert outcome.seconds < 0.8 + PROMPT_SECONDS


def test_a_solver_that_does_not_answer_is_left_behind(
    hard: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: the plan reported last is held, checked, even when HiGHS ignores the request."""
    cancel, free = threading.Event(), threading.Event()
    read = watch.Watch._read_mip

    def deaf(self: watch.Watch, kind: int, out: object) -> None:
        read(self, kind, out)
        if self._stop.is_set():
            free.wait(20)

    monkeypatch.setattr(watch.Watch, "_read_mip", deaf)
    timer = threading.Timer(1.0, cancel.set)
    timer.start()
    with Session(hard, load_profile("test")) as session:
        outcome = session.run(cancel=cancel, time_limit=60)
        assert session.basis() is None
    free.set()
    assert outcome.status is Status.INTERRUPTED
    assert "left behind" in outcome.message
    assert outcome.solution is not None
    assert outcome.objective is not None
    assert outcome.bound < outcome.objective
    assert outcome.seconds < 1.0 + PROMPT_SECONDS
    deadline = time.monotonic() + 20
    while any(t.name == "highs" for t in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(t.name == "highs" for t in threading.enumerate())


def test_progress_is_reported_and_its_errors_are_passed_on(hard: Matrix) -> None:
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        assert threading.current_thread() is threading.main_thread()
        seen.append(progress)
        if progress.seconds > 1.2:
            raise RuntimeError("enough")

    started = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"):
        solve(hard, load_profile("test"), on_progress=stop, time_limit=60)
    assert time.monotonic() - started < 1.2 + PROMPT_SECONDS
    assert len(seen) >= 2
    last = seen[-1]
    assert last.stage == "branch and bound"
    assert last.objective is not None
    assert last.bound is not None
    assert 0 < last.bound < last.objective
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


SCRIPT = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("park", sys.argv[1])
park = importlib.util.module_from_spec(spec)
spec.loader.exec_module(park)
from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.highs import solve
from microgrid_opt.solve.profiles import load_profile
matrix = extract(park.build_park(2190, commitment=True))
def tell(progress):
    if progress.stage == "branch and bound":
        print("running", flush=True)
outcome = solve(matrix, load_profile("test"), on_progress=tell)
print(outcome.status.name, flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_during_the_root_relaxation() -> None:
    """Proves: a real SIGINT in HiGHS's deafest phase ends the process cleanly and in time."""
    helper = Path(__file__).parent / "conftest.py"
    command = [sys.executable, "-c", SCRIPT, str(helper)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(3):
            assert child.stdout.readline().strip() == "running"
        pressed = time.monotonic()
        child.send_signal(signal.SIGINT)
        lines = [line.strip() for line in child.stdout]
        child.wait(timeout=30)
        assert lines[-1] == "INTERRUPTED"
        assert time.monotonic() - pressed < 2 * PROMPT_SECONDS
        assert child.stderr is not None
        assert child.stderr.read() == ""
    assert child.returncode == 0
