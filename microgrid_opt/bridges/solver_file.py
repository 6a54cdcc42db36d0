"""A park as a model file that any solver reads: MPS and CPLEX-LP, with the names of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.bridges.built import built
from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from microgrid_opt.problem import Problem

ENDINGS = (".mps", ".lp")
_ROUND = str.maketrans("[]", "()")


def check_out(path: Path, ending: str) -> None:
    """Refuse a file whose name does not end as its format does, or whose folder is missing."""
    if path.suffix.lower() != ending:
        raise InputError(f"{path} must end with {ending}.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no such folder; make it first.")


def write(problem: Problem, path: Path) -> tuple[int, int]:
    """Write the model of a park as a minimisation.

    Columns and rows read ``member.asset.variable[t]``; in LP files, where square brackets mean
    something else, ``member.asset.variable(t)``.

    Parameters
    ----------
    problem
        The park.
    path
        File to write, ending with one of `ENDINGS`.

    Returns
    -------
    tuple of int
        Number of columns and of rows.
    """
    from microgrid_opt.solve import handoff
    from microgrid_opt.solve.session import Session

    check_out(path, ".lp" if path.suffix.lower() == ".lp" else ".mps")
    matrix = handoff.extract(built(problem).model)
    columns, rows = matrix.column_names(), matrix.row_names()
    if path.suffix.lower() == ".lp":
        columns, rows = ([name.translate(_ROUND) for name in names] for names in (columns, rows))
    with Session(matrix) as session:
        session.write(path, columns, rows)
    return len(columns), len(rows)
