"""Plan and bill on the days that calendars get wrong: 29 February, clock changes, holidays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.billing import bill_of, charges, grid_text, meter, tariff
from tests.support import day, park, solve_text, solved

DAYTIME: dict[str, Any] = {
    "energy": {
        "type": "energy",
        "price_per_kwh": {"weekday": [1] * 24, "weekend": [2] * 24, "holiday": [4] * 24},
    },
    "daily": {"type": "fixed", "price_per_day": 5, "price_per_month": 100},
    "demand": {
        "type": "demand",
        "price_per_kw_month": 3,
        "when": [{"hours": "2-3", "days": ["weekday", "weekend"], "except_holidays": True}],
    },
    "blocks": {
        "type": "tiered_energy",
        "tiers": [{"up_to_kwh_month": 20, "price_per_kwh": 0.5}, {"price_per_kwh": 0.2}],
    },
}


@pytest.mark.parametrize(
    ("start", "hours", "zone", "days", "months", "energy"),
    [
        # 29 February 2024 is a Thursday of 24 hours between 28 February and 1 March
        ("2024-02-28", 72, "Europe/Berlin", 3, 2, 72.0),
        # in 2023 the same 72 hours end on 2 March
        ("2023-02-28", 72, "Europe/Berlin", 3, 2, 72.0),
        # Sunday 30 March 2025 has 23 hours, Monday the 24th of these
        ("2025-03-30", 24, "Europe/Berlin", 2, 1, 23 * 2 + 1.0),
        # Sunday 26 October 2025 has 25 hours
        ("2025-10-26", 25, "Europe/Berlin", 1, 1, 25 * 2.0),
    ],
)
def test_plan_pays_the_bill_of_odd_days(
    start: str, hours: int, zone: str, days: int, months: int, energy: float
) -> None:
    """Proves: days, months and the prices of their hours by hand; plan and calculator agree."""
    text = park(
        "load: {type: load, power_kw: 1}\n" + grid_text({"components": DAYTIME}, connection_kw=5),
        horizon=f"{{start: {start}, hours: {hours}}}",
        site=f"{{timezone: {zone}}}",
    )
    found = charges(solved(text))
    assert found["energy"] == pytest.approx(energy)
    assert found["daily"] == pytest.approx(5 * days + 100 * months)
    metered = meter(start, np.ones(hours), timezone=zone)
    alone = bill_of(tariff(**DAYTIME), metered)
    assert found == pytest.approx({name: alone.component(name) for name in alone.amounts})


def test_holiday_is_dear_and_without_demand() -> None:
    """Proves: on Thursday 1 May, a holiday, 24 kWh cost 4 each and no demand counts; on Friday 1.

    Sensitivity: without the holiday both days are weekdays, and Thursday's 9 kW count.
    """
    body = f"load: {{type: load, power_kw: {day(1, 1, 9, 1, *[1] * 20)}}}\n"
    line = grid_text({"components": DAYTIME}, connection_kw=20)
    horizon = "{start: 2025-05-01, hours: 24%s}"
    kept = charges(solved(park(body + line, horizon=horizon % ", holidays: [2025-05-01]")))
    plain = charges(solved(park(body + line, horizon=horizon % "")))
    assert kept["energy"] == pytest.approx(4 * 32)
    assert kept["demand"] == pytest.approx(0)
    assert plain["energy"] == pytest.approx(32)
    assert plain["demand"] == pytest.approx(27)


def test_a_leap_year_of_days() -> None:
    """Proves: 2024 in steps of a day is billed for 366 days and twelve months, plan as calculator."""
    text = park(
        "load: {type: load, power_kw: 1}\n" + grid_text({"components": DAYTIME}, connection_kw=5),
        horizon="{start: 2024-01-01, steps_hours: %s}" % ([24] * 366),
    )
    found = charges(solved(text))
    assert found["daily"] == pytest.approx(5 * 366 + 1200)
    # 262 weekdays and 104 days of weekends
    assert found["energy"] == pytest.approx(24 * (262 + 2 * 104))
    assert found["blocks"] == pytest.approx(12 * 20 * 0.5 + (366 * 24 - 240) * 0.2)


def test_days_beyond_the_validity_are_told() -> None:
    """Proves: the audit notes both ends of a tariff's validity. Sensitivity: within it nothing is told."""
    line = grid_text(
        {"components": DAYTIME, "valid_from": "2025-05-02", "valid_to": "2025-05-03"},
        connection_kw=20,
    )
    body = f"load: {{type: load, power_kw: 1}}\n{line}"
    for start, told in (
        ("2025-05-01", "valid from 2025-05-02"),
        ("2025-05-04", "valid to 2025-05-03"),
    ):
        _, audit = solve_text(park(body, horizon=f"{{start: {start}, hours: 24}}"))
        assert any(told in note for note in audit.notes)
    _, audit = solve_text(park(body, horizon="{start: 2025-05-02, hours: 48}"))
    assert not any("valid" in note for note in audit.notes)
