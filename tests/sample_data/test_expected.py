from __future__ import annotations

import csv
import json
import re
import sqlite3

import pytest

from etl.core.problems import problem_codes

BUCKETS = ("ignored", "merged", "quarantined", "blocked")


def records_of(path, encoding):
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def test_every_csv_table_has_the_rows_that_the_account_says(sample):
    agency = json.loads((sample / "expected.json").read_text())["rows"]
    hmis = json.loads((sample / "hmis" / "expected.json").read_text())["rows"]
    for path in (sample / "legacy").glob("*.csv"):
        assert records_of(path, "cp1252") == agency[f"legacy.{path.stem}"], path.stem
    for path in (sample / "hmis").glob("*.csv"):
        assert records_of(path, "utf-8-sig") == hmis[f"hmis.{path.stem}"], path.stem


def test_every_file_of_the_directory_has_the_rows_that_the_account_says(sample):
    hsds = json.loads((sample / "hsds" / "expected.json").read_text())["rows"]
    for path in (sample / "hsds").glob("*.csv"):
        assert records_of(path, "utf-8") == hsds[f"hsds.{path.stem}"], path.stem


def test_every_sql_table_has_the_rows_that_the_account_says(sample):
    agency = json.loads((sample / "expected.json").read_text())["rows"]
    database = sqlite3.connect(f"{(sample / 'legacy.db').as_uri()}?mode=ro", uri=True)
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counted = {f"oldsql.{name}": database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}  # noqa: S608 - names of the schema
    database.close()
    assert counted == {table: rows for table, rows in agency.items() if table.startswith("oldsql.")}


def test_every_row_of_every_mapping_ends_in_exactly_one_bucket(expected):
    for mapping, account in expected["mappings"].items():
        assert account["read"] == expected["rows"][account["table"]], mapping
        ended = account["loaded"] + sum(sum(account[bucket].values()) for bucket in BUCKETS)
        assert ended == account["read"], mapping


def test_every_reason_is_a_registered_problem_code(expected):
    known = {each.code for each in problem_codes()}
    for account in expected["mappings"].values():
        assert {*account["quarantined"], *account["blocked"]} <= known
    assert {fault["code"] for fault in expected["dirt"] if fault["bucket"] != "ignored"} - {""} <= known


def test_what_is_quarantined_is_exactly_what_was_planted(expected):
    """A row is only ever quarantined for a planted fault; a table of several mappings may count one several times."""
    for table in {account["table"] for account in expected["mappings"].values()}:
        planted = {
            fault["code"]: 0
            for fault in expected["dirt"]
            if fault["where"] == table and fault["bucket"] == "quarantined"
        }
        for fault in expected["dirt"]:
            if fault["where"] == table and fault["bucket"] == "quarantined":
                planted[fault["code"]] += fault["rows"]
        accounts = [each["quarantined"] for each in expected["mappings"].values() if each["table"] == table]
        assert {code for account in accounts for code in account} == set(planted), table
        assert all(max(account.get(code, 0) for account in accounts) == count for code, count in planted.items()), table


def test_little_of_the_sample_is_held_back(expected):
    read = sum(account["read"] for account in expected["mappings"].values())
    held = sum(sum(account[each].values()) for account in expected["mappings"].values() for each in BUCKETS[2:])
    assert 0 < held / read < 0.07


def test_the_readme_lists_every_planted_fault_and_no_other(expected, sample):
    text = (sample / "README.md").read_text(encoding="utf-8")
    for fault in expected["dirt"]:
        end = f"{fault['bucket']}, `{fault['code']}`" if fault["code"] else fault["bucket"]
        assert f"| {fault['dirt']} | {fault['where']} | {fault['rows']} | {end} |" in text
    own = {table.split(".")[0] for table in expected["rows"]}
    listed = re.findall(r"^\| [^|]+ \| (\w+)\.\w+ \| \d+ \| [^|]+ \|$", text, re.MULTILINE)
    assert sum(source in own for source in listed) == len(expected["dirt"])


@pytest.mark.parametrize(
    ("table", "bytes_planted"),
    [
        ("PERSONS", b"Gr\x81n"),
        ("PERSONS", b"Jo\x07an"),
        ("PERSONS", b",02/30/1991,"),
        ("PERSONS", b",999-99-9999,"),
        ("PERSONS", "Núñez".encode("cp1252")),
        ("PERSONS", "D\u2019Angelo".encode("cp1252")),
        ("CASES", b"=cmd|"),
        ("CASE_PEOPLE", b", 0"),
        ("NOTES", b'\r\n\r\n""'),
        ("SCANS", b",../legacy.db,"),
    ],
)
def test_the_dirt_is_in_the_bytes(sample, table, bytes_planted):
    assert bytes_planted in (sample / "legacy" / f"{table}.csv").read_bytes()


def test_the_exports_files_look_like_real_ones(sample):
    files = {path.stem: path.read_bytes() for path in (sample / "hmis").glob("*.csv")}
    assert len(files) == 23
    assert files["HealthAndDV"].startswith(b"\xef\xbb\xbfHealthAndDVID,")
    assert files["Assessment"].startswith(b'"AssessmentID",')
    assert b"\r\n" in files["Enrollment"]
    assert b"\r" not in files["Client"]
