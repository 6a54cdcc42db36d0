"""Limits of the stages side by side: what binds in which year, and what one more unit is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microgrid_opt.ledger import KG_PER_T

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microgrid_opt.results import Results

RATIO = "co2_intensity"
"""The figure that is told by stage even where it has no limit."""


@dataclass(frozen=True)
class Limit:
    """One limit in one stage, over its horizon.

    Parameters
    ----------
    year
        The stage.
    name, member, description
        As in `microgrid_opt.results.Results.caps`.
    sense, limit, value, unit
        ``<=`` or ``>=``; both numbers in the unit; NaN where the figure is only reported.
    binding
        Whether it holds the cost up.
    worth, worth_unit
        What one more unit would save in a year of the stage, for each t rather than kg; NaN: not
        known.
    """

    year: int
    name: str
    member: str
    description: str
    sense: str
    limit: float
    value: float
    unit: str
    binding: bool
    worth: float
    worth_unit: str


def limits_of(stages: Mapping[int, Results]) -> dict[tuple[str, str], list[Limit]]:
    """Return the limits of every stage by name and member, and the CO2 per energy consumed.

    Parameters
    ----------
    stages
        Results of each stage by its first year.
    """
    found: dict[tuple[str, str], list[Limit]] = {}
    for year, results in stages.items():
        figures = results.indicators()
        for row in results.caps.to_dict("records"):
            name = str(row["name"])
            key = (name, "" if name == RATIO else str(row["member"]))
            price, price_unit = float(row["shadow_price"]), str(row["price_unit"])
            if price_unit.endswith("/kg"):
                price, price_unit = price * KG_PER_T, f"{price_unit.removesuffix('/kg')}/t"
            # A share is counted in the unit of the figure that it limits: t/tce.
            figure = figures.get(name)
            limit = Limit(
                year=year,
                name=name,
                member=key[1],
                description=str(row["description"] or ""),
                sense=str(row["sense"]),
                limit=float(row["limit"]),
                value=float(row["value"]),
                unit=str(row["unit"]) if figure is None else figure.unit,
                binding=bool(row["binding"]),
                worth=price,
                worth_unit=price_unit,
            )
            found.setdefault(key, []).append(limit)
        if RATIO in figures and RATIO not in set(results.caps["name"]):
            ratio = figures[RATIO]
            told = Limit(
                year, RATIO, "", "", "", math.nan, ratio.value, ratio.unit, False, math.nan, ""
            )
            found.setdefault((RATIO, ""), []).append(told)
    return found


def words_of(limits: list[Limit]) -> str:
    """Return what a limit is called: as it is described, if all stages describe it alike."""
    said = {limit.description for limit in limits}
    words = said.pop() if len(said) == 1 else ""
    words = words or limits[0].name.replace("_", " ").replace("co2", "CO2")
    return words[:1].upper() + words[1:]
