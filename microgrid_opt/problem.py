"""From a park to numbers: every series resolved to an array; after this no file is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from microgrid_opt.errors import Finding, InputError
from microgrid_opt.fields import Frozen, unit_of
from microgrid_opt.scales import scaled_series
from microgrid_opt.series import Reader, is_series, lower_bound_of, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from microgrid_opt.carriers import Carrier
    from microgrid_opt.errors import Location
    from microgrid_opt.fields import Size
    from microgrid_opt.finance.spec import Finance
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.park import Park, Site
    from microgrid_opt.pathway.standing import Held
    from microgrid_opt.weather.frame import Weather

SYNTHETIC = "site.weather.synthetic"


@dataclass(frozen=True)
class Origin:
    """Where a problem came from.

    Parameters
    ----------
    park_file, park_sha256
        The park file's name (``case:NAME`` for a shipped case) and the SHA-256 of its text.
    scenario, sets
        What was chosen and overridden in it.
    stage
        Year of the stage, of a park with stages.
    last_year
        Last calendar year that the stage stands for; ``None`` where it is planned alone.
    stages
        Years of all stages that are planned with it; empty where it is planned alone.
    foresight
        How they are planned; empty where it is planned alone.
    """

    park_file: str = ""
    park_sha256: str = ""
    scenario: str = ""
    sets: tuple[str, ...] = ()
    stage: int | None = None
    last_year: int | None = None
    stages: tuple[int, ...] = ()
    foresight: str = ""

    @property
    def suffix(self) -> str:
        """Return what follows the park's name in titles: which stage it is, if it is one."""
        if self.stage is None:
            return ""
        if self.last_year is None:
            return f", stage {self.stage} alone"
        last = "" if self.last_year == self.stage else f"-{self.last_year}"
        return f", stage {self.stage}, for {self.stage}{last}"

    @property
    def changed(self) -> tuple[str, ...]:
        """What was chosen and overridden, in words."""
        return (*([f"scenario {self.scenario}"] if self.scenario else []), *self.sets)

    @property
    def shares_purchases(self) -> bool:
        """Whether purchases of other stages serve and are paid here too."""
        return len(self.stages) > 1


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What an asset may derive series from: the site, its weather, the time axis, its own series.

    Parameters
    ----------
    site, horizon, folder
        Where and when, and where relative file names start.
    carrier
        Gives a carrier of the park by name.
    finance
        Terms of the asset's owner.
    arrays
        Resolved series by dotted key, each of shape (n,).
    path
        Key under which the asset's own series stand.
    """

    site: Site
    horizon: Horizon
    folder: Path
    carrier: Callable[[str], Carrier]
    finance: Finance
    arrays: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    path: str = ""
    _read: list[Weather] = field(default_factory=list)

    def at(self, path: str, finance: Finance) -> Surroundings:
        """Return the same surroundings for the asset at ``path``; weather is read once for all."""
        return replace(self, path=path, finance=finance)

    def data(self, name: str) -> NDArray[np.float64]:
        """Return a resolved series of the asset, shape (n,)."""
        return self.arrays[f"{self.path}.{name}"]

    @property
    def weather(self) -> Weather:
        """Weather of the site on the horizon's steps, each of shape (n,)."""
        if not self._read:
            self._read.append(self._weather())
        return self._read[0]

    def _weather(self) -> Weather:
        if self.site.weather is None:
            raise InputError(
                "`site.weather` is missing: give a weather file, twelve monthly means "
                "(synthetic), or the asset's own `output_per_kw` series."
            )
        try:
            return self.site.weather.resolve(self.site, self.horizon, self.folder)
        except InputError as error:
            # What is wrong with the weather is told once, where it stands, for all who need it.
            inside = "site.weather" if self.site.weather.synthetic is None else SYNTHETIC
            raise InputError(
                [
                    finding
                    if finding.where is not None
                    else replace(finding, key=f"{inside}.{finding.key}".rstrip("."))
                    for finding in error.findings
                ]
            ) from None


def _nowhere(_: tuple[str | int, ...]) -> Location | None:
    return None


@dataclass(frozen=True, eq=False)
class Problem:
    """A park and its numbers.

    Parameters
    ----------
    park
        The description.
    horizon
        The time axis.
    arrays
        Resolved series by dotted key (``assets.roof.output_per_kw``), each of shape (n,).
    periods
        Price period of each step by the same key, where a series has periods.
    files
        SHA-256 of every file that was read, by path as written in the park.
    origin
        The park file, scenario and overrides.
    where
        Gives the place of a key in the park file, for messages.
    is_reference
        Whether it is the reference plan's: what the park does today.
    standing
        In a stage of a pathway: what earlier stages left, by asset and size.
    is_part
        Whether it is that of some members of the park only.
    """

    park: Park
    horizon: Horizon
    arrays: Mapping[str, NDArray[np.float64]]
    periods: Mapping[str, NDArray[np.int64]]
    files: Mapping[str, str]
    origin: Origin = Origin()
    where: Callable[[tuple[str | int, ...]], Location | None] = _nowhere
    is_reference: bool = False
    standing: Mapping[tuple[str, str], tuple[Held, ...]] = field(default_factory=dict)
    is_part: bool = False

    @property
    def title(self) -> str:
        """Return the name of the park, and of the stage if it is one."""
        return self.park.name + self.origin.suffix

    def stands(self, asset: str, size: str, spec: Size) -> float:
        """Return the capacity that is there before the plan buys: existing, or left by stages."""
        lots = self.standing.get((asset, size))
        return spec.existing if lots is None else sum(lot.amount for lot in lots)

    def reference(self) -> Problem:
        """Return the same problem with the reference plan's park."""
        return replace(self, park=self.park.baseline(), is_reference=True, standing={})

    def portable(self) -> Problem:
        """Return the same problem without the places in the park file, for another process."""
        return replace(self, where=_nowhere)

    def placed(self, error: InputError, below: str = "") -> InputError:
        """Return the error with the place in the park file of every finding that has a key.

        With ``below``, keys count from there, and a finding without a key is about it.
        """
        if below:
            return InputError(list(_placed(error, tuple(below.split(".")), self.where)))
        return InputError(
            [
                replace(found, where=found.where or self.where(_path_of(found.key)))
                if found.key
                else found
                for found in error.findings
            ]
        )

    def coarsen(self, starts: Sequence[int] | NDArray[np.int64]) -> Problem:
        """Return the problem on coarser steps; every array is averaged, energy is kept."""
        return replace(
            self,
            horizon=self.horizon.coarsen(starts),
            arrays={key: self.horizon.average(a, starts) for key, a in self.arrays.items()},
            periods={key: a[np.asarray(starts)] for key, a in self.periods.items()},
        )


def prepare(
    park: Park,
    folder: Path,
    where: Callable[[tuple[str | int, ...]], Location | None],
    scales: Mapping[str, float] | None = None,
) -> Problem:
    """Read every file, resolve every series and derive what follows from the weather.

    Parameters
    ----------
    park
        The validated description.
    folder
        Where relative file names start.
    where
        Gives the place of a key in the park file, for messages.
    scales
        Factors on series by dotted key.

    Raises
    ------
    InputError
        With a finding for every series or weather that cannot be used.
    """
    try:
        horizon = park.horizon.horizon(park.site.timezone)
    except InputError as error:
        raise InputError(list(_placed(error, ("horizon",), where))) from None
    reader = Reader(folder)
    arrays: dict[str, NDArray[np.float64]] = {}
    periods: dict[str, NDArray[np.int64]] = {}
    findings: list[Finding] = []
    unresolved: set[str] = set()
    for path, owner, name in series_fields(park):
        try:
            resolved = resolve(
                getattr(owner, name),
                horizon,
                unit_of(type(owner), name) or "1",
                reader=reader,
                currency=park.currency,
                lower=lower_bound_of(type(owner), name),
            )
        except InputError as error:
            findings.extend(_placed(error, path, where))
            unresolved.update(path[1:2])
            continue
        key = ".".join(path)
        arrays[key] = resolved.values
        if resolved.periods is not None:
            periods[key] = resolved.periods
    if scales and not findings:
        scaled_series(arrays, scales)
    surroundings = Surroundings(park.site, horizon, folder, park.carrier, park.finance, arrays)
    for key, asset in park.assets.items():
        if key in unresolved:
            continue
        try:
            terms = park.finance_of(park.owner(key))
            derived = asset.prepare(surroundings.at(f"assets.{key}", terms))
        except InputError as error:
            findings.extend(_placed(error, ("assets", key), where))
            continue
        arrays.update({f"assets.{key}.{name}": values for name, values in derived.items()})
    if findings:
        raise InputError(list({str(finding): finding for finding in findings}.values()))
    for values in arrays.values():
        values.flags.writeable = False
    return Problem(park, horizon, arrays, periods, dict(reader.hashes), where=where)


def _placed(
    error: InputError,
    path: tuple[str, ...],
    where: Callable[[tuple[str | int, ...]], Location | None],
) -> Iterator[Finding]:
    """Yield findings with a place: their own key, in full or below `path`, or `path` itself."""
    for finding in error.findings:
        key = finding.key
        if not key.startswith("site."):
            key = ".".join((*path, *([key] if key else [])))
        yield replace(finding, key=key, where=finding.where or where(_path_of(key)))


def _path_of(key: str) -> tuple[str | int, ...]:
    """Return the path of a dotted key; ``a[1]`` and ``a.1`` are the second item of a list."""
    steps = re.sub(r"\[(\d+)\]", r".\1", key).split(".")
    return tuple(int(step) if step.isdigit() else step for step in steps)


def series_fields(
    owner: Frozen, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Frozen, str]]:
    """Yield (path, object, field name) of every series in a tree of frozen objects."""
    for name in type(owner).model_fields:
        value = getattr(owner, name)
        here = (*path, name)
        if value is None:
            continue
        if is_series(type(owner), name):
            yield here, owner, name
        elif isinstance(value, Frozen):
            yield from series_fields(value, here)
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, Frozen):
                    yield from series_fields(item, (*here, key))
