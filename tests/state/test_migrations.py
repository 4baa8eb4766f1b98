"""A state database of any earlier version opens, whole, after a copy of it was saved."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from etl.core.changes import MarkCreated, PendingLink
from etl.core.errors import StateError
from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.state import migrations, open_reader, sqlite
from etl.state.reader import SqlReader
from etl.state.tables import METADATA

FROZEN = Path(__file__).with_name("state_v1.sql").read_text(encoding="utf-8")
ANN, BOB = RecordKey("a" * 32), RecordKey("b" * 32)
NEXT = (*migrations.STEPS, ("ALTER TABLE uploads ADD COLUMN checksum TEXT",))
BROKEN = (*migrations.STEPS, ("ALTER TABLE uploads ADD COLUMN checksum TEXT", "CREATE NONSENSE"))


@pytest.fixture
def frozen(path) -> Path:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript(FROZEN)
    connection.close()
    return path


def columns(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    names = [row[1] for row in connection.execute("PRAGMA table_info(uploads)")]
    connection.close()
    return names


def test_a_state_of_version_1_opens_and_goes_on(frozen, opened):
    with opened() as store:
        assert store.epoch == 8
        assert store.known([ANN])[ANN].target_id == "id-1"
        assert list(store.pending_links()) == [(ANN, PendingLink("mother", BOB))]
        assert list(store.pending_uploads()) == [ANN]
        assert store.attribute(ANN, "assignment_id") == "42"
        assert store.watermark("legacy", "CLIENT", "CHANGED") == "2026-06-30"
        run = store.open_run()
        assert run
        assert (run.run_id, run.stage) == ("r1", "load")
        store.commit(MarkCreated(BOB, TargetId("id-2"))).result(timeout=10)


def test_missing_steps_are_applied_after_a_copy_was_saved(frozen):
    engine = sqlite.writer(frozen)
    with engine.connect() as connection:
        sqlite.bring_up_to_date(connection, frozen, NEXT)
        assert sqlite.file_version(connection) == len(NEXT)
    engine.dispose()
    assert "checksum" in columns(frozen)
    copy = frozen.with_name(frozen.name + f".before-v{len(NEXT)}")
    assert "checksum" not in columns(copy)
    assert copy.stat().st_mode & 0o077 == 0
    with open_reader(copy) as reader:
        assert reader.known([ANN, BOB]).keys() == {ANN, BOB}


def test_a_step_that_fails_leaves_the_old_version_whole(frozen, opened):
    engine = sqlite.writer(frozen)
    with engine.connect() as connection, pytest.raises(OperationalError):
        sqlite.bring_up_to_date(connection, frozen, BROKEN)
    engine.dispose()
    assert "checksum" not in columns(frozen)
    with opened() as store:
        assert store.known([ANN])[ANN].target_id == "id-1"


def test_an_upgrade_can_be_repeated_after_it_was_cut_short(frozen):
    frozen.with_name(frozen.name + f".before-v{len(NEXT)}").write_bytes(b"half a copy")
    engine = sqlite.writer(frozen)
    with engine.connect() as connection:
        sqlite.bring_up_to_date(connection, frozen, NEXT)
    engine.dispose()
    assert "checksum" not in columns(frozen.with_name(frozen.name + f".before-v{len(NEXT)}"))


def test_a_reader_reads_an_older_state_from_a_copy_and_leaves_the_file(frozen):
    content = frozen.read_bytes()
    engine = sqlite.copy_in_memory(frozen, NEXT)
    assert "checksum" in {column["name"] for column in inspect(engine).get_columns("uploads")}
    with SqlReader(engine) as reader:
        assert reader.known([ANN])[ANN].target_id == "id-1"
    assert frozen.read_bytes() == content


def test_a_state_of_today_is_not_copied(path, opened):
    for _ in range(2):
        with opened():
            pass
    assert not list(path.parent.glob("*.before-*"))


def test_the_tables_in_use_are_those_that_the_steps_make(frozen):
    engine = sqlite.empty_in_memory()
    found = inspect(engine)
    assert set(found.get_table_names()) == set(METADATA.tables)
    for name, table in METADATA.tables.items():
        made = {
            (column["name"], column["type"].__class__.__name__, column["nullable"])
            for column in found.get_columns(name)
        }
        used = {(column.name, _plain(column.type), bool(column.nullable)) for column in table.columns}
        assert made == used, name
        assert found.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key], (
            name
        )
        assert {index["name"] for index in found.get_indexes(name)} == {index.name for index in table.indexes}, name
    engine.dispose()


def _plain(kind: object) -> str:
    return {"LargeBinary": "BLOB", "BigInteger": "INTEGER"}.get(type(kind).__name__, type(kind).__name__.upper())


def test_open_records_are_found_by_index(frozen):
    connection = sqlite3.connect(frozen)
    query = "SELECT rk FROM records WHERE state IN (?) AND records.state <> 'created' ORDER BY entity, rk"
    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", ["intent"]))
    connection.close()
    assert "records_open" in plan


def test_a_state_without_its_tables_is_refused(frozen, opened):
    connection = sqlite3.connect(frozen)
    connection.execute("DROP TABLE lease")
    connection.close()
    with pytest.raises(StateError):
        opened()
