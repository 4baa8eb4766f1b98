"""The operation for languages, by a library that carries the public list.

The list has a code of three letters for each of 7,000 languages, and agencies have letters of their own: a code that may be
either is refused, because a family with the wrong interpreter is worse off than one that is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.domain_places import field_of, folded
from etl.mapping.operations.domain_values import from_table, people_libraries
from etl.mapping.operations.model import BoundOperation

_LONGEST_CODE = 3
_WITHOUT_TWO_LETTERS = "ase cmn yue nan fil ceb ilo hmn mww haw chr chk pon prs mam quc rhg"
_SPOKEN_HERE = frozenset(_WITHOUT_TWO_LETTERS.split())
"""Languages of this country's families that have no code of two letters."""

_DOUBTFUL = """
AB AF AN AS BE BO BR CA CE CH CO CR CU CV ET FI HA HO KA KR LA MI NA NO OR SA SE SG SL TG TW UK
CHE COR CRE LAT MAR SLO
"""
_OTHERWISE_USED = frozenset(_DOUBTFUL.split())
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

    results = {each.alpha_3: field_of(each, give) or None for each in pycountry.languages}
    table = {spelling: results[code] for spelling, code in spellings.items()}
    return from_table("language", argument, table, folded)


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
    short = field_of(entry, "alpha_2")
    if short or field_of(entry, "alpha_3") in _SPOKEN_HERE:
        found = (short, field_of(entry, "alpha_3"), field_of(entry, "bibliographic"))
        yield from (code.upper() for code in found if code and code.upper() not in _OTHERWISE_USED)


def _language_names(entry: object) -> list[str]:
    """Its names; without what stands in brackets only where the language is the main one of that name.

    Names as short as a code count only where the language has a code.
    """
    names = [field_of(entry, "name"), field_of(entry, "common_name")]
    if field_of(entry, "alpha_2"):
        names.append(names[0].partition(" (")[0])
    is_known = field_of(entry, "alpha_2") or field_of(entry, "alpha_3") in _SPOKEN_HERE
    return [name for name in names if name and (is_known or len(name) > _LONGEST_CODE)]


OPERATIONS = (language,)
