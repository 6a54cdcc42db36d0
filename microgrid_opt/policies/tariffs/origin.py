r"""Which electricity may be exported: origin tracking through the stores of a place.

$$ x_t + \sum_s f_{s,t} \le \sum_g g_t + \sum_s e_{s,t}, \qquad f_{s,t} \le c_{s,t},\; e_{s,t} \le d_{s,t} $$
$$ z_{s,t} = \kappa_{s,t}\,z_{s,t-1} + \eta_{s,t}\,f_{s,t} - \epsilon_{s,t}\,e_{s,t} \ge 0 $$

Of the charge $c$ of a store the part $f$ comes from generation $g$ at the same place, and of its discharge
$d$ the part $e$ may be exported, as long as the content $z$ that came from generation lasts. Export $x$ and
$f$ together cannot exceed generation and $e$: power from the grid never returns to it through a store.
What is in a store before the first step counts as bought, unless the store is cyclic. A store whose losses
do not follow from its flows exports nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from microgrid_opt.assets.base import Asset, Holding
    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.builder import Builder

CARRIER = "electricity"
ExportFrom = Literal["anything", "generation", "renewable"]


def write_origin(
    b: Builder, sold: Sequence[Any], others: Mapping[str, Asset], *, renewable: bool | None
) -> None:
    """Let only generation be exported, at once or through a store.

    Parameters
    ----------
    sold
        What leaves the place: the export, what is sent to other members, or both.
    others
        All assets; those with storage flows at this place are tracked.
    renewable
        Whether only renewable generation counts; ``None`` for any.
    """
    made = b.flows(CARRIER, "generation", 1, renewable=renewable)
    into, out = (b.flows(CARRIER, "storage", sign) for sign in (-1, 1))
    tracked = []
    for name in dict.fromkeys(asset for asset, _, _ in out):
        holding = others[name].holding(CARRIER, b.horizon)
        charge = [flow for flow in into if flow[0] == name]
        discharge = [flow for flow in out if flow[0] == name]
        if holding is None or len(charge) != 1 or len(discharge) != 1:
            continue
        tracked.append(_write_store(b, name, holding, charge[0], discharge[0]))

    # Pyomo's templates cannot take the sum of nothing.
    one = b.param("whole", 1.0)
    given = [(one, flow) for flow in (*sold, *(stored for stored, _ in tracked))]
    free = [(factor, flow) for _, flow, factor in made] + [(one, out) for _, out in tracked]

    def rule(t: Any) -> Any:
        taken = sum(factor[t] * flow[t] for factor, flow in given)
        if not free:
            return taken <= 0.0
        return taken <= sum(factor[t] * flow[t] for factor, flow in free)

    b.require("export_origin", rule)


def _write_store(
    b: Builder, name: str, holding: Holding, charge: Any, discharge: Any
) -> tuple[Any, Any]:
    """Track what a store holds of generation; return what goes in and what may go out."""
    stored = b.series(f"{name}_from_generation", unit="kW")
    exported = b.series(f"{name}_to_export", unit="kW")
    content = b.series(f"{name}_generated_content", unit="kWh")
    (_, taken, taken_factor), (_, given, given_factor) = charge, discharge
    b.require(f"{name}_taken", lambda t: stored[t] <= taken_factor[t] * taken[t])
    b.require(f"{name}_given", lambda t: exported[t] <= given_factor[t] * given[t])
    before = b.previous
    kept = holding.kept.copy()
    if not holding.cyclic:
        kept[0] = 0.0
    share = b.param(f"{name}_kept", kept)
    gained = b.param(f"{name}_gained", holding.gained)
    spent = b.param(f"{name}_spent", holding.spent)
    b.require(
        f"{name}_generated_balance",
        lambda t: (
            content[t]
            == share[t] * content[before[t]] + gained[t] * stored[t] - spent[t] * exported[t]
        ),
    )
    return stored, exported


def audit_origin(a: AssetAudit, sold: NDArray[np.float64], *, renewable: bool | None) -> None:
    """Follow what each store holds of generation, and check that nothing else is exported."""
    allowed = a.supplied_here(CARRIER, "generation", renewable=renewable)
    needed = sold.copy()
    for name, asset in a.neighbours().items():
        if not a.has_series(f"{name}_generated_content"):
            continue
        holding = asset.holding(CARRIER, a.horizon)
        assert holding is not None
        stored = a.series(f"{name}_from_generation")
        exported = a.series(f"{name}_to_export")
        content = a.series(f"{name}_generated_content")
        before = np.roll(content, 1)
        before[0] = before[0] if holding.cyclic else 0.0
        change = holding.gained * stored - holding.spent * exported
        a.equal(f"{name} holds of generation", content, holding.kept * before + change, unit="kWh")
        for what, values in (("stored", stored), ("exported", exported), ("content", content)):
            a.at_most(f"{name} {what} of generation not negative", 0.0, values, unit="kW")
        a.at_most(f"{name} stores it", stored, a.drawn_by(name, CARRIER), unit="kW")
        a.at_most(f"{name} gives it", exported, a.supplied_by(name, CARRIER), unit="kW")
        needed = needed + stored
        allowed = allowed + exported
    a.at_most("only generation is exported", needed, allowed, unit="kW")
