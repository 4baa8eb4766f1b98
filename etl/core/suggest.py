"""Says what a misspelt name was probably meant to be, for every check of mappings, catalogues and options.

Suggestions only ever repeat names of the project, the catalogue or the source's columns, never a cell of the data.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MOST_LISTED = 12


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the closest known word, else all of them where they are few, else "".

    >>> did_you_mean("gendr", ["gender", "race"])
    'Did you mean `gender`?'
    >>> did_you_mean("zzz", ["gender", "race"])
    'Known: gender, race.'
    """
    names = sorted(set(known))
    listed = f"Known: {', '.join(names)}." if 0 < len(names) <= MOST_LISTED else ""
    return nearest(word, names) or listed


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint naming the closest known word, or "".

    >>> nearest("Gendr", ["gender", "race"]), nearest("zzz", ["gender", "race"])
    ('Did you mean `gender`?', '')
    """
    folded = {name.casefold(): name for name in sorted(set(known), reverse=True)}
    matches = get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return f"Did you mean `{folded[matches[0]]}`?" if matches else ""
