"""What name and values of a column together say of it: a date, a ZIP code, something of people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from etl.core.column_names import words_of
from etl.core.intake import Column, Kind, People
from etl.sources.intake.columns import kinds_share

_VALUE = re.compile(r"[-+]?[0-9][0-9 ./:,()-]*|\(?[0-9]{3}\)?[0-9 .-]{7,}|[^@\s]+@[^@\s]+\.[^@\s]+")
_SURROGATE_WORDS = frozenset(("id", "key", "guid", "uuid"))
_DATE_WORDS = frozenset(("date", "dt", "dob", "dod", "birth", "born", "day", "dte", "ts", "on"))
_ZIP_WORDS = frozenset(("zip", "zipcode", "postal", "postcode", "zip5"))
_NAME_WORDS = frozenset(
    ("nm", "name", "lname", "fname", "mname", "surname", "firstname", "lastname", "nickname", "alias")
)
_PERSON_WORDS = frozenset(
    [
        "first",
        "last",
        "middle",
        "mid",
        "maiden",
        "given",
        "family",
        "nick",
        "full",
        "client",
        "person",
        "child",
        "mother",
        "father",
        "parent",
        "worker",
        "contact",
        "caller",
        "staff",
        "case",
        "caregiver",
        "guardian",
        "author",
        "f",
        "l",
        "m",
    ]
)
_TOLD_BY_NAME: tuple[tuple[People, frozenset[str]], ...] = (
    (People.SSN, frozenset(("ssn", "ssno", "social", "socsec", "soc"))),
    (People.EMAIL, frozenset(("email", "mail", "eml"))),
    (People.PHONE, frozenset(("phone", "tel", "telephone", "cell", "mobile", "fax", "ph"))),
    (People.NOTES, frozenset(("note", "notes", "comment", "comments", "narrative", "remarks", "narr", "memo", "body"))),
    (People.ADDRESS, frozenset(("street", "address", "addr", "addr1", "addr2", "line1", "line2"))),
)
_DATES = (Kind.DATE_ISO, Kind.DATE_LONG, Kind.DATE_SHORT, Kind.DATE_DIGITS, Kind.DATE_NAMED)
_MOSTLY = 0.5
_FREE_TEXT = 120


def names_look_like_data(names: Sequence[str]) -> bool:
    """Whether the first line of a table holds values and no names: a number, a date, a telephone number or an address.

    >>> names_look_like_data(["ID", "RACE_1"]), names_look_like_data(["7", "Rivera", "01/31/2011"])
    (False, True)
    """
    return any(_VALUE.fullmatch(name.strip()) for name in names)


def is_date_column(column: Column) -> bool:
    """Whether a column holds dates, by most of its values or by its name and some of them."""
    is_named = bool(_DATE_WORDS & set(words_of(column.name)))
    certain = kinds_share(column, *_DATES) - kinds_share(column, Kind.DATE_DIGITS)
    return certain >= _MOSTLY or (is_named and kinds_share(column, *_DATES) > 0)


def is_zip_name(name: str) -> bool:
    """Whether a column is named like a ZIP code."""
    return bool(_ZIP_WORDS & set(words_of(name)))


def people_of(column: Column) -> tuple[People | None, str]:
    """What a filled column tells of people, with what shows it: its name, its values, or both."""
    if not column.filled:
        return None, ""
    named, shown = _by_name(column), _by_values(column)
    if named and (shown is named or shown is None):
        return named, "name and values" if shown else "name"
    return shown, "values" if shown else ""


def _by_name(column: Column) -> People | None:
    words = words_of(column.name)
    if {"dob", "birth", "birthdate", "bdate", "born"} & set(words) and kinds_share(column, *_DATES) > 0:
        return People.BIRTH
    if _is_name_of_person(words) and kinds_share(column, Kind.TEXT) >= _MOSTLY:
        return People.NAME
    for people, told in _TOLD_BY_NAME:
        if told & set(words) and _can_be(people, column):
            return people
    return None


def _is_name_of_person(words: tuple[str, ...]) -> bool:
    is_name = bool(_NAME_WORDS & set(words))
    return is_name and (len(words) == 1 or bool(_PERSON_WORDS & set(words)))


def _can_be(people: People, column: Column) -> bool:
    """Whether length and name allow it: flags about a number are no number, and the key of an address is no address."""
    if people is not People.SSN and _SURROGATE_WORDS & set(words_of(column.name)):
        return False
    least = {People.SSN: 7, People.PHONE: 7, People.EMAIL: 5, People.NOTES: 20, People.ADDRESS: 8}[people]
    return column.longest >= least


def _by_values(column: Column) -> People | None:
    for people, kind in ((People.SSN, Kind.SSN), (People.EMAIL, Kind.EMAIL), (People.PHONE, Kind.PHONE)):
        if kinds_share(column, kind) >= _MOSTLY:
            return people
    is_long = column.longest >= _FREE_TEXT and kinds_share(column, Kind.TEXT) >= _MOSTLY
    return People.NOTES if is_long else None
