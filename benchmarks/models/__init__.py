"""The benchmarked models, one file each; importing this package registers them all."""

from benchmarks.models import wind_pv_hydrogen

__all__ = ["wind_pv_hydrogen"]
