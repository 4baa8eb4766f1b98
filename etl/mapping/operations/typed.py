"""Operations that read numbers, dates and times out of text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments, readers
from etl.mapping.operations.model import (
    OUTSIDE,
    Applied,
    BoundOperation,
    Context,
    OperationMistake,
    ValueType,
    checked,
    marks,
    on_text,
)

_NUMBER_SETTINGS = ("thousands", "decimal", "currency", "min", "max")


def number(argument: JsonValue) -> BoundOperation:
    """Reads a decimal number of up to 15 digits.

    `thousands`, `decimal` and `currency` name signs in the text that the plain form does not have; `min` and `max` are
    bounds.

    >>> number(None).on("12.50", "1,200")
    [12.5, '!invalid_value']
    >>> number({"thousands": ",", "currency": "$", "min": 0}).on("$1,200.00", "-1")
    [1200.0, '!out_of_range']
    """
    given = arguments.settings("number", argument, _NUMBER_SETTINGS)
    signs = _signs("number", given)
    low, high = (_bound("number", given, each) for each in ("min", "max"))

    def kernel(texts: pa.Array) -> Applied:
        return _within(checked(texts, readers.numbers(_unsigned(texts, signs))), low, high)

    return on_text("number", argument, lambda texts, _: kernel(texts), ValueType.NUMBER)


def integer(argument: JsonValue) -> BoundOperation:
    """Reads a whole number of up to 18 digits; leading zeros and a fraction of zeros are allowed.

    `thousands` names the sign between thousands; `min` and `max` are bounds.

    >>> integer({"max": 120}).on("007", "12.0", "1.5", "121")
    [7, 12, '!invalid_value', '!out_of_range']
    """
    given = arguments.settings("integer", argument, ("thousands", "min", "max"))
    signs = _signs("integer", given)
    low, high = (_bound("integer", given, each) for each in ("min", "max"))

    def kernel(texts: pa.Array) -> Applied:
        return _within(checked(texts, readers.integers(_unsigned(texts, signs))), low, high)

    return on_text("integer", argument, lambda texts, _: kernel(texts), ValueType.INTEGER)


def _signs(name: str, given: Mapping[str, JsonValue]) -> tuple[str, str, str]:
    thousands, decimal, currency = (
        arguments.text(name, given.get(each, plain), f"`{each}`")
        for each, plain in (("thousands", ""), ("decimal", "."), ("currency", ""))
    )
    if decimal not in {".", ","} or thousands == decimal or re.search(r"[0-9+-]|..", thousands):
        raise OperationMistake(
            f"`{name}` cannot tell `thousands` and `decimal` apart.",
            'Each is one sign and they differ, as in `{thousands: ".", decimal: ","}`.',
        )
    return thousands, decimal, currency


def _unsigned(texts: pa.Array, signs: tuple[str, str, str]) -> pa.Array:
    thousands, decimal, currency = signs
    if currency:
        at_an_end = rf"^(\s*[+-]?)\s*{re.escape(currency)}\s*|\s*{re.escape(currency)}\s*$"
        texts = pc.replace_substring_regex(texts, at_an_end, r"\1", max_replacements=1)
    if thousands:
        sign = re.escape(thousands)
        grouped = pc.match_substring_regex(
            texts, rf"^\s*[+-]?[0-9]{{1,3}}(?:{sign}[0-9]{{3}})+(?:[^0-9{sign}][^{sign}]*)?\s*$"
        )
        texts = pc.if_else(grouped, pc.replace_substring(texts, thousands, ""), texts)
    return pc.replace_substring(pc.replace_substring(texts, ".", "?"), ",", ".") if decimal == "," else texts


def _bound(name: str, given: Mapping[str, JsonValue], which: str) -> float | None:
    return None if given.get(which) is None else arguments.number(name, given[which], f"`{which}`")


def _within(applied: Applied, low: object | None, high: object | None) -> Applied:
    """The values with those outside the bounds turned into errors."""
    values, outside = applied.values, pa.scalar(False)
    for bound, beyond in ((low, pc.less), (high, pc.greater)):
        if bound is not None:
            outside = pc.or_(outside, beyond(values, pa.scalar(bound)))
    if isinstance(outside, pa.Scalar):
        return applied
    failed = pc.fill_null(outside, False)
    kept = pc.if_else(failed, pa.scalar(None, values.type), values)
    return Applied(kept, (*applied.errors, *marks(OUTSIDE, failed)), applied.warnings)


def boolean(argument: JsonValue) -> BoundOperation:
    """Reads true or false. `true_if` and `false_if` list the texts of a source that writes them otherwise.

    Capital and small letters are alike; a text in neither list is an error.

    >>> boolean(None).on("true", "FALSE", "Y")
    [True, False, '!invalid_value']
    >>> boolean({"true_if": ["Y", "1"], "false_if": ["N", "0"]}).on("y", "0", "?")
    [True, False, '!invalid_value']
    """
    given = arguments.settings("boolean", argument, ("true_if", "false_if"))
    yes, no = (_words(given.get(each, plain), each) for each, plain in (("true_if", "true"), ("false_if", "false")))
    if set(yes) & set(no):
        raise OperationMistake("`boolean` lists a text both in `true_if` and in `false_if`.", "Keep it in one of them.")

    def kernel(texts: pa.Array) -> Applied:
        word = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
        known = pc.is_in(word, pa.array(yes + no))
        return checked(texts, pc.if_else(known, pc.is_in(word, pa.array(yes)), pa.scalar(None, pa.bool_())))

    return on_text("boolean", argument, lambda texts, _: kernel(texts), ValueType.BOOLEAN)


def _words(value: JsonValue, which: str) -> list[str]:
    return [each.strip().lower() for each in arguments.texts("boolean", value, f"`{which}`")]


def date(argument: JsonValue) -> BoundOperation:
    """Reads a date, in ISO form (2011-02-09) unless `in` lists other formats. Days that do not exist are errors.

    A text that two of the formats read as different days is an error, never a guess. Formats with two-digit years (`%y`)
    need `pivot`: years up to it are 20xx, later ones 19xx. `min` and `max` are ISO dates or `today`. Parts: `%Y %y %m
    %d %b %B %H %I %p %M %S %f %z`; a time of day is read and left out.

    >>> date({"in": ["%m/%d/%Y", "%Y%m%d"], "min": "1900-01-01", "max": "today"}).on("2/9/2011", "02/30/2011", "01/01/1899")
    ['2011-02-09', '!invalid_value', '!out_of_range']
    >>> date({"in": ["%m/%d/%Y", "%d/%m/%Y"]}).on("03/04/2011", "25/12/2011")
    ['!invalid_value', '2011-12-25']
    """
    given = arguments.settings("date", argument, ("in", "pivot", "min", "max"), main="in")
    formats = _formats("date", given, readers.ISO_DATE)
    low, high = (_day_bound(given, each) for each in ("min", "max"))

    def kernel(texts: pa.Array, context: Context) -> Applied:
        found = _agreed([readers.dates(texts, form) for form in formats])
        bounds = (context.today if each == "today" else each for each in (low, high))
        return _within(checked(texts, found), *bounds)

    return on_text("date", argument, kernel, ValueType.DATE)


def _formats(name: str, given: Mapping[str, JsonValue], iso: readers.DateFormat) -> list[readers.DateFormat]:
    if given.get("in") is None:
        return [iso]
    written = arguments.texts(name, given["in"], "`in`")
    if any("%y" in each for each in written) and given.get("pivot") is None:
        raise OperationMistake(
            f"A two-digit year (%y) in `{name}` does not say its century.",
            "Add `pivot: 30`, if 30 means 2030 and 31 means 1931.",
        )
    pivot = arguments.whole(name, given.get("pivot", 0), "`pivot`")
    return [_format(name, each, pivot) for each in written]


def _format(name: str, written: str, pivot: int) -> readers.DateFormat:
    try:
        return readers.date_format(written, pivot)
    except ValueError as error:
        raise OperationMistake(
            f"`{name}` cannot read the format {written!r}: {error}.", "An example: %m/%d/%Y."
        ) from None


def _day_bound(given: Mapping[str, JsonValue], which: str) -> dt.date | str | None:
    value = given.get(which)
    return "today" if arguments.is_today(value) else arguments.day("date", value, which)


def _agreed(readings: list[pa.Array]) -> pa.Array:
    """The first reading that there is, null where two differ."""
    first = pc.coalesce(*readings)
    for reading in readings[1:]:
        same = pc.fill_null(pc.equal(first, reading), True)
        first = pc.if_else(same, first, pa.scalar(None, first.type))
    return first


def datetime(argument: JsonValue) -> BoundOperation:
    """Reads a moment in time, in ISO form (2011-02-09 13:30:00) unless `in` lists other formats.

    A time without an offset (`%z`) is on the clock of `zone`, the project's time zone unless given. A time that a change
    of clocks leaves out is an error; one that it repeats too, unless `ambiguous` says `earliest` or `latest`.

    >>> datetime(None).on("2011-02-09 13:30", "2011-02-09T13:30:00Z", "2024-03-10 02:30:00")
    ['2011-02-09T18:30:00Z', '2011-02-09T13:30:00Z', '!invalid_value']
    >>> datetime({"in": "%m/%d/%Y %I:%M %p", "zone": "America/Chicago"}).on("02/09/2011 1:30 PM")
    ['2011-02-09T19:30:00Z']
    """
    given = arguments.settings("datetime", argument, ("in", "pivot", "zone", "ambiguous"), main="in")
    formats = _formats("datetime", given, readers.ISO_TIME)
    zone = _zone(given.get("zone"))
    ambiguous = arguments.one_of("datetime", given.get("ambiguous"), "ambiguous", ("error", "earliest", "latest"))

    def kernel(texts: pa.Array, context: Context) -> Applied:
        readings = [readers.local_times(texts, form) for form in formats]
        moments = [readers.instants(wall, offset, zone or context.timezone, ambiguous) for wall, offset in readings]
        return checked(texts, _agreed(moments))

    return on_text("datetime", argument, kernel, ValueType.DATETIME)


def _zone(value: JsonValue) -> str | None:
    if value is None:
        return None
    name = arguments.nonblank("datetime", value, "`zone`")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise OperationMistake(f"`datetime` knows no time zone {name!r}.", "An example: America/New_York.") from None
    return name


_EXCEL_START = {"1900": dt.date(1899, 12, 30), "1904": dt.date(1904, 1, 1)}
_EXCEL_FIRST = 61  # Excel counts a 29 February 1900 that never was; serials up to it are unsafe
_EXCEL_LAST = 2_958_465


def excel_date(argument: JsonValue) -> BoundOperation:
    """Reads the day number of a spreadsheet, counted from 1900, or from 1904 with `system: "1904"`.

    >>> excel_date(None).on("40583", "40583.0", "40583.5", "02/09/2011")
    ['2011-02-09', '2011-02-09', '!invalid_value', '!invalid_value']
    """
    given = arguments.settings("excel_date", argument, ("system",))
    system = arguments.one_of("excel_date", given.get("system"), "system", ("1900", "1904"))
    start = (_EXCEL_START[system] - dt.date(1970, 1, 1)).days
    first = _EXCEL_FIRST if system == "1900" else 0

    def kernel(texts: pa.Array) -> Applied:
        serial = readers.integers(texts)
        safe = pc.and_(pc.greater_equal(serial, first), pc.less_equal(serial, _EXCEL_LAST))
        days = pc.if_else(safe, pc.add(serial, start), pa.scalar(None, pa.int64()))
        return checked(texts, days.cast(pa.int32()).cast(pa.date32()))

    return on_text("excel_date", argument, lambda texts, _: kernel(texts), ValueType.DATE)


OPERATIONS = (number, integer, boolean, date, datetime, excel_date)
