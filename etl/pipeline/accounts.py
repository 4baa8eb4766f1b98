"""Ends a run's books: the account of base rows, the account of source tables, the outcome of every record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.catalog.model import Catalog
from etl.catalog.pointers import field_pointed_to
from etl.core.ports import BaseQuery, ProblemSink, Source, Utf8Lines
from etl.core.problems import PROBLEM_SCHEMA, Severity, problem_rows
from etl.mapping.columns import Unused, new_columns
from etl.mapping.ignore import ignored_reason
from etl.mapping.model import Project
from etl.mapping.queries import tables_in
from etl.pipeline.workspace import ParquetSink, RunFolder
from etl.sources.accounts import TABLE_ACCOUNT_SCHEMA, close_rows, table_account, unmatched_rows
from etl.sources.snapshot import Snapshot, SnapshotTable
from etl.sources.tables import DuckTables


def account_tables(
    project: Project, snapshot: Snapshot, tables: DuckTables, folder: RunFolder, problems: ProblemSink
) -> None:
    """Writes the tables' account, and reports rows of joined tables that nothing uses, and what a new edition brought."""
    for each in new_columns(project, {table.relation: table.columns for table in snapshot.tables}):
        problems.add(_new_column(each))
    accounts = [_account(project, table, tables, problems) for table in snapshot.tables]
    with ParquetSink(folder.tables, TABLE_ACCOUNT_SCHEMA) as sink:
        sink.add(pa.RecordBatch.from_pylist(accounts, schema=TABLE_ACCOUNT_SCHEMA))


def close_ledger(folder: RunFolder, tables: DuckTables) -> None:
    """Writes the account of base rows as things stand: with outcomes where the run has loaded."""
    tables.register("rows", str(folder.rows))
    tables.register("verdicts", str(folder.verdicts))
    loaded = folder.outcomes.exists()
    if loaded:
        tables.register("outcomes", str(folder.outcomes))
    with ParquetSink(folder.ledger) as sink:
        for batch in close_rows(tables, with_outcomes=loaded):
            sink.add(batch)


def _account(project: Project, table: SnapshotTable, tables: DuckTables, problems: ProblemSink) -> dict[str, object]:
    is_base = any(
        mapping.base.table == table.relation or tables_in(mapping.query, [table.relation])
        for mapping in project.mappings
    )
    joins = _joins_of(project, table.relation)
    unmatched = None if is_base or not joins else unmatched_rows(tables, joins)
    if unmatched is not None:
        _report_unmatched(table.relation, unmatched, problems)
    account = table_account(
        table.relation,
        table.rows,
        table.damaged,
        is_base=is_base,
        unmatched=None if unmatched is None else unmatched.num_rows,
        reason=ignored_reason(project, table.relation),
    )
    return dict(account)


def doubts_of(sources: Iterable[Source], snapshot: Snapshot) -> dict[str, Utf8Lines]:
    """The tables, by relation, that were read in one encoding and prove to be in another; ``sources`` were read just now."""
    by_name = {each.name: each for each in sources}
    found = {each.relation: by_name[each.source].facts(each.table).as_utf8 for each in snapshot.tables}
    return {table: doubt for table, doubt in found.items() if doubt is not None}


def report_doubts(doubts: Mapping[str, Utf8Lines], snapshot: Snapshot, problems: ProblemSink) -> None:
    """A warning for each such table, at the first line that would be spoilt."""
    declared = {table.relation: table.encoding for table in snapshot.tables}
    for table, doubt in doubts.items():
        place = pa.record_batch({"_row": pa.nulls(1, pa.int64()), "_line": pa.array([doubt.first], pa.int64())})
        problems.add(
            problem_rows(
                place,
                code="utf8_in_code_page",
                severity=Severity.WARN,
                mapping="",
                entity="",
                table=table,
                detail=f"{doubt.count} {'line' if doubt.count == 1 else 'lines'}, declared {declared[table]}",
            )
        )


def _new_column(unused: Unused) -> pa.RecordBatch:
    nowhere = pa.record_batch({"_row": pa.nulls(1, pa.int64()), "_line": pa.nulls(1, pa.int64())})
    return problem_rows(
        nowhere,
        code="new_column",
        severity=Severity.WARN,
        mapping="",
        entity="",
        table=unused.table,
        field=unused.column or None,
        detail=unused.message,
    )


def _joins_of(project: Project, table: str) -> list[tuple[BaseQuery, str]]:
    return [
        (mapping.base, join.alias) for mapping in project.mappings for join in mapping.base.joins if join.table == table
    ]


def _report_unmatched(table: str, rows: pa.Table, problems: ProblemSink) -> None:
    for batch in rows.to_batches():
        problems.add(
            problem_rows(batch, code="unmatched_row", severity=Severity.WARN, mapping="", entity="", table=table)
            if batch.num_rows
            else pa.RecordBatch.from_pylist([], schema=PROBLEM_SCHEMA)
        )


def report_outcomes(folder: RunFolder, catalog: Catalog) -> None:
    """Writes a problem for every planned record that did not load; derived anew each time, so nothing is told twice."""
    with ParquetSink(folder.load_problems, PROBLEM_SCHEMA) as sink, pq.ParquetFile(folder.outcomes) as file:
        for batch in file.iter_batches():
            for problem in _outcome_problems(batch, catalog):
                sink.add(problem)


def _outcome_problems(batch: pa.RecordBatch, catalog: Catalog) -> Iterator[pa.RecordBatch]:
    troubled = batch.filter(pc.not_equal(batch["reason"], ""))
    troubled = troubled.append_column("field", _fields(troubled, catalog))
    names = ["mapping", "entity", "table", "reason", "field"]
    for kind in pa.Table.from_batches([troubled.select(names)]).group_by(names).aggregate([]).to_pylist():
        mask = reduce(pc.and_, [pc.equal(troubled[name], kind[name]) for name in names])
        rows = troubled.filter(mask)
        placed = pa.record_batch({"_row": rows["row"], "_line": rows["line"], "_rk": rows["record_key"]})
        yield problem_rows(
            placed,
            code=kind["reason"],
            severity=Severity.BLOCK,
            mapping=kind["mapping"],
            entity=kind["entity"],
            table=kind["table"],
            field=kind["field"] or None,
            detail=rows["detail"],
        )


def _fields(troubled: pa.RecordBatch, catalog: Catalog) -> pa.Array:
    """The field that each refusal points to, "" where it points to none."""
    known = catalog.entities
    pairs = zip(troubled["entity"].to_pylist(), troubled["detail"].to_pylist(), strict=True)
    found = [field_pointed_to(known[entity], detail or "") if entity in known else "" for entity, detail in pairs]
    return pa.array(found, pa.string())


def count_blocking(folder: RunFolder) -> int:
    """How many problems keep a record out."""
    return sum(
        pc.equal(batch["severity"], "block").true_count
        for batch in pq.ParquetFile(folder.problems).iter_batches(columns=["severity"])
    )
