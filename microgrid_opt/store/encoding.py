"""Results as bytes and back, without loss: tables as Parquet, the rest as JSON.

What depends on the clock (seconds of the solve) stays apart, so that one plan gives the same bytes.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Set
from dataclasses import asdict, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from microgrid_opt.horizon import Horizon
from microgrid_opt.results import Results, Run, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

RESULTS = "results.json"
_HORIZON = "horizon"
_CLOCK = ("seconds", "stages")


def files_of(results: Results, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files that hold results: name after ``prefix``, and content."""
    yield prefix + RESULTS, to_json(_head(results))
    yield f"{prefix}tables/{_HORIZON}.parquet", to_parquet(_axis(results.horizon))
    for name, table in results.tables().items():
        yield f"{prefix}tables/{name}.parquet", to_parquet(table)


def _head(results: Results) -> dict[str, Any]:
    """Return what no table holds, without loss, and without the clock."""
    import pandas as pd

    run, horizon = results.run, results.horizon
    held = {item.name: getattr(results, item.name) for item in fields(results)}
    apart = {name: value for name, value in held.items() if not isinstance(value, pd.DataFrame)}
    return {
        **_without(apart, "horizon", "run"),
        "run": run_head(run),
        "horizon": {
            "unit": horizon.stamps.unit,
            "holidays": sorted(day.isoformat() for day in horizon.holidays),
        },
    }


def run_head(run: Run) -> dict[str, Any]:
    """Return a run as JSON without loss, but for what depends on the clock."""
    return {
        **_without({item.name: getattr(run, item.name) for item in fields(run)}, *_CLOCK),
        "stages": [_without(asdict(stage), *_CLOCK) for stage in run.stages],
    }


def run_of(head: dict[str, Any], timings: Mapping[str, Any]) -> Run:
    """Return the run that `run_head` and `timings_of` wrote."""
    stages = tuple(
        Stage(seconds=seconds, **stage)
        for seconds, stage in zip(timings["stages"], head["stages"], strict=True)
    )
    return Run(**{**head, "stages": stages, "seconds": timings["seconds"]})


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: _lossless(value) for name, value in values.items() if name not in names}


def timings_of(run: Run) -> dict[str, Any]:
    """Return how long the solve and each of its stages took [s]."""
    return {"seconds": run.seconds, "stages": [stage.seconds for stage in run.stages]}


def _axis(horizon: Horizon) -> pd.DataFrame:
    import pandas as pd

    columns = {"step_hours": horizon.step_hours, "weight": horizon.weight}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(horizon.stamps, name="stamp"))


def to_parquet(table: pd.DataFrame) -> bytes:
    """Return a table as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # A plain index without columns would lose its length.
    arrow = pa.Table.from_pandas(table, preserve_index=None if len(table.columns) else True)
    buffer = io.BytesIO()
    pq.write_table(arrow, buffer, compression="zstd", use_dictionary=False)
    return buffer.getvalue()


def to_json(value: Any, *, in_order: bool = False) -> bytes:
    """Return strict JSON as UTF-8: sets sorted, null for what is not finite; keys sorted or kept."""
    text = json.dumps(
        _plain(value), sort_keys=not in_order, ensure_ascii=False, allow_nan=False, indent=2
    )
    return (text + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _lossless(value: Any) -> Any:
    """Return JSON from which `_restored` gives back the value: order, infinities and all."""
    if isinstance(value, Mapping):
        return {"$map": [[key, _lossless(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_lossless(item) for item in value]
    if isinstance(value, np.generic):
        return _lossless(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    return value


def results_of(contents: Mapping[str, bytes], prefix: str, timings: Mapping[str, Any]) -> Results:
    """Return the results that `files_of` and `timings_of` wrote."""
    import pandas as pd

    head = from_json(contents[prefix + RESULTS])
    unit = head["horizon"]["unit"]
    start = f"{prefix}tables/"
    tables: dict[str, Any] = {
        name.removeprefix(start).removesuffix(".parquet"): table_of(data, unit)
        for name, data in contents.items()
        if name.startswith(start)
    }
    axis = tables.pop(_HORIZON)
    horizon = Horizon(
        pd.DatetimeIndex(axis.index, name=None),
        axis["step_hours"].to_numpy(copy=True),
        axis["weight"].to_numpy(copy=True),
        frozenset(date.fromisoformat(day) for day in head["horizon"]["holidays"]),
    )
    run = run_of(head["run"], timings)
    return Results(**head | tables | {"horizon": horizon, "run": run})


def table_of(data: bytes, unit: Literal["s", "ms", "us", "ns"] = "ns") -> pd.DataFrame:
    """Return the table that `to_parquet` wrote; ``unit`` is that of its time stamps."""
    import pandas as pd
    import pyarrow.parquet as pq

    table: pd.DataFrame = pq.read_table(io.BytesIO(data)).to_pandas()
    if isinstance(table.index, pd.DatetimeIndex):
        table.index = table.index.as_unit(unit)  # Parquet knows no seconds
    return table


def from_json(data: bytes) -> Any:
    """Return what was written without loss."""
    return json.loads(data, object_hook=_restored)


def _restored(value: dict[str, Any]) -> Any:
    if value.keys() == {"$map"}:
        return dict(value["$map"])
    if value.keys() == {"$float"}:
        return float(value["$float"])
    return value


def equal(one: Results, other: Results) -> bool:
    """Return whether two results are the same to the last bit; NaN equals NaN."""
    if _head(one) != _head(other) or timings_of(one.run) != timings_of(other.run):
        return False
    tables, others = ({_HORIZON: _axis(r.horizon), **r.tables()} for r in (one, other))
    return tables.keys() == others.keys() and all(
        _equal_tables(table, others[name]) for name, table in tables.items()
    )


def _equal_tables(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return False
    if not one.index.equals(other.index) or one.index.name != other.index.name:
        return False
    for name in one.columns:
        left, right = one[name].to_numpy(), other[name].to_numpy()
        if left.dtype.kind == "f":
            if left.dtype != right.dtype or not np.array_equal(left, right, equal_nan=True):
                return False
            signs = (np.signbit(values[~np.isnan(left)]) for values in (left, right))
            if not np.array_equal(*signs):
                return False
        elif left.tolist() != right.tolist():
            return False
    return True
