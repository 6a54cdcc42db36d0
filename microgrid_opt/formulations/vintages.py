r"""Sizes in a pathway of stages: what stands from before, what is given up, what is bought.

$$ S_s = \sum_{v \le s} K_{v,s}, \qquad K_{s,s} = N_s, \qquad
   K_{v,s} = 0 \ \text{from}\ y_s \ge y_v + L_v $$
$$ K_{v,s} = K_{v,s-1} \ \text{(no retirement)}, \qquad
   0 \le K_{v,s} \le K_{v,s-1} \ \text{(partial retirement)}, \qquad K_{0,s} \le E_s $$
$$ K_{0,s} = E_s\,r_s, \quad r_s \le r_{s-1} \ \text{(whole retirement, of existing capacity)} $$

| symbol | name | unit |
|---|---|---|
| $S_s$ | size in operation in stage $s$ | kW, kWh, kg or kg/h |
| $N_s$ | new capacity, bought in stage $s$ | same |
| $K_{v,s}$ | what stage $s$ still runs of the purchase of stage $v$; $v = 0$: of existing capacity | same |
| $E_s$ | ``existing_*`` of stage $s$ | same |
| $y_s, L_v$ | calendar year of a stage; ``lifetime_years`` of a purchase | year, years |
| $r_s$ | whether the existing capacity still runs | 0/1 |

Each purchase pays the annuity of its own stage in every stage that begins within its life, given up
or not, so that nothing is left over at the end. New capacity without ``lifetime_years`` is rented by
the year: every stage chooses it anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from microgrid_opt.errors import InputError
from microgrid_opt.ledger import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.builder import Builder
    from microgrid_opt.fields import Size

ROUNDING = 1e-6
"""Sizes of a stage that was solved before are met to this, relative to 1 + size [-]."""


@dataclass(frozen=True)
class Lot:
    """Capacity of one origin, as the stages after it find it.

    Parameters
    ----------
    since
        Year of the stage that bought it; ``None`` for existing capacity.
    until
        Year in which its life is over.
    amount
        What is in operation: a form, or a constant where it is known.
    most
        Largest amount that it can be; ``None`` without limit. Of existing capacity: all of it.
    annual, upkeep
        Yearly cost of the purchase, and of keeping up what was paid once [currency/year].
    """

    since: int | None
    until: float
    amount: Linear
    most: float | None
    annual: Linear = field(default_factory=Linear)
    upkeep: Linear = field(default_factory=Linear)


class Stand(NamedTuple):
    """What runs of one lot in one stage; ``since`` as in `Lot`."""

    since: int | None
    amount: Linear


class Bought(NamedTuple):
    """A size in a stage: total (number or variable), new, whether anything is new, all its lots."""

    total: Any
    new: Linear
    built: Linear
    stands: tuple[Stand, ...]


class History:
    """What earlier stages left, by asset and size; the stage that is written adds to it.

    Parameters
    ----------
    year
        Calendar year of the stage.
    chains
        Lots by (asset, size).
    """

    def __init__(self, year: int, chains: Mapping[tuple[str, str], tuple[Lot, ...]]) -> None:
        self.year = year
        self._chains = dict(chains)

    def next(self, year: int) -> History:
        """Return the history of a later stage."""
        return History(year, self._chains)

    def lots(self, asset: str, size: str) -> tuple[Lot, ...]:
        """Return what still lives of a size."""
        return tuple(lot for lot in self._chains.get((asset, size), ()) if self.year < lot.until)

    def keep(self, asset: str, size: str, lots: tuple[Lot, ...]) -> None:
        """Hand what a stage has on to the next one."""
        self._chains[asset, size] = lots


def is_number(amount: Linear) -> bool:
    """Return whether a form has no variable."""
    return not amount.terms


def write_staged(b: Builder, history: History, name: str, spec: Size) -> Bought:
    """Create the variables of a size in a stage of a pathway."""
    lots = history.lots(b.asset, name)
    if lots:
        kept = [
            _existing(b, name, spec, lot)
            if lot.since is None
            else _bought_before(b, name, spec, lot)
            for lot in lots
        ]
    else:
        lots = (Lot(None, math.inf, Linear(constant=spec.existing), spec.existing),)
        kept = [_first(b, name, spec)]
    total, new, built = _new(b, name, spec, sum(kept, Linear()).merged())
    stands = [Stand(lot.since, amount) for lot, amount in zip(lots, kept, strict=True)]
    history.keep(
        b.asset,
        name,
        tuple(
            replace(lot, amount=amount, most=spec.existing if lot.since is None else lot.most)
            for lot, amount in zip(lots, kept, strict=True)
        ),
    )
    return Bought(total, new, built, (*stands, Stand(history.year, new)))


def remember(
    b: Builder, history: History, name: str, spec: Size, new: Linear, **paid: Linear
) -> None:
    """Hand a purchase on to the later stages; ``paid`` has its yearly ``annual`` and ``upkeep``."""
    if spec.lifetime_years is None:
        return
    until = history.year + spec.lifetime_years
    lot = Lot(history.year, until, new, spec.upper, **paid)
    history.keep(b.asset, name, (*history.lots(b.asset, name), lot))


def earlier(history: History, asset: str, name: str) -> tuple[Linear, Linear]:
    """Return yearly cost and upkeep of the purchases of earlier stages that still live."""
    lots = history.lots(asset, name)
    return (
        sum((lot.annual for lot in lots), Linear()),
        sum((lot.upkeep for lot in lots), Linear()),
    )


# ---------------------------------------------------------------------------------------- what stays


def _first(b: Builder, name: str, spec: Size) -> Linear:
    """Return what runs of existing capacity in the first stage that has it."""
    if spec.retirement == "none" or not spec.existing:
        return Linear(constant=spec.existing)
    kept = b.scalar(f"{name}_kept", upper=spec.existing)
    if spec.retirement == "whole":
        _whole(b, name, spec, kept)
    return b.times(kept)


def _existing(b: Builder, name: str, spec: Size, lot: Lot) -> Linear:
    """Return what runs of existing capacity that an earlier stage had."""
    shrinks = lot.most is not None and spec.existing < lot.most
    if not spec.existing or not (lot.amount.terms or lot.amount.constant):
        return Linear()
    if spec.retirement == "none":
        if not shrinks:
            return lot.amount
        if is_number(lot.amount):
            return Linear(constant=min(lot.amount.constant, spec.existing))
    kept = b.scalar(f"{name}_kept", upper=spec.existing)
    before = lot.amount
    if spec.retirement == "whole":
        _whole(b, name, spec, kept)
        before = before * (spec.existing / lot.most if lot.most else 1.0)
    b.require_sum(f"{name}_kept_before", b.times(kept) - before, "<=", 0.0)
    return b.times(kept)


def _whole(b: Builder, name: str, spec: Size, kept: Any) -> None:
    stays = b.scalar(f"{name}_stays", upper=1.0, integer=True)
    b.require_once(f"{name}_whole_or_gone", kept == spec.existing * stays)


def _bought_before(b: Builder, name: str, spec: Size, lot: Lot) -> Linear:
    """Return what runs of the purchase of an earlier stage."""
    if spec.retirement != "partial" or not (lot.amount.terms or lot.amount.constant):
        return lot.amount
    most = lot.amount.constant if is_number(lot.amount) else lot.most
    kept = b.scalar(f"{name}_kept_{lot.since}", upper=most)
    if not is_number(lot.amount):
        limit = b.times(kept) - lot.amount
        b.require_sum(f"{name}_kept_{lot.since}_before", limit, "<=", 0.0)
    return b.times(kept)


# ---------------------------------------------------------------------------------------- what is new


def _new(b: Builder, name: str, spec: Size, kept: Linear) -> tuple[Any, Linear, Linear]:
    """Return total size, new capacity, and whether there is any."""
    known = is_number(kept)
    if spec.fixed is not None:
        return _given(b, name, spec, kept)
    lower = max(spec.minimum, kept.constant) if known else spec.minimum
    upper = spec.maximum if spec.buys else spec.existing
    if known and upper is not None:
        upper = max(upper, _rounded(kept.constant, upper))
        lower = min(lower, upper)
    total = b.scalar(f"{name}_size", lower=lower, upper=upper)
    if not spec.buys:
        b.require_sum(f"{name}_total", b.times(total) - kept, "==", 0.0)
        return total, Linear(), Linear()
    sure = kept.constant if known else 0.0
    room = None if spec.maximum is None else max(spec.maximum - sure, 0.0)
    fresh = b.scalar(f"{name}_new", upper=room)
    new = b.times(fresh)
    b.require_sum(f"{name}_total", b.times(total) - kept - new, "==", 0.0)
    if spec.unit_size is not None and room is not None:
        most = float(int(room / spec.unit_size + 1e-9))
        units = b.scalar(f"{name}_units", upper=most, integer=True)
        b.require_once(f"{name}_whole", fresh == spec.unit_size * units)
    if not spec.fixed_capex or room is None:
        return total, new, Linear()
    return total, new, _once(b, name, fresh, room)


def _given(b: Builder, name: str, spec: Size, kept: Linear) -> tuple[Any, Linear, Linear]:
    """Return a size that is not chosen: what is missing to the given total is bought."""
    if spec.fixed_size is None:
        return spec.existing, Linear(), Linear()
    if not is_number(kept):
        fresh = b.scalar(f"{name}_new", upper=spec.fixed_size)
        new = b.times(fresh)
        b.require_sum(f"{name}_total", new + kept, "==", spec.fixed_size)
        once = _once(b, name, fresh, spec.fixed_size) if spec.fixed_capex else Linear()
        return spec.fixed_size, new, once
    new_amount = spec.fixed_size - kept.constant
    if new_amount < -ROUNDING * (1.0 + spec.fixed_size):
        raise InputError(
            f"{b.asset}: {spec.key('fixed_size')} {spec.fixed_size:g} is less than the "
            f"{kept.constant:g} {type(spec).unit} that stand from earlier stages, which cannot be "
            f"given up: give at least that, or {spec.key('maximum')} with `retirement: partial`."
        )
    new_amount = max(new_amount, 0.0)
    bought = new_amount > ROUNDING * (1.0 + spec.fixed_size)
    return spec.fixed_size, Linear(constant=new_amount), Linear(constant=1.0 if bought else 0.0)


def _once(b: Builder, name: str, fresh: Any, room: float) -> Linear:
    z = b.scalar(f"{name}_built", upper=1.0, integer=True)
    b.require_once(f"{name}_purchase", fresh <= room * z)
    return b.times(z)


def _rounded(amount: float, limit: float) -> float:
    """Return an amount that is above a limit by rounding only, else the limit."""
    return amount if amount <= limit + ROUNDING * (1.0 + limit) else limit
