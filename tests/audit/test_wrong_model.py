"""A model that is wrong is caught by the audit, which shares no code with it.

Each case spoils one thing in the model's making: a coefficient, a rule left out, a booking, a limit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from microgrid_opt import study
from microgrid_opt.assets.battery import Battery
from microgrid_opt.audit import audit
from microgrid_opt.builder import Builder
from microgrid_opt.park import Finance
from tests.support import EXACT, day, park, problem_of, solve_text

if TYPE_CHECKING:
    from collections.abc import Callable


GRID = f"grid: {{type: grid, import_price_per_kwh: {day(1, 3)}, co2_kg_per_kwh: 1, peak_price_per_kw_month: 0.1}}"
STORE = (
    "battery: {type: battery, energy_kwh: 8, power_kw: 6, charge_efficiency: 0.8, "
    "discharge_efficiency: 0.9, self_discharge_per_hour: 0.05, min_fraction: 0.1, "
    "max_fraction: 0.9, charge_cost_per_kwh: 0.1%s}"
)
PLANT = "pv: {type: pv, output_per_kw: 0.5, power_kw: {max_kw: 9, annual_cost_per_kw: 0.1%s}}"
LOAD = "load: {type: load, power_kw: 10}"
STORED = f"{LOAD}\n{GRID}\n{STORE}"
HEATED = """
heat: {type: heat_demand, power_kw: 10}
district: {type: supply, carrier: heat, price_per_kwh: 5}
gas: {type: supply, carrier: gas, price_per_kwh: 1, co2_kg_per_kwh: 0.2}
boiler: {type: gas_boiler, power_kw: 8, efficiency: 0.8, variable_om_per_kwh: 0.1}
"""


def spoil(monkeypatch: pytest.MonkeyPatch, method: str, asset: str, change: Any) -> None:
    """Let `change` alter the arguments of one method of the builder, for one asset."""
    honest = getattr(Builder, method)

    def spoiled(self: Builder, *args: Any, **kwargs: Any) -> Any:
        if self.asset == asset:
            altered = change(self, *args, **kwargs)
            if altered is None:
                return None
            args, kwargs = altered
        return honest(self, *args, **kwargs)

    monkeypatch.setattr(Builder, method, spoiled)


def failures(text: str) -> tuple[str, ...]:
    _, found = solve_text(text)
    return tuple(f"{check.subject}: {check.what}" for check in found.failures)


def without(name: str) -> Callable[..., Any]:
    """Leave out the rule, cap or booking of that name."""
    return lambda _, first, *rest, **more: None if first == name else ((first, *rest), more)


def scaled(name: str, factor: float) -> Callable[..., Any]:
    """Scale what is booked under a name."""
    return lambda _, first, amount, **more: (
        (first, amount * (factor if first == name else 1.0)),
        more,
    )


@pytest.mark.parametrize("text", [STORED % "", f"{LOAD}\n{GRID}\n{PLANT % ''}", HEATED])
def test_nothing_spoiled_nothing_found(text: str) -> None:
    """Proves: the parks below pass as they are."""
    assert failures(park(text)) == ()


@pytest.mark.parametrize(
    ("text", "asset", "rule", "found"),
    [
        (STORED % "", "battery", "state_of_charge_balance", "state of charge follows the flows"),
        (STORED % "", "battery", "depth_limit", "depth of discharge"),
        (STORED % "", "grid", "monthly_peak", "import within the peak that is billed"),
        (
            STORED.replace(day(1, 3), "-1") % ", shared_power_limit: true",
            "battery",
            "shared_power",
            "one converter",
        ),
        (
            STORED.replace(day(1, 3), "-1") % ", exclusive: true",
            "battery",
            "only_charge",
            "never both ways at once",
        ),
        (
            f"{LOAD}\n{GRID}\n" + PLANT % ", capex_per_kw: 0",
            "pv",
            "generation_limit",
            "generation within the available",
        ),
        (
            f"{LOAD.replace('10', '1')}\n{GRID}\n"
            + (PLANT % "").replace("type: pv", "type: pv, curtailable: false")
            + "\nsink: {type: dump, carrier: electricity, cost_per_unit: 9}\n"
            "pv2: {type: pv, power_kw: 8, output_per_kw: 1, curtailable: false}",
            "pv2",
            "uncurtailed",
            "must run",
        ),
    ],
)
def test_rule_left_out(
    monkeypatch: pytest.MonkeyPatch, text: str, asset: str, rule: str, found: str
) -> None:
    """Proves: a limit that the model forgets is stated again by the audit, where it matters."""
    spoil(monkeypatch, "require", asset, without(rule))
    assert f"park.{asset}: {found}" in failures(park(text))


@pytest.mark.parametrize(
    ("rule", "found"),
    [("first_balance", "state of charge follows the flows"), ("final_state", "final state")],
)
def test_start_and_end_left_out(monkeypatch: pytest.MonkeyPatch, rule: str, found: str) -> None:
    """Proves: content out of nothing, and a store left empty, are found."""
    spoil(monkeypatch, "require_once", "battery", without(rule))
    text = park(STORED % ", initial_fraction: 0.5, final: at_least_initial")
    assert f"park.battery: {found}" in failures(text)


@pytest.mark.parametrize(
    ("text", "asset", "booking"),
    [
        (STORED % "", "grid", "energy_import"),
        (STORED % "", "grid", "demand_charge"),
        (STORED % "", "grid", "import"),
        (STORED % "", "battery", "variable_om"),
        (f"{LOAD}\n{GRID}\n{PLANT % ', fixed_om_per_kw_year: 0.1'}", "pv", "investment"),
        (f"{LOAD}\n{GRID}\n{PLANT % ', fixed_om_per_kw_year: 0.1'}", "pv", "fixed_om"),
        (HEATED, "gas", "purchase"),
        (HEATED, "boiler", "variable_om"),
        (HEATED, "policies", "co2_price"),
    ],
)
def test_booking_left_out_or_wrong(
    monkeypatch: pytest.MonkeyPatch, text: str, asset: str, booking: str
) -> None:
    """Proves: every amount is re-derived: 10 % too much of it, or none at all, is found."""
    for change in (scaled(booking, 1.1), without(booking)):
        with monkeypatch.context() as patch:
            spoil(patch, "book", asset, change)
            found = failures(park(text, carbon="{price_per_t: 100}"))
        assert any(
            line.startswith(f"park.{asset}: ledger") and line.endswith(booking) for line in found
        ), found


@pytest.mark.parametrize(
    ("text", "asset", "method", "found"),
    [
        (HEATED, "boiler", "supply", "heat supplied"),
        (HEATED, "boiler", "draw", "input drawn"),
        (HEATED, "gas", "supply", "purchase supplied"),
        (HEATED, "heat", "draw", "demand drawn"),
        (STORED % "", "battery", "supply", "discharge supplied"),
        (STORED % "", "battery", "draw", "charge drawn"),
        (STORED % "", "grid", "supply", "import supplied"),
        (f"{LOAD}\n{GRID}\n{PLANT % ''}", "pv", "supply", "generation supplied"),
    ],
)
def test_coefficient_of_a_balance(
    monkeypatch: pytest.MonkeyPatch, text: str, asset: str, method: str, found: str
) -> None:
    """Proves: an efficiency that is 1 % off in the balance does not pass, though the balance closes."""

    def change(_: Builder, *args: Any, factor: float = 1.0, **more: Any) -> Any:
        return args, {**more, "factor": factor * 1.01}

    spoil(monkeypatch, method, asset, change)
    assert failures(park(text)) == (f"park.{asset}: {found}",)


def test_storage_efficiency_on_the_wrong_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a technology whose rule takes η for 1/η is caught by the state of charge."""
    honest = Battery._write_content

    def wrong(self: Battery, *args: Any) -> None:
        swapped = self.model_copy(update={"discharge_efficiency": 1 / self.discharge_efficiency})
        honest(swapped, *args)

    monkeypatch.setattr(Battery, "_write_content", wrong)
    assert failures(park(STORED % "")) == ("park.battery: state of charge follows the flows",)


def test_loss_that_forgets_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a loss per step instead of per hour is found on unequal steps."""
    honest = Builder.param

    def wrong(self: Builder, name: str, values: Any) -> Any:
        return honest(self, name, 0.95 if name == "kept" else values)

    monkeypatch.setattr(Builder, "param", wrong)
    text = park(STORED % "", horizon="{start: 2025-03-03, steps_hours: [2, 1]}")
    assert failures(text) == ("park.battery: state of charge follows the flows",)
    assert failures(park(STORED % "")) == ()


def test_annuity_and_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the yearly cost of capex and the share of the year are found again by the audit."""
    text = park(
        f"{LOAD}\n{GRID}\npv: {{type: pv, output_per_kw: 0.5, "
        "power_kw: {fixed_kw: 9, capex_per_kw: 2, lifetime_years: 10}}"
    )
    for name, factor in (("annual_cost_factor", 1.02), ("investment_share", 0.9)):
        honest = getattr(Finance, name)
        with monkeypatch.context() as patch:
            patch.setattr(Finance, name, lambda self, x, f=factor, h=honest: float(h(self, x)) * f)
            found = failures(text)
        assert "park.pv: ledger cost investment" in found, name


@pytest.mark.parametrize(
    ("sections", "cap"),
    [
        ({"carbon": "{cap_t_per_year: 43.8}"}, "co2_cap"),
        ({"targets": "{min_renewable_share: 0.4}"}, "renewable_share"),
        (
            {"targets": "{min_renewable_share: 0.4, renewable_share_base: demand}"},
            "renewable_share",
        ),
    ],
)
def test_cap_that_is_too_loose_or_lost(
    monkeypatch: pytest.MonkeyPatch, sections: dict[str, str], cap: str
) -> None:
    """Proves: a cap a fifth too loose, or left out, is found, and so is its row in the table."""
    plant = (PLANT % "").replace("max_kw: 9", "max_kw: 90").replace("_kw: 0.1", "_kw: 9")
    text = park(f"{LOAD}\n{GRID}\n{plant}", **sections)
    assert failures(text) == ()

    def loose(_: Builder, name: str, amount: Any, sense: str, limit: float, **more: Any) -> Any:
        return (name, amount, sense, limit * (1.2 if sense == "<=" else 0.8)), more

    with monkeypatch.context() as patch:
        spoil(patch, "cap", "policies", loose)
        assert f"park.policies: {cap} kept" in failures(text)
    with monkeypatch.context() as patch:
        spoil(patch, "cap", "policies", without(cap))
        found = failures(text)
    assert f"park.policies: {cap} kept" in found
    assert f"park.policies: {cap} stands in the table of caps" in found


def test_cap_on_half_of_the_emissions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a cap that overlooks a source is found, though its own row is kept."""
    honest = Builder.emissions
    monkeypatch.setattr(Builder, "emissions", lambda self: honest(self) * 0.5)
    text = park(
        f"{LOAD}\n{GRID}\nclean: {{type: supply, carrier: electricity, price_per_kwh: 9}}",
        carbon="{cap_t_per_year: 43.8}",
    )
    found = failures(text)
    assert "park.policies: co2_cap kept" in found
    assert "park.policies: value of co2_cap" in found


def test_size_beyond_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a model that forgets the maximum, or buys half a turbine, is found."""
    for spec, found in (
        ("max_kw: 9, ", "power size most"),
        ("max_kw: 90, unit_kw: 6, ", "power whole units"),
    ):
        problem = problem_of(
            park(
                f"{LOAD}\n{GRID}\npv: {{type: pv, output_per_kw: 0.5, "
                f"power_kw: {{{spec}annual_cost_per_kw: 0.1}}}}"
            )
        )
        pv = problem.park.assets["pv"]
        wide = pv.sizes()["power"].model_copy(update={"maximum": 100.0, "unit_size": None})
        assets = {**problem.park.assets, "pv": pv.model_copy(update={"power_kw": wide})}
        loose = dataclasses.replace(
            problem, park=problem.park.model_copy(update={"assets": assets})
        )
        results, _ = study.run(loose, EXACT)
        checked = audit(results, problem)
        assert f"park.pv: {found}" in {f"{c.subject}: {c.what}" for c in checked.failures}
