"""Solvers of coalitions in other processes, by Dask: on this machine or on a cluster.

Every worker holds one solver as an actor, so that a model which stays in HiGHS is built once for each
worker. Coalitions that are neighbours go to the same worker; who has nothing left takes from the end of
the longest queue.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from microgrid_opt.errors import InputError, NoPlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from microgrid_opt.trading.coalition import CoalitionCost
    from microgrid_opt.trading.solver import CoalitionSolver

    Members = frozenset[str]


CONNECT_SECONDS = 10
"""How long a scheduler may take to answer [s]."""


def require_dask() -> Any:
    """Return ``distributed``.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        import distributed
    except ImportError:
        raise InputError(
            "More than one worker, or a scheduler, needs Dask: pip install "
            "'microgrid-opt[parallel]'. With one worker it is not needed."
        ) from None
    return distributed


class Pool:
    """One solver on each of some workers.

    Parameters
    ----------
    make, given
        The class of the solvers, and what each is made of.
    workers
        Processes on this machine; of a cluster, at most so many of its workers (all when 1).
    scheduler
        Address of the scheduler of a cluster.

    Raises
    ------
    InputError
        Dask is missing, the scheduler does not answer or has no workers.
    """

    def __init__(
        self,
        make: type[CoalitionSolver],
        given: tuple[object, ...],
        workers: int,
        scheduler: str | None = None,
    ) -> None:
        distributed = require_dask()
        self._cluster: Any = None
        if scheduler is None:
            self._cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
        try:
            self._client: Any = distributed.Client(
                self._cluster or scheduler, timeout=CONNECT_SECONDS
            )
        except OSError as error:
            raise InputError(f"The Dask scheduler {scheduler} does not answer: {error}") from None
        addresses = sorted(self._client.ncores())
        if scheduler is not None and workers > 1:
            addresses = addresses[:workers]
        if not addresses:
            self.close()
            raise InputError(f"The Dask scheduler {scheduler} has no workers: start some.")
        (shared,) = self._client.scatter([given], broadcast=True, hash=False)
        self._actors = [
            self._client.submit(_made, make, shared, actor=True, workers=[address], pure=False)
            for address in addresses
        ]

    def close(self) -> None:
        """End the connection, and the processes on this machine."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def run(
        self,
        coalitions: Sequence[Members],
        keep: Callable[[Sequence[CoalitionCost]], None],
    ) -> None:
        """Solve coalitions; answers are kept in the calling thread, as they come.

        Raises
        ------
        NoPlanError
            All workers were lost before everything was solved.
        """
        queues = _shares(coalitions, len(self._actors))
        lock, answers = threading.Lock(), queue.SimpleQueue[Any]()
        solved: set[Members] = set()

        def take(own: int) -> Members | None:
            with lock:
                while True:
                    if queues[own]:
                        who = queues[own].popleft()
                    else:
                        longest = max(queues, key=len)
                        if not longest:
                            return None
                        who = longest.pop()
                    if who not in solved:
                        return who

        def drive(own: int, future: Any) -> None:
            who = None
            try:
                actor = future.result()
                while (who := take(own)) is not None:
                    found = actor.solve(who).result()
                    with lock:
                        solved.update(answer.members for answer in found)
                    answers.put(found)
            except Exception as error:
                with lock:
                    if who is not None:
                        queues[own].appendleft(who)
                answers.put(error)
            else:
                answers.put(None)

        for number, future in enumerate(self._actors):
            threading.Thread(target=drive, args=(number, future), daemon=True).start()
        running, failed = len(self._actors), None
        while running:
            answer = answers.get()
            if isinstance(answer, list):
                keep(answer)
                continue
            running -= 1
            if isinstance(answer, InputError):
                raise answer
            failed = answer or failed
        if failed is not None and any(queues):
            raise NoPlanError(f"All workers were lost; the last one with: {failed}")


def _made(make: type[CoalitionSolver], given: tuple[Any, ...]) -> CoalitionSolver:
    return make(*given)


def _shares(coalitions: Sequence[Members], count: int) -> list[deque[Members]]:
    """Return runs of neighbours of about equal length."""
    ends = [round(i * len(coalitions) / count) for i in range(count + 1)]
    return [deque(coalitions[a:b]) for a, b in pairwise(ends)]
