"""Records that Casebook holds already: adopted where that is certain, asked about where it is not, never doubled."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
import uuid
from collections import Counter

import pytest

from etl.sandbox.database import Row
from tests.e2e.harness import SMALL, etl, sandbox, small, writes

MATCHING = (
    SMALL["people.yaml"]
    + """\
match:
  - by: [last_name, first_name, date_of_birth]
  - {by: [last_name, date_of_birth], like: [first_name], at_least: 0.6}
adopt: true
"""
)


def somebody(oracle, first_name, last_name, born):
    """A person that a worker entered in Casebook."""
    values = {"first_name": first_name, "last_name": last_name, "date_of_birth": born}
    row = Row("person", str(uuid.uuid4()), values, {}, "2026-01-01T00:00:00.000000Z", "a worker")
    oracle.database.insert(row, [], [], 0)
    return row.id


@pytest.fixture
def casebook():
    with sandbox() as running:
        yield running


def matching(tmp_path, casebook, text=MATCHING, **files):
    return small(tmp_path, casebook.base_url, {"people.yaml": text, **files})


def ids_of(place):
    with contextlib.closing(sqlite3.connect(place.state)) as database:
        return dict(database.execute("select target_id, adopted from records where entity = 'person'"))


def queue(place):
    with (place.runs / "small-sandbox.matches.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def posted(oracle):
    return Counter(entity for method, entity in writes(oracle) if method == "POST")


def test_a_certain_match_is_adopted_without_a_write_and_carries_its_children(tmp_path, casebook):
    ada = somebody(casebook.oracle, "ADA", "vale", "1961-02-03")
    place = matching(tmp_path, casebook)
    ended = place.run()
    assert ended.code == 0, ended.text
    counts = place.summary()["entities"]["person"]
    assert (counts["adopted"], counts["created"]) == (1, 3)
    assert ids_of(place)[ada] == 1
    assert posted(casebook.oracle) == {"person": 3, "case": 3, "case_person": 4}
    assert not [entry for entry in casebook.oracle.journal("PATCH") if entry.record_id == ada]
    bea = next(each for each in casebook.oracle.records("person") if each.attributes["first_name"] == "Bea")
    assert bea.links["mother"] == (ada,)
    assert etl("verify", place.project, "--progress", "none").code == 0
    before = writes(casebook.oracle)
    assert place.run().code == 0
    assert writes(casebook.oracle) == before


def test_undoing_the_run_lets_go_of_what_it_adopted_and_deletes_it_not(tmp_path, casebook):
    ada = somebody(casebook.oracle, "Ada", "Vale", "1961-02-03")
    place = matching(tmp_path, casebook)
    assert place.run().code == 0
    run_id = next(place.runs.glob("*/options.json")).parent.name
    ended = etl("undo", run_id, place.project, "--yes", "--json", "--progress", "none")
    assert (ended.code, ended.answer["released"]) == (0, {"person": 1})
    assert [each.id for each in casebook.oracle.records("person")] == [ada]


def test_what_is_not_certain_is_asked_and_the_answer_is_remembered(tmp_path, casebook):
    one, other = (somebody(casebook.oracle, "Ada", "Vale", "1961-02-03") for _ in range(2))
    near = somebody(casebook.oracle, "Dott", "Moss", "2012-09-10")
    place = matching(tmp_path, casebook)
    ended = place.run()
    assert ended.code == 1, ended.text
    entities = place.summary()["entities"]
    assert (entities["person"]["blocked"], entities["person"]["created"]) == (2, 2)
    assert entities["case_person"]["blocked"] == 2
    assert {row["why"]: set(row["candidates"].split()) for row in queue(place)} == {
        "several": {one, other},
        "alike": {near},
    }
    text = (place.runs / "small-sandbox.matches.csv").read_text()
    assert not [name for name in ("Ada", "Vale", "Moss", "Dot", "1961") if name in text]
    listed = etl("resolve", place.project, "--json")
    assert listed.code == 1
    keys = {each["why"]: each["record_key"] for each in listed.answer["matches"]}
    assert etl("resolve", place.project, "--match", keys["several"], near).code == 2
    assert etl("resolve", place.project, "--match", keys["several"], other).code == 0
    assert etl("resolve", place.project, "--match", keys["alike"], "new").code == 0
    ended = place.run()
    assert ended.code == 0, ended.text
    counts = place.summary()["entities"]["person"]
    assert (counts["adopted"], counts["created"]) == (1, 1)
    assert (counts["updated"], counts["unchanged"]) == (1, 1), "Bea has a mother now"
    assert ids_of(place)[other] == 1
    before = writes(casebook.oracle)
    assert place.run().code == 0
    assert writes(casebook.oracle) == before


def test_two_legacy_records_never_become_one_record_unasked(tmp_path, casebook):
    ada = somebody(casebook.oracle, "Ada", "Vale", "1961-02-03")
    twice = SMALL["data/PERSONS.csv"] + "9,Ada,Vale,1961-02-03,\n"
    place = matching(tmp_path, casebook, **{"data/PERSONS.csv": twice})
    assert place.run().code == 1
    rows = queue(place)
    assert [(row["why"], row["candidates"]) for row in rows] == [("shared", ada)] * 2
    for row in rows:
        ended = etl("resolve", place.project, "--match", row["record_key"], ada)
    assert ended.code == 2
    assert "are both decided to be" in ended.err


def test_a_blank_never_matches_and_without_adopt_everything_is_asked(tmp_path, casebook):
    somebody(casebook.oracle, "Ada", "Vale", "")
    known = somebody(casebook.oracle, "Bea", "Vale", "1989-05-06")
    files = {"data/PERSONS.csv": SMALL["data/PERSONS.csv"].replace("Vale,1961-02-03", "Vale,")}
    place = matching(tmp_path, casebook, MATCHING.replace("adopt: true\n", ""), **files)
    assert place.run().code == 1
    assert [(row["why"], row["candidates"]) for row in queue(place)] == [("asked", known)]


def test_lint_knows_the_key(tmp_path, casebook):
    place = matching(tmp_path, casebook, MATCHING.replace("by: [last_name, first_name,", "by: [last_nam, mother,"))
    ended = etl("lint", place.project)
    assert ended.code != 0
    assert "`last_nam` is not mapped." in ended.text
    assert "`mother` cannot tell one record from another." in ended.text
