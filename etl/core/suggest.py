"""Says what a misspelt name was probably meant to be, for every check of mappings, catalogues and options.

A hint for people may be far off; what a machine may write in its place is only a name that is one letter, or case and
underscores, away, and the only such name. Suggestions only ever repeat names of the project, the catalogue or the source's columns, never a cell of the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from etl.core.errors import Slip

MOST_LISTED = 16


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


_SHORTEST = 4
_DIGITS = re.compile(r"\d+")
_ALONE = re.compile(r"(?<![^\W_])[^\W_](?![^\W_])")


def slip(word: str, known: Iterable[str]) -> Slip | None:
    """The slip, where one known name, and only one, is so near that it is surely meant; values are never judged by it.

    Numbers and letters that stand alone tell names apart (`ADDR1`, `F_NAME`), so they have to agree.

    >>> slip("gendr", ["gender", "race"]), slip("First_Name", ["FIRSTNAME"])
    (Slip(wrong='gendr', right='gender'), Slip(wrong='First_Name', right='FIRSTNAME'))
    >>> slip("ADDR3", ["ADDR1"]), slip("L_NAME", ["F_NAME"]), slip("citi", ["city", "cite"]), slip("SEX", ["SE"])
    (None, None, None, None)
    """
    near = [name for name in set(known) if name != word and _is_near(word, name)]
    return Slip(word, near[0]) if len(near) == 1 else None


def _is_near(word: str, name: str) -> bool:
    if _DIGITS.findall(word) != _DIGITS.findall(name):
        return False
    first, second = word.casefold(), name.casefold()
    if first.replace("_", "") == second.replace("_", ""):
        return True
    if sorted(_ALONE.findall(first)) != sorted(_ALONE.findall(second)) or max(len(first), len(second)) < _SHORTEST:
        return False
    return _one_edit(first, second)


def _one_edit(first: str, second: str) -> bool:
    """Whether one letter more, one changed, or two beside each other that changed places is all the difference."""
    start = next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    one, two = first[start:], second[start:]
    swapped = one[:2] == two[1::-1] and one[2:] == two[2:]
    return one[1:] == two[1:] or one[1:] == two or one == two[1:] or swapped
