"""A PyPSA network as it is stored: attributes by component and name, and those that vary by snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.bridges.pypsa_tables import LISTS, NEEDED
from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

COMPONENTS = {name: component for component, name in LISTS.items()}
HEADS = ("network", "snapshots", "investment_periods")
SHAPES = ("shapes", "sub_networks", "line_types", "transformer_types", "crs", "meta")
"""Parts of a network that no optimum depends on."""


@dataclass
class Component:
    """A component with what its file says; an attribute is a value or an array of shape (n,)."""

    kind: str
    name: str
    values: dict[str, Any] = field(default_factory=dict)

    def number(self, attribute: str, default: float) -> Any:
        """Return a number, or an array of shape (n,) where it varies."""
        value = self.values.get(attribute, default)
        if isinstance(value, np.ndarray):
            return float(value[0]) if np.all(value == value[0]) else value
        return default if value != value else float(value)  # noqa: PLR0124  (NaN)

    def text(self, attribute: str, default: str = "") -> str:
        """Return a text; an empty cell is the default."""
        value = self.values.get(attribute, default)
        return value if isinstance(value, str) and value else default

    def truth(self, attribute: str) -> bool:
        """Return a truth, False where nothing is said."""
        return str(self.values.get(attribute, False)).lower() in {"true", "1", "1.0"}


@dataclass
class Stored:
    """A network: time stamps or numbers of its snapshots, their weights, its components."""

    name: str
    snapshots: pd.Index[Any]
    weightings: dict[str, NDArray[np.float64]]
    components: list[Component]
    strange: list[str]


def read(path: Path) -> Stored:
    """Read a network: PyPSA's CSV folder as it is, any other file through PyPSA.

    Raises
    ------
    InputError
        When there is no network, or PyPSA is needed and missing.
    """
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file or folder.")
    try:
        import pypsa
    except ImportError as error:
        raise InputError(f"{path} {NEEDED}, or export it there to a CSV folder.") from error
    with TemporaryDirectory() as folder:
        pypsa.Network(str(path)).export_to_csv_folder(folder)
        return _folder(Path(folder))


def _folder(folder: Path) -> Stored:
    import pandas as pd

    if not (folder / "snapshots.csv").is_file():
        raise InputError(f"{folder}: is no CSV folder of PyPSA: it has no snapshots.csv.")
    # PyPSA writes a row number before the snapshots; elsewhere they come first.
    times = pd.read_csv(folder / "snapshots.csv")
    times = times.set_index("snapshot" if "snapshot" in times.columns else times.columns[0])
    if "period" in times.columns or "timestep" in times.columns:
        raise InputError(f"{folder}: has investment periods, which a park has not.")
    n = len(times)
    weights = {
        key: times[key].to_numpy(float) if key in times else np.ones(n)
        for key in ("objective", "stores", "generators")
    }
    found: dict[tuple[str, str], Component] = {}
    strange = []
    for file in sorted(folder.glob("*.csv"), key=lambda one: ("-" in one.stem, one.stem)):
        name, _, attribute = file.stem.partition("-")
        if name in HEADS or name in SHAPES:
            continue
        if name not in COMPONENTS:
            strange.append(name)
            continue
        frame = pd.read_csv(file, index_col=0, dtype={"name": str}, keep_default_na=True)
        frame.index = frame.index.astype(str)
        kind = COMPONENTS[name]
        if not attribute:
            for key, row in frame.iterrows():
                values = {str(k): v for k, v in row.items() if not pd.isna(v)}
                found[kind, str(key)] = Component(kind, str(key), values)
            continue
        for key in frame.columns:
            component = found.setdefault((kind, key), Component(kind, key))
            component.values[attribute] = frame[key].to_numpy(float)
    title = folder / "network.csv"
    name = str(pd.read_csv(title, index_col=0).index[0]) if title.is_file() else ""
    return Stored(
        "" if name == "nan" else name,
        times.index,
        weights,
        list(found.values()),
        sorted(set(strange)),
    )
