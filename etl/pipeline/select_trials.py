"""Tries what people wrote in SQL on tables without rows, so that lint can tell what is wrong before any data is read.

The tables have the sources' headers, the records the columns that their mapping gives: what cannot be asked of these can
never be asked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from etl.core.errors import Mistake, SourceUnreadable, UserFixable
from etl.core.keys import RecordKeys
from etl.core.records import SNAPSHOT_COLUMNS
from etl.mapping.model import EntityMapping, Position, Rule, Select
from etl.mapping.rules import RECORDS
from etl.pipeline.base_rows import query_on_trial
from etl.pipeline.table_rules import remedy, require_names
from etl.pipeline.wiring import Setting, SystemClock
from etl.sources.tables import DuckTables
from etl.transform import Transformer


def select_mistakes(setting: Setting, columns: Mapping[str, Sequence[str]]) -> list[Mistake]:
    """The mistakes in rules' SELECTs and mappings' queries; ``columns`` maps ``source.TABLE`` to its header."""
    mappings = setting.project.mappings
    rules = dict.fromkeys(rule for each in mappings for rule in each.rules if isinstance(rule.kind, Select))
    if not rules and not any(each.query for each in mappings):
        return []
    with tempfile.TemporaryDirectory(prefix="casebook-etl-trial-") as name, closing(DuckTables(Path(name))) as tables:
        for number, (relation, schema) in enumerate(_schemas(setting, columns)):
            path = Path(name) / f"{number}.parquet"
            pq.write_table(schema.empty_table(), path)
            tables.register(relation, str(path))
        of_queries = [each for mapping in mappings if mapping.query for each in _of_query(tables, mapping)]
        return [*of_queries, *(each for rule in rules for each in _of_rule(tables, rule))]


def _schemas(setting: Setting, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, pa.Schema]]:
    for relation, names in columns.items():
        yield relation, pa.schema([*SNAPSHOT_COLUMNS, *((name, pa.string()) for name in names)])
    keys, context = RecordKeys(b"lint looks and keeps nothing"), setting.context(SystemClock().now())
    for mapping in setting.project.mappings:
        yield f"{RECORDS}.{mapping.name}", Transformer(mapping, setting.project.catalog, keys, context).schema


def _of_rule(tables: DuckTables, rule: Rule) -> Iterator[Mistake]:
    try:
        require_names(rule, list(tables.query(rule.kind.text if isinstance(rule.kind, Select) else "")))
    except SourceUnreadable:
        return
    except UserFixable as error:
        yield _mistake(rule.position, error, remedy(error))


def _of_query(tables: DuckTables, mapping: EntityMapping) -> Iterator[Mistake]:
    try:
        query_on_trial(tables, mapping)
    except SourceUnreadable:
        return
    except UserFixable as error:
        hint = "It must be one SELECT that gives `_row` of the base table and every column that the mapping reads."
        yield _mistake(mapping.positions.get("query", mapping.position), error, hint)


def _mistake(position: Position, error: UserFixable, hint: str) -> Mistake:
    return Mistake(position.file, position.line, position.column, error.message, hint, "wrong_sql")
