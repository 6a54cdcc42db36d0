"""Heat pumps against published numbers: oemof.thermal, a field regression, and a PyPSA optimum.

COP of oemof.thermal: its own tests of `calc_cops` (MIT licence). Regression of air-source heat pumps
and its range: Staffell et al. (2012), A review of domestic heat pumps, doi:10.1039/c2ee22653g. The
optimum: PyPSA 1.4.0 (MIT licence; notebooks CC-BY-4.0), example of a heat pump with a water tank, run
with HiGHS 1.15.1 and confirmed by an independent rebuild in linopy.
"""

from __future__ import annotations

import numpy as np
import pytest

from microgrid_opt.formulations.cop import Carnot, LiftTable
from tests.support import problem_of, solved

TANK = f"""
schema: 1
name: heat pump and tank
currency: EUR
site: {{timezone: UTC}}
horizon: {{start: 2025-01-01, hours: 4}}
finance: {{discount_rate: 0, project_years: 1, investment_scaling: full}}
assets:
  wind:
    type: wind
    power_kw: {{annual_cost_per_kw: 500}}
    output_per_kw: {{hourly: {[0, 0.2, 0.7, 0.4, *[0] * 20]}}}
  pump:
    type: heat_pump
    power_kw: {{annual_cost_per_kw: 1000}}
    size_on: input
    cop: {{hourly: {[2.5, 3, 3.2, 3, *[1] * 20]}}}
  tank: {{type: heat_store, energy_kwh: 100, self_discharge_per_hour: 0.01}}
  heat: {{type: heat_demand, power_kw: 20}}
"""


def cop(machine: str) -> float:
    """Return the COP of a heat pump or chiller as the park makes it."""
    text = (
        "{schema: 1, name: one step, currency: EUR, "
        "horizon: {start: 2025-01-01, hours: 1}, "
        "finance: {discount_rate: 0, project_years: 1}, assets: {machine: {power_kw: 1, %s}}}"
    )
    return float(problem_of(text % machine).arrays["assets.machine.cop"][0])


@pytest.mark.parametrize(
    ("machine", "published"),
    [
        (
            "type: heat_pump, carnot: {fraction: 0.4}, sink_temperature_degc: 40, "
            "source_temperature_degc: 12",
            4.473571428571428,
        ),
        (
            "type: heat_pump, carnot: {fraction: 0.5, icing_factor: 0.8}, "
            "sink_temperature_degc: 40, source_temperature_degc: 1.3",
            3.236692506459949,
        ),
        (
            "type: heat_pump, carnot: {fraction: 0.5, icing_factor: 0.8}, "
            "sink_temperature_degc: 40, source_temperature_degc: 2.3",
            4.15318302387268,
        ),
        (
            "type: chiller, carnot: {fraction: 0.45}, sink_temperature_degc: 35, "
            "source_temperature_degc: 17",
            7.25375,
        ),
    ],
)
def test_cop_of_oemof_thermal(machine: str, published: float) -> None:
    """Proves: heat, icing and cold give what oemof.thermal's own tests expect."""
    assert cop(machine) == pytest.approx(published, rel=1e-12)


def test_regression_of_staffell_as_a_table() -> None:
    """Proves: a table every 5 K follows 6.81 − 0.121 ΔT + 0.000630 ΔT² from 15 to 60 K within 0.005.

    Sensitivity: a chord of a parabola over h is off by 0.000630 h²/4 at most.
    """

    def regression(lift: np.ndarray) -> np.ndarray:
        return np.asarray(6.81 - 0.121 * lift + 0.000630 * lift**2)

    points = np.arange(15.0, 61.0, 5.0)
    table = LiftTable(lift_kelvin=tuple(points), cop=tuple(regression(points)))
    lifts = np.linspace(15.0, 60.0, 181)
    found = table.cops(50.0 - lifts, np.full(181, 50.0), heats=True)
    worst = float(np.abs(found - regression(lifts)).max())
    assert 0.9 < worst / (0.000630 * 25 / 4) < 1.01


def test_regression_lies_in_the_range_of_quality_grades() -> None:
    """Proves: at 50 °C the regression is 0.30 to 0.45 of Carnot from 25 K on, as published grades say.

    VDE (2015) as cited by oemof.thermal: 0.4 for air. Sensitivity: kelvin taken for degrees gives 0.05.
    """
    lifts = np.array([25.0, 35.0, 45.0, 60.0])
    field = 6.81 - 0.121 * lifts + 0.000630 * lifts**2
    ideal = Carnot(fraction=1.0).cops(50.0 - lifts, np.full(4, 50.0), heats=True)
    assert ((field / ideal > 0.30) & (field / ideal < 0.45)).all()


def test_heat_pump_with_water_tank_of_pypsa() -> None:
    """Proves: PyPSA's optimum and sizes: 23500.585825, 26.111762 MW of wind, 10.444705 MW of pump.

    Money per MW of the horizon; powers in MW stand as kW. Sensitivity: without the tank's loss of 1 %
    an hour, or with a COP of 3 throughout, the cost is another.
    """
    results = solved(TANK)
    assert results.cost == pytest.approx(23500.5858249914, rel=1e-6)
    assert results.size("wind") == pytest.approx(26.111762, rel=1e-6)
    assert results.size("pump") == pytest.approx(10.444705, rel=1e-6)
    tight = solved(TANK.replace("per_hour: 0.01", "per_hour: 0"))
    assert tight.cost < 23500 - 100
    even = solved(TANK.replace("[2.5, 3, 3.2, 3,", "[3, 3, 3, 3,"))
    assert abs(even.cost - results.cost) > 100
