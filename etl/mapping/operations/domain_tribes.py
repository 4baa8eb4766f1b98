"""The operation for names of tribes, against the agency's own list.

Membership decides what law protects a child (25 U.S.C. 1901, the Indian Child Welfare Act), so a name that could mean two
nations is never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from etl.core.records import JsonValue
from etl.mapping.operations import arguments
from etl.mapping.operations.domain_values import Unreadable, on_distinct
from etl.mapping.operations.model import BoundOperation, OperationMistake

_WORD = re.compile(r"[a-z0-9]+")
_SAY_WHAT_IT_IS = frozenset({"the", "of", "and", "community", "reservation"}) | {
    word + plural for word in ("tribe", "nation", "band", "indian") for plural in ("", "s")
}


def tribe(argument: JsonValue) -> BoundOperation:
    """Reads the name of a tribe as your own list writes it, which `known` holds.

    First a name of the list with the same words counts, whatever the capitals, accents and marks. Then the words that only
    say what it is (Tribe, Nation, Band, Indians, Community, Reservation) are left out: a name counts where it is the only
    one of the list that has all remaining words, and has no others. What may mean two nations is an error.

    >>> tribe({"known": ["Navajo Nation", "Turtle Mountain Band of Chippewa"]}).on("NAVAJO", "turtle mountain chippewa")
    ['Navajo Nation', 'Turtle Mountain Band of Chippewa']
    >>> tribe({"known": ["Cherokee Nation", "Eastern Band of Cherokee"]}).on("The Cherokee Nation", "Cherokee")
    ['Cherokee Nation', '!invalid_value']
    """
    given = arguments.settings("tribe", argument, ("known",), main="known", required=("known",))
    names = _Names.of(arguments.texts("tribe", given["known"], "`known`"))
    return on_distinct("tribe", argument, names.read)


@dataclass(frozen=True, slots=True)
class _Names:
    """The list by its words, and by the words that tell one nation from another."""

    exact: dict[frozenset[str], str]
    telling: dict[str, frozenset[str]]

    @classmethod
    def of(cls, known: Iterable[str]) -> _Names:
        exact: dict[frozenset[str], str] = {}
        for name in known:
            other = exact.setdefault(_words(name), name)
            if other != name:
                raise OperationMistake(f"`tribe`: `{name}` and `{other}` have the same words.", "Keep one of them.")
        return cls(exact, {name: words - _SAY_WHAT_IT_IS for words, name in exact.items()})

    def read(self, text: str) -> str:
        words = _words(text) - {"the"}
        for written in (words, words | {"the"}):
            if written in self.exact:
                return self.exact[written]
        meant = words - _SAY_WHAT_IT_IS
        having = [name for name, telling in self.telling.items() if meant and meant <= telling]
        if len(having) != 1 or self.telling[having[0]] != meant:
            raise Unreadable
        return having[0]


def _words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", text.replace("&", " and ")).lower()
    return frozenset(_WORD.findall("".join(each for each in plain if not unicodedata.combining(each))))


OPERATIONS = (tribe,)
