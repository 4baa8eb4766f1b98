"""Runs tell what has changed since the project was last inspected, and hold nothing back for it."""

from __future__ import annotations

import errno
import json
import os

import pytest

from tests.e2e.harness import KEY, SMALL, etl, small_project

PEOPLE = """\
mapping: people
target: person
source: legacy.PERSONS
key: ID
fields:
  first_name: FIRST
  last_name: LAST
  gender: {from: SEX, crosswalk: genders, on_unmapped: empty}
"""
NEW = ("codes_since_inspect", "column_since_inspect", "table_shrunken")


def rows(count, sex="MF", more=""):
    return f"ID,FIRST,LAST,SEX{more and ',' + more}\n" + "".join(
        f"{n},Ada,Quenby{n},{sex[n % len(sex)]}{more and ',x'}\n" for n in range(count)
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CASEBOOK_ETL_PROJECT_KEY", KEY)
    made = small_project(
        tmp_path,
        {
            "project.yaml": SMALL["project.yaml"],
            "people.yaml": PEOPLE,
            "crosswalks/genders.csv": "source,target\nM,Male\nF,Female\n",
            "data/PERSONS.csv": rows(40),
        },
    )
    (tmp_path / "data" / "files").mkdir()
    assert etl("inspect", made.project, "--progress", "none").code in {0, 1}
    return made


def told(place, content, verb="validate"):
    (place.folder / "data" / "PERSONS.csv").write_text(content, "utf-8")
    ended = etl(verb, place.project, "--progress", "none")
    assert ended.code == 0, ended.text
    found = [row for row in place.rows("problems.parquet") if row["code"] in NEW]
    return [(row["severity"], row["code"], row["table"], row["field"], row["detail"]) for row in found]


def test_the_same_delivery_tells_nothing(place):
    assert told(place, rows(40)) == []


def test_new_codes_are_counted_and_not_shown(place):
    found = told(place, rows(40, sex="MFX"))
    assert found == [("warn", "codes_since_inspect", "legacy.PERSONS", "SEX", "1 new value in 13 rows")]
    assert place.summary()["problems"]


def test_a_table_that_has_shrunk_is_told(place):
    found = told(place, rows(30))
    assert found == [("warn", "table_shrunken", "legacy.PERSONS", None, "40 rows when it was inspected, 30 now")]


def test_a_new_column_is_told(place):
    place.edit("project.yaml", "profiles:\n", "ignore: {legacy.PERSONS: {NEW: not needed}}\nprofiles:\n")
    found = told(place, rows(40, more="NEW"))
    assert found == [("info", "column_since_inspect", "legacy.PERSONS", "NEW", None)]


def test_inspecting_again_takes_what_is_there_as_known(place):
    assert told(place, rows(40, sex="MFX"))
    etl("inspect", place.project, "--progress", "none")
    assert told(place, rows(40, sex="MFX")) == []


def test_what_is_kept_holds_no_value_and_a_damaged_one_says_what_to_do(place):
    kept = place.runs / "small.fingerprint"
    assert kept.stat().st_mode & 0o077 == 0
    assert "quenby" not in kept.read_text("utf-8").lower()
    codes = {each["name"]: each["codes"] for each in json.loads(kept.read_text("utf-8"))["tables"][0]["columns"]}
    assert codes["LAST"] is None
    assert len(codes["SEX"]) == 2
    kept.write_text("{", "utf-8")
    ended = etl("validate", place.project, "--progress", "none")
    assert ended.code == 2
    assert "Remove it, and inspect the project again." in ended.err


def test_an_inspection_that_cannot_keep_anything_says_so_and_shows_its_certificate(monkeypatch, place):
    monkeypatch.setattr("etl.pipeline.since_inspect.replaced", refused)
    ended = etl("inspect", place.project, "--progress", "none")
    assert ended.code in {0, 1}
    assert f"Not kept for later runs: {place.runs} cannot be written (Read-only file system)." in ended.err


def refused(_path):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))
