"""Tariffs: what grid power costs, as data made of components, and its place in the model."""

from microgrid_opt.policies.tariffs.library import (
    NamedTariff,
    load_tariff,
    tariff_names,
    tariff_numbers,
)
from microgrid_opt.policies.tariffs.spec import CHEAPEST, Contract, Tariff

__all__ = [
    "CHEAPEST",
    "Contract",
    "NamedTariff",
    "Tariff",
    "load_tariff",
    "tariff_names",
    "tariff_numbers",
]
