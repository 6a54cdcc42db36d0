"""Tariffs by name or file: the shipped ones lie in ``microgrid_opt/data/tariffs/REGION/NAME.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import core_schema

from microgrid_opt.errors import InputError
from microgrid_opt.fields import currency_of, unit_of
from microgrid_opt.policies.tariffs.spec import Tariff
from microgrid_opt.problem import series_fields
from microgrid_opt.series import Reader, lower_bound_of, resolve
from microgrid_opt.yamlio import Document, load
from microgrid_opt.yamlio.findings import findings_of
from microgrid_opt.yamlio.grammar import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
    from pydantic.json_schema import JsonSchemaValue

    from microgrid_opt.horizon import Horizon

SUFFIX = ".yaml"


def _folder() -> Path:
    return Path(__file__).resolve().parents[2] / "data" / "tariffs"


def tariff_names() -> tuple[str, ...]:
    """Return the names of the shipped tariffs, such as ``china/hubei_2026_01``."""
    folder = _folder()
    found = (path.relative_to(folder).with_suffix("") for path in folder.glob(f"*/*{SUFFIX}"))
    return tuple(sorted(path.as_posix() for path in found))


def tariff_file(name: str, folder: Path) -> Path:
    """Return the file of a shipped tariff, or of an own one that ends in ``.yaml``.

    Raises
    ------
    InputError
        There is no tariff of that name.
    """
    if name.endswith((SUFFIX, ".yml")):
        return folder / name
    if name in tariff_names():
        return _folder() / f"{name}{SUFFIX}"
    hint = suggest(name, tariff_names(), "shipped tariffs are")
    raise InputError(f"there is no tariff {name!r}{hint}; a file of your own ends in .yaml.")


def load_tariff(name: str, folder: Path, currency: str | None = None) -> Tariff:
    """Return a shipped tariff by name, or one of an own file.

    Parameters
    ----------
    name
        ``REGION/NAME`` of a shipped tariff, or a file that ends in ``.yaml``.
    folder
        Where relative file names start.
    currency
        Currency that the tariff must have; any when left out.

    Raises
    ------
    InputError
        No such tariff, or a file that is not one, with every problem found.
    """
    return tariff_of(load(tariff_file(name, folder)), currency)


def tariff_of(document: Document, currency: str | None = None) -> Tariff:
    """Return the tariff that a document describes.

    Raises
    ------
    InputError
        With every problem found.
    """
    own = document.data.get("currency")
    context = {
        "currency": currency or (own if isinstance(own, str) else None),
        "folder": document.folder,
    }
    try:
        return Tariff.model_validate(document.data, context=context)
    except ValidationError as error:
        raise InputError(findings_of(error, document, Tariff)) from None


@dataclass(frozen=True)
class NamedTariff:
    """Pydantic metadata: a tariff that may also be given by the name of a shipped one or a file."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return the schema that reads a tariff for its name."""

        def to_tariff(value: object, info: ValidationInfo) -> object:
            if not isinstance(value, str):
                return value
            folder = (info.context or {}).get("folder", Path())
            return load_tariff(value, folder, currency_of(info))

        return core_schema.with_info_before_validator_function(to_tariff, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return text or the mapping."""
        return {"anyOf": [{"type": "string"}, handler(schema)]}


def tariff_numbers(
    tariff: Tariff, horizon: Horizon, reader: Reader, currency: str | None = None
) -> Mapping[str, NDArray[np.float64]]:
    """Return every series of a tariff on the steps of a horizon by its dotted key.

    Raises
    ------
    InputError
        With a finding for every series that cannot be used.
    """
    found = {}
    findings = []
    for path, owner, name in series_fields(tariff):
        key = ".".join(path)
        unit = unit_of(type(owner), name) or "1"
        lower = lower_bound_of(type(owner), name)
        money = currency or tariff.currency
        try:
            resolved = resolve(
                getattr(owner, name), horizon, unit, reader=reader, currency=money, lower=lower
            )
        except InputError as error:
            findings += [replace(f, key=f"{key}.{f.key}".rstrip(".")) for f in error.findings]
            continue
        found[key] = resolved.values
    if findings:
        raise InputError(findings)
    return found
