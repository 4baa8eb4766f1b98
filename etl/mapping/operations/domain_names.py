"""Operations for people's names that stand in one field, by the nameparser library.

A name that can be read in more than one way is a problem of its row and never a guess: one word alone, two people
joined by "and", whatever the library itself calls ambiguous, or a name beside which somebody noted something else.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.domain_values import Unreadable, on_distinct, people_libraries
from etl.mapping.operations.model import BoundOperation

if TYPE_CHECKING:
    from nameparser import ParsedName, Parser

_PARTS = {
    "first": "given",
    "middle": "middle",
    "last": "family",
    "suffix": "suffix",
    "title": "title",
    "nickname": "nickname",
    "maiden": "maiden",
}
_ORDERS = ("first_last", "last_first")
_NOT_ONE_PERSON = re.compile(r"[0-9&/;@:*?=+<>{}\[\]]|\s-+(?:\s|$)|\b(?:and|or|y)\b", re.IGNORECASE)
_REMARK = re.compile(
    r"\b(?:deceased|dec'?d|aka|a\.k\.a|fka|f\.k\.a|nka|n\.k\.a|dba|alias|dob|d\.o\.b|dod|ssn|also known as|formerly|"
    r"do not use)\b",
    re.IGNORECASE,
)
"""What is no name wherever it stands."""

_NOTED = """
adopted adoptive adult alleged baby bio biological birth child children client confidential dead dec died duplicate
dup former foster infant legal male female boy girl married minor newborn twin unborn mother father mom dad mum mommy
daddy parent sister brother sibling son daughter aunt uncle cousin grandmother grandfather grandma grandpa grandparent
stepmother stepfather stepmom stepdad step ex wife husband spouse partner boyfriend girlfriend guardian caregiver
caretaker relative kin friend self worker staff provider victim perpetrator reporter hoh open closed inactive active
merged sealed see file note not none no unk unknown unsure test the is was as now na
"""
_REMARKS_IN_BRACKETS = frozenset(_NOTED.split())
"""What may be a name elsewhere (Minor, Child) but is a remark where it stands in brackets."""
_MOST_WORDS = 2
_INITIAL = re.compile(r"\w\.?")
_BEHIND_NAMES = re.compile(r"(?:jr|sr|ii|iii|iv|esq|md|phd)\.?", re.IGNORECASE)


def name_part(argument: JsonValue) -> BoundOperation:
    """Takes one part out of a person's full name: `first`, `middle`, `last`, `suffix`, `title`, `nickname` or `maiden`.

    "Last, First" is known by its comma. For names without one, `order` is `first_last` or `last_first`. A name of one
    word, of two people, or that can be read in several ways is an error. So is one with a remark beside it (deceased, AKA,
    DOB; in brackets also minor, mother and the like), because the remark would be lost, or be taken for a nickname; and one
    whose last name would be an initial ("RIVERA ANA M" in the wrong order). A part that the name does not have is blank.

    >>> name_part({"part": "last"}).on("RIVERA, ANA M.", "Dr. Juan de la Vega III", "Rivera", "Ana & Luis Rivera")
    ['RIVERA', 'de la Vega', '!invalid_value', '!invalid_value']
    >>> name_part({"part": "suffix"}).on("Smith, John, Jr.", "Ana Rivera")
    ['Jr.', None]
    >>> name_part({"part": "first", "order": "last_first"}).on("RIVERA ANA MARIA")
    ['ANA']
    >>> name_part("last").on("RIVERA ANA M")
    ['!invalid_value']
    >>> name_part({"part": "nickname"}).on("Ana (Annie) Rivera", "Ana Rivera (deceased)", "Ana Rivera AKA Anna Lopez")
    ['Annie', '!invalid_value', '!invalid_value']
    """
    given = arguments.settings("name_part", argument, ("part", "order"), main="part", required=("part",))
    part = _PARTS[arguments.one_of("name_part", given["part"], "part", tuple(_PARTS))]
    order = arguments.one_of("name_part", given.get("order"), "order", _ORDERS)
    with people_libraries("name_part"):
        parser = _parser(order)

    def read(text: str) -> str:
        return str(getattr(_parsed(parser, text), part))

    return on_distinct("name_part", argument, read)


@cache
def _parser(order: str) -> Parser:
    from nameparser import FAMILY_FIRST, GIVEN_FIRST, Parser, Policy  # noqa: PLC0415 - an extra

    return Parser(policy=Policy(name_order=GIVEN_FIRST if order == "first_last" else FAMILY_FIRST))


def _parsed(parser: Parser, text: str) -> ParsedName:
    """The parts of a name that has exactly one reading."""
    if _NOT_ONE_PERSON.search(text) or _REMARK.search(text):
        raise Unreadable
    name = parser.parse(text)
    if name.ambiguities or not name.family or not (name.given or name.title) or _is_remark(str(name.nickname)):
        raise Unreadable
    family = str(name.family)
    if _BEHIND_NAMES.fullmatch(family) or (_INITIAL.fullmatch(family) and "," not in text):
        raise Unreadable  # "III, John"; "RIVERA ANA M" read in the wrong order
    return name


def _is_remark(nickname: str) -> bool:
    """Whether what stands in brackets or quotes is hardly what somebody is called."""
    words = re.findall(r"\w+", nickname.lower())
    too_much = len(words) > _MOST_WORDS or len("".join(words)) == 1
    return too_much or not _REMARKS_IN_BRACKETS.isdisjoint(words)


OPERATIONS = (name_part,)
