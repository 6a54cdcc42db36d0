from __future__ import annotations

import pytest

from microgrid_opt.errors import InputError
from tests.support import bill, day, park, problem_of, solved

PARK = """
    load: {type: load, power_kw: 10}
    grid: {type: grid, import_price_per_kwh: 1}
    river: {type: hydro, output_per_kw: %s, %s}
"""


def test_water_is_used_or_spilled() -> None:
    """Proves: 20 × (0.3, 0.8) kW in steps of 2 and 0.5 h: 4 kW bought, 6 kW spilled.

    Sensitivity: a kW more saves 0.3 × 2 h, in the dry step only.
    """
    text = park(
        PARK % (day(0.3, 0.3, 0.8), "power_kw: 20, variable_om_per_kwh: 0.01"),
        horizon="{start: 2025-03-03, steps_hours: [2, 0.5]}",
    )
    results = solved(text)
    assert results.of("river.generation") == pytest.approx([6, 10])
    assert bill(results, "river", "variable_om") == pytest.approx(0.01 * 17)
    assert results.cost == pytest.approx(8 + 0.17)
    assert results.total("generation", renewable=True) == pytest.approx(17)
    figures = results.details.set_index("name")["value"]
    assert figures["curtailed"] == pytest.approx(3)
    more = solved(text.replace("power_kw: 20", "power_kw: 21"))
    assert results.cost - more.cost == pytest.approx(0.6 * 0.99)


def test_size_grows_while_the_next_kw_pays() -> None:
    """Proves: a kW earns 0.5 + 1 up to 10 kW, then 0.5 up to 20. Sensitivity: yearly cost 1, 0.4, 2."""
    keys = "power_kw: {max_kw: 50, annual_cost_per_kw: %s}"
    for cost, size in ((1, 10), (0.4, 20), (2, 0)):
        results = solved(park(PARK % (day(0.5, 1), keys % cost)))
        assert results.size("river") == pytest.approx(size)


def test_flow_is_needed() -> None:
    with pytest.raises(InputError, match=r"output_per_kw.*required"):
        problem_of(park((PARK % (1, "power_kw: 1")).replace("output_per_kw: 1, ", "")))
