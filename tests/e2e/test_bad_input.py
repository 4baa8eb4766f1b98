"""Bad input at the command line: each ends with its exit code, the place and the remedy, no traceback, nothing lost."""

from __future__ import annotations

import shutil
import time

import pytest

from tests.e2e.harness import ROOT, SMALL, etl, finished, sandbox, small, start, writes
from tests.e2e.pictures import known


def validate(place):
    return etl("validate", place.project, "--progress", "none")


def assert_told(ended, code, *words):
    """The exit code, every word in the message, and neither a traceback nor a defect of ours."""
    assert ended.code == code, ended.text
    for word in words:
        assert word in ended.text, f"{word!r} is not told in:\n{ended.text}"
    assert "Traceback" not in ended.text
    assert "defect" not in ended.text


def with_line(name, old, new):
    assert old in SMALL[name]
    return {name: SMALL[name].replace(old, new)}


# ---------------------------------------------------------------- sources


def test_a_missing_source_file(tmp_path):
    place = small(tmp_path)
    shutil.rmtree(tmp_path / "data")
    assert_told(validate(place), 3, f"There is no folder {tmp_path}/data", "source legacy", "*.csv", "project.yaml")


def test_a_missing_source_file_names_the_variable_that_it_came_from(tmp_path, monkeypatch):
    monkeypatch.setenv("OLD_EXPORT", str(tmp_path / "data"))
    source = SMALL["project.yaml"].replace("../../data/*.csv", "${OLD_EXPORT}/*.tsv")
    place = small(tmp_path, changes={"project.yaml": source})
    assert_told(validate(place), 3, f"No file in {tmp_path}/data matches *.tsv", "source legacy", "OLD_EXPORT")


def test_a_missing_database_file_is_named(tmp_path):
    source = SMALL["project.yaml"].replace("legacy:", 'old: {sql: "sqlite:///gone.db"}\n  legacy:')
    place = small(tmp_path, changes={"project.yaml": source})
    assert_told(validate(place), 3, f"The SQLite file {place.project}/gone.db of source old does not exist")


def test_an_encoding_that_does_not_exist_is_told_at_its_place(tmp_path):
    source = SMALL["project.yaml"].replace("encoding: utf-8", "encoding: cp1252x")
    place = small(tmp_path, changes={"project.yaml": source})
    for command in ("lint", "validate"):
        assert_told(
            etl(command, place.project), 2, "project.yaml:4:47: There is no text encoding `cp1252x`", "cp1252, latin-1"
        )


def test_utf_8_read_as_a_code_page_is_told_with_its_first_line(tmp_path):
    source = SMALL["project.yaml"].replace("encoding: utf-8", "encoding: cp1252")
    persons = SMALL["data/PERSONS.csv"].replace("Cy,Vale", "Cy,Riv\u00e9ra").replace("Dot,Moss", "Dot,Mo\u00dfs")
    place = small(tmp_path, changes={"project.yaml": source, "data/PERSONS.csv": persons.encode()})
    assert validate(place).code == 0, "a remark only: it may be meant"
    (problem,) = [row for row in place.rows("problems.parquet") if row["code"] == "utf8_in_code_page"]
    assert (problem["table"], problem["line"], problem["severity"]) == ("legacy.PERSONS", 4, "warn")
    assert problem["detail"] == "2 lines, declared cp1252"


def test_a_missing_table(tmp_path):
    place = small(tmp_path)
    (tmp_path / "data" / "CASES.csv").unlink()
    assert_told(validate(place), 2, "cases.yaml:3:", "legacy.CASES", "is its file there?")


def test_a_wrong_encoding_is_named_with_its_offset_and_candidates(tmp_path):
    undeclared = SMALL["project.yaml"].replace(", encoding: utf-8", "")
    persons = SMALL["data/PERSONS.csv"].replace("Vale", "Valé").encode("cp1252")
    place = small(tmp_path, changes={"project.yaml": undeclared, "data/PERSONS.csv": persons})
    assert_told(validate(place), 3, "PERSONS.csv", "byte offset", "cp1252", "encoding:")


def test_rows_outside_the_declared_encoding_are_quarantined_by_line(tmp_path):
    persons = SMALL["data/PERSONS.csv"].replace("Dot,Moss", "Dot,Möss").encode("cp1252")
    place = small(tmp_path, changes={"data/PERSONS.csv": persons})
    assert_told(validate(place), 1, "balanced")
    (problem,) = [row for row in place.rows("problems.parquet") if row["code"] == "undecodable_row"]
    assert (problem["table"], problem["line"]) == ("legacy.PERSONS", 5)


def test_ragged_rows_are_quarantined_by_line_and_never_shifted(tmp_path):
    persons = (
        SMALL["data/PERSONS.csv"]
        .replace("3,Cy,Vale,2011-07-08,2", "3,Cy,Vale,2011-07-08")
        .replace("4,Dot,Moss,2012-09-10,", "4,Dot,Moss,2012-09-10,,surplus")
    )
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url, {"data/PERSONS.csv": persons})
        assert_told(place.run(), 1, "balanced")
        ragged = [(row["table"], row["line"]) for row in place.rows("problems.parquet") if row["code"] == "ragged_row"]
        assert ragged == [("legacy.PERSONS", 4), ("legacy.PERSONS", 5)]
        assert casebook.oracle.counts()["person"] == 2
        assert place.problems()["case_people", "parent_missing"] == 2, "nobody guesses the key of a damaged row"


def test_a_duplicate_header(tmp_path):
    place = small(tmp_path, changes=with_line("data/PERSONS.csv", "BORN,MOTHER", "BORN,BORN"))
    assert_told(validate(place), 3, "PERSONS.csv", "BORN")


def test_a_missing_parent_blocks_its_child_alone(tmp_path):
    place = small(tmp_path, changes=with_line("data/MEMBERS.csv", "C2,4", "C9,4"))
    assert_told(validate(place), 1, "balanced", "waiting for a record")
    (problem,) = [row for row in place.rows("problems.parquet") if row["code"] == "parent_missing"]
    assert (problem["table"], problem["line"], problem["field"]) == ("legacy.MEMBERS", 5, "case")


def test_a_duplicate_legacy_key_holds_both_rows_back(tmp_path):
    place = small(tmp_path, changes=with_line("data/CASES.csv", "C3,Reed", "C2,Reed"))
    assert_told(validate(place), 1, "balanced")
    lines = sorted(row["line"] for row in place.rows("problems.parquet") if row["code"] == "duplicate_key")
    assert lines == [3, 4]


def test_a_file_over_10_mb_is_refused_before_anything_is_sent(tmp_path):
    scans = """\
mapping: scans
target: attachment
source: legacy.SCANS
key: ID
fields:
  file: {file: docs, path: PATH}
  file_name: PATH
  target: {ref: case, key: CASE_NO}
"""
    limit = 10 * 1024 * 1024
    files = {
        "scans.yaml": scans,
        "data/SCANS.csv": "ID,PATH,CASE_NO\n1,large.pdf,C1\n2,just.pdf,C1\n",
        "data/files/large.pdf": b"%" * (limit + 1),
        "data/files/just.pdf": b"%" * limit,
    }
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url, files)
        assert_told(place.run(), 1, "balanced")
        assert place.problems()["scans", "file_too_large"] == 1
        (held,) = casebook.oracle.records("attachment")
        assert held.attributes["byte_size"] == limit


def test_a_wrong_password_is_told_without_the_password(tmp_path, locked_postgres_url, monkeypatch):
    monkeypatch.setenv("OLD_URL", locked_postgres_url.render_as_string(hide_password=False))
    place = small(tmp_path, changes=with_line("project.yaml", "legacy:", 'old: {sql: "${OLD_URL}"}\n  legacy:'))
    ended = validate(place)
    assert_told(ended, 3, "of source old at", "port ", "as user clerk answers, and refuses user or password")
    assert "opens-nothing" not in ended.text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql+psycopg://clerk:opens-nothing@127.0.0.1:9/old", ("at 127.0.0.1, port 9,", "cannot be reached")),
        ("mysql://clerk:opens-nothing@127.0.0.1:9/old", ("at 127.0.0.1, port 9,", "cannot be reached")),
    ],
)
def test_a_server_that_is_not_there_is_not_taken_for_a_wrong_password(tmp_path, monkeypatch, url, words):
    monkeypatch.setenv("OLD_URL", url)
    place = small(tmp_path, changes=with_line("project.yaml", "legacy:", 'old: {sql: "${OLD_URL}"}\n  legacy:'))
    ended = validate(place)
    assert_told(ended, 3, "The database old of source old", "as user clerk", "OLD_URL", *words)
    assert "refuses" not in ended.text
    assert "opens-nothing" not in ended.text


def test_a_token_address_that_is_not_there_is_named(tmp_path):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        place.edit("project.yaml", f'token_url: "{casebook.base_url}', 'token_url: "http://127.0.0.1:9')
        place.edit("project.yaml", "quiet_s: 0.3", "quiet_s: 0.3, deadline_s: 2")
        assert_told(place.run(), 3, "http://127.0.0.1:9/oauth2/token", "no connection", "token_url")


def test_a_password_in_the_project_file_is_refused(tmp_path):
    source = 'old: {sql: "postgresql://clerk:opens-nothing@localhost/old"}\n  legacy:'
    ended = validate(small(tmp_path, changes=with_line("project.yaml", "legacy:", source)))
    assert_told(ended, 2, "project.yaml:4:", "secret", "environment")
    assert "opens-nothing" not in ended.text


# ---------------------------------------------------------------- mappings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (with_line("people.yaml", "LAST\n", "LASST\n"), ("people.yaml:7:", "LASST", "Did you mean", "LAST")),
        (with_line("people.yaml", "last_name:", "lst_name:"), ("people.yaml:7:3", "lst_name", "Did you mean", "last_name")),
        (with_line("people.yaml", "  last_name", "  first_name"), ("people.yaml:7:3", "second time", "line 6")),
        (with_line("case_people.yaml", "Child}", "no}"), ("case_people.yaml:8:", "no", '"no"')),
        (with_line("cases.yaml", "Foster Care", "Fostr Care"), ("cases.yaml:8:", "Foster Care")),
    ],
    ids=["unknown column", "unknown attribute", "duplicate YAML key", "unquoted no", "unknown option"],
)  # fmt: skip
def test_a_mistake_in_a_mapping_is_told_at_its_place(tmp_path, changes, words):
    place = small(tmp_path, changes=changes)
    for command in ("validate", "lint"):
        assert_told(etl(command, place.project), 2, *words)


def test_all_mistakes_are_told_at_once(tmp_path):
    changes = with_line("people.yaml", "last_name:", "lst_name:") | with_line("cases.yaml", "goals:", "gaols:")
    assert_told(validate(small(tmp_path, changes=changes)), 2, "3 mistakes", "lst_name", "gaols")


def test_a_cycle_of_required_references_names_its_path(tmp_path):
    """A tenant where a provider needs its location and a location its owner can take neither first."""
    overlay = OVERLAY.replace(
        "\nentities:\n",
        "\nentities:\n"
        "  provider: {links: {facility_location: {required: true}}}\n"
        "  location: {links: {owner: {to: [provider], required: true}}}\n",
    )
    cyclic = {
        "offices.yaml": OFFICES,
        "places.yaml": PLACES,
        "tenants/cyclic.yaml": overlay,
        "project.yaml": SMALL["project.yaml"].replace("tenant: sandbox", "tenant: tenants/cyclic.yaml"),
    }
    place = small(tmp_path, changes=cyclic)
    path = ("location -[owner]-> provider", "provider -[facility_location]-> location")
    assert_told(etl("lint", place.project), 2, "required references form a cycle", *path, ".yaml:")
    assert_told(validate(place), 2, "required references form a cycle", *path)


# ---------------------------------------------------------------- the world


def test_an_unreachable_server(tmp_path):
    place = small(tmp_path, "http://127.0.0.1:9")
    place.edit("project.yaml", "quiet_s: 0.3", "quiet_s: 0.3, deadline_s: 2")
    ended = place.run()
    assert_told(ended, 3, "no connection", "token_url")
    with sandbox() as casebook:
        place.edit("project.yaml", "http://127.0.0.1:9", casebook.base_url)
        assert_told(place.run(), 0, "Complete")


def test_a_second_run_at_the_same_time_is_refused_by_name(tmp_path):
    with sandbox(latency_s=0.4) as casebook:
        place = small(tmp_path, casebook.base_url)
        first = start("run", place.project, "--progress", "none")
        while not writes(casebook.oracle) and first.poll() is None:
            time.sleep(0.02)
        second = place.run()
        assert_told(second, 3, str(first.pid), "run")
        assert finished(first).code == 0
        assert len(known(place.state)) == 11


def test_a_state_database_of_another_tenant(tmp_path, monkeypatch):
    elsewhere = {"tenants/elsewhere.yaml": OVERLAY.replace("\ntenant: sandbox\n", "\ntenant: elsewhere\n")}
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url, elsewhere)
        assert_told(place.run(), 0, "Complete")
        before = writes(casebook.oracle)
        place.edit("project.yaml", "tenant: sandbox", "tenant: tenants/elsewhere.yaml")
        monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_ID", "sandbox")
        monkeypatch.setenv("CASEBOOK_SANDBOX_CLIENT_SECRET", "sandbox")
        assert_told(place.run(), 3, "small-sandbox.state.db", "sandbox/sandbox", "elsewhere/sandbox", "profile")
        assert writes(casebook.oracle) == before


def test_a_state_database_of_another_project_key(tmp_path, monkeypatch):
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        assert_told(place.run(), 0, "Complete")
        monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", "f" * 64)
        assert_told(place.run(), 3, "project key")


OVERLAY = (ROOT / "etl/catalog/tenants/sandbox.yaml").read_text("utf-8")
OFFICES = """\
mapping: offices
target: provider
source: legacy.CASES
key: CASE_NO
fields:
  name: TITLE
  facility_location: {ref: location, key: CASE_NO}
"""
PLACES = """\
mapping: places
target: location
source: legacy.CASES
key: CASE_NO
fields:
  city: TITLE
  owner: {ref: provider, key: CASE_NO}
"""


def test_a_refused_command_says_nothing_more_when_its_process_ends(tmp_path):
    refused = etl("lint", tmp_path / "nowhere")
    ended = finished(start("lint", tmp_path / "nowhere"))
    assert (ended.code, ended.out, ended.err) == (2, refused.out, refused.err)
