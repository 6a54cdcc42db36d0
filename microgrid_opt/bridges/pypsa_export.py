"""A park as a PyPSA network with the same optimum, or every key that stands against it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from microgrid_opt.bridges.built import built
from microgrid_opt.bridges.pypsa_network import Exporter
from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microgrid_opt.assets.base import Asset
    from microgrid_opt.bridges.pypsa_tables import Tables
    from microgrid_opt.problem import Problem

TOLD = 3
"""Rules and variables that a refusal names."""
OF_SIZES = ("unit", "full", "built", "stays", "block", "purchase", "whole")
"""How the variables and rules of a size with whole numbers go on after its name."""


def export(problem: Problem) -> Tables:
    """Return the network of a park.

    Raises
    ------
    InputError
        When something of the park has no counterpart in PyPSA: each with its asset and key.
    """
    exporter = _exporter(problem)
    tables = exporter.run()
    if exporter.refused:
        raise problem.placed(InputError(list(_findings(problem, exporter.refused))))
    tables.name = problem.park.name
    return tables


def _exporter(problem: Problem) -> Exporter:
    from microgrid_opt.solve import handoff

    draft = built(problem)
    return Exporter(draft, handoff.extract(draft.model))


def _findings(problem: Problem, refused: dict[str, str]) -> Iterator[Finding]:
    by_asset: dict[str, dict[str, str]] = {}
    for name, why in refused.items():
        by_asset.setdefault(name.split(".")[1], {})[name] = why
    for key, names in by_asset.items():
        asset = problem.park.assets.get(key)
        blamed = {} if asset is None else _blamed(problem, key, asset, set(names))
        for field in dict.fromkeys(blamed.get(name, "") for name in names):
            told = [f"{n} {why}" for n, why in names.items() if blamed.get(n, "") == field]
            more = f", and {len(told) - TOLD} more" if len(told) > TOLD else ""
            advice = f"change `{field}`" if field else "change the asset"
            yield Finding(
                f"has no counterpart in PyPSA ({'; '.join(told[:TOLD])}{more}): for the export "
                f"{advice if asset is not None else 'leave this limit out'}.",
                key="" if asset is None else f"assets.{key}.{field}".rstrip("."),
            )


def _blamed(problem: Problem, key: str, asset: Asset, names: set[str]) -> dict[str, str]:
    """Return the key of an asset behind each refusal: the one without which it is gone."""
    blamed: dict[str, str] = {}
    for name in names:
        of = name.split(".", 2)[2]
        for field, size in asset.sizes().items():
            words = tuple(f"{field}_{word}" for word in OF_SIZES)
            keys = [key for key in type(asset).model_fields if getattr(asset, key) is size]
            if of.startswith(words) and keys:
                blamed[name] = keys[0]
    for field in sorted(asset.model_fields_set - {"type"}):
        info = type(asset).model_fields[field]
        if info.is_required() or names <= blamed.keys() or isinstance(getattr(asset, field), Size):
            continue
        default = info.get_default(call_default_factory=True)
        changed = asset.model_copy(update={field: default})
        park = problem.park.model_copy(update={"assets": {**problem.park.assets, key: changed}})
        try:
            exporter = _exporter(replace(problem, park=park))
            exporter.run()
        except Exception:  # an asset without the key may be no valid one: then it tells nothing
            continue
        for name in names - blamed.keys() - exporter.refused.keys():
            blamed[name] = field
    return blamed
