"""Closes the two accounts of the ledger over a run's Parquet files: every base row of every mapping, every row of every
source table, each in exactly one bucket.

The questions are SQL, so they live beside the tables; what the buckets mean is the vocabulary's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from etl.core.outcomes import LOADED, Bucket
from etl.core.ports import BaseQuery
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

_LOADED = ", ".join(f"'{bucket}'" for bucket in sorted([*LOADED, Bucket.PENDING]))


def close_rows(tables: DuckTables, *, with_outcomes: bool) -> Iterator[pa.RecordBatch]:
    """The final account of base rows: the relations ``rows``, ``verdicts`` and, where loading happened, ``outcomes``
    must be registered. A row merged into a record that was not loaded shares that record's bucket.
    """
    fates = _WITH_OUTCOMES if with_outcomes else _WITHOUT
    yield from tables.query(f"with fates as ({fates}) {_CLOSE}")


_WITHOUT = """
select mapping, _rk as record_key, _row as row,
       case status when 'valid' then 'pending' else status end as bucket, reason, parent, null as target_id
from verdicts"""
_WITH_OUTCOMES = """
select v.mapping, v._rk as record_key, v._row as row,
       case when v.status <> 'valid' then v.status else coalesce(o.bucket, 'pending') end as bucket,
       case when v.status <> 'valid' then v.reason else o.reason end as reason, v.parent, o.target_id
from verdicts v left join outcomes o on o.mapping = v.mapping and o.record_key = v._rk and o.row = v._row"""
_CLOSE = f"""
, groups as (select mapping, record_key, min(bucket) as bucket, min(reason) as reason from fates
  where (mapping, record_key) in (select (mapping, record_key) from rows where bucket = 'merged') group by 1, 2)
select r.mapping, r."table", r.row, r.line,
       case when r.bucket in ('ignored', 'quarantined') then r.bucket
            when r.bucket = 'merged' then case when g.bucket in ({_LOADED}) then 'merged' else g.bucket end
            else coalesce(f.bucket, r.bucket) end as bucket,
       coalesce(case when r.bucket = 'record' then f.reason when r.bucket = 'merged' then g.reason else r.reason end, '')
           as reason,
       r.record_key
from rows r
left join fates f on r.bucket = 'record' and f.mapping = r.mapping and f.record_key = r.record_key and f.row = r.row
left join groups g on r.bucket = 'merged' and g.mapping = r.mapping and g.record_key = r.record_key
order by r.mapping, r.row"""  # noqa: S608 - our own text


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
