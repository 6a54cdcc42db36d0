"""Parks whose coalitions are known by hand, and random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.properties.strategies import quarters, shape
from tests.support import park

if TYPE_CHECKING:
    from collections.abc import Mapping

Members = frozenset[str]

THREE = "{a: {}, b: {}, c: {}}"
GRIDS = "".join(
    f"grid_{m}: {{type: grid, member: {m}, import_price_per_kwh: {p}, co2_kg_per_kwh: 0.5}}\n"
    f"load_{m}: {{type: load, member: {m}, power_kw: 10}}\n"
    for m, p in (("a", 1), ("b", 2), ("c", 4))
)
"""Alone in two hours: 20, 40 and 80."""
LINES = """
line_ab: {type: line, member: a, to: b, power_kw: 5}
line_bc: {type: line, member: b, to: c, power_kw: 6}
"""
CHAIN = park(GRIDS + LINES, members=THREE)
CHAIN_COSTS = {
    "a": 20,
    "b": 40,
    "c": 80,
    "ab": 60 - 2 * 5 * 1,
    "ac": 100,
    "bc": 120 - 2 * 6 * 2,
    "abc": 140 - 2 * (5 * 1 + 6 * 2),
}


NOBODY_SERVES_D = park(
    GRIDS + "load_d: {type: load, member: d, power_kw: 1}\n", members="{a: {}, b: {}, c: {}, d: {}}"
)
"""A park that cannot be built: d draws what no asset of the park can bring there."""


def sellers_and_buyer(form: str) -> str:
    """Return two sellers of 50 kWh that could export at 300, and a buyer of 60 who pays 500."""
    sellers = "".join(
        f"""
{s}_meter: {{type: access, member: {s}, wheeling: {{at: n}}}}
{s}_plant: {{type: pv, member: {s}, power_kw: 50, output_per_kw: 1, curtailable: false}}
{s}_sale: {{type: sale, member: {s}, carrier: electricity, price_per_kwh: 300}}
"""
        for s in ("s1", "s2")
    )
    buyer = """
load: {type: load, member: b, power_kw: 60}
meter: {type: grid, member: b, import_price_per_kwh: 500, wheeling: {at: n, single_meter: never}}
"""
    return park(
        sellers + buyer,
        hours=1,
        members="{s1: {}, s2: {}, b: {}}",
        trading=f"{{network: {{nodes: {{n: {{}}}}}}, form: {form}}}",
    )


def of_names(costs: Mapping[str, float]) -> dict[Members, float]:
    """Return costs by members from costs by letters."""
    return {frozenset(names): cost for names, cost in costs.items()}


@st.composite
def communities(draw: Any) -> dict[str, Any]:
    """Return three members with sized PV and batteries, joined by lines, trades or both.

    Always feasible, alone and together; a supplier that is dear and free of CO2 stands behind all.
    """
    steps = draw(st.integers(2, 3))
    assets: dict[str, Any] = {}
    for m in "abc":
        assets |= _member(draw, m, steps)
    for m, n in ("ab", "bc", "ca"):
        if draw(st.booleans()):
            assets[f"line_{m}{n}"] = {
                "type": "line",
                "member": m,
                "to": n,
                "efficiency": 0.9,
                "power_kw": draw(
                    st.sampled_from([3, {"max_kw": 4, "existing_kw": 1, "annual_cost_per_kw": 0.5}])
                ),
                "standing_loss_fraction": 0.0,
            }
    carbon = {"price_per_t": draw(st.sampled_from([0, 400]))}
    return {
        "schema": 1,
        "name": "Random community",
        "currency": "CNY",
        "site": {"timezone": "Etc/GMT-8"},
        "horizon": {"start": "2025-03-03", "hours": steps},
        "finance": {
            "discount_rate": 0,
            "project_years": 10,
            "annuity": "straight_line",
            "investment_scaling": "full",
        },
        "members": {"a": {}, "b": {}, "c": {}},
        "carbon": carbon,
        "trading": _network(draw),
        "assets": assets,
    }


def _member(draw: Any, m: str, steps: int) -> dict[str, Any]:
    price = shape(draw, steps, 2, 6)
    found: dict[str, Any] = {
        f"load_{m}": {"type": "load", "member": m, "power_kw": shape(draw, steps, 0, 8)},
        f"grid_{m}": {
            "type": "grid",
            "member": m,
            "import_price_per_kwh": price,
            "import_limit_kw": draw(st.integers(3, 20)),
            "export_price_per_kwh": 0.5,
            "export_limit_kw": 20,
            "co2_kg_per_kwh": draw(quarters(0, 1)),
            "wheeling": {"at": f"n{m}", "single_meter": "never"},
        },
        f"clean_{m}": {
            "type": "supply",
            "member": m,
            "carrier": "electricity",
            "price_per_kwh": 20,
        },
        f"sink_{m}": {"type": "dump", "member": m, "carrier": "electricity", "cost_per_unit": 1},
    }
    if draw(st.booleans()):
        found[f"pv_{m}"] = {
            "type": "pv",
            "member": m,
            "power_kw": {"existing_kw": 1, "max_kw": 9, "annual_cost_per_kw": draw(quarters(0, 3))},
            "output_per_kw": shape(draw, steps, 0, 1),
        }
    if draw(st.booleans()):
        found[f"battery_{m}"] = {
            "type": "battery",
            "member": m,
            "energy_kwh": {"max_kwh": 8, "annual_cost_per_kwh": draw(quarters(0, 1))},
            "power_kw": 4,
            "charge_efficiency": 0.9,
            "discharge_efficiency": 1,
            "discharge_cost_per_kwh": 0.05,
        }
    return found


def _network(draw: Any) -> dict[str, Any]:
    lines: dict[str, Any] = {
        f"l{m}": {"from": "hub", "to": f"n{m}", "length_km": draw(st.integers(1, 3))} for m in "abc"
    }
    if draw(st.booleans()):
        lines["lb"]["owner"] = draw(st.sampled_from("abc"))
        lines["lb"]["price_per_kwh"] = 0.25
    fee: dict[str, Any] = {"method": "distance", "price_per_kwh_km": 0.1}
    if draw(st.booleans()):
        fee["paid_to"] = draw(st.sampled_from(["network", "a", "c"]))
    return {
        "network": {"nodes": {"hub": {}, "na": {}, "nb": {}, "nc": {}}, "lines": lines},
        "fees": {"wheel": fee},
        "form": draw(st.sampled_from(["pairs", "arcs"])),
    }
