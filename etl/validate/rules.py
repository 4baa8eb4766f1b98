"""Judges mapped records by the rules of their mapping, column by column.

A record breaks a rule only where the rule is certainly false: what a blank leaves open is no problem, because `required`
speaks of blanks. Rules between records are answered by the tables; here their answers become problems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.problems import Severity, problem_rows
from etl.core.records import KEY, ROW, SOURCE_KEY, STATUS
from etl.mapping.model import Check, EntityMapping, OnePer, Rule
from etl.mapping.operations import Context
from etl.mapping.rules import SOURCE_PREFIX
from etl.validate.fields import quarantine

ANSWERS = (KEY, ROW, SOURCE_KEY)
"""The columns by which a SELECT may name the records it found."""


def flag_of(number: int) -> str:
    """The column that holds whether a record fulfils the ``when`` of the mapping's rule with this number."""
    return f"_rule_{number}"


class RecordRules:
    """The rules of one mapping that look at a record alone, and the conditions of those that compare records. What needs
    a record's parents is left to the tables.
    """

    def __init__(self, mapping: EntityMapping, context: Context) -> None:
        self._mapping = mapping
        self._context = context

    def apply(self, records: pa.RecordBatch, rows: pa.RecordBatch) -> tuple[pa.RecordBatch, list[pa.RecordBatch]]:
        """The records with their status, and with a flag column for each rule that counts; and the problems found.

        ``rows`` are the base rows that the records were made of.
        """
        if not self._mapping.rules:
            return records, []
        problems: list[pa.RecordBatch] = []
        columns = self._columns(records, rows)
        for number, rule in enumerate(self._mapping.rules):
            if rule.parents:
                continue
            if isinstance(rule.kind, Check):
                broken = rule.kind.expression.denies(columns, today=self._context.today)
                records = told(self._mapping, rule, records, broken, problems)
            elif isinstance(rule.kind, OnePer):
                fulfilled = rule.kind.when.evaluate(columns, today=self._context.today)
                records = records.append_column(flag_of(number), fulfilled)
        return records, problems

    def _columns(self, records: pa.RecordBatch, rows: pa.RecordBatch) -> Mapping[str, pa.Array]:
        """Fields by name, and the source of each record as ``src.COLUMN`` (of a group: of its first row)."""
        columns = dict(zip(records.schema.names, records.columns, strict=True))
        place = pc.index_in(records[ROW], rows[ROW])
        wanted = dict.fromkeys(name for rule in self._mapping.rules for name in rule.columns)
        return columns | {SOURCE_PREFIX + name: pc.take(rows[name], place) for name in wanted}


def told(
    mapping: EntityMapping, rule: Rule, records: pa.RecordBatch, broken: pa.Array, problems: list[pa.RecordBatch]
) -> pa.RecordBatch:
    """The records with those that break the rule quarantined where it blocks; a problem for each is added."""
    if not broken.true_count:
        return records
    severity = Severity(rule.severity)
    problems.append(
        problem_rows(
            records.filter(broken),
            code="rule_broken",
            severity=severity,
            mapping=mapping.name,
            entity=mapping.target,
            table=mapping.base.table,
            field=rule.fields[0] if len(rule.fields) == 1 else None,
            detail=rule.say,
        )
    )
    blocks = severity is Severity.BLOCK
    return (
        quarantine(records, pc.and_(broken, pc.equal(records[STATUS], "valid")), "rule_broken") if blocks else records
    )


def broken_by(records: pa.RecordBatch, answers: Sequence[pa.RecordBatch]) -> pa.Array:
    """Which records a rule's answers name, by the first of :data:`ANSWERS` that the answers have."""
    column = next(name for name in ANSWERS if name in answers[0].schema.names)
    named = pa.chunked_array([batch[column] for batch in answers]).combine_chunks()
    return pc.is_in(records[column], value_set=named.cast(records[column].type))
