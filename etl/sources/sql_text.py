"""The one text form of SQL values, by declared type, so that the same data gives the same records from any database.

Dates are ISO; date-times ``YYYY-MM-DD HH:MM:SS`` with six digits of fraction only where it is not zero; decimals have
the places their column declares; floats are the shortest decimal without exponent; booleans ``true`` and ``false``; CHAR
is trimmed on the right; null stays null. Bytes have no text form.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import BIT, TINYINT

Renderer: TypeAlias = "Callable[[object], str | None]"


_REMEMBERED = 16_384
"""Values whose text is kept: a column has far fewer distinct values than rows."""


class NoTextForm(ValueError):
    """The value is bytes, or text that was not valid in its encoding."""


_FRACTION = re.compile(r"(?P<start>.*\d{2}:\d{2}:\d{2})\.(?P<digits>\d{1,6})(?P<zone>(?:[+-].*|Z)?)")
_BARE_ZONE = re.compile(r"(.*\d{2}:\d{2}:\d{2}(?:\.\d+)?[+-]\d{2})")
_ISO_T = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}.*)")


def renderer(declared: sa.types.TypeEngine[Any]) -> Renderer:
    """What turns a driver's values of a declared type into text."""
    for types, render in _RENDERERS:
        if isinstance(declared, types):
            return render(declared)
    return text_of


def text_of(value: object) -> str | None:
    """The text of a value of no declared type. Raises NoTextForm."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        raise NoTextForm
    return _PLAIN.get(type(value), str)(value)


def plain_decimal(value: Decimal) -> str:
    """A decimal without exponent, its places kept.

    >>> plain_decimal(Decimal("1.50")), plain_decimal(Decimal("1E+3")), plain_decimal(Decimal("-0"))
    ('1.50', '1000', '0')
    """
    if not value.is_finite():
        return str(value)
    return format(abs(value) if value.is_zero() else value, "f")


@functools.lru_cache(_REMEMBERED)
def plain_float(value: float) -> str:
    """The shortest decimal that is this float; a whole number has no point, for keys kept as floats.

    >>> plain_float(1.0), plain_float(0.1), plain_float(1e-7)
    ('1', '0.1', '0.0000001')
    """
    text = plain_decimal(Decimal(repr(value)))
    return text.removesuffix(".0") if "." in text else text


@functools.lru_cache(_REMEMBERED)
def iso_datetime(text: str) -> str:
    """A date-time's text with a blank between date and time, and all or none of the fraction's six digits.

    >>> iso_datetime("2024-01-02T03:04:05.120"), iso_datetime("2024-01-02 03:04:05.000000")
    ('2024-01-02 03:04:05.120000', '2024-01-02 03:04:05')
    >>> iso_datetime("2024-01-02 03:04:05+00")
    '2024-01-02 03:04:05+00:00'
    """
    parted = _ISO_T.sub(r"\1 \2", text)
    if _BARE_ZONE.fullmatch(parted):
        parted += ":00"
    found = _FRACTION.fullmatch(parted)
    if not found:
        return parted
    digits = found["digits"].ljust(6, "0")
    return found["start"] + (f".{digits}" if int(digits) else "") + found["zone"]


def _duration(value: timedelta) -> str:
    """A TIME of MariaDB, which may be negative or longer than a day."""
    sign, rest = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(rest.days * 86_400 + rest.seconds, 60)
    fraction = f".{rest.microseconds:06d}" if rest.microseconds else ""
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{fraction}"


def _boolean(_: sa.types.TypeEngine[object]) -> Renderer:
    return _boolean_text


def _boolean_text(value: object) -> str | None:
    """True and false however stored; another number stays the number it is."""
    if isinstance(value, bytes) and len(value) == 1:
        value = value[0]
    if value in (0, 1) and isinstance(value, int):
        return "true" if value else "false"
    return text_of(value)


def _numeric(declared: sa.types.TypeEngine[object]) -> Renderer:
    scale = getattr(declared, "scale", None)
    return text_of if scale is None else lambda value: _scaled(value, scale)


def _scaled(value: object, scale: int) -> str | None:
    """The value with its declared places; as stored where it has more of them or is no number."""
    text = text_of(value)
    return None if text is None else _with_places(text, scale)


@functools.lru_cache(_REMEMBERED)
def _with_places(text: str, scale: int) -> str:
    try:
        stored = Decimal(text)
        places = stored.quantize(Decimal(1).scaleb(-scale)) if stored.is_finite() else stored
    except InvalidOperation:
        return text
    return plain_decimal(places) if places == stored else text


def _moment(_: sa.types.TypeEngine[object]) -> Renderer:
    return _moment_text


def _moment_text(value: object) -> str | None:
    text = text_of(value)
    return None if text is None else iso_datetime(text)


def _char(_: sa.types.TypeEngine[object]) -> Renderer:
    return _char_text


def _char_text(value: object) -> str | None:
    text = text_of(value)
    return None if text is None else text.rstrip(" ")


_RENDERERS: tuple[tuple[tuple[type, ...], Callable[[sa.types.TypeEngine[object]], Renderer]], ...] = (
    ((sa.types.Float,), lambda _: text_of),
    ((sa.types.Numeric,), _numeric),
    ((sa.types.Boolean,), _boolean),
    ((sa.types.DateTime, sa.types.Time), _moment),
    ((sa.types.CHAR, sa.types.NCHAR), _char),
    ((TINYINT,), lambda declared: _boolean_text if getattr(declared, "display_width", None) == 1 else text_of),
    ((BIT,), lambda declared: _boolean_text if getattr(declared, "length", None) in (None, 1) else text_of),
)
_PLAIN: dict[type, Callable[..., str]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    float: plain_float,
    Decimal: plain_decimal,
    datetime: lambda value: iso_datetime(value.isoformat()),
    time: lambda value: iso_datetime(value.isoformat()),
    date: date.isoformat,
    timedelta: _duration,
}
