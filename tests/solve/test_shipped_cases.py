"""The two readings of the model agree on every shipped case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt.model import build
from microgrid_opt.pathway.plan import _Job
from microgrid_opt.problem import Problem
from microgrid_opt.solve import handoff
from microgrid_opt.solve.handoff import extract
from microgrid_opt.solve.reference import assert_same, extract_reference
from microgrid_opt.study import case_names, load
from tests.support import EXACT

if TYPE_CHECKING:
    from microgrid_opt.pathway.problem import StagedProblem

READ_TWICE = {"minimal", "neighbours", "shared_storage", "wind_pv_hydrogen", "hydrogen_hub"}
"""Whole horizons of these are read a second time, entry by entry; sixty hours of all are elsewhere."""


@pytest.mark.slow
@pytest.mark.parametrize("case", case_names())
def test_hand_off_of_shipped_case(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the arrays that HiGHS gets are the model that the assets wrote, entry by entry.

    Sensitivity: also that no rule of a shipped asset falls back to slow row-by-row reading.
    """
    model = written(load(case))
    singly = handoff._singly
    most: list[int] = []
    monkeypatch.setattr(
        handoff,
        "_singly",
        lambda entries, *rest: most.append(len(entries)) or singly(entries, *rest),
    )
    matrix = extract(model)
    assert max(most) == 1
    if case in READ_TWICE:
        assert_same(matrix, extract_reference(model))


def written(problem: Problem | StagedProblem) -> Any:
    """Return the model of a case, of all stages at once if it has any."""
    if isinstance(problem, Problem):
        return build(problem, reference_co2_kg=1e6).model
    return _Job(problem, problem.stages, {}, EXACT, {}, {}).write()[0]
