"""``inspect`` as a person runs it: what its arguments may be, what it writes, how it ends."""

from __future__ import annotations

import json
import sqlite3
import stat
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.core.observations import observation_codes
from etl.core.problems import Severity

CLEAN = "PERSON_ID,LAST_NM,SEX_CD\n1,Zyxwvut,F\n2,Qponmlk,M\n3,Zyxwvut,F\n4,Qponmlk,M\n"


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(app, ["inspect", *map(str, arguments), "--progress", "none"])

    return invoke


@pytest.fixture
def export(tmp_path):
    (tmp_path / "PERSONS.csv").write_text(CLEAN)
    return tmp_path / "PERSONS.csv"


def facts(result):
    return json.loads(result.stdout)


def test_a_clean_export_ends_with_0_and_a_dirty_one_with_1(run, export):
    assert run(export).exit_code == 0
    export.write_text(CLEAN + "5,Odd\n")
    result = run(export)
    assert result.exit_code == 1
    assert "line 6 (byte" in result.stdout


def test_files_patterns_and_folders_name_the_same_tables(run, export):
    for argument in (export, export.parent / "*.csv", export.parent):
        assert [table["name"] for table in facts(run(argument, "--json"))["tables"]] == ["PERSONS"]


def test_no_value_of_a_person_is_in_any_output_unless_revealed(run, export, tmp_path):
    page, kept = tmp_path / "c.html", tmp_path / "c.fingerprint"
    result = run(export, "--json", "--html", page, "--save", kept)
    for text in (result.stdout, result.stderr, page.read_text(), kept.read_text()):
        assert "Zyxwvut" not in text
    assert "Zyxwvut" in run(export, "--json", "--reveal").stdout


def test_what_it_writes_is_private_to_its_owner(run, export, tmp_path):
    run(export, "--html", tmp_path / "c.html", "--save", tmp_path / "c.fingerprint")
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("c.html", "c.fingerprint")} == {0o600}


def test_a_later_export_is_compared_with_the_kept_fingerprint(run, export, tmp_path):
    kept = tmp_path / "c.fingerprint"
    assert run(export, "--save", kept).exit_code == 0
    assert run(export, "--against", kept).exit_code == 0
    export.write_text(CLEAN.replace("4,Qponmlk,M", "4,Qponmlk,U"))
    result = run(export, "--against", kept, "--json")
    assert result.exit_code == 1
    assert [each["code"] for each in facts(result)["observations"] if each["severity"] == "warn"] == ["new_codes"]


def test_a_database_is_looked_at_by_its_url_and_its_url_is_never_shown(run, tmp_path):
    with sqlite3.connect(tmp_path / "old.db") as database:
        database.execute("create table CASES (CASE_NO text, OPEN_DT text)")
        database.execute("insert into CASES values ('1', '2020-01-02'), ('2', null)")
    database.close()
    found = facts(run(f"sqlite:///{tmp_path}/old.db", "--json"))
    assert [(table["name"], table["rows"], table["keys"]) for table in found["tables"]] == [
        ("old.CASES", 2, [["CASE_NO"]])
    ]
    assert str(tmp_path) not in json.dumps(found)


def test_parquet_json_lines_and_dumps_are_read_by_their_endings(run, tmp_path):
    pq.write_table(pa.table({"ID": ["1", "2"]}), tmp_path / "A.parquet")
    (tmp_path / "B.jsonl").write_text('{"ID": "1"}\n{"ID": "2"}\n')
    (tmp_path / "C.sql").write_text(
        "-- PostgreSQL database dump\nCREATE TABLE t (id integer);\nINSERT INTO t VALUES (1), (2);\n-- PostgreSQL database dump complete\n"
    )
    found = facts(run(*(tmp_path / name for name in ("A.parquet", "B.jsonl", "C.sql")), "--json"))
    assert [(table["rows"], table["keys"]) for table in found["tables"]] == [
        (2, [["ID"]]),
        (2, [["ID"]]),
        (2, [["id"]]),
    ]


def test_a_headerless_file_shows_nothing_of_its_first_person(run, export):
    export.write_text("7,Zyxwvut,01/31/2011\n8,Qponmlk,02/28/2012\n")
    result = run(export, "--json")
    assert result.exit_code == 1
    assert [each["code"] for each in facts(result)["observations"]] == ["header_missing"]
    assert "Zyxwvut" not in result.stdout


@pytest.mark.parametrize(("argument", "code"), [("nothing*.csv", 3), ("book.zip", 2)])
def test_an_argument_that_names_nothing_readable_ends_with_what_to_do(run, tmp_path, argument, code):
    (tmp_path / "book.zip").write_bytes(b"PK")
    result = run(tmp_path / argument)
    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 2


def test_files_of_one_name_in_two_folders_are_told_apart(run, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "T.csv").write_text("ID,A\n1,x\n")
    names = [table["name"] for table in facts(run(tmp_path / "a", tmp_path / "b", "--json"))["tables"]]
    assert names == [str(tmp_path / "a" / "T.csv"), str(tmp_path / "b" / "T.csv")]


def test_codes_of_observations_are_documented():
    page = (Path(__file__).parents[3] / "docs" / "inspect.md").read_text()
    missing = [each.code for each in observation_codes() if f"`{each.code}`" not in page]
    assert missing == []
    assert all(severity in page for severity in Severity)


def test_a_bad_layout_is_a_finding_and_the_other_sources_are_looked_at(run, tmp_path):
    (tmp_path / "PEOPLE.csv").write_text("PERSON_ID,CITY\n1,Athens\n")
    (tmp_path / "OLD.txt").write_text("0001\n")
    (tmp_path / "old.cpy").write_text("01 R.\n 05 A PIC X(4) COMP-X.\n")
    (tmp_path / "project.yaml").write_text(
        "project: p\ntimezone: UTC\n"
        "sources:\n  old: {fixed_width: '*.txt', layout: old.cpy}\n  new: {csv: '*.csv'}\n"
        "profiles:\n  s: {base_url: 'http://127.0.0.1:1', token_url: 'http://127.0.0.1:1', tenant: sandbox}\n"
    )
    result = run(str(tmp_path), "--json")
    assert result.exit_code == 1
    assert [each["name"] for each in facts(result)["tables"]] == ["new.PEOPLE"]
    assert "old.OLD" in result.stdout


def project_of(folder, sources):
    (folder / "project.yaml").write_text(
        f"project: p\ntimezone: UTC\nsources:\n{sources}"
        "profiles:\n  s: {base_url: 'http://127.0.0.1:1', token_url: 'http://127.0.0.1:1', tenant: sandbox}\n"
    )
    return folder


def places_of(result):
    found = facts(result)["observations"]
    return {each["code"]: each["places"][0] for each in found if each["places"]}


def test_bytes_of_files_of_fixed_width_are_judged_like_those_of_delimited_text(run, tmp_path):
    (tmp_path / "OLD.txt").write_bytes("0001é\n".encode() + b"0002\xe9\n0003a\n00")
    (tmp_path / "layout.csv").write_text("column,start,length\nID,1,4\nNM,5,1\n")
    result = run(project_of(tmp_path, "  old: {fixed_width: OLD.txt, layout: layout.csv, encoding: utf-8}\n"), "--json")
    places = places_of(result)
    assert (places["encoding_mixed"]["line"], places["encoding_mixed"]["offset_bytes"]) == (2, 7)
    assert (places["undecodable_row"]["line"], places["truncated"]["line"]) == (2, 4)
    assert places["truncated"]["offset_bytes"] == 19


def test_bytes_of_files_in_zips_are_judged_too(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "drop.zip", "w") as archive:
        archive.writestr("x/PEOPLE.csv", "ID,NM\n1,é\n".encode() + b"2,\xe9\n3")
    result = run(project_of(tmp_path, "  old: {zip: drop.zip, csv: '*.csv'}\n"), "--json")
    places = places_of(result)
    assert (places["encoding_mixed"]["line"], places["encoding_mixed"]["offset_bytes"]) == (3, 11)
    assert places["truncated"]["offset_bytes"] == 15
    assert facts(result)["tables"][0]["origin"] == "drop.zip: PEOPLE.csv"


def test_files_of_a_folder_that_nothing_reads_are_named_with_their_declaration(run, export):
    (export.parent / "old.mdb").write_bytes(b"x")
    (export.parent / "NOTES.sql").write_text(
        "-- MySQL dump 10.13\nCREATE TABLE `N` (`ID` int);\nINSERT INTO `N` VALUES (1);\n-- Dump completed\n"
    )
    result = run(export.parent, "--json")
    assert sorted(each["name"] for each in facts(result)["tables"]) == ["NOTES.N", "PERSONS"]
    (left,) = [each for each in facts(result)["observations"] if each["code"] == "not_read"]
    assert (left["table"], '{access: "old.mdb"}' in left["detail"]) == ("old.mdb", True)


def test_files_beside_those_of_a_project_are_named(run, export):
    folder = project_of(export.parent, "  old: {csv: 'PERS*.csv'}\n")
    assert "not_read" not in {each["code"] for each in facts(run(folder, "--json"))["observations"]}
    (folder / "MORE.csv").write_text(CLEAN)
    (left,) = [each for each in facts(run(folder, "--json"))["observations"] if each["code"] == "not_read"]
    assert left["table"] == "MORE.csv"


def test_files_inside_of_a_zip_that_nothing_reads_are_named(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "drop.zip", "w") as archive:
        for name in ("x/PEOPLE.csv", "x/MORE.CSV", "x/old.zip", "x/readme.md", "__MACOSX/x/._PEOPLE.csv"):
            archive.writestr(name, CLEAN)
    folder = project_of(tmp_path, "  old: {zip: drop.zip, csv: '*.csv'}\n")
    told = [each for each in facts(run(folder, "--json"))["observations"] if each["code"] in ("not_read", "unreadable")]
    assert {each["table"]: each["detail"] for each in told} == {
        "drop.zip: MORE.CSV": 'MORE.CSV: declare it as {zip: "drop.zip", csv: "*.CSV"}',
        "drop.zip: old.zip": "old.zip: unpack it, and declare what comes out",
    }


def test_a_finding_of_a_table_that_is_not_there_says_of_which(run, export, tmp_path):
    (export.parent / "GONE.csv").write_text(CLEAN)
    run(export.parent, "--save", tmp_path / "before.fingerprint")
    (export.parent / "GONE.csv").unlink()
    lines = run(export.parent, "--against", tmp_path / "before.fingerprint").stdout.splitlines()
    at = next(at for at, line in enumerate(lines) if "lost_table" in line)
    assert lines[at - 1] == "GONE:"


@pytest.mark.parametrize("rows", ["", "1,x\n1,x\n2,y\n"])
@pytest.mark.parametrize("name", ["N", "n", "rows", "same", "value"])
def test_columns_may_be_called_as_the_program_calls_its_own(run, tmp_path, name, rows):
    (tmp_path / "T.csv").write_text(f"{name},B\n{rows}")
    result = run(tmp_path / "T.csv", "--json")
    repeated = [each["count"] for each in facts(result)["observations"] if each["code"] == "repeated_rows"]
    assert (result.exit_code, repeated) == ((1, [1]) if rows else (0, []))


def test_a_number_that_not_everybody_has_is_no_key_beside_a_whole_one(run, tmp_path):
    rows = "".join(f"u{each},{each if each != 5 else ''}\n" for each in range(40))
    (tmp_path / "organizations.csv").write_text("organization_uuid_id,organization_tax_id\n" + rows)
    codes = {each["code"] for each in facts(run(tmp_path / "organizations.csv", "--json"))["observations"]}
    assert "missing_keys" not in codes
