from __future__ import annotations

import pytest

from microgrid_opt.errors import InfeasibleError, InputError, NoPlanError
from tests.support import bill, day, park, shadow_price, solve_text, solved

CELL = """
grid: {type: grid, import_price_per_kwh: 0.1}
cell: {type: electrolyser, power_kw: 500, consumption_kwh_per_kg: 50}
"""


def test_revenue_is_a_negative_cost() -> None:
    """Proves: 10 kg/h made for 5 a kg are sold for 20. Sensitivity: at 4 nothing is made."""
    text = park(f"{CELL}\ntruck: {{type: sale, carrier: hydrogen, price_per_kg: 20}}")
    results = solved(text)
    assert results.of("truck.sale") == pytest.approx([10, 10])
    assert bill(results, "truck", "sale") == pytest.approx(-400)
    assert results.cost == pytest.approx(20 * (5 - 20))
    assert results.total("export", "hydrogen") == pytest.approx(20)
    idle = solved(text.replace("price_per_kg: 20", "price_per_kg: 4"))
    assert idle.of("truck.sale") == pytest.approx([0, 0])


def test_price_and_limit_by_the_hour_over_unequal_steps() -> None:
    """Proves: the price decides each step, the limit holds per hour, amounts go by step length.

    Steps of 1, 2 and 0.5 h earn 20 − 5, nothing (2 < 5) and 9 − 5 a kg at limits of 6, 6 and 2 kg/h:
    −(6 × 15 + 0.5 × 2 × 4). Sensitivity: without limits 10 kg/h are sold.
    """
    text = park(
        f"{CELL}\ntruck: {{type: sale, carrier: hydrogen, price_per_kg: {day(20, 2, 2, 9)}, "
        f"limit_kg_per_hour: {day(6, 6, 6, 2)}}}",
        horizon="{start: 2025-03-03, steps_hours: [1, 2, 0.5]}",
    )
    results = solved(text)
    assert results.of("truck.sale") == pytest.approx([6, 0, 2])
    assert results.cost == pytest.approx(-(90 + 4))
    free = solved(text.replace(f"limit_kg_per_hour: {day(6, 6, 6, 2)}", ""))
    assert free.cost == pytest.approx(-(150 + 0.5 * 10 * 4))


def test_yearly_limit_has_a_shadow_price() -> None:
    """Proves: 52560 kg a year are 12 kg in 2 of 8760 hours; one more would earn 20 − 5.

    Sensitivity: 13 kg earn 15 more.
    """
    text = park(
        f"{CELL}\ntruck: {{type: sale, carrier: hydrogen, price_per_kg: 20, yearly_limit_kg: 52560}}"
    )
    results = solved(text)
    assert results.of("truck.sale").sum() == pytest.approx(12)
    assert results.cost == pytest.approx(-12 * 15)
    assert shadow_price(results, "truck.yearly_limit") == pytest.approx(15)
    more = solved(text.replace("52560", "56940"))
    assert results.cost - more.cost == pytest.approx(15)


def test_contract_is_kept_at_a_loss() -> None:
    """Proves: 26280 kg a year are 6 kg in 2 hours, sold for 4 though they cost 5 to make.

    Sensitivity: a kg less in the contract saves 1.
    """
    text = park(
        f"{CELL}\ntruck: {{type: sale, carrier: hydrogen, price_per_kg: 4, yearly_min_kg: 26280}}"
    )
    results = solved(text)
    assert results.cost == pytest.approx(6)
    assert shadow_price(results, "truck.yearly_minimum") == pytest.approx(1)
    assert solved(text.replace("26280", "21900")).cost == pytest.approx(5)


def test_least_flow_is_kept_in_every_hour() -> None:
    """Proves: 3 and 1 kg/h must go at a loss of 1 a kg. Sensitivity: without it nothing goes."""
    text = park(
        f"{CELL}\ntruck: {{type: sale, carrier: hydrogen, price_per_kg: 4, "
        f"min_kg_per_hour: {day(3, 1)}}}"
    )
    results = solved(text)
    assert results.of("truck.sale") == pytest.approx([3, 1])
    assert results.cost == pytest.approx(4)
    with pytest.raises(InfeasibleError, match=r"hydrogen of park is short in one step.*by 2 kg/h"):
        solve_text(text.replace(day(3, 1), day(12, 1)))


def test_steam_by_the_kwh() -> None:
    """Proves: 8 kW of steam at 0.5 from gas at 0.3 / 0.9. Sensitivity: the limit in kW."""
    text = park(
        """
        gas: {type: supply, carrier: gas, price_per_kwh: 0.3}
        boiler: {type: gas_boiler, power_kw: 20, efficiency: 0.9, heat_carrier: steam}
        neighbour: {type: sale, carrier: steam, price_per_kwh: 0.5, limit_kw: 8, min_kw: 2}
        """,
        hours=1,
        carriers="{steam: {temperature_degc: 180}}",
    )
    results = solved(text)
    assert results.cost == pytest.approx(8 * (0.3 / 0.9 - 0.5))
    assert solved(text.replace("price_per_kwh: 0.5", "price_per_kwh: 0.2")).cost == pytest.approx(
        2 * (0.3 / 0.9 - 0.2)
    )


def test_electricity_sold_is_export() -> None:
    """Proves: a direct sale counts in the export share. Sensitivity: 4 of 10 kWh are used here."""
    results = solved(
        park(
            """
            load: {type: load, power_kw: 4}
            pv: {type: pv, power_kw: 10, output_per_kw: 1}
            neighbour: {type: sale, carrier: electricity, price_per_kwh: 0.4}
            """,
            hours=1,
        )
    )
    assert results.indicators()["export_share"].value == pytest.approx(0.6)
    assert results.cost == pytest.approx(-2.4)


def test_gas_that_the_buyer_lets_go_counts() -> None:
    """Proves: CO2 sold to a greenhouse counts 1 kg a kg: sold at 0.2 while CO2 costs less than 200.

    Sensitivity: at 250 a tonne nothing is sold.
    """
    text = park(
        """
        well: {type: supply, carrier: co2, price_per_kg: 0}
        greenhouse: {type: sale, carrier: co2, price_per_kg: 0.2, limit_kg_per_hour: 5, co2_kg_per_kg: 1}
        """,
        hours=1,
        carbon="{price_per_t: 150}",
    )
    results = solved(text)
    assert bill(results, "greenhouse", "sale", "co2") == pytest.approx(5)
    assert results.cost == pytest.approx(5 * (0.15 - 0.2))
    assert solved(text.replace("150", "250")).co2_kg == pytest.approx(0)


def test_negative_price_is_the_fee_of_a_store_with_a_limit() -> None:
    """Proves: 50 a tonne stored, 3 kg/h at most, the rest is let go. Sensitivity: 2 kg/h emitted."""
    results = solved(
        park(
            """
            works: {type: process_emissions, co2_kg_per_hour: 5, flue_carrier: co2}
            store: {type: sale, carrier: co2, price_per_kg: "-50 CNY/t", limit_kg_per_hour: 3}
            vent: {type: dump, carrier: co2, co2_kg_per_unit: 1}
            """,
            hours=1,
            carbon="{price_per_t: 60}",
        )
    )
    assert results.cost == pytest.approx(3 * 0.05 + 2 * 0.06)
    assert results.co2_kg == pytest.approx(2)


STEAM = "s: {type: sale, carrier: heat, price_per_kwh: 1"


@pytest.mark.parametrize(
    ("asset", "told"),
    [
        (f"{STEAM}, price_per_kg: 1}}", "`price_per_kwh` and `price_per_kg` are both given"),
        ("s: {type: sale, carrier: heat}", "`price_per_kwh` or `price_per_kg` is missing"),
        (f"{STEAM}, limit_kg_per_hour: 1}}", "does not go with `price_per_kwh`: give `limit_kw`."),
        (
            f"{STEAM}, yearly_min_kg: 1}}",
            "does not go with `price_per_kwh`: give `yearly_min_kwh`.",
        ),
        (
            f"{STEAM}, yearly_min_kwh: 9, yearly_limit_kwh: 8}}",
            "s.yearly_min_kwh: is more than `yearly_limit_kwh` 8: correct one.",
        ),
        (
            f"{STEAM}, min_kw: {day(1, 3)}, limit_kw: 2}}",
            "s.min_kw: is more than `limit_kw` (first at 2025-03-03 01:00:00+08:00: 3 and 2): "
            "correct one.",
        ),
        (
            "s: {type: sale, carrier: hydrogen, price_per_kwh: 1}",
            "is counted in kg: give `price_per_kg` instead of `price_per_kwh`, and the other keys",
        ),
    ],
)
def test_bad_input_is_told(asset: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        solve_text(park(asset))
    assert told in str(caught.value)


def test_contract_beyond_the_plant_is_told() -> None:
    """Proves: the message names the contract and what is possible. Sensitivity: 20 kg of 25."""
    with pytest.raises(
        InfeasibleError, match=r"yearly minimum of hydrogen in truck.*best.*20 kg: off by 5"
    ):
        solve_text(
            park(
                f"{CELL}\ntruck: {{type: sale, carrier: hydrogen, price_per_kg: 4, "
                "yearly_min_kg: 109500}"
            )
        )


def test_sale_above_the_purchase_price_is_told() -> None:
    """Proves: endless arbitrage is refused with its cause. Sensitivity: a limit bounds it."""
    text = park(
        """
        network: {type: supply, carrier: gas, price_per_kwh: 0.3}
        buyer: {type: sale, carrier: gas, price_per_kwh: 0.4}
        """,
        hours=1,
    )
    with pytest.raises(NoPlanError, match="sale prices above purchase prices"):
        solve_text(text)
    assert solved(text.replace("0.4", "0.4, limit_kw: 7")).cost == pytest.approx(-0.7)
