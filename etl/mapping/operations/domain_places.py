"""Operations for addresses, states and countries, by libraries that carry the public lists.

The address library drops words that it cannot place without saying so. So its answer counts only if every number and
every word of the address is found in it again.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.domain_values import Unreadable, from_table, on_distinct, people_libraries
from etl.mapping.operations.model import BoundOperation
from etl.mapping.operations.states import STATES
from etl.mapping.operations.texts import squeezed

Address: TypeAlias = "dict[str, str]"

_PARTS = {
    "line_1": "address_line_1",
    "line_2": "address_line_2",
    "city": "city",
    "state": "state",
    "zip": "postal_code",
}
_PLAIN = re.compile(r"[A-Za-z0-9 .,#&/'()-]*")
_POST_BOX = re.compile(r"(?i)(?:p\.?\s*o\.?\s*)?box\s+(?P<box>[0-9A-Z-]+)\s*(?:,\s*|\s+|$)(?P<rest>.*)")
_SOME_STREET = "1 MAIN ST, "
_ZIP = re.compile(r"([0-9]{5})(?:-?([0-9]{4}))?")
_WORD = re.compile(r"[A-Z]+|[0-9]+")
_ADDED_WORDS = 2
_REMEMBERED = 4096


def address(argument: JsonValue) -> BoundOperation:
    """Takes one part of a United States address written in one text, in the form of the Postal Service.

    `part` is `line_1` (number and street, or the box), `line_2` (apartment, suite), `city`, `state` or `zip`. An address
    of which any number or word would be lost is an error, as is one that is no address, or a `zip` that has neither five
    nor nine digits. A part that is not there is blank.

    >>> address({"part": "line_1"}).on("123 southwest Main street, unit 5, Columbus, Ohio 43215", "Corner of 5th and Main")
    ['123 SW MAIN ST', '!invalid_value']
    >>> address({"part": "line_2"}).on("123 Main Street Apt #4")
    ['APT # 4']
    >>> address({"part": "city"}).on("P.O. Box 12, Athens, OH 45701", "123 Main St")
    ['ATHENS', None]
    >>> address({"part": "zip"}).on("123 Main St, Columbus, OH 43215-1000", "123 Main St, Columbus, OH 4321")
    ['43215-1000', '!invalid_value']
    """
    given = arguments.settings("address", argument, ("part",), main="part", required=("part",))
    part = _PARTS[arguments.one_of("address", given["part"], "part", tuple(_PARTS))]
    with people_libraries("address"):
        import scourgify  # type: ignore[import-untyped] # noqa: F401, PLC0415 - an extra, which ships no types
    return on_distinct("address", argument, lambda text: _part(text, part))


def _part(text: str, part: str) -> str | None:
    found = _whole_address(text)
    if found is None:
        raise Unreadable
    return _zip(found.get(part)) if part == _PARTS["zip"] else found.get(part)


def _zip(code: str | None) -> str | None:
    """The code as the library found it, which is any number behind a state; nine digits get their dash."""
    if code is None:
        return None
    digits = _ZIP.fullmatch(code)
    if digits is None:
        raise Unreadable
    return "-".join(each for each in digits.groups() if each)


@lru_cache(maxsize=_REMEMBERED)  # a mapping asks for the parts one after the other
def _whole_address(text: str) -> Address | None:
    """The parts, None where the text is no address or would lose something."""
    written = re.sub(r"\s*[\r\n]+\s*", ", ", text)
    box = _POST_BOX.fullmatch(written)
    parts = _box_address(box["box"], box["rest"]) if box else _parts(written)
    return parts if parts and _PLAIN.fullmatch(written) and _keeps_everything(written, parts) else None


def _box_address(box: str, rest: str) -> Address | None:
    """A post-office box, which the library does not read: the rest is read behind some street."""
    parts = _parts(_SOME_STREET + rest) if rest else {}
    return None if parts is None else {**parts, "address_line_1": f"PO BOX {box.upper()}"}


def _parts(text: str) -> Address | None:
    from scourgify import normalize_address_record  # noqa: PLC0415 - an extra
    from scourgify.exceptions import (  # type: ignore[import-untyped] # noqa: PLC0415 - likewise
        AddressNormalizationError,
        AddressValidationError,
    )

    try:
        found = normalize_address_record(text)
    except (AddressNormalizationError, AddressValidationError):
        return None
    return {part: str(value) for part, value in found.items() if value}


def _keeps_everything(text: str, parts: Address) -> bool:
    """Whether each number stands in the result, and for each word one that begins alike, with little that is new."""
    before = _WORD.findall(_with_short_state(text.upper().replace(".", ""), parts.get("state", "")))
    after = _WORD.findall(" ".join(parts.values()))
    lost, added = _initials(before) - _initials(after), _initials(after) - _initials(before)
    return not lost and added.total() <= _ADDED_WORDS and not any(each.isdigit() for each in added)


def _initials(words: list[str]) -> Counter[str]:
    return Counter(word if word.isdigit() else word[0] for word in words)


def _with_short_state(text: str, code: str) -> str:
    """A state's name of several words counts as the one word that it becomes."""
    names = [name.upper() for name, short in STATES.items() if short == code]
    return re.sub(rf"\b(?:{'|'.join(names)})\b(?=[\s,0-9-]*$)", code, text) if names else text


def us_state(argument: JsonValue) -> BoundOperation:
    """Reads a state or territory by name, postal code, FIPS number or the press's abbreviation ("Calif.").

    `give` is `code`, `name` or `fips`. `state` is the simple form of this operation, without a library.

    >>> us_state(None).on("ohio", "Calif.", "39", "Ontario")
    ['OH', 'CA', 'OH', '!invalid_value']
    >>> us_state({"give": "name"}).on("OH")
    ['Ohio']
    """
    given = arguments.settings("us_state", argument, ("give",), main="give")
    give = arguments.one_of("us_state", given.get("give"), "give", ("code", "name", "fips"))
    with people_libraries("us_state"):
        from us import STATES_AND_TERRITORIES  # noqa: PLC0415 - an extra
        from us.states import DC  # noqa: PLC0415 - likewise

    table: dict[str, str | None] = {}
    for each in (*STATES_AND_TERRITORIES, DC):
        result = {"code": each.abbr, "name": each.name, "fips": each.fips}[give]
        for spelling in (each.abbr, each.name, each.fips, each.ap_abbr):
            if spelling:
                table[spelling] = result
    return from_table("us_state", argument, table, folded)


def country(argument: JsonValue) -> BoundOperation:
    """Reads a country by its name or its ISO 3166 code of two letters, three letters or three digits.

    `give` is `alpha_2`, `alpha_3` or `name`.

    >>> country(None).on("Mexico", "USA", "gtm", "Mexiko")
    ['MX', 'US', 'GT', '!invalid_value']
    >>> country({"give": "name"}).on("MX")
    ['Mexico']
    """
    given = arguments.settings("country", argument, ("give",), main="give")
    give = arguments.one_of("country", given.get("give"), "give", ("alpha_2", "alpha_3", "name"))
    with people_libraries("country"):
        import pycountry  # noqa: PLC0415 - an extra

    table: dict[str, str | None] = {}
    for each in pycountry.countries:
        spellings = (each.alpha_2, each.alpha_3, each.numeric, each.name, field_of(each, "common_name"))
        for spelling in (*spellings, field_of(each, "official_name"), *_COUNTRY_NAMES.get(each.alpha_2, ())):
            if spelling:
                table[spelling] = str(getattr(each, give))
    return from_table("country", argument, table, folded)


def field_of(entry: object, name: str) -> str:
    """A field that not every entry has; "" where it has none."""
    return str(getattr(entry, name, "") or "")


def folded(texts: pa.Array) -> pa.Array:
    """Capital letters without accents and dots."""
    return pc.utf8_upper(pc.replace_substring_regex(pc.utf8_normalize(squeezed(texts), "NFKD"), r"\p{M}|\.", ""))


_COUNTRY_NAMES = {
    "US": ("United States of America", "U.S.", "America"),
    "GB": ("UK", "Great Britain", "England", "Scotland", "Wales"),
    "KR": ("South Korea",),
    "KP": ("North Korea",),
    "RU": ("Russia",),
    "SY": ("Syria",),
    "VE": ("Venezuela",),
    "BO": ("Bolivia",),
    "TZ": ("Tanzania",),
    "IR": ("Iran",),
    "LA": ("Laos",),
    "MD": ("Moldova",),
    "CD": ("DR Congo", "Democratic Republic of the Congo"),
    "CI": ("Ivory Coast",),
    "CV": ("Cape Verde",),
    "MM": ("Burma",),
    "TR": ("Turkey",),
    "CZ": ("Czech Republic",),
    "SZ": ("Swaziland",),
    "FM": ("Micronesia",),
    "PS": ("Palestine",),
}
"""Names in use that the standard spells otherwise."""

OPERATIONS = (address, us_state, country)
