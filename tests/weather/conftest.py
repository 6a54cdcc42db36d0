"""Weather that several test files share."""

from __future__ import annotations

from pathlib import Path

import pvlib
import pytest

from microgrid_opt.weather.formats import read_tmy3
from microgrid_opt.weather.frame import Weather


@pytest.fixture(scope="session")
def greensboro_file() -> Path:
    """TMY3 of Greensboro, North Carolina, which the pvlib package carries."""
    return Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"


@pytest.fixture(scope="session")
def greensboro(greensboro_file: Path) -> Weather:
    return read_tmy3(greensboro_file)


@pytest.fixture(scope="session")
def two_days(greensboro: Weather) -> Weather:
    """20 and 21 June of the Greensboro year: small enough for property tests."""
    june = greensboro.index.month == 6
    table = greensboro.table[june & greensboro.index.day.isin([20, 21])]
    return Weather(table, greensboro.latitude, greensboro.longitude, greensboro.altitude_m)
