"""Σ coefficient · variable over whole containers, as a Pyomo expression that is written out late.

The objective and the yearly caps of a park have tens of thousands of terms. As an ordinary
`LinearExpression` each term is an object of its own, made only to be taken apart by the hand-off.
This one keeps the containers and their coefficient arrays; the terms come into being when anybody
else (a printer, a writer, another solver interface, the user) asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.solve.modelling import numeric_expr

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class ContainerSum(numeric_expr.LinearExpression):  # type: ignore[misc]
    """A linear expression by containers.

    Parameters
    ----------
    args
        Terms, as `LinearExpression` takes them; for what Pyomo makes of this expression.
    constant
        What remains when all variables are zero.
    containers
        Pairs of a variable container and one coefficient for each of its members.
    """

    __slots__ = ("_count", "_written", "constant_part", "containers")

    def __init__(
        self,
        args: Any = None,
        *,
        constant: float = 0.0,
        containers: Sequence[tuple[Any, Floats]] | None = None,
    ) -> None:
        self.containers = containers
        self.constant_part = constant
        self._written: list[Any] | None = None
        if containers is None:
            super().__init__(args)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Say `LinearExpression`: Pyomo looks expressions up in tables by their exact class."""
        return numeric_expr.LinearExpression  # type: ignore[no-any-return]

    def _write(self) -> None:
        terms: list[Any] = [self.constant_part] if self.constant_part else []
        for container, coefficients in self.containers or ():
            used = np.flatnonzero(coefficients)
            members = list(container.values())
            pairs = zip(coefficients[used].tolist(), (members[i] for i in used), strict=True)
            terms.extend(map(numeric_expr.MonomialTermExpression, pairs))
        self._written, self._count = terms, len(terms)

    @property
    def _args_(self) -> list[Any]:
        if self._written is None:
            self._write()
        return self._written  # type: ignore[return-value]

    @_args_.setter
    def _args_(self, value: list[Any]) -> None:
        self._written = value

    @property
    def _nargs(self) -> int:
        if self._written is None:
            self._write()
        return self._count

    @_nargs.setter
    def _nargs(self, value: int) -> None:
        self._count = value
