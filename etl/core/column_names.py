"""What the name of a legacy column says: names such as LAST_NM, DateOfBirth or client_zip5 taken apart into words.

Names only, never cells: the intake and the draft of a mapping read the same words out of them.
"""

from __future__ import annotations

import re

from etl.core.intake import Column

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_KEY_WORDS = frozenset(("id", "key", "no", "num", "nbr", "number", "guid", "uuid", "pk", "fk", "ref", "seq"))
_NEARLY_UNIQUE = 0.9


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters.

    >>> words_of("LAST_NM"), words_of("DateOfBirth"), words_of("clientZIP5")
    (('last', 'nm'), ('date', 'of', 'birth'), ('client', 'zip', '5'))
    """
    return tuple(word.lower() for word in _WORD.findall(name))


def singular(word: str) -> str:
    """The singular of an English noun, as far as its ending tells.

    >>> singular("agencies"), singular("cases"), singular("address")
    ('agency', 'case', 'address')
    """
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def plural(word: str) -> str:
    """The plural of an English noun, as far as its ending tells.

    >>> plural("case_person"), plural("person_address"), plural("provider_staff"), plural("note")
    ('case_people', 'person_addresses', 'provider_staff', 'notes')
    """
    if word.endswith("person"):
        return word.removesuffix("person") + "people"
    if word.endswith("staff"):
        return word
    if word.endswith("y"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith("s") else "s")


def is_key_name(name: str) -> bool:
    """Whether a column is named like a key or a reference."""
    return bool(_KEY_WORDS & set(words_of(name)))


def subject_words(name: str) -> frozenset[str]:
    """The words of a name that say whose key it is: without id, no and the like, in the singular."""
    return frozenset(singular(word) for word in words_of(name) if word not in _KEY_WORDS and not word.isdigit())


def is_meant_as_key(column: Column, position: int, table: str) -> bool:
    """Named like a key, nearly unique, and either the first column or named after its table."""
    if not is_key_name(column.name) or not column.filled:
        return False
    is_own = position == 0 or bool(subject_words(column.name) & subject_words(table))
    return is_own and column.distinct >= _NEARLY_UNIQUE * column.filled
