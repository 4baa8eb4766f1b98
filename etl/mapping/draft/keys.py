"""Which columns identify the rows of a table for ever, and which say that a row is no longer meant."""

from __future__ import annotations

from collections.abc import Collection

from etl.core.column_names import is_meant_as_key, subject_words
from etl.core.intake import Column, Table
from etl.mapping.draft.matching import DATES, share
from etl.mapping.draft.terms import Terms

_NO = frozenset(("n", "no", "f", "false", "0"))
_YES = frozenset(("y", "yes", "t", "true", "1"))
_MOSTLY = 0.5
_OPPOSITES = {"0": "1", "N": "Y", "n": "y", "No": "Yes", "NO": "YES", "no": "yes", "F": "T", "false": "true"}


def key_of(table: Table, pointing: Collection[str], pointed_at: Collection[str], terms: Terms) -> tuple[str, ...]:
    """The key: the one that the source declares; else what other tables point to first, then what is named as key, then what is unique; () where nothing is.

    ``pointing`` are the columns that point elsewhere, which are unique by chance at most; keys that the old system made
    for itself come before them only.
    """
    if table.declared_key:
        return table.declared_key
    meant = [each.name for at, each in enumerate(table.columns) if is_meant_as_key(each, at, table.name)]
    single = [key[0] for key in table.keys if len(key) == 1]
    own = [name for name in (*meant, *single) if not _is_technical(name, terms)]
    ranked = [
        *((name,) for name in own if name in pointed_at),
        *((name,) for name in own if name not in pointing),
        *(key for key in table.keys if len(key) > 1),
        *((name,) for name in single if name not in pointing),
    ]
    return ranked[0] if ranked else ()


def _is_technical(name: str, terms: Terms) -> bool:
    """A key that names nothing: of the row, of the record."""
    return subject_words(name) <= {"row", "record", "sys", "system"} or bool(terms.words(name) & terms.technical)


def where_of(table: Table, terms: Terms) -> tuple[str, tuple[str, ...]]:
    """The condition that leaves deleted rows out with the columns it reads; "" where no column tells of them."""
    for column in table.columns:
        if terms.words(column.name) & terms.deleted and (condition := _condition(column, terms)):
            return condition, (column.name,)
    return "", ()


def _condition(column: Column, terms: Terms) -> str:
    if "date" in terms.words(column.name) and (not column.filled or share(column, DATES) >= _MOSTLY):
        return f"{_named(column.name)} is null"
    yes = [each.text for each in column.codes if each.text.lower() in _YES]
    others = {each.text.lower() for each in column.codes} - _YES
    return f"{_named(column.name)} <> '{yes[0]}'" if len(yes) == 1 and others <= _NO else ""


def _named(column: str) -> str:
    """A column as conditions name it."""
    is_plain = column.replace("_", "a").isalnum() and not column[0].isdigit()
    return column if is_plain else f'"{column}"'


def yes_code(column: Column) -> str:
    """The code that means yes in a column of yes and no, though no row may hold it; "" where it is no such column."""
    found = [each.text for each in column.codes if each.text.lower() in _YES]
    if found:
        return found[0] if len(found) == 1 else ""
    return next((_OPPOSITES[each.text] for each in column.codes if each.text in _OPPOSITES), "")


def flags(column: Column) -> tuple[list[str], list[str]]:
    """The codes of a column that mean yes and those that mean no; two empty lists where one means neither."""
    yes = [each.text for each in column.codes if each.text.lower() in _YES]
    no = [each.text for each in column.codes if each.text.lower() in _NO]
    return (yes, no) if len(yes) + len(no) == len(column.codes) else ([], [])
