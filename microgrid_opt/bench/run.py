"""One run of a reference case: our plan beside the reference and, where asked, beside the tool."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microgrid_opt.bench.cases import PARK
from microgrid_opt.bench.peers import Answer
from microgrid_opt.errors import InputError, MicrogridError
from microgrid_opt.results import DUST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.bench.cases import Case
    from microgrid_opt.bench.peers import Peer
    from microgrid_opt.bench.spec import Measure, ReferenceRun
    from microgrid_opt.results import Results

NOT_ASKED = "was not asked"


@dataclass(frozen=True)
class Check:
    """A figure of ours beside that of the reference."""

    name: str
    ours: float
    reference: float
    tolerance: float

    @property
    def difference(self) -> float:
        """(ours − reference) / |reference| [-]; the difference itself where the reference is 0."""
        return (self.ours - self.reference) / (abs(self.reference) or 1.0)

    @property
    def agrees(self) -> bool:
        """Whether they agree; beside 0 what a solver leaves of nothing does."""
        return abs(self.difference) <= (self.tolerance if self.reference else DUST)


@dataclass(frozen=True)
class Comparison:
    """What came of one run.

    Parameters
    ----------
    case, run, exercises
        What was compared.
    objective
        Our figure beside the reference: what the tool found just now where it ran, and else the one
        in ``expected.yaml``; ``None`` when there is no plan.
    others
        Sizes, totals and figures.
    seconds
        Wall time of building and solving ours [s].
    peer
        What the tool found; ``None`` when it was not asked.
    problems
        Why it failed, a sentence each; none when it passed or was left out.
    left_out
        Why it could not be compared.
    notes
        What is worth knowing besides.
    """

    case: str
    run: str
    exercises: str
    objective: Check | None = None
    others: tuple[Check, ...] = ()
    seconds: float | None = None
    peer: Answer | None = None
    problems: tuple[str, ...] = ()
    left_out: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool | None:
        """Whether ours agrees; ``None`` when nothing could be compared."""
        return None if self.left_out else not self.problems

    @property
    def sizes_agree(self) -> bool | None:
        """Whether all sizes, totals and figures agree; ``None`` when none is unique."""
        return all(check.agrees for check in self.others) if self.others else None


def compare(case: Case, run: str, peer: Peer, *, with_peer: bool) -> Comparison:
    """Solve one run of a case and hold it against its reference.

    Parameters
    ----------
    run
        Name of the run in ``expected.yaml``.
    peer
        Where other tools are installed, for inputs that are read from their packages.
    with_peer
        Whether to run the other tool as well.
    """
    plain = Comparison(case.name, run, case.expected.exercises)
    if not (case.missing_inputs or with_peer):
        return _compared(plain, case, Answer(problem=NOT_ASKED))
    with case.copied() as own:
        if own.missing_inputs:
            problem = peer.make_inputs(own)
            if problem:
                return replace(plain, left_out=f"inputs are missing: {problem}")
        answer = peer.run(own, run) if with_peer else Answer(problem=NOT_ASKED)
        return replace(_compared(plain, own, answer), peer=answer if with_peer else None)


def _compared(plain: Comparison, case: Case, answer: Answer) -> Comparison:
    expected, wanted = case.expected, case.expected.runs[plain.run]
    seconds: dict[str, float] = {}
    try:
        results, failures = _solved(case, wanted, wanted.profile or expected.profile, seconds)
        ours = measured(results, wanted.measure or expected.measure)
        others = tuple(_others(results, wanted, expected.size_tolerance))
    except (MicrogridError, KeyError) as error:
        return replace(plain, problems=(str(error.args[0] if error.args else error),))
    reference, notes, problems = wanted.objective, [], [f"audit: {line}" for line in failures]
    own = wanted.objective if wanted.peer_objective is None else wanted.peer_objective
    tolerance = wanted.tolerance or expected.tolerance
    if answer.objective is not None:
        again = Check("the tool, then and now", answer.objective, own, tolerance)
        if not again.agrees:
            notes.append(
                f"the tool now finds {answer.objective:.10g}, which was {own:.10g} in "
                f"{expected.source.version}"
            )
        if wanted.peer_objective is None:
            reference = answer.objective
        problems += _disagreements(case, wanted, answer, results)
    elif expected.peer is not None and answer.problem != NOT_ASKED:
        notes.append(f"{expected.source.tool}: {answer.problem}")
    objective = Check("objective", ours, reference, tolerance)
    problems += [
        f"{check.name} is {check.ours:.10g}, the reference {check.reference:.10g}"
        for check in (objective, *others)
        if not check.agrees
    ]
    return replace(
        plain,
        objective=objective,
        others=others,
        seconds=sum(seconds.get(phase, 0.0) for phase in ("build", "handoff", "solve")),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _solved(
    case: Case, wanted: ReferenceRun, profile: str, seconds: dict[str, float]
) -> tuple[Results, list[str]]:
    from microgrid_opt import study
    from microgrid_opt.problem import Problem

    problem = study.load(case.folder / PARK, scenario=wanted.scenario, sets=wanted.sets)
    if not isinstance(problem, Problem):
        raise InputError("a reference case cannot have stages: give a case for each.")
    results, audit = study.run(problem, study.Asked(profile), seconds=seconds)
    return results, [str(failure) for failure in audit.failures]


def _disagreements(
    case: Case, wanted: ReferenceRun, answer: Answer, results: Results
) -> Iterator[str]:
    """Yield sizes that are unique, of which the tool now says something else."""
    if wanted.peer_objective is not None:
        return
    for name, size in (answer.sizes or {}).items():
        if name not in wanted.sizes:
            continue
        check = Check(name, results.size(*name.split(".")), size, case.expected.size_tolerance)
        if not check.agrees:
            yield f"{name} is {check.ours:.10g}, the tool now finds {size:.10g}"


def _others(results: Results, wanted: ReferenceRun, tolerance: float) -> Iterator[Check]:
    for name, size in wanted.sizes.items():
        yield Check(name, results.size(*name.split(".")), size, tolerance)
    for name, total in wanted.totals.items():
        found = float(results.of(name) @ results.horizon.hours)
        yield Check(name, found, total, tolerance)
    for name, figure in wanted.figures.items():
        yield Check(name, _figure(results, name), figure, tolerance)


def measured(results: Results, measure: Measure) -> float:
    """Return the figure of a plan that stands beside a reference.

    Raises
    ------
    InputError
        A figure or a booking that the plan does not have.
    """
    if measure.figure is not None:
        return _figure(results, measure.figure) * measure.times + measure.plus
    ledger = results.ledger[results.ledger["effect"] == measure.effect]
    names = [ledger["asset"], ledger["category"], ledger["asset"] + "." + ledger["category"]]
    counted = ledger["amount"].notna()
    for words, inside in ((measure.only, True), (measure.without, False)):
        hits = [name.isin(words) for name in names]
        known = set().union(*(name.unique() for name in names))
        if unknown := [word for word in words if word not in known]:
            raise InputError(f"The ledger has no {', '.join(unknown)}: it has {sorted(known)}.")
        if words:
            hit = hits[0] | hits[1] | hits[2]
            counted &= hit if inside else ~hit
    return math.fsum(ledger.loc[counted, "amount"]) * measure.times + measure.plus


def _figure(results: Results, name: str) -> float:
    asset, _, figure = name.partition(".")
    rows = results.details
    found = rows.loc[(rows["asset"] == asset) & (rows["name"] == figure), "value"]
    if len(found) != 1:
        raise InputError(f"The plan has no single figure {name}.")
    return float(found.iloc[0])
