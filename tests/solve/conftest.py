from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.base import constraint as pyomo_constraint
from pyomo.core.expr.numeric_expr import LinearExpression

from microgrid_opt.solve.matrix import Block, Matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def templates_on() -> Iterator[None]:
    """Build the constraints inside as templates, as the builder does."""
    before = pyomo_constraint.TEMPLATIZE_CONSTRAINTS
    pyomo_constraint.TEMPLATIZE_CONSTRAINTS = True
    try:
        yield
    finally:
        pyomo_constraint.TEMPLATIZE_CONSTRAINTS = before


def fill(model: Any, name: str, values: Any) -> Any:
    parameter = pyo.Param(model.T, within=pyo.Any)
    model.add_component(name, parameter)
    parameter._data.update(enumerate(values.tolist()))
    return parameter


def build_park(hours: int, *, sites: int = 3, commitment: bool = False, seed: int = 7) -> Any:
    """Return a park of `sites` members with PV, wind, gas, battery and grid, `hours` long."""
    rng = np.random.default_rng(seed)
    m = pyo.ConcreteModel()
    m.T = pyo.RangeSet(0, hours - 1)
    clock = np.arange(hours)
    fill(m, "previous", (clock - 1) % hours)
    fill(m, "month", clock * 12 // hours)
    m.M = pyo.RangeSet(0, 11)
    price = fill(m, "price", 0.3 + 0.2 * np.sin(clock / 24 * 6.283) + 0.1 * rng.random(hours))
    cost: list[tuple[Any, Any]] = []
    with templates_on():
        for s in range(sites):
            block = pyo.Block(concrete=True)
            m.add_component(f"site{s}", block)
            _site(m, block, hours, rng, cost, price, commitment=commitment)
        scale = 8760 / hours
        coefficients: list[float] = []
        members: list[Any] = []
        for container, weight in cost:
            weights = np.broadcast_to(np.asarray(weight, float) * scale, len(container))
            coefficients += weights.tolist()
            members += list(container.values())
        imports = [m.component(f"site{s}").grid_import[t] for s in range(sites) for t in m.T]
        cap = LinearExpression(
            constant=0.0, linear_coefs=[0.5 * scale] * len(imports), linear_vars=imports
        )
        m.co2_cap = pyo.Constraint(expr=cap <= 0.2 * 1000 * 8760 * sites)
    m.cost = pyo.Objective(
        expr=LinearExpression(constant=12.5, linear_coefs=coefficients, linear_vars=members)
    )
    return m


def _site(
    m: Any, b: Any, hours: int, rng: Any, cost: list[Any], price: Any, *, commitment: bool
) -> None:
    clock = np.arange(hours)
    sun = np.maximum(0, np.sin((clock % 24 - 6) / 12 * np.pi)) * rng.uniform(0.3, 1, hours)
    b.T = pyo.RangeSet(0, hours - 1)
    for name, values in (
        ("sun", sun),
        ("wind", rng.beta(2, 4, hours)),
        ("load", 800 + 300 * np.sin(clock / 24 * 6.283) + 100 * rng.random(hours)),
    ):
        parameter = pyo.Param(b.T, within=pyo.Any)
        b.add_component(name, parameter)
        parameter._data.update(enumerate(values.tolist()))
    for name in (
        "pv",
        "wind_power",
        "gas",
        "charge",
        "discharge",
        "soc",
        "grid_import",
        "grid_export",
    ):
        b.add_component(name, pyo.Var(m.T, within=pyo.NonNegativeReals))
    for name, high in (("pv_kw", 5e3), ("wind_kw", 5e3), ("bat_kwh", 2e4), ("gas_kw", 2e3)):
        b.add_component(name, pyo.Var(bounds=(0, high)))
    b.peak = pyo.Var(m.M, within=pyo.NonNegativeReals)
    rules: dict[str, Callable[[Any, Any], Any]] = {
        "pv_limit": lambda _, t: b.pv[t] <= b.sun[t] * b.pv_kw,
        "wind_limit": lambda _, t: b.wind_power[t] <= b.wind[t] * b.wind_kw,
        "charge_limit": lambda _, t: b.charge[t] <= 0.5 * b.bat_kwh,
        "discharge_limit": lambda _, t: b.discharge[t] <= 0.5 * b.bat_kwh,
        "soc_limit": lambda _, t: b.soc[t] <= b.bat_kwh,
        "soc_balance": lambda _, t: (
            b.soc[t] == 0.999 * b.soc[m.previous[t]] + 0.95 * b.charge[t] - b.discharge[t] / 0.95
        ),
        "balance": lambda _, t: (
            b.pv[t] + b.wind_power[t] + b.gas[t] + b.discharge[t] + b.grid_import[t]
            == b.load[t] + b.charge[t] + b.grid_export[t]
        ),
        "peak_limit": lambda _, t: b.grid_import[t] <= b.peak[m.month[t]],
    }
    if commitment:
        b.on = pyo.Var(m.T, within=pyo.Binary)
        rules["gas_limit"] = lambda _, t: b.gas[t] <= 600 * b.on[t]
        rules["gas_minimum"] = lambda _, t: b.gas[t] >= 300 * b.on[t]
    else:
        rules["gas_limit"] = lambda _, t: b.gas[t] <= b.gas_kw
    for name, rule in rules.items():
        b.add_component(name, pyo.Constraint(m.T, rule=rule))
    prices = np.fromiter(price._data.values(), float, hours)
    cost += [(b.grid_import, prices), (b.grid_export, -0.3 * prices), (b.gas, 0.33)]
    if commitment:
        cost.append((b.on, 20.0))
    scale = hours / 8760
    cost += [(b.pv_kw, 350 * scale), (b.wind_kw, 800 * scale), (b.bat_kwh, 25 * scale)]
    cost += [(b.gas_kw, 60 * scale), (b.peak, 8.0 * scale)]


@pytest.fixture
def park() -> Callable[..., Any]:
    return build_park


@pytest.fixture
def templated() -> Iterator[None]:
    """Constraints that the test builds are kept as templates."""
    with templates_on():
        yield


@pytest.fixture(scope="session")
def hard() -> Matrix:
    """Return a covering problem in 300 integers that has plans at once and no proof for minutes."""
    rng = np.random.default_rng(0)
    columns, rows, width = 300, 200, 10
    index = np.array([np.sort(rng.choice(columns, width, replace=False)) for _ in range(rows)])
    return Matrix(
        cost=rng.uniform(1, 10, columns),
        offset=0.0,
        maximize=False,
        start=np.arange(0, rows * width + 1, width, dtype=np.int32),
        index=index.ravel().astype(np.int32),
        value=rng.uniform(1, 10, rows * width),
        row_lower=rng.uniform(50, 100, rows),
        row_upper=np.full(rows, np.inf),
        col_lower=np.zeros(columns),
        col_upper=np.full(columns, 10.0),
        integrality=np.ones(columns, np.uint8),
        columns=(Block("x", 0, columns, list(range(columns))),),
        rows=(Block("row", 0, rows, list(range(rows))),),
    )
