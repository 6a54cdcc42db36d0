"""Plans in folders: tables as Parquet, words and figures as JSON, every file with its hash.

| file | content |
|---|---|
| ``summary.json`` | status, sizes, energy, ledger, prices, audit, comparison; see `summary` |
| ``manifest.json`` | versions, inputs, command, time of day, timings, SHA-256 of every other file |
| ``park.json`` | the validated park |
| ``results.json`` | name, currency, labels, run, holidays: what the tables do not say |
| ``tables/*.parquet`` | every table of `Results`, and ``horizon``: stamps, lengths, weights |
| ``reference/`` | ``summary.json``, ``results.json`` and ``tables`` of the reference plan |

A park with stages has such a folder for every stage, see `microgrid_opt.pathway.store`.

One plan always gives the same bytes; only the manifest depends on the clock.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from microgrid_opt.errors import Finding, InputError, Location, MicrogridError
from microgrid_opt.finance import Investment
from microgrid_opt.finance.spec import Finance
from microgrid_opt.park import park_model, types_of
from microgrid_opt.plugins import outside
from microgrid_opt.store.atomic import replace_folder
from microgrid_opt.store.encoding import RESULTS, files_of, results_of, timings_of, to_json
from microgrid_opt.study import Plan
from microgrid_opt.summary import describe, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from microgrid_opt.park import Park
    from microgrid_opt.pathway.plan import PathwayPlan
    from microgrid_opt.pathway.store import StoredPathway
    from microgrid_opt.problem import Origin
    from microgrid_opt.results import Results, Run

SCHEMA = 1
"""Version of the folder's layout."""
PROGRAM = "microgrid_opt"
MANIFEST = "manifest.json"
SUMMARY = "summary.json"
PARK = "park.json"
REFERENCE = "reference/"
PATHWAY = "pathway"
"""Kind of a manifest whose folder holds stages."""
REPORT = "report.html"
"""What the program puts beside a stored plan; it goes when the plan is replaced."""

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_PACKAGES = ("microgrid-opt", "highspy", "numpy", "pandas", "pyarrow", "pyomo")
_ATTEMPTS = 5


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """A plan as a folder holds it.

    Parameters
    ----------
    results, reference
        The plan and the reference plan, equal to what was saved.
    summary, manifest, park
        Content of the JSON files.
    """

    results: Results
    reference: Results | None
    summary: Mapping[str, Any]
    manifest: Mapping[str, Any]
    park: Mapping[str, Any]

    def finance(self, name: str) -> float:
        """Return ``discount_rate`` [1/year] or ``project_years`` [years] of the park."""
        return float(self.summary["finance"][name]["value"])

    @property
    def is_simple(self) -> bool:
        """Whether one discount rate is all that there is to the money of every member."""
        terms = Finance.model_validate(
            self.park["finance"], context={"currency": self.park["currency"]}
        )
        owners = (member.get("finance") or {} for member in self.park["members"].values())
        return terms.is_simple and not any(one.get("tax") or one.get("loan") for one in owners)

    def described(self) -> Park:
        """Return the park of the plan.

        Raises
        ------
        InputError
            This program does not know it, for instance a technology of a plugin.
        """
        context = {"currency": self.park["currency"], "folder": Path()}
        try:
            return park_model(types_of(self.park)).model_validate(dict(self.park), context=context)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(
                f"The park of {self.results.name} cannot be read again: "
                f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            ) from error

    @property
    def shares_purchases(self) -> bool:
        """Whether it is a stage of several, whose purchases serve in other stages too."""
        return len(self.manifest["origin"].get("stages") or ()) > 1

    @property
    def investment_share(self) -> float:
        """Share of a year's fixed costs that the horizon carries [-]."""
        scaling = self.summary["finance"]["investment_scaling"]
        if scaling == "auto":
            return self.results.horizon.year_share
        return 1.0 if scaling == "full" else float(scaling)

    @property
    def investments(self) -> tuple[Investment, ...]:
        """What the plan buys, for `microgrid_opt.compare.compare`."""
        names = ("capex", "lifetime", "replacement_fraction")
        rows = self.summary["investments"]
        return tuple(Investment(*(float(row[name]["value"]) for name in names)) for row in rows)


def check_folder(folder: str | Path) -> Path:
    """Return where results for ``folder`` go, links resolved; call it before a long solve.

    Raises
    ------
    InputError
        It is a file, the working directory or a parent of it, a mount point, cannot be written to,
        or holds something else than results of this program.
    """
    target = Path(os.path.realpath(folder))
    if target.exists() and not target.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the results.")
    if Path.cwd().is_relative_to(target):
        raise InputError(
            f"{folder} is, or contains, the working directory: the results replace a folder as a "
            "whole, so give a folder of their own, for instance results/."
        )
    if target.is_mount():
        raise InputError(
            f"{folder} is a mount point and cannot be replaced as a whole: give a folder inside it."
        )
    around = next(path for path in target.parents if path.exists())
    if not around.is_dir() or not os.access(around, os.W_OK | os.X_OK):
        raise InputError(f"No folder can be made in {around}: give another one, or permission.")
    if target.exists():
        _require_ours(target)
        if _is_read_only(target):
            raise InputError(f"{folder} is read-only: give another folder, or permission.")
    return target


def _is_read_only(folder: Path) -> bool:
    """Return whether a folder cannot be written to; one that another run replaces may be gone for a moment."""
    return all(
        folder.exists() and not os.access(folder, os.W_OK | os.X_OK) for _ in range(_ATTEMPTS)
    )


def save(plan: Plan | PathwayPlan, folder: str | Path, *, command: str = "") -> None:
    """Write a plan to a folder, as a whole or not at all; results that stand there are replaced.

    Parameters
    ----------
    plan
        What `microgrid_opt.study.solve` returned.
    folder
        New, empty, or with results of this program.
    command
        The command line, for the manifest.

    Raises
    ------
    InputError
        The folder holds something else; see `check_folder`. Nothing is changed.
    MicrogridError
        The system refused to write (disk full, no permission). Nothing is changed.
    """
    target = check_folder(folder)
    if isinstance(plan, Plan):
        files = plan_files(plan, command)
    else:
        from microgrid_opt.pathway.store import pathway_files

        files = pathway_files(plan, command)
    try:
        replace_folder(target, files, require=_require_ours)
    except OSError as error:
        raise MicrogridError(
            f"The results cannot be written to {folder}: {error.strerror or error}. What was there "
            "before is unchanged; make room or get permission, or give another folder."
        ) from error


def open_plan(folder: str | Path) -> StoredPlan | StoredPathway:
    """Read a plan back, after checking every file against its hash; of all stages if it has any.

    Raises
    ------
    InputError
        There is no such folder, it holds no results, they are of another version, or files are
        missing or damaged: each is named.
    """
    place = Path(folder)
    if place.name in {MANIFEST, SUMMARY} and place.is_file():
        place = place.parent
    for _ in range(_ATTEMPTS):
        text = _manifest_text(place)
        manifest = _manifest(place, text)
        contents, findings = _read(place, manifest["files"])
        if not findings:
            break
        # Another run may have replaced the folder between two reads.
        if _manifest_text(place) == text:
            raise InputError(findings)
    else:
        raise InputError(f"{folder} is being replaced again and again: try later.")
    if manifest.get("kind") == PATHWAY:
        from microgrid_opt.pathway.store import stored_pathway

        return stored_pathway(contents, manifest)
    return stored_plan(contents, manifest)


def stored_plan(contents: Mapping[str, bytes], manifest: Mapping[str, Any]) -> StoredPlan:
    """Return the plan of a folder from the contents of its files and its manifest."""
    held = manifest["files"]
    return StoredPlan(
        results=results_of(contents, "", manifest["timings"]["plan"]),
        reference=results_of(contents, REFERENCE, manifest["timings"]["reference"])
        if REFERENCE + RESULTS in held
        else None,
        summary=json.loads(contents[SUMMARY]),
        manifest=manifest,
        park=json.loads(contents[PARK]),
    )


# ---------------------------------------------------------------------------------------- writing


def plan_files(plan: Plan, command: str) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a plan's folder, the manifest last."""
    types = (getattr(asset, "type", "") for asset in plan.problem.park.assets.values())
    manifest = {
        **manifest_head(plan.problem.origin, plan.problem.files, types, plan.results.run, command),
        "timings": {
            "phases": dict(plan.seconds),
            "plan": timings_of(plan.results.run),
            "reference": None if plan.reference is None else timings_of(plan.reference.run),
        },
    }
    yield from with_manifest(_contents(plan), manifest)


def manifest_head(
    origin: Origin, inputs: Mapping[str, str], types: Iterable[str], run: Run, command: str
) -> dict[str, Any]:
    """Return what a manifest says of the program, the input and the solver."""
    return {
        "program": PROGRAM,
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(),
        "command": command,
        "origin": {
            key: value or None
            for key, value in asdict(origin).items()
            if value or key not in {"stage", "last_year", "stages", "foresight"}
        },
        "inputs": dict(inputs),
        "plugins": [asdict(home) for home in outside(types)],
        "versions": {"python": platform.python_version()} | {n: _version(n) for n in _PACKAGES},
        "solver": {"name": run.solver, "profile": run.profile, "options": dict(run.options)},
    }


def with_manifest(
    files: Iterable[tuple[str, bytes]], manifest: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """Yield files and, last, a manifest that holds their hashes and its own."""
    hashes: dict[str, str] = {}
    for name, data in files:
        hashes[name] = hashlib.sha256(data).hexdigest()
        yield name, data
    plain = json.loads(to_json({**manifest, "files": hashes}))
    yield MANIFEST, to_json(plain | {"sha256": _seal(plain)})


def _contents(plan: Plan) -> Iterator[tuple[str, bytes]]:
    yield SUMMARY, to_json(summarise(plan))
    yield PARK, to_json(plan.problem.park.model_dump(by_alias=True), in_order=True)
    yield from files_of(plan.results, "")
    if plan.reference is not None:
        summary = describe(plan.reference, plan.reference_audit)
        yield REFERENCE + SUMMARY, to_json(summary)
        yield from files_of(plan.reference, REFERENCE)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _seal(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_json(manifest)).hexdigest()


# ---------------------------------------------------------------------------------------- reading


def _require_ours(target: Path) -> None:
    """Raise unless a folder is empty or holds results of this program and nothing else."""
    found = _foreign(target)
    # Another run may replace the folder while one looks: believe what is seen twice.
    while found and found != (again := _foreign(target)):
        found = again
    if not found:
        return
    shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    if _marked(target) is None:
        raise InputError(
            f"{target} holds something else than results ({shown}): give a new or an empty folder; "
            "nothing was changed there."
        )
    raise InputError(
        f"{target} holds files that are not results ({shown}), and would be replaced as a whole: "
        "move them away, or give another folder; nothing was changed there."
    )


def _foreign(target: Path) -> list[str]:
    """Return what a folder holds that is not of this program; empty when it is gone."""
    held = _marked(target)
    try:
        if held is None:
            return sorted({path.name for path in target.iterdir()} - _LITTER)
        names = {
            path.relative_to(target).as_posix()
            for path in target.rglob("*")
            if path.name not in _LITTER and (path.is_symlink() or not path.is_dir())
        }
    except FileNotFoundError:
        return []
    places = {name.removesuffix(MANIFEST) for name in held if name.endswith(f"/{MANIFEST}")}
    reports = {place + REPORT for place in ("", *places)}
    return sorted(names - set(held) - reports - {MANIFEST})


def _marked(target: Path) -> Mapping[str, str] | None:
    """Return the files that a manifest of this program lists, or ``None`` without one."""
    try:
        manifest = json.loads((target / MANIFEST).read_bytes())
        return dict(manifest["files"]) if manifest["program"] == PROGRAM else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _manifest_text(place: Path) -> bytes:
    if not place.is_dir():
        what = "is no folder of results" if place.exists() else "does not exist"
        raise InputError(f"{place} {what}: give the folder that a plan was saved to.")
    try:
        return (place / MANIFEST).read_bytes()
    except FileNotFoundError:
        hint = "it is a park, solve it first" if (place / "park.yaml").exists() else "give another"
        raise InputError(f"{place} holds no results, there is no {MANIFEST}: {hint}.") from None
    except OSError as error:
        raise InputError(f"{place / MANIFEST} cannot be read: {error.strerror}.") from error


def _manifest(place: Path, text: bytes) -> dict[str, Any]:
    where = Location(str(place / MANIFEST))
    try:
        manifest = json.loads(text)
        program, schema = manifest["program"], manifest["schema"]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            Finding("is damaged, or not of this program: solve the park again.", where)
        ) from None
    if program != PROGRAM:
        raise InputError(Finding(f"is of {program!r}: give a folder of results.", where))
    if schema != SCHEMA:
        writer = (manifest.get("versions") or {}).get("microgrid-opt")
        raise InputError(
            Finding(
                f"this program reads version {SCHEMA} of the layout: open the folder with "
                f"microgrid-opt {writer or '(unknown version)'}, or solve the park again.",
                where,
                "schema",
                schema,
            )
        )
    if manifest.pop("sha256", None) != _seal(manifest):
        raise InputError(
            Finding("is damaged: its SHA-256 is another one. Solve the park again.", where)
        )
    return dict(manifest)


def _read(place: Path, hashes: Mapping[str, str]) -> tuple[dict[str, bytes], list[Finding]]:
    contents: dict[str, bytes] = {}
    findings = []
    for name, digest in hashes.items():
        where = Location(str(place / name))
        try:
            contents[name] = (place / name).read_bytes()
        except OSError as error:
            findings.append(
                Finding(f"cannot be read ({error.strerror}): solve the park again.", where)
            )
            continue
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            findings.append(
                Finding(
                    "is damaged: its SHA-256 is not the manifest's. Solve the park again.", where
                )
            )
    return contents, findings
