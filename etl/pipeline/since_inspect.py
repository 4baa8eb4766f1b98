"""What has changed since somebody last inspected the project: every run compares its snapshot with the fingerprint that
``inspect PROJECT`` keeps beside the state.

Nothing is held back for it. The fingerprint holds no value of a cell, and what is told here are columns and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from etl.core.errors import SettingsError
from etl.core.intake import Certificate
from etl.core.ports import ProblemSink
from etl.core.problems import Severity, problem_rows
from etl.mapping.model import Project
from etl.pipeline.workspace import replaced
from etl.report.certificate_fingerprint import (
    Fingerprint,
    KeptTable,
    fingerprint_of,
    has_shrunken,
    is_known,
    read_fingerprint,
)
from etl.sources.code_counts import MOST_VALUES, code_counts
from etl.sources.snapshot import Snapshot, SnapshotTable
from etl.sources.tables import DuckTables


def fingerprint_place(project: Project) -> Path:
    """The file in which ``inspect`` keeps the fingerprint of a project's sources."""
    return project.runs_folder / f"{project.name}.fingerprint"


def kept_fingerprint(project: Project) -> Fingerprint | None:
    """The fingerprint of the last inspection; None where there was none. Raises SettingsError for a damaged file."""
    place = fingerprint_place(project)
    try:
        return read_fingerprint(place.read_bytes(), str(place))
    except FileNotFoundError:
        return None
    except (OSError, SettingsError):
        hint = "Remove it, and inspect the project again."
        raise SettingsError(f"{place} cannot be read as a fingerprint of an intake.", hint=hint) from None


def keep_fingerprint(project: Project, certificate: Certificate) -> None:
    """Keeps what an inspection of a project has found, for later runs."""
    project.runs_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_fingerprint(fingerprint_place(project), certificate)


def write_fingerprint(place: Path, certificate: Certificate) -> None:
    """Writes the fingerprint of an intake, whole or not at all."""
    with replaced(place) as temporary:
        temporary.write_text(fingerprint_of(certificate).model_dump_json(indent=1) + "\n", "utf-8")


def report_changes(project: Project, snapshot: Snapshot, tables: DuckTables, problems: ProblemSink) -> None:
    """Reports new columns, new code values and tables that have shrunk since the last inspection."""
    kept = kept_fingerprint(project)
    earlier = {each.name: each for each in kept.tables} if kept else {}
    for table in snapshot.tables:
        if kept is not None and table.relation in earlier:
            for problem in _changes(table, earlier[table.relation], kept.salt, tables):
                problems.add(problem)


def _changes(table: SnapshotTable, before: KeptTable, salt: str, tables: DuckTables) -> Iterator[pa.RecordBatch]:
    if has_shrunken(table.rows, before.rows):
        detail = f"{before.rows:,} rows when it was inspected, {table.rows:,} now"
        yield _problem("table_shrunken", Severity.WARN, table.relation, None, detail)
    known = {column.name: column.codes for column in before.columns}
    for column in table.columns:
        if column not in known:
            yield _problem("column_since_inspect", Severity.INFO, table.relation, column, None)
        elif (codes := known[column]) is not None:
            yield from _new_codes(table.relation, column, frozenset(codes), salt, tables)


def _new_codes(
    relation: str, column: str, known: frozenset[str], salt: str, tables: DuckTables
) -> Iterator[pa.RecordBatch]:
    values = rows = seen = 0
    for batch in code_counts(tables, relation, column):
        seen += batch.num_rows
        for value, count in zip(batch["value"].to_pylist(), batch["rows"].to_pylist(), strict=True):
            is_new = not is_known(value, known, salt)
            values, rows = values + is_new, rows + is_new * count
    if values:
        least = "at least " if seen == MOST_VALUES else ""
        detail = f"{least}{values:,} new value{'s' * (values != 1)} in {rows:,} row{'s' * (rows != 1)}"
        yield _problem("codes_since_inspect", Severity.WARN, relation, column, detail)


def _problem(code: str, severity: Severity, table: str, column: str | None, detail: str | None) -> pa.RecordBatch:
    nowhere = pa.record_batch({"_row": pa.nulls(1, pa.int64()), "_line": pa.nulls(1, pa.int64())})
    return problem_rows(
        nowhere, code=code, severity=severity, mapping="", entity="", table=table, field=column, detail=detail
    )
