"""The same agency, delivered in every form that can hold it, gives the same cells."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from etl.pipeline.projects import open_surroundings
from etl.pipeline.source_kinds import opened_source
from etl.sources.sql import SqlSource
from tests.sources.deliveries import DELIVERIES, Declaration, Table, on_server

SAMPLE = Path(__file__).parents[2] / "sample_data"
TABLES = ("STAFF", "PERSON_EXTRA", "VISITS", "PARENT_ORGS")
MOST_ROWS = 200


def sample_tables() -> list[Table]:
    source = SqlSource("old", f"sqlite:///{SAMPLE / 'legacy.db'}")
    connection = sqlite3.connect(SAMPLE / "legacy.db")
    tables = []
    for name in TABLES:
        declared = [(row[1], row[2]) for row in connection.execute(f"pragma table_info({name})")]
        batch = next(source.read(name, MOST_ROWS))
        tables.append(Table(name, declared, [tuple(row.values())[3:] for row in batch.to_pylist()]))
    connection.close()
    return tables


AGENCY = sample_tables()


KNOW_ONLY_BLANKS = {"csv", "zip", "fixed_width"}


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_the_same_agency_gives_the_same_cells(tmp_path, delivery):
    assert_same_cells(tmp_path, DELIVERIES[delivery](tmp_path, AGENCY), "" if delivery in KNOW_ONLY_BLANKS else None)


def test_postgresql_gives_the_same_cells(tmp_path, postgres_database, monkeypatch):
    assert_same_cells(tmp_path, on_server(postgres_database, "timestamp", AGENCY, monkeypatch))


@pytest.mark.mariadb
def test_mariadb_gives_the_same_cells(tmp_path, mariadb_database, monkeypatch):
    assert_same_cells(tmp_path, on_server(mariadb_database, "datetime(6)", AGENCY, monkeypatch))


PROJECT = """\
project: old
timezone: America/New_York
sources: {{old: {}}}
profiles: {{sandbox: {{base_url: "http://localhost", token_url: "http://localhost", tenant: sandbox}}}}
"""


def assert_same_cells(folder: Path, declaration: Declaration, null: str | None = None) -> None:
    (folder / "project.yaml").write_text(PROJECT.format(json.dumps(declaration)), "utf-8")
    source = opened_source(open_surroundings(folder, None, os.environ).project.sources["old"])
    assert list(source.tables()) == sorted(TABLES)
    for table in AGENCY:
        cells = [tuple(row.values())[2:] for batch in source.read(table.name, 64) for row in batch.to_pylist()]
        expected = [(None, *(null if cell is None else cell for cell in row)) for row in table.rows]
        assert cells == expected


def test_the_agency_is_worth_comparing():
    kinds = {kind.partition("(")[0] for table in AGENCY for _, kind in table.declared}
    assert kinds == {"VARCHAR", "DATE", "BOOLEAN", "TIMESTAMP", "INTEGER", "DECIMAL"}
    cells = [cell for table in AGENCY for row in table.rows for cell in row]
    assert None in cells
    assert len(cells) > 1000
