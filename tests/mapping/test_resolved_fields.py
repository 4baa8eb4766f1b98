"""Each construct of the language becomes exactly one kind of resolved value, with every policy spelt out."""

from __future__ import annotations

import pytest

from etl.mapping.model import (
    Choose,
    Const,
    Empty,
    FileField,
    Many,
    OnError,
    OnMissing,
    OnUnmapped,
    Pipeline,
    Reference,
    ReferenceTarget,
    SendNull,
    Take,
)

GENDER = {"crosswalks/gender.csv": "F,M,target\n1,0,Female\n0,1,Male\n"}
MEMBERS = """\
mapping: members
target: case_person
source: legacy.MEMBERS
key: ID
fields:
  case: {ref: case, key: [COUNTY, CASE_NO]}
  person: {ref: person, key: PERSON_ID}
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


def test_the_short_form_is_a_pipeline_of_one_column(desk):
    field = desk.field("middle_name: MID_NM")
    assert field.value == Pipeline(("MID_NM",))
    assert (field.on_error, field.default, field.when, field.columns) == (OnError.QUARANTINE, None, None, ("MID_NM",))
    assert field.attribute.name == "middle_name"
    assert field.link is None


def test_a_pipeline_keeps_its_operations_in_order(desk):
    field = desk.field(
        'date_of_birth: {from: DOB, do: [trim, {date: {in: ["%m/%d/%Y"]}}], on_error: empty, pii: birth}'
    )
    assert [each.name for each in field.value.operations] == ["trim", "date"]
    assert (field.on_error, field.pii) == (OnError.EMPTY, "birth")


def test_one_operation_needs_no_list(desk):
    assert [each.name for each in desk.field("ssn: {from: S, do: digits}").value.operations] == ["digits"]


def test_columns_that_an_operation_reads_belong_to_the_field(desk):
    field = desk.field('ssn: {from: A, do: [{coalesce: [B]}], when: "Q = 1"}')
    assert field.columns == ("A", "B", "Q")


def test_the_catalogue_tells_what_personal_data_a_field_holds(desk):
    assert desk.field("ssn: SSN").pii == "ssn"


def test_a_crosswalk_of_two_columns_takes_them_in_order(desk):
    field = desk.field("gender: {from: [F, M], crosswalk: gender, on_unmapped: ask}", GENDER)
    assert field.value.columns == ("F", "M")
    assert field.value.crosswalk.on_unmapped is OnUnmapped.ASK
    assert [row.target for row in field.value.crosswalk.crosswalk.rows] == ["Female", "Male"]
    assert field.link.name == "gender"


def test_policies_come_from_the_project_where_a_field_names_none(desk):
    project = desk.project("defaults: {on_error: warn, on_unmapped: ask, on_missing: quarantine}")
    lines = ("mother: {ref: person, key: M}", "gender: {from: [F, M], crosswalk: gender}")
    loaded = desk.load({"project.yaml": project, "people.yaml": desk.people(*lines), **GENDER})
    mother, gender = loaded.mappings[0].fields[-2:]
    assert mother.value.on_missing is OnMissing.QUARANTINE
    assert (gender.on_error, gender.value.crosswalk.on_unmapped) == (OnError.WARN, OnUnmapped.ASK)


def test_a_default_is_the_text_as_written(desk):
    field = desk.field("custom_fields.annualIncome: {from: INC, do: [number], on_error: default, default: 1.10}")
    assert field.default == "1.10"


def test_a_constant_inserts_columns(desk):
    field = desk.field('middle_name: {const: "LEG-{PERSON_ID}-{addr.CITY}"}')
    assert field.value == Const("LEG-{PERSON_ID}-{addr.CITY}", ("PERSON_ID", "addr.CITY"))


@pytest.mark.parametrize(("written", "text"), [("1.10", "1.10"), ("true", "true"), ('"01"', "01")])
def test_a_constant_is_the_text_as_written(desk, written, text):
    assert desk.field(f"middle_name: {{const: {written}}}").value == Const(text)


def test_choose_takes_constants_columns_and_nothing(desk):
    field = desk.field(
        "marital_status: {choose: [{when: \"A = 'M'\", const: Married}, {when: A is null, empty: true}, {from: B, do: [trim]}]}"
    )
    assert isinstance(field.value, Choose)
    married, nothing, other = field.value.branches
    assert (married.value, married.when.text) == (Const("Married"), "A = 'M'")
    assert nothing.value == Empty()
    assert (other.when, other.value.columns) == (None, ("B",))
    assert field.columns == ("A", "B")


def test_many_makes_a_list(desk):
    field = desk.field("races: {many: [{when: A = 1, const: Asian}, {when: B = 1, const: White}]}")
    assert isinstance(field.value, Many)
    assert [branch.value.template for branch in field.value.branches] == ["Asian", "White"]


def test_a_field_can_be_empty_on_purpose(desk):
    assert desk.field("middle_name: {empty: true}").value == Empty()


def test_a_reference_names_entity_key_space_and_columns(desk):
    field = desk.field("mother: {ref: person, key: MOTHER_ID, do: [trim], on_missing: empty, when: Q = 1}")
    assert field.value.targets == (ReferenceTarget("person", "people", "", ("MOTHER_ID",)),)
    assert (field.value.on_missing, field.value.by, field.is_reference) == (OnMissing.EMPTY, None, True)
    assert field.columns == ("MOTHER_ID", "Q")


def test_a_key_may_have_several_parts(desk):
    project = desk.load({"cases.yaml": desk.cases(), "members.yaml": MEMBERS})
    case = next(each for each in project.mappings if each.name == "members").fields[0]
    assert case.value.targets[0].columns == ("COUNTY", "CASE_NO")


def test_several_mappings_may_feed_one_entity_in_key_spaces_of_their_own(desk):
    staff = (
        "mapping: staff\ntarget: person\nsource: legacy.STAFF\nkey: STAFF_NO\nfields: {first_name: A, last_name: B}\n"
    )
    documents = {"people.yaml": desk.people("mother: {ref: person@staff, key: M}"), "staff.yaml": staff}
    project = desk.load(documents)
    assert project.mappings_to("person")[0].fields[-1].value.targets[0].space == "staff"
    assert [each.space for each in project.mappings_to("person")] == ["people", "staff"]


def test_mappings_may_share_a_key_space(desk):
    staff = "mapping: staff\ntarget: person\nsource: legacy.STAFF\nkey: STAFF_NO\nkeys: all\nfields: {first_name: A, last_name: B}\n"
    people = desk.people("mother: {ref: person, key: M}").replace("key: PERSON_ID", "key: PERSON_ID\nkeys: all")
    project = desk.load({"people.yaml": people, "staff.yaml": staff})
    assert project.mappings[0].fields[-1].value.targets[0].space == "all"


def test_a_polymorphic_reference_chooses_by_a_code(desk):
    target = "{ref: {C: case, K: case}, by: OWNER, key: [A, B]}"
    project = desk.load({"cases.yaml": desk.cases(), "scans.yaml": scan(target)})
    value = next(each for each in project.mappings if each.name == "scans").fields[-1].value
    assert isinstance(value, Reference)
    assert value.by == "OWNER"
    assert project.mappings_to("attachment")[0].fields[-1].columns == ("OWNER", "A", "B")
    assert [(each.code, each.entity) for each in value.targets] == [("C", "case"), ("K", "case")]


def test_a_polymorphic_reference_takes_whichever_column_is_filled(desk):
    target = "{ref: {case: [COUNTY, CASE_NO], person: PERSON_ID}, expect: one}"
    project = desk.load({"cases.yaml": desk.cases(), "scans.yaml": scan(target)})
    fields = next(each for each in project.mappings if each.name == "scans").fields
    assert [(each.entity, each.columns) for each in fields[-1].value.targets] == [
        ("case", ("COUNTY", "CASE_NO")),
        ("person", ("PERSON_ID",)),
    ]
    assert fields[1].value == FileField("docs", "PATH", OnMissing.QUARANTINE)


def test_the_catalogue_tells_which_attribute_of_the_parent_is_meant(desk):
    assignment = """\
        mapping: assignments
        target: assignment_user
        source: legacy.CASES
        key: [COUNTY, CASE_NO]
        fields:
          assignment: {ref: case, key: [COUNTY, CASE_NO]}
          user: {from: WORKER, crosswalk: worker}
        """
    documents = {"cases.yaml": desk.cases(), "assignments.yaml": assignment}
    documents |= {"crosswalks/worker.csv": "WORKER,target\n1,worker01@agency.example\n"}
    project = desk.load(documents)
    assert project.mappings[0].fields[0].value.value == "assignment_id"


def test_base_rows_come_with_joins_in_order_and_every_column_that_is_read(desk):
    text = """\
        mapping: people
        target: person
        source:
          from: legacy.PERSONS
          join:
            home: {table: legacy.HOMES, match: PERSON_ID, expect: one}
            town: {table: legacy.TOWNS, match: {home.TOWN: CODE, STATE: ST}, pick: {order: [-SINCE, CODE], take: last}}
          where: "DELETED <> 'Y'"
        key: PERSON_ID
        fields:
          first_name: FIRST
          last_name: {from: [LAST, town.NAME], do: [{concat: " "}]}
        """
    base = desk.load({"people.yaml": text}).mappings[0].base
    assert base.table == "legacy.PERSONS"
    assert base.columns == ("PERSON_ID", "DELETED", "FIRST", "LAST", "town.NAME")
    home, town = base.joins
    assert (home.match, home.expect, home.pick_order) == ((("PERSON_ID", "PERSON_ID"),), "one", ())
    assert town.match == (("home.TOWN", "CODE"), ("STATE", "ST"))
    assert (town.expect, town.pick_order, town.pick_take) == ("at_most_one", ("-SINCE", "CODE"), "last")


def test_a_group_makes_one_record_of_several_rows(desk):
    text = """\
        mapping: cases
        target: case
        source: {from: legacy.ENROLLMENTS, group: {by: HOUSEHOLD, order: [ROLE, -ENTRY]}}
        key: HOUSEHOLD
        fields:
          name: NAME
          case_type: {const: Housing}
          opened_on: {from: ENTRY, do: [date], take: min}
          case_status: {choose: [{when: any(EXITED is null), const: Open}, {const: Closed}]}
        """
    mapping = desk.load({"cases.yaml": text}).mappings[0]
    assert (mapping.base.group_by, mapping.base.group_order) == (("HOUSEHOLD",), ("ROLE", "-ENTRY"))
    assert [each.value.take for each in mapping.fields[:3:2]] == [None, Take.MIN]


def test_where_cannot_ask_about_a_group(desk):
    text = """\
        mapping: cases
        target: case
        source: {from: legacy.E, group: {by: H}, where: ¦any(A = 1)}
        key: H
        fields: {name: NAME, case_type: {const: Housing}, case_status: {const: Open}}
        """
    assert desk.only_mistake({"cases.yaml": text}).hint == "`where` sees one row at a time."


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("¦PERSONS", "unknown_source"),
        ("¦legcy.PERSONS", "unknown_source"),
        ("¦docs.PERSONS", "unknown_source"),
        ("{from: ¦legcy.PERSONS}", "unknown_source"),
        ("{¦table: legacy.PERSONS, from: legacy.P}", "unknown_key"),
        ("{from: legacy.P, query: SELECT 1, ¦join: {a: {table: legacy.A, match: ID}}}", "useless_key"),
        ("{from: legacy.P, join: {a: {table: ¦lgacy.A, match: ID}}}", "unknown_source"),
        ("{from: legacy.P, join: {a: {table: legacy.A, match: ID, expect: ¦few}}}", "wrong_form"),
        (
            "{from: legacy.P, join: {a: {table: legacy.A, match: ¦{b.X: ID}}, b: {table: legacy.B, match: ID}}}",
            "join_order",
        ),
        ("{from: legacy.P, join: {a: {table: legacy.A, match: ID, ¦mach: ID}}}", "unknown_key"),
        ("{from: legacy.P, join: {a: ¦{table: legacy.A}}}", "missing_key"),
        ("{from: legacy.P, group: {by: A, ¦odrer: B}}", "unknown_key"),
        ('{from: legacy.P, where: "A = ¦= 1"}', "wrong_expression"),
    ],
)
def test_a_wrong_source_is_told_where_it_stands(desk, source, code):
    text = f"mapping: people\ntarget: person\nsource: {source}\nkey: ID\nfields: {{first_name: A, last_name: B}}\n"
    assert desk.only_mistake({"people.yaml": text}).code == code


@pytest.mark.parametrize(
    ("project", "mapping", "own", "policy"),
    [
        ("", "", "", "omit"),
        ("defaults: {send_null: clear}", "", "", "clear"),
        ("defaults: {send_null: clear}", "send_null: omit", "", "omit"),
        ("", "send_null: clear", "", "clear"),
        ("defaults: {send_null: clear}", "", "omit", "omit"),
        ("", "send_null: omit", "clear", "clear"),
    ],
)
def test_the_innermost_policy_for_values_that_become_empty_counts(desk, project, mapping, own, policy):
    said = f", send_null: {own}" if own else ""
    lines = (f"middle_name: {{from: MID{said}}}", f"mother: {{ref: person, key: MOTHER{said}}}")
    people = desk.people(*lines) + f"{mapping}\n"
    (found,) = desk.load({"project.yaml": desk.project(project), "people.yaml": people}).mappings
    policies = {each.name: str(each.send_null) for each in found.fields}
    assert (policies["middle_name"], policies["mother"]) == (policy, policy)
    assert (policies["first_name"], policies["last_name"]) == ("omit", "omit"), "what is required is never cleared"


@pytest.mark.parametrize(
    "field",
    [
        "{const: Lee, send_null: clear}",
        "{empty: true, send_null: clear}",
        "{choose: [{when: \"A = '1'\", const: Lee}], send_null: clear}",
    ],
)
def test_every_kind_of_value_takes_the_policy_for_what_becomes_empty(desk, field):
    assert desk.field(f"middle_name: {field}").send_null is SendNull.CLEAR


def test_a_policy_for_what_becomes_empty_is_part_of_what_a_mapping_means(desk):
    left, cleared = (
        desk.load({"people.yaml": desk.people(f"middle_name: {{from: MID, send_null: {each}}}")}).checksum
        for each in ("omit", "clear")
    )
    assert left != cleared


def test_a_record_of_emit_has_a_policy_of_its_own_for_what_becomes_empty(desk):
    text = """\
        mapping: homes
        source: legacy.HOMES
        key: ID
        send_null: clear
        emit:
          a: {target: person, fields: {first_name: A, last_name: B, middle_name: C}}
          b: {target: person, send_null: omit, fields: {first_name: A, last_name: B, middle_name: C}}
        """
    first, second = (each for each in desk.load({"homes.yaml": text}).mappings if each.name.startswith("homes"))
    assert (first.fields[-1].send_null, second.fields[-1].send_null) == (SendNull.CLEAR, SendNull.OMIT)


def test_what_casebook_requires_cannot_be_cleared(desk):
    text = "mapping: people\ntarget: person\nsource: legacy.P\nkey: ID\nfields: {first_name: A, last_name: {from: B, ¦send_null: clear}}\n"
    found = desk.only_mistake({"people.yaml": text})
    assert (found.code, found.message) == (
        "required_cleared",
        "`person` requires `last_name`: it cannot be cleared.",
    )


@pytest.mark.parametrize(
    ("head", "code", "said"),
    [
        ("target: ¦persn", "unknown_entity", "Did you mean `person`?"),
        ("target: ¦gender", "unknown_entity", ""),
        ("target: ¦user", "not_creatable", "list of the tenant"),
        ("target: person\nversion: ¦2", "wrong_form", "must be one of 1"),
        ("target: person\n¦load: {}", "not_available", "not available in this version"),
        ("target: person\n¦load: {mode: upsert}", "not_available", "not available in this version"),
        ("target: person\n¦sync: {}", "not_available", "not available in this version"),
        ("target: person\nsend_null: ¦blank", "wrong_form", "must be one of"),
        ("target: person\n¦fieldz: {}", "unknown_key", "Did you mean `fields`?"),
        ("target: person\nkeys: ¦a b", "wrong_form", "A name is made of letters"),
    ],
)
def test_a_wrong_head_is_told_where_it_stands(desk, head, code, said):
    text = f"mapping: people\n{head}\nsource: legacy.P\nkey: ID\nfields: {{first_name: A, last_name: B}}\n"
    found = desk.only_mistake({"people.yaml": text})
    assert found.code == code
    assert said in f"{found.message} {found.hint}"


def test_two_mappings_cannot_have_one_name(desk):
    found = desk.only_mistake(
        {"also.yaml": desk.people(), "people.yaml": desk.people().replace("people", "¦people", 1)}
    )
    assert (found.code, found.message) == ("duplicate_mapping", "The mapping `people` stands in also.yaml already.")
