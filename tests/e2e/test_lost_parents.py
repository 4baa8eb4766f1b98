"""A parent that a person deleted in Casebook: its children wait and say why, and it is not created again."""

from __future__ import annotations

import csv

from tests.e2e.harness import SMALL, etl, sandbox, small


def with_a_case_deleted(folder, casebook):
    """A project whose one case is loaded and gone from Casebook before its members come."""
    without = SMALL["data/MEMBERS.csv"].splitlines()[0] + "\n"
    place = small(folder, casebook.base_url, {"data/MEMBERS.csv": without})
    assert place.run().code == 0
    family = next(each for each in casebook.oracle.records("case") if each.attributes["name"] == "Vale family")
    casebook.oracle.database.remove(family.id)
    (place.folder / "data" / "MEMBERS.csv").write_text(SMALL["data/MEMBERS.csv"])
    return place


def test_children_of_a_deleted_parent_are_blocked_and_name_it(tmp_path):
    with sandbox() as casebook:
        place = with_a_case_deleted(tmp_path, casebook)
        ended = place.run()
        assert ended.code == 1, ended.text
        counts = place.summary()["entities"]["case_person"]
        assert (counts["blocked"], counts["rejected"], counts["created"]) == (3, 0, 1)
        assert place.problems()["case_people", "parent_gone"] == 3
        assert casebook.oracle.counts()["case"] == 2, "the parent is not created again"
        with (place.latest("problems.csv")).open(newline="") as file:
            assert any("parent " in text for row in csv.DictReader(file) for text in row.values() if text)
        assert "lost_in_target" in etl("verify", place.project, "--progress", "none", "--json").text


def test_children_of_a_parent_deleted_on_purpose_are_told_with_the_way_out_and_it_leads_out(tmp_path):
    with sandbox() as casebook:
        place = with_a_case_deleted(tmp_path, casebook)
        assert place.run().code == 1
        (gone,) = {row["detail"] for row in place.rows("load_problems.parquet") if row["code"] == "parent_gone"}
        said = etl("resolve", place.project, "--deleted", gone.removeprefix("parent "), "--why", "merged by a worker")
        assert "case_people: 3 records blocked, waiting for what was deleted: leave the rows out by `where`" in said.out
        ended = place.run()
        assert (ended.code, place.problems()["case_people", "parent_deleted_on_purpose"]) == (1, 3)
        assert place.problems()["case_people", "parent_gone"] == 0
        place.edit(
            "case_people.yaml", "source: legacy.MEMBERS", "source: {from: legacy.MEMBERS, where: \"CASE_NO <> 'C1'\"}"
        )
        assert place.run().code == 0
        counts = place.summary()["entities"]["case_person"]
        assert (counts["ignored"], counts["unchanged"], counts["blocked"]) == (3, 1, 0)
        assert etl("verify", place.project, "--progress", "none").code == 0


def test_a_link_that_travels_as_an_attribute_is_known_by_its_pointer_too(tmp_path):
    """A mother travels as a custom field, so the refusal points into the custom fields."""
    with sandbox() as casebook:
        place = small(tmp_path, casebook.base_url)
        assert place.run().code == 0
        mother = next(each for each in casebook.oracle.records("person") if each.attributes["first_name"] == "Bea")
        casebook.oracle.database.remove(mother.id)
        persons = place.folder / "data" / "PERSONS.csv"
        persons.write_text(persons.read_text() + "5,Eve,Vale,2020-01-01,2\n")
        assert place.run().code == 1
        assert place.problems()["people", "parent_gone"] == 1
