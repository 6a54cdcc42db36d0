"""A PyPSA network as plain tables: written and read as PyPSA's CSV folder, or as netCDF by PyPSA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

LISTS = {
    "Bus": "buses",
    "Carrier": "carriers",
    "Generator": "generators",
    "Load": "loads",
    "Link": "links",
    "Store": "stores",
    "StorageUnit": "storage_units",
    "GlobalConstraint": "global_constraints",
}
"""Names of the lists of PyPSA's components that are written."""
NETCDF = ".nc"
DEFAULTS: Mapping[str, Any] = {
    "bus": "",
    "capital_cost": 0.0,
    "carrier": "",
    "co2_emissions": 0.0,
    "cyclic_state_of_charge": False,
    "e_cyclic": False,
    "e_initial": 0.0,
    "e_max_pu": 1.0,
    "e_min_pu": 0.0,
    "e_nom": 0.0,
    "e_nom_extendable": False,
    "e_nom_max": np.inf,
    "e_nom_min": 0.0,
    "efficiency": 1.0,
    "marginal_cost": 0.0,
    "marginal_cost_storage": 0.0,
    "p_max_pu": 1.0,
    "p_min_pu": 0.0,
    "p_nom": 0.0,
    "p_nom_extendable": False,
    "p_nom_max": np.inf,
    "p_nom_min": 0.0,
    "p_set": 0.0,
    "sign": 1.0,
    "standing_loss": 0.0,
}
"""What PyPSA takes where one component says nothing and another does; ports are numbered."""
NEEDED = "needs PyPSA: pip install 'microgrid-opt[bridges]'"


@dataclass
class Tables:
    """A network.

    Parameters
    ----------
    snapshots
        Starts of the steps.
    weightings
        ``objective``, ``stores`` and ``generators``, each of shape (n,).
    components
        Attributes by component and name: a text, a number, a truth, or an array of shape (n,).
    name
        Of the network.
    """

    snapshots: pd.Index[Any]
    weightings: Mapping[str, NDArray[np.float64]]
    components: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    name: str = ""

    def add(self, component: str, name: str, **attributes: Any) -> None:
        """Add a component; an array of one value all along becomes a number.

        Raises
        ------
        InputError
            When there is one of this name.
        """
        table = self.components.setdefault(component, {})
        if name in table:
            raise InputError(f"There would be two PyPSA components {component} {name!r}.")
        table[name] = {key: _plain(value) for key, value in attributes.items()}

    def frames(self, component: str) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
        """Return the static attributes, and those that vary by their name."""
        import pandas as pd

        table = self.components.get(component, {})
        static = {
            name: {key: value for key, value in row.items() if not isinstance(value, np.ndarray)}
            for name, row in table.items()
        }
        varying: dict[str, dict[str, Any]] = {}
        for name, row in table.items():
            for key, value in row.items():
                if isinstance(value, np.ndarray):
                    varying.setdefault(key, {})[name] = value
        frame = pd.DataFrame.from_dict(static, orient="index")
        frame.index.name = "name"
        for key in frame.columns:
            missing = frame[key].isna()
            if missing.any():
                frame[key] = frame[key].where(~missing, DEFAULTS.get(key.rstrip("0123456789")))
        return frame, {
            key: pd.DataFrame(columns, index=self.snapshots) for key, columns in varying.items()
        }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return float(value[0]) if (value == value[0]).all() else np.array(value, float)
    return float(value) if isinstance(value, np.floating) else value


def check_out(path: Path) -> None:
    """Refuse a place that cannot be written to, and netCDF where PyPSA is missing."""
    from importlib.util import find_spec

    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no such folder; make it first.")
    if path.suffix == NETCDF:
        if find_spec("pypsa") is None:
            raise InputError(
                f"{path} {NEEDED}, or give a folder: PyPSA's CSV format is written without it."
            )
    elif path.suffix or path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise InputError(f"{path} must be a file ending with .nc, or a new folder.")


def write(tables: Tables, path: Path) -> None:
    """Write a network: netCDF by PyPSA for a file ending with ``.nc``, else a folder of CSV files."""
    check_out(path)
    if path.suffix == NETCDF:
        network(tables).export_to_netcdf(path)
        return
    import pandas as pd

    path.mkdir(exist_ok=True)
    pd.DataFrame({"name": [tables.name]}).set_index("name").to_csv(path / "network.csv")
    weightings = pd.DataFrame(dict(tables.weightings), index=tables.snapshots)
    weightings.index.name = "snapshot"
    weightings.to_csv(path / "snapshots.csv")
    for component in tables.components:
        static, varying = tables.frames(component)
        static.to_csv(path / f"{LISTS[component]}.csv")
        for key, frame in varying.items():
            frame.to_csv(path / f"{LISTS[component]}-{key}.csv", index_label="snapshot")


def network(tables: Tables) -> Any:
    """Return a ``pypsa.Network``.

    Raises
    ------
    InputError
        When PyPSA is not installed.
    """
    try:
        import pypsa
    except ImportError as error:
        raise InputError(f"A PyPSA network {NEEDED}.") from error
    made = pypsa.Network(name=tables.name, snapshots=tables.snapshots)
    for key, values in tables.weightings.items():
        made.snapshot_weightings[key] = values
    for component, rows in tables.components.items():
        for name, row in rows.items():
            made.add(component, name, **row)
    return made
