"""What the tests of tariffs share: a tariff from keys, a meter from numbers, a bill of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bill import Facts, Meter
from microgrid_opt.bill import bill as priced
from microgrid_opt.horizon import Horizon
from microgrid_opt.policies.tariffs import Contract, Tariff, load_tariff, tariff_numbers
from microgrid_opt.series import Reader

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import ArrayLike

    from microgrid_opt.bill import Bill
    from microgrid_opt.results import Results


def tariff(choices: Any = None, multiplier: Any = None, **components: Any) -> Tariff:
    """Return a tariff by its components, each a mapping of keys."""
    data: dict[str, Any] = {"components": components}
    if choices is not None:
        data["choices"] = choices
    if multiplier is not None:
        data["multiplier"] = multiplier
    return Tariff.model_validate(data)


def shipped(name: str) -> Tariff:
    return load_tariff(name, Path())


def meter(
    start: str,
    bought: ArrayLike,
    *,
    sold: ArrayLike = 0.0,
    reactive: ArrayLike | None = None,
    step_hours: float = 1.0,
    timezone: str = "Etc/GMT-8",
    holidays: frozenset[date] = frozenset(),
) -> Meter:
    """Return what a meter saw from a local start; import in kW, one value a step."""
    values = np.array(bought, dtype=float)
    horizon = Horizon.regular(
        start, len(values), step_hours=step_hours, timezone=timezone, holidays=holidays
    )
    drawn = None if reactive is None else np.broadcast_to(np.array(reactive, float), len(values))
    return Meter(horizon, values, np.broadcast_to(np.array(sold, float), len(values)), drawn)


def bill_of(
    of: Tariff,
    metered: Meter,
    contract: Any = None,
    *,
    transformer_kva: float | None = None,
    contract_kw: float | None = None,
    picked: Any = None,
) -> Bill:
    """Return the bill of a meter under a tariff."""
    numbers = tariff_numbers(of, metered.horizon, Reader(Path()))
    agreed = Contract.model_validate(contract or {})
    return priced(of, numbers, metered, Facts(agreed, transformer_kva, contract_kw, picked or {}))


def grid_text(tariff_keys: Any, **keys: Any) -> str:
    """Return a grid connection under a tariff as a line of a park; JSON is YAML."""
    return "grid: " + json.dumps({"type": "grid", "tariff": tariff_keys, **keys})


def charges(results: Results, asset: str = "grid") -> dict[str, float]:
    """Return the ledger's cost of one asset by category."""
    rows = results.ledger
    rows = rows[(rows["asset"] == asset) & (rows["effect"] == "cost")]
    return {str(key): float(v) for key, v in rows.groupby("category")["amount"].sum().items()}
