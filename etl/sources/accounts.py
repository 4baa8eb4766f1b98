"""Closes the two accounts of the ledger over a run's Parquet files: every base row of every mapping, every row of every
source table, each in exactly one bucket.

The questions are SQL, so they live beside the tables; what the buckets mean is the vocabulary's business.
"""

from __future__ import annotations

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words, numbers and quoted names
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from etl.core.ahead import read_ahead
from etl.core.outcomes import LOADED, Bucket
from etl.core.ports import BaseQuery
from etl.core.records import LEDGER_SCHEMA
from etl.sources.engine import text
from etl.sources.rows_in_step import SPAN_COLUMNS, VERDICT_COLUMNS, Span, Verdicts, closed_in_step, spans_of
from etl.sources.tables import DuckTables

TABLE_ACCOUNT_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("rows", pa.int64()),
        ("used", pa.int64()),
        ("unmatched", pa.int64()),
        ("ignored", pa.int64()),
        ("damaged", pa.int64()),
        ("reason", pa.string()),
    ]
)
"""One row a source table; ``rows`` is the sum of the four counts. ``damaged`` counts unreadable rows of joined tables
(those of base tables are in the mappings' account); ``reason`` says why a table is ignored."""

PART_ROWS = 131_072
_LOADED = ", ".join(f"'{bucket}'" for bucket in sorted([*LOADED, Bucket.PENDING]))


def close_rows(tables: DuckTables, *, with_outcomes: bool, part_rows: int = PART_ROWS) -> Iterator[pa.RecordBatch]:
    """The final account of base rows, by mapping and row: the relations ``rows``, ``verdicts`` and, where loading
    happened, ``outcomes`` must be registered. A row merged into a record that was not loaded shares that record's bucket.

    Asked for ``part_rows`` row numbers at a time, so that the account is never sorted or joined as a whole; not asked at
    all where rows and verdicts walk in step.
    """
    spans = spans_of(tables.rows("rows", SPAN_COLUMNS)) or {"": Span()}
    for mapping, span in spans.items():
        if with_outcomes or span.has_merged or not span.is_in_order or not span.last:
            for first in range(0, span.last + 1, part_rows):
                part = _Part(tables, text(mapping), first, first + part_rows - 1, with_outcomes)
                yield from tables.select(part.closed(has_merged=span.has_merged))
        else:
            yield from _closed_in_step(tables, mapping)


def _closed_in_step(tables: DuckTables, mapping: str) -> Iterator[pa.RecordBatch]:
    """The account of a mapping whose rows stand in order and were not merged."""
    verdicts = Verdicts(read_ahead(tables.rows_with("verdicts", VERDICT_COLUMNS, "mapping", mapping)))
    for rows in read_ahead(tables.rows_with("rows", LEDGER_SCHEMA.names, "mapping", mapping)):
        closed = closed_in_step(rows, verdicts) if rows.num_rows else None
        if closed is not None:
            yield closed
        elif rows.num_rows:
            part = _Part(tables, text(mapping), rows["row"][0].as_py(), rows["row"][-1].as_py(), with_outcomes=False)
            yield from tables.select(part.closed(has_merged=False))


@dataclass(frozen=True, slots=True)
class _Part:
    """The question about the rows ``first`` to ``last`` of one mapping, whose name is given as SQL."""

    tables: DuckTables
    mapping: str
    first: int
    last: int
    with_outcomes: bool

    @property
    def which(self) -> str:
        """The condition on numbers of rows."""
        return f"between {self.first} and {self.last}"

    def closed(self, *, has_merged: bool) -> str:
        """The account of these rows."""
        groups = self._fates(f"v._rk in ({self._merged()})") if has_merged else self._fates("false", "false")
        return f"""
with part as ({self._rows()}), fates as ({self._fates(f"v._row {self.which}", f"row {self.which}")}),
groups as (select record_key, min(bucket) as bucket, min(reason) as reason from ({groups}) group by record_key)
select r.mapping, r."table", r.row, r.line,
       case when r.bucket in ('ignored', 'quarantined') then r.bucket
            when r.bucket = 'merged' then case when g.bucket in ({_LOADED}) then 'merged' else g.bucket end
            else coalesce(f.bucket, r.bucket) end as bucket,
       coalesce(case when r.bucket = 'record' then f.reason when r.bucket = 'merged' then g.reason else r.reason end, '')
           as reason,
       r.record_key
from part r
left join fates f on r.bucket = 'record' and f.row = r.row and f.record_key = r.record_key
left join groups g on r.bucket = 'merged' and g.record_key = r.record_key
order by r.row"""

    def _rows(self) -> str:
        return f"select * from {self.tables.relation('rows')} where mapping = {self.mapping} and row {self.which}"

    def _merged(self) -> str:
        return f"select record_key from ({self._rows()}) where bucket = 'merged'"

    def _fates(self, condition: str, also: str = "true") -> str:
        """What became of the records under a condition on their verdicts ``v``, and one on their outcomes."""
        verdicts = f"{self.tables.relation('verdicts')} v"
        if not self.with_outcomes:
            return f"""
select v._rk as record_key, v._row as row, if(v.status = 'valid', 'pending', v.status) as bucket, v.reason
from {verdicts} where v.mapping = {self.mapping} and {condition}"""
        outcomes = f"(select * from {self.tables.relation('outcomes')} where mapping = {self.mapping} and {also})"
        return f"""
select v._rk as record_key, v._row as row,
       if(v.status = 'valid', coalesce(o.bucket, 'pending'), v.status) as bucket,
       if(v.status = 'valid', o.reason, v.reason) as reason
from {verdicts} left join {outcomes} o on o.row = v._row and o.record_key = v._rk
where v.mapping = {self.mapping} and {condition}"""


def unmatched_rows(tables: DuckTables, joins: Sequence[tuple[BaseQuery, str]]) -> pa.Table:
    """``_row`` and ``_line`` of the rows of a joined table that no mapping's base row uses."""
    left: pa.Table | None = None
    for query, alias in joins:
        batches = list(tables.unmatched(query, alias))
        rows = pa.Table.from_batches(batches)
        left = rows if left is None else left.join(rows.select(["_row"]), "_row", join_type="left semi")
    return left.sort_by("_row") if left is not None else pa.table({"_row": pa.array([], pa.int64())})


def table_account(
    table: str, rows: int, damaged: int, *, is_base: bool, unmatched: int | None, reason: str | None
) -> Mapping[str, object]:
    """One row of the tables' account; ``unmatched`` is None where no mapping joins the table."""
    used, ignored, broken = 0, 0, 0
    if is_base:
        used = rows
    elif unmatched is not None:
        used, broken = rows - unmatched - damaged, damaged
    else:
        ignored = rows
    return {
        "table": table,
        "rows": rows,
        "used": used,
        "unmatched": 0 if is_base else unmatched or 0,
        "ignored": ignored,
        "damaged": broken,
        "reason": reason or "",
    }
