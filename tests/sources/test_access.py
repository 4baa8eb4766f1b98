"""Access databases by what mdbtools prints: programs that replay recorded output stand in for the real ones."""

import os
from pathlib import Path

import pytest

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.access import AccessSource

SCHEMA = """\
-- ----------------------------------------------------------
-- MDB Tools - A library for reading MS Access database files
-- ----------------------------------------------------------

CREATE TABLE [Client List]
 (
\t[ID]\t\t\tLong Integer,\x20
\t[LAST NM]\t\t\tText (40),\x20
\t[BORN]\t\t\tDateTime,\x20
\t[FEE]\t\t\tCurrency,\x20
\t[ACTIVE]\t\t\tBoolean NOT NULL,\x20
\t[PHOTO]\t\t\tOLE (255)
);
"""
PRINTED = """\
ID,LAST NM,BORN,FEE,ACTIVE,PHOTO
1,"O""Brien, Núñez","2011-02-09 00:00:00",1.5000,1,
2,"two
lines",,,0,
3,"",,,0,"FFD8"
"""
PROGRAM = """#!/bin/sh
printf '%s\\n' "$0" "$@" >> "{log}"
[ -f "{folder}/fails" ] && exit 1
cat "{answer}"
"""


@pytest.fixture
def access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AccessSource:
    answers = {"mdb-tables": "Client List\nVISITS\n", "mdb-schema": SCHEMA, "mdb-export": PRINTED}
    for program, answer in answers.items():
        (tmp_path / f"{program}.txt").write_text(answer, encoding="utf-8")
        script = PROGRAM.format(log=tmp_path / "log", folder=tmp_path, answer=tmp_path / f"{program}.txt")
        (tmp_path / program).write_text(script)
        (tmp_path / program).chmod(0o755)
    (tmp_path / "case.mdb").write_bytes(b"x")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return AccessSource("old", str(tmp_path / "case.mdb"), types={"BORN": "date"})


def test_tables_are_the_users_tables_sorted(access):
    assert list(access.tables()) == ["Client List", "VISITS"]


def test_rows_take_the_one_text_form_and_bytes_are_damage(access):
    rows = [tuple(row.values()) for batch in access.read("Client List", 2) for row in batch.to_pylist()]
    assert rows == [
        (1, 2, None, "1", 'O"Brien, Núñez', "2011-02-09", "1.5000", "true", ""),
        (2, 3, None, "2", "two\nlines", "", "", "false", ""),
        (3, 5, "undecodable_row", None, None, None, None, None, None),
    ]
    assert access.facts("Client List").origin == "case.mdb"


def test_names_reach_the_program_as_they_are_and_behind_the_options(access, tmp_path):
    list(access.read("Client List", 10))
    said = (tmp_path / "log").read_text().splitlines()
    assert said[-3:] == ["--", str(tmp_path / "case.mdb"), "Client List"]


def test_an_unknown_table_is_an_error_that_names_it(access):
    with pytest.raises(SourceUnavailable, match="has no table NOWHERE"):
        list(access.read("NOWHERE", 10))


def test_a_file_that_mdbtools_cannot_read_is_refused(access, tmp_path):
    (tmp_path / "fails").touch()
    with pytest.raises(SourceUnreadable, match=r"old \(case.mdb\) cannot be read by mdbtools"):
        access.tables()


def test_a_missing_file_is_an_error(access, tmp_path):
    with pytest.raises(SourceUnavailable, match="does not exist"):
        AccessSource("old", str(tmp_path / "none.mdb")).tables()


def test_without_mdbtools_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "case.mdb").write_bytes(b"x")
    with pytest.raises(SettingsError, match="Install mdbtools"):
        AccessSource("old", str(tmp_path / "case.mdb")).tables()
