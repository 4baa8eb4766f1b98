"""Asks the tables which records break the rules that compare records, once all records are mapped.

What a rule finds is carried into the records' files before references are judged, so that a child of a record held
back by a rule waits like any other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from etl.core.batching import file_batches
from etl.core.errors import UserFixable
from etl.core.ports import ProblemSink
from etl.core.problems import Severity
from etl.core.records import KEY, ROW
from etl.mapping.model import Check, EntityMapping, NoOverlap, OnePer, Rule, Select
from etl.mapping.project_rules import reads_of_parents
from etl.mapping.rules import RECORDS
from etl.pipeline.workspace import ParquetSink
from etl.sources.engine import quoted
from etl.sources.rule_sql import Part, beside_parents_sql, no_overlap_sql, one_per_sql
from etl.sources.tables import DuckTables
from etl.validate.rules import ANSWERS, broken_by, flag_of, told

_BATCH_ROWS = 65_536


def judge_between_records(
    tables: DuckTables, files: Sequence[tuple[EntityMapping, Path]], problems: ProblemSink, today: dt.date
) -> None:
    """Reports the records that break a rule between records, and quarantines them in their files where it blocks.

    ``today`` is the snapshot's date. Raises UserFixable for a SELECT that cannot be read, naming its place.
    """
    if not any(_between_records(mapping) for mapping, _ in files):
        return
    for mapping, path in files:
        tables.register(f"{RECORDS}.{mapping.name}", str(path))
    court = _Court(tables, [mapping for mapping, _ in files], today)
    found = [(mapping, path, court.answers(mapping)) for mapping, path in files]
    for mapping, path, answers in found:
        if answers:
            _carry(mapping, path, answers, problems)


def _between_records(mapping: EntityMapping) -> list[tuple[int, Rule]]:
    return [(number, rule) for number, rule in enumerate(mapping.rules) if _is_for_tables(rule)]


def _is_for_tables(rule: Rule) -> bool:
    return bool(rule.parents) or not isinstance(rule.kind, Check)


@dataclass(frozen=True, slots=True)
class _Court:
    """Asks the tables about rules of any mapping, while the records of all of them are there."""

    tables: DuckTables
    mappings: Sequence[EntityMapping]
    today: dt.date

    def answers(self, mapping: EntityMapping) -> list[tuple[Rule, list[pa.RecordBatch]]]:
        """The rules that some record breaks, with the answers that name the records."""
        asked = [(rule, self._named(mapping, number, rule)) for number, rule in _between_records(mapping)]
        return [(rule, batches) for rule, batches in asked if any(batch.num_rows for batch in batches)]

    def _named(self, mapping: EntityMapping, number: int, rule: Rule) -> list[pa.RecordBatch]:
        try:
            found = list(self._ask(mapping, number, rule))
            require_names(rule, found)
        except UserFixable as error:
            raise UserFixable(f"{_place(rule)}: {error.message}", hint=remedy(error)) from None
        return found

    def _ask(self, mapping: EntityMapping, number: int, rule: Rule) -> Iterator[pa.RecordBatch]:
        for batch in self.tables.query(self._sql(mapping, number, rule)):
            yield self._denied(rule, batch) if rule.parents else batch

    def _denied(self, rule: Rule, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Of records beside their parents, those that certainly break the condition."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        broken = rule.kind.expression.denies(columns, today=self.today) if isinstance(rule.kind, Check) else None
        return batch.select([ROW]).filter(broken)

    def _sql(self, mapping: EntityMapping, number: int, rule: Rule) -> str:
        kind = rule.kind
        if isinstance(kind, OnePer):
            return one_per_sql(self._parts(mapping, number, rule), mapping.name, kind.by)
        if isinstance(kind, NoOverlap):
            return no_overlap_sql(self._parts(mapping, number, rule), mapping.name, kind.by, kind.start, kind.end)
        if isinstance(kind, Check):
            reads = reads_of_parents(mapping, rule, self.mappings)
            parents = {link: [(_relation(a), b, c) for a, b, c in sought] for link, sought in reads.items()}
            return beside_parents_sql(_relation(mapping.name), rule.fields, parents)
        return kind.text

    def _parts(self, mapping: EntityMapping, number: int, rule: Rule) -> list[Part]:
        """The records that are judged together; each mapping has a flag of its own for the rule."""
        if not rule.together:
            return [Part(mapping.name, _relation(mapping.name), _flag(number, rule))]
        return [
            Part(each.name, _relation(each.name), _flag(_number_of(rule, each), rule))
            for each in self.mappings
            if each.name in rule.together
        ]


def _number_of(rule: Rule, mapping: EntityMapping) -> int:
    """Which of a mapping's rules is the same rule of the project: the one that stands at the same place."""
    return next(number for number, each in enumerate(mapping.rules) if each.position == rule.position)


def _flag(number: int, rule: Rule) -> str:
    return flag_of(number) if isinstance(rule.kind, OnePer) else ""


def _relation(mapping: str) -> str:
    return f"{quoted(RECORDS)}.{quoted(mapping)}"


def remedy(error: UserFixable) -> str:
    """What to do about a rule's SELECT: the words of the tables speak of a mapping's query."""
    return error.hint if error.hint.startswith("Give") else "Correct the rule's `sql`."


def require_names(rule: Rule, batches: Sequence[pa.RecordBatch]) -> None:
    """Row numbers and legacy keys tell records of one mapping; several are told apart by record key alone.

    Raises UserFixable, without a place, where the answers of a rule name no record.
    """
    named = set(batches[0].schema.names)
    if isinstance(rule.kind, Select) and len(rule.together) > 1 and KEY not in named:
        message = f"The rule speaks of several mappings, and its SELECT gives no `{KEY}`."
        raise UserFixable(message, hint=f"Give `{KEY}`, or name one mapping in `of`.")
    if not set(ANSWERS) & named:
        raise UserFixable("The rule's SELECT names no record.", hint=f"Give one of the columns {', '.join(ANSWERS)}.")


def _place(rule: Rule) -> str:
    return f"{rule.position.file}:{rule.position.line}:{rule.position.column}"


def _carry(
    mapping: EntityMapping, path: Path, answers: Sequence[tuple[Rule, list[pa.RecordBatch]]], problems: ProblemSink
) -> None:
    """One pass over the records: problems, and the records anew where a rule blocks."""
    judged = (_judged(mapping, batch, answers, problems) for batch in file_batches(pq.ParquetFile(path), _BATCH_ROWS))
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
