"""Operations that take text apart and put it together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.lists import listed
from etl.mapping.operations.model import (
    Applied,
    BoundOperation,
    Context,
    OperationMistake,
    ValueType,
    checked,
    on_text,
    plain,
    without_blanks,
    without_empty_cells,
)

_HASH_DIGITS = 16
_MOST_HASH_DIGITS = 64

_GROUP = "(?P<value>"


def extract(argument: JsonValue) -> BoundOperation:
    """Takes the first part that matches a regular expression; text without it is an error, or blank with `else: empty`.

    `(?P<value>...)` inside the pattern narrows what is taken.

    >>> extract("[0-9]{5}").on("Zip 43215-1000", "none")
    ['43215', '!invalid_value']
    >>> extract({"pattern": "DOB:(?P<value>[0-9/]+)", "else": "empty"}).on("x DOB:2/9/2011", "none")
    ['2/9/2011', None]
    """
    given = arguments.settings("extract", argument, ("pattern", "else"), main="pattern", required=("pattern",))
    pattern = _capturing(arguments.pattern("extract", given["pattern"]))
    strict = arguments.one_of("extract", given.get("else"), "else", ("error", "empty")) == "error"

    def kernel(texts: pa.Array) -> Applied:
        found = pc.struct_field(pc.extract_regex(texts, pattern), "value")
        return checked(texts, without_blanks(found)) if strict else Applied(found)

    return on_text("extract", argument, lambda texts, _: kernel(texts))


def _capturing(pattern: str) -> str:
    whole = pattern if _GROUP in pattern else f"{_GROUP}{pattern})"
    try:
        pc.struct_field(pc.extract_regex(pa.array([""]), whole), "value")
    except pa.ArrowInvalid:
        raise OperationMistake(
            "The pattern of `extract` has brackets without a name.",
            "Write (?:...) for plain brackets, and (?P<value>...) once for what is meant.",
        ) from None
    return whole


def split(argument: JsonValue) -> BoundOperation:
    """Makes a list of the parts between a separator, trimmed, without blank ones: for fields that hold many values.

    No operation may follow. A crosswalk of one column decodes each member, as in
    `races: {from: RACES, do: [{split: ";"}], crosswalk: race}`. Equal members of the field count once, where they come
    first.

    >>> split(";").on("A; B;;", ";")
    [['A', 'B'], None]
    """
    separator = arguments.nonblank("split", argument)
    return on_text("split", argument, lambda texts, _: Applied(parts_of(texts, separator)), ValueType.TEXTS)


def parts_of(texts: pa.Array, separator: str) -> pa.Array:
    """The lists of nonblank trimmed parts; null where there is none."""
    parts = pc.split_pattern(texts, separator)
    owners = pc.list_parent_indices(parts)
    return listed(owners, without_empty_cells(pc.utf8_trim_whitespace(pc.list_flatten(parts))), len(texts))


def part(argument: JsonValue) -> BoundOperation:
    """Takes one of the parts between a separator, trimmed: `take` counts from 1, or from the end with -1.

    A part that is not there is blank.

    >>> part({"on": ",", "take": 1}).on("Rivera, Ana", "Rivera")
    ['Rivera', 'Rivera']
    >>> part({"on": ",", "take": 2}).on("Rivera, Ana", "Rivera")
    ['Ana', None]
    """
    given = arguments.settings("part", argument, ("on", "take"), required=("on", "take"))
    separator, position = arguments.nonblank("part", given["on"], "`on`"), given["take"]
    if isinstance(position, bool) or not isinstance(position, int) or position == 0:
        raise OperationMistake("The `take` of `part` must be a whole number other than 0.", "1 is the first part.")
    return plain("part", argument, lambda texts: _part_at(pc.split_pattern(texts, separator), position))


def _part_at(lists: pa.Array, position: int) -> pa.Array:
    size = pc.list_value_length(lists)
    index = pc.add(size, position) if position < 0 else position - 1
    there = pc.greater_equal(size, abs(position))
    starts = lists.offsets.slice(0, len(lists))
    chosen = pc.if_else(pc.fill_null(there, False), pc.add(starts, index), pa.scalar(None, pa.int32()))
    return pc.utf8_trim_whitespace(pc.take(lists.values, chosen))


def concat(argument: JsonValue) -> BoundOperation:
    """Joins the columns of `from` with a text between them (a blank unless given), leaving out blank ones.

    >>> concat(", ").on_columns(["Rivera", "Lee", None], ["Ana", None, None])
    ['Rivera, Ana', 'Lee', None]
    """
    separator = " " if argument is None else arguments.text("concat", argument)

    def run(inputs: Sequence[pa.Array], _: Context) -> Applied:
        return Applied(_joined([without_blanks(each) for each in inputs], separator))

    return BoundOperation("concat", argument, ValueType.TEXT, ValueType.TEXT, run, joins=True)


def _joined(columns: Sequence[pa.Array], separator: str) -> pa.Array:
    # Arrow 26 drops rows in which every column is skipped, so these get an empty text first.
    empty = pc.is_null(pc.coalesce(*columns))
    first = pc.if_else(empty, "", columns[0])
    return pc.binary_join_element_wise(first, *columns[1:], separator, null_handling="skip")


def coalesce(argument: JsonValue) -> BoundOperation:
    """Takes the first column that is not blank: of those in `from`, then of those listed here.

    >>> coalesce(None).on_columns(["", "a"], ["b", "c"])
    ['b', 'a']
    """
    more = () if argument is None else arguments.texts("coalesce", argument)

    def run(inputs: Sequence[pa.Array], _: Context) -> Applied:
        return Applied(pc.coalesce(*map(without_blanks, inputs)))

    return BoundOperation("coalesce", argument, ValueType.TEXT, ValueType.TEXT, run, joins=True, columns=more)


def hash_code(argument: JsonValue) -> BoundOperation:
    """Gives the beginning of the text's SHA-256 as hexadecimal digits: the same text gives the same code, as a technical key
    for what has none.

    `length` is the number of digits, 8 to 64, by default 16. It hides nothing that can be guessed: of a date of birth or a
    number of nine digits every value can be tried. What nobody may see does not belong into a mapping at all.

    >>> hash_code(None).on("Rivera|1990-02-09")
    ['162aa8939422a0ad']
    >>> hash_code({"length": 8}).on("a", None)
    ['ca978112', None]
    """
    given = arguments.settings("hash", argument, ("length",), main="length")
    digits = arguments.whole("hash", given.get("length", _HASH_DIGITS), "`length`", least=8)
    if digits > _MOST_HASH_DIGITS:
        raise OperationMistake(f"A hash has {_MOST_HASH_DIGITS} digits.", f"Write `hash: {_HASH_DIGITS}`.")
    return plain("hash", argument, lambda texts: _hashed(texts, digits))


def _hashed(texts: pa.Array, digits: int) -> pa.Array:
    encoded = texts.dictionary_encode()
    codes = [hashlib.sha256(text.encode()).hexdigest()[:digits] for text in encoded.dictionary.to_pylist()]
    return pc.take(pa.array(codes, pa.string()), encoded.indices)


OPERATIONS = (extract, split, part, concat, coalesce, hash_code)
