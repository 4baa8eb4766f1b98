"""Records that Casebook holds already: adopted where that is certain, asked about where it is not, never doubled."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
import uuid
from collections import Counter

import pytest

from etl.pipeline import runs
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


def undecided(tmp_path, casebook):
    """A project of which one person may be one of two in Casebook: its place, the key of that person and the two ids."""
    two = [somebody(casebook.oracle, "Ada", "Vale", "1961-02-03") for _ in range(2)]
    place = matching(tmp_path, casebook)
    assert place.run().code == 1
    (row,) = queue(place)
    return place, row["record_key"], two


def test_a_decided_candidate_that_is_deleted_before_the_run_is_asked_about_again(tmp_path, casebook):
    place, key, (one, other) = undecided(tmp_path, casebook)
    assert etl("resolve", place.project, "--match", key, other).code == 0
    casebook.oracle.database.remove(other)
    for _ in range(2):
        ended = place.run()
        assert ended.code == 1, ended.text
        assert [(row["why"], row["candidates"], row["decision"]) for row in queue(place)] == [("gone", one, "")]
    assert other not in ids_of(place)
    assert etl("resolve", place.project, "--match", key, one).code == 0
    assert place.run().code == 0
    assert ids_of(place)[one] == 1


def test_a_decided_candidate_that_was_the_only_one_is_not_quietly_created_anew(tmp_path, casebook):
    near = somebody(casebook.oracle, "Dott", "Moss", "2012-09-10")
    place = matching(tmp_path, casebook)
    assert place.run().code == 1
    key = queue(place)[0]["record_key"]
    assert etl("resolve", place.project, "--match", key, near).code == 0
    casebook.oracle.database.remove(near)
    assert place.run().code == 1
    assert [(row["why"], row["candidates"]) for row in queue(place)] == [("gone", "")]
    assert etl("resolve", place.project, "--match", key, "new").code == 0
    assert place.run().code == 0


def test_a_candidate_that_is_deleted_after_the_plan_is_not_adopted_when_the_run_goes_on(
    tmp_path, casebook, monkeypatch
):
    place, key, (one, other) = undecided(tmp_path, casebook)
    assert etl("resolve", place.project, "--match", key, other).code == 0
    plan = runs.plan_into

    def planned(*args):
        found = plan(*args)
        casebook.oracle.database.remove(other)
        return found

    monkeypatch.setattr(runs, "plan_into", planned)
    assert place.run().code == 1
    assert other not in ids_of(place)
    assert [(row["why"], row["candidates"]) for row in queue(place)] == [("gone", one)]


def test_a_decision_that_comes_after_the_record_was_loaded_is_refused_with_what_to_do(tmp_path, casebook):
    place, key, (one, _) = undecided(tmp_path, casebook)
    assert etl("resolve", place.project, "--match", key, "new").code == 0
    assert place.run().code == 0
    ended = etl("resolve", place.project, "--match", key, one)
    assert ended.code == 2
    assert "was created by a run already" in ended.err
    assert "Undo that run" in ended.err


def test_of_more_candidates_than_are_listed_any_that_agrees_may_be_named(tmp_path, casebook):
    several = [somebody(casebook.oracle, "Ada", "Vale", "1961-02-03") for _ in range(13)]
    place = matching(tmp_path, casebook)
    assert place.run().code == 1
    (row,) = queue(place)
    assert (row["why"], len(row["candidates"].split())) == ("several, and 3 more", 10)
    left_out = next(each for each in several if each not in row["candidates"].split())
    stranger = somebody(casebook.oracle, "Ada", "Other", "1961-02-03")
    ended = etl("resolve", place.project, "--match", row["record_key"], stranger)
    assert (ended.code, "does not agree" in ended.err) == (2, True)
    assert etl("resolve", place.project, "--match", row["record_key"], left_out).code == 0
    assert place.run().code == 0
    assert ids_of(place)[left_out] == 1


def test_a_queue_that_a_spreadsheet_saved_in_its_own_encoding_is_refused_with_place_and_remedy(tmp_path, casebook):
    place, *_ = undecided(tmp_path, casebook)
    path = place.runs / "small-sandbox.matches.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_bytes("\r\n".join([lines[0], lines[1] + "Jos\u00e9"]).encode("cp1252"))
    ended = etl("resolve", place.project)
    assert ended.code == 2
    assert "matches.csv, line 2: The file is not UTF-8." in ended.err
    assert "CSV UTF-8" in ended.err


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
