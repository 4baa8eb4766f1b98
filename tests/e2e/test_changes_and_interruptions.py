"""After a load: what changed is sent and nothing else; what was repaired follows; what was interrupted goes on."""

from __future__ import annotations

import signal
import time
from collections import Counter
from dataclasses import replace

import pytest

from tests.e2e.harness import SMALL, etl, finished, sandbox, small, start, writes
from tests.e2e.pictures import known, prove


@pytest.fixture
def loaded(tmp_path):
    """The project in sight, loaded; its sandbox goes on."""
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        ended = place.run()
        assert ended.code == 0, ended.text
        yield place, casebook.oracle


def change(place, file, old, new):
    path = place.folder / "data" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def policy(place, file, old, new):
    """Somebody edits a document of the project."""
    path = place.project / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def person(oracle, first_name):
    return next(each for each in oracle.records("person") if each.attributes["first_name"] == first_name)


def sent_since(oracle, before):
    return Counter(writes(oracle)) - Counter(before)


def test_a_changed_value_is_one_patch_of_exactly_that_field(loaded):
    place, oracle = loaded
    before, old = writes(oracle), {record.id: record for record in oracle.records("person")}
    change(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    ended = place.run()
    assert ended.code == 0, ended.text
    assert sent_since(oracle, before) == {("PATCH", "person"): 1}
    assert changed_fields(place) == [("person", ["last_name"], [])]
    assert person(oracle, "Dot").attributes["last_name"] == "Reed"
    same = {record.id for record in oracle.records("person") if record == old[record.id]}
    assert len(same) == 3
    assert (
        place.summary()["entities"]["person"] | {"updated": 1, "unchanged": 3} == place.summary()["entities"]["person"]
    )


def test_a_patch_leaves_what_others_changed_in_other_fields(loaded):
    place, oracle = loaded
    dot = person(oracle, "Dot")
    overwrite(oracle, dot.id, middle_name="Kim", date_of_birth="2012-09-11")
    change(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    assert place.run().code == 0
    attributes = person(oracle, "Dot").attributes
    assert (attributes["last_name"], attributes["middle_name"]) == ("Reed", "Kim")
    assert attributes["date_of_birth"] == "2012-09-11", "only the changed field was sent"


def test_a_removed_value_is_left_alone_and_told(loaded):
    place, oracle = loaded
    before, old = writes(oracle), oracle.records("case")
    change(place, "CASES.csv", "C2,Moss family,Stay together", "C2,Moss family,")
    for _ in range(2):
        assert place.run().code == 0
        told = [(row["code"], row["field"], row["line"]) for row in place.rows("plan_problems.parquet")]
        assert told == [("value_left", "goals", 3)], "as long as both sides differ"
        assert place.summary()["problems"]["value_left"] == {"warn": 1}
    assert sent_since(oracle, before) == {}
    assert oracle.records("case") == old
    assert place.summary()["entities"]["case"]["unchanged"] == 3
    assert etl("verify", place.project, "--progress", "none").code == 0, "what was left alone is not compared"


def test_a_value_that_was_left_is_cleared_once_the_mapping_says_so(loaded):
    place, oracle = loaded
    change(place, "CASES.csv", "C2,Moss family,Stay together", "C2,Moss family,")
    assert place.run().code == 0
    before = writes(oracle)
    policy(place, "cases.yaml", "goals: GOAL", "goals: {from: GOAL, send_null: clear}")
    assert place.run().code == 0
    assert sent_since(oracle, before) == {("PATCH", "case"): 1}
    assert all("goals" not in record.attributes for record in oracle.records("case"))
    assert place.rows("plan_problems.parquet") == []


def test_what_was_cleared_is_expected_to_be_empty_by_each_later_verify(loaded):
    place, oracle = loaded
    policy(place, "project.yaml", "profiles:", "defaults: {send_null: clear}\nprofiles:")
    change(place, "CASES.csv", "C2,Moss family,Stay together", "C2,Moss family,")
    assert place.run().code == 0
    change(place, "PERSONS.csv", "Dot,Moss", "Dot,Reed")
    assert place.run().code == 0
    assert etl("verify", place.project, "--progress", "none").code == 0
    moss = next(each for each in oracle.records("case") if each.attributes["name"] == "Moss family")
    overwrite(oracle, moss.id, goals="Stay together")
    ended = etl("verify", place.project, "--progress", "none", "--json")
    assert ended.code == 1, ended.text
    assert "altered_in_target" in ended.text
    assert "Stay together" not in ended.text


def test_a_removed_value_is_cleared_where_the_mapping_says_so(loaded):
    place, oracle = loaded
    before = writes(oracle)
    policy(place, "cases.yaml", "goals: GOAL", "goals: {from: GOAL, send_null: clear}")
    change(place, "CASES.csv", "C2,Moss family,Stay together", "C2,Moss family,")
    assert place.run().code == 0
    assert sent_since(oracle, before) == {("PATCH", "case"): 1}
    assert changed_fields(place) == [("case", [], ["goals"])]
    assert all("goals" not in record.attributes for record in oracle.records("case"))


def test_a_removed_parent_clears_the_optional_link_and_holds_what_needs_it(loaded):
    """Ada leaves the source: Bea's mother is cleared; Ada's place in the case stays, and is told."""
    place, oracle = loaded
    before = writes(oracle)
    ada = person(oracle, "Ada")
    policy(place, "people.yaml", "target: person", "target: person\nsend_null: clear")
    change(place, "PERSONS.csv", "2,Bea,Vale,1989-05-06,1", "2,Bea,Vale,1989-05-06,")
    change(place, "MEMBERS.csv", "C1,1\n", "")
    change(place, "PERSONS.csv", "1,Ada,Vale,1961-02-03,\n", "")
    ended = place.run()
    assert ended.code == 0, ended.text
    assert sent_since(oracle, before) == {("PATCH", "person"): 1}
    assert "mother" not in person(oracle, "Bea").links
    assert person(oracle, "Ada") == ada, "a row that is gone never deletes"
    assert oracle.counts()["case_person"] == 4


def test_a_repaired_row_and_its_blocked_children_load_in_the_next_run(tmp_path):
    broken = SMALL["data/CASES.csv"].replace("C1,Vale family", "C1,")
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url, {"data/CASES.csv": broken})
        ended = place.run()
        assert ended.code == 1, ended.text
        entities = place.summary()["entities"]
        assert (entities["case"]["quarantined"], entities["case_person"]["blocked"]) == (1, 3)
        assert casebook.oracle.counts() == {"person": 4, "case": 2, "case_person": 1}
        before = writes(casebook.oracle)
        change(place, "CASES.csv", "C1,", "C1,Vale family")
        ended = place.run()
        assert ended.code == 0, ended.text
        assert sent_since(casebook.oracle, before) == {("POST", "case"): 1, ("POST", "case_person"): 3}
        assert casebook.oracle.counts() == {"person": 4, "case": 3, "case_person": 4}


def test_a_changed_key_is_a_new_record_and_the_old_one_stays(loaded):
    place, oracle = loaded
    before = writes(oracle)
    change(place, "CASES.csv", "C3,Reed", "C4,Reed")
    assert place.run().code == 0
    assert sent_since(oracle, before) == {("POST", "case"): 1}
    assert oracle.counts()["case"] == 4


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.e2e)])
def test_an_interrupted_run_drains_and_the_same_command_goes_on(agency, reference, number):
    with sandbox(latency_s=0.02) as casebook:
        agency.point_at(casebook.base_url)
        process = start("run", agency.project, "--profile", "sandbox", "--progress", "none")
        while sum(casebook.oracle.counts().values()) < 40 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(number)
        ended = finished(process)
        assert ended.code == 130, ended.text
        assert "The same command goes on where it stopped." in ended.err
        assert "Traceback" not in ended.text
        summary = agency.summary()
        assert summary["ledger"]["balanced"]
        pending = sum(account["pending"] for account in summary["ledger"]["mappings"])
        assert 0 < pending < reference.records.total()
        assert unclear(agency) == 0, "what was in flight was waited for"
        ended = agency.run()
        assert ended.code == 1, ended.text
        assert prove(agency.state, casebook.oracle, reference.good, reference.records).is_clean
        assert posts_by_marker(casebook.oracle) == {1}


@pytest.mark.e2e
def test_two_interruptions_end_at_once_and_lose_nothing(agency, reference):
    with sandbox(agency.folder / "sandbox.db", latency_s=0.3) as slow:
        agency.point_at(slow.base_url)
        port = int(slow.base_url.rpartition(":")[2])
        process = start("run", agency.project, "--profile", "sandbox", "--progress", "none")
        while sum(slow.oracle.counts().values()) < 8 and process.poll() is None:
            time.sleep(0.01)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        assert finished(process).code == 130
        assert unclear(agency) > 0
        time.sleep(0.4)
    with sandbox(agency.folder / "sandbox.db", port=port) as casebook:
        ended = agency.run()
        assert ended.code == 1, ended.text
        assert prove(agency.state, casebook.oracle, reference.good, reference.records).is_clean


def unclear(place):
    return sum(row.state == "intent" for row in known(place.state))


def posts_by_marker(oracle):
    return set(oracle.markers().values())


def changed_fields(place):
    """What the latest plan would change: entity, changed and cleared fields."""
    return [
        (row["entity"], row["changed"], row["cleared"])
        for row in place.rows("plan.parquet")
        if row["action"] == "update"
    ]


def overwrite(oracle, record_id, **values):
    """Somebody edits a record in Casebook."""
    row = oracle.database.row(record_id)
    oracle.database.replace(replace(row, attributes={**row.attributes, **values}))
