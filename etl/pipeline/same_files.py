"""Finds attachments that hold the same bytes, by their hashes, once all records are mapped.

They are told and loaded: only the agency knows whether a letter in two files of a case is one too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.ports import ProblemSink
from etl.core.problems import Severity, problem_rows
from etl.mapping.model import EntityMapping, FileField
from etl.mapping.rules import RECORDS
from etl.sources.engine import quoted
from etl.sources.rule_sql import same_files_sql
from etl.sources.tables import DuckTables
from etl.validate.files import SHA256_SUFFIX


def report_same_files(tables: DuckTables, files: Sequence[tuple[EntityMapping, Path]], problems: ProblemSink) -> None:
    """Reports the later of two files with the same bytes: as a warning on the same record, for information elsewhere."""
    for mapping, path in files:
        for field in mapping.fields:
            if isinstance(field.value, FileField):
                tables.register(f"{RECORDS}.{mapping.name}", str(path))
                _report(tables, mapping, field.name, problems)


def _report(tables: DuckTables, mapping: EntityMapping, field: str, problems: ProblemSink) -> None:
    parents = [each.name for each in mapping.references]
    relation = f"{quoted(RECORDS)}.{quoted(mapping.name)}"
    for batch in tables.query(same_files_sql(relation, field + SHA256_SUFFIX, parents)):
        together = batch["together"]
        for severity, chosen, where in (
            (Severity.WARN, together, "of the same record"),
            (Severity.INFO, pc.invert(together), "of another record"),
        ):
            rows = batch.filter(chosen)
            detail = pc.binary_join_element_wise("as row ", rows["earlier"].cast(pa.string()), f", {where}", "")
            problems.add(
                problem_rows(
                    rows,
                    code="same_file",
                    severity=severity,
                    mapping=mapping.name,
                    entity=mapping.target,
                    table=mapping.base.table,
                    field=field,
                    detail=detail,
                )
            )
