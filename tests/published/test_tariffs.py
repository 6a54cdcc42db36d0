"""Bills that others have published, and tariff tables, reproduced by the bill calculator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid_opt.policies.tariffs import load_tariff
from tests.billing import bill_of, meter, shipped, tariff

YEAR_2022 = 8760

HUBEI = {
    # voltage: sharp, peak, flat, valley in CNY/kWh, worked out by hand from the official components:
    # (0.384470 + 0.013643) x multiplier + 0.0452 + 0.082273 + T&D; flat is the column of the table.
    "10kv": (1.049999, 0.84895194, 0.651886, 0.43292385),
    "35kv": (1.030199, 0.82716137, 0.632086, 0.41312385),
    "110kv": (1.012099, 0.80906137, 0.613986, 0.39502385),
    "220kv": (0.993099, 0.79006137, 0.594986, 0.37602385),
}
HOURS = {"sharp": 18, "peak": 20, "flat": 8, "valley": 0}


@pytest.mark.parametrize("voltage", HUBEI)
def test_hubei_two_part_prices(voltage: str) -> None:
    """Proves: R3, the 16 energy prices (4 voltages x 4 bands) to six digits from the components.

    Sensitivity: the peak multiplier of 10 kV is 1.495, of the others 1.49; the four flat prices are
    the official table's.
    """
    for band, expected in zip(HOURS, HUBEI[voltage], strict=True):
        power = np.zeros(24)
        power[HOURS[band]] = 1.0
        found = bill_of(
            shipped("china/hubei_2026_01"),
            meter("2026-01-05", power, timezone="Asia/Shanghai"),
            {"voltage": voltage, "power_factor": 0.90, "choices": {"basic_charge": "by_capacity"}},
            transformer_kva=0.0,
        )
        assert found.total == pytest.approx(expected, abs=5e-7), band


@pytest.mark.parametrize(
    ("voltage", "peak_kw", "picked"),
    [
        ("10kv", 1500, "by_demand"),
        ("10kv", 1600, "by_capacity"),
        ("110kv", 1564, "by_demand"),
        ("110kv", 1565, "by_capacity"),
    ],
)
def test_hubei_capacity_or_demand(voltage: str, peak_kw: float, picked: str) -> None:
    """Proves: R3, of 26.3/kVA and 42/kW (24.4 and 39 from 110 kV) the cheaper one is picked.

    By hand: 2500 kVA cost 65 750, as much as 1565.5 kW; at 110 kV 61 000, as much as 1564.1 kW.
    """
    power = np.zeros(48)
    power[30] = peak_kw
    found = bill_of(
        shipped("china/hubei_2026_01"),
        meter("2026-01-05", power, timezone="Asia/Shanghai"),
        {"voltage": voltage, "power_factor": 0.90},
        transformer_kva=2500.0,
    )
    assert found.picked["basic_charge"] == (picked,)
    low = "low" if voltage == "10kv" else "high"
    price = {"by_demand": {"low": 42, "high": 39}, "by_capacity": {"low": 26.3, "high": 24.4}}
    amount = peak_kw if picked == "by_demand" else 2500
    key = f"basic_{picked.removeprefix('by_')}_{low}"
    assert found.component(key) == pytest.approx(price[picked][low] * amount)


def test_hubei_260_kwh_per_kva() -> None:
    """Proves: from 260 kWh per kVA a month 90 % of the demand price are due.

    By hand: 1000 kW for 31 days are 744 000 kWh; 2861.5 kVA x 260 = 743 990; 2861.6 x 260 = 744 016.
    """
    power = np.full(744, 1000.0)
    contract = {
        "voltage": "10kv",
        "power_factor": 0.90,
        "choices": {"basic_charge": "by_demand"},
    }
    for kva, factor in ((2861.5, 0.9), (2870.0, 1.0)):
        metered = meter("2026-01-01", power, timezone="Asia/Shanghai")
        found = bill_of(shipped("china/hubei_2026_01"), metered, contract, transformer_kva=kva)
        assert found.component("basic_demand_low") == pytest.approx(42_000 * factor)


def test_capacity_only_charge_of_1192() -> None:
    """Proves: 20 MVA at 110 kV and load factor 0.5 pay 645 320 a month, whatever they use.

    Published: 0.0884 x 0.5 x 730 x 20 000, and 488 000 for the transformers; the break-even is
    7.3 GWh a month.
    """
    direct = shipped("china/hubei_2026_01_nearby")
    for gwh, picked in ((7.29, "by_energy"), (7.31, "by_access_capacity")):
        power = np.full(744, gwh * 1e6 / 744)
        metered = meter("2026-01-01", power, timezone="Asia/Shanghai")
        contract = {
            "voltage": "110kv",
            "power_factor": 0.90,
            "choices": {"basic_charge": "by_capacity"},
        }
        found = bill_of(direct, metered, contract, transformer_kva=20_000.0)
        assert found.picked["network"] == (picked,)
        assert found.component("basic_capacity_high") == pytest.approx(488_000)
    assert found.component("access_capacity_110kv") == pytest.approx(645_320)


SHANDONG = {"s": 1.13597, "p": 0.98555, "f": 0.63457, "v": 0.28359, "d": 0.18331}
TEMPLATES = {
    # months: the 24 hours of the day as bands, written down by hand beside the tariff's calendar
    (1, 12): "ffffffffffvvddvfssspppff",
    (2, 3, 4, 5): "ffffffffffvdddvffsssppff",
    (6,): "ffvvvvvvfffffffffpppppff",
    (7, 8): "fvvvvvvfffffffffssssppff",
    (9, 10, 11): "ffffffffffvdddvfpssppfff",
}


def test_shandong_year_of_five_bands() -> None:
    """Proves: R4, the 8760 prices of 2026 are those of five templates of 24 hours and five prices.

    Sensitivity: each hour's price is read from a bill in which that hour's use can be told apart.
    """
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    expected = []
    for month, count in enumerate(days, 1):
        (day,) = [text for months, text in TEMPLATES.items() if month in months]
        expected += [SHANDONG[band] for band in day] * count
    from microgrid_opt.policies.tariffs import tariff_numbers
    from microgrid_opt.series import Reader

    metered = meter("2026-01-01", np.ones(8760), timezone="Asia/Shanghai")
    of = load_tariff("china/shandong_2026", Path())
    numbers = tariff_numbers(of, metered.horizon, Reader(Path()))
    prices = np.zeros(8760)
    for name, component in of.components.items():
        floats: Any = component
        factor = numbers["multiplier"] if floats.floats else 1.0
        prices += numbers[f"components.{name}.price_per_kwh"] * factor
    assert prices == pytest.approx(np.array(expected), abs=5e-7)
    assert bill_of(of, metered).total == pytest.approx(sum(expected), rel=1e-9)


def reopt_load() -> np.ndarray[Any, Any]:
    power = np.full(YEAR_2022, 100.0)
    for hour, peak in ((22, 200), (2403, 400), (4088, 500), (8333, 300)):
        power[hour - 1] = peak
    return power


REOPT_RATES = [10, 10, 20, 50, 20, 10, 20, 20, 20, 20, 20, 5]


@pytest.mark.parametrize(
    ("ratchet", "billed", "cost"),
    [
        (
            {"ratchet_months": [1, 4, 12]},
            [300, 300, 300, 400, 300, 500, 300, 300, 300, 300, 300, 300],
            74_500,
        ),
        (
            {"ratchet_lookback_months": 6},
            [225, 225, 225, 400, 300, 500, 375, 375, 375, 375, 375, 375],
            79_375,
        ),
    ],
)
def test_reopt_lookback_demand(ratchet: dict[str, Any], billed: list[float], cost: float) -> None:
    """Proves: billed kW and yearly cost of REopt.jl test/runtests.jl, Lookback Demand Charges 2, 3."""
    of = tariff(
        energy={"type": "energy", "price_per_kwh": 0.01},
        demand={
            "type": "demand",
            "price_per_kw_month": {"monthly": REOPT_RATES},
            "ratchet_fraction": 0.75,
            **ratchet,
        },
    )
    found = bill_of(of, meter("2022-01-01", reopt_load(), timezone="Etc/GMT+7"))
    assert found.billed["demand"][1].tolist() == billed
    assert found.component("demand") == cost
    assert found.component("energy") == pytest.approx(reopt_load().sum() * 0.01)


def test_reopt_lookback_of_all_months() -> None:
    """Proves: REopt.jl Lookback Demand Charges 1: 100 kW in January, 35 % of it afterwards.

    Published: 100 x (10.5 + 0.35 x 10.5 x 5 + 0.35 x 11.5 x 6); warm months are May to October.
    """
    power = np.ones(YEAR_2022)
    power[7] = 100.0
    rates = [11.5 if 5 <= month <= 10 else 10.5 for month in range(1, 13)]
    of = tariff(
        demand={
            "type": "demand",
            "price_per_kw_month": {"monthly": rates},
            "ratchet_fraction": 0.35,
            "ratchet_months": list(range(1, 13)),
        }
    )
    found = bill_of(of, meter("2022-01-01", power, timezone="Etc/GMT+6"))
    assert found.total == pytest.approx(100 * (10.5 + 0.35 * 10.5 * 5 + 0.35 * 11.5 * 6))


def test_reopt_coincident_peak() -> None:
    """Proves: REopt.jl Coincident Peak Charges: 1 kW at 10 $ and 5 $ in two groups of hours cost 15 $.

    Hours 1, 2 and 100 of the year are 1 January 0:00 and 1:00 and 5 January 3:00; 6000 and 7000 are
    7 September 23:00 and 19 October 15:00, which are billed together here as a yearly demand.
    """
    of = tariff(
        first={
            "type": "demand",
            "price_per_kw_month": 10,
            "at": ["2022-01-01T00:00", "2022-01-01T01:00", "2022-01-05T03:00"],
        },
        second={
            "type": "demand",
            "price_per_kw_year": 5,
            "at": ["2022-09-07T23:00", "2022-10-19T15:00"],
        },
        energy={"type": "energy", "price_per_kwh": 1.0},
    )
    found = bill_of(of, meter("2022-01-01", np.ones(YEAR_2022), timezone="Etc/GMT+6"))
    assert found.component("first") + found.component("second") == pytest.approx(15.0)
    assert found.component("energy") == pytest.approx(8760.0)


def test_reference_of_reopt_is_the_one_used_here() -> None:
    """Proves: the costs above are those of the quoted reference, when it is at hand."""
    expected = {"lookback_months_1_4_12": 74_500, "lookback_range_6": 79_375}
    path = Path(__file__).parent / "data" / "reopt_demand_charge.json"
    quoted = json.loads(path.read_text(encoding="utf-8"))["variants"]
    assert {name: found["annual_demand_cost"] for name, found in quoted.items()} == expected


def test_homer_grid_peak_shaving_example() -> None:
    """Proves: HOMER Grid's simple example: 7000 $ of demand, 8400 and 8680 $ of energy.

    100 kW and 200 kW for four hours a day, 2800 kWh a day, 0.10 $/kWh, 35 $/kW. HOMER knowledge base,
    "Understanding the Calculations Inside HOMER Grid".
    """
    day = [100.0] * 14 + [200.0] * 4 + [100.0] * 6
    of = tariff(
        energy={"type": "energy", "price_per_kwh": 0.10},
        demand={"type": "demand", "price_per_kw_month": 35},
    )
    found = bill_of(of, meter("2023-01-01", day * 365, timezone="Etc/GMT+7"))
    assert found.amounts["demand"] == pytest.approx(np.full(12, 7000.0))
    assert found.amounts["energy"][0] == pytest.approx(8680)
    assert found.amounts["energy"][3] == pytest.approx(8400)


def test_goodland_kansas_bill() -> None:
    """Proves: the city's worked bill: 15 + 1000 kWh x 0.09 + 10 kW x 9.50 = 200 USD.

    goodlandks.gov, Utility rates, Large Commercial, Example of how to calculate.
    """
    power = np.full(720, 990.0 / 719.0)
    power[100] = 10.0
    found = bill_of(
        shipped("usa/goodland_large_commercial"),
        meter("2026-04-01", power, timezone="America/Denver"),
    )
    assert found.total == pytest.approx(200.00)
    assert found.component("meter") == 15
    assert found.component("demand") == pytest.approx(95)


def test_swm_network_fee_of_2024() -> None:
    """Proves: the operator's worked example: 5000 kW x 147.35 + 25 GWh x 0.49 ct = 859 250 EUR.

    swm-online.de, Netzentgelte berechnen, Rechenbeispiel ab 01.01.2024. 2024 is a leap year.
    """
    power = np.full(8784, (25e6 - 5000.0) / 8783.0)
    power[5000] = 5000.0
    found = bill_of(
        shipped("europe/swm_medium_voltage_2024"),
        meter("2024-01-01", power, timezone="Europe/Berlin"),
    )
    assert found.component("capacity") == pytest.approx(736_750)
    assert found.component("network_energy") == pytest.approx(122_500)
    assert found.total == pytest.approx(859_250)


def test_flemish_capacity_tariff_with_its_floor() -> None:
    """Proves: twelve month peaks with a floor of 2.5 kW cost 1.782 times the least charge.

    nl.wikibooks.org, Energietransitie/Capaciteitstarief (whose mean of 4.546 kW is a misprint for 4.456,
    1.782 times 2.5); a price of 1 per kW and month gives the sum.
    """
    peaks = [0.632, 4.600, 0.0, 1.028, 3.444, 4.164, 4.564, 6.0, 9.2, 5.0, 4.12, 4.88]
    power: list[float] = []
    for month, peak in enumerate(peaks):
        days = [31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30][month]
        power += [peak] + [0.0] * (24 * days - 1)
    of = tariff(
        demand={"type": "demand", "price_per_kw_month": 1, "at_least_kw": 2.5, "window_minutes": 15}
    )
    found = bill_of(of, meter("2022-05-01", power, timezone="Etc/GMT-1"))
    assert found.total / 12 / 2.5 == pytest.approx(1.782, abs=5e-4)


def test_chinese_exam_bill_with_power_factor() -> None:
    """Proves: peak, valley and flat energy and the power factor of a 200 kVA works: 18 572.1 yuan.

    A question of the grid companies' meter readers' exam (dushuang.com/detail/981711): flat 0.5, peak
    160 %, valley 40 %; 8000, 6000 and 22 000 kWh; tan 0.45 is a power factor of 0.91, so -0.15 %:
    6400 + 1200 + 11 000 - 27.9.
    """
    hours = {20: 8000.0, 2: 6000.0, 8: 22_000.0}
    power = np.array([hours.get(hour, 0.0) for hour in range(24)])
    of = tariff(
        multiplier={
            "periods": {"peak": 1.6, "flat": 1.0, "valley": 0.4},
            "calendar": [
                {"hours": "18-22", "period": "peak"},
                {"hours": "0-6", "period": "valley"},
            ],
            "otherwise": "flat",
        },
        energy={"type": "energy", "price_per_kwh": 0.5, "floats": True},
        adjustment=shipped("china/hubei_2026_01")
        .components["power_factor"]
        .model_dump(mode="json", exclude_unset=True, exclude={"charges"}),
    )
    found = bill_of(of, meter("2020-05-04", power, reactive=power * 0.45))
    assert found.component("energy") == pytest.approx(18_600)
    assert found.component("adjustment") == pytest.approx(-27.9)


@pytest.mark.parametrize(
    ("component", "facts", "peak_kw", "amount"),
    [
        # 630 kVA at 23 yuan: g230.com/index.php/2123056452606312227.html, an answer of hotline 95598
        ({"type": "capacity", "price_per_kva_month": 23}, {"transformer_kva": 630}, 100, 14_490),
        # 8000 kVA at 20 yuan, or 3800 kW at 20 yuan: czqahb.com/article/400008996.html, Beijing
        ({"type": "capacity", "price_per_kva_month": 20}, {"transformer_kva": 8000}, 3800, 160_000),
        ({"type": "demand", "price_per_kw_month": 20}, {}, 3800, 76_000),
        # 核定需量 x price + (peak - 核定需量) x 2 x price: suoa.com.cn/newsInfo/20.html, its formula (2)
        (
            {"type": "contract_demand", "price_per_kw_month": 40},
            {"contract_kw": 500},
            600,
            500 * 40 + 100 * 2 * 40,
        ),
    ],
)
def test_chinese_basic_charges(
    component: dict[str, Any], facts: dict[str, float], peak_kw: float, amount: float
) -> None:
    """Proves: 基本电费 by capacity, by demand, and beyond an agreed demand, as published answers do it."""
    power = np.zeros(744)
    power[300] = peak_kw
    found = bill_of(tariff(basic=component), meter("2024-01-01", power), **facts)
    assert found.total == pytest.approx(amount)


def test_wheeled_power_keeps_funds_and_system_fee() -> None:
    """Proves: W1b, at 10 kV flat the wheeled kWh still pays 0.0452 + 0.082273 of 0.651886.

    The ceiling of a wheeled trade is then 0.651886 - 0.127473 - fee 0.0379 = 0.486513.
    """
    from microgrid_opt.bill import Facts, Meter
    from microgrid_opt.bill import bill as priced
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.policies.tariffs import Contract, tariff_numbers
    from microgrid_opt.series import Reader

    of = shipped("china/hubei_2026_01")
    horizon = Horizon.regular("2026-01-05T08:00", 1, timezone="Asia/Shanghai")
    contract = Contract.model_validate(
        {"voltage": "10kv", "power_factor": 0.9, "choices": {"basic_charge": "by_capacity"}}
    )
    nothing, one = np.zeros(1), np.ones(1)
    numbers = tariff_numbers(of, horizon, Reader(Path()))
    bought = priced(of, numbers, Meter(horizon, one, nothing), Facts(contract, 0.0))
    wheeled = priced(
        of, numbers, Meter(horizon, nothing, nothing, wheeled=one), Facts(contract, 0.0)
    )
    assert wheeled.total == pytest.approx(0.127473)
    assert bought.total - wheeled.total - 0.0379 == pytest.approx(0.486513)
