"""The folder that an import writes: ``park.yaml`` and the series beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

FILE = "series.csv"
UNLIMITED = 1e9
"""Size of what costs nothing and has no limit [kW, kWh]."""


def column(series: dict[str, NDArray[np.float64]], name: str, values: Any, unit: str) -> Any:
    """Return a number, or a column of the series file, which is remembered.

    Parameters
    ----------
    series
        Columns of the file so far, each of shape (n,).
    name
        Name of the column.
    values
        A number, or an array of shape (n,).
    unit
        Its unit.
    """
    if not isinstance(values, np.ndarray):
        return float(values)
    if np.all(values == values[0]):
        return float(values[0])
    series[name] = values
    return {"file": FILE, "column": name, "unit": unit}


def check_new(folder: Path) -> None:
    """Refuse a folder that has something in it.

    Raises
    ------
    InputError
        When it is a file or not empty.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"{folder} must be a new folder.")


def write(
    folder: Path,
    park: Mapping[str, Any],
    series: Mapping[str, NDArray[np.float64]],
    stamps: pd.DatetimeIndex,
) -> None:
    """Write a park and its series; times are local."""
    import pandas as pd
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(park), sort_keys=False, allow_unicode=True, width=100)
    (folder / "park.yaml").write_text(text, encoding="utf-8")
    if series:
        frame = pd.DataFrame(dict(series))
        frame.insert(0, "time", stamps.strftime("%Y-%m-%dT%H:%M:%S"))
        frame.to_csv(folder / FILE, index=False)
