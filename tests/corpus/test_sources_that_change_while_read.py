"""What no page of the corpus can hold: sources that somebody changes while they are read, or between plan and upload."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl.cli import run
from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.core.ports import FileFacts
from etl.sandbox.server import Handle
from etl.sources.files import FolderFiles
from etl.sources.sql import SqlSource
from tests.corpus.corpus import Case, called, lay_out
from tests.e2e.harness import KEY, sandbox

ROWS = 100
TABLE = "create table t (a integer primary key, b text); create view v as select a, b from t"
FILL = "insert into t with recursive n(i) as (select 0 union all select i + 1 from n where i < 99) select i, 'Quenby' from n"


# ---------------------------------------------------------------- a view that goes


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_view_of_sqlite_that_goes_amid_reading_is_read_to_its_end_or_cannot_go(tmp_path, journal):
    url, reading = _begun(tmp_path, journal)
    with closing(sqlite3.connect(tmp_path / "old.db", timeout=0, isolation_level=None)) as other:
        if journal == "wal":
            other.execute("drop view v")
        else:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("drop view v")
    assert _numbers(reading) == list(range(ROWS))
    if journal == "wal":
        with pytest.raises(SourceUnavailable, match="has no table v"):
            list(SqlSource("legacy", url, ["v"]).read("v", 10))


def test_a_view_of_postgres_waits_with_going_until_it_is_read(postgres_database):
    _asked(postgres_database, *TABLE.split(";"), FILL)
    reading = SqlSource("legacy", postgres_database, ["v"]).read("v", 10)
    first = next(reading)
    with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
        _asked(postgres_database, "set lock_timeout to '200ms'", "drop view v")
    assert _numbers(chain([first], reading)) == list(range(ROWS))


def test_a_postgres_that_ends_amid_reading_is_an_error_with_its_place_and_gives_no_half_table(postgres_database):
    _asked(postgres_database, *TABLE.split(";"), "insert into t select n, 'Quenby' from generate_series(1, 200000) n")
    source = SqlSource("legacy", postgres_database, ["v"])
    reading = source.read("v", 10)
    next(reading)
    _asked(
        postgres_database,
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()",
    )
    with pytest.raises(SourceUnreadable, match=r"Reading legacy\.v failed") as caught:
        list(reading)
    assert caught.value.hint
    assert "Quenby" not in str(caught.value)
    with pytest.raises(KeyError):
        source.facts("v")


def _begun(folder: Path, journal: str) -> tuple[str, Iterator[Any]]:
    """A view of which one batch is read."""
    with closing(sqlite3.connect(folder / "old.db")) as connection:
        connection.executescript(f"pragma journal_mode = {journal}; {TABLE}; {FILL}")
        connection.commit()
    url = f"sqlite:///{folder / 'old.db'}"
    reading = SqlSource("legacy", url, ["v"]).read("v", 10)
    return url, chain([next(reading)], reading)


def _numbers(batches: Iterator[Any]) -> list[int]:
    return sorted(int(each) for batch in batches for each in batch.column("a").to_pylist())


def _asked(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for each in statements:
            connection.execute(sa.text(each))


# ---------------------------------------------------------------- an attachment that grows or is replaced


def test_a_file_that_grows_as_fast_as_it_is_read_ends_at_the_limit(tmp_path, monkeypatch):
    (tmp_path / "scan.pdf").write_bytes(b"x" * 100)
    made = hashlib.sha256

    class Growing:
        """A hash beside which somebody appends as much as was read."""

        def __init__(self) -> None:
            self._made = made()

        def update(self, block: bytes) -> None:
            self._made.update(block)
            with (tmp_path / "scan.pdf").open("ab") as file:
                file.write(block)

        def hexdigest(self) -> str:
            return self._made.hexdigest()

    monkeypatch.setattr("etl.sources.files._LARGEST_READ", 5_000)
    monkeypatch.setattr("etl.sources.files.hashlib.sha256", Growing)
    found = FolderFiles({"docs": tmp_path}).inspect("docs", "scan.pdf")
    assert isinstance(found, FileFacts)
    assert (found.size_bytes > 5_000, found.sha256) == (True, "")


@pytest.mark.parametrize("now", [b"%PDF of another", b"%PDF of a child and of more", b"%PDF"])
def test_an_attachment_that_is_not_the_planned_one_any_more_is_sent_by_the_next_run_alone(tmp_path, monkeypatch, now):
    monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)
    place = lay_out(Case("attachments/any", "Any file.", {}, None), tmp_path)
    (tmp_path / "data" / "SCANS.csv").write_text("ID,CASE_NO,NAME,PATH\nS1,1,scan.pdf,scan.pdf\n")
    (tmp_path / "data" / "CASES.csv").write_text("CASE_NO\n1\n")
    scan = tmp_path / "data" / "files" / "scan.pdf"
    scan.write_bytes(b"%PDF of a child")
    opened = FolderFiles.open

    def replaced(files: FolderFiles, source: str, path: str) -> Any:
        scan.write_bytes(now)
        return opened(files, source, path)

    with sandbox() as casebook:
        place.point_at(casebook.base_url)
        with monkeypatch.context() as patch:
            patch.setattr(FolderFiles, "open", replaced)
            ended = called(run.run, place)
        assert (ended.code, _uploaded(casebook)) == (1, []), ended.text
        ended = called(run.run, place)
        assert (ended.code, _uploaded(casebook)) == (0, [hashlib.sha256(now).hexdigest()]), ended.text


def _uploaded(casebook: Handle) -> list[Any]:
    return [
        each.attributes["sha256"] for each in casebook.oracle.records("attachment") if each.attributes.get("sha256")
    ]
