"""The models of pvlib that are used, imported without what it loads for its others."""

from __future__ import annotations

from microgrid_opt.imports import put_off

# Its spectra load all of scipy's integration, its readers an HTTP client: a third of its start.
with put_off("numpy.f2py", "pvlib.iotools", "pvlib.spectrum"):
    from pvlib import atmosphere, iam, irradiance, solarposition, temperature, tracking

__all__ = ["atmosphere", "iam", "irradiance", "solarposition", "temperature", "tracking"]
