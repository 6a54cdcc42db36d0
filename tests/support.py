"""What the tests of the whole pipeline share: park texts, and solving them in every way there is."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from textwrap import dedent, indent
from typing import TYPE_CHECKING

from microgrid_opt import study, yamlio
from microgrid_opt.store import encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microgrid_opt.audit import Audit
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Results

EXACT = study.Asked("test")
FINANCE = "{discount_rate: 0, project_years: 10, annuity: straight_line, investment_scaling: full}"
"""Without interest and scaling: capex 10 over 10 years costs 1 in any horizon."""


def park(assets: str, *, hours: float = 2, **sections: str) -> str:
    """Return the text of a park; `assets` in block style, other sections as YAML values."""
    head = {
        "schema": "1",
        "name": "Test park",
        "currency": "CNY",
        "site": "{timezone: Etc/GMT-8}",
        "horizon": f"{{start: 2025-03-03, hours: {hours}}}",
        "finance": FINANCE,
    }
    lines = [f"{key}: {value}" for key, value in (head | sections).items()]
    return "\n".join([*lines, "assets:", indent(dedent(assets).strip("\n"), "  "), ""])


def day(*values: float) -> str:
    """Return a daily shape as YAML whose first hours are `values`; the rest of the day is 0."""
    return f"{{hourly: {[*values, *[0] * (24 - len(values))]}}}"


def problem_of(text: str) -> Problem:
    """Return the problem that a park's text states."""
    return study.resolve(yamlio.loads(text, "park.yaml"))


def solve_text(text: str, *, reference_co2_kg: float | None = None) -> tuple[Results, Audit]:
    """Return the proven optimum of a park's text, and its audit."""
    return study.run(problem_of(text), EXACT, reference_co2_kg=reference_co2_kg)


def untimed(results: Results) -> Results:
    """Return results without the seconds that the solver took."""
    stages = tuple(replace(stage, seconds=0.0) for stage in results.run.stages)
    return replace(results, run=replace(results.run, seconds=0.0, stages=stages))


def assert_same(one: Results, other: Results) -> None:
    """Assert that two results are the same to the last bit, but for the time they took."""
    assert encoding.equal(untimed(one), untimed(other))


def dumped(problem: Problem) -> str:
    """Return a validated park as text; JSON is YAML."""
    return json.dumps(problem.park.model_dump(mode="json", by_alias=True), ensure_ascii=False)


def solved(text: str) -> Results:
    """Return the optimum of a park after all that must hold for every park has been asserted.

    The audit passes; the ledger adds up to the objective; the validated park, written down and read
    again, is the same park with the same results.
    """
    problem = problem_of(text)
    results, audit = study.run(problem, EXACT)
    audit.require()
    assert math.isclose(results.cost, results.run.objective, rel_tol=1e-9, abs_tol=1e-6)
    again = problem_of(dumped(problem))
    assert again.park == problem.park
    assert_same(results, study.run(again, EXACT)[0])
    return results


def planned(text: str, *, options: Sequence[str] = ()) -> study.Plan:
    """Return plan and reference plan of a park's text, both audited."""
    plan = study.solve(problem_of(text), profile="test", options=options)
    plan.audit.require()
    if plan.reference_audit is not None:
        plan.reference_audit.require()
    return plan


def bill(results: Results, asset: str, category: str, effect: str = "cost") -> float:
    """Return the ledger's sum of one asset's category."""
    rows = results.ledger
    chosen = (rows["asset"] == asset) & (rows["category"] == category) & (rows["effect"] == effect)
    return float(rows.loc[chosen, "amount"].sum())


def shadow_price(results: Results, cap: str) -> float:
    """Return what one more unit of a cap's limit would save."""
    (row,) = results.caps[results.caps["name"] == cap].to_dict("records")
    return float(row["shadow_price"])
