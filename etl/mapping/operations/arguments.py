"""Checks the arguments of operations when a mapping is read, so that no wrong argument reaches data.

Every check raises OperationMistake with a hint that shows a right form.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations.model import OperationMistake


def no_argument(name: str, argument: JsonValue) -> None:
    """The operation takes none."""
    if argument is not None:
        raise OperationMistake(f"`{name}` takes no argument.", f"Write `{name}` alone.")


def settings(
    name: str, argument: JsonValue, allowed: Sequence[str], *, main: str | None = None, required: Sequence[str] = ()
) -> Mapping[str, JsonValue]:
    """A mapping of settings; a plain value stands for the ``main`` one, nothing for none at all."""
    given = _as_settings(name, argument, main)
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise OperationMistake(f"`{name}` knows no setting `{unknown[0]}`.", f"Its settings: {', '.join(allowed)}.")
    absent = [each for each in required if given.get(each) is None]
    if absent:
        raise OperationMistake(f"`{name}` needs `{absent[0]}`.", f"Its settings: {', '.join(allowed)}.")
    return given


def _as_settings(name: str, argument: JsonValue, main: str | None) -> Mapping[str, JsonValue]:
    if isinstance(argument, dict):
        return argument
    if argument is None:
        return {}
    if main is None:
        raise OperationMistake(f"`{name}` takes named settings.", f"Write `{name}: {{setting: value}}`.")
    return {main: argument}


def text(name: str, value: JsonValue, what: str = "argument") -> str:
    """A text; numbers are refused, because `01` and `1` would look alike."""
    if not isinstance(value, str):
        raise OperationMistake(f"The {what} of `{name}` must be text.", "Put it in quotes.")
    return value


def nonblank(name: str, value: JsonValue, what: str = "argument") -> str:
    """A text that is not empty."""
    if not text(name, value, what):
        raise OperationMistake(f"The {what} of `{name}` is empty.", "Give at least one character.")
    return text(name, value, what)


def texts(name: str, value: JsonValue, what: str = "argument") -> tuple[str, ...]:
    """A list of texts; one text stands for a list of one."""
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise OperationMistake(f"The {what} of `{name}` is an empty list.", "List at least one value.")
    return tuple(text(name, each, what) for each in listed)


def whole(name: str, value: JsonValue, what: str = "argument", *, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OperationMistake(f"The {what} of `{name}` must be a whole number of at least {least}.", "Give a number.")
    return value


def number(name: str, value: JsonValue, what: str = "argument") -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OperationMistake(f"The {what} of `{name}` must be a number.", "Give a number without quotes.")
    return float(value)


def question(name: str, value: JsonValue, what: str) -> bool:
    """True or false; absent means false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise OperationMistake(f"`{what}` of `{name}` must be true or false.", f"Write `{what}: true`.")


def one_of(name: str, value: JsonValue, what: str, choices: Sequence[str]) -> str:
    """One of several words; absent means the first."""
    if value is None:
        return choices[0]
    if value not in choices:
        raise OperationMistake(
            f"`{what}` of `{name}` is none of: {', '.join(choices)}.", f"Write `{what}: {choices[0]}`."
        )
    return str(value)


def pattern(name: str, value: JsonValue, what: str = "pattern") -> str:
    """A regular expression of the RE2 family (no look-around, no back-references)."""
    written = nonblank(name, value, what)
    try:
        pc.match_substring_regex(pa.array([""]), written)
    except pa.ArrowInvalid:
        raise OperationMistake(
            f"The {what} of `{name}` is no regular expression that can be used here.",
            "The RE2 family is meant: no look-around and no back-references.",
        ) from None
    return written


def day(name: str, value: JsonValue, what: str) -> dt.date | None:
    """An ISO date; ``today`` and absent give None (ask :func:`is_today`)."""
    if value is None or is_today(value):
        return None
    try:
        return dt.date.fromisoformat(text(name, value, what))
    except ValueError:
        raise OperationMistake(f"`{what}` of `{name}` is no date.", "Write it as 1900-01-31, or `today`.") from None


def is_today(value: JsonValue) -> bool:
    """Whether a bound is the word ``today``."""
    return value == "today"
