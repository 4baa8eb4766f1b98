"""Lists that legacy tables spread over columns of yes and no (RACE_W, AmIndAKNative): each column is one option.

A column names an option where its words abbreviate words of that option alone; what fits two options is left to people.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from etl.catalog.model import Catalog, Entity, Link
from etl.core.column_names import words_of
from etl.core.intake import Table
from etl.mapping.draft.keys import yes_code
from etl.mapping.draft.model import Confidence, DraftField, Written
from etl.mapping.draft.terms import Terms

_LEAST = 2
_SMALL = frozenset(("or", "and", "of", "other", "the"))


def spread_lists(
    table: Table, entity: Entity, taken: Collection[str], catalog: Catalog, terms: Terms
) -> Iterator[DraftField]:
    """The links to many options of a list that columns of yes and no tell."""
    for link in entity.links.values():
        if link.many and catalog.is_lookup(link.to[0]):
            labels = [each.label for each in catalog.options_of(link.to[0]) or ()]
            yield from _spread(link, table, taken, labels, terms)


def _spread(
    link: Link, table: Table, taken: Collection[str], labels: Sequence[str], terms: Terms
) -> Iterator[DraftField]:
    own = terms.words(link.name)
    branches: list[dict[str, Written]] = []
    columns: list[str] = []
    doubts: list[str] = []
    for column in table.columns:
        yes = yes_code(column)
        words = [each for each in words_of(column.name) if each not in own]
        found = [each for each in labels if _abbreviates(words, each)] if yes and column.name not in taken else []
        if len(found) == 1:
            branches.append({"when": f"{column.name} = '{yes}'", "const": found[0]})
            columns.append(column.name)
        elif found and own & terms.words(column.name):
            doubts.append(f"{column.name} ({' or '.join(found)})")
    if len(columns) >= _LEAST:
        why = "each column abbreviates one option"
        decide = f"which option do these mean: {', '.join(doubts)}?" if doubts else ""
        yield DraftField(link.name, {"many": branches}, tuple(columns), Confidence.MEDIUM, why, decide)


def _abbreviates(words: Sequence[str], label: str) -> bool:
    """Whether every word abbreviates a word of the label, in order.

    >>> _abbreviates(["black", "af", "american"], "Black or African American"), _abbreviates(["w"], "Asian")
    (True, False)
    """
    left = [each for each in re.findall(r"\w+", label.casefold()) if each not in _SMALL]
    at = 0
    for word in words:
        at = next((place + 1 for place in range(at, len(left)) if _is_short(word, left[place])), 0)
        if not at:
            return False
    return bool(words)


def _is_short(word: str, whole: str) -> bool:
    """Whether a word is another one with letters left out; the first letter stays."""
    letters = iter(whole)
    return word[0] == whole[0] and all(each in letters for each in word)
