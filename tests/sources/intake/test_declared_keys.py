"""Keys and foreign keys that a dump or a database declares: shown, held against the rows, and used for drafts."""

# ruff: noqa: S608 - scripts in sight, run nowhere

import sqlite3

import pytest

from etl.catalog.loader import load_catalog
from etl.core.problems import Severity
from etl.mapping.draft.compose import Known, draft
from etl.mapping.draft.model import Confidence
from etl.mapping.draft.terms import shipped_terms
from etl.pipeline.intake import inspect_sources
from etl.pipeline.wiring import SystemClock
from etl.report.certificate import certificate_lines

SCRIPT = """CREATE TABLE PERSONS (ROW_REF integer PRIMARY KEY, FIRST_NAME varchar(40), LAST_NAME varchar(40), SEQ integer);
CREATE TABLE NOTES (NOTE_ID integer, AUTHOR integer, SUBJ varchar(40), PRIMARY KEY (NOTE_ID),
  FOREIGN KEY (AUTHOR) REFERENCES PERSONS (ROW_REF));
CREATE TABLE SHARES (A integer, B integer, C integer, PRIMARY KEY (A, B));
CREATE TABLE PARTS (P integer, Q integer, FOREIGN KEY (P, Q) REFERENCES SHARES (A, B));
INSERT INTO PERSONS VALUES (71, 'Ann', 'Vale', 1);
INSERT INTO PERSONS VALUES (82, 'Bo', 'Moss', 2);
INSERT INTO NOTES VALUES (1, 71, 'x');
INSERT INTO NOTES VALUES (2, 99, 'y');
INSERT INTO NOTES VALUES (3, 99, 'z');
INSERT INTO NOTES VALUES (4, NULL, 'z');
INSERT INTO SHARES VALUES (1, 1, 1);
INSERT INTO SHARES VALUES (1, 2, 1);
INSERT INTO PARTS VALUES (1, 2);
INSERT INTO PARTS VALUES (2, 1);
INSERT INTO PARTS VALUES (2, NULL);
"""


class Silent:
    def start(self, stage: str, total: int | None = None) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def dumped(folder, script=SCRIPT):
    (folder / "old.sql").write_text("-- PostgreSQL database dump\n" + script + "-- PostgreSQL database dump complete\n")
    return str(folder / "old.sql")


def in_a_database(folder, script=SCRIPT):
    with sqlite3.connect(folder / "old.sqlite") as connection:
        connection.executescript(script)
    connection.close()
    return f"sqlite:///{folder / 'old.sqlite'}"


@pytest.fixture(params=[dumped, in_a_database])
def certificate(request, tmp_path):
    return inspect_sources([request.param(tmp_path)], {}, Silent(), SystemClock())


def test_declared_keys_and_references_are_shown(certificate):
    keys = {table.name: table.declared_key for table in certificate.tables}
    assert keys == {"old.PERSONS": ("ROW_REF",), "old.NOTES": ("NOTE_ID",), "old.SHARES": ("A", "B"), "old.PARTS": ()}
    declared = [each for each in certificate.references if each.is_declared]
    assert [(each.table, each.column, each.parent, each.parent_column) for each in declared] == [
        ("old.NOTES", "AUTHOR", "old.PERSONS", "ROW_REF")
    ]
    lines = "\n".join(certificate_lines(certificate))
    assert "key: A+B (declared)" in lines
    assert "old.NOTES.AUTHOR -> old.PERSONS.ROW_REF (declared), 1 of 2 values missing" in lines


def test_orphans_of_declared_references_block_with_their_counts(certificate):
    found = [each for each in certificate.observations if each.code == "declared_parents_missing"]
    assert [(each.severity, each.table, each.column, each.count, each.detail) for each in found] == [
        (Severity.BLOCK, "old.NOTES", "AUTHOR", 2, "1 of 2 values are not in old.PERSONS.ROW_REF, as declared"),
        (Severity.BLOCK, "old.PARTS", "P+Q", 1, "1 of 2 values are not in old.SHARES.A+B, as declared"),
    ]


def test_a_declared_key_that_the_rows_do_not_keep_is_told(tmp_path):
    rows = "INSERT INTO PERSONS VALUES (71, 'Cy', 'Elm', 3);\nINSERT INTO SHARES VALUES (1, 2, 5);\n"
    found = inspect_sources([dumped(tmp_path, SCRIPT + rows)], {}, Silent(), SystemClock()).observations
    told = [(each.table, each.column, each.count) for each in found if each.code == "duplicate_keys"]
    assert told == [("old.PERSONS", "ROW_REF", 1), ("old.SHARES", "A+B", 1)]


STAYS = """CREATE TABLE CLIENTS (ROW_REF integer PRIMARY KEY, CLNT_NO integer, LNAME varchar(40), FIRST_NM varchar(40));
CREATE TABLE STAYS (STAY_ID integer PRIMARY KEY, WHOM integer, HOUSEHOLD_NO varchar(9), ENTRY_DT date, EXIT_DT date);
ALTER TABLE STAYS ADD CONSTRAINT F FOREIGN KEY (WHOM) REFERENCES CLIENTS;
"""


def test_a_draft_takes_declared_keys_and_references_for_certain(tmp_path):
    rows = "".join(f"INSERT INTO CLIENTS VALUES ({70 + n}, {n}, 'Vale{n}', 'Ann');\n" for n in range(9))
    rows += "".join(
        f"INSERT INTO STAYS VALUES ({n}, {70 + n % 9}, 'H{n % 4}', '2020-01-0{n % 9 + 1}', NULL);\n" for n in range(30)
    )
    certificate = inspect_sources([dumped(tmp_path, STAYS + rows)], {}, Silent(), SystemClock())
    made = draft(Known(certificate, load_catalog("sandbox"), shipped_terms()))
    people = next(each for each in made.mappings if each.entity == "person")
    assert people.key == ("ROW_REF",)
    assert people.why.endswith("the source declares its key")
    involved = next(each for each in made.mappings if each.table == "old.STAYS" and each.entity == "involvement")
    reference = next(each for each in involved.fields if each.name == "person")
    assert (reference.value, reference.confidence) == ({"ref": "person", "key": "WHOM"}, Confidence.HIGH)
    assert reference.why == "declared by the source; 9 of 9 values are in old.CLIENTS.ROW_REF"
