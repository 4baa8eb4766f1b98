"""References are judged from the project alone: entity, key space, number of key parts, choice among several."""

from __future__ import annotations

import pytest

STAFF = """\
mapping: staff
target: person
source: legacy.STAFF
key: STAFF_NO
fields:
  first_name: FIRST
  last_name: LAST
"""


def scan(target: str) -> str:
    return f"""\
mapping: scans
target: attachment
source: legacy.SCANS
key: ID
fields:
  file_name: NAME
  file: {{file: docs, path: PATH}}
  target: {target}
"""


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("mother: {ref: ¦cases, key: A}", "wrong_entity", "Known: person."),
        ("mother: {ref: ¦persn, key: A}", "wrong_entity", "Did you mean `person`?"),
        ("mother: {ref: ¦[person], key: A}", "wrong_form", "names no entity"),
        ("mother: ¦{ref: person}", "missing_key", "`key` is missing."),
        ("mother: {ref: person, key: ¦[A, B]}", "key_parts", "has 1 part, here are 2"),
        ("mother: {ref: ¦person@staf, key: A}", "key_space", "no key space `staf`"),
        ("mother: {ref: person, key: A, ¦by: KIND}", "useless_key", "needs several entities"),
        ("mother: {ref: person, key: A, ¦expect: one}", "useless_key", "needs several entities"),
        ("mother: {ref: person, key: A, on_missing: ¦skip}", "wrong_form", "must be one of 'block'"),
        ("mother: {ref: person, key: A, ¦split: ','}", "wrong_split", "holds one record"),
        ("mother: {ref: person, key: A, value: ¦nam}", "unknown_attribute", "no attribute `nam`"),
        ("mother: {ref: person, key: A, do: [trim, ¦nope]}", "unknown_operation", ""),
        ("mother: {ref: person, key: A, ¦do: [integer]}", "wrong_chain", "A key is text"),
        ("mother: {ref: person, key: A, do: [integer, ¦trim]}", "wrong_chain", "takes text"),
        ("mother: {ref: person, key: A, do: [trim, ¦{coalesce: [B]}]}", "wrong_chain", "reads further columns"),
    ],
)
def test_a_wrong_reference_is_told_where_it_stands(desk, line, code, said):
    found = desk.field_mistake(line)
    assert found.code == code
    assert said in f"{found.message} {found.hint}"


def test_an_entity_with_several_key_spaces_must_be_named_with_one(desk):
    documents = {"people.yaml": desk.people("mother: {ref: ¦person, key: A}"), "staff.yaml": STAFF}
    found = desk.only_mistake(documents)
    assert (found.code, found.hint) == ("key_space", "Write one of: person@people, person@staff.")


def test_a_reference_to_an_entity_that_no_mapping_feeds_is_told(desk):
    found = desk.only_mistake({"scans.yaml": scan("{ref: ¦case, key: CASE_NO}")})
    assert (found.code, found.message) == ("unfed_entity", "No mapping feeds `case`.")


def test_a_parent_that_cannot_be_read_makes_no_child_look_wrong(desk):
    documents = {"cases.yaml": "mapping: cases\ntarget: [\n", "scans.yaml": scan("{ref: case, key: CASE_NO}")}
    assert [(each.file, each.code) for each in desk.mistakes(documents)] == [("cases.yaml", "yaml_syntax")]


def test_a_parent_with_mistakes_of_its_own_makes_no_child_look_wrong(desk):
    documents = {"cases.yaml": desk.cases("¦nope: X"), "scans.yaml": scan("{ref: case, key: [COUNTY, CASE_NO]}")}
    assert desk.only_mistake(documents).code == "unknown_field"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("¦{ref: {case: CASE_NO, person: PERSON_ID}}", "wrong_form"),
        ("¦{ref: {case: CASE_NO, person: PERSON_ID}, expect: one, key: X}", "wrong_form"),
        ("{ref: {case: ¦7, person: PERSON_ID}, expect: one}", "wrong_form"),
        ("{ref: {case: ¦CASE_NO, person: PERSON_ID}, expect: one}", "key_parts"),
        ("{ref: {¦cse: CASE_NO, person: PERSON_ID}, expect: one}", "wrong_entity"),
        ("¦{ref: {P: person}, by: KIND}", "missing_key"),
        ("{ref: {P: ¦7}, by: KIND, key: ID}", "wrong_form"),
        ("{ref: {P: person}, by: KIND, key: ID, ¦expect: one}", "useless_key"),
        ("{ref: {P: ¦prson}, by: KIND, key: ID}", "wrong_entity"),
        ("{ref: ¦{}, by: KIND, key: ID}", "wrong_form"),
        ("{ref: {case: [A, B], person: C}, expect: one, ¦do: [trim]}", "wrong_chain"),
    ],
)
def test_a_wrong_polymorphic_reference_is_told_where_it_stands(desk, target, code):
    assert desk.only_mistake({"cases.yaml": desk.cases(), "scans.yaml": scan(target)}).code == code


def test_mappings_that_share_a_key_space_must_have_keys_alike(desk):
    more = STAFF.replace("key: STAFF_NO", "key: ¦[COUNTY, STAFF_NO]\nkeys: people")
    found = desk.only_mistake({"staff.yaml": more})
    assert (found.code, found.message) == ("key_parts", "The key space `people` has keys of 1 parts, here are 2.")


@pytest.mark.parametrize("target", ["¦no", "¦persn"])
def test_a_parent_whose_entity_is_misspelt_makes_no_child_look_wrong(desk, target):
    people = desk.people().replace("target: person", f"target: {target}")
    staff = desk.people().replace("mapping: people", "mapping: staff")
    child = {"scans.yaml": scan("{ref: person@people, key: PERSON_ID}"), "staff.yaml": staff}
    assert desk.only_mistake({"people.yaml": people, **child}).file == "people.yaml"
