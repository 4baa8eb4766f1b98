"""The same agency, delivered in every form, becomes the same records and the same problems, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.harness import KEY, SMALL, etl, small_project
from tests.sources.deliveries import DELIVERIES, Declaration, Table, on_server

PEOPLE = Table(
    "PERSONS",
    [
        ("ROW_NO", "INTEGER"), ("ID", "VARCHAR(8)"), ("FIRST", "VARCHAR(40)"), ("LAST", "VARCHAR(40)"),
        ("BORN", "DATE"),        ("DIED_TX", "VARCHAR(12)"), ("MOTHER", "VARCHAR(8)"), ("SEX", "VARCHAR(2)"), ("INCOME", "DECIMAL(10,2)"),
        ("DEPENDANTS", "INTEGER"), ("INTERP", "BOOLEAN"),
    ],
    [
        ("1", "007", "Ada", "Vale", "1901-02-28", None, None, "1", "0.10", "0", "true"),
        ("2", "008", 'Bea "Bee"', "O'Neil", "1989-05-06", "02/30/2001", "007", "2", "1200.00", "12", "false"),
        ("3", "7", "Zoë", "Łuczak-\\Ruiz", "2000-02-29", "01/31/2020", "008", "02", None, None, None),
        ("4", "09", "娜", "Vale, Jr.\tand Sons 🏠", "2011-07-08", None, "404", None, "99999999.99", "100", "true"),
        ("5", "1E5", "NULL", "N/A", None, "UNK", "007", "1", "-0.50", "-1", "false"),
        ("6", "010", "Dot", None, "2012-09-10", None, None, "9", "7.00", "1", None),
        ("7", None, "Nobody", "Nameless", "2012-09-10", None, None, "1", None, None, None),
        ("8", "008", "Bea", "Twice", "1989-05-07", None, None, "2", None, None, None),
    ],
)  # fmt: skip
CASES = Table(
    "CASES",
    [("CASE_NO", "INTEGER"), ("TITLE", "VARCHAR(200)"), ("OPENED", "TIMESTAMP"), ("GOAL", "VARCHAR(40)")],
    [
        ("1", "Vale family; first", "2020-03-08 02:30:00", None),
        ("20", "#3 |~ % -- /* ' */", "1999-12-31 23:59:59", "Stay together"),
        ("100000", "x" * 180, None, "none"),
    ],
)
MEMBERS = Table(
    "MEMBERS",
    [("MEMBER_ID", "INTEGER"), ("CASE_NO", "INTEGER"), ("ID", "VARCHAR(8)")],
    [("1", "1", "007"), ("2", "1", "7"), ("3", "20", "010"), ("4", "3", "007"), ("5", "100000", "70")],
)
AGENCY = (PEOPLE, CASES, MEMBERS)

MAPPINGS = {
    "people.yaml": """\
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
  first_name: FIRST
  last_name: LAST
  date_of_birth: {from: BORN, do: [date]}
  date_of_death: {from: DIED_TX, do: [{null_if: [UNK]}, {date: {in: ["%m/%d/%Y"]}}], on_error: empty}
  mother: {ref: person, key: MOTHER, on_missing: empty}
  gender: {from: SEX, crosswalk: genders, on_unmapped: empty}
  custom_fields.annualIncome: {from: INCOME, do: [number]}
  custom_fields.needsInterpreter: {from: INTERP, do: [boolean]}
  custom_fields.legacyNumber: DEPENDANTS
""",
    "crosswalks/genders.csv": "source,target\n1,Male\n2,Female\n",
    "cases.yaml": """\
mapping: cases
target: case
source: legacy.CASES
key: CASE_NO
fields:
  name: TITLE
  goals: GOAL
  opened_on: {from: OPENED, do: [{date: {in: ["%Y-%m-%d %H:%M:%S"]}}]}
  case_type: {const: Foster Care}
  case_status: {const: Open}
""",
    "case_people.yaml": """\
mapping: case_people
target: case_person
source: legacy.MEMBERS
key: MEMBER_ID
fields:
  case: {ref: case, key: CASE_NO}
  person: {ref: person, key: ID}
  role: {const: Child}
""",
}  # fmt: skip
PLACE_IN_THE_FILE = ("_line", "line")
"""Where a row stands in what was delivered; everything else has to be the same."""

Told: TypeAlias = "dict[str, bytes]"


def validated(folder: Path, declaration: Declaration) -> Told:
    """Records and problems as files of a dry run, byte for byte, and its figures."""
    place = small_project(folder, {"project.yaml": SMALL["project.yaml"], **MAPPINGS})
    place.edit("project.yaml", "profiles:", "ignore: {legacy.PERSONS: {ROW_NO: technical}}\nprofiles:")
    place.edit("project.yaml", '{csv: "../../data/*.csv", encoding: utf-8, delimiter: ","}', json.dumps(declaration))
    ended = etl("validate", place.project, "--progress", "none")
    assert ended.code == 1, ended.text
    files = [f"records/mapped/{name}.parquet" for name in ("people", "cases", "case_people")]
    return {
        **{name: without_place(place.latest(name)) for name in (*files, "problems.parquet")},
        "figures": json.dumps(place.summary()["ledger"]["mappings"]).encode(),
    }


def without_place(file: Path) -> bytes:
    """A Parquet file of a run, written again without the column that tells where a row was delivered."""
    table = pq.read_table(file)
    sink = pa.BufferOutputStream()
    pq.write_table(table.drop_columns([name for name in PLACE_IN_THE_FILE if name in table.column_names]), sink)
    return sink.getvalue().to_pybytes()


def rows_of(told: Told, file: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(pa.BufferReader(told[file])).to_pylist()
    return rows


@pytest.fixture(autouse=True)
def _one_project_key(monkeypatch):
    monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Told:
    """What the SQLite database gives, which holds declared types and values as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)
        return delivered("sqlite", tmp_path_factory.mktemp("reference"))


def delivered(delivery: str, folder: Path) -> Told:
    (folder / "delivered").mkdir()
    return validated(folder, DELIVERIES[delivery](folder / "delivered", AGENCY))


def assert_same(told: Told, reference: Told) -> None:
    for name in ("problems.parquet", *(each for each in reference if each.startswith("records/"))):
        assert rows_of(told, name) == rows_of(reference, name), name
    assert told == reference


@pytest.mark.parametrize("delivery", [name for name in DELIVERIES if name != "sqlite"])
def test_every_delivery_becomes_the_same_records_and_problems(tmp_path, reference, delivery):
    assert_same(delivered(delivery, tmp_path), reference)


def test_postgresql_becomes_the_same_records_and_problems(tmp_path, reference, postgres_database, monkeypatch):
    assert_same(validated(tmp_path, on_server(postgres_database, "timestamp", AGENCY, monkeypatch)), reference)


@pytest.mark.mariadb
def test_mariadb_becomes_the_same_records_and_problems(tmp_path, reference, mariadb_database, monkeypatch):
    assert_same(validated(tmp_path, on_server(mariadb_database, "datetime(6)", AGENCY, monkeypatch)), reference)


def test_the_agency_is_worth_comparing(reference):
    assert {row["code"] for row in rows_of(reference, "problems.parquet")} == {
        "missing_key", "duplicate_key", "required_missing", "invalid_value", "unmapped_value", "parent_missing",
        "parent_not_loadable", "link_left_out",
    }  # fmt: skip
    people = rows_of(reference, "records/mapped/people.parquet")
    assert [row["_key"] for row in people] == ["007", "008", "7", "09", "1E5", "010", "008"]
    assert people[2]["last_name"] == "Łuczak-\\Ruiz"
    assert people[3]["last_name"] == "Vale, Jr.\tand Sons 🏠"
    assert [str(row["date_of_birth"]) for row in people[:2]] == ["1901-02-28", "1989-05-06"]
    assert people[3]["custom_fields.annualIncome"] == 99999999.99
    assert [str(row["opened_on"]) for row in rows_of(reference, "records/mapped/cases.parquet")] == [
        "2020-03-08",
        "1999-12-31",
        "None",
    ]
