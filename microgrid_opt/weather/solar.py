"""The models of pvlib that are used, imported without what it loads for its others."""

from __future__ import annotations

from importlib import import_module

from microgrid_opt.imports import promised, put_off

# Where Pyomo waits for it, it loads more of it in this moment: before anything is promised.
import_module("scipy")
# Its spectra load all of scipy's integration, its readers an HTTP client, its clear skies an HDF5
# library; what fits or decomposes, which none of the models here does, scipy's optimisation and splines.
_UNUSED = (
    "bifacial clearsky iotools ivtools location modelchain pvarray pvsystem scaling singlediode snow "
    "soiling spectrum"
)
with (
    put_off("numpy.f2py", *(f"pvlib.{name}" for name in _UNUSED.split())),
    promised("scipy.interpolate", "scipy.optimize"),
):
    from pvlib import atmosphere, iam, irradiance, solarposition, temperature, tracking

__all__ = ["atmosphere", "iam", "irradiance", "solarposition", "temperature", "tracking"]
