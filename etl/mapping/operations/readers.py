"""Reads numbers, dates and times out of text columns, strictly: what is not exactly of the form becomes null.

Dates are computed from matched parts, because Arrow's own ``strptime`` turns 2021-02-30 into 2021-03-02 without a word
and depends on the machine's language for month names.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

_EPOCH = dt.date(1970, 1, 1).toordinal()
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONG_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_ISO_DATE = r"^\s*(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?\s*$"
_ISO_TIME = (
    r"^\s*(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
    r"(?:[T ](?P<H>[0-9]{2}):(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:\.(?P<f>[0-9]{1,6}))?)?"
    r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})?)?\s*$"
)
_PARTS = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "m": "[0-9]{1,2}",
    "d": "[0-9]{1,2}",
    "H": "[0-9]{1,2}",
    "I": "[0-9]{1,2}",
    "M": "[0-9]{2}",
    "S": "[0-9]{2}",
    "f": "[0-9]{1,6}",
    "p": "(?i:am|pm)",
    "b": f"(?i:{'|'.join(_MONTHS)})",
    "B": f"(?i:{LONG_MONTHS})",
    "z": "(?:Z|[+-][0-9]{2}:?[0-9]{2})",
}
_DATE_WAYS = ({"Y", "m", "d"}, {"y", "m", "d"}, {"Y", "b", "d"}, {"y", "b", "d"}, {"Y", "B", "d"}, {"y", "B", "d"})
_EXACT_DIGITS = 15
_DAY_US = 86_400_000_000
_FIRST_US = (1 - _EPOCH) * _DAY_US
_LAST_US = (dt.date.max.toordinal() - _EPOCH + 1) * _DAY_US - 1


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A date or time format such as ``%m/%d/%Y``: the pattern that its texts match and the parts in it.

    ``pivot``: two-digit years up to it are 20xx, later ones 19xx.
    """

    pattern: str
    parts: frozenset[str]
    pivot: int = 0


ISO_DATE = DateFormat(_ISO_DATE, frozenset("Ymd"))
ISO_TIME = DateFormat(_ISO_TIME, frozenset("YmdHMSfz"))


def date_format(text: str, pivot: int = 0) -> DateFormat:
    """The format of a text with ``%`` parts.

    Raises ValueError, naming the offending part, for an unknown or repeated part and for formats that do not give
    exactly one day.
    """
    found = re.findall(r"%(.)", text)
    for each in found:
        if each not in _PARTS or found.count(each) > 1:
            raise ValueError(f"%{each} cannot be used{' twice' if each in _PARTS else ''}")
    if set(found) & set("YymdbB") not in _DATE_WAYS:
        raise ValueError("it must name the year, the month and the day, each once")
    if ("I" in found) != ("p" in found) or {"I", "H"} <= set(found):
        raise ValueError("%I and %p belong together, without %H")
    return DateFormat(rf"^\s*{_pattern(text)}\s*$", frozenset(found), pivot)


def _pattern(text: str) -> str:
    pieces = re.split(r"%(.)", text)
    written = re.escape(pieces[0])
    for index in range(1, len(pieces), 2):
        touches = (index > 1 and not pieces[index - 1]) or (index + 2 < len(pieces) and not pieces[index + 1])
        part = _PARTS[pieces[index]]
        fixed = "[0-9]{2}" if touches and part == "[0-9]{1,2}" else part
        written += f"(?P<{pieces[index]}>{fixed})" + re.escape(pieces[index + 1])
    return written


def dates(texts: pa.Array, form: DateFormat) -> pa.Array:
    """The dates (date32) of the texts of this form; null for every other text and for days that do not exist."""
    return _days(_matched(texts, form)).cast(pa.int32()).cast(pa.date32())


def local_times(texts: pa.Array, form: DateFormat) -> tuple[pa.Array, pa.Array]:
    """Wall-clock times (timestamp[us] without zone), and their offset from UTC in seconds where the text names one."""
    found = _matched(texts, form)
    seconds = _seconds(found)
    day_us = pc.multiply(_days(found), _DAY_US)
    wall = pc.add(pc.add(day_us, pc.multiply(seconds, 1_000_000)), _microseconds(found))
    offset_s, possible = _offset_s(found)
    return _or_null(wall, possible).cast(pa.timestamp("us")), offset_s


def _matched(texts: pa.Array, form: DateFormat) -> dict[str, pa.Array]:
    found = pc.extract_regex(texts, form.pattern)
    valid = pc.is_valid(found)
    names = [found.type.field(index).name for index in range(found.type.num_fields)]
    parts = dict(zip(names, found.flatten(), strict=True))
    parts["matched"] = valid
    if "y" in parts:
        parts["Y"] = _full_years(_whole(parts["y"]), form.pivot)
    return parts


def _whole(digits: pa.Array) -> pa.Array:
    return _or_null(digits, pc.not_equal(digits, "")).cast(pa.int64())


def _or_null(values: pa.Array, keep: pa.Array) -> pa.Array:
    return pc.if_else(keep, values, pa.scalar(None, values.type))


def _full_years(years: pa.Array, pivot: int) -> pa.Array:
    return pc.add(years, pc.if_else(pc.less_equal(years, pivot), 2000, 1900))


def _days(parts: dict[str, pa.Array]) -> pa.Array:
    """Days since 1970-01-01 (int64); null where the day does not exist."""
    year, day = _number_of(parts["Y"]), _whole(parts["d"])
    month = _month(parts)
    possible = pc.and_(_between(year, 1, 9999), _between(month, 1, 12))
    year, month = _or_null(year, possible), _or_null(month, possible)
    starts, leaps = _calendar()
    leap = pc.take(leaps, year)
    first = pc.take(_MONTH_STARTS, month)
    first = pc.add(first, pc.and_(leap, pc.greater(month, 2)).cast(pa.int64()))
    length = pc.add(pc.take(_MONTH_LENGTHS, month), pc.and_(leap, pc.equal(month, 2)).cast(pa.int64()))
    exists = pc.and_(pc.greater_equal(day, 1), pc.less_equal(day, length))
    return _or_null(pc.add(pc.add(pc.take(starts, year), first), pc.subtract(day, 1)), exists)


_MONTH_LENGTHS = pa.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_MONTH_STARTS = pa.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])


@cache
def _calendar() -> tuple[pa.Array, pa.Array]:
    """The day on which each year begins, and whether it is a leap year; position 0 is no year."""
    starts = [0, *(dt.date(year, 1, 1).toordinal() - _EPOCH for year in range(1, 10_000))]
    leaps = [False, *(year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) for year in range(1, 10_000))]
    return pa.array(starts, pa.int64()), pa.array(leaps)


def _number_of(part: pa.Array) -> pa.Array:
    return part if pa.types.is_integer(part.type) else _whole(part)


def _month(parts: dict[str, pa.Array]) -> pa.Array:
    if "m" in parts:
        return _whole(parts["m"])
    name = pc.utf8_lower(pc.utf8_slice_codeunits(parts.get("b", parts.get("B")), 0, 3))
    return pc.add(pc.index_in(name, pa.array(_MONTHS)).cast(pa.int64()), 1)


def _between(values: pa.Array, low: int, high: int) -> pa.Array:
    return pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))


def _seconds(parts: dict[str, pa.Array]) -> pa.Array:
    """Seconds since midnight; null where there is no such time. A part that the text leaves out is 0."""
    minute, second = _part_or_zero(parts, "M"), _part_or_zero(parts, "S")
    hour = _part_or_zero(parts, "H") if "I" not in parts else _twelve_hours(parts)
    possible = pc.and_(pc.and_(_between(hour, 0, 23), _between(minute, 0, 59)), _between(second, 0, 59))
    total = pc.add(pc.add(pc.multiply(hour, 3600), pc.multiply(minute, 60)), second)
    return _or_null(total, possible)


def _twelve_hours(parts: dict[str, pa.Array]) -> pa.Array:
    hour = _whole(parts["I"])
    hour = _or_null(hour, _between(hour, 1, 12))
    afternoon = pc.equal(pc.utf8_lower(parts["p"]), "pm")
    return pc.add(pc.if_else(pc.equal(hour, 12), 0, hour), pc.if_else(afternoon, 12, 0))


def _part_or_zero(parts: dict[str, pa.Array], name: str) -> pa.Array:
    matched = parts["matched"]
    value = _whole(parts[name]) if name in parts else pa.nulls(len(matched), pa.int64())
    return _or_null(pc.fill_null(value, 0), matched)


def _microseconds(parts: dict[str, pa.Array]) -> pa.Array:
    if "f" not in parts:
        return pa.scalar(0, pa.int64())
    return pc.fill_null(_whole(pc.utf8_rpad(_or_null(parts["f"], pc.not_equal(parts["f"], "")), 6, "0")), 0)


def _offset_s(parts: dict[str, pa.Array]) -> tuple[pa.Array, pa.BooleanArray]:
    """Seconds ahead of UTC, null where the text names no offset; and whether what it names is possible."""
    if "z" not in parts:
        count = len(parts["matched"])
        return pa.nulls(count, pa.int64()), pa.repeat(pa.scalar(True), count)
    zone = pc.replace_substring(pc.replace_substring(parts["z"], "Z", "+0000"), ":", "")
    zone = _or_null(zone, pc.not_equal(zone, ""))
    hours = _whole(pc.utf8_slice_codeunits(zone, 1, 3))
    minutes = _whole(pc.utf8_slice_codeunits(zone, 3, 5))
    possible = pc.fill_null(pc.and_(pc.less_equal(hours, 15), pc.less_equal(minutes, 59)), True)
    size = pc.add(pc.multiply(hours, 3600), pc.multiply(minutes, 60))
    return pc.if_else(pc.starts_with(zone, "-"), pc.negate(size), size), possible


def instants(wall: pa.Array, offset_s: pa.Array, zone: str, ambiguous: str = "error") -> pa.Array:
    """Instants in UTC (timestamp[us, UTC]) of wall-clock times, which are in ``zone`` where no offset was named.

    Null for times that a change of clocks leaves out, and for those it repeats, unless ``ambiguous`` says ``earliest``
    or ``latest``, and for those outside the years 1 to 9999.
    """
    local = _in_zone(wall, zone, ambiguous)
    shifted = pc.subtract(wall.cast(pa.int64()), pc.multiply(offset_s, 1_000_000)).cast(pa.timestamp("us", tz="UTC"))
    moments = pc.if_else(pc.is_valid(offset_s), shifted, local)
    return _or_null(moments, _between(moments.cast(pa.int64()), _FIRST_US, _LAST_US))


def _in_zone(wall: pa.Array, zone: str, ambiguous: str) -> pa.Array:
    utc = pa.timestamp("us", tz="UTC")
    early, late = (pc.assume_timezone(wall, zone, ambiguous=side, nonexistent=side) for side in ("earliest", "latest"))
    exists = pc.equal(pc.local_timestamp(late), wall)
    chosen = early if ambiguous == "earliest" else late
    sure = exists if ambiguous != "error" else pc.and_(exists, pc.equal(early, late))
    return _or_null(chosen.cast(utc), sure)


def numbers(texts: pa.Array) -> pa.Array:
    """Decimal numbers (float64); null for every other text and for those with more digits than a number carries.

    Up to 15 digits are always carried; more only where the text is exactly how such a number is written out, as
    databases write their own floating-point values.
    """
    written = r"^\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*$"
    keep = pc.match_substring_regex(texts, written)
    short = pc.replace_substring_regex(texts, r"(\.[0-9]*?)0+\s*$", r"\1")
    digits = pc.replace_substring_regex(pc.replace_substring_regex(short, r"[^0-9]", ""), "^0+", "")
    few = pc.less_equal(pc.utf8_length(digits), _EXACT_DIGITS)
    values = _or_null(pc.utf8_trim_whitespace(texts), keep).cast(pa.float64())
    same = pc.equal(values.cast(pa.string()), pc.utf8_trim_whitespace(texts))
    return _or_null(values, pc.or_(few, same))


def integers(texts: pa.Array) -> pa.Array:
    """Whole numbers (int64) of up to 18 digits, a fraction of zeros allowed; null for every other text."""
    keep = pc.match_substring_regex(texts, r"^\s*[+-]?[0-9]{1,18}(?:\.0*)?\s*$")
    bare = pc.replace_substring_regex(_or_null(texts, keep), r"\s|\+|\.0*", "")
    return bare.cast(pa.int64())


def truths(texts: pa.Array) -> pa.Array:
    """``true`` and ``false`` in any case; null for every other text."""
    word = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    known = pc.is_in(word, pa.array(["true", "false"]))
    return _or_null(pc.equal(word, "true"), known)
