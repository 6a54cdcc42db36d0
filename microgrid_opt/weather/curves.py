"""Power curves of wind turbines: a checked curve, and a small library of published ones.

The library lies in ``microgrid_opt/data/power_curves``: one YAML file per turbine, with rated power,
rotor, hub heights, IEC class, source and licence. Speeds are at hub height, for air of 1.225 kg/m3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from microgrid_opt.errors import Finding, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.resources.abc import Traversable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PowerCurve:
    """Output of a turbine by wind speed at hub height.

    Linear between the points; nothing below the first and above the last (cut-out) speed.

    Parameters
    ----------
    name
        For messages.
    wind_speed_m_per_s
        Speeds, strictly increasing, two or more.
    power_fraction
        Output over rated output at these speeds, between 0 and 1, somewhere above 0.
    rated_kw, rotor_diameter_m, hub_heights_m, iec_class
        What is known of the machine; not needed for the output per kW.
    source, license
        Origin of the curve.

    Raises
    ------
    InputError
        Points that do not make a curve.
    """

    name: str
    wind_speed_m_per_s: tuple[float, ...]
    power_fraction: tuple[float, ...]
    rated_kw: float | None = None
    rotor_diameter_m: float | None = None
    hub_heights_m: tuple[float, ...] = ()
    iec_class: str | None = None
    source: str = ""
    license: str = ""

    def __post_init__(self) -> None:
        findings = list(self._findings())
        if findings:
            raise InputError(findings)

    @classmethod
    def from_points(
        cls,
        name: str,
        wind_speed_m_per_s: Sequence[float],
        power_kw: Sequence[float],
        rated_kw: float | None = None,
    ) -> PowerCurve:
        """Curve of one's own points in kW; without ``rated_kw`` the highest output is the rated."""
        highest = max(power_kw, default=0.0)
        rated = highest if rated_kw is None else rated_kw
        if not rated > 0:
            raise InputError(Finding("must be above 0", key=f"{name}.rated_kw", value=rated))
        fractions = tuple(power / rated for power in power_kw)
        return cls(name, tuple(map(float, wind_speed_m_per_s)), fractions, rated_kw=rated)

    def _findings(self) -> Iterator[Finding]:
        speeds = np.asarray(self.wind_speed_m_per_s, dtype=np.float64)
        powers = np.asarray(self.power_fraction, dtype=np.float64)
        if len(speeds) != len(powers) or len(speeds) < 2:
            yield Finding(
                f"{len(speeds)} speeds and {len(powers)} powers; a curve needs as many of one as "
                f"of the other, and at least two",
                key=self.name,
            )
            return
        if not (np.isfinite(speeds).all() and (np.diff(speeds) > 0).all() and speeds[0] >= 0):
            yield Finding(
                "speeds must be numbers from 0 upwards, each above the one before",
                key=f"{self.name}.wind_speed_m_per_s",
                value=self.wind_speed_m_per_s,
            )
        within = np.isfinite(powers).all() and powers.min() >= 0 and powers.max() <= 1 + 1e-9
        if not (within and powers.max() > 0):
            yield Finding(
                "powers must lie between 0 and the rated power, and one must be above 0",
                key=f"{self.name}.power_fraction",
                value=self.power_fraction,
            )

    @property
    def cut_out_m_per_s(self) -> float:
        """Highest speed with output."""
        return self.wind_speed_m_per_s[-1]

    def __call__(self, wind_speed_m_per_s: FloatArray) -> FloatArray:
        """Output over rated output at these speeds at hub height, shape of the speeds."""
        return np.interp(
            wind_speed_m_per_s, self.wind_speed_m_per_s, self.power_fraction, left=0.0, right=0.0
        )


def power_curve_names() -> tuple[str, ...]:
    """Names of the curves in the library, in alphabetical order."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def power_curve(name: str) -> PowerCurve:
    """Curve of the library; InputError lists the names for an unknown one."""
    if name not in power_curve_names():
        from difflib import get_close_matches

        close = get_close_matches(name.lower(), power_curve_names(), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise InputError(
            Finding(
                f"unknown power curve; {hint}the library has {', '.join(power_curve_names())}",
                key="power_curve",
                value=name,
            )
        )
    text = _folder().joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return PowerCurve(
        name=name,
        wind_speed_m_per_s=tuple(map(float, data["wind_speed_m_per_s"])),
        power_fraction=tuple(map(float, data["power_fraction"])),
        rated_kw=data["rated_kw"],
        rotor_diameter_m=data["rotor_diameter_m"],
        hub_heights_m=tuple(map(float, data["hub_heights_m"])),
        iec_class=data["iec_class"],
        source=data["source"],
        license=data["license"],
    )


def _folder() -> Traversable:
    return files("microgrid_opt") / "data" / "power_curves"
