"""A model held by HiGHS: arrays in, an `Outcome` back, changes and another run from there.

Sign of duals: ``row_duals[i]`` is the change of the objective per unit of the row's right-hand side,
in the model's own sense; ``reduced_costs[j]`` the same for the bound on which a column lies.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import highspy
import numpy as np

from microgrid_opt.errors import InputError
from microgrid_opt.solve.bases import basis_of, native_basis
from microgrid_opt.solve.certify import (
    TOLERANCE,
    dual_bound,
    integrality_residual,
    primal_residual,
)
from microgrid_opt.solve.options import set_options
from microgrid_opt.solve.profiles import Profile, load_profile
from microgrid_opt.solve.status import Outcome, Progress, Solution, Status
from microgrid_opt.solve.watch import Watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from microgrid_opt.solve.bases import Basis
    from microgrid_opt.solve.matrix import Matrix

    Floats = npt.NDArray[np.float64]

Side: TypeAlias = Literal["lower", "upper", "both"]
"""Which limit of a row or column takes part in a conflict."""

CONDITION_MAP: Mapping[str, Status] = {
    "kOptimal": Status.OPTIMAL,
    "kModelEmpty": Status.OPTIMAL,
    "kInfeasible": Status.INFEASIBLE,
    "kUnbounded": Status.UNBOUNDED,
    "kUnboundedOrInfeasible": Status.INFEASIBLE_OR_UNBOUNDED,
    "kTimeLimit": Status.TIME_LIMIT,
    "kIterationLimit": Status.ITERATION_LIMIT,
    "kSolutionLimit": Status.SOLUTION_LIMIT,
    "kObjectiveBound": Status.OBJECTIVE_LIMIT,
    "kObjectiveTarget": Status.OBJECTIVE_LIMIT,
    "kMemoryLimit": Status.MEMORY_LIMIT,
    "kInterrupt": Status.INTERRUPTED,
    "kHighsInterrupt": Status.INTERRUPTED,
    "kUnknown": Status.UNKNOWN,
    "kNotset": Status.ERROR,
    "kLoadError": Status.ERROR,
    "kModelError": Status.ERROR,
    "kPresolveError": Status.ERROR,
    "kSolveError": Status.ERROR,
    "kPostsolveError": Status.ERROR,
}
"""Every ``HighsModelStatus`` by name, in our words."""

_WITHOUT_PLAN = {Status.INFEASIBLE, Status.UNBOUNDED, Status.INFEASIBLE_OR_UNBOUNDED}

_IIS_ELASTIC, _IIS_IRREDUCIBLE = 2, 8
_IIS_SIDES: Mapping[int, Side] = {
    int(highspy.IisBoundStatus.kIisBoundStatusLower): "lower",
    int(highspy.IisBoundStatus.kIisBoundStatusUpper): "upper",
    int(highspy.IisBoundStatus.kIisBoundStatusBoxed): "both",
}


class Session:
    """A model held by HiGHS, to be solved again after changes; use it in a ``with`` statement.

    Parameters
    ----------
    matrix
        The model.
    profile
        Options; the default profile if None.
    log_file
        Where HiGHS writes its log, if asked.
    console
        Whether HiGHS also writes to standard output.

    Raises
    ------
    InputError
        For options or numbers that HiGHS does not take.
    """

    def __init__(
        self,
        matrix: Matrix,
        profile: Profile | None = None,
        *,
        log_file: Path | None = None,
        console: bool = False,
    ) -> None:
        self.matrix = matrix
        self.profile = profile if profile is not None else load_profile()
        self._watch: Watch | None = None
        self._highs: Any = highspy.Highs()
        self._highs.setOptionValue("log_to_console", False)
        self.set_options(self.profile.options)
        self._highs.setOptionValue("log_to_console", console)
        if log_file is not None:
            self.set_options({"log_file": str(log_file)})
        self._pass_model()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory of HiGHS; a run that was left behind frees its own when it ends."""
        if self._highs is not None and not self._abandoned:
            self._highs.clear()
        self._highs = None

    @property
    def _abandoned(self) -> bool:
        return self._watch is not None and self._watch.abandoned

    def _pass_model(self) -> None:
        m = self.matrix
        status = self._highs.passModel(
            m.column_count,
            m.row_count,
            m.nonzero_count,
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            m.offset,
            m.cost,
            m.col_lower,
            m.col_upper,
            m.row_lower,
            m.row_upper,
            m.start,
            m.index,
            m.value,
            m.integrality.astype(np.int32),
        )
        if status == highspy.HighsStatus.kError:
            raise InputError(
                "HiGHS does not take the model: a bound pair is crossed or a number is out of its "
                "range (coefficients up to 1e15)."
            )

    def set_options(self, options: Mapping[str, object]) -> None:
        """Set native HiGHS options; what is refused is raised as `InputError`."""
        set_options(self._highs, options)

    def write(self, path: Path, columns: Sequence[str], rows: Sequence[str]) -> None:
        """Write the model as its ending tells, with names for its columns and rows."""
        for give, names in ((self._highs.passColName, columns), (self._highs.passRowName, rows)):
            for number, name in enumerate(names):
                give(number, name)
        if self._highs.writeModel(str(path)) != highspy.HighsStatus.kOk:
            raise InputError(f"{path} could not be written by HiGHS.")

    def set_column_bounds(
        self, columns: npt.NDArray[np.int64], lower: Floats, upper: Floats
    ) -> None:
        """Change bounds; the basis is kept, so that the next run starts from it."""
        number = np.asarray(columns, np.int32)
        low = np.ascontiguousarray(np.broadcast_to(lower, len(number)), dtype=float)
        high = np.ascontiguousarray(np.broadcast_to(upper, len(number)), dtype=float)
        self._highs.changeColsBounds(len(number), number, low, high)
        col_lower, col_upper = self.matrix.col_lower.copy(), self.matrix.col_upper.copy()
        col_lower[number], col_upper[number] = low, high
        self.matrix = replace(self.matrix, col_lower=col_lower, col_upper=col_upper)

    def set_start(self, values: Floats) -> None:
        """Give a full or partial plan to start an integer model from; NaN means not given."""
        given = np.flatnonzero(~np.isnan(values)).astype(np.int32)
        self._highs.setSolution(len(given), given, np.ascontiguousarray(values[given]))

    def set_basis(self, basis: Basis) -> None:
        """Start the simplex method from a basis.

        Raises
        ------
        InputError
            When its size is not that of the model.
        """
        if (
            len(basis.columns) != self.matrix.column_count
            or len(basis.rows) != self.matrix.row_count
        ):
            raise InputError("The basis belongs to another model: its size differs.")
        if self._highs.setBasis(native_basis(basis)) == highspy.HighsStatus.kError:
            raise InputError("HiGHS does not take the basis: it must have one basic entry per row.")

    def basis(self) -> Basis | None:
        """Return the basis of the last run, or None when it has none."""
        if self._abandoned:
            return None
        m = self.matrix
        return basis_of(self._highs, (m.col_lower, m.col_upper), (m.row_lower, m.row_upper))

    def irreducible(self) -> tuple[list[tuple[int, Side]], list[tuple[int, Side]]]:
        """Return the rows and the column bounds of an irreducible infeasible set; empty if none."""
        self.set_options({"iis_strategy": _IIS_ELASTIC | _IIS_IRREDUCIBLE})
        _, native = self._highs.getIis()
        if not native.valid_:
            return [], []

        def members(numbers: Any, bounds: Any) -> list[tuple[int, Side]]:
            pairs = zip(numbers, map(int, bounds), strict=True)
            return [(int(number), _IIS_SIDES[side]) for number, side in pairs if side in _IIS_SIDES]

        return (
            members(native.row_index_, native.row_bound_),
            members(native.col_index_, native.col_bound_),
        )

    def run(
        self,
        *,
        time_limit: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Outcome:
        """Solve. Ctrl-C ends the run within about a second and what is held is returned.

        Parameters
        ----------
        time_limit
            Seconds; the profile's if None.
        on_progress
            Called a few times a second in this thread.
        cancel
            Setting it has the effect of Ctrl-C.
        """
        limit = self.profile.options.get("time_limit") if time_limit is None else time_limit
        if limit is not None:
            # For linear models HiGHS counts its clock over all runs of an instance.
            before = 0.0 if self.matrix.is_mip else self._highs.getRunTime()
            self.set_options({"time_limit": before + float(limit)})
        self._watch = watch = Watch(self._highs, self.matrix.sign)
        watch.run(on_progress, cancel)
        if watch.abandoned:
            return self._left_behind(watch)
        return self._outcome(watch)

    # ------------------------------------------------------------------ reading the result

    def _outcome(self, watch: Watch) -> Outcome:
        highs, m = self._highs, self.matrix
        status = CONDITION_MAP[highs.getModelStatus().name]
        if watch.interrupted and status is Status.UNKNOWN:
            status = Status.INTERRUPTED
        info = highs.getInfo()
        solution, message = self._solution(status, info)
        if status is Status.OPTIMAL and solution is None:
            status = Status.UNKNOWN
        objective = None if solution is None else m.objective(solution.values)
        return Outcome(
            status=status,
            solution=solution,
            objective=objective,
            bound=self._bound(status, objective, info),
            seconds=watch.seconds,
            iterations=sum(
                max(count, 0)
                for count in (
                    info.simplex_iteration_count,
                    info.ipm_iteration_count,
                    info.pdlp_iteration_count,
                )
            ),
            nodes=max(info.mip_node_count, 0),
            message=message,
            log_tail=tuple(watch.log),
            solver=f"HiGHS {highs.version()}",
            profile=self.profile.name,
            interrupted=watch.interrupted,
        )

    def _solution(self, status: Status, info: Any) -> tuple[Solution | None, str]:
        if status in _WITHOUT_PLAN:
            return None, ""
        if self.matrix.column_count == 0:
            return checked_solution(self.matrix, np.empty(0), None, None, vertex=True)
        native = self._highs.getSolution()
        feasible = info.primal_solution_status == highspy.kSolutionStatusFeasible
        if not native.value_valid or not (feasible or status is Status.OPTIMAL):
            return None, ""
        values = np.array(native.col_value, dtype=float)
        row_duals = reduced_costs = None
        if native.dual_valid and not self.matrix.is_mip:
            row_duals = self.matrix.sign * np.array(native.row_dual, dtype=float)
            reduced_costs = self.matrix.sign * np.array(native.col_dual, dtype=float)
        vertex = bool(self._highs.getBasis().valid) and not self.matrix.is_mip
        return checked_solution(self.matrix, values, row_duals, reduced_costs, vertex=vertex)

    def _bound(self, status: Status, objective: float | None, info: Any) -> float:
        sign = self.matrix.sign
        if status is Status.INFEASIBLE:
            return sign * np.inf
        if self.matrix.is_mip:
            return sign * float(info.mip_dual_bound)
        if status is Status.OPTIMAL and objective is not None:
            return objective
        native = self._highs.getSolution()
        if status is not Status.UNBOUNDED and native.dual_valid:
            return dual_bound(self.matrix, sign * np.array(native.row_dual, dtype=float))
        return -sign * np.inf

    def _left_behind(self, watch: Watch) -> Outcome:
        m = self.matrix
        solution, message = None, ""
        if watch.incumbent is not None:
            solution, message = checked_solution(m, watch.incumbent, None, None, vertex=False)
        return Outcome(
            status=Status.INTERRUPTED,
            solution=solution,
            objective=None if solution is None else m.objective(solution.values),
            bound=-m.sign * np.inf if watch.bound is None else watch.bound,
            seconds=watch.seconds,
            iterations=watch.iterations or 0,
            nodes=watch.nodes or 0,
            message=message or "HiGHS was in a long step and was left behind.",
            log_tail=tuple(watch.log),
            solver=f"HiGHS {highspy.Highs().version()}",
            profile=self.profile.name,
            interrupted=watch.interrupted,
        )


def checked_solution(
    matrix: Matrix,
    values: Floats,
    row_duals: Floats | None,
    reduced_costs: Floats | None,
    *,
    vertex: bool,
) -> tuple[Solution | None, str]:
    """Return a point as a solution if it meets all limits, else None and the worst miss in words."""
    residual, where = primal_residual(matrix, values)
    whole = integrality_residual(matrix, values)
    if not residual <= TOLERANCE or whole > TOLERANCE:
        return None, (
            f"HiGHS returned a point that misses {where} by {residual:.2g} (relative) and whole "
            f"numbers by {whole:.2g}; {TOLERANCE:g} is allowed, so it is not taken as a plan."
        )
    return (
        Solution(
            values=values,
            activities=matrix.times(values),
            row_duals=row_duals,
            reduced_costs=reduced_costs,
            vertex=vertex,
            max_primal_residual=residual,
            max_integrality_residual=whole,
        ),
        "",
    )
