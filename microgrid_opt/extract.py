"""From the solver's arrays back to tables: the only place that knows both the model and results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from microgrid_opt.bill.of_plan import bill_of_plan
from microgrid_opt.builder import Builder
from microgrid_opt.draft import Given
from microgrid_opt.ledger import EFFECTS
from microgrid_opt.results import AssetResults, Results
from microgrid_opt.trading.pairs import trade_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from microgrid_opt.draft import Draft
    from microgrid_opt.problem import Problem
    from microgrid_opt.results import Run
    from microgrid_opt.solve.matrix import Matrix
    from microgrid_opt.solve.status import Solution

    Values = Callable[[Any], NDArray[np.float64]]

BINDING = 1e-6
"""A cap binds when its slack is below this share of the limit or of the value [-]."""


def extract(
    problem: Problem, draft: Draft, matrix: Matrix, solution: Solution, run: Run
) -> Results:
    """Return the tables of one solution.

    Parameters
    ----------
    problem, draft, matrix
        What was solved.
    solution
        Values of all columns, and duals of all rows where there are any.
    run
        How the solution came about.
    """
    values = _reader(matrix, solution)
    columns, series, monthly = _series(problem, draft, values)
    flows, factors = _flows(draft)
    park = problem.park
    carriers = _carriers(problem, draft, series)
    results = Results(
        name=problem.title,
        currency=park.currency,
        horizon=problem.horizon,
        run=run,
        columns=columns,
        series=series,
        monthly=monthly,
        flows=flows,
        factors=factors,
        sizes=_sizes(problem, draft, values),
        energy=_energy(problem, draft, series, carriers),
        ledger=_ledger(draft, values, park.currency),
        caps=_caps(draft, values, matrix, solution, park.currency),
        prices=_prices(problem, draft, matrix, solution),
        details=pd.DataFrame(columns=["asset", "name", "value", "unit"]),
        carriers=carriers,
        labels={
            **{key: member.label or key for key, member in park.members.items()},
            **{key: node.label or key for key, node in park.nodes.items()},
            **{key: asset.label or key for key, asset in park.assets.items()},
            **trade_labels(problem),
        },
    )
    return _with_details(results, problem)


def _reader(matrix: Matrix, solution: Solution) -> Values:
    blocks = matrix.column_blocks

    def values(container: Any) -> NDArray[np.float64]:
        return np.asarray(solution.values[blocks[container.name].slice])

    return values


def _series(
    problem: Problem, draft: Draft, values: Values
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    horizon = problem.horizon
    index = pd.DatetimeIndex(horizon.stamps, name="stamp")
    by_step: dict[str, NDArray[np.float64]] = {}
    by_month: dict[str, NDArray[np.float64]] = {}
    rows = []
    for column in draft.columns:
        rows.append((column.key, column.member, column.asset, column.name, column.unit))
        held = column.source.values if isinstance(column.source, Given) else values(column.source)
        if column.integer:
            held = np.round(held)
        (by_step if column.every == "step" else by_month)[column.key] = held
    return (
        pd.DataFrame(rows, columns=["key", "member", "asset", "name", "unit"]),
        pd.DataFrame(by_step, index=index),
        pd.DataFrame(by_month, index=pd.Index(horizon.month_labels, name="month", dtype=str)),
    )


def _flows(draft: Draft) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = []
    varying: dict[str, NDArray[np.float64]] = {}
    for number, flow in enumerate(draft.flows):
        factor = np.asarray(flow.factor, dtype=float)
        if factor.ndim:
            varying[str(number)] = factor
        rows.append(
            (
                flow.member,
                flow.place,
                flow.asset,
                flow.carrier,
                flow.sign,
                flow.column,
                float("nan") if factor.ndim else float(factor),
                flow.role,
                flow.renewable,
            )
        )
    names = ["member", "place", "asset", "carrier", "sign", "column", "factor", "role"]
    names += ["renewable"]
    steps = range(len(draft.horizon))
    return pd.DataFrame(rows, columns=names), pd.DataFrame(varying, index=steps)


def _sizes(problem: Problem, draft: Draft, values: Values) -> pd.DataFrame:
    rows = []
    for record in draft.sizes:
        chosen = Builder.is_choice(record.total)
        total = float(values(record.total)[0]) if chosen else float(record.total)
        spec = record.spec
        rows.append(
            (
                record.member,
                record.asset,
                record.name,
                type(spec).unit,
                total,
                record.new.value(values),
                problem.stands(record.asset, record.name, spec),
                float(spec.lower),
                float("nan") if spec.upper is None else float(spec.upper),
                chosen,
                record.capex.value(values),
                record.annual.value(values),
                record.fixed_om.value(values),
            )
        )
    names = [
        "member",
        "asset",
        "size",
        "unit",
        "total",
        "new",
        "existing",
        "minimum",
        "maximum",
        "chosen",
        "capex",
        "annual_cost",
        "fixed_om",
    ]
    return pd.DataFrame(rows, columns=names)


def _carriers(problem: Problem, draft: Draft, series: pd.DataFrame) -> pd.DataFrame:
    park, hours = problem.park, problem.horizon.hours
    held = {
        name: park.carrier(name) for name in dict.fromkeys(flow.carrier for flow in draft.flows)
    }
    figure = park.carbon.intensity
    consumed = dict.fromkeys(held, 0.0 if figure else float("nan"))
    if figure is not None:
        for flow, sign in zip(draft.flows, figure.signs(draft.flows, held), strict=True):
            if sign:
                flowing = flow.factor * series[flow.column].to_numpy()
                consumed[flow.carrier] += sign * float(flowing @ hours)
    rows = [
        (
            name,
            carrier.unit,
            carrier.flow_unit,
            carrier.content_kwh_per_unit,
            float("nan") if figure is None else figure.factor(name, carrier),
            consumed[name],
        )
        for name, carrier in held.items()
    ]
    names = ["carrier", "unit", "flow_unit", "energy_kwh_per_unit", "kgce_per_unit", "consumed"]
    return pd.DataFrame(rows, columns=names)


def _energy(
    problem: Problem, draft: Draft, series: pd.DataFrame, carriers: pd.DataFrame
) -> pd.DataFrame:
    content = dict(zip(carriers["carrier"], carriers["energy_kwh_per_unit"], strict=True))
    unit = dict(zip(carriers["carrier"], carriers["unit"], strict=True))
    hours = problem.horizon.hours
    totals: dict[tuple[str, str, str, str, str, bool], list[float]] = {}
    for flow in draft.flows:
        amount = float((flow.factor * series[flow.column].to_numpy()) @ hours)
        key = (flow.member, flow.place, flow.asset, flow.carrier, flow.role, flow.renewable)
        totals.setdefault(key, [0.0, 0.0])[0 if flow.sign > 0 else 1] += amount
    rows = [
        (*key, unit[key[3]], *both, *(amount * content[key[3]] for amount in both))
        for key, both in totals.items()
    ]
    names = ["member", "place", "asset", "carrier", "role", "renewable", "unit"]
    names += ["supplied", "drawn", "supplied_kwh", "drawn_kwh"]
    return pd.DataFrame(rows, columns=names)


def _ledger(draft: Draft, values: Values, currency: str) -> pd.DataFrame:
    rows = []
    for entry in draft.entries:
        unit = EFFECTS[entry.effect].unit.replace("currency", currency)
        amount = entry.amount.value(values)
        who = (entry.member, entry.asset, entry.category, entry.effect)
        rows.append((*who, unit, amount, entry.worth))
    names = ["member", "asset", "category", "effect", "unit", "amount", "worth"]
    return pd.DataFrame(rows, columns=names)


def _caps(
    draft: Draft, values: Values, matrix: Matrix, solution: Solution, currency: str
) -> pd.DataFrame:
    rows = []
    for cap in draft.caps:
        value, scale = cap.amount.value(values), cap.amount.gross(values)
        slack = cap.limit - value
        if cap.whole is not None:
            slack = -cap.form.value(values)
            whole = cap.whole.value(values)
            value = value / whole if whole else float("nan")
        slack = slack if cap.sense == "<=" else -slack
        scale = max(1.0, abs(cap.limit), scale)
        price = float("nan")
        if solution.row_duals is not None and cap.row in matrix.row_blocks:
            price = abs(float(solution.row_duals[matrix.row_blocks[cap.row].start]))
        rows.append(
            (
                cap.name,
                cap.member,
                cap.description,
                cap.sense,
                cap.limit,
                value,
                cap.unit,
                bool(slack <= BINDING * scale),
                price,
                f"{currency}/{cap.row_unit}",
            )
        )
    names = ["name", "member", "description", "sense", "limit", "value", "unit", "binding"]
    return pd.DataFrame(rows, columns=[*names, "shadow_price", "price_unit"])


def _prices(problem: Problem, draft: Draft, matrix: Matrix, solution: Solution) -> pd.DataFrame:
    index = pd.DatetimeIndex(problem.horizon.stamps, name="stamp")
    prices: dict[str, NDArray[np.float64]] = {}
    if solution.row_duals is not None:
        for (place, carrier), row in draft.balances.items():
            # The balance reads supply − demand = 0: one more unit drawn lowers its right-hand side
            # from 0 to +1 on the demand side, so the dual is the cost of that unit per hour.
            duals = solution.row_duals[matrix.row_blocks[row].slice]
            prices[f"{place}.{carrier}"] = duals / problem.horizon.hours
    return pd.DataFrame(prices, index=index)


def _with_details(results: Results, problem: Problem) -> Results:
    rows = []
    for key, asset in problem.park.assets.items():
        view = AssetResults(results, problem.park.owner(key), key, problem.arrays)
        for name, quantity in asset.summary(view).items():
            rows.append((key, name, quantity.value, quantity.unit))
    details = pd.DataFrame(rows, columns=["asset", "name", "value", "unit"])
    return replace(results, details=details, bill=bill_of_plan(results, problem))
