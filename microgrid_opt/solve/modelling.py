"""Pyomo's modelling layer, imported without the statistics of scipy."""

from __future__ import annotations

from microgrid_opt.imports import put_off

# Where scipy is there already (pvlib needs it), Pyomo loads all of its statistics at once, and
# uses none: three quarters of its own start.
with put_off("scipy.integrate", "scipy.stats"):
    import pyomo.core as pyo
    from pyomo.core.base import constraint as pyomo_constraint
    from pyomo.core.expr import numeric_expr

__all__ = ["numeric_expr", "pyo", "pyomo_constraint"]
