"""The records of a run as a graph of keys and references, in DuckDB, out of core.

This is the relational half of the validate and plan stages: it holds only record keys, places and policies, so that
uniqueness, references and order cost the same memory for ten thousand records and for ten million. Nothing that was read
is ever changed: what becomes of a record is added in tables of its own, which hold as much as is wrong. The stages
decide what each finding means to a person.
"""

from __future__ import annotations

# ruff: noqa: S608 - SQL of our own words and numbers; names and values go in as parameters or quoted
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.core.ahead import read_ahead
from etl.core.batching import empty_batch, file_batches, joined
from etl.core.errors import SourceUnreadable
from etl.core.ports import GraphMapping
from etl.sources.engine import NO_ROOM, attach_file, open_database, parquet, stream
from etl.sources.graph_reach import reach
from etl.sources.graph_tables import STORE, PlacedMapping, PlacedReference, fill, registered

BATCH_ROWS = 16_384
PART_RECORDS = 65_536
MEMORY_MB = 64
"""What the engine may hold at a time; joins and sorts of more go through the temporary folder."""
THREADS = 2
"""Nothing else is done while the graph is asked, so that a second core is free; every answer has an order of its own."""

_IS_VALID = "not exists (select 1 from fates w where w.n = l.n)"
_IS_KEPT = "not exists (select 1 from dropped d where d.n = l.n and d.f = l.f and d.parent = l.parent)"
_LIVE = f"select l.* from {STORE}.links l where {_IS_VALID} and {_IS_KEPT}"


def _hex(column: str) -> str:
    """A key in the form in which it came."""
    return f"replace({column}::varchar, '-', '')"


_FOUND = f"""
select m.mapping, r.field, f.policy, {_hex("k.k")} as _rk, k.n - m.low as _row, k.line as _line,
       {_hex("f.parent")} as parent, $reason as reason
from (select * from found where n between $first and $last) f
join (select * from {STORE}.records where n between $first and $last) k using (n)
join mappings m on m.m = k.m left join refs r on r.f = f.f
order by k.n, r.field, f.parent"""
_ORDERED = """
select r.*, coalesce(p.depth, 0) as _depth, coalesce(x.links, []) as _dropped, coalesce(y.fields, []) as _deferred
from {read} r
left join depths p on p.n = {low} + r._row
left join (select d.n, list(e.field || ':' || {parent} order by e.field, d.parent) as links
           from dropped d join refs e using (f) group by d.n) x on x.n = {low} + r._row
left join (select d.n, list(e.field order by e.field) as fields
           from deferred d join refs e using (f) group by d.n) y on y.n = {low} + r._row
where r._rk is not null and not exists (select 1 from fates w where w.n = {low} + r._row)
order by _depth, r._row"""


@contextmanager
def record_graph(temp_folder: Path) -> Iterator[DuckRecordGraph]:
    """A graph for the length of a block. Raises SourceUnreadable where neither memory nor disk has room for it."""
    with closing(DuckRecordGraph(temp_folder)) as graph:
        try:
            yield graph
        # While rows are streamed, Arrow reports the engine's failures as errors of input and output.
        except (duckdb.Error, OSError) as error:
            if not str(error).startswith(NO_ROOM):
                raise
            raise SourceUnreadable(
                f"Judging references needs more than {MEMORY_MB} MB of memory and the disk beside it.",
                hint="Free disk space below the runs folder; the same command then goes on.",
            ) from None


class DuckRecordGraph:
    """Implements :class:`etl.core.ports.RecordGraph`; keeps a file in ``temp_folder`` until it is closed."""

    def __init__(self, temp_folder: Path, memory_limit_mb: int = MEMORY_MB, threads: int = THREADS) -> None:
        self._db = open_database(temp_folder, memory_limit_mb, threads)
        self._folder = attach_file(self._db, STORE, temp_folder)
        self._mappings: list[PlacedMapping] = []
        self._references: list[PlacedReference] = []

    def open(self, mappings: Sequence[GraphMapping], known: Iterator[pa.RecordBatch]) -> None:
        """See the port."""
        self._mappings, self._references = fill(self._db, mappings, known)

    def duplicates(self) -> Iterator[pa.RecordBatch]:
        """See the port."""
        shared = f"select k from {STORE}.keys where times > 1"
        # Hardly any run has such keys, and to look for none in every record takes as long as to look for some.
        are_any = self._db.execute(f"{shared} limit 1").fetchall()
        records = f"{STORE}.records where k in ({shared})" if are_any else f"{STORE}.records where false"
        self._find(f"select n, null, 'quarantine', null from {records}")
        yield from self._take_consequences("duplicate_key")

    def missing(self) -> Iterator[pa.RecordBatch]:
        """See the port."""
        for reason, condition in (("self_reference", "l.own"), ("parent_missing", "l.pn is null and not l.old")):
            self._find(
                f"select l.n, l.f, r.policy, l.parent from {STORE}.links l join refs r using (f)"
                f" where {condition} and {_IS_KEPT}"
            )
            yield from self._take_consequences(reason)

    def held_back(self) -> Iterator[pa.RecordBatch]:
        """See the port."""
        reach(self._db)
        self._find(
            "select l.n, l.f, if(r.policy = 'quarantine', 'block', r.policy), l.parent"
            f" from {STORE}.links l join refs r using (f) join reach p on p.n = l.pn left join reach c on c.n = l.n"
            f" where not l.old and (c.n is null or c.round > p.round) and {_IS_KEPT}"
        )
        yield from self._take_consequences("parent_not_loadable")

    def reference_counts(self) -> dict[tuple[str, str], int]:
        """See the port."""
        rows = self._db.execute(f"select f, count(*) from ({_LIVE}) group by f").fetchall()
        names = [(each.owner.mapping.mapping, each.reference.field) for each in self._references]
        return {names[number]: count for number, count in rows}

    def edges(self, entity: str, without: Sequence[tuple[str, str]]) -> Iterator[pa.RecordBatch]:
        """See the port."""
        owners = [each.owner.mapping.mapping for each in self._references]
        fields = [each.reference.field for each in self._references]
        for batch in self._stream(self._edges(entity, without), {}):
            names = {"mapping": pc.take(pa.array(owners, pa.string()), batch["f"])}
            names["field"] = pc.take(pa.array(fields, pa.string()), batch["f"])
            yield pa.record_batch({"child": batch["child"], "parent": batch["parent"], **names})

    def set_depths(self, depths: Iterable[pa.RecordBatch]) -> None:
        """See the port."""
        for batch in depths:
            with registered(self._db, "given", pa.Table.from_batches([batch])):
                self._db.execute("insert into depths select record, depth from given where depth > 0")

    def defer(self, links: pa.Table) -> None:
        """See the port."""
        with registered(self._db, "given", links):
            self._db.execute(f"insert into deferred select n, f from ({_GIVEN_LINKS})")

    def places(self, links: pa.Table, reason: str) -> Iterator[pa.RecordBatch]:
        """See the port."""
        with registered(self._db, "given", links):
            self._find(f"select n, f, null, null from ({_GIVEN_LINKS})")
        yield from self._found(reason)

    def block(self, records: pa.Table, reason: str) -> Iterator[pa.RecordBatch]:
        """See the port."""
        with registered(self._db, "given", records):
            self._find("select record, null, 'block', null from given")
        yield from self._take_consequences(reason)

    def ordered(self, mapping: str) -> Iterator[pa.RecordBatch]:
        """See the port."""
        each = next(each for each in self._mappings if each.mapping.mapping == mapping)
        read = parquet(each.mapping.path)
        yield from self._stream(_ORDERED.format(read=read, low=each.low, parent=_hex("d.parent")), {})

    def verdicts(self) -> Iterator[pa.RecordBatch]:
        """See the port. Streamed from the records' own files; only what is not valid is asked for."""
        ((first, last, count),) = self._db.execute(_BOUNDS_OF_FATES).fetchall()
        few = self._fates(first, last) if count <= PART_RECORDS else None
        for each in self._mappings:
            for batch in read_ahead(_keys_of(each.mapping.path)):
                records = batch.filter(pc.is_valid(batch["_rk"])) if batch["_rk"].null_count else batch
                yield self._judged(each, records, few)

    def close(self) -> None:
        """See the port."""
        self._db.close()
        shutil.rmtree(self._folder)

    def _edges(self, entity: str, without: Sequence[tuple[str, str]]) -> str:
        ours = [each for each in self._mappings if each.mapping.entity == entity]
        parents = " or ".join(f"l.pn between {each.low + 1} and {each.high}" for each in ours) or "false"
        fields = [
            str(each.number)
            for each in self._references
            if each.owner in ours and (each.owner.mapping.mapping, each.reference.field) not in without
        ]
        return (
            f"select l.n as child, l.pn as parent, l.f from ({_LIVE}) l where l.f in ({', '.join(fields) or 'null'})"
            f" and ({parents}) and not exists (select 1 from fates w where w.n = l.pn) order by l.pn, l.n, l.f"
        )

    def _judged(self, each: PlacedMapping, records: pa.RecordBatch, few: pa.RecordBatch | None) -> pa.RecordBatch:
        """Records of one mapping with what became of them; ``few`` are the fates of all, where they are few."""
        numbers = pc.add(records["_row"], each.low)
        fates = self._fates(*pc.min_max(numbers).as_py().values()) if few is None else few
        places = pc.index_in(numbers, fates["n"])
        columns = {name: pc.take(fates[name], places) for name in ("status", "reason", "parent")}
        columns["status"] = pc.fill_null(columns["status"], "valid")
        name = pa.repeat(pa.scalar(each.mapping.mapping), records.num_rows)
        return pa.record_batch({"mapping": name, "_rk": records["_rk"], "_row": records["_row"], **columns})

    def _fates(self, first: int | None, last: int | None) -> pa.RecordBatch:
        """The fates of the records with these numbers."""
        return joined(list(self._stream(_FATES_BETWEEN, {"min": first or 0, "max": last or 0})))

    def _find(self, findings: str) -> None:
        """Fills ``found`` with records, fields, policies and parents."""
        self._db.execute("create or replace table found (n bigint, f smallint, policy varchar, parent uuid)")
        # Fetched to the end: DuckDB registers nothing on a connection that still holds a result.
        self._db.execute(f"insert into found {findings}").fetchall()

    def _found(self, reason: str) -> Iterator[pa.RecordBatch]:
        """What ``found`` holds, by record. Much is asked for some records at a time, so that it is never sorted as a whole."""
        bounds = "select coalesce(min(n), 0), coalesce(max(n), 0), count(*) from found"
        ((first, last, count),) = self._db.execute(bounds).fetchall()
        step = PART_RECORDS if count > PART_RECORDS else last - first + 1
        for start in range(first, last + 1, step):
            yield from self._stream(_FOUND, {"reason": reason, "first": start, "last": start + step - 1})

    def _take_consequences(self, reason: str) -> Iterator[pa.RecordBatch]:
        yield from self._found(reason)
        self._db.execute("insert into dropped select n, f, parent from found where policy = 'empty'")
        for policy, status in (("quarantine", "quarantined"), ("block", "blocked")):
            self._db.execute(
                "insert into fates select n, $status, $reason, min(parent) from found l"
                f" where policy = $policy and {_IS_VALID} group by n",
                {"status": status, "reason": reason, "policy": policy},
            )

    def _stream(self, query: str, parameters: dict[str, object]) -> Iterator[pa.RecordBatch]:
        """At least one batch, so that the columns of an empty answer are known to whoever writes them down."""
        yield from stream(self._db, query, parameters, BATCH_ROWS)


def _keys_of(path: str) -> Iterator[pa.RecordBatch]:
    """Keys and rows of a mapping's records; at least one batch."""
    names = ["_rk", "_row"]
    with pq.ParquetFile(path) as file:
        yield empty_batch(file.schema_arrow).select(names)
        yield from file_batches(file, PART_RECORDS, names)


_GIVEN_LINKS = f"""
select k.n, r.f from given g join {STORE}.records k on k.n = g.record join refs r on r.m = k.m and r.field = g.field"""
_BOUNDS_OF_FATES = "select min(n), max(n), count(*) from fates"
_FATES_BETWEEN = f"""
select n, status, reason, {_hex("parent")} as parent from fates where n between $min and $max"""
