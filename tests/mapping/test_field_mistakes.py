"""What is wrong with a field is told at the very character, with a code and, where one is near, the right word."""

from __future__ import annotations

import pytest

SEX = {"crosswalks/sex.csv": "SEX,target\nF,Female\n"}
RACE = {
    "crosswalks/race.csv": "R,target\nw,White\na,Asian\n",
    "crosswalks/pairs.csv": "A,B,target\nw,0,White\n",
}
TWO = {"crosswalks/two.csv": "A,B,target\n1,0,Female\n"}


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("¦frist_name2: X", "unknown_field", "Did you mean `first_name`?"),
        ("¦custom_fields.legacyNumbr: X", "unknown_field", "Did you mean `custom_fields.legacyNumber`?"),
        ("¦custom_fields.migrationKey: X", "marker_mapped", "written by the loader alone"),
        ("¦custom_fields.motherId: X", "carrier_mapped", "Map `mother` with `ref:`."),
        ("ssn: ¦[A, B]", "wrong_form", "says no value"),
        ("ssn: {from: ¦7}", "wrong_form", "Expected a text"),
        ("ssn: {from: SSN, ¦doo: [trim]}", "unknown_key", "Did you mean `do`?"),
        ("ssn: {from: SSN, ¦aggregate: [trim]}", "not_available", "not available in this version"),
        ("ssn: {from: SSN, do: [¦trimm]}", "unknown_operation", "Did you mean `trim`?"),
        ("ssn: {from: SSN, do: [¦py]}", "wrong_argument", "Write `py: module.function`."),
        ("ssn: {from: SSN, do: [{py: ¦own.clean}]}", "wrong_argument", "under `functions:` in project.yaml"),
        ("ssn: {from: SSN, do: [{length: ¦nine}]}", "wrong_argument", "length"),
        ("ssn: {from: SSN, do: [¦{trim: null, upper: null}]}", "wrong_form", "one operation a line"),
        ("ssn: {from: SSN, on_error: ¦skip}", "wrong_form", "must be one of 'quarantine'"),
        ("ssn: {from: SSN, on_error: ¦yes}", "yaml_boolean", "boolean"),
        ("ssn: ¦{from: SSN, on_error: default}", "default_missing", "no default to use"),
        ("ssn: {from: SSN, ¦default: none}", "useless_key", "No policy uses this default"),
        ("ssn: {from: SSN, ¦take: min}", "take_without_group", "Add `group:`"),
        ("ssn: {from: SSN, ¦on_unmapped: keep}", "useless_key", "needs a crosswalk"),
        ("ssn: {from: SSN, when: \"Q = '1' ¦andd R = 2\"}", "wrong_expression", "andd"),
        ("ssn: {from: SSN, when: Q =¦}", "wrong_expression", "ends too early"),
        ("ssn: {from: SSN, when: ¦any(Q = 1)}", "wrong_expression", "Add `group:`"),
        ("ssn: {from: ¦[A, B]}", "too_many_columns", "`concat`"),
        ("ssn: ¦{ref: person, key: A}", "wrong_kind", "no reference"),
        ("ssn: ¦{file: docs, path: A}", "wrong_kind", "holds no bytes"),
        ("ssn: {¦many: [{const: a}]}", "wrong_kind", "holds one value"),
        ("date_of_birth: {from: A, do: [integer, ¦date]}", "wrong_chain", "takes text"),
        ("date_of_birth: {from: A, ¦do: [integer]}", "wrong_type", "gives integer"),
        ("date_of_birth: {const: ¦soon}", "wrong_type", "a date such as"),
        ("custom_fields.annualIncome: {const: ¦much}", "wrong_type", "a number"),
        ('custom_fields.needsInterpreter: {const: ¦"yes"}', "wrong_type", "true or false"),
        ("custom_fields.legacyCounty: {const: ¦Adam}", "unknown_option", "Did you mean `Adams`?"),
        ('hispanic_or_latino: {const: ¦"Yes"}', "unknown_option", "Did you mean `yes`?"),
        ("gender: {const: ¦Femal}", "unknown_option", "Did you mean `Female`?"),
        ("gender: {from: A, on_error: default, default: ¦Femal}", "unknown_option", "Did you mean `Female`?"),
        ("gender: {const: ¦[a]}", "wrong_form", "Expected one text"),
        ("gender: {empty: ¦false}", "wrong_form", "must be one of True"),
        ('middle_name: {const: ¦"A {} B"}', "wrong_insert", "{COLUMN}"),
        ('middle_name: {const: ¦"A {B"}', "wrong_insert", "{COLUMN}"),
        ("gender: {choose: [¦{const: Female}, {const: Male}]}", "unreachable", "Nothing behind this"),
        ("gender: {choose: [¦{when: A = 1}]}", "wrong_form", "no alternative"),
        ("gender: {choose: [¦Female]}", "wrong_form", "no alternative"),
        ("gender: {choose: ¦[]}", "wrong_form", "at least one"),
        ("gender: {choose: [{when: ¦A, const: Female}]}", "wrong_expression", "a value, not a condition"),
        ("races: ¦{choose: [{const: White}], many: [{const: White}]}", "wrong_form", "exclude each other"),
        ("gender: {from: A, crosswalk: ¦sx}", "unknown_crosswalk", "Did you mean `sex`?"),
        ("gender: {from: A, do: [integer], crosswalk: ¦sex}", "wrong_chain", "takes text"),
        ("gender: {from: [A, B], crosswalk: ¦sex}", "crosswalk_width", "1 code column, but gets 2"),
        ("gender: {from: A, ¦do: [{split: ;}], crosswalk: sex}", "wrong_type", "`gender` is one value"),
        ("races: {from: [A, B], do: [{split: ;}], crosswalk: ¦race}", "crosswalk_width", "1 code column, but gets 2"),
        ("races: {from: [A, B], do: [{split: ;}], crosswalk: ¦pairs}", "wrong_chain", "which members belong together"),
    ],
)
def test_a_wrong_field_is_told_where_it_stands(desk, line, code, said):
    found = desk.field_mistake(line, SEX | RACE)
    assert found.code == code
    assert said in f"{found.message} {found.hint}"


def test_columns_in_another_order_than_the_crosswalk_are_a_slip(desk):
    found = desk.field_mistake("gender: {from: [B, A], crosswalk: ¦two}", TWO)
    assert (found.code, found.hint) == ("crosswalk_order", "Write them in the crosswalk's order: A, B.")


def test_a_label_of_a_crosswalk_that_the_tenant_does_not_offer_is_told_at_its_row(desk):
    desk.marks.append("crosswalks/sex.csv:3:1")
    found = desk.field_mistake(
        "gender: {from: S, crosswalk: sex}", {"crosswalks/sex.csv": "SEX,target\nF,Female\nM,Mann\n"}
    )
    assert found.code == "unknown_option"


def test_a_wrong_label_is_told_once_however_many_fields_use_the_crosswalk(desk):
    lines = ("gender: {from: S, crosswalk: sex}", "marital_status: {from: S, crosswalk: sex}")
    found = desk.mistakes({"people.yaml": desk.people(*lines), "crosswalks/sex.csv": "S,target\nU,Unknwn\n"})
    assert [str(each)[:22] for each in found] == ["crosswalks/sex.csv:2:1", "crosswalks/sex.csv:2:1"]
    assert len({each.message for each in found}) == 2


def test_a_required_attribute_that_is_not_mapped_is_told_at_fields(desk):
    text = "mapping: people\ntarget: person\nsource: legacy.P\nkey: ID\n¦fields:\n  first_name: A\n"
    found = desk.only_mistake({"people.yaml": text})
    assert (found.code, found.message) == ("required_unmapped", "`person` requires `last_name`, which is not mapped.")


def test_a_read_only_attribute_cannot_be_mapped(desk):
    found = desk.only_mistake({"cases.yaml": desk.cases("¦assignment_id: X")})
    assert (found.code, found.message) == ("read_only_mapped", "`assignment_id` is set by Casebook.")


def test_the_attribute_that_carries_a_link_cannot_be_mapped(desk):
    text = """\
        mapping: members
        target: case_person
        source: legacy.MEMBERS
        key: ID
        fields:
          case: {ref: case, key: [COUNTY, CASE_NO]}
          person: {ref: person, key: PERSON_ID}
          ¦person_id: PERSON_ID
        """
    found = desk.only_mistake({"cases.yaml": desk.cases(), "members.yaml": text})
    assert (found.code, found.hint) == ("carrier_mapped", "Map `person` with `ref:`.")


def test_a_link_needs_a_reference(desk):
    found = desk.field_mistake("mother: ¦{from: MOTHER_ID}")
    assert (found.code, found.hint) == ("wrong_kind", "Write `{ref: ENTITY, key: COLUMN}`.")


def test_attachments_need_their_file_from_a_declared_folder(desk):
    text = """\
        mapping: scans
        target: attachment
        source: legacy.SCANS
        key: ID
        fields:
          file_name: NAME
          file: {file: ¦doc, path: PATH}
          target: {ref: person, key: PERSON_ID}
        """
    found = desk.only_mistake({"scans.yaml": text})
    assert (found.code, found.hint) == ("unknown_source", "Did you mean `docs`?")


def test_attachments_without_their_bytes_are_incomplete(desk):
    text = """\
        mapping: scans
        target: attachment
        source: legacy.SCANS
        key: ID
        ¦fields:
          file_name: NAME
          target: {ref: person, key: PERSON_ID}
        """
    assert desk.only_mistake({"scans.yaml": text}).message == "`attachment` requires `file`, which is not mapped."


def test_all_mistakes_of_all_files_come_out_at_once_in_file_order(desk):
    found = desk.mistakes(
        {
            "project.yaml": desk.project("runz: here"),
            "people.yaml": desk.people("gender: {const: X}", "ssn: {from: S, do: [nope]}"),
            "cases.yaml": desk.cases("opened_on: {from: D, do: [integer]}"),
            "notes.yaml": "mapping: [\n",
        }
    )
    assert [(each.file, each.line, each.code) for each in found] == [
        ("cases.yaml", 9, "wrong_type"),
        ("notes.yaml", 2, "yaml_syntax"),
        ("people.yaml", 8, "unknown_option"),
        ("people.yaml", 9, "unknown_operation"),
        ("project.yaml", 8, "unknown_key"),
    ]


def test_a_value_that_yaml_reads_in_two_ways_is_told_once(desk):
    assert desk.field_mistake("gender: {const: ¦no}").code == "yaml_boolean"


def test_lists_have_no_first_value_of_a_group(desk):
    text = """\
        mapping: people
        target: person
        source: {from: legacy.P, group: {by: ID}}
        key: ID
        fields:
          first_name: F
          last_name: L
          races: {from: R, do: [{split: ";"}], crosswalk: race, ¦take: first}
        """
    found = desk.only_mistake({"people.yaml": text, **RACE})
    assert (found.code, found.hint) == ("wrong_chain", "Remove `take`, or `split`.")


@pytest.mark.parametrize(
    ("right", "code"),
    [
        ("{from: LAST_NM, do: [trimm]}", "unknown_operation"),
        ("{from: LAST_NM, crosswalk: nowhere}", "unknown_crosswalk"),
        ("{ref: person, keys: LAST_NM}", "unknown_key"),
        ('{from: LAST_NM, when: "LAST_NM = "}', "wrong_expression"),
    ],
)
def test_the_right_side_of_a_name_that_is_no_field_is_judged_as_well(desk, right, code):
    found = desk.mistakes({"people.yaml": desk.people(f"lastname: {right}")})
    assert code in {each.code for each in found}
    assert "unknown_field" in {each.code for each in found}
