"""Finds columns that seem to point into another table: nearly all their values are in one of its keys.

Only pairs that can fit are asked: the shapes must agree, and the names must agree too unless the column is named like a
reference and holds many values; small codes are contained in every numbered key by chance.
"""

# ruff: noqa: S608 - names are quoted and everything else is our own text

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from etl.core.column_names import is_key_name, is_meant_as_key, subject_words
from etl.core.intake import Column, Observation, People, Reference, Table
from etl.core.problems import Severity
from etl.core.records import DAMAGE
from etl.sources.engine import quoted
from etl.sources.intake.columns import BLANKS
from etl.sources.intake.parts import Parts
from etl.sources.table_schema import TableSchema

_SAME_SHAPE = 0.5
_MANY_VALUES = 20
_CONTAINED = 0.95
_CONTAINED_BY_NAME = 0.5
_LEAST_STEM = 3
_KEYS_MOST = 12
_LONGER = 2
"""A value that is a little longer than any key is an orphan; one far longer shows that the column is no reference."""


@dataclass(frozen=True, slots=True)
class Read:
    """A table that was measured, with its rows, its source and what that declares of it."""

    table: Table
    parts: Parts
    source: str = ""
    schema: TableSchema | None = None


def references(database: duckdb.DuckDBPyConnection, reads: Sequence[Read]) -> list[Reference]:
    """The likeliest parent of each column that seems to point somewhere, by table and column."""
    parents = [(read, key) for read in reads for key in _keys(read.table)]
    return [found for read in reads for column in read.table.columns for found in _of(database, read, column, parents)]


def orphans(found: Sequence[Reference]) -> Iterator[Observation]:
    """An observation for each reference whose names agree and of which some values are not there."""
    for each in found:
        if each.missing_values and each.is_named and not each.is_declared:
            detail = f"{each.missing_values:,} of {each.values:,} values are not in {each.parent}.{each.parent_column}"
            yield Observation("missing_parents", Severity.WARN, each.table, each.column, each.missing_rows, detail)


def _keys(table: Table) -> list[Column]:
    """The columns that can be pointed to: keys, and those that would be keys without their duplicates and blanks.

    The likeliest are enough: in a wide table of few rows, hundreds of columns are unique by chance.
    """
    single = {key[0] for key in table.keys if len(key) == 1}
    able = [column for column in table.columns if column.name in single or _is_own(table, column)]
    return sorted(able, key=lambda column: _strangeness(table, column))[:_KEYS_MOST]


def _of(
    database: duckdb.DuckDBPyConnection, read: Read, column: Column, parents: Sequence[tuple[Read, Column]]
) -> list[Reference]:
    """At most one reference: names that agree first, then the key of its own table, the fewest missing, the smallest."""
    asked = [
        (_measured(database, read, column, parent, key), _strangeness(parent.table, key), key.distinct)
        for parent, key in parents
        if _can_point(read, column, parent, key)
    ]
    kept = [each for each in asked if _is_convincing(each[0])]
    ranked = sorted(kept, key=lambda each: (not each[0].is_named, each[1], each[0].missing_values, each[2]))
    return [ranked[0][0]] if ranked else []


def _strangeness(table: Table, key: Column) -> int:
    """How far a key is from being its table's own: 0 named exactly after it, 1 meant as its key, 2 unique by chance."""
    if subject_words(key.name) == subject_words(table.name.rpartition(".")[2]):
        return 0
    return 1 if _is_own(table, key) else 2


def _is_own(table: Table, column: Column) -> bool:
    """Whether a column is meant as the key of its own table, and not unique there by chance."""
    return is_meant_as_key(column, table.columns.index(column), table.name)


def _can_point(read: Read, column: Column, parent: Read, key: Column) -> bool:
    if (read.table.name, column.name) == (parent.table.name, key.name) or column.people not in (None, People.NAME):
        return False
    if not column.filled or column.longest > _LONGER * key.longest or _shared_shapes(column, key) < _SAME_SHAPE:
        return False
    if _is_own(read.table, column) and not _is_own(parent.table, key):
        return False
    if agree(column.name, key.name, parent.table.name):
        return not column.is_unique or read.table.name != parent.table.name
    return is_key_name(column.name) and not column.is_unique and column.distinct >= _MANY_VALUES


def agree(column: str, key: str, table: str) -> bool:
    """Whether a column is named after a key or its table, shortened names included.

    >>> agree("PERS_ID", "PERSON_ID", "legacy.PERSONS"), agree("CASE_NO", "PERSON_ID", "PERSONS")
    (True, False)
    """
    if column.lower() == key.lower() and subject_words(column):
        return True
    theirs = subject_words(key) | subject_words(table.rpartition(".")[2])
    return any(_begin_alike(one, other) for one in subject_words(column) for other in theirs)


def _begin_alike(one: str, other: str) -> bool:
    short = min(len(one), len(other))
    return short >= _LEAST_STEM and one[:short] == other[:short]


def _shared_shapes(column: Column, key: Column) -> float:
    """The share of a column's rows that look like the key; 1 for a key of so many looks that they tell nothing (UUIDs)."""
    if sum(each.rows for each in key.shapes) < _SAME_SHAPE * key.filled:
        return 1.0
    theirs = {each.text for each in key.shapes}
    return sum(each.rows for each in column.shapes if each.text in theirs) / column.filled


def _measured(database: duckdb.DuckDBPyConnection, read: Read, column: Column, parent: Read, key: Column) -> Reference:
    sql = f"""
        with child as ({_values(read.parts, column.name)}), parent as ({_values(parent.parts, key.name)})
        select count(*), count(*) filter (parent.value is null), coalesce(sum(child.n) filter (parent.value is null), 0)
        from child left join parent using (value)"""
    values, missing, rows = (int(each) for each in database.execute(sql).fetchall()[0])
    return Reference(
        table=read.table.name,
        column=column.name,
        parent=parent.table.name,
        parent_column=key.name,
        values=values,
        missing_values=missing,
        missing_rows=rows,
        is_named=agree(column.name, key.name, parent.table.name),
    )


def _values(parts: Parts, column: str) -> str:
    bare = f"trim({quoted(column)}, {BLANKS})"
    return f"select {bare} as value, count(*) as n from {parts.of(column)} where {quoted(DAMAGE)} is null and {bare} <> '' group by 1"


def _is_convincing(found: Reference) -> bool:
    least = _CONTAINED_BY_NAME if found.is_named else _CONTAINED
    return found.values - found.missing_values >= least * found.values
