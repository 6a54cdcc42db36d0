"""Technologies, one file each; importing this package registers them all."""

from microgrid_opt.assets import (
    battery,
    dump,
    electric_boiler,
    electrolyser,
    fuel_cell,
    gas_boiler,
    grid,
    heat_demand,
    hydrogen_demand,
    hydrogen_store,
    line,
    load,
    pv,
    supply,
    wind,
)

__all__ = [
    "battery",
    "dump",
    "electric_boiler",
    "electrolyser",
    "fuel_cell",
    "gas_boiler",
    "grid",
    "heat_demand",
    "hydrogen_demand",
    "hydrogen_store",
    "line",
    "load",
    "pv",
    "supply",
    "wind",
]
