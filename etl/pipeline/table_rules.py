"""Asks the tables which records break the rules that compare records, once all records are mapped.

What a rule finds is carried into the records' files before references are judged, so that a child of a record held
back by a rule waits like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from etl.core.errors import UserFixable
from etl.core.ports import ProblemSink
from etl.core.problems import Severity
from etl.mapping.model import Check, EntityMapping, NoOverlap, OnePer, Rule
from etl.mapping.rules import RECORDS
from etl.pipeline.workspace import ParquetSink
from etl.sources.engine import quoted
from etl.sources.rule_sql import no_overlap_sql, one_per_sql
from etl.sources.tables import DuckTables
from etl.validate.rules import ANSWERS, broken_by, flag_of, told


def judge_between_records(
    tables: DuckTables, files: Sequence[tuple[EntityMapping, Path]], problems: ProblemSink
) -> None:
    """Reports the records that break a rule between records, and quarantines them in their files where it blocks.

    Raises UserFixable for a SELECT that cannot be read, naming its place.
    """
    if not any(_between_records(mapping) for mapping, _ in files):
        return
    for mapping, path in files:
        tables.register(f"{RECORDS}.{mapping.name}", str(path))
    found = [(mapping, path, _answers(tables, mapping)) for mapping, path in files]
    for mapping, path, answers in found:
        if answers:
            _carry(mapping, path, answers, problems)


def _between_records(mapping: EntityMapping) -> list[tuple[int, Rule]]:
    return [(number, rule) for number, rule in enumerate(mapping.rules) if not isinstance(rule.kind, Check)]


def _answers(tables: DuckTables, mapping: EntityMapping) -> list[tuple[Rule, list[pa.RecordBatch]]]:
    """The rules that some record breaks, with what the tables answered."""
    asked = [(rule, list(_ask(tables, mapping, number, rule))) for number, rule in _between_records(mapping)]
    for rule, batches in asked:
        _require_names(rule, batches)
    return [(rule, batches) for rule, batches in asked if any(batch.num_rows for batch in batches)]


def _ask(tables: DuckTables, mapping: EntityMapping, number: int, rule: Rule) -> Iterator[pa.RecordBatch]:
    try:
        yield from tables.query(_sql(mapping, number, rule))
    except UserFixable as error:
        raise UserFixable(f"{_place(rule)}: {error.message}", hint="Correct the rule's `sql`.") from None


def _require_names(rule: Rule, batches: Sequence[pa.RecordBatch]) -> None:
    if not set(ANSWERS) & set(batches[0].schema.names):
        message = f"{_place(rule)}: the rule's SELECT names no record."
        raise UserFixable(message, hint=f"Give one of the columns {', '.join(ANSWERS)}.")


def _place(rule: Rule) -> str:
    return f"{rule.position.file}:{rule.position.line}:{rule.position.column}"


def _sql(mapping: EntityMapping, number: int, rule: Rule) -> str:
    relation = f"{quoted(RECORDS)}.{quoted(mapping.name)}"
    kind = rule.kind
    if isinstance(kind, OnePer):
        return one_per_sql(relation, kind.by, flag_of(number))
    if isinstance(kind, NoOverlap):
        return no_overlap_sql(relation, kind.by, kind.start, kind.end)
    return "" if isinstance(kind, Check) else kind.text


def _carry(
    mapping: EntityMapping, path: Path, answers: Sequence[tuple[Rule, list[pa.RecordBatch]]], problems: ProblemSink
) -> None:
    """One pass over the records: problems, and the records anew where a rule blocks."""
    judged = (_judged(mapping, batch, answers, problems) for batch in pq.ParquetFile(path).iter_batches())
    if not any(rule.severity == Severity.BLOCK for rule, _ in answers):
        for _ in judged:
            continue
        return
    with ParquetSink(path) as sink:
        for batch in judged:
            sink.add(batch)


def _judged(
    mapping: EntityMapping,
    records: pa.RecordBatch,
    answers: Sequence[tuple[Rule, list[pa.RecordBatch]]],
    problems: ProblemSink,
) -> pa.RecordBatch:
    found: list[pa.RecordBatch] = []
    for rule, batches in answers:
        records = told(mapping, rule, records, broken_by(records, batches), found)
    for each in found:
        problems.add(each)
    return records
