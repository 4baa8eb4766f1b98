"""Operations that clean text: they give text for text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.model import (
    CUT,
    INVALID,
    Applied,
    BoundOperation,
    OperationMistake,
    checked,
    marks,
    on_text,
    plain,
    without_blanks,
)

NO_TEXT = pa.scalar(None, pa.string())


def trim(argument: JsonValue) -> BoundOperation:
    """Takes white space off both ends; what is left empty counts as blank.

    >>> trim(None).on("  Ana ", "   ")
    ['Ana', None]
    """
    arguments.no_argument("trim", argument)
    return plain("trim", argument, pc.utf8_trim_whitespace)


def squeeze(argument: JsonValue) -> BoundOperation:
    """Turns every run of white space into one blank and trims the ends.

    >>> squeeze(None).on(" 12   Elm  St ")
    ['12 Elm St']
    """
    arguments.no_argument("squeeze", argument)
    return plain("squeeze", argument, squeezed)


def squeezed(texts: pa.Array) -> pa.Array:
    """Texts with single blanks only."""
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"[\s\p{Zs}]+", " "))


def upper(argument: JsonValue) -> BoundOperation:
    """Writes capital letters.

    >>> upper(None).on("oh")
    ['OH']
    """
    arguments.no_argument("upper", argument)
    return plain("upper", argument, pc.utf8_upper)


def lower(argument: JsonValue) -> BoundOperation:
    """Writes small letters.

    >>> lower(None).on("OPEN")
    ['open']
    """
    arguments.no_argument("lower", argument)
    return plain("lower", argument, pc.utf8_lower)


def null_if(argument: JsonValue) -> BoundOperation:
    """Takes the listed texts for blank. They are compared exactly, outer blanks aside.

    >>> null_if(["UNK", "01/01/1900"]).on(" UNK ", "unk")
    [None, 'unk']
    """
    unwanted = pa.array([each.strip() for each in arguments.texts("null_if", argument)], pa.string())

    def change(texts: pa.Array) -> pa.Array:
        return pc.if_else(pc.is_in(pc.utf8_trim_whitespace(texts), unwanted), NO_TEXT, texts)

    return plain("null_if", argument, change)


def default(argument: JsonValue) -> BoundOperation:
    """Fills blanks with a text.

    >>> default("Unknown").on("Ana", None, "")
    ['Ana', 'Unknown', 'Unknown']
    """
    filling = arguments.nonblank("default", argument)
    return plain("default", argument, lambda texts: pc.fill_null(without_blanks(texts), filling))


def replace(argument: JsonValue) -> BoundOperation:
    r"""Replaces parts of the text: `find` (plain text) or `pattern` (a regular expression) by `with`.

    `with` may be empty. In a pattern's replacement `\1` stands for the first bracketed part.

    >>> replace({"find": "#", "with": "No. "}).on("Apt #4")
    ['Apt No. 4']
    >>> replace({"pattern": "^0+", "with": ""}).on("0042")
    ['42']
    """
    given = arguments.settings("replace", argument, ("find", "pattern", "with"), required=("with",))
    new = arguments.text("replace", given["with"], "`with`")
    if ("find" in given) == ("pattern" in given):
        raise OperationMistake(
            "`replace` needs either `find` or `pattern`.", 'Write `replace: {find: "a", with: "b"}`.'
        )
    if "find" in given:
        old = arguments.nonblank("replace", given["find"], "`find`")
        return plain("replace", argument, lambda texts: pc.replace_substring(texts, old, new))
    pattern = arguments.pattern("replace", given["pattern"])
    _check_replacement(pattern, new)
    return plain("replace", argument, lambda texts: pc.replace_substring_regex(texts, pattern, new))


def _check_replacement(pattern: str, new: str) -> None:
    try:
        pc.replace_substring_regex(pa.array([""]), pattern, new)
    except pa.ArrowInvalid:
        raise OperationMistake(
            "The `with` of `replace` names a bracketed part that its pattern does not have.",
            "Count the brackets, or write a backslash as two.",
        ) from None


def matches(argument: JsonValue) -> BoundOperation:
    """Lets through only texts that match a regular expression as a whole; others are errors.

    >>> matches("[A-Z]{2}[0-9]{4}").on("AB1234", "AB12345")
    ['AB1234', '!invalid_value']
    """
    whole = f"^(?:{arguments.pattern('matches', argument)})$"

    def kernel(texts: pa.Array) -> Applied:
        return checked(texts, pc.if_else(pc.match_substring_regex(texts, whole), texts, NO_TEXT))

    return on_text("matches", argument, lambda texts, _: kernel(texts))


def digits(argument: JsonValue) -> BoundOperation:
    """Keeps the digits 0 to 9 only; text without any becomes blank.

    >>> digits(None).on("123-45-6789", "none")
    ['123456789', None]
    """
    arguments.no_argument("digits", argument)
    return plain("digits", argument, lambda texts: pc.replace_substring_regex(texts, "[^0-9]", ""))


def length(argument: JsonValue) -> BoundOperation:
    """Lets through only texts of the given number of characters: one number, or `min` and `max`.

    >>> length(9).on("123456789", "12345678")
    ['123456789', '!invalid_value']
    >>> length({"min": 2}).on("a", "ab", "abc")
    ['!invalid_value', 'ab', 'abc']
    """
    least, most = _bounds(argument)

    def kernel(texts: pa.Array) -> Applied:
        size = pc.utf8_length(texts)
        wrong = pc.or_(pc.less(size, least), pc.greater(size, most))
        failed = pc.fill_null(wrong, False)
        return Applied(pc.if_else(failed, NO_TEXT, texts), marks(INVALID, failed))

    return on_text("length", argument, lambda texts, _: kernel(texts))


_NO_LIMIT = 2**31 - 1


def _bounds(argument: JsonValue) -> tuple[int, int]:
    if not isinstance(argument, dict):
        exact = arguments.whole("length", argument, least=1)
        return exact, exact
    given = arguments.settings("length", argument, ("min", "max"))
    least = arguments.whole("length", given.get("min", 0), "`min`")
    most = arguments.whole("length", given.get("max", _NO_LIMIT), "`max`", least=1)
    if not given or least > most:
        raise OperationMistake("`length` allows no text at all or every text.", "Write `length: {min: 2, max: 10}`.")
    return least, most


def pad(argument: JsonValue) -> BoundOperation:
    """Fills up on the left to a length, with zeros unless `with` says otherwise: codes that a spreadsheet has shortened.

    >>> pad(5).on("401", "123456")
    ['00401', '123456']
    >>> pad({"to": 3, "with": "x"}).on("a")
    ['xxa']
    """
    given = arguments.settings("pad", argument, ("to", "with"), main="to", required=("to",))
    width = arguments.whole("pad", given["to"], "`to`", least=1)
    filling = arguments.text("pad", given.get("with", "0"), "`with`")
    if len(filling) != 1:
        raise OperationMistake("The `with` of `pad` must be one character.", 'Write `pad: {to: 5, with: "0"}`.')
    return plain("pad", argument, lambda texts: pc.utf8_lpad(texts, width, filling))


def truncate(argument: JsonValue) -> BoundOperation:
    """Cuts text after a number of characters. Each cut is told as a warning, because something is lost.

    >>> truncate(5).on("Riverside", "Elm")
    ['River', 'Elm']
    """
    most = arguments.whole("truncate", argument, least=1)

    def kernel(texts: pa.Array) -> Applied:
        cut = pc.fill_null(pc.greater(pc.utf8_length(texts), most), False)
        return Applied(pc.utf8_slice_codeunits(texts, 0, most), warnings=marks(CUT, cut))

    return on_text("truncate", argument, lambda texts, _: kernel(texts))


OPERATIONS = (
    trim,
    squeeze,
    upper,
    lower,
    null_if,
    default,
    replace,
    matches,
    digits,
    length,
    pad,
    truncate,
)
