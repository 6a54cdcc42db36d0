"""A first park file to change: everything in one file, commented, solved in seconds."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from microgrid_opt.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

STARTER = """\
# A park for microgrid-opt. Change the numbers, then:
#   microgrid-opt validate {name}
#   microgrid-opt solve {name}
# Every key and its unit: `microgrid-opt schema --out park.schema.json`; editors with YAML support
# complete and check the keys when this file then begins with the line
#   # yaml-language-server: $schema=park.schema.json
# A number has the unit in its key (power_kw: kW); another unit may be written out: 5 MW, 6 %.

schema: 1
name: My park
description: Which PV and battery pay off behind the meter of a factory?
currency: CNY

site:
  latitude: 32.4
  longitude: 119.4
  timezone: Asia/Shanghai
  weather:
    # Hourly weather is made up from twelve monthly means, always the same for one seed. These
    # are round numbers for the lower Yangtze; take those of your site, or a weather file with
    #   file: weather.epw
    synthetic:
      ghi_kwh_per_m2_day: [2.5, 3.1, 3.6, 4.5, 4.9, 4.6, 4.9, 4.7, 3.9, 3.4, 2.8, 2.5]
      temperature_degc: [2.5, 4.7, 9.3, 15.5, 20.9, 24.8, 28.3, 27.8, 23.4, 17.7, 11.2, 4.8]
      wind_speed_m_per_s: [2.9, 3.1, 3.4, 3.3, 3.1, 3.0, 3.0, 3.0, 2.8, 2.6, 2.7, 2.8]
      seed: 1

# One month keeps a first look short. A study takes the year: `year: 2025` alone, which gives
# yearly amounts and takes longer to solve.
horizon:
  start: 2025-03-01
  end: 2025-04-01

finance:
  discount_rate: 6 %     # real, per year
  project_years: 20

assets:
  # What must be served: 5 GWh a year, spread by the shape of a day. Measured values go into a
  # file:  power_kw: {{file: load.csv, column: load_kw}}
  factory:
    type: load
    label: Factory
    power_kw:
      annual: 5 GWh
      shape:
        weekday: [45, 44, 43, 43, 44, 48, 60, 78, 95, 100, 100, 97,
                  85, 96, 100, 99, 96, 90, 80, 70, 62, 56, 51, 47]
        weekend: [38, 37, 37, 37, 37, 39, 43, 48, 54, 56, 56, 54,
                  50, 53, 55, 55, 53, 51, 48, 45, 43, 41, 40, 39]

  grid:
    type: grid
    label: Public grid
    import_price_per_kwh:
      periods: {{peak: 1.00, flat: 0.65, valley: 0.35}}
      calendar:
        - {{hours: "8-11, 17-22", period: peak}}
        - {{hours: "0-8", period: valley}}
      otherwise: flat
    export_price_per_kwh: 0.30
    export_limit_kw: 500
    peak_price_per_kw_month: 40    # for the highest import of each month
    co2_kg_per_kwh: 0.55

  pv:
    type: pv
    label: Rooftop PV
    power_kw:
      # existing_kw: 200           # what is there already
      max_kw: 3000                 # what fits on the roofs
      capex_per_kw: 3000
      fixed_om_per_kw_year: 40
      lifetime_years: 25
    array:
      tilt_deg: 15
      azimuth_deg: 180             # faces south

  battery:
    type: battery
    label: Battery
    energy_kwh:
      max_kwh: 10 MWh
      capex_per_kwh: 900
      fixed_om_fraction: 1.5 %
      lifetime_years: 12
    power_kw:
      max_kw: 3000
      capex_per_kw: 200
      lifetime_years: 12
    charge_efficiency: 0.94        # one way, as discharge_efficiency
    discharge_efficiency: 0.94
    min_fraction: 0.1

# Limits and shares; see also `carbon: price_per_t` and `targets: min_renewable_share`.
# carbon:
#   reduction_fraction: 30 %       # below what the park emits with its existing assets

# What-if cases: microgrid-opt solve {name} --scenario cheap_battery
scenarios:
  cheap_battery:
    assets: {{battery: {{energy_kwh: {{capex_per_kwh: 500}}}}}}
  low_carbon:
    carbon: {{reduction_fraction: 30 %}}
"""


def write_starter(path: Path) -> Path:
    """Write the starter file and return its path.

    Parameters
    ----------
    path
        A ``.yaml`` or ``.yml`` file, or a folder that gets a ``park.yaml``. Folders are made.

    Raises
    ------
    InputError
        The file exists already, or cannot be written.
    """
    target = path if path.suffix.lower() in {".yaml", ".yml"} else path / "park.yaml"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(STARTER.format(name=shown(target)))
    except FileExistsError as error:
        what = "exists already" if target.exists() else f"needs {error.filename} as a folder"
        raise InputError(f"{target} {what}: nothing was written, give another path.") from None
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}.") from error
    return target


def shown(path: Path) -> str:
    """Return a path as it can be typed in a shell."""
    return shlex.quote(str(path))
