"""Operations for addresses, states, countries and languages, by libraries that carry the public lists.

The address library drops words that it cannot place without saying so. So its answer counts only if every number and
every word of the address is found in it again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
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
_WORD = re.compile(r"[A-Z]+|[0-9]+")
_ADDED_WORDS = 2
_REMEMBERED = 4096


def address(argument: JsonValue) -> BoundOperation:
    """Takes one part of a United States address written in one text, in the form of the Postal Service.

    `part` is `line_1` (number and street, or the box), `line_2` (apartment, suite), `city`, `state` or `zip`. An address
    of which any number or word would be lost is an error, as is one that is no address. A part that is not there is
    blank.

    >>> address({"part": "line_1"}).on("123 southwest Main street, unit 5, Columbus, Ohio 43215", "Corner of 5th and Main")
    ['123 SW MAIN ST', '!invalid_value']
    >>> address({"part": "line_2"}).on("123 Main Street Apt #4")
    ['APT # 4']
    >>> address({"part": "city"}).on("P.O. Box 12, Athens, OH 45701", "123 Main St")
    ['ATHENS', None]
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
    return found.get(part)


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
    return from_table("us_state", argument, table, _folded)


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
        spellings = (each.alpha_2, each.alpha_3, each.numeric, each.name, _field(each, "common_name"))
        for spelling in (*spellings, _field(each, "official_name"), *_COUNTRY_NAMES.get(each.alpha_2, ())):
            if spelling:
                table[spelling] = str(getattr(each, give))
    return from_table("country", argument, table, _folded)


def language(argument: JsonValue) -> BoundOperation:
    """Reads a language by its English name or its ISO 639 code of two or three letters.

    `give` is `name`, `alpha_2` or `alpha_3`; a language without a code of two letters is an error under `alpha_2`. Names
    that agencies use for one language (Mandarin, Cantonese, Farsi, Haitian Creole, ASL) are known. A code that means one
    language in the standard and may mean another in an agency's screens is an error (CH, CR, KR, NO, SL, TAG, UK, UNK),
    as is a name of several (Creole, Sign Language): a crosswalk decides.

    >>> language(None).on("es", "SPANISH", "Mandarin", "Klingonish")
    ['Spanish', 'Spanish', 'Mandarin Chinese', '!invalid_value']
    >>> language(None).on("ENG", "ASL", "Sign Language", "UNK")
    ['English', 'American Sign Language', '!invalid_value', '!invalid_value']
    >>> language({"give": "alpha_2"}).on("Spanish", "American Sign Language")
    ['es', '!invalid_value']
    """
    given = arguments.settings("language", argument, ("give",), main="give")
    give = arguments.one_of("language", given.get("give"), "give", ("name", "alpha_2", "alpha_3"))
    with people_libraries("language"):
        spellings = _language_spellings()
        import pycountry  # noqa: PLC0415 - an extra

    results = {each.alpha_3: _field(each, give) or None for each in pycountry.languages}
    table = {spelling: results[code] for spelling, code in spellings.items()}
    return from_table("language", argument, table, _folded)


@cache
def _language_spellings() -> dict[str, str]:
    """The code of three letters of each spelling that means one language only; codes come before names."""
    import pycountry  # noqa: PLC0415 - an extra

    listed = list(pycountry.languages)
    codes = {code: each.alpha_3 for each in listed for code in _language_codes(each)}
    meant: dict[str, set[str]] = {}
    for each in listed:
        for name in _language_names(each):
            meant.setdefault(name.upper(), set()).add(each.alpha_3)
    certain = {name: next(iter(found)) for name, found in meant.items() if len(found) == 1}
    return codes | {name: code for name, code in (certain | _LANGUAGE_NAMES).items() if name not in codes}


def _language_codes(entry: object) -> Iterator[str]:
    """Its codes, where nobody will mean anything else by them.

    Of the codes of three letters most stand for languages of few speakers, and are an agency's own letters for something
    else: only those of languages that also have two letters count, and the few of :data:`_SPOKEN_HERE`.
    """
    short = _field(entry, "alpha_2")
    if short or _field(entry, "alpha_3") in _SPOKEN_HERE:
        found = (short, _field(entry, "alpha_3"), _field(entry, "bibliographic"))
        yield from (code.upper() for code in found if code and code.upper() not in _OTHERWISE_USED)


def _language_names(entry: object) -> list[str]:
    """Its names; without what stands in brackets only where the language is the main one of that name.

    Names as short as a code count only where the language has a code.
    """
    names = [_field(entry, "name"), _field(entry, "common_name")]
    if _field(entry, "alpha_2"):
        names.append(names[0].partition(" (")[0])
    is_known = _field(entry, "alpha_2") or _field(entry, "alpha_3") in _SPOKEN_HERE
    return [name for name in names if name and (is_known or len(name) > _LONGEST_CODE)]


def _field(entry: object, name: str) -> str:
    """A field that not every entry has; "" where it has none."""
    return str(getattr(entry, name, "") or "")


def _folded(texts: pa.Array) -> pa.Array:
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

_LONGEST_CODE = 3
_SPOKEN_HERE = frozenset(
    ("ase", "cmn", "yue", "nan", "fil", "ceb", "ilo", "hmn", "mww", "haw", "chr", "chk", "pon", "prs", "mam", "quc", "rhg")
)
"""Languages of this country's families that have no code of two letters."""

_OTHERWISE_USED = frozenset(
    (
        *("AB", "AF", "AN", "AS", "BE", "BO", "BR", "CA", "CE", "CH", "CO", "CR", "CU", "CV", "ET", "FI", "HA", "HO", "KA"),
        *("KR", "LA", "MI", "NA", "NO", "OR", "SA", "SE", "SG", "SL", "TG", "TW", "UK"),
        *("CHE", "COR", "CRE", "LAT", "MAR", "SLO"),
    )
)
"""Codes by which agencies also mean a country, another language, "not applicable", "no" or "unknown"."""

_LANGUAGE_NAMES = {
    "ASL": "ase",
    "MANDARIN": "cmn",
    "CANTONESE": "yue",
    "FARSI": "fas",
    "GREEK": "ell",
    "HAITIAN CREOLE": "hat",
    "FILIPINO": "fil",
    "PASHTO": "pus",
    "KURDISH": "kur",
    "CHUUKESE": "chk",
    "BURMESE": "mya",
}
"""Names in use for one language that the standard spells otherwise."""

OPERATIONS = (address, us_state, country, language)
