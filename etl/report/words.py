"""Writes counts and lists as a person does, for every text that the stage makes."""

from __future__ import annotations


def enumerated(parts: list[str]) -> str:
    """A list as a person writes it.

    >>> enumerated(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(1200, "row"), counted(2, "entity", "entities")
    ('1 row', '1,200 rows', '2 entities')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
