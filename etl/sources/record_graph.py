"""The records of a run as a graph of keys and references, in DuckDB, out of core.

This is the relational half of the validate and plan stages: it holds only record keys, places and policies, so that
uniqueness, references and order cost the same memory for ten thousand records and for ten million. The stages decide
what each finding means to a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from etl.core.ports import GraphMapping
from etl.sources.engine import stream

if TYPE_CHECKING:
    import duckdb

BATCH_ROWS = 16_384

_TABLES = """
create table keys (n bigint, mapping varchar, entity varchar, _rk varchar, _row bigint, _line bigint,
                   status varchar, reason varchar, parent varchar, depth integer default 0);
create table refs (n bigint, mapping varchar, field varchar, parent varchar, policy varchar);
create table known (_rk varchar);
create table found (n bigint, mapping varchar, field varchar, policy varchar, parent varchar);
create table dropped (n bigint, field varchar, parent varchar);
create table deferred (n bigint, field varchar);
"""
_FOUND = (
    "select k.mapping, f.field, f.policy, k._rk, k._row, k._line, f.parent, $reason as reason"
    " from found f join keys k using (n) order by k.n, f.field"
)


class DuckRecordGraph:
    """Implements :class:`etl.core.ports.RecordGraph` on a DuckDB connection of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._db = connection
        self._mappings: dict[str, GraphMapping] = {}

    def open(self, mappings: Sequence[GraphMapping], known: Iterator[pa.RecordBatch]) -> None:
        """See the port."""
        self._mappings = {each.mapping: each for each in mappings}
        self._db.execute(_TABLES)
        for each in mappings:
            self._read_keys(each)
        for each in mappings:
            for reference in each.references:
                self._read_references(each, reference.field, reference.policy, many=reference.many)
        for batch in known:
            self._db.from_arrow(pa.Table.from_batches([batch])).insert_into("known")

    def duplicates(self) -> Iterator[pa.RecordBatch]:
        """See the port."""
        self._db.execute("delete from found")
        self._db.execute(
            "insert into found select n, mapping, null, 'quarantine', null from keys where _rk in"
            " (select _rk from keys where _rk is not null group by _rk having count(*) > 1)"
        )
        yield from self._take_consequences("duplicate_key")

    def missing(self) -> Iterator[pa.RecordBatch]:
        """See the port."""
        self._find(
            "select r.n, r.mapping, r.field, r.policy, r.parent from refs r join keys k using (n)"
            " where r.parent = k._rk"
        )
        yield from self._take_consequences("self_reference")
        self._find(
            "select r.n, r.mapping, r.field, r.policy, r.parent from refs r"
            " where not exists (select 1 from keys p where p._rk = r.parent)"
            " and not exists (select 1 from known w where w._rk = r.parent)"
        )
        yield from self._take_consequences("parent_missing")

    def held_back(self) -> Iterator[pa.RecordBatch]:
        """See the port."""
        while self._find(
            "select r.n, r.mapping, r.field, r.policy, r.parent from refs r join keys k using (n)"
            " where k.status = 'valid'"
            " and exists (select 1 from keys p where p._rk = r.parent and p.status <> 'valid')"
            " and not exists (select 1 from known w where w._rk = r.parent)"
        ):
            self._db.execute("update found set policy = 'block' where policy = 'quarantine'")
            yield from self._take_consequences("parent_not_loadable")

    def reference_counts(self) -> dict[tuple[str, str], int]:
        """See the port."""
        rows = self._db.execute(f"select mapping, field, count(*) from ({_LIVE}) group by 1, 2").fetchall()  # noqa: S608 - our own text
        return {(mapping, field): count for mapping, field, count in rows}

    def edges(self, entity: str, without: Sequence[tuple[str, str]]) -> Iterator[pa.RecordBatch]:
        """See the port."""
        left_out = [f"{mapping}.{field}" for mapping, field in without]
        yield from self._stream(
            f"select r.n as child, p.n as parent, r.mapping, r.field from ({_LIVE}) r"  # noqa: S608 - our own text
            " join keys c on c.n = r.n join keys p on p._rk = r.parent and p.status = 'valid'"
            " where c.entity = $entity and p.entity = $entity"
            " and not list_contains($without, r.mapping || '.' || r.field) order by 1, 2, 4",
            {"entity": entity, "without": left_out},
        )

    def set_depths(self, depths: pa.Table) -> None:
        """See the port."""
        with _registered(self._db, "given", depths):
            self._db.execute("update keys set depth = given.depth from given where keys.n = given.record")

    def defer(self, links: pa.Table) -> None:
        """See the port."""
        with _registered(self._db, "given", links):
            self._db.execute("insert into deferred select record, field from given")

    def places(self, links: pa.Table, reason: str) -> Iterator[pa.RecordBatch]:
        """See the port."""
        self._db.execute("delete from found")
        with _registered(self._db, "given", links):
            self._db.execute(
                "insert into found select k.n, k.mapping, g.field, null, null from keys k join given g on g.record = k.n"
            )
        yield from self._stream(_FOUND, {"reason": reason})

    def block(self, records: pa.Table, reason: str) -> Iterator[pa.RecordBatch]:
        """See the port."""
        self._db.execute("delete from found")
        with _registered(self._db, "given", records):
            self._db.execute(
                "insert into found select k.n, k.mapping, null, 'block', null from keys k join given g on g.record = k.n"
            )
        yield from self._take_consequences(reason)

    def ordered(self, mapping: str) -> Iterator[pa.RecordBatch]:
        """See the port."""
        yield from self._stream(
            "select r.*, k.depth as _depth,"
            " coalesce((select list(d.field || ':' || d.parent) from dropped d where d.n = k.n), []) as _dropped,"
            " coalesce((select list(d.field order by d.field) from deferred d where d.n = k.n), []) as _deferred"
            " from read_parquet($path) r join keys k on k.mapping = $mapping and k._row = r._row and k._rk = r._rk"
            " where k.status = 'valid' order by k.depth, k._row",
            {"path": self._mappings[mapping].path, "mapping": mapping},
        )

    def verdicts(self) -> Iterator[pa.RecordBatch]:
        """See the port."""
        yield from self._stream("select mapping, _rk, _row, status, reason, parent from keys order by n", {})

    def close(self) -> None:
        """See the port."""
        self._db.close()

    def _read_keys(self, each: GraphMapping) -> None:
        self._db.execute(
            "insert into keys (n, mapping, entity, _rk, _row, _line, status, reason)"
            " select (select count(*) from keys) + row_number() over (order by _row), $mapping, $entity,"
            " _rk, _row, _line, _status, _reason from read_parquet($path) where _rk is not null",
            {"mapping": each.mapping, "entity": each.entity, "path": each.path},
        )

    def _read_references(self, each: GraphMapping, field: str, policy: str, *, many: bool) -> None:
        column = _quoted(field)
        value = f"unnest({column})" if many else column
        self._db.execute(
            f"insert into refs select k.n, $mapping, $field, p.parent, $policy from"  # noqa: S608 - the name is quoted
            f" (select _rk, _row, {value} as parent from read_parquet($path)) p"
            " join keys k on k.mapping = $mapping and k._row = p._row and k._rk = p._rk where p.parent is not null",
            {"mapping": each.mapping, "field": field, "policy": policy, "path": each.path},
        )

    def _find(self, live_references: str) -> int:
        """Fills ``found`` with live references chosen by a query; returns how many."""
        self._db.execute("delete from found")
        self._db.execute(
            f"insert into found select * from ({live_references}) f"  # noqa: S608 - our own text
            " where not exists (select 1 from dropped d where d.n = f.n and d.field = f.field and d.parent = f.parent)"
        )
        # Fetched to the end: DuckDB registers nothing on a connection that still holds a result.
        ((count,),) = self._db.execute("select count(*) from found").fetchall()
        return int(count)

    def _take_consequences(self, reason: str) -> Iterator[pa.RecordBatch]:
        yield from self._stream(_FOUND, {"reason": reason})
        self._db.execute("insert into dropped select n, field, parent from found where policy = 'empty'")
        for policy, status in (("quarantine", "quarantined"), ("block", "blocked")):
            self._db.execute(
                "update keys set status = $status, reason = $reason, parent = f.parent"
                " from (select n, min(parent) as parent from found where policy = $policy group by n) f"
                " where keys.n = f.n and keys.status = 'valid'",
                {"status": status, "reason": reason, "policy": policy},
            )

    def _stream(self, query: str, parameters: dict[str, object]) -> Iterator[pa.RecordBatch]:
        """At least one batch, so that the columns of an empty answer are known to whoever writes them down."""
        yield from stream(self._db, query, parameters, BATCH_ROWS)


_LIVE = (
    "select r.* from refs r join keys k using (n) where k.status = 'valid'"
    " and not exists (select 1 from dropped d where d.n = r.n and d.field = r.field and d.parent = r.parent)"
)


class _registered:  # noqa: N801 - a context manager reads as a verb
    """Makes an Arrow table visible to DuckDB under a name for the length of a block."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
        self._db, self._name, self._table = connection, name, table

    def __enter__(self) -> None:
        self._db.register(self._name, self._table)

    def __exit__(self, *_: object) -> None:
        self._db.unregister(self._name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
