"""Pathways in folders: one folder for each stage, tables over all of them, one manifest.

| file | content |
|---|---|
| ``pathway.json`` | stages, sizes, present values, CO2, audit: every number with its unit |
| ``results.json`` | name, currency, foresight, run: what the tables do not say |
| ``tables/*.parquet`` | every table of `Pathway` |
| ``stages/YEAR/`` | the stage, exactly as the folder of a plan of its own |
| ``manifest.json`` | versions, inputs, command, timings, SHA-256 of every other file |
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from microgrid_opt import store
from microgrid_opt.errors import InputError
from microgrid_opt.pathway.results import Pathway
from microgrid_opt.store import encoding
from microgrid_opt.summary import audited, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from microgrid_opt.pathway.plan import PathwayPlan

SUMMARY = "pathway.json"
STAGES = "stages"


@dataclass(frozen=True, eq=False)
class StoredPathway:
    """A pathway as a folder holds it.

    Parameters
    ----------
    pathway
        The tables over all stages, equal to what was saved.
    stages
        The plan of each stage by its first year.
    summary, manifest
        Content of the JSON files.
    """

    pathway: Pathway
    stages: Mapping[int, store.StoredPlan]
    summary: Mapping[str, Any]
    manifest: Mapping[str, Any]


def pathway_files(plan: PathwayPlan, command: str) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a pathway's folder, the manifest last."""
    types = {
        getattr(asset, "type", ""): None
        for problem in plan.problem.stages.values()
        for asset in problem.park.assets.values()
    }
    inputs = {
        name: digest
        for problem in plan.problem.stages.values()
        for name, digest in problem.files.items()
    }
    run = plan.pathway.run
    manifest = {
        **store.manifest_head(plan.problem.origin, inputs, types, run, command),
        "kind": store.PATHWAY,
        "stages": list(plan.stages),
        "timings": {"phases": dict(plan.seconds), "plan": encoding.timings_of(run)},
    }
    yield from store.with_manifest(_contents(plan, command), manifest)


def _contents(plan: PathwayPlan, command: str) -> Iterator[tuple[str, bytes]]:
    yield SUMMARY, encoding.to_json(summarise_pathway(plan))
    yield encoding.RESULTS, encoding.to_json(_head(plan.pathway))
    for name, table in plan.pathway.tables().items():
        yield f"tables/{name}.parquet", encoding.to_parquet(table)
    for year, stage in plan.stages.items():
        for name, data in store.plan_files(stage, command):
            yield f"{STAGES}/{year}/{name}", data


def _head(pathway: Pathway) -> dict[str, Any]:
    held = {item.name: getattr(pathway, item.name) for item in fields(pathway)}
    apart = {name: value for name, value in held.items() if not isinstance(value, pd.DataFrame)}
    return {**apart, "run": encoding.run_head(pathway.run)}


def stored_pathway(contents: Mapping[str, bytes], manifest: Mapping[str, Any]) -> StoredPathway:
    """Return the pathway of a folder from the contents of its files and its manifest."""
    head = encoding.from_json(contents[encoding.RESULTS])
    start = "tables/"
    tables = {
        name.removeprefix(start).removesuffix(".parquet"): encoding.table_of(data)
        for name, data in contents.items()
        if name.startswith(start)
    }
    run = encoding.run_of(head["run"], manifest["timings"]["plan"])
    stages: dict[int, store.StoredPlan] = {}
    for year in manifest["stages"]:
        below = f"{STAGES}/{year}/"
        held = {
            name.removeprefix(below): data
            for name, data in contents.items()
            if name.startswith(below)
        }
        stages[int(year)] = store.stored_plan(held, encoding.from_json(held[store.MANIFEST]))
    return StoredPathway(
        pathway=Pathway(**{**head, **tables, "run": run}),
        stages=stages,
        summary=encoding.from_json(contents[SUMMARY]),
        manifest=manifest,
    )


def single(folder: Path) -> store.StoredPlan:
    """Return the one plan of a folder.

    Raises
    ------
    InputError
        The folder holds several stages.
    """
    return alone(store.open_plan(folder), folder)


def alone(held: store.StoredPlan | StoredPathway, folder: Path) -> store.StoredPlan:
    """Return what a folder holds if it is one plan; see `single`."""
    if isinstance(held, store.StoredPlan):
        return held
    years = [f"{folder}/{STAGES}/{year}" for year in held.stages]
    raise InputError(f"{folder} holds stages: give one of them, such as {years[0]}.")


def summarise_pathway(plan: PathwayPlan) -> dict[str, Any]:
    """Return the content of ``pathway.json`` as plain dicts, lists, strings and numbers."""
    pathway = plan.pathway
    money = pathway.currency
    units = {
        "weight": "year",
        "cost": f"{money}/year",
        "reference_cost": f"{money}/year",
        "co2_kg": "kg/year",
        "reference_co2_kg": "kg/year",
        "co2_t_per_tce": "t/tce",
        "capex": money,
    }
    sizes = ("before", "built", "ended", "given_up", "total")
    return {
        "name": pathway.name,
        "currency": money,
        "foresight": pathway.foresight,
        "discount_rate": quantity(pathway.discount_rate, "1/year"),
        "status": pathway.run.status,
        "gap": quantity(pathway.run.gap, "1"),
        "present_value": quantity(pathway.present_value, money),
        "reference_value": quantity(pathway.reference_value, money),
        "npv": quantity(pathway.npv, money),
        "co2": quantity(pathway.co2_kg, "kg"),
        "reference_co2": quantity(pathway.reference_co2_kg, "kg"),
        "stages": [
            {
                **{name: int(row[name]) for name in ("year", "last_year", "years")},
                **{name: quantity(row[name], unit) for name, unit in units.items()},
            }
            for row in pathway.stages.to_dict("records")
        ],
        "sizes": [
            {
                "year": int(row["year"]),
                **{name: row[name] for name in ("member", "asset", "size")},
                **{name: quantity(row[name], row["unit"]) for name in sizes},
                "capex": quantity(row["capex"], money),
                "annual_cost": quantity(row["annual_cost"], f"{money}/year"),
            }
            for row in pathway.sizes.to_dict("records")
        ],
        "caps": [
            {
                **{name: row[name] for name in ("name", "description", "sense", "binding")},
                "limit": quantity(row["limit"], row["unit"]),
                "value": quantity(row["value"], row["unit"]),
                "shadow_price": quantity(row["shadow_price"], row["price_unit"]),
            }
            for row in pathway.caps.to_dict("records")
        ],
        "audit": audited(plan.audit),
        "audits_passed": {name: audit.passed for name, audit in plan.audits.items()},
    }
