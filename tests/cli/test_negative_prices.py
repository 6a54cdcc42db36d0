"""Negative prices from a file to the written plan: the meter and the battery run one way at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from microgrid_opt import open_plan

if TYPE_CHECKING:
    from pathlib import Path

PARK = """\
schema: 1
name: Spot
currency: EUR
site: {timezone: Europe/Berlin}
horizon: {start: 2025-05-11, hours: 24}
finance: {discount_rate: 0, project_years: 10}
assets:
  load: {type: load, power_kw: 40}
  pv: {type: pv, power_kw: 60, output_per_kw: {hourly: [0, 0, 0, 0, 0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1,
       1, 1, 0.9, 0.8, 0.6, 0.4, 0.2, 0.1, 0, 0, 0, 0]}}
  battery:
    type: battery
    energy_kwh: 50
    power_kw: 25
    charge_efficiency: 0.9
    discharge_efficiency: 0.9
    initial_fraction: 0.5
    exclusive: true
  grid:
    type: grid
    tariff: tariff.yaml
    connection_kw: 100
"""
TARIFF = """\
name: Spot
currency: EUR
timezone: Europe/Berlin
components:
  spot: {type: energy, price_per_kwh: {file: spot.csv, column: price_eur_per_kwh, timezone: Europe/Berlin}}
  network: {type: energy, price_per_kwh: 0.02}
  feed_in: {type: export, price_per_kwh: {file: spot.csv, column: price_eur_per_kwh, timezone: Europe/Berlin}}
  premium: {type: export, price_per_kwh: 0.05}
"""


@pytest.mark.parametrize("premium", [0.05, 0.01])
def test_nothing_is_burnt_for_money(run: Any, tmp_path: Path, premium: float) -> None:
    """Proves: with prices down to -0.3 and a premium above the network's price, no hour runs both ways.

    Sensitivity: the negative hours are used: the battery charges in them, PV is not sold in them.
    """
    stamps = pd.date_range("2025-05-11", periods=24, freq="h")
    price = np.full(24, 0.12)
    price[10:16] = -0.3
    texts = [f"{stamp:%Y-%m-%d %H:%M}" for stamp in stamps]
    pd.DataFrame({"time": texts, "price_eur_per_kwh": price}).to_csv(
        tmp_path / "spot.csv", index=False
    )
    (tmp_path / "park.yaml").write_text(PARK, encoding="utf-8")
    tariff = TARIFF.replace("0.05", str(premium))
    (tmp_path / "tariff.yaml").write_text(tariff, encoding="utf-8")
    result = run("solve", "park.yaml", "--out", "plan", "--profile", "test")
    assert result.exit_code == 0, result.output
    results = open_plan(tmp_path / "plan").results
    bought, sold = results.of("grid.import"), results.of("grid.export")
    charge, discharge = results.of("battery.charge"), results.of("battery.discharge")
    assert np.minimum(bought, sold) == pytest.approx(np.zeros(24), abs=1e-6)
    assert np.minimum(charge, discharge) == pytest.approx(np.zeros(24), abs=1e-6)
    assert sold[10:16] == pytest.approx(np.zeros(6), abs=1e-6)
    assert charge[10:16].sum() > 20
    assert sold.sum() > 1
