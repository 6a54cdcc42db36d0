"""Running HiGHS so that it can be watched and stopped.

HiGHS runs in a thread of its own; the caller's thread waits, reports progress and takes Ctrl-C.
HiGHS looks for a stop request only between iterations of its main loops: not inside the root LP of
an integer model, nor inside one factorisation of an interior-point method. When it does not answer
within `GRACE_SECONDS` it is left behind (it stops by itself at its next look) and the best plan
that it has reported so far is what is held.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from highspy import cb

from microgrid_opt.solve.status import Progress, relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

GRACE_SECONDS = 0.8
"""How long a stop request may go unanswered; Ctrl-C must work within about a second."""

REPORT_SECONDS = 0.25
LOG_LINES = 60

_KINDS = cb.HighsCallbackType
_LOGGING = int(_KINDS.kCallbackLogging)
_SIMPLEX = int(_KINDS.kCallbackSimplexInterrupt)
_INTERIOR = int(_KINDS.kCallbackIpmInterrupt)
_MIP = int(_KINDS.kCallbackMipInterrupt)
_IMPROVED = int(_KINDS.kCallbackMipImprovingSolution)
_ITERATION = re.compile(r"\s*(\d+)\s+([-+]?\d\.\d+e[-+]\d+)\s")
_STAGES = (
    ("presolving", "presolve"),
    ("simplex solver", "simplex"),
    ("ipx", "interior point"),
    ("hipo", "interior point"),
    ("crossover", "crossover"),
    ("solving mip model", "branch and bound"),
)


class Watch:
    """What one run reports, and the request to stop it.

    Parameters
    ----------
    highs
        The HiGHS instance.
    sign
        -1 when the model maximises: objectives are shown in its own sense.
    """

    def __init__(self, highs: Any, sign: float) -> None:
        self._highs = highs
        self._sign = sign
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._started = time.monotonic()
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.stage = "presolve"
        self.iterations: int | None = None
        self.objective: float | None = None
        self.bound: float | None = None
        self.nodes: int | None = None
        self.incumbent: npt.NDArray[np.float64] | None = None
        self.interrupted = False
        self.abandoned = False

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self._started

    def progress(self) -> Progress:
        """Return where the run is."""
        objective, bound = self.objective, self.bound
        gap = None if objective is None or bound is None else relative_gap(objective, bound)
        return Progress(
            self.stage, self.seconds, self.iterations, objective, bound, gap, self.nodes
        )

    def run(
        self,
        on_progress: Callable[[Progress], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        """Run HiGHS until it stops or is left behind.

        Parameters
        ----------
        on_progress
            Called in this thread a few times a second; what it raises stops the solver and is
            passed on.
        cancel
            Set by another thread to stop the run as Ctrl-C does.
        """
        self._highs.setCallback(self._called_back, None)
        for kind in (_LOGGING, _SIMPLEX, _INTERIOR, _MIP, _IMPROVED):
            self._highs.startCallbackInt(kind)
        self._started = time.monotonic()
        threading.Thread(target=self._solve, name="highs", daemon=True).start()
        try:
            self._wait(on_progress, cancel)
        except KeyboardInterrupt:
            self._halt()
        except BaseException:
            self._halt()
            raise
        finally:
            if not self.abandoned:
                self._highs.setCallback(None, None)
                # HiGHS keeps what it called until it runs again: a circle that Python does not see.
                self._highs = None

    def _solve(self) -> None:
        try:
            self._highs.run()
            # Each thread has its own scheduler in HiGHS, whose workers would outlive the thread.
            highspy.Highs.resetGlobalScheduler(False)
        finally:
            self._ended.set()

    def _wait(
        self,
        on_progress: Callable[[Progress], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        # An event and not Thread.join: Ctrl-C inside join marks a running thread as ended.
        due = REPORT_SECONDS
        while not self._ended.wait(0.05):
            if cancel is not None and cancel.is_set():
                self._halt()
                return
            if on_progress is not None and self.seconds >= due:
                on_progress(self.progress())
                due = self.seconds + REPORT_SECONDS

    def _halt(self) -> None:
        self.interrupted = True
        self._stop.set()
        self.abandoned = True  # so it stays if a second Ctrl-C ends the wait
        self.abandoned = not self._ended.wait(GRACE_SECONDS)

    def _called_back(self, kind: int, message: str, out: Any, into: Any, _: Any) -> None:
        if kind == _LOGGING:
            self._read_log(message)
            return
        if into is not None and self._stop.is_set():
            into.user_interrupt = True
        if kind == _SIMPLEX:
            self.stage, self.iterations = "simplex", out.simplex_iteration_count
        elif kind == _INTERIOR:
            self.stage, self.iterations = "interior point", out.ipm_iteration_count
        else:
            self._read_mip(kind, out)

    def _read_mip(self, kind: int, out: Any) -> None:
        self.stage = "branch and bound"
        self.nodes = out.mip_node_count
        if np.isfinite(out.mip_dual_bound):
            self.bound = self._sign * out.mip_dual_bound
        if np.isfinite(out.mip_primal_bound):
            self.objective = self._sign * out.mip_primal_bound
        if kind == _IMPROVED:
            self.incumbent = np.array(out.mip_solution, dtype=float)

    def _read_log(self, message: str) -> None:
        self.log.extend(line for line in message.split("\n") if line.strip())
        low = message.lower()
        for word, stage in _STAGES:
            if word in low:
                self.stage = stage
        iteration = _ITERATION.match(message)
        if iteration and self.stage in ("simplex", "interior point"):
            self.iterations = int(iteration[1])
            self.objective = self._sign * float(iteration[2])
