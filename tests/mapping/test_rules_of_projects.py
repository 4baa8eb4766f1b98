"""Rules of project.yaml: spoken of an entity or a mapping, told at their place, part of each mapping that they judge."""

from __future__ import annotations

import datetime as dt

import pytest

from etl.pipeline.inline_tests import run_tests

STAYS = """\
mapping: stays
target: involvement
source: legacy.STAYS
key: STAY_ID
fields:
  case: {ref: case, key: [COUNTY, CASE_NO]}
  person: {ref: person, key: PERSON_ID}
  involvement_type: {const: Placement}
  started_on: {from: BEG, do: [date]}
  ended_on: {from: FIN, do: [date]}
"""


def documents(desk, rule: str) -> dict[str, str]:
    return {
        "project.yaml": desk.project("rules:", f"  - {rule}"),
        "people.yaml": desk.people("date_of_birth: {from: DOB, do: [date]}"),
        "cases.yaml": desk.cases(),
        "stays.yaml": STAYS,
        "old_stays.yaml": STAYS.replace("mapping: stays", "mapping: old_stays"),
    }


def rules_by_mapping(desk, rule: str):
    return {each.name: each.rules for each in desk.load(documents(desk, rule)).mappings if each.rules}


def test_a_rule_of_an_entity_judges_all_its_mappings_together(desk):
    found = rules_by_mapping(desk, "{of: involvement, no_overlap: {by: person, from: started_on, to: ended_on}}")
    assert sorted(found) == ["old_stays", "stays"]
    assert {each.together for rules in found.values() for each in rules} == {("old_stays", "stays")}


def test_a_rule_may_speak_of_one_mapping(desk):
    found = rules_by_mapping(desk, "{of: stays, in_order: [started_on, ended_on]}")
    assert [(name, rules[0].together, rules[0].parents) for name, rules in found.items()] == [("stays", ("stays",), ())]


def test_a_condition_reaches_fields_of_parents_through_a_link(desk):
    rule = rules_by_mapping(desk, "{of: stays, age: {of: person.date_of_birth, at: started_on, min: 0, max: 21}}")
    assert rule["stays"][0].parents == ("person.date_of_birth",)
    assert rule["stays"][0].fields == ("started_on",)


def test_a_rule_of_the_project_counts_in_the_checksums_of_the_mappings_it_judges(desk):
    rule = "{of: stays, in_order: [started_on, ended_on]}"
    plain = {
        each.name: each.checksum
        for each in desk.load({**documents(desk, rule), "project.yaml": desk.project()}).mappings
    }
    ruled = {each.name: each.checksum for each in desk.load(documents(desk, rule)).mappings}
    assert [name for name in ruled if ruled[name] != plain[name]] == ["stays"]


def test_a_rule_of_the_project_is_tried_by_inline_tests(desk):
    given = documents(desk, "{of: stays, in_order: [started_on, ended_on], severity: block}")
    given["stays.yaml"] += (
        "tests:\n  - name: an end before the beginning\n"
        "    given: {STAY_ID: '1', COUNTY: A, CASE_NO: '1', PERSON_ID: '1', BEG: 2020-01-02, FIN: 2020-01-01}\n"
        "    bucket: quarantined\n    problems: [{code: rule_broken}]\n"
    )
    assert [each.failures for each in run_tests(desk.load(given), dt.date(2026, 1, 31))] == [()]


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        ("{of: ¦involvment, check: started_on is not null}", "unknown_mapping", "Did you mean `involvement`?"),
        ("{of: stays, check: ¦startd_on is not null}", "unknown_field", "`stays` has no field `startd_on`"),
        ("{of: stays, check: ¦person.date_of_brth is null}", "unknown_field", "`person.date_of_birth`"),
        ("¦{of: stays, check: src.BEG is null}", "wrong_name", "rows of one mapping"),
        ("¦{of: stays, one_per: {by: person.date_of_birth, when: ended_on is null}}", "wrong_name", "own fields"),
        ("¦{of: stays}", "wrong_form", "exactly one kind"),
        ("¦{check: started_on is null}", "missing_key", "`of` is missing"),
        ("{of: stays, check: started_on is null, ¦severty: warn}", "unknown_key", "`severity`"),
    ],
)
def test_a_slip_in_a_rule_of_the_project_is_told_at_its_place(desk, rule, code, said):
    found = desk.only_mistake(documents(desk, rule))
    assert found.code == code
    assert said in f"{found.message} {found.hint}"
