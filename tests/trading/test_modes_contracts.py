"""Trades with a price, tested from both sides: by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from microgrid_opt.errors import InputError
from microgrid_opt.trading.modes import Study, gains
from tests.support import EXACT, problem_of
from tests.trading.markets import Market

if TYPE_CHECKING:
    from microgrid_opt.trading.contracts import Contracted, Tested

W1 = Market(
    """
    g_pv: {type: must_run, member: g, power_kw: 100, output_per_kw: 1}
    g_grid: {type: grid, member: g, export_price_per_kwh: 0.3, wheeling: {at: town}}
    c_load: {type: load, member: c, power_kw: 80}
    c_grid: {type: grid, member: c, import_price_per_kwh: 0.65, wheeling: {at: town}}
    """,
    fees="{wheeling: {method: value, price_per_kwh: 0.0379}}",
    rules="{loss_fraction: 2 %}",
)


def contracted(market: Market, terms: str) -> Contracted:
    text = market.but(trades=f"{{deal: {{from: g_grid, to: c_grid, {terms}}}}}").text
    plan = Study(problem_of(text), EXACT).contract()
    assert plan.audit is not None
    plan.audit.require()
    return plan


def only(plan: Contracted) -> Tested:
    (one,) = plan.tested
    return one


def test_each_side_says_what_it_wants() -> None:
    """Proves: at 0.45 the seller would send all 100 kWh for a gain of 15, the buyer takes 80 / 0.98; the
    shorter side decides, and the gains are 0.15 and 0.149858 for each kWh sent.
    """
    plan = contracted(W1, "price_per_kwh: 0.45")
    one = only(plan)
    assert one.agreed
    assert not one.volumes_fit
    assert (one.seller.wanted_kwh, one.seller.wanted_gain) == pytest.approx((100, 15))
    assert one.buyer.wanted_kwh == pytest.approx(80 / 0.98)
    assert gains(plan) == pytest.approx({"g": 80 / 0.98 * 0.15, "c": 80 / 0.98 * 0.149858})
    assert plan.payments == pytest.approx({"deal": 0.45 * 80 / 0.98})
    assert plan.notes == ("deal: the sides want different volumes; c decides",)


def test_a_profile_binds_both() -> None:
    """Proves: 50 kWh at 0.45 gain 7.5 and 50 x 0.149858; at 0.62 the buyer loses 1.0071, and the contract
    is left out of the plan. Sensitivity: then both are as alone.
    """
    plan = contracted(W1, "price_per_kwh: 0.45, profile_kw: 50")
    assert only(plan).fixed
    assert gains(plan) == pytest.approx({"g": 7.5, "c": 50 * 0.149858})
    dear = contracted(W1, "price_per_kwh: 0.62, profile_kw: 50")
    assert not only(dear).agreed
    assert only(dear).seller.gain == pytest.approx(16)
    assert only(dear).buyer.gain == pytest.approx(50 * (0.599858 - 0.62))
    assert gains(dear) == pytest.approx({"g": 0.0, "c": 0.0})
    assert dear.notes == ("deal: not agreed: c loses 1.01 CNY",)


@pytest.mark.parametrize(("price", "idle"), [(0.25, "seller"), (0.6, "buyer")])
def test_outside_the_band_one_side_wants_nothing(price: float, idle: str) -> None:
    """Proves: below 0.3 the seller, above 0.599858 the buyer does not trade, whatever the other wants."""
    plan = contracted(W1, f"price_per_kwh: {price}")
    one = only(plan)
    assert getattr(one, idle).wanted_kwh == pytest.approx(0)
    assert not one.agreed
    assert one.sent == pytest.approx([0.0])
    assert plan.notes == ("deal: not agreed: at this price one side wants nothing",)


def test_a_profile_that_cannot_be_sent() -> None:
    """Proves: 120 kW of 100 is no plan of the seller, and 117.6 of 80 none of the buyer, who has no use
    for it; both notes say why.
    """
    plan = contracted(W1, "price_per_kwh: 0.45, profile_kw: 120")
    one = only(plan)
    assert math.isnan(one.seller.wanted_kwh)
    assert one.seller.gain == -math.inf
    assert not one.agreed
    assert [note.partition(": No plan")[0] for note in plan.notes] == ["deal: g", "deal: c"]


@pytest.mark.parametrize(("bearer", "paid"), [("seller", 80.0), ("split", 0.5 * (80 + 80 / 0.98))])
def test_the_price_is_of_what_the_bearer_of_losses_says(bearer: str, paid: float) -> None:
    """Proves: a seller who bears the losses is paid for what is delivered; both sides count alike."""
    market = W1.but(rules=f"{{loss_fraction: 2 %, loss_bearer: {bearer}}}")
    plan = contracted(market, "price_per_kwh: 0.45")
    one = only(plan)
    assert one.paid == pytest.approx(0.45 * paid)
    assert one.seller.gain == pytest.approx(0.45 * paid - 0.3 * 80 / 0.98)
    assert one.buyer.gain == pytest.approx(80 * (0.65 - 0.0379) - 0.45 * paid)
    assert gains(plan) == pytest.approx({"g": one.seller.gain, "c": one.buyer.gain})


def test_each_side_pays_its_own_fees() -> None:
    """Proves: a fee on the seller and the price of a line on the buyer lower the gain of just that side."""
    market = W1.but(
        ("0.3, wheeling: {at: town}", "0.3, wheeling: {at: east}"),
        ("0.65, wheeling: {at: town}", "0.65, wheeling: {at: west}"),
        network="{nodes: {east: {}, west: {}}, lines: {l: {from: east, to: west, price_per_kwh: 0.02}}}",
        fees="{s: {method: value, price_per_kwh: 0.01, paid_by: seller}, b: {method: value, price_per_kwh: 0.03}}",
        rules="{}",
    )
    one = only(contracted(market, "price_per_kwh: 0.45"))
    assert one.seller.gain == pytest.approx(80 * (0.45 - 0.3 - 0.01))
    assert one.buyer.gain == pytest.approx(80 * (0.65 - 0.45 - 0.03 - 0.02))


def test_the_volume_answers_to_the_price_of_each_hour() -> None:
    """Proves: at 0.45 the seller sends only in the hour in which an export earns less, and the buyer takes
    only where an import costs more: nothing is left in the others.
    """
    rest = ", ".join(["1"] * 21)
    market = W1.but(
        ("export_price_per_kwh: 0.3", f"export_price_per_kwh: {{hourly: [0.3, 0.5, 0.3, {rest}]}}"),
        (
            "import_price_per_kwh: 0.65",
            f"import_price_per_kwh: {{hourly: [0.65, 0.65, 0.4, {rest}]}}",
        ),
        hours=3,
        fees="{}",
        rules="{}",
    )
    one = only(contracted(market, "price_per_kwh: 0.45, max_kw: 60"))
    assert one.sent == pytest.approx([60, 0, 0])
    assert (one.seller.wanted_kwh, one.buyer.wanted_kwh) == pytest.approx((120, 120))


def test_a_contract_needs_a_price() -> None:
    with pytest.raises(InputError, match="No trade has a price"):
        contracted(W1, "max_kw: 50")
