"""The same data gives the same records, whatever the body format and whatever database it came from."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
import sqlalchemy as sa

from tests.e2e.harness import copy_project, etl, sandbox, writes
from tests.e2e.pictures import Picture, buckets


def test_form_bodies_make_the_same_records_as_json_bodies(agency, reference):
    agency.edit("project.yaml", "quiet_s: 2\n", "quiet_s: 2\n    body_format: form\n")
    with sandbox() as casebook:
        load_and_compare(agency, casebook, reference)
        kinds = {
            entry.content_type
            for entry in casebook.oracle.journal()
            if entry.method in ("POST", "PATCH") and entry.entity not in ("token", "upload")
        }
        assert kinds == {"application/x-www-form-urlencoded"}


def test_postgresql_gives_the_same_records_as_sqlite(agency, reference, postgres_database, monkeypatch):
    move_to_server(agency, postgres_database, monkeypatch)
    with sandbox() as casebook:
        load_and_compare(agency, casebook, reference)


@pytest.mark.mariadb
def test_mariadb_gives_the_same_records_as_sqlite(agency, reference, mariadb_database, monkeypatch):
    move_to_server(agency, mariadb_database, monkeypatch)
    with sandbox() as casebook:
        load_and_compare(agency, casebook, reference)


def test_a_second_run_sends_no_write_and_verify_finds_nothing(agency, reference):
    with sandbox() as casebook:
        load_and_compare(agency, casebook, reference)
        before = writes(casebook.oracle)
        ended = agency.run()
        assert ended.code == 1, "rows held back are held back still"
        assert writes(casebook.oracle) == before
        created = {mapping: each.get("created", 0) for mapping, each in buckets(reference.summary).items()}
        unchanged = {mapping: each.get("unchanged", 0) for mapping, each in buckets(agency.summary()).items()}
        assert unchanged == created
        ended = etl("verify", agency.project, "--progress", "none")
        assert ended.code == 0, ended.text


def test_a_table_without_rows_loads_as_nothing(part, tmp_path):
    place = copy_project(tmp_path, "demo_agency", part)
    with contextlib.closing(sqlite3.connect(place.sample / "legacy.db")) as database:
        for table in ("VISITS", "LICENCES", "PARENT_ORGS"):
            database.execute(f"delete from {table}")  # noqa: S608 - our own tables
        database.commit()
    with sandbox() as casebook:
        ended = place.point_at(casebook.base_url).run()
        assert ended.code == 1, ended.text
        assert place.summary()["ledger"]["balanced"]
        assert {"visit", "license", "license_condition"} & casebook.oracle.counts().keys() == set()


def load_and_compare(place, casebook, reference):
    ended = place.point_at(casebook.base_url).run()
    assert ended.code == 1, ended.text
    picture = Picture(casebook.oracle)
    assert picture.records == reference.records
    assert buckets(place.summary()) == buckets(reference.summary)


def move_to_server(place, url, monkeypatch):
    """Copies the SQLite tables to a server, with the types they were declared with, and points the project there."""
    local = sa.create_engine(f"sqlite:///{place.sample / 'legacy.db'}", poolclass=sa.NullPool)
    server = sa.create_engine(url, poolclass=sa.NullPool)
    tables = sa.MetaData()
    tables.reflect(local)
    for table in tables.tables.values():
        for column in table.columns:
            column.type = on_server(column.type)
    tables.create_all(server)
    with local.connect() as source, server.begin() as target:
        for table in tables.sorted_tables:
            if rows := [dict(row._mapping) for row in source.execute(sa.select(table))]:
                target.execute(sa.insert(table), rows)
    (place.sample / "legacy.db").unlink()
    monkeypatch.setenv("OLD_SQL", url)
    place.edit("project.yaml", '"sqlite:///../../sample_data/legacy.db"', '"${OLD_SQL}"')


def on_server(declared):
    """A type that every server takes: MariaDB wants to know how long a text may be, and cuts seconds otherwise."""
    if isinstance(declared, sa.String) and declared.length is None:
        return sa.Text()
    return declared
