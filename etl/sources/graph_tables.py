"""The tables behind the record graph, and how a run's records are read into them: every key and link once, as numbers.

Keys become 16-byte numbers and records count through all mappings, so a link costs 42 bytes on disk and no text is ever
compared. What grows with the source lies in a database file of the run's own folder; what was found wrong lies beside it.
"""

from __future__ import annotations

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words, numbers and quoted names
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from etl.core.ports import GraphMapping, GraphReference
from etl.sources.engine import parquet, quoted

if TYPE_CHECKING:
    import duckdb

STORE = "graph"
_TABLES = f"""
create table {STORE}.records (n bigint, m smallint, k uuid, line bigint);
create table {STORE}.known (k uuid);
create table mappings (m smallint, mapping varchar, low bigint);
create table refs (f smallint, m smallint, field varchar, policy varchar);
create table fates (n bigint, status varchar, reason varchar, parent uuid);
create table dropped (n bigint, f smallint, parent uuid);
create table deferred (n bigint, f smallint);
create table depths (n bigint, depth integer);
"""
# One row a key: the first record that has it (null: only earlier runs know it), how many have it, whether it was created.
_KEYS = f"""
create table {STORE}.keys as
select k, min(n) as n, count(n) as times, bool_or(old) as old
from (select k, n, false as old from {STORE}.records union all select k, null, true from {STORE}.known) group by k
"""
_LINKS = f"""
create table {STORE}.links as
select p.n, p.f, p.parent, t.n as pn, coalesce(t.old, false) as old, p.own
from ({{read}}) p left join {STORE}.keys t on t.k = p.parent
"""
_NO_LINK = "select null::bigint as n, null::smallint as f, null::uuid as parent, false as own where false"


@dataclass(frozen=True, slots=True)
class PlacedMapping:
    """A mapping of the graph: a record's number is ``low`` plus the row it leads, ``high`` at the most."""

    mapping: GraphMapping
    number: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class PlacedReference:
    """A reference of the graph: the links of field ``reference.field`` of a mapping have its ``number``."""

    owner: PlacedMapping
    reference: GraphReference
    number: int


def fill(
    database: duckdb.DuckDBPyConnection, mappings: Sequence[GraphMapping], known: Iterator[pa.RecordBatch]
) -> tuple[list[PlacedMapping], list[PlacedReference]]:
    """Makes the tables, and reads records and links; returns mappings and references with their numbers."""
    # Both threads read and write then. No table's order means anything: whoever asks says in which order to answer.
    database.execute("set preserve_insertion_order = false")
    database.execute(_TABLES)
    placed = list(_placed(database, mappings))
    for each in placed:
        _read_records(database, each)
    for batch in known:
        with registered(database, "given", pa.Table.from_batches([batch])):
            database.execute(f"insert into {STORE}.known select _rk::uuid from given")
    database.execute(_KEYS)
    pairs = [(each, reference) for each in placed for reference in each.mapping.references]
    references = [PlacedReference(*pair, number) for number, pair in enumerate(pairs)]
    for reference in references:
        _note(database, reference)
    database.execute(_LINKS.format(read=" union all ".join(map(_links_of, references)) or _NO_LINK))
    return placed, references


def _placed(database: duckdb.DuckDBPyConnection, mappings: Sequence[GraphMapping]) -> Iterator[PlacedMapping]:
    low = 0
    for number, each in enumerate(mappings):
        ((rows,),) = database.execute(f"select coalesce(max(_row), 0) from {parquet(each.path)}").fetchall()
        values = {"m": number, "mapping": each.mapping, "low": low}
        database.execute("insert into mappings values ($m, $mapping, $low)", values)
        yield PlacedMapping(each, number, low, low + int(rows))
        low += int(rows)


def _note(database: duckdb.DuckDBPyConnection, each: PlacedReference) -> None:
    values = {"f": each.number, "m": each.owner.number, "field": each.reference.field, "policy": each.reference.policy}
    database.execute("insert into refs values ($f, $m, $field, $policy)", values)


def _read_records(database: duckdb.DuckDBPyConnection, each: PlacedMapping) -> None:
    read = f"from {parquet(each.mapping.path)} where _rk is not null"
    database.execute(f"insert into {STORE}.records select {each.low} + _row, {each.number}, _rk::uuid, _line {read}")
    database.execute(
        f"insert into fates select {each.low} + _row, _status, _reason, null {read} and _status <> 'valid'"
    )


def _links_of(each: PlacedReference) -> str:
    """The links of one reference: numbers of record and field, the parent's key, whether it is the record's own."""
    column = quoted(each.reference.field)
    value = f"unnest({column})" if each.reference.many else column
    read = f"select _rk, _row, {value} as parent from {parquet(each.owner.mapping.path)} where _rk is not null"
    return (
        f"select {each.owner.low} + _row as n, {each.number}::smallint as f, parent::uuid as parent, parent = _rk as own"
        f" from ({read}) where parent is not null"
    )


@contextmanager
def registered(database: duckdb.DuckDBPyConnection, name: str, data: pa.Table | pa.RecordBatchReader) -> Iterator[None]:
    """Makes Arrow data visible to DuckDB under a name for the length of a block."""
    database.register(name, data)
    yield
    database.unregister(name)
