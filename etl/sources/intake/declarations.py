"""What a source declares of its tables, held against their rows: keys and foreign keys that nobody has to guess.

A declaration is certain about what is meant, not about what is kept: databases load with their checks off, and exports
leave rows out. So each foreign key is measured, over all its columns at once.
"""

# ruff: noqa: S608 - names are quoted and everything else is our own text

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from etl.core.intake import Observation, Reference
from etl.core.ports import Source
from etl.core.problems import Severity
from etl.core.records import DAMAGE
from etl.sources import table_schema
from etl.sources.engine import quoted
from etl.sources.intake.columns import BLANKS
from etl.sources.intake.references import Read, agree
from etl.sources.table_schema import DeclaringSource, TableSchema


@dataclass(frozen=True, slots=True)
class Declared:
    """A foreign key that was measured; ``reference`` is None where it has several columns."""

    table: str
    columns: tuple[str, ...]
    parent: str
    values: int
    missing_values: int
    missing_rows: int
    reference: Reference | None


def declared_by(source: Source, table: str) -> TableSchema | None:
    """What a source declares of a table, where it declares anything. Raises SourceError."""
    return source.schema_of(table) if isinstance(source, DeclaringSource) else None


def named(declared: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Declared names as the table spells them; () where one is not there.

    >>> named(["id"], ["ID", "NM"]), named(["id", "x"], ["ID", "NM"])
    (('ID',), ())
    """
    spelt = {column.casefold(): column for column in columns}
    found = [spelt[each.casefold()] for each in declared if each.casefold() in spelt]
    return tuple(found) if len(found) == len(declared) else ()


def declared_references(database: duckdb.DuckDBPyConnection, reads: Sequence[Read]) -> list[Declared]:
    """Every foreign key between tables that were read."""
    return [
        found
        for read in reads
        for reference in (read.schema.references if read.schema else ())
        if (found := _measured(database, read, reference, reads)) is not None
    ]


def broken(found: Sequence[Declared]) -> Iterator[Observation]:
    """An observation for each foreign key of which some values are not there."""
    for each in found:
        if each.missing_values:
            told = f"{each.missing_values:,} of {each.values:,} values are not in {each.parent}"
            columns = "+".join(each.columns)
            yield Observation(
                "declared_parents_missing",
                Severity.BLOCK,
                each.table,
                columns,
                each.missing_rows,
                f"{told}, as declared",
            )


def _measured(
    database: duckdb.DuckDBPyConnection, read: Read, declared: table_schema.Reference, reads: Sequence[Read]
) -> Declared | None:
    parent = _parent(read, declared.table, reads)
    if parent is None:
        return None
    columns = named(declared.columns, [each.name for each in read.table.columns])
    targets = named(declared.target_columns or parent.table.declared_key, [each.name for each in parent.table.columns])
    if not columns or len(columns) != len(targets):
        return None
    values, missing, rows = _counts(database, read.parts.of(*columns), columns, parent.parts.of(*targets), targets)
    single = None
    if len(columns) == 1:
        is_named = agree(columns[0], targets[0], parent.table.name)
        told = (read.table.name, columns[0], parent.table.name, targets[0], values, missing, rows)
        single = Reference(*told, is_named=is_named, is_declared=True)
    place = f"{parent.table.name}.{'+'.join(targets)}"
    return Declared(read.table.name, columns, place, values, missing, rows, single)


def _parent(read: Read, table: str, reads: Sequence[Read]) -> Read | None:
    """The table of the same source that a foreign key names; case does not count."""
    name = f"{read.source}.{table}".casefold()
    return next((each for each in reads if each.source == read.source and each.table.name.casefold() == name), None)


def _counts(
    database: duckdb.DuckDBPyConnection, child: str, columns: Sequence[str], parent: str, targets: Sequence[str]
) -> tuple[int, int, int]:
    """Values, those that are not there, and the rows that have them; a key with an empty column points nowhere."""
    sql = f"""
        with child as ({_values(child, columns)}), parent as ({_values(parent, targets)})
        select count(*), count(*) filter (parent.n is null), coalesce(sum(child.n) filter (parent.n is null), 0)
        from child left join parent using ({", ".join(f"v{at}" for at in range(len(columns)))})"""
    values, missing, rows = (int(each) for each in database.execute(sql).fetchall()[0])
    return values, missing, rows


def _values(relation: str, columns: Sequence[str]) -> str:
    bare = [f"trim({quoted(column)}, {BLANKS})" for column in columns]
    named_as = ", ".join(f"{each} as v{at}" for at, each in enumerate(bare))
    filled = " and ".join(f"{each} <> ''" for each in bare)
    return f"select {named_as}, count(*) as n from {relation} where {quoted(DAMAGE)} is null and {filled} group by all"
