"""Operations that find what people type where they know nothing: names that are none and dates that are none.

Such a value is an error like any other, so that it is counted and shown; `then: empty` empties it without a word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.model import INVALID, Applied, BoundOperation, marks, on_text
from etl.mapping.operations.texts import NO_TEXT, squeezed

_THEN = ("error", "empty")
_NAME = (
    r"^(?:"
    r"(?:baby|infant|newborn|unborn|child)(?: (?:boy|girl|male|female|child|of|one|two|a|b|[0-9]))*"
    r"|(?:bb|bg|b/b|b/g)(?: [ab0-9])?"
    r"|unk|unkn|unknown(?: (?:name|unknown|first|last|person|mother|father|child))?|not known|not given|not provided"
    r"|no (?:name|first name|last name|middle name)|nmn|nmi|nfn|nln|fnu|lnu|none|null|nil|n/?a|na|tbd|tba"
    r"|test(?:er|ing|case|person| (?:test|person|client|case|child|record))?|dummy|sample|do not use|dnu|duplicate|delete(?:d)?"
    r"|(?:john|jane|baby|j) doe|anonymous|confidential|withheld|refused|declined|missing|unspecified|blank|temp"
    r"|(?:x+|y+|z+|\?+|-+|\.+|\*+|_+|#+|[0-9]+)"
    r")$"
)
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
    dt.date(9999, 9, 9),
    dt.date(9999, 12, 31),
)
_IMPOSSIBLE = ("00/00/0000", "0000-00-00", "99/99/9999", "9999-99-99", "00000000", "99999999")
_MIDNIGHT = r"[T ]0?0:00(?::00(?:\.0+)?)?(?: ?AM)?$|[T ]12:00(?::00(?:\.0+)?)? ?AM$"


def placeholder_name(argument: JsonValue) -> BoundOperation:
    """Finds names that are no names: "Baby Boy", "Unknown", "UNK", "Test", "Jane Doe", "XXX" and the like.

    `also` lists further texts, compared without case. `then` is `error` (a problem of the row; `on_error` of the field
    decides) or `empty`. Only the whole value counts: "Test" is none, "Testa" is a name.

    >>> placeholder_name(None).on("Baby Boy", "UNK", "Testa", "Babyak")
    ['!invalid_value', '!invalid_value', 'Testa', 'Babyak']
    >>> placeholder_name({"then": "empty", "also": ["Casper Ghost"]}).on("casper ghost", "Ana")
    [None, 'Ana']
    """
    given = arguments.settings("placeholder_name", argument, ("also", "then"))
    also = _further("placeholder_name", given.get("also"))

    def found(texts: pa.Array) -> pa.Array:
        written = pc.utf8_lower(squeezed(texts))
        bare = pc.utf8_trim(written, ".,()[]'\"")
        return pc.or_(pc.match_substring_regex(bare, _NAME), pc.is_in(written, also))

    return _finder("placeholder_name", argument, found)


def placeholder_date(argument: JsonValue) -> BoundOperation:
    """Finds dates that stand for "not known" in any usual writing: 01/01/1900, 12/31/9999, 00/00/0000 and the like.

    Stands before `date`. `also` lists further texts, `then` is `error` or `empty`. The 1st of January of other years is
    let through, because people are born on it.

    >>> placeholder_date(None).on("01/01/1900", "1900-01-01 00:00:00", "9999-12-31", "01/01/1985")
    ['!invalid_value', '!invalid_value', '!invalid_value', '01/01/1985']
    >>> placeholder_date({"then": "empty", "also": ["07/04/1976"]}).on("07/04/1976")
    [None]
    """
    given = arguments.settings("placeholder_date", argument, ("also", "then"))
    known = pa.concat_arrays([pa.array(sorted(set(_writings(_DAYS))), pa.string()), pa.array(_IMPOSSIBLE, pa.string())])
    also = _further("placeholder_date", given.get("also"))

    def found(texts: pa.Array) -> pa.Array:
        written = pc.utf8_trim_whitespace(texts)
        day = pc.replace_substring_regex(written, f"(?i){_MIDNIGHT}", "")
        return pc.or_(pc.is_in(day, known), pc.is_in(pc.utf8_lower(written), also))

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
    """The usual writings of days; where day and month differ, both orders with slashes are the same placeholder."""
    for day in days:
        year, month, number = f"{day.year:04}", f"{day.month:02}", f"{day.day:02}"
        for mark in ("/", "-", "."):
            yield f"{month}{mark}{number}{mark}{year}"
            yield f"{number}{mark}{month}{mark}{year}"
            yield f"{day.month}{mark}{day.day}{mark}{year}"
            yield f"{year}{mark}{month}{mark}{number}"
        yield f"{year}{month}{number}"
        yield f"{month}{number}{year}"


OPERATIONS = (placeholder_name, placeholder_date)
