"""The park of some of its members: what a coalition has when the others take no part.

What a coalition has must not depend on those outside. A limit that the members share (a roof, a cap
of the group, a grant with a ceiling) would be used in full by every coalition, and the sum of what
they can do would be more than there is: it has to belong to somebody (Samet & Zemel, 1984, On the core
and dual set of linear programming games, doi:10.1287/moor.9.2.309). Such limits are refused, unless all
who share them are in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.problem import series_fields
from microgrid_opt.references import references
from microgrid_opt.yamlio.grammar import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from microgrid_opt.assets.base import Asset
    from microgrid_opt.finance.spec import Finance
    from microgrid_opt.park import Park
    from microgrid_opt.problem import Problem

    Members = frozenset[str]


def restricted(problem: Problem, members: Collection[str]) -> Problem:
    """Return the problem of a coalition: its members, their nodes, and what is theirs alone.

    Assets say themselves what a coalition has of them (`Asset.within`), trades and lines of the network
    likewise (`Trading.of`). Prices, taxes, relative targets
    and caps relative to the reference plan stay and are those of the coalition; the arrays are those of
    the whole problem.

    Parameters
    ----------
    members
        Keys of members; all of them give the problem as it is.

    Raises
    ------
    InputError
        Unknown members or none; limits that members inside share with members outside.
    """
    park = problem.park
    chosen = _known(park, members)
    if len(chosen) == len(park.members):
        return problem
    nodes = {k: node for k, node in park.nodes.items() if node.member in {None, *chosen}}
    places = {*chosen, *nodes}
    within = {key: asset.within(places) for key, asset in park.assets.items()}
    assets = {key: asset for key, asset in within.items() if asset is not None}
    findings = [*_shared_caps(park), *_shared_areas(park, assets), *_shared_grants(park, assets)]
    if findings:
        raise problem.placed(InputError(findings))
    used = _areas(assets.values())
    smaller = park.model_copy(
        update={
            "members": {key: member for key, member in park.members.items() if key in chosen},
            "nodes": nodes,
            "assets": assets,
            "areas": {key: area for key, area in park.areas.items() if key in used},
            "finance": _finance_of(park, assets),
            "trading": None if park.trading is None else park.trading.of(assets, chosen),
        }
    )
    gone = {".".join(path) for path, *_ in series_fields(park)}
    gone -= {".".join(path) for path, *_ in series_fields(smaller)}
    return replace(
        problem,
        park=smaller,
        arrays=_kept(problem.arrays, gone, assets),
        periods=_kept(problem.periods, gone, assets),
        standing={key: lots for key, lots in problem.standing.items() if key[0] in assets},
        is_part=True,
    )


def _known(park: Park, members: Collection[str]) -> Members:
    if not members:
        raise InputError("A coalition needs at least one member.")
    findings = []
    for name in sorted(set(members) - park.members.keys()):
        near = nearest(name, park.members)
        hint = "" if near is None else f" (did you mean {near!r}?)"
        known = ", ".join(park.members)
        findings.append(Finding(f"{name!r} is no member of the park{hint}: known are {known}."))
    if findings:
        raise InputError(findings)
    return frozenset(members)


def _kept(
    arrays: Mapping[str, Any], gone: Collection[str], assets: Collection[str]
) -> dict[str, Any]:
    """Return the arrays of what is left: not of series that went, nor derived for assets that did."""
    found = {}
    for key, values in arrays.items():
        section, _, rest = key.partition(".")
        if key in gone or (section == "assets" and rest.partition(".")[0] not in assets):
            continue
        found[key] = values
    return found


# ---------------------------------------------------------------------- what members share


def _shared_caps(park: Park) -> Iterator[Finding]:
    if park.carbon.cap_t_per_year is not None:
        yield Finding(
            "is a cap of all members together, and every coalition would have it for itself: give "
            "`reduction_fraction` or `price_per_t` instead.",
            key="carbon.cap_t_per_year",
            value=park.carbon.cap_t_per_year,
        )


def _areas(assets: Collection[Asset]) -> set[str]:
    return {name for asset in assets for _, kind, name in references(asset) if kind == "area"}


def _shared_areas(park: Park, inside: Mapping[str, Asset]) -> Iterator[Finding]:
    outside = [asset for key, asset in park.assets.items() if key not in inside]
    for name in sorted(_areas(inside.values()) & _areas(outside)):
        users = [key for key, asset in park.assets.items() if name in _areas([asset])]
        yield Finding(
            f"is shared by assets inside and outside the coalition ({', '.join(users)}), and every "
            "coalition would have it for itself: split it into one area for each member.",
            key=f"areas.{name}",
        )


def _shared_grants(park: Park, inside: Mapping[str, Asset]) -> Iterator[Finding]:
    for name, incentive in park.finance.incentives.items():
        flags = {asset in inside for asset in incentive.assets}
        if len(flags) > 1 and getattr(incentive, "max_amount", None) is not None:
            yield Finding(
                "is a ceiling for assets inside and outside the coalition, and every coalition would "
                "have it for itself: give each member an incentive of its own.",
                key=f"finance.incentives.{name}.max_amount",
            )


def _finance_of(park: Park, assets: Mapping[str, Asset]) -> Finance:
    """Return the terms without the names of assets that are not there."""
    terms = park.finance

    def is_left(booking: str) -> bool:
        name = booking.partition(".")[0]
        return name in assets or name not in park.assets

    changes: dict[str, Any] = {
        "escalation": {k: rate for k, rate in terms.escalation.items() if is_left(k)},
        "third_party": {
            key: contract
            for key, contract in terms.third_party.items()
            if all(asset in assets for asset in contract.assets)
        },
        "incentives": {},
    }
    if terms.vat is not None:
        lists = {
            name: tuple(filter(is_left, getattr(terms.vat, name)))
            for name in ("refunded_on", "added_to")
        }
        changes["vat"] = terms.vat.model_copy(update=lists)
    for name, incentive in terms.incentives.items():
        kept = tuple(asset for asset in incentive.assets if asset in assets)
        if kept:
            changes["incentives"][name] = incentive.model_copy(update={"assets": kept})
    return terms.model_copy(update=changes)
