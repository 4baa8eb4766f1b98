"""Every drafted mapping begins with a test of invented values that passes at once; no cell of the data is in it."""

from __future__ import annotations

import pytest

from etl.mapping.draft.documents import mapping_text
from tests.e2e.harness import SAMPLE, SMALL, etl, small_project

PEOPLE = "CLNT_NO,LNAME,FIRST_NM,DOB,SEX_CD,DELETED_FL\n" + "".join(
    f"C{n:03d},Quenby,Zebedee,0{n % 9 + 1}/2{n % 8}/199{n % 10},{'FM'[n % 2]},{'Y' if n == 7 else 'N'}\n"
    for n in range(40)
)


@pytest.mark.parametrize("sample", ["legacy", "hmis", "hsds", "legacy.db"])
def test_the_tests_of_a_draft_pass_at_once(tmp_path, sample):
    project = tmp_path / "drafted"
    assert etl("init", project, "--source", SAMPLE / sample, "--timezone", "America/Chicago").code == 0
    assert etl("scaffold", project, "--progress", "none").code == 0
    ended = etl("test", project, "--json")
    assert ended.code == 0, ended.text
    mappings = [each.stem for each in project.glob("*.yaml") if each.name != "project.yaml"]
    assert sorted(each["mapping"] for each in ended.answer["tests"]) == sorted(mappings)


def test_a_first_test_gives_invented_values_and_supposes_labels(drafted):
    (people,) = drafted(CLIENTS=PEOPLE).mappings
    assert people.test == {
        "name": "invented values become a record",
        "given": {
            "CLNT_NO": "1", "LNAME": "Example", "FIRST_NM": "Example", "DOB": "02/03/2001", "SEX_CD": "1",
        },
        "with": {"crosswalk": {"gender": {"1": "Female"}}},
        "expect": {
            "last_name": "Example", "first_name": "Example", "date_of_birth": "2001-02-03", "gender": "Female",
            "custom_fields.legacyNumber": "1",
        },
    }  # fmt: skip
    text = mapping_text(people)
    assert "Quenby" not in text
    assert "Zebedee" not in text


def test_a_first_test_says_what_is_held_back_until_somebody_decides(drafted):
    (people,) = drafted(CLIENTS=PEOPLE.replace("FIRST_NM", "XQ")).mappings
    assert people.test["bucket"] == "quarantined"
    assert people.test["problems"] == [{"field": "first_name", "code": "required_missing"}]


def test_a_project_without_tests_is_told_how_to_add_one(tmp_path):
    ended = etl("test", small_project(tmp_path, SMALL).project)
    assert ended.code == 0
    assert ended.out.startswith("No tests yet. Add one to a mapping")
    assert "given: {CLIENT_NO: '1'" in ended.out
