"""Time series for the charts in the browser: 32-bit floats in base64, each array once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.report.assumptions import input_label
from microgrid_opt.report.bills import bill_label
from microgrid_opt.report.figures import rounded

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from microgrid_opt.report.view import View

SUPPLY_ORDER = ("generation", "transfer", "trade", "conversion", "import", "storage", "unserved")
DRAW_ORDER = ("demand", "conversion", "transfer", "trade", "storage", "export", "dump")


class Pool:
    """Arrays by number; equal arrays are held once, constant ones as one number."""

    def __init__(self) -> None:
        self.held: list[float | str] = []
        self._known: dict[bytes, int] = {}

    def add(self, values: NDArray[np.float64]) -> int:
        """Return the number of an array of shape (n,)."""
        small = np.ascontiguousarray(values, dtype="<f4")
        key = small.tobytes()
        if key not in self._known:
            self._known[key] = len(self.held)
            constant = small.size > 0 and bool((small == small[0]).all())
            first = rounded(float(small[0])) if constant else None
            text = base64.b64encode(key).decode("ascii")
            self.held.append(first if first is not None else text)
        return self._known[key]


def payload(view: View) -> dict[str, Any]:
    """Return everything that the charts over time draw, ready for JSON."""
    pool = Pool()
    balances = [
        _balance(view, pool, str(place), str(carrier), rows)
        for (place, carrier), rows in view.results.flows.groupby(["place", "carrier"], sort=False)
    ]
    return {
        "time": _time(view),
        "months": list(view.results.horizon.month_labels),
        "balances": balances,
        "series": _series(view, pool),
        "arrays": pool.held,
    }


def _time(view: View) -> dict[str, Any]:
    """Return local wall-clock times [ms], lengths [h] and hours that the steps stand for [h]."""
    horizon = view.results.horizon
    clock = horizon.stamps.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    jumps = np.diff(clock)
    held: dict[str, Any] = {
        "n": len(horizon),
        "start": int(clock[0]),
        "zone": str(horizon.stamps.tz),
        "lengths": _compact(horizon.step_hours),
        "hours": _compact(horizon.hours),
    }
    if jumps.size and (jumps == jumps[0]).all():
        held["step"] = int(jumps[0])
    else:
        seconds = ((clock - clock[0]) // 1000).astype("<i4")
        held["offsets"] = base64.b64encode(seconds.tobytes()).decode("ascii")
    return held


def _compact(values: NDArray[np.float64]) -> float | list[float]:
    if (values == values[0]).all():
        return float(values[0])
    return [float(f"{value:.6g}") for value in values]


def _balance(
    view: View, pool: Pool, place: str, carrier: str, rows: pd.DataFrame
) -> dict[str, Any]:
    results = view.results
    info = view.carriers[carrier]
    month, hours = results.horizon.month, results.horizon.hours
    count = len(results.horizon.month_labels)
    flows: list[dict[str, Any]] = []
    peaks: dict[str, NDArray[np.float64]] = {}
    for (asset, role, sign), values in _held(view, place, carrier).items():
        if not values.any():
            continue
        supplied = sign > 0
        order = SUPPLY_ORDER if supplied else DRAW_ORDER
        flows.append(
            {
                "label": f"{view.label(asset)}: {_word(role, supplied=supplied)}",
                "colour": view.colour(asset),
                "sign": sign,
                "role": role,
                "order": order.index(role) if role in order else len(order),
                "array": pool.add(values),
                "monthly": [rounded(v) for v in np.bincount(month, values * hours, count)],
            }
        )
        if role in {"import", "demand"}:
            peaks[role] = peaks.get(role, 0.0) + values
    price = f"{place}.{carrier}"
    return {
        "label": view.balance_label(place, carrier),
        "unit": info["flow_unit"],
        "amount": info["unit"],
        "flows": sorted(flows, key=lambda flow: (-flow["sign"], flow["order"])),
        "contents": _contents(view, pool, place, carrier, info["unit"]),
        "price": pool.add(results.prices[price].to_numpy()) if price in results.prices else None,
        "price_unit": f"{view.currency}/{info['unit']}",
        "peaks": [*_peaks(peaks, month, count), *_billed(view, rows, info["flow_unit"])],
    }


def _held(view: View, place: str, carrier: str) -> dict[tuple[str, str, int], NDArray[np.float64]]:
    """Return the flows of a balance by (asset, role, sign): several of one kind are one line."""
    table = view.results.flows
    found: dict[tuple[str, str, int], NDArray[np.float64]] = {}
    for position in np.flatnonzero((table["place"] == place) & (table["carrier"] == carrier)):
        row = table.iloc[int(position)]
        key = (str(row["asset"]), str(row["role"]), int(row["sign"]))
        values = view.flow_values(view.results, int(position))
        found[key] = found[key] + values if key in found else values
    return found


def _word(role: str, *, supplied: bool) -> str:
    if role == "storage":
        return "discharge" if supplied else "charge"
    return role


def _peaks(
    sums: dict[str, NDArray[np.float64]], month: NDArray[np.int64], count: int
) -> list[dict[str, Any]]:
    titles = {"import": "Highest import", "demand": "Highest demand"}
    found = []
    for role, values in sums.items():
        highest = np.zeros(count)
        np.maximum.at(highest, month, values)
        found.append({"label": titles[role], "values": [rounded(v) for v in highest]})
    return found


def _billed(view: View, rows: pd.DataFrame, unit: str) -> list[dict[str, Any]]:
    """Return what assets of this balance are billed for in its unit of power, by month."""
    return [
        {
            "label": f"Billed: {view.asset_label(held.member, held.asset)}, {bill_label(line)}",
            "values": [rounded(v) for v in line.quantities[0]],
        }
        for held in view.connections
        if held.asset in set(rows["asset"])
        for line in held.components
        if line.unit == unit and np.isfinite(line.quantities[0]).all()
    ]


def _contents(view: View, pool: Pool, place: str, carrier: str, unit: str) -> list[dict[str, Any]]:
    """Return contents of stores: series in the carrier's unit of assets that store it."""
    flows, columns = view.results.flows, view.results.columns
    stores = flows[
        (flows["role"] == "storage") & (flows["carrier"] == carrier) & (flows["place"] == place)
    ]
    mine = columns[
        columns["asset"].isin(stores["asset"])
        & (columns["unit"] == unit)
        & columns["key"].isin(view.results.series.columns)
    ]
    return [
        {
            "label": f"{view.label(row['asset'])}: content",
            "colour": view.colour(row["asset"]),
            "array": pool.add(view.results.series[row["key"]].to_numpy()),
        }
        for _, row in mine.iterrows()
        if view.results.series[row["key"]].to_numpy().any()
    ]


def _series(view: View, pool: Pool) -> list[dict[str, Any]]:
    """Return every series that the reader may pick, results first, then prices, then inputs."""
    results = view.results
    columns = results.columns[results.columns["key"].isin(results.series.columns)]
    found = [
        {
            "group": "Results",
            "label": view.series_label(row["key"]),
            "unit": row["unit"],
            "array": pool.add(results.series[row["key"]].to_numpy()),
        }
        for _, row in columns.iterrows()
    ]
    for key in results.prices.columns:
        place, carrier = key.split(".", 1)
        amount = view.carriers[carrier]["unit"] if carrier in view.carriers else "kWh"
        found.append(
            {
                "group": "Prices inside the park",
                "label": f"{view.balance_label(place, carrier)}: cost of one more unit",
                "unit": f"{view.currency}/{amount}",
                "array": pool.add(results.prices[key].to_numpy()),
            }
        )
    for key, values in view.plan.problem.arrays.items():
        label, unit = input_label(view, key)
        found.append({"group": "Inputs", "label": label, "unit": unit, "array": pool.add(values)})
    return [series for series in found if isinstance(pool.held[series["array"]], str)]
