"""What a mapping's query reads, as far as its text tells: tables and columns whose names stand in it.

The text is SQL that only the tables understand, so this errs on the side of calling a column read: a query that names a
column anywhere, or takes `*`, reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

_STAR = re.compile(r"(?:\.\s*|select\s+|,\s*)\*", re.IGNORECASE)


def tables_in(query: str, tables: Iterable[str]) -> list[str]:
    """The tables (``source.TABLE``) that a query names.

    >>> tables_in('select * from legacy."OLD ONES" o', ["legacy.OLD ONES", "legacy.OLD"])
    ['legacy.OLD ONES']
    """
    return [table for table in tables if re.search(_name(table), query, re.IGNORECASE)]


def columns_read(query: str, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Table and column of everything that a query may read; ``columns`` maps tables to their headers."""
    for table in tables_in(query, columns):
        for column in columns[table]:
            if _STAR.search(query) or re.search(_word(column), query, re.IGNORECASE):
                yield table, column


def _name(table: str) -> str:
    source, _, rest = table.partition(".")
    return rf"{_word(source)}\s*\.\s*{_word(rest)}"


def _word(name: str) -> str:
    return rf'(?:"{re.escape(name)}"|(?<!\w){re.escape(name)}(?!\w))'
