"""Many coalitions: in parallel, remembered on disk, resumed after a crash.

```python
with Coalitions(problem, cache=Path("answers"), workers=2) as game:
    costs = game.costs(game.every)      # 2^n - 1 of them
    print(game.cost({"mill", "dairy"}).cost)
```

Two games (domain words: which one was played has to be said): ``resized``, in which every coalition
chooses its sizes, and ``frozen``, in which it has those of the plan of all members.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Self

from microgrid_opt.errors import InputError, NoPlanError
from microgrid_opt.study import Asked
from microgrid_opt.trading.coalition import Cache, CoalitionCost
from microgrid_opt.trading.fingerprint import fingerprint
from microgrid_opt.trading.members import restricted
from microgrid_opt.trading.solver import CoalitionSolver

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from microgrid_opt.problem import Problem
    from microgrid_opt.trading.coalition import Kind
    from microgrid_opt.trading.pool import Pool
    from microgrid_opt.trading.solver import Route

    Members = frozenset[str]


@dataclass(frozen=True)
class CoalitionProgress:
    """Where a run over many coalitions is.

    Parameters
    ----------
    done, total
        Coalitions.
    cached
        How many of those done came from the cache.
    last
        The one that was finished last, if any.
    seconds
        Wall time since the start [s].
    eta_seconds
        Time that is still needed at the pace so far [s]; ``None`` before anything was solved.
    """

    done: int
    total: int
    cached: int
    last: CoalitionCost | None
    seconds: float
    eta_seconds: float | None


class Coalitions:
    """The costs of coalitions of a park's members; use it in a ``with`` statement.

    Parameters
    ----------
    problem
        The park with all its members.
    kind
        ``resized`` or ``frozen``.
    sizes
        For the frozen game: sizes by ``asset.size``; left out, those of the plan of all members,
        which is then solved first.
    asked
        How to solve; its listener is not used.
    workers
        Processes. With one, everything happens in this process.
    scheduler
        Address of a Dask scheduler, instead of processes on this machine.
    cache
        Folder of answers; without one nothing is kept.
    route
        How coalitions are solved (`microgrid_opt.trading.solver.CoalitionSolver`).
    on_progress
        Called in this thread at the start and after every coalition.

    Raises
    ------
    InputError
        Less than one worker; more than one, or a scheduler, without Dask.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        kind: Kind = "resized",
        sizes: Mapping[str, float] | None = None,
        asked: Asked | None = None,
        workers: int = 1,
        scheduler: str | None = None,
        cache: Path | None = None,
        route: Route = "auto",
        on_progress: Callable[[CoalitionProgress], None] | None = None,
    ) -> None:
        if workers < 1:
            raise InputError(f"workers = {workers}: give at least 1.")
        self._problem, self._kind, self._route = problem, kind, route
        self._given = None if sizes is None else dict(sizes)
        self._asked = replace(asked or Asked(), on_progress=None)
        self._workers, self._scheduler = workers, scheduler
        self._cache = None if cache is None else Cache(cache)
        self._listener = on_progress
        self._digests: dict[int, str] = {}
        self._known: dict[Members, CoalitionCost] = {}
        self._solver: CoalitionSolver | None = None
        self._pool: Pool | None = None
        self.interrupted = False
        """Whether Ctrl-C ended the last run."""
        if workers > 1 or scheduler is not None:
            from microgrid_opt.trading.pool import require_dask

            require_dask()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes and free what is held."""
        for held in (self._solver, self._pool):
            if held is not None:
                held.close()
        self._solver = self._pool = None

    @property
    def members(self) -> tuple[str, ...]:
        """The members of the park, in its order."""
        return tuple(self._problem.park.members)

    @property
    def every(self) -> list[Members]:
        """All coalitions but the empty one."""
        sizes = range(1, len(self.members) + 1)
        return [frozenset(who) for k in sizes for who in combinations(self.members, k)]

    # ------------------------------------------------------------------ asking

    def cost(self, members: Collection[str]) -> CoalitionCost:
        """Return the cost of one coalition.

        Raises
        ------
        InputError
            See `costs`.
        NoPlanError
            Ctrl-C ended it.
        """
        who = frozenset(members)
        found = self.costs([who])
        if who not in found:
            raise NoPlanError(f"{' + '.join(sorted(who))} was interrupted.")
        return found[who]

    def costs(self, coalitions: Iterable[Collection[str]]) -> dict[Members, CoalitionCost]:
        """Return the costs of coalitions, in the order in which they were asked for.

        A coalition that cannot meet its limits has infinite cost, and says why. After Ctrl-C those that
        are finished are returned, and `interrupted` is set.

        Raises
        ------
        InputError
            A coalition is none of this park, or shares a limit with members outside; told before
            anything is solved.
        """
        asked = list(dict.fromkeys(frozenset(who) for who in coalitions))
        for who in asked:
            restricted(self._problem, who)
        self.interrupted = False
        sizes = self._sizes()
        run = _Run(dict.fromkeys(asked), self._listener)
        if sizes is not None and self._cache is not None:
            run.cached = self._recall(self._cache, asked, sizes)
        missing = [who for who in asked if who not in self._known]
        run.begin(len(missing))
        if missing and sizes is not None:
            self._solve(gray_order(missing, self.members), sizes, run)
        return {who: self._known[who] for who in asked if who in self._known}

    def _recall(self, cache: Cache, asked: Iterable[Members], sizes: Mapping[str, float]) -> int:
        """Read what is in the cache and not known yet; return how many that were."""
        before = len(self._known)
        for who in asked:
            if who not in self._known:
                held = cache.get(self._key(who, sizes))
                if held is not None and held.members == who:
                    self._known[who] = held
        return len(self._known) - before

    def _sizes(self) -> dict[str, float] | None:
        """Return the sizes to hold; ``None`` when Ctrl-C came before they were known.

        Raises
        ------
        NoPlanError
            There is no plan of all members to take them from.
        """
        if self._kind == "resized":
            return {}
        if self._given is None:
            with Coalitions(
                self._problem,
                asked=self._asked,
                cache=None if self._cache is None else self._cache.folder,
                route="built",
            ) as whole:
                found = whole.costs([self.members])
            self.interrupted = whole.interrupted
            if not found:
                return None
            (grand,) = found.values()
            if grand.status not in {"optimal", "feasible"}:
                raise NoPlanError(f"There is no plan of all members to freeze: {grand.message}")
            self._given = dict(grand.sizes)
        return self._given

    def _key(self, who: Members, sizes: Mapping[str, float]) -> str:
        """Return the name of an answer: all that it depends on."""
        part = restricted(self._problem, who)
        held = {
            name: value for name, value in sizes.items() if name.split(".")[0] in part.park.assets
        }
        return fingerprint(
            part,
            digests=self._digests,
            kind=self._kind,
            sizes=held,
            profile=_profile(self._asked),
            options=self._asked.options,
            time_limit_seconds=self._asked.time_limit_seconds,
        )

    # ------------------------------------------------------------------ solving

    def _solve(
        self,
        missing: Sequence[Members],
        sizes: dict[str, float],
        run: _Run,
    ) -> None:
        def keep(answers: Sequence[CoalitionCost]) -> None:
            for answer in answers:
                if answer.members in self._known:
                    continue
                self._known[answer.members] = answer
                # Without a plan there may be one next time, with more time or a faster machine.
                if self._cache is not None and answer.status != "no plan":
                    self._cache.put(self._key(answer.members, sizes), answer)
                run.finish(answer)

        given = (self._kind, sizes, self._asked, self._route)
        with _Stoppable() as stop:
            try:
                if self._workers == 1 and self._scheduler is None:
                    self._solver = self._solver or CoalitionSolver(self._problem, *given)
                    self._serially(self._solver, missing, keep, stop)
                else:
                    self._in_parallel(missing, (self._problem.portable(), *given), keep)
            except KeyboardInterrupt:
                self.interrupted = True
            self.interrupted = self.interrupted or stop.asked

    def _serially(
        self,
        solver: CoalitionSolver,
        missing: Sequence[Members],
        keep: Callable[[Sequence[CoalitionCost]], None],
        stop: _Stoppable,
    ) -> None:
        for who in missing:
            if who in self._known:
                continue
            answers = solver.solve(who)
            if stop.asked:  # the solver was stopped: its answer is not the optimum
                return
            keep(answers)

    def _in_parallel(
        self,
        missing: Sequence[Members],
        given: tuple[object, ...],
        keep: Callable[[Sequence[CoalitionCost]], None],
    ) -> None:
        from microgrid_opt.trading.pool import Pool

        if self._pool is None:
            self._pool = Pool(CoalitionSolver, given, self._workers, self._scheduler)
        try:
            self._pool.run(missing, keep)
        except BaseException:
            self._pool.close()
            self._pool = None
            raise


def gray_order(coalitions: Iterable[Members], members: Sequence[str]) -> list[Members]:
    """Return coalitions so that neighbours differ in few members, and so do their complements.

    The order is that of the reflected binary code (F. Gray, 1953, US patent 2632058), in which
    successive numbers differ in one bit; a coalition and those outside it stand side by side.
    """
    bit = {member: 1 << position for position, member in enumerate(members)}
    whole = (1 << len(members)) - 1

    def place(who: Members) -> tuple[int, bool]:
        mask = sum(bit[member] for member in who)
        flipped = bool(mask & 1)
        code = (mask ^ whole if flipped else mask) >> 1
        rank = 0
        while code:
            rank ^= code
            code >>= 1
        return rank, flipped

    return sorted(coalitions, key=place)


def _profile(asked: Asked) -> object:
    """Return the content of a solver profile, which a file may have under an unchanged name."""
    from microgrid_opt.solve.choice import AUTO
    from microgrid_opt.solve.profiles import load_profile

    return asked.profile if asked.profile == AUTO else load_profile(asked.profile)


@dataclass
class _Run:
    """Counts one run for its listener."""

    asked: Mapping[Members, None]
    listener: Callable[[CoalitionProgress], None] | None
    cached: int = 0
    _solved: int = 0
    _needed: int = 0
    _started: float = field(default_factory=time.perf_counter)

    def begin(self, missing: int) -> None:
        self._needed = missing
        self._started = time.perf_counter()
        self._tell(None)

    def finish(self, answer: CoalitionCost) -> None:
        """Count an answer, if it was one of those asked for."""
        if answer.members in self.asked:
            self._solved += 1
            self._tell(answer)

    def _tell(self, last: CoalitionCost | None) -> None:
        if self.listener is None:
            return
        seconds = time.perf_counter() - self._started
        left = self._needed - self._solved
        eta = seconds / self._solved * left if self._solved else None
        total = len(self.asked)
        self.listener(CoalitionProgress(total - left, total, self.cached, last, seconds, eta))


class _Stoppable:
    """Notes that Ctrl-C came, also where the solver takes it as a wish to stop early."""

    def __init__(self) -> None:
        self.asked = False
        self._before: object = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.default_int_handler(number, frame)
