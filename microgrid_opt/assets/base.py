"""What every technology is: a frozen description, its equations, its audit, its summary.

A technology is one file with one class. The class names itself through ``type: Literal["..."]`` and
registers when it is defined, so a file outside the package takes part as soon as it is imported. A
file of this package has the name of its type, and is imported when that type is asked for.
"""

from __future__ import annotations

import pkgutil
from abc import abstractmethod
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self, get_args

from pydantic_core import core_schema

from microgrid_opt.fields import Frozen, Reference, Size
from microgrid_opt.references import PLACES, references

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from pydantic import GetCoreSchemaHandler

    from microgrid_opt.audit import AssetAudit
    from microgrid_opt.bill.of_plan import Line
    from microgrid_opt.builder import Builder
    from microgrid_opt.carriers import Carrier
    from microgrid_opt.formulations.access import Wheeling
    from microgrid_opt.horizon import Horizon
    from microgrid_opt.problem import Surroundings
    from microgrid_opt.results import AssetResults, Quantity

_REGISTRY: dict[str, type[Asset]] = {}


class Holding(NamedTuple):
    """How a store holds what it takes: content = kept · content before + gained · in − spent · out.

    All of shape (n,), per kW for the flows; ``cyclic`` when the first step follows the last one.
    """

    kept: NDArray[np.float64]
    gained: NDArray[np.float64]
    spent: NDArray[np.float64]
    cyclic: bool


class Asset(Frozen):
    """Base of all technologies; not usable itself."""

    member: Annotated[str | None, Reference("member")] = None
    """Owner; may be left out when the park has one member."""
    node: Annotated[str | None, Reference("node")] = None
    """Where its balances are held, such as a hall or a busbar; left out: with its member."""
    label: str | None = None
    """Name for tables and figures; the key of the asset when left out."""
    technology: str | None = None
    """Entry of the technology library that gives the values which are left out here."""
    in_reference: bool | None = None
    """Whether the reference plan has this asset; left out: with its existing capacity only."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register a technology under the value of its ``type`` field."""
        super().__pydantic_init_subclass__(**kwargs)
        field = cls.model_fields.get("type")
        if field is None:
            return
        (name,) = get_args(field.annotation)
        home = (cls.__module__, cls.__qualname__)
        known = _REGISTRY.get(name) if cls.__module__ == _module(name) else asset_type(name)
        if known is not None and (known.__module__, known.__qualname__) != home:
            message = (
                f"Asset type {name!r} is already taken by {known.__module__}.{known.__name__}."
            )
            raise TypeError(message)
        _REGISTRY[name] = cls

    def misfits(self, place: str, carrier: Callable[[str], Carrier]) -> Iterator[tuple[str, str]]:
        """Yield (field, message) of what does not fit the park.

        Parameters
        ----------
        place
            Member or node where the asset's balances are held.
        carrier
            Gives a carrier of the park by name: its unit, energy content and temperature.
        """
        del place, carrier
        yield from ()

    def prepare(self, surroundings: Surroundings) -> Mapping[str, NDArray[np.float64]]:
        """Return series that follow from the site (weather), by name; each of shape (n,)."""
        del surroundings
        return {}

    @abstractmethod
    def build(self, b: Builder) -> None:
        """Write variables, rules, balance terms and bookings."""

    def close(self, b: Builder, others: Mapping[str, Asset]) -> None:
        """Write rules on what other assets wrote; called once all are built, with all of them."""
        del b, others

    @property
    def meter(self) -> Wheeling | None:
        """How this asset takes part in trades between members; ``None`` when it does not.

        A technology that can trade has it as its field ``wheeling``.
        """
        return getattr(self, "wheeling", None)

    def retaining_nothing(self) -> Self:
        """Return the same asset, with no charge of its tariff due on what other members sent."""
        if self.meter is None:
            return self
        bare = self.meter.model_copy(update={"retained": ()})
        return self.model_copy(update={"wheeling": bare})

    def holding(self, carrier: str, horizon: Horizon) -> Holding | None:
        """Return how this asset holds what it takes of a carrier, for tracking where it came from."""
        del carrier, horizon
        return None

    @abstractmethod
    def audit(self, a: AssetAudit) -> None:
        """Re-derive the physics and the bookings from the results in NumPy, independently."""

    def summary(self, r: AssetResults) -> Mapping[str, Quantity]:
        """Return figures worth reading beyond sizes, energy and cost."""
        del r
        return {}

    def bill(self, r: AssetResults) -> Iterable[Line]:
        """Return the lines of what a supplier bills by month; see `microgrid_opt.bill.of_plan`."""
        del r
        return ()

    def within(self, places: Collection[str]) -> Self | None:
        """Return what a coalition has of this asset, whose members and nodes are ``places``.

        An asset that names a place outside (its owner, where it stands, the other end of a line) is
        not theirs: ``None``. Technologies that serve some of their places without the others override
        this.
        """
        named = (name for _, kind, name in references(self) if kind in PLACES)
        return self if all(name in places for name in named) else None

    def sizes(self) -> dict[str, Size]:
        """Return the sizes by the field's name without its unit: ``power_kw`` is ``power``."""
        return {
            name.removesuffix(value.key("existing").removeprefix("existing")): value
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), Size)
        }

    def reference(self) -> Self | None:
        """Return what the reference plan (business as usual) has of this asset, or ``None``.

        Without ``in_reference`` every size shrinks to its existing part; an asset that has sizes
        but nothing existing is absent.
        """
        if self.in_reference is not None:
            return self if self.in_reference else None
        sizes = self.sizes()
        if sizes and not any(size.existing for size in sizes.values()):
            return None
        return self.model_copy(
            update={
                name: value.existing_only()
                for name in type(self).model_fields
                if isinstance(value := getattr(self, name), Size)
            }
        )


def asset_type(name: str) -> type[Asset] | None:
    """Return the technology of a ``type``, imported now if need be; ``None`` if there is none."""
    if name not in _REGISTRY and name in _shipped():
        import_module(_module(name))
    return _REGISTRY.get(name)


def asset_types() -> Mapping[str, type[Asset]]:
    """Return all technologies by ``type``: those of this package, and what else is registered."""
    for name in _shipped():
        asset_type(name)
    return registered()


def registered() -> Mapping[str, type[Asset]]:
    """Return the technologies by ``type`` that were imported by now."""
    return dict(sorted(_REGISTRY.items()))


def _module(name: str) -> str:
    return f"{__package__}.{name}"


@cache
def _shipped() -> frozenset[str]:
    """Return the types of this package, which are the names of its files."""
    import microgrid_opt.assets as package

    return frozenset(part.name for part in pkgutil.iter_modules(package.__path__)) - {"base"}


class AnyAsset:
    """Pydantic metadata: a mapping whose ``type`` names one of the registered technologies."""

    discriminator = "type"

    @staticmethod
    def choices() -> Mapping[str, type[Asset]]:
        """Return the classes that ``type`` may name."""
        return asset_types()

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the tagged union of all technologies registered so far, of all that ship before any is."""
        del source
        known = registered() or asset_types()
        return core_schema.tagged_union_schema(
            {name: handler.generate_schema(cls) for name, cls in known.items()},
            discriminator=self.discriminator,
        )
