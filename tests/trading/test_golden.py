"""The golden cases of wheeled power, to their printed digits."""

from __future__ import annotations

import pytest

from tests.support import bill, solved
from tests.trading.markets import Market

W1 = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100 MW, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: town}}
    c_load: {type: load, member: c, power_kw: 80 MW}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, wheeling: {at: town}}
    """,
    fees="{wheeling: {method: value, price_per_kwh: 0.0379}}",
    rules="{loss_fraction: 2 %}",
)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
def test_w1_surplus_meets_a_load(form: str) -> None:
    """Proves: 80 MWh need 81.632653 sent; gain 80 (650 − 37.9) − 81.632653 × 300 = 24,478.20; clearing
    300 at the seller, 300 / 0.98 + 37.9 at the buyer.

    Sensitivity: without loss the gain is 24,968; both forms agree.
    """
    market = W1.but(form=form)
    results = solved(market.text)
    assert results.of("g_grid.wheeled_out") == pytest.approx([81_632.653061])
    assert results.of("c_grid.wheeled_in") == pytest.approx([80_000])
    assert market.gain == pytest.approx(24_478.20, abs=0.005)
    assert results.prices["g.electricity"].to_list() == pytest.approx([0.3])
    assert results.prices["c.electricity"].to_list() == pytest.approx([0.3 / 0.98 + 0.0379])
    assert market.but(rules="{}").gain == pytest.approx(24_968)


@pytest.mark.parametrize(("price", "sent"), [(0.59985, 81_632.653061), (0.59987, 0.0)])
def test_w1_ends_at_the_upper_end_of_the_reservation_band(price: float, sent: float) -> None:
    """Proves: the band of a kWh sent is [0.3, 0.98 (0.65 − 0.0379) = 0.599858]: a seller who gets more
    for the export does not trade. Sensitivity: 0.00001 on either side.
    """
    market = W1.but(("export_price_per_kwh: 0.3", f"export_price_per_kwh: {price}"))
    assert solved(market.text).of("g_grid_to_c_grid.sent") == pytest.approx([sent])


W1B = W1.but(
    (
        "import_price_per_kwh: 0.65, wheeling: {at: town}",
        "tariff: china/hubei_2026_01, transformer_kva: 100 MVA, "
        "contract: {voltage: 10kv, power_factor: 0.9, choices: {basic_charge: by_capacity}}, "
        "wheeling: {at: town}",
    ),
    sections=(("horizon", "{start: 2026-01-08T08:00, hours: 1}"),),
)


def test_w1b_retained_charges_of_hubei() -> None:
    """Proves: of the flat price 651.886 at 10 kV, funds 45.2 and system fee 82.273 stay due, the ceiling
    is 651.886 − 45.2 − 82.273 − 37.9 = 486.513, and the gain 80 × 486.513 − 81.632653 × 300 =
    14,431.24.

    Sensitivity: nothing retained gains 80 × 127.473 more.
    """
    results = solved(W1B.text)
    funds = sum(
        bill(results, "c_grid", name)
        for name in ("rural_network_fund", "reservoir_fund", "renewable_surcharge")
    )
    assert funds == pytest.approx(80_000 * 0.0452)
    assert bill(results, "c_grid", "system_operation") == pytest.approx(80_000 * 0.082273)
    assert bill(results, "c_grid", "agency_energy_10kv") == pytest.approx(0)
    assert W1B.gain == pytest.approx(14_431.24, abs=0.005)
    ceiling = (W1B.gain + 80 / 0.98 * 300) / 80
    assert ceiling == pytest.approx(486.513, abs=5e-4)
    free = W1B.but(
        (
            "basic_charge: by_capacity}}, wheeling: {at: town}",
            "basic_charge: by_capacity}}, wheeling: {at: town, retained: []}",
        ),
    )
    assert free.gain - W1B.gain == pytest.approx(80 * 127.473, abs=0.005)


W4 = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 5 MW, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: town}}
    c_load: {type: load, member: c, power_kw: 10 MW}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, peak_price_per_kw_month: 39, wheeling: {at: town}}
    """
)


def test_w4_wheeled_power_does_not_shave_the_demand_charge() -> None:
    """Proves: 10 MW at 39 a kW are 390,000 with or without 5 MW wheeled in.

    Sensitivity: 5 MW behind the meter make it 195,000.
    """
    results = solved(W4.text)
    assert results.of("c_grid.wheeled_in") == pytest.approx([5_000])
    assert bill(results, "c_grid", "demand_charge") == pytest.approx(390_000)
    assert bill(solved(W4.closed.text), "c_grid", "demand_charge") == pytest.approx(390_000)
    behind = W4.closed.but(("g_pv: {type: must_run, member: g", "g_pv: {type: must_run, member: c"))
    assert bill(solved(behind.text), "c_grid", "demand_charge") == pytest.approx(195_000)


W5 = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100 MW, output_per_kw: 1}
    g_load: {type: load, member: g, power_kw: 100 MW}
    g_grid: {type: grid, member: g, import_price_per_kwh: 0.6, connection_kw: 200 MW, wheeling: {at: town, METER}}
    c_load: {type: load, member: c, power_kw: 100 MW}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, connection_kw: 200 MW, wheeling: {at: town}}
    """
)


@pytest.mark.parametrize("form", ["pairs", "arcs"])
@pytest.mark.parametrize(("meter", "gain"), [("auto", 0), ("always", 0), ("never", 5_000)])
def test_w5_nobody_sells_its_own_power_and_buys_as_much(meter: str, gain: float, form: str) -> None:
    """Proves: 100 MWh of PV for 100 MWh of own load leave nothing to sell: gain 0.

    Sensitivity: with meters apart the model would report 100 × (650 − 600) = 5,000.
    """
    market = W5.but(("METER", f"single_meter: {meter}"), form=form)
    assert market.gain == pytest.approx(gain, abs=1e-3)


def test_w5_with_matching_over_a_day() -> None:
    """Proves: a window does not open the loophole: what is sent at noon and delivered in the evening is
    still own power sold and as much bought. Sensitivity: meters apart earn 100 × 50.
    """
    market = W5.but(
        ("METER", "single_meter: auto"),
        (
            "load, member: c, power_kw: 100 MW",
            "load, member: c, power_kw: {hourly: [" + "0, " * 23 + "100000]}",
        ),
        (
            "must_run, member: g, power_kw: 100 MW, output_per_kw: 1",
            "must_run, member: g, power_kw: 100 MW, output_per_kw: {hourly: ["
            + "0, " * 22
            + "1, 0]}",
        ),
        (
            "load, member: g, power_kw: 100 MW",
            "load, member: g, power_kw: {hourly: [" + "0, " * 22 + "100000, 0]}",
        ),
        hours=24,
        rules="{window: day}",
    )
    assert market.gain == pytest.approx(0, abs=1e-3)
    apart = market.but(("single_meter: auto", "single_meter: never"))
    assert apart.gain == pytest.approx(5_000, abs=1e-3)


W6 = Market(
    """
    g_load: {type: load, member: g, power_kw: 10}
    g_battery: {type: battery, member: g, energy_kwh: 9, power_kw: 50, charge_efficiency: 0.9, discharge_efficiency: 0.9, initial_fraction: 0, final: free, exclusive: EXCLUSIVE}
    g_grid: {type: grid, member: g, import_price_per_kwh: -0.1, export_price_per_kwh: -0.1, connection_kw: 100, wheeling: {at: town, METER}}
    c_load: {type: load, member: c, power_kw: 10}
    c_grid: {type: grid, member: c, import_price_per_kwh: -0.1, export_price_per_kwh: -0.1, connection_kw: 100, wheeling: {at: town, METER}}
    """,
    rules="{loss_fraction: 10 %}",
)


def test_w6_a_negative_price_burns_nothing() -> None:
    """Proves: at −0.1 the loads take 20 and the battery 9 / 0.9 = 10, and get 3.0: nobody imports and
    sends at once, and the battery does not charge and discharge at once.

    Sensitivity: without these rules losses are paid for, by the wire and in the battery.
    """
    market = W6.but(("METER", "single_meter: auto"), ("EXCLUSIVE", "true"))
    results = solved(market.text)
    assert results.cost == pytest.approx(-3.0)
    for key in ("g_grid", "c_grid"):
        taken, given = results.of(f"{key}.withdrawal"), results.of(f"{key}.injection")
        assert min(taken[0], given[0]) == pytest.approx(0)
    wire = market.but(("single_meter: auto", "single_meter: never"))
    assert wire.cost < -3.5
    store = market.but(("exclusive: true", "exclusive: false"))
    assert store.cost < -3.5
    assert market.but(("single_meter: auto", "single_meter: always")).cost == pytest.approx(-3.0)
