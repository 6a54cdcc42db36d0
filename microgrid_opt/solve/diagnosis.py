"""Infeasibility in a planner's words: which limit, where, when, by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microgrid_opt.solve.explain import explain

if TYPE_CHECKING:
    from microgrid_opt.draft import Draft
    from microgrid_opt.solve.explain import Conflict
    from microgrid_opt.solve.matrix import Matrix

SHOWN = 5


def diagnose(draft: Draft, matrix: Matrix) -> str:
    """Return why no plan exists: the caps that cannot be met, else the balances that fall short.

    Parameters
    ----------
    draft, matrix
        The infeasible model.
    """
    caps = {cap.row: cap for cap in draft.caps}
    conflicts = explain(matrix, soft_rows=tuple(caps))
    if not conflicts:
        return (
            "No plan can meet all limits at once, and loosening limits one by one found no small "
            "set to blame: check sizes, connection limits and integer units together."
        )
    by_cap = [conflict for conflict in conflicts if conflict.name in caps]
    if by_cap:
        lines = [_cap_line(draft, conflict) for conflict in by_cap]
        head = "No plan can meet these limits together with everything else in the park:"
    else:
        lines = _step_lines(draft, conflicts)
        head = (
            "No plan can serve the park within the sizes and limits given. The least that would "
            "have to give way:"
        )
    return "\n- ".join([head, *lines])


def _cap_line(draft: Draft, conflict: Conflict) -> str:
    cap = next(cap for cap in draft.caps if cap.row == conflict.name)
    off = f"{conflict.amount:,.4g} {cap.row_unit}"
    if not conflict.proven:
        return (
            f"{cap.description}: the limit is {cap.limit:,.6g} {cap.unit}; by how much every plan "
            f"misses it was not found in time ({off} would do)."
        )
    if cap.whole is not None:
        return f"{cap.description}: every plan misses it by {off} over the horizon or more."
    best = cap.limit + conflict.amount if cap.sense == "<=" else cap.limit - conflict.amount
    return (
        f"{cap.description}: the limit is {cap.limit:,.6g} {cap.unit} over the horizon, the best "
        f"that any plan reaches is {best:,.6g} {cap.unit}: off by {off}."
    )


def _step_lines(draft: Draft, conflicts: list[Conflict]) -> list[str]:
    """Return a line per container: how many steps, how much, and the worst one."""
    groups: dict[str, list[Conflict]] = {}
    for conflict in conflicts:
        groups.setdefault(conflict.name, []).append(conflict)
    balances = {row: key for key, row in draft.balances.items()}
    lines = []
    for name, group in groups.items():
        worst = max(group, key=lambda conflict: conflict.amount)
        when = ""
        if isinstance(worst.key, int) and worst.key < len(draft.horizon):
            when = f", worst at {draft.horizon.stamps[worst.key]}"
        least = "" if worst.proven else ", or less: the search was cut short"
        steps = f"in {len(group)} steps" if len(group) > 1 else "in one step"
        if name in balances:
            place, carrier = balances[name]
            unit = draft.flow_units(carrier)
            what = "short" if worst.side == "lower" else "in surplus with no outlet"
            lines.append(
                f"{carrier} of {place} is {what} {steps}{when}: by {worst.amount:,.4g} {unit}{least}."
            )
        else:
            lines.append(
                f"{name} {steps}{when}: limit {worst.limit:,.6g}, off by {worst.amount:,.4g}."
            )
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"… and {more} more."] if more > 0 else lines
