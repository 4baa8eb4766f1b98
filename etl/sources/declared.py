"""The types that a person declares for columns of sources that have none, or not the right ones, and their text form.

A declared type mends form and never meaning: a value that does not fit it stays as it is, for the mapping to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import sqlalchemy as sa

from etl.core.errors import SettingsError
from etl.sources.sql_text import Renderer, renderer, text_of

TYPES = "text, char, digits(5), integer, decimal(10,2), boolean, date or datetime"

_DECLARED = re.compile(r"(?P<name>[a-z]+)(?:\((?P<arguments>\d+(?: *, *\d+)?)\))?")
_TRUTH: Mapping[object, bool] = {"1": True, "true": True, "0": False, "false": False}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

_truth = renderer(sa.Boolean())
_moment = renderer(sa.DateTime())


def declared_form(declared: str, place: str) -> Renderer:
    """What turns values into the text of a declared type. Raises SettingsError that names ``place``."""
    found = _DECLARED.fullmatch(declared.strip().lower())
    arguments = [int(each) for each in (found["arguments"] or "").split(",") if each] if found else []
    make = _FORMS.get((found["name"], len(arguments))) if found else None
    if make is None:
        raise SettingsError(f"{place} has a type that is not known.", hint=f"Write {TYPES}.")
    return make(*arguments)


def _digits(length: int) -> Renderer:
    """Leading zeros that a spreadsheet took away are put back: a ZIP code of five digits, say."""

    def render(value: object) -> str | None:
        text = _whole(value)
        return text.zfill(length) if text and text.isascii() and text.isdigit() else text

    return render


def _decimal(precision: int, scale: int) -> Renderer:
    form = renderer(sa.Numeric(precision, scale))
    return lambda value: form(_trimmed(text_of(value)))


def _whole(value: object) -> str | None:
    text = _trimmed(text_of(value))
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return text
    return str(int(number)) if number.is_finite() and number == int(number) and "." in (text or "") else text


def _boolean(value: object) -> str | None:
    text = _trimmed(text_of(value))
    return _truth(_TRUTH[text.lower()]) if text is not None and text.lower() in _TRUTH else text


def _date(value: object) -> str | None:
    """A point in time that is midnight is the day."""
    text = _moment(_trimmed(text_of(value)))
    return None if text is None else text.removesuffix(" 00:00:00")


def _datetime(value: object) -> str | None:
    """A day is its midnight."""
    text = _moment(_trimmed(text_of(value)))
    return f"{text} 00:00:00" if text and _DAY.fullmatch(text) else text


def _trimmed(text: str | None) -> str | None:
    return None if text is None else text.strip(" ")


_FORMS: Mapping[tuple[str, int], Callable[..., Renderer]] = {
    ("text", 0): lambda: text_of,
    ("char", 0): lambda: renderer(sa.CHAR()),
    ("digits", 1): _digits,
    ("integer", 0): lambda: _whole,
    ("decimal", 1): lambda precision: _decimal(precision, 0),
    ("decimal", 2): _decimal,
    ("boolean", 0): lambda: _boolean,
    ("date", 0): lambda: _date,
    ("datetime", 0): lambda: _datetime,
}


def declared_forms(types: Mapping[str, str], source: str) -> dict[str, Renderer]:
    """The forms by column. Raises SettingsError."""
    return {column: declared_form(each, f"Column {column} of source {source}") for column, each in types.items()}


def forms_of(columns: Sequence[str], forms: Mapping[str, Renderer]) -> list[Renderer]:
    """A form for each column; the plain one where none is declared."""
    return [forms.get(column, text_of) for column in columns]
