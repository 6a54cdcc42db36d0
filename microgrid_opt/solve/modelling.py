"""Pyomo's modelling layer, imported without scipy."""

from __future__ import annotations

from importlib import import_module

from microgrid_opt.imports import put_off

# Where scipy is there (pvlib needs it), or as soon as it comes, Pyomo loads its statistics, sparse
# matrices and geometry, and uses none: three quarters of its own start.
with put_off("scipy.integrate", "scipy.sparse", "scipy.spatial", "scipy.stats"):
    import pyomo.core as pyo
    from pyomo.core.base import constraint as pyomo_constraint
    from pyomo.core.expr import numeric_expr

    import_module("scipy")

__all__ = ["numeric_expr", "pyo", "pyomo_constraint"]
