"""The only file in which the Pyomo model is written: variables, rules, balances, ledger, caps.

An asset or policy sees one `Builder`, already scoped to its member and its own name. Each call is
the single declaration of what it names: a series is a variable, a result column and a unit; a
supply is a balance term and an energy row; a booking is an objective term, a cost row, a CO2 row.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from microgrid_opt.draft import Cap, Column, Draft, Flow, Given, Inside, Rounding
from microgrid_opt.errors import Finding, InfeasibleError, InputError
from microgrid_opt.formulations.indexed import Always
from microgrid_opt.formulations.sizing import write_size
from microgrid_opt.ledger import CO2, COST, EFFECTS, Entry, Linear
from microgrid_opt.solve.containersum import ContainerSum
from microgrid_opt.solve.modelling import pyo, pyomo_constraint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from microgrid_opt.draft import Role
    from microgrid_opt.fields import Size
    from microgrid_opt.finance.spec import Finance
    from microgrid_opt.formulations.access import Meterpoint
    from microgrid_opt.formulations.sizing import SizeRecord
    from microgrid_opt.formulations.vintages import History
    from microgrid_opt.horizon import Horizon

BALANCE = "balance"
POLICIES = "policies"


class Builder:
    """The pen of one asset or policy; see the module's text.

    Parameters
    ----------
    draft
        The model under construction.
    member, asset
        Whose variables, rules and bookings these are.
    path
        Key under which the asset's resolved series stand in the problem.
    place
        Where its balances are held: a node, or the member when left out.
    """

    def __init__(
        self, draft: Draft, member: str, asset: str, path: str, place: str | None = None
    ) -> None:
        self._draft = draft
        self.member = member
        self.asset = asset
        self.place = place or member
        self._path = path
        self._block = self._child(self._child(draft.model, member), asset)

    @staticmethod
    def _child(parent: Any, name: str) -> Any:
        block = parent.component(name)
        if block is None:
            block = pyo.Block(concrete=True)
            parent.add_component(name, block)
        return block

    @property
    def horizon(self) -> Horizon:
        """The time axis."""
        return self._draft.horizon

    @property
    def finance(self) -> Finance:
        """The owner's terms: discount rate, project life, annuity rule, taxes."""
        return self._draft.finance_of(self.member)

    @property
    def history(self) -> History | None:
        """What earlier stages left, in a stage of a pathway."""
        return None if self._draft.inside is None else self._draft.inside.history

    def data(self, name: str) -> NDArray[np.float64]:
        """Return this asset's resolved series ``name``, shape (n,), in the unit of its key."""
        return self._draft.arrays[f"{self._path}.{name}"]

    def has_data(self, name: str) -> bool:
        """Return whether this asset was given the optional series ``name``."""
        return f"{self._path}.{name}" in self._draft.arrays

    def flow_unit(self, carrier: str) -> str:
        """Return the unit of a carrier's flows: kW or kg/h."""
        return self._draft.flow_units(carrier)

    @property
    def trades(self) -> bool:
        """Whether members of the park trade with each other over a network."""
        return self._draft.trades

    def meter(self, point: Meterpoint) -> None:
        """Tell the trades of the park about a meter."""
        self._draft.meters.append(point)

    def written(self, name: str) -> Any:
        """Return a series that this asset has written before."""
        return self._block.component(name)

    # ------------------------------------------------------------------ variables and parameters

    def series(
        self,
        name: str,
        *,
        unit: str,
        upper: Any = None,
        profile: float | NDArray[np.float64] | None = None,
        lower: float | NDArray[np.float64] = 0.0,
        binary: bool = False,
        integer: bool = False,
    ) -> Any:
        """Return a variable for each step, which is also the result column ``name`` in ``unit``.

        Parameters
        ----------
        upper
            Number, array of shape (n,), or the result of `size`; ``None`` for no limit.
        profile
            Share of ``upper`` that each step allows [-], number or shape (n,).
        lower
            Smallest value, number or shape (n,).
        binary, integer
            Domain of the variable.
        """
        steps = self._draft.model.steps
        from_zero = np.ndim(lower) == 0 and lower == 0.0
        domain = pyo.Binary if binary else pyo.NonNegativeIntegers if integer else pyo.Reals
        variable = pyo.Var(
            steps, within=pyo.NonNegativeReals if domain is pyo.Reals and from_zero else domain
        )
        self._block.add_component(name, variable)
        members = variable._data.values()
        n = len(self.horizon)
        if not from_zero:
            for member, low in zip(members, np.broadcast_to(lower, n).tolist(), strict=True):
                member._lb = low
        if upper is not None and not self.is_choice(upper):
            limit = np.broadcast_to(np.asarray(upper, dtype=float), n)
            limit = limit if profile is None else limit * profile
            for member, high in zip(members, limit.tolist(), strict=True):
                member._ub = high
        elif upper is not None:
            share = self.param(f"{name}_profile", 1.0 if profile is None else profile)
            self.require(f"{name}_limit", lambda t: variable[t] <= share[t] * upper)
        self._column(name, unit, variable, integer=binary or integer)
        return variable

    def monthly(
        self,
        name: str,
        *,
        unit: str,
        upper: float | NDArray[np.float64] | None = None,
        binary: bool = False,
    ) -> Any:
        """Return a non-negative variable for each billing month of the horizon.

        Parameters
        ----------
        upper
            Number or array of shape (months,); ``None`` for no limit.
        binary
            Whether it is 0 or 1.
        """
        domain = pyo.Binary if binary else pyo.NonNegativeReals
        variable = pyo.Var(self._draft.model.months, within=domain)
        self._block.add_component(name, variable)
        if upper is not None:
            limits = np.broadcast_to(np.asarray(upper, float), len(variable)).tolist()
            for member, high in zip(variable._data.values(), limits, strict=True):
                member._ub = high if np.isfinite(high) else None
        self._column(name, unit, variable, every="month", integer=binary)
        return variable

    def scalar(
        self,
        name: str,
        *,
        lower: float = 0.0,
        upper: float | None = None,
        integer: bool = False,
    ) -> Any:
        """Return one variable."""
        variable = pyo.Var(within=pyo.Integers if integer else pyo.Reals, bounds=(lower, upper))
        self._block.add_component(name, variable)
        return variable

    def given(self, name: str, values: NDArray[np.float64], *, unit: str) -> Given:
        """Return a known series as a result column that can be supplied or drawn."""
        given = Given(name, np.asarray(values, dtype=float))
        self._column(name, unit, given)
        return given

    def param(self, name: str, values: float | NDArray[np.float64] | NDArray[np.int64]) -> Any:
        """Return ``values`` as something that a rule can index with a step."""
        array = np.asarray(values)
        if array.ndim == 0 or (array.dtype.kind == "f" and (array == array[0]).all()):
            return Always(float(array.flat[0]))
        parameter = pyo.Param(self._draft.model.steps, within=pyo.Any)
        self._block.add_component(name, parameter)
        # The values are numbers of a checked array; Pyomo's own per-entry checks cost 30 times this.
        parameter._data.update(enumerate(array.tolist()))
        return parameter

    def size(self, name: str, spec: Size) -> Any:
        """Return a given size as a number or a chosen one as a variable; its cost is booked."""
        record = write_size(self, name, spec)
        self._draft.sizes.append(record)
        return record.total

    def sizes(self) -> list[SizeRecord]:
        """Return the sizes of this asset that were written so far."""
        return [record for record in self._draft.sizes if record.asset == self.asset]

    @staticmethod
    def is_choice(value: Any) -> bool:
        """Return whether ``value`` is a variable rather than a number or an array."""
        return hasattr(value, "is_variable_type") and value.is_variable_type()

    def upper_bound(self, value: Any) -> float | None:
        """Return the declared upper bound of a size, given or chosen; ``None`` if unlimited."""
        if not self.is_choice(value):
            return float(value)
        return None if value.ub is None else float(value.ub)

    # ------------------------------------------------------------------ time

    @property
    def previous(self) -> Any:
        """The step before each step, as an index for rules; the first one's is the last one."""
        return self._draft.model.previous

    @property
    def month(self) -> Any:
        """The billing month of each step, as an index for rules."""
        return self._draft.model.month

    @property
    def after_first(self) -> NDArray[np.int64]:
        """All steps but the first, for `require`."""
        return np.arange(1, len(self.horizon), dtype=np.int64)

    # ------------------------------------------------------------------ rules

    def require(
        self,
        name: str,
        rule: Callable[[Any], Any],
        *,
        over: NDArray[np.int64] | None = None,
    ) -> None:
        """Add the constraint ``rule(t)`` for every step, or for the steps in ``over``."""
        if over is not None and len(over) == 0:
            return
        index = self._draft.model.steps if over is None else self._subset(over)
        self._constraint(name, pyo.Constraint(index, rule=lambda _, t: rule(t)))

    def require_sum(
        self, name: str, amount: Linear, sense: Literal["<=", ">=", "=="], limit: float
    ) -> None:
        """Add one constraint on a sum over whole containers; a sum without terms must hold by itself."""
        merged = amount.merged()
        bound = limit - merged.constant
        body: Any = expression(Linear(merged.terms)) if merged.terms else 0.0
        holds = {"<=": body <= bound, ">=": body >= bound, "==": body == bound}[sense]
        if merged.terms:
            self._block.add_component(name, pyo.Constraint(expr=holds))
        elif not holds:
            raise InfeasibleError(
                f"{self.asset}: {name} cannot hold: nothing in the plan changes it."
            )

    def require_once(self, name: str, expression: Any) -> None:
        """Add one constraint that does not depend on the step."""
        self._block.add_component(name, pyo.Constraint(expr=expression))

    def _constraint(self, name: str, constraint: Any) -> None:
        before = pyomo_constraint.TEMPLATIZE_CONSTRAINTS
        pyomo_constraint.TEMPLATIZE_CONSTRAINTS = True
        try:
            self._block.add_component(name, constraint)
        finally:
            pyomo_constraint.TEMPLATIZE_CONSTRAINTS = before

    def _subset(self, over: NDArray[np.int64]) -> Any:
        key = over.tobytes()
        known = self._draft.subsets.get(key)
        if known is None:
            known = pyo.Set(initialize=over.tolist())
            # A capital keeps clear of the keys of members.
            self._draft.model.add_component(f"Steps{len(self._draft.subsets)}", known)
            self._draft.subsets[key] = known
        return known

    def round_by(
        self,
        rule: Callable[[Mapping[str, NDArray[np.float64]]], Mapping[str, NDArray[np.float64]]],
        follows: tuple[str, ...] = (),
        **series: Any,
    ) -> None:
        """Tell how whole-number series follow from relaxed values, for years with many of them.

        Parameters
        ----------
        rule
            Takes the relaxed values of ``series`` by name and returns whole values, shape (n,), for
            those that it decides; they must keep the asset's own rules.
        follows
            Names of those that are whole by themselves where the other ones are.
        series
            Variables that the rule reads or decides.
        """
        self._draft.roundings.append(Rounding(series, rule, follows))

    # ------------------------------------------------------------------ sums, ledger, caps

    def total(self, flow: Any, per_unit: float | NDArray[np.float64] = 1.0) -> Linear:
        """Return Σ_t hours_t · per_unit_t · flow_t: energy in kWh from kW, money from a price."""
        weights = np.broadcast_to(self.horizon.hours * per_unit, len(self.horizon))
        if isinstance(flow, Given):
            return Linear(constant=float(np.dot(weights, flow.values)))
        return Linear([(flow, weights)])

    def times(self, variable: Any, per_unit: float | NDArray[np.float64] = 1.0) -> Linear:
        """Return Σ per_unit · variable without hours: sizes, counts, monthly peaks; or a number."""
        if not hasattr(variable, "ctype"):
            return Linear(constant=float(variable) * float(per_unit))
        return Linear([(variable, np.broadcast_to(np.asarray(per_unit, float), len(variable)))])

    def book(self, category: str, amount: Linear | float, *, effect: str = COST) -> None:
        """Enter ``amount`` in the ledger: cost [currency] or CO2 [kg] of the whole horizon.

        A cost whose price grows over the project, or bears value-added tax, enters with its constant
        yearly equivalent (`Finance.worth`).
        """
        if effect not in EFFECTS:
            raise KeyError(effect)
        linear = amount if isinstance(amount, Linear) else Linear(constant=amount)
        worth = self.finance.worth(self.asset, category) if effect == COST else 1.0
        if worth != 1.0:
            linear = linear * worth
        self._draft.entries.append(Entry(self.member, self.asset, category, effect, linear, worth))

    def emissions(self, member: str | None = None) -> Linear:
        """Return all CO2 booked so far [kg], of one member or of the park."""
        return sum(
            (
                e.amount
                for e in self._draft.entries
                if e.effect == CO2 and member in (None, e.member)
            ),
            Linear(),
        )

    def measure(self, name: str, amount: Linear) -> None:
        """Declare a sum that policies may limit, for instance ``available_generation`` [kWh]."""
        self._draft.measures.setdefault(name, []).append((self.member, amount))

    def measured(self, name: str) -> Linear:
        """Return the sum of everything declared under ``name``."""
        return sum((amount for _, amount in self._draft.measures.get(name, ())), Linear())

    def flows(
        self, carrier: str, role: Role, sign: int, *, renewable: bool | None = None
    ) -> list[tuple[str, Any, Any]]:
        """Return (asset, flow, factor) of the terms so far in the balance here, each indexed by step.

        Parameters
        ----------
        sign
            1 for what is supplied, -1 for what is drawn.
        """
        found = []
        for number, flow in enumerate(self._draft.flows):
            here = (flow.place, flow.carrier, flow.role, flow.sign)
            if here != (self.place, carrier, role, sign):
                continue
            if renewable is not None and flow.renewable != renewable:
                continue
            source: Any = flow.source
            if isinstance(source, Given):
                source = self.param(f"known_{number}", source.values)
            factor = self.param(f"factor_{number}", np.asarray(flow.factor, float))
            found.append((flow.asset, source, factor))
        return found

    def generated(self) -> Linear:
        """Return what this asset generates over the horizon, in its carriers' units."""
        flows = (
            flow
            for flow in self._draft.flows
            if (flow.asset, flow.role, flow.sign) == (self.asset, "generation", 1)
        )
        return sum((self.total(flow.source, flow.factor) for flow in flows), Linear())

    def energy(self, carrier: str, *roles: Role, renewable: bool | None = None) -> Linear:
        """Return the energy of all flows of a carrier with one of the roles, per horizon."""
        chosen = (
            flow
            for flow in self._draft.flows
            if flow.carrier == carrier
            and flow.role in roles
            and renewable in (None, flow.renewable)
        )
        return sum((self.total(flow.source, flow.factor) for flow in chosen), Linear())

    def cap(
        self,
        name: str,
        amount: Linear,
        sense: Literal["<=", ">="],
        limit: float,
        *,
        unit: str,
        description: str,
        whole: Linear | None = None,
    ) -> None:
        """Limit a sum over the horizon; its value and shadow price are reported.

        Parameters
        ----------
        amount, sense, limit
            What is limited, and how; with ``whole`` the limit is a share of it.
        unit
            Unit of the sums.
        description
            The limit in words.
        """
        full = name if self.asset == POLICIES else f"{self.asset}.{name}"
        cap = Cap(
            name=full,
            member=self.member,
            amount=amount.merged(),
            whole=None if whole is None else whole.merged(),
            sense=sense,
            limit=limit,
            unit=unit if whole is None else "1",
            description=description,
            row=self._draft.full(f"{self.member}.{self.asset}.{name}"),
            row_unit=unit,
        )
        form = cap.form.merged()
        bound = (limit if whole is None else 0.0) - form.constant
        if form.terms:
            body = expression(Linear(form.terms))
            relation = body <= bound if sense == "<=" else body >= bound
            self._block.add_component(name, pyo.Constraint(expr=relation))
        elif (bound < 0.0) if sense == "<=" else (bound > 0.0):
            raise InfeasibleError(
                f"{description}: the park misses it by {abs(bound):g} {unit}, and nothing in the "
                "plan can change that."
            )
        self._draft.caps.append(cap)

    # ------------------------------------------------------------------ balances

    def supply(
        self,
        carrier: str,
        flow: Any,
        *,
        role: Role,
        factor: float | NDArray[np.float64] = 1.0,
        renewable: bool = False,
        place: str | None = None,
    ) -> None:
        """Add factor × flow to the balance of a carrier (where the asset is, or at ``place``)."""
        self._flow(carrier, flow, 1, role, factor, renewable, place)

    def draw(
        self,
        carrier: str,
        flow: Any,
        *,
        role: Role,
        factor: float | NDArray[np.float64] = 1.0,
        place: str | None = None,
    ) -> None:
        """Take factor × flow from the balance of a carrier (where the asset is, or at ``place``)."""
        self._flow(carrier, flow, -1, role, factor, False, place)

    def _flow(
        self,
        carrier: str,
        flow: Any,
        sign: int,
        role: Role,
        factor: float | NDArray[np.float64],
        renewable: bool,
        place: str | None,
    ) -> None:
        name = flow.name if isinstance(flow, Given) else flow.local_name
        column = f"{self.member}.{self.asset}.{name}"
        self._draft.flows.append(
            Flow(
                self.member,
                place or self.place,
                self.asset,
                carrier,
                sign,
                column,
                factor,
                role,
                renewable,
                flow,
            )
        )

    def _column(
        self,
        name: str,
        unit: str,
        source: Any,
        *,
        every: Literal["step", "month"] = "step",
        integer: bool = False,
    ) -> None:
        self._draft.columns.append(
            Column(self.member, self.asset, name, unit, source, every, integer)
        )


def new_draft(
    horizon: Horizon,
    finance_of: Callable[[str], Finance],
    arrays: Mapping[str, NDArray[np.float64]],
    flow_units: Callable[[str], str],
    inside: Inside | None = None,
) -> Draft:
    """Return an empty model with its index sets, or a block of the model of a pathway."""
    model: Any = pyo.ConcreteModel(name="microgrid_opt")
    if inside is not None:
        model = pyo.Block(concrete=True)
        inside.root.add_component(inside.block, model)
    n = len(horizon)
    model.steps = pyo.Set(initialize=range(n))
    model.months = pyo.Set(initialize=range(len(horizon.month_labels)))
    for name, values in (("previous", (np.arange(n) - 1) % n), ("month", horizon.month)):
        parameter = pyo.Param(model.steps, within=pyo.Any)
        model.add_component(name, parameter)
        parameter._data.update(enumerate(values.tolist()))
    return Draft(horizon, finance_of, arrays, flow_units, model, inside=inside)


def new_root() -> Any:
    """Return an empty model for the stages of a pathway."""
    return pyo.ConcreteModel(name="microgrid_opt")


def close_balances(draft: Draft) -> None:
    """Write the balance of every (member, carrier): what is supplied equals what is drawn."""
    groups: dict[tuple[str, str], list[Flow]] = {}
    for flow in draft.flows:
        groups.setdefault((flow.place, flow.carrier), []).append(flow)
    for (place, carrier), flows in groups.items():
        pen = Builder(draft, place, BALANCE, BALANCE)
        known = np.zeros(len(draft.horizon))
        terms: list[tuple[Any, Any]] = []
        for number, flow in enumerate(flows):
            if isinstance(flow.source, Given):
                known += flow.sign * flow.factor * flow.source.values
            else:
                terms.append(
                    (
                        pen.param(
                            f"{carrier}_{number}", flow.sign * np.asarray(flow.factor, float)
                        ),
                        flow.source,
                    )
                )
        if not terms:
            _refuse_one_sided(place, carrier, known, draft.horizon, flows[0].asset)
            continue
        constant = pen.param(f"{carrier}_given", known)
        pen.require(carrier, _balance_rule(terms, constant))
        draft.balances[place, carrier] = draft.full(f"{place}.{BALANCE}.{carrier}")


def _refuse_one_sided(
    place: str, carrier: str, known: NDArray[np.float64], horizon: Horizon, asset: str
) -> None:
    if known.any():
        first = int(np.flatnonzero(known)[0])
        when = f"{carrier} (first at {horizon.stamps[first]})"
        if known[first] < 0:
            problem = (
                f"draws {when}, but no asset at {place!r} supplies {carrier}: add a source, a "
                f"converter or a purchase of {carrier}."
            )
        else:
            problem = (
                f"supplies {when}, but no asset at {place!r} takes {carrier}: add a demand, a "
                f"converter, a sale or a dump of {carrier}."
            )
        raise InputError(Finding(problem, key=f"assets.{asset}"))


def _balance_rule(terms: list[tuple[Any, Any]], constant: Any) -> Callable[[Any], Any]:
    def rule(t: Any) -> Any:
        return sum(factor[t] * flow[t] for factor, flow in terms) + constant[t] == 0.0

    return rule


def close_objective(draft: Draft) -> None:
    """Write the objective: the sum of every cost entry of the ledger."""
    draft.model.cost = pyo.Objective(expr=expression(booked(draft, COST)))


def booked(draft: Draft, effect: str) -> Linear:
    """Return the sum of every entry of the ledger with an effect."""
    return sum((e.amount for e in draft.entries if e.effect == effect), Linear()).merged()


def close_root(root: Any, cost: Linear, limits: Mapping[str, tuple[Linear, float]]) -> None:
    """Write the objective of a pathway, and upper limits on sums over its stages by name."""
    root.cost = pyo.Objective(expr=expression(cost.merged()))
    for name, (amount, limit) in limits.items():
        form = amount.merged()
        if form.terms:
            body = expression(Linear(form.terms))
            root.add_component(name, pyo.Constraint(expr=body <= limit - form.constant))
        elif form.constant > limit:
            raise InfeasibleError(f"{name}: nothing in the plan changes the {form.constant:g}.")


def expression(linear: Linear) -> Any:
    """Return a linear form as one Pyomo expression."""
    return ContainerSum(constant=linear.constant, containers=linear.terms)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause the collector while a model is built: it would walk a million live objects for nothing.

    Afterwards the new objects count as old (freezing and unfreezing moves them there at no cost), so
    that the next young collection does not walk them either.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        if was:
            gc.enable()
