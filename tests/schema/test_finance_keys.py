"""Wrong terms of money are told at their place, with what is allowed."""

from __future__ import annotations

import pytest

from microgrid_opt import study, yamlio
from microgrid_opt.errors import InputError
from microgrid_opt.model import build

PARK = """\
schema: 1
name: Test park
currency: CNY
site: {timezone: Asia/Shanghai}
horizon: {start: 2025-01-01, hours: 24}
finance: FINANCE
assets:
  load: {type: load, power_kw: 10}
  grid: {type: grid, import_price_per_kwh: 0.6}
  pv:
    type: pv
    power_kw: {max_kw: 100, capex_per_kw: 3000, lifetime_years: 20}
    output_per_kw: 0.2
  battery:
    type: battery
    energy_kwh: 100
    power_kw: 50
    charge_efficiency: 0.95
    discharge_efficiency: 0.95
"""

# what is wrong, what stands under `finance`, what is told
BAD = [
    (
        "negative rate",
        "{discount_rate: -0.06, project_years: 20}",
        "park.yaml:6:11: finance.discount_rate = -0.06: must be at least 0.",
    ),
    (
        "negative tax",
        "{discount_rate: 0.06, project_years: 20, tax: {income_tax_fraction: -0.2, depreciation: {years: 10}}}",
        "park.yaml:6:57: finance.tax.income_tax_fraction = -0.2: must be at least 0.",
    ),
    (
        "inflation in percent",
        "{discount_rate: 0.06, project_years: 20, inflation: 2}",
        "park.yaml:6:51: finance.inflation = 2: must be less than 1. Write '2 %' if percent is meant.",
    ),
    (
        "asset unknown",
        "{discount_rate: 0.06, project_years: 20, incentives: {g: {type: grant, assets: [pvv], fraction: 0.1}}}",
        "park.yaml:6:81: finance.incentives.g.assets.0 = 'pvv': is no asset of the park (did you mean 'pv'?): known are load, grid, pv, battery.",
    ),
    (
        "grant both",
        "{discount_rate: 0.06, project_years: 20, incentives: {g: {type: grant, assets: [pv], fraction: 0.1, amount_per_unit: 5}}}",
        "park.yaml:6:64: finance.incentives.g: `fraction` and `amount_per_unit` are both given: give exactly one.",
    ),
    (
        "grant size",
        "{discount_rate: 0.06, project_years: 20, incentives: {g: {type: grant, assets: [pv], amount_per_unit: 5, size: energy}}}",
        "park.yaml:6:115: finance.incentives.g.size: pv has no size 'energy': it has power.",
    ),
    (
        "incentive name",
        "{discount_rate: 0.06, project_years: 20, incentives: {fixed_om: {type: grant, assets: [pv], fraction: 0.1}}}",
        "park.yaml:6:64: finance.incentives.fixed_om: is a category of the ledger: choose another key.",
    ),
    (
        "years of a payment",
        "{discount_rate: 0.06, project_years: 20, incentives: {p: {type: production, assets: [pv], price_per_unit: 0.1, years: 25}}}",
        "park.yaml:6:121: finance.incentives.p.years: is more than the project's 20: give at most these.",
    ),
    (
        "credit",
        "{discount_rate: 0.06, project_years: 20, incentives: {c: {type: tax_credit, assets: [pv], fraction: 0.3}}}",
        "park.yaml:6:64: finance.incentives.c: is a tax credit: give `finance.tax` as well.",
    ),
    (
        "straight",
        "{discount_rate: 0.06, project_years: 20, annuity: straight_line, tax: {income_tax_fraction: 0.25, depreciation: {years: 10}}}",
        "park.yaml:6:51: finance.annuity = 'straight_line': knows neither taxes nor loans: use `project` or `lifetime`.",
    ),
    (
        "escalation category",
        "{discount_rate: 0.06, project_years: 20, escalation: {enery_import: 0.02}}",
        "park.yaml:6:64: finance.escalation.enery_import: is neither an asset nor a category of costs: there are load, grid, pv, battery; energy_import, investment.",
    ),
    (
        "escalation asset",
        "{discount_rate: 0.06, project_years: 20, escalation: {girdd.energy_import: 0.02}}",
        "park.yaml:6:51: finance.escalation.girdd.energy_import: 'girdd' is no asset of the park (did you mean 'grid'?): known are load, grid, pv, battery.",
    ),
    (
        "vat twice",
        "{discount_rate: 0.06, project_years: 20, vat: {fraction: 0.13, refunded_on: [grid], added_to: [grid]}}",
        "park.yaml:6:51: finance.vat: grid is refunded and added: keep one.",
    ),
    (
        "grace",
        "{discount_rate: 0.06, project_years: 20, loan: {share_fraction: 0.5, rate: 0.04, term_years: 5, grace_years: 5}}",
        "park.yaml:6:51: finance.loan: `grace_years` must be shorter than `term_years`.",
    ),
    (
        "green",
        "{discount_rate: 0.06, project_years: 20, loan: {share_fraction: 0.5, rate: 0.04, green_discount: 0.05, term_years: 5}}",
        "park.yaml:6:51: finance.loan: `green_discount` is more than `rate`: interest would be negative.",
    ),
    (
        "broken",
        "{discount_rate: 0.06, project_years: 20.5, tax: {income_tax_fraction: 0.25, depreciation: {years: 10}}}",
        "park.yaml:6:32: finance.project_years: must be whole with inflation, growth, taxes, VAT, loans, incentives or third parties.",
    ),
    (
        "broken inflation",
        "{discount_rate: 0.06, project_years: 20.5, inflation: 0.02}",
        "park.yaml:6:32: finance.project_years: must be whole with inflation, growth, taxes, VAT, loans, incentives or third parties.",
    ),
    (
        "macrs",
        "{discount_rate: 0.06, project_years: 20, tax: {income_tax_fraction: 0.25, depreciation: {method: macrs, years: 6}}}",
        "park.yaml:6:84: finance.tax.depreciation: years = 6: method 'macrs' has classes of 3, 5, 7, 10, 15, 20 years.",
    ),
    (
        "tp asset",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: lease, assets: [pvv], payment_per_year: 5}}}",
        "park.yaml:6:82: finance.third_party.e.assets.0 = 'pvv': is no asset of the park (did you mean 'pv'?): known are load, grid, pv, battery.",
    ),
    (
        "tp twice",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: lease, assets: [pv], payment_per_year: 5}, f: {type: lease, assets: [pv], payment_per_year: 5}}}",
        "park.yaml:6:135: finance.third_party.f.assets.0 = 'pv': is in contract e already: an asset has one investor.",
    ),
    (
        "tp years",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: lease, assets: [pv], payment_per_year: 5, years: 25}}}",
        "park.yaml:6:65: finance.third_party.e: lasts 25 years, the project 20: give at most these.",
    ),
    (
        "tp price",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: lease, assets: [pv], payment_per_year: 5, handover_price: 7}}}",
        "park.yaml:6:117: finance.third_party.e.handover_price = 7.0: needs `years`: without them the assets are never handed over.",
    ),
    (
        "tp shares",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: shared_savings, assets: [pv], shares: [[5, 0.8], [3, 0.5]]}}}",
        "park.yaml:6:65: finance.third_party.e: the years of `shares` must ascend: [[5, 0.8], [8, 0.5]].",
    ),
    (
        "tp zero",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: shared_savings, assets: [pv], shares: [[5, 0]]}}}",
        "park.yaml:6:65: finance.third_party.e: `shares` must have one above 0.",
    ),
    (
        "tp two shares",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: shared_savings, assets: [pv], shares: [[5, 0.4]]}, f: {type: shared_savings, assets: [battery], shares: [[5, 0.4]]}}}",
        "park.yaml:6:126: finance.third_party.f: park shares its savings in e already: they cannot be told apart, so make one contract of both.",
    ),
    (
        "tp type",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: esco, assets: [pv]}}}",
        "park.yaml:6:69: finance.third_party.e.type = 'esco': must be `ppa`, `shared_savings` or `lease`",
    ),
    (
        "tp no price",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: ppa, assets: [pv]}}}",
        "park.yaml:6:65: finance.third_party.e.price_per_kwh: this key is required: it must be a number in currency/kWh or a quantity such as '2 currency/kWh'",
    ),
]


@pytest.mark.parametrize(("finance", "told"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_finance(finance: str, told: str) -> None:
    """Proves: each is refused with its place, its key and what to do, before anything is solved."""
    with pytest.raises(InputError) as caught:
        build(study.resolve(yamlio.loads(PARK.replace("FINANCE", finance), "park.yaml")))
    assert str(caught.value) == told


def test_contracts_of_assets_of_two_members() -> None:
    """Proves: a contract has one host; an unknown member is told and nothing crashes after it."""
    text = PARK.replace(
        "FINANCE",
        "{discount_rate: 0.06, project_years: 20, third_party: {e: {type: lease, "
        "assets: [pv, battery], payment_per_year: 5}}}",
    )
    text = text.replace("assets:\n", "members: {a: {}, b: {}}\nassets:\n")
    for kind, member in (("load", "a"), ("grid", "a"), ("pv", "a"), ("battery", "b")):
        text = text.replace(f"type: {kind}, ", f"type: {kind}, member: {member}, ")
        text = text.replace(f"type: {kind}\n", f"type: {kind}\n    member: {member}\n")
    with pytest.raises(InputError, match=r"are of several members \(a, b\): make a contract for"):
        study.resolve(yamlio.loads(text, "park.yaml"))
    with pytest.raises(InputError, match="is no member of the park"):
        study.resolve(yamlio.loads(text.replace("member: b", "member: c"), "park.yaml"))


def test_a_member_with_taxes_needs_whole_years() -> None:
    """Proves: terms of a member are checked like those of the park, at the member's key."""
    text = PARK.replace("FINANCE", "{discount_rate: 0.06, project_years: 20.5}").replace(
        "assets:\n",
        "members: {a: {finance: {tax: {income_tax_fraction: 0.25, depreciation: {years: 5}}}}}\n"
        "assets:\n",
    )
    with pytest.raises(InputError, match=r"members.a.finance: has taxes or a loan: `finance.proj"):
        study.resolve(yamlio.loads(text, "park.yaml"))
