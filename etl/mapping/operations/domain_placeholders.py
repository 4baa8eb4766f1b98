"""Operations that find what people type where they know nothing: names that are none and dates that are none.

Such a value is an error like any other, so that it is counted and shown; `then: empty` empties it without a word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.model import INVALID, Applied, BoundOperation, marks, on_text
from etl.mapping.operations.readers import LONG_MONTHS
from etl.mapping.operations.texts import NO_TEXT, squeezed

_THEN = ("error", "empty")
_UNNAMED = (
    r"(?:baby|bby)(?:[ -].*)?|(?:baby|infant|newborn)[ -]?(?:boy|girl|male|female|child)(?:[ -].*)?"
    r"|(?:infant|newborn|unborn|foetus|fetus|child of)(?: .*)?|(?:bb|bg|b/b|b/g)(?: [ab0-9])?"
    r"|(?:child|twin|triplet|quadruplet)(?:[ #-]*(?:boy|girl|male|female|child|of|one|two|three|[a-d]|i{1,3}|[0-9]))*"
)
"""A child that has no name yet, whatever stands behind it: that is the family's name."""
_NOBODY = (
    r"unk|unkn|unknown|not known|not given|not provided|not available|not applicable|not stated|unnamed|unidentified"
    r"|unknown (?:name|first|last|person|client|mother|father|parent|child)"
    r"|(?:name|client|person|mother|father|parent|child) unknown"
    r"|no (?:name|first name|last name|middle name)(?: given)?|name (?:withheld|pending|not given)|to be (?:determined|named)"
    r"|nmn|nmi|nfn|nln|fnu|lnu|none|null|nil|n/?a|na|tbd|tba"
    r"|test(?:er|ing|case|person| (?:test|person|client|case|child|record))?|dummy|sample|do not use|dnu|duplicate|deleted?"
    r"|anonymous|confidential|withheld|refused|declined|missing|pending|unspecified|blank|temp"
    r"|x+|y+|z+|\?+|-+|\.+|\*+|_+|#+|[0-9]+"
)
_DOE = r"(?:john|jon|johnny|jane|janie|baby|j)(?: [a-z])? (?:doe|roe)(?:[ #-]*(?:[0-9]+|[a-d]|i{1,3}))?"
_DOE_FIRST = r"(?:doe|roe) ?, ?(?:john|jon|johnny|jane|janie|baby|j)(?:[ /&,.#-].*)?"
_NAME = rf"^(?:(?:{_NOBODY})(?:,? (?:{_NOBODY}))*|(?:[^,]+, ?)?(?:{_UNNAMED})|{_DOE}|{_DOE_FIRST})$"
_DAYS = (
    dt.date(1, 1, 1),
    dt.date(1111, 11, 11),
    dt.date(1753, 1, 1),
    dt.date(1800, 1, 1),
    dt.date(1899, 12, 30),
    dt.date(1899, 12, 31),
    dt.date(1900, 1, 1),
    dt.date(1901, 1, 1),
    dt.date(1970, 1, 1),
    dt.date(2099, 12, 31),
    dt.date(2222, 2, 2),
    dt.date(2999, 12, 31),
    dt.date(7777, 7, 7),
    dt.date(8888, 8, 8),
    dt.date(9999, 9, 9),
    dt.date(9999, 12, 31),
)
_IMPOSSIBLE = ("00-00-0000", "0000-00-00", "00000000", "0", "0-0-0")
_SAME_DIGIT = tuple(
    writing
    for each in "789"
    for writing in (f"{each * 2}-{each * 2}-{each * 4}", f"{each * 4}-{each * 2}-{each * 2}", each * 8)
)
_TIME = r"[t :]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.:][0-9]+)?)?(?: ?[ap]m)?(?: ?z|[+-][0-9]{2}:?[0-9]{2})?$"
_PLAIN_STEPS = (
    (_TIME, ""),
    (r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?[,. ]+", ""),
    (r"([0-9])(?:st|nd|rd|th)\b", r"\1"),
    (r"([0-9])([a-z])", r"\1-\2"),
    (r"([a-z])([0-9])", r"\1-\2"),
    (r"[\s,./-]+", "-"),
)
"""What makes the writings of a day alike: the time of day, the day of the week and the marks do not count."""
_MONTHS = LONG_MONTHS.split("|")


def placeholder_name(argument: JsonValue) -> BoundOperation:
    """Finds names that are no names: "Baby Boy", "Twin A", "Unknown", "UNK", "Test", "Jane Doe", "Doe, John", "XXX".

    A child without a name is found with the family's name too ("Baby Boy Rivera", "Rivera, Infant"). `also` lists further
    texts, compared without case. `then` is `error` (a problem of the row; `on_error` of the field decides) or `empty`.
    Otherwise only the whole value counts: "Test" is none, "Testa" is a name.

    >>> placeholder_name(None).on("Baby Boy", "UNK", "Testa", "Babyak")
    ['!invalid_value', '!invalid_value', 'Testa', 'Babyak']
    >>> placeholder_name(None).on("BABY BOY RIVERA", "babygirl", "Twin A", "Doe, Jane/John")
    ['!invalid_value', '!invalid_value', '!invalid_value', '!invalid_value']
    >>> placeholder_name({"then": "empty", "also": ["Casper Ghost"]}).on("casper ghost", "Ana")
    [None, 'Ana']
    """
    given = arguments.settings("placeholder_name", argument, ("also", "then"))
    also = _further("placeholder_name", given.get("also"))

    def found(texts: pa.Array) -> pa.Array:
        written = pc.utf8_lower(squeezed(texts))
        bare = pc.utf8_trim(pc.replace_substring(written, ".", ""), " ,()[]'\"")
        bare = pc.if_else(pc.equal(bare, ""), written, bare)
        return pc.or_(pc.match_substring_regex(bare, _NAME), pc.is_in(written, also))

    return _finder("placeholder_name", argument, found)


def placeholder_date(argument: JsonValue) -> BoundOperation:
    """Finds dates that stand for "not known" in any usual writing: 01/01/1900, 12/31/9999, 00/00/0000 and the like.

    Stands before `date`, and asks for none of its formats: the order of the parts, the marks, names of months, a day of the
    week and a time of day do not count. A year of two digits is let through, because 00 may mean 2000; so is the 1st of
    January of other years, because people are born on it. `also` lists further texts, `then` is `error` or `empty`.

    >>> placeholder_date(None).on("01/01/1900", "1900-01-01 00:00:00", "9999-12-31", "01/01/1985")
    ['!invalid_value', '!invalid_value', '!invalid_value', '01/01/1985']
    >>> placeholder_date(None).on("01-JAN-1900", "January 1st, 1900", "Mon Jan 1 1900 12:00 AM", "JAN 1 1985")
    ['!invalid_value', '!invalid_value', '!invalid_value', 'JAN 1 1985']
    >>> placeholder_date({"then": "empty", "also": ["07/04/1976"]}).on("07/04/1976")
    [None]
    """
    given = arguments.settings("placeholder_date", argument, ("also", "then"))
    known = pa.array(sorted({*_writings(_DAYS), *_IMPOSSIBLE, *_SAME_DIGIT}), pa.string())
    also = _further("placeholder_date", given.get("also"))

    def found(texts: pa.Array) -> pa.Array:
        written = day = pc.utf8_lower(squeezed(texts))
        for pattern, plain in _PLAIN_STEPS:
            day = pc.replace_substring_regex(day, pattern, plain)
        return pc.or_(pc.is_in(day, known), pc.is_in(written, also))

    return _finder("placeholder_date", argument, found)


def _finder(name: str, argument: JsonValue, found: Callable[[pa.Array], pa.Array]) -> BoundOperation:
    """Takes the texts out for which ``found`` says so, as errors unless they are to be emptied."""
    given = arguments.settings(name, argument, ("also", "then"))
    is_quiet = arguments.one_of(name, given.get("then"), "then", _THEN) == "empty"

    def kernel(texts: pa.Array) -> Applied:
        rows = pc.fill_null(found(texts), False)
        return Applied(pc.if_else(rows, NO_TEXT, texts), () if is_quiet else marks(INVALID, rows))

    return on_text(name, argument, lambda texts, _: kernel(texts))


def _further(name: str, value: JsonValue) -> pa.Array:
    texts = () if value is None else arguments.texts(name, value, "`also`")
    return pa.array([" ".join(each.lower().split()) for each in texts], pa.string())


def _writings(days: Sequence[dt.date]) -> Iterator[str]:
    """The writings of days with `-` between the parts; where day and month differ, both orders are the same placeholder."""
    for day in days:
        year, month, number = f"{day.year:04}", f"{day.month:02}", f"{day.day:02}"
        yield from (f"{year}{month}{number}", f"{month}{number}{year}", f"{number}{month}{year}")
        long = _MONTHS[day.month - 1]
        for named, numbered in product((month, str(day.month), long, long[:3]), (number, str(day.day))):
            yield from (f"{named}-{numbered}-{year}", f"{numbered}-{named}-{year}", f"{year}-{named}-{numbered}")


OPERATIONS = (placeholder_name, placeholder_date)
