"""Parks whose members trade, as text, and what the tests ask of their plans."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.support import park, problem_of, solve_text, solved

TOWN = "{nodes: {town: {voltage_kv: 10}}}"
FEEDERS = """{nodes: {high: {voltage_kv: 110}, middle: {voltage_kv: 35}, low: {voltage_kv: 10},
  far: {voltage_kv: 10}}, lines: {a: {from: high, to: middle}, b: {from: middle, to: low},
  c: {from: middle, to: far}}}"""


@dataclass(frozen=True)
class Market:
    """A park with `trading`; every part is YAML."""

    assets: str
    network: str = TOWN
    fees: str = "{}"
    rules: str = "{}"
    trades: str = "{}"
    form: str = "pairs"
    members: str = "{g: {}, c: {}}"
    hours: float = 1
    sections: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        trading = (
            f"{{network: {self.network}, fees: {self.fees}, rules: {self.rules}, "
            f"trades: {self.trades}, form: {self.form}}}"
        )
        return park(
            self.assets,
            hours=self.hours,
            members=self.members,
            trading=trading,
            **dict(self.sections),
        )

    def but(self, *swaps: tuple[str, str], **parts: object) -> Market:
        """Return the market with other parts, and text in its assets exchanged."""
        assets = self.assets
        for old, new in swaps:
            assert old in assets, old
            assets = assets.replace(old, new)
        return replace(self, assets=assets, **parts)  # type: ignore[arg-type]

    @property
    def closed(self) -> Market:
        """The same members without any trade."""
        return replace(self, rules="{pairs: listed}", trades="{}", fees="{}")

    @property
    def cost(self) -> float:
        """The proven least cost, audited."""
        results, audit = solve_text(self.text)
        audit.require()
        return results.cost

    @property
    def gain(self) -> float:
        """What trading saves."""
        return self.closed.cost - self.cost


__all__ = ["FEEDERS", "TOWN", "Market", "problem_of", "solve_text", "solved"]
