r"""One model of all members, in which a coalition and the others are parted by bounds.

Close everything that joins a coalition $S$ to the others (lines and trades with one end inside and one
outside) by bounds of zero. If no row then has columns of both sides, the model falls apart:
$$ \min_{x_S,\,x_{N \setminus S}} \bigl\{ c_S^\top x_S + c_{N \setminus S}^\top x_{N \setminus S} \bigr\}
   = c(S) + c(N \setminus S), $$
and one solve gives the costs of the coalition and of those outside. Where the model tells trades as flows
on lines, the meters of those outside are closed instead: every one of them is alone then, and the solve
gives the cost of the coalition only. The model stays in HiGHS: a
neighbouring coalition (one member more or less) changes few bounds, and the dual simplex goes on from
the last basis.

Whether the model falls apart is read from the matrix for every coalition: a cap or target of the group
is a row with columns of both sides, and then the coalition is built alone.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.builder import POLICIES
from microgrid_opt.draft import Given
from microgrid_opt.formulations.access import IN, OUT
from microgrid_opt.ledger import CO2, COST, KG_PER_T
from microgrid_opt.references import PLACES, references
from microgrid_opt.solve.status import Status
from microgrid_opt.trading.coalition import CoalitionCost
from microgrid_opt.trading.form import takes_arcs
from microgrid_opt.trading.members import restricted
from microgrid_opt.trading.pairs import line_key, pairs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.park import Park
    from microgrid_opt.problem import Problem
    from microgrid_opt.solve.live import Live
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Solution
    from microgrid_opt.trading.coalition import Kind
    from microgrid_opt.trading.pairs import Pair

    Members = frozenset[str]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MOST_NONZEROS = 40_000
"""Size of the model of all up to which the live route is quicker than building each coalition alone. CPU
time of all coalitions, alone : live, of members with PV, battery and peak prices: 5 members and 72 h
1.7 : 0.6 s, 168 h (32,000 nonzeros) 4.6 : 2.6 s; 4 members and 336 h equal; at 2190 h (320,000) one step
from the last basis took 16 s by simplex, and a coalition of three built alone 6 s by interior point."""

INSIDE, OUTSIDE, JOINING, NOBODY = 1, 2, 3, 0
"""Whose a column is: bits of the two sides; nobody's is that of a rule of the park."""


class Parted:
    """A model of all members held by HiGHS; use it in a ``with`` statement.

    Parameters
    ----------
    problem
        The park with all its members.
    kind
        The game.
    sizes
        Sizes to hold by ``asset.size``; empty for the resized game.
    """

    def __init__(self, problem: Problem, kind: Kind, sizes: Mapping[str, float]) -> None:
        from microgrid_opt.model import build
        from microgrid_opt.solve.handoff import extract
        from microgrid_opt.solve.live import Live

        self._problem, self._kind = problem, kind
        self._draft: Draft = build(problem)
        matrix = hold_sizes(extract(self._draft.model), self._draft, sizes)
        self._matrix: Matrix = matrix
        self._live: Live = Live(matrix)
        self._pairs = pairs_of(problem)
        self._has_arcs = bool(self._pairs) and takes_arcs(problem, self._pairs)
        self._who = _who(problem.park, () if self._has_arcs else self._pairs)
        self._closed: set[int] = set()
        self._names = [_asset_of(block.name) for block in matrix.columns]
        self._constants, self._objection_to_money = _constants(self._draft, problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory of HiGHS."""
        self._live.close()

    @property
    def is_large(self) -> bool:
        """Whether building each coalition alone is quicker."""
        return self._matrix.nonzero_count > MOST_NONZEROS

    # ------------------------------------------------------------------ does it fall apart?

    def objection(self, members: Members) -> str:
        """Return why a coalition cannot be parted from the others here; empty when it can."""
        return next(self._objections(members), "")

    def _objections(self, members: Members) -> Iterator[str]:
        park = self._problem.park
        if self._matrix.is_mip:
            yield "the model has whole numbers"
        if park.carbon.needs_reference:
            yield "the cap of CO2 is relative to the coalition's own reference plan"
        if self._objection_to_money:
            yield self._objection_to_money
        others = frozenset(park.members) - members
        if not others:
            return
        side_of = self._side_of(members)
        kept: set[str] = set()
        for side in (members, others):
            part = restricted(self._problem, side).park
            kept |= part.assets.keys()
            for key, asset in part.assets.items():
                if asset is not park.assets[key] or side_of[key] == JOINING:
                    yield f"{key} is another one for a part of its users"
        joining = park.assets.keys() - kept
        for key in sorted(joining):
            if side_of[key] != JOINING:
                yield f"{key} is not there in a part, and joins nobody"
        for flow in self._draft.flows:
            if (
                flow.asset in joining
                and isinstance(flow.source, Given)
                and flow.source.values.any()
            ):
                yield f"{flow.asset} has flows that bounds cannot close"
        yield from self._objections_to_trades(members, side_of)
        row = self._parting(members)[1]
        if row >= 0:
            yield f"{self._matrix.row_name(row)} joins members inside and outside"

    def _objections_to_trades(self, members: Members, side_of: Mapping[str, int]) -> Iterator[str]:
        """Yield trades on other terms than in the model of all: another way, or another payee."""
        trading = self._problem.park.trading
        if trading is None:
            return
        if self._has_arcs:
            paid = {fee.paid_to for fee in trading.fees.values()}
            gone = paid & self._problem.park.members.keys() - members
            for name in sorted(gone):
                yield f"a fee is paid to {name}, who is outside"
            return
        whole = {pair.key: pair for pair in self._pairs}
        others = frozenset(self._problem.park.members) - members
        for side, who in ((INSIDE, members), (OUTSIDE, others)):
            found = {pair.key: pair for pair in pairs_of(restricted(self._problem, who))}
            if found.keys() != {key for key in whole if side_of[key] == side}:
                yield "trades of a part pay to members outside, or go over their lines"
            for key in found.keys() & whole.keys():
                if not _same_terms(found[key], whole[key]):
                    yield f"{key} has other terms in a part"

    def _parting(self, members: Members) -> tuple[Ints, int]:
        """Return the side of every column, shape (columns,), and a row across both sides or -1.

        Columns of nobody are on the side that they are joined to by rows of open columns.
        """
        m = self._matrix
        sides = np.zeros(m.column_count, dtype=np.int64)
        for block, side in zip(m.columns, self._block_sides(members), strict=True):
            sides[block.slice] = side
        used = (sides[m.index] != JOINING) & (m.value != 0.0)
        entry, column = m.entry_row[used], m.index[used]
        rows = np.zeros(m.row_count, dtype=np.int64)
        while True:
            np.bitwise_or.at(rows, entry, sides[column])
            across = np.flatnonzero(rows == INSIDE | OUTSIDE)
            if len(across):
                return sides, int(across[0])
            free = sides[column] == NOBODY
            reached = sides.copy()
            np.bitwise_or.at(reached, column[free], rows[entry[free]])
            if (reached == sides).all():
                return sides, -1
            sides = reached

    def _block_sides(self, members: Members) -> list[int]:
        """Return the side of every container of columns; what is closed joins both."""
        side_of = self._side_of(members)
        sides = [side_of.get(name, NOBODY) for name in self._names]
        if self._has_arcs:
            for number, block in enumerate(self._matrix.columns):
                meter = block.name.endswith((f".{IN}", f".{OUT}")) and sides[number] == OUTSIDE
                owned = self._names[number] in self._lines_of(members)
                if meter or owned:
                    sides[number] = JOINING
        return sides

    def _lines_of(self, members: Members) -> set[str]:
        """Return lines of the network that belong to members outside."""
        trading = self._problem.park.trading
        lines = {} if trading is None else trading.network.lines
        return {
            line_key(key)
            for key, line in lines.items()
            if line.owner is not None and line.owner not in members
        }

    def _side_of(self, members: Members) -> dict[str, int]:
        """Return the side of every asset and trade by name."""
        return {
            name: (INSIDE if who & members else 0) | (OUTSIDE if who - members else 0)
            for name, who in self._who.items()
        }

    # ------------------------------------------------------------------ solving

    def solve(self, members: Members) -> list[CoalitionCost]:
        """Return the cost of a coalition, and of those outside.

        Returns
        -------
        list of CoalitionCost
            Empty when the two together have no plan: one of them has none.
        """
        started = time.perf_counter()
        m = self._matrix
        closed = {
            number for number, side in enumerate(self._block_sides(members)) if side == JOINING
        }
        for number in closed ^ self._closed:
            block = m.columns[number]
            low, high = m.col_lower[block.slice], m.col_upper[block.slice]
            if number in closed:
                low = high = np.zeros(block.count)
            self._live.set_column(block.name, lower=low, upper=high)
        self._closed = closed
        outcome = self._live.solve()
        if outcome.status is not Status.OPTIMAL or outcome.solution is None:
            return []
        sides = self._parting(members)[0]
        seconds = time.perf_counter() - started
        others = frozenset(self._problem.park.members) - members
        answers = [self._answer(outcome.solution, sides, INSIDE, members, seconds)]
        if others and (len(others) == 1 or not self._has_arcs):
            answers.append(self._answer(outcome.solution, sides, OUTSIDE, others, 0.0))
        return answers

    def _answer(
        self, solution: Solution, sides: Ints, side: int, members: Members, seconds: float
    ) -> CoalitionCost:
        own = sides == side
        names = {name for name, who in self._who.items() if who <= members}
        cost = float(self._matrix.cost[own] @ solution.values[own])
        cost += sum(constant for name, constant in self._constants.items() if name in names)
        sizes = sizes_of(self._draft, self._matrix, solution, names)
        return CoalitionCost(
            members, self._kind, "optimal", cost, cost, 0.0, sizes, seconds, "live"
        )


def _same_terms(one: Pair, other: Pair) -> bool:
    charges = zip(one.charges, other.charges, strict=False)
    return (
        (one.delivered, len(one.charges)) == (other.delivered, len(other.charges))
        and one.way == other.way
        and all(np.array_equal(a.per_kwh, b.per_kwh) and a.fee == b.fee for a, b in charges)
    )


def hold_sizes(matrix: Matrix, draft: Draft, sizes: Mapping[str, float]) -> Matrix:
    """Return a model whose chosen sizes are held at values given by ``asset.size``."""
    lower, upper = matrix.col_lower.copy(), matrix.col_upper.copy()
    for record in draft.sizes:
        block = matrix.column_blocks.get(getattr(record.total, "name", ""))
        value = sizes.get(f"{record.asset}.{record.name}")
        if block is not None and value is not None:
            lower[block.slice] = upper[block.slice] = value
    return replace(matrix, col_lower=lower, col_upper=upper)


def sizes_of(
    draft: Draft, matrix: Matrix, solution: Solution, assets: set[str] | None = None
) -> dict[str, float]:
    """Return the sizes of a plan by ``asset.size``, of some assets or of all."""
    found = {}
    for record in draft.sizes:
        if assets is not None and record.asset not in assets:
            continue
        block = matrix.column_blocks.get(getattr(record.total, "name", ""))
        value = record.total if block is None else solution.values[block.start]
        found[f"{record.asset}.{record.name}"] = float(value)
    return found


def _who(park: Park, pairs: Sequence[Pair]) -> dict[str, Members]:
    """Return the members without whom an asset or a trade is not there.

    Of an asset its owner and those whose places it names; of a trade seller and buyer, the owners of the
    lines on its way, and those whom its fees are paid to.
    """
    found = {}
    for key, asset in park.assets.items():
        names = {name for _, kind, name in references(asset) if kind in PLACES}
        of_nodes = {park.nodes[name].member for name in names & park.nodes.keys()}
        who = (names & park.members.keys()) | {park.owner(key)}
        found[key] = frozenset(who | {name for name in of_nodes if name is not None})
    for pair in pairs:
        payees = {charge.paid_to for charge in pair.charges} & park.members.keys()
        found[pair.key] = frozenset({pair.seller, pair.buyer} | payees | _owners(park, pair))
    return found


def _owners(park: Park, pair: Pair) -> set[str]:
    assert park.trading is not None
    lines = park.trading.network.lines
    owners = (lines[leg.line].owner for leg in pair.way.legs)
    return {owner for owner in owners if owner is not None}


def _asset_of(column: str) -> str:
    """Return the asset or trade in the name of a column, ``member.asset.series``."""
    parts = column.split(".")
    return parts[1] if len(parts) > 2 else ""


def _constants(draft: Draft, problem: Problem) -> tuple[dict[str, float], str]:
    """Return what assets cost whatever the plan does, CO2 price included, and what stands against it.

    The price of CO2 is booked for the whole park at once; its constant part is that of the emissions
    which are booked as constants.
    """
    found: dict[str, float] = dict.fromkeys(problem.park.assets, 0.0)
    emitted: dict[str, float] = {}
    objection = ""
    price = 0.0
    for entry in draft.entries:
        constant = entry.amount.constant
        if entry.asset == POLICIES and entry.effect == COST:
            price += problem.park.carbon.price_per_t / KG_PER_T * entry.worth
            if entry.category != "co2_price" or entry.worth != 1.0:
                objection = f"{entry.category} is booked for all members at once"
        elif entry.asset not in found and constant:
            objection = f"{entry.category} of {entry.asset} is nobody's"
        elif entry.effect == COST and entry.asset in found:
            found[entry.asset] += constant
        elif entry.effect == CO2 and entry.asset in found:
            emitted[entry.asset] = emitted.get(entry.asset, 0.0) + constant
    for asset, kilograms in emitted.items():
        found[asset] += price * kilograms
    return found, objection
