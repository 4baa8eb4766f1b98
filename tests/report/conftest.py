"""Run folders made by hand: what a test does not say about a run is plain and balanced."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.core.problems import PROBLEM_SCHEMA
from etl.core.records import LEDGER_SCHEMA, PLAN_SCHEMA

PERSONS = "legacy.PERSONS"
TABLES_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        *((name, pa.int64()) for name in ("rows", "used", "unmatched", "ignored", "damaged")),
        ("reason", pa.string()),
    ]
)
OUTCOME_SCHEMA = pa.schema([("mapping", pa.string()), ("bucket", pa.string())])
MakeRun = Callable[..., Path]
Row = Mapping[str, Any]


def entry(row: int | None, bucket: str | None, mapping: str = "people", key: str | None = "00") -> Row:
    """One row of the ledger."""
    return {
        "mapping": mapping,
        "table": PERSONS,
        "row": row,
        "line": row,
        "bucket": bucket,
        "reason": "",
        "record_key": key,
    }


def entries(*buckets: str) -> list[Row]:
    """Ledger rows of `people` from row 1 on."""
    return [entry(number, bucket) for number, bucket in enumerate(buckets, 1)]


def problem(code: str, row: int | None = 1, **more: object) -> Row:
    """A problem of `people`, by default one that keeps its record out."""
    plain = {"code": code, "severity": "block", "mapping": "people", "entity": "person", "field": "last_name"}
    return plain | {"table": PERSONS, "row": row, "line": None if row is None else row + 1} | more


def planned(action: str, entity: str = "person", deferred: Sequence[str] = ()) -> Row:
    """One row of the plan."""
    return {"mapping": "people", "entity": entity, "action": action, "deferred": list(deferred)}


def account(table: str = PERSONS, *, rows: int, **counts: object) -> Row:
    """One row of the tables' account; all rows are used unless something else is said."""
    return {
        "table": table,
        "rows": rows,
        "used": rows,
        "unmatched": 0,
        "ignored": 0,
        "damaged": 0,
        "reason": "",
    } | counts


def write(path: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes the folder of a run that read the table of people; ``manifest`` adds to its manifest."""

    def make(
        ledger: Sequence[Row] = tuple(entries("pending")),
        *,
        read: int | None = None,
        tables: Sequence[Row] | None = None,
        problems: Sequence[Row] = (),
        plan: Sequence[Row] | None = None,
        outcomes: Sequence[Row] | None = None,
        **manifest: object,
    ) -> Path:
        folder = tmp_path / "20260131T080000Z-c0de"
        folder.mkdir(exist_ok=True)
        rows = len(ledger) if read is None else read
        (folder / "manifest.json").write_text(json.dumps(_manifest(folder.name, rows) | manifest), "utf-8")
        write(folder / "ledger.parquet", ledger, LEDGER_SCHEMA)
        write(folder / "tables.parquet", [account(rows=rows)] if tables is None else tables, TABLES_SCHEMA)
        write(folder / "problems.parquet", problems, PROBLEM_SCHEMA)
        for name, given, schema in (("plan", plan, PLAN_SCHEMA), ("outcomes", outcomes, OUTCOME_SCHEMA)):
            if given is not None:
                write(folder / f"{name}.parquet", given, schema)
        return folder

    return make


def snapshot_table(table: str = PERSONS, rows: int = 1, **more: object) -> Row:
    plain = {"table": table, "rows": rows, "damaged": 0, "columns": ["ID"], "origin": "PERSONS.csv"}
    return plain | {"encoding": "cp1252", "sha256": "ab" * 32} | more


def mapping(name: str = "people", entity: str = "person", table: str = PERSONS, **more: object) -> Row:
    return {"name": name, "entity": entity, "table": table, "fields": []} | more


def edge(child: str, field: str, parent: str, **more: object) -> Row:
    return {
        "parent": parent,
        "child": child,
        "mapping": child,
        "field": field,
        "required": True,
        "later": False,
        "count": 3,
    } | more


ORDER = {
    "waves": [["person"], ["case"], ["note"]],
    "edges": [edge("case", "person", "person"), edge("note", "person", "person"), edge("note", "case", "case")],
    "deferred": [],
}


def _manifest(run_id: str, rows: int) -> dict[str, object]:
    return {
        "version": 1,
        "run_id": run_id,
        "command": "validate",
        "project": "county",
        "profile": "sandbox",
        "tenant": "sandbox",
        "tenant_invented": False,
        "protected": False,
        "started": "2026-01-31T08:00:00+00:00",
        "ended": "2026-01-31T08:00:09+00:00",
        "exit_code": 0,
        "error": None,
        "fingerprints": {"snapshot": "5a", "mapping": "3b", "catalogue": "1c", "code": "0.1.0"},
        "snapshot": [snapshot_table(rows=rows)],
        "mappings": [mapping()],
    }
