"""Types of words that many objects of a park hold: names of keys, currencies, days, moments."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from microgrid_opt.fields import refuse
from microgrid_opt.units import CURRENCIES

IDENTIFIER = "[a-z][a-z0-9_]{0,47}"


def _identifier(name: str) -> str:
    if re.fullmatch(IDENTIFIER, name) is None:
        raise refuse(
            "identifier",
            "is no name for a key here: begin with a small letter, go on with small letters, digits "
            "and `_`, 48 characters at most.",
        )
    return name


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise refuse(
            "currency", "is no currency: write its ISO 4217 code, for instance CNY, EUR or USD."
        )
    return code


Identifier = Annotated[
    str,
    AfterValidator(_identifier),
    WithJsonSchema({"type": "string", "pattern": f"^{IDENTIFIER}$"}),
]
Currency = Annotated[
    str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})
]


def _moment(value: Any) -> Any:
    # Pydantic takes a number for seconds since 1970.
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise refuse(
            "moment", "must be a date such as 2025-01-31 or a time such as 2025-01-31T13:00."
        ) from None


def _day(value: Any) -> Any:
    moment = _moment(value)
    if not isinstance(moment, datetime):
        return moment
    if moment.time() != time():
        raise refuse("moment", "must be a day such as 2025-01-31, without a time.")
    return moment.date()


Moment = Annotated[datetime | date, BeforeValidator(_moment)]
Day = Annotated[date, BeforeValidator(_day)]
