"""Tolerances: the ways in which Casebook may show a value other than it was sent without that being a difference.

Each is declared for one field, in the tenant's overlay or in a mapping, and reading back lists every use of one: what is
tolerated is said, never passed over in silence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Literal, TypeAlias

from etl.core.records import JsonValue

ToleranceName: TypeAlias = Literal[
    "trim",
    "spaces",
    "case",
    "accents",
    "digits",
    "phone",
    "cents",
    "whole",
    "seconds",
    "minutes",
    "days",
    "zone",
    "filled",
]
FILLED = "filled"
"""The one tolerance that does not compare: Casebook fills in a value where none was sent."""
_PHONE_DIGITS = 10
_CENT, _ONE = Decimal("0.01"), Decimal(1)


def _trim(text: str) -> str:
    """Blanks at the ends."""
    return text.strip()


def _spaces(text: str) -> str:
    """The number and kind of blanks, line ends included."""
    return " ".join(text.split())


def _case(text: str) -> str:
    """Upper and lower case."""
    return text.casefold()


def _accents(text: str) -> str:
    """Accents, and how they are put together."""
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _digits(text: str) -> str:
    """Everything but the digits."""
    return re.sub(r"\D", "", text)


def _phone(text: str) -> str:
    """How a telephone number is written: the last ten digits count."""
    return _digits(text)[-_PHONE_DIGITS:]


def _cents(text: str) -> str:
    """Decimals of a number beyond the second."""
    return _rounded(text, _CENT)


def _whole(text: str) -> str:
    """All decimals of a number."""
    return _rounded(text, _ONE)


def _seconds(text: str) -> str:
    """Fractions of a second of a date-time."""
    return _moment(text, "%Y-%m-%dT%H:%M:%S", in_utc=True)


def _minutes(text: str) -> str:
    """Seconds of a date-time."""
    return _moment(text, "%Y-%m-%dT%H:%M", in_utc=True)


def _days(text: str) -> str:
    """The time of day and the zone of a date-time: the day as it is written counts."""
    return _moment(text, "%Y-%m-%d")


def _zone(text: str) -> str:
    """The zone of a date-time: the clock's reading as it is written counts."""
    return _moment(text, "%Y-%m-%dT%H:%M:%S.%f")


_FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("trim", _trim),
    ("spaces", _spaces),
    ("case", _case),
    ("accents", _accents),
    ("digits", _digits),
    ("phone", _phone),
    ("cents", _cents),
    ("whole", _whole),
    ("seconds", _seconds),
    ("minutes", _minutes),
    ("days", _days),
    ("zone", _zone),
)
TOLERANCES: Mapping[str, str] = MappingProxyType(
    {name: (form.__doc__ or "").strip() for name, form in _FORMS}
    | {FILLED: "A value that Casebook fills in where none was sent."}
)
"""What each tolerance makes not count."""
_BY_NAME = dict(_FORMS)


def tolerated_by(sent: JsonValue, shown: JsonValue, names: Sequence[str]) -> str:
    """The first tolerance under which two unequal values are the same, then all together as ``a+b``; "" for none.

    >>> tolerated_by("(614) 555-0100", "+16145550100", ["trim", "phone"])
    'phone'
    >>> tolerated_by(" Ana", "ANA", ["trim", "case"])
    'trim+case'
    """
    if sent in (None, ""):
        return FILLED if FILLED in names and shown not in (None, "") else ""
    forms = [name for name in names if name in _BY_NAME]
    if shown is None or isinstance(sent, dict | list) or isinstance(shown, dict | list):
        return ""
    one, other = str(sent), str(shown)
    for name in forms:
        if _BY_NAME[name](one) == _BY_NAME[name](other) != "":
            return name
    for name in forms:
        one, other = _BY_NAME[name](one), _BY_NAME[name](other)
    return "+".join(forms) if one == other != "" else ""


def _rounded(text: str, unit: Decimal) -> str:
    try:
        number = Decimal(text.strip())
        return str(number.quantize(unit, rounding=ROUND_HALF_EVEN))
    except InvalidOperation:
        return text


def _moment(text: str, form: str, *, in_utc: bool = False) -> str:
    """A date-time in another form; any other text as it is."""
    if "T" not in text:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (moment.astimezone(UTC) if in_utc and moment.tzinfo else moment).strftime(form)
