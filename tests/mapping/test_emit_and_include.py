"""One row may become several records, and groups of fields are written once; mistakes stay where they were written."""

from __future__ import annotations

import datetime as dt

from etl.pipeline.inline_tests import run_tests

EMIT = """\
mapping: family
source: {from: legacy.FAMILIES, where: "GONE <> 'Y'"}
key: FAMILY_ID
emit:
  mother:
    target: person
    when: "MOTHER is not null"
    fields: {first_name: MOTHER, last_name: NAME}
    tests:
      - {name: there, given: {FAMILY_ID: 1, MOTHER: A, NAME: B}, expect: {first_name: A}, bucket: record}
      - {name: none, given: {FAMILY_ID: 1, NAME: B}, bucket: ignored}
      - {name: gone, given: {FAMILY_ID: 1, MOTHER: A, GONE: "Y"}, bucket: ignored}
  child:
    target: person
    fields: {first_name: CHILD, last_name: NAME, mother: {ref: person@family-mother, key: FAMILY_ID}}
"""
GROUP = "fields:\n  middle_name: {from: MID, do: [upper]}\n  suffix: SFX\n"


def test_a_row_becomes_a_record_of_each_kind_in_a_key_space_of_its_own(desk):
    project = desk.load({"family.yaml": EMIT})
    emitted = [each for each in project.mappings if each.name.startswith("family")]
    assert [(each.name, each.space) for each in emitted] == [
        ("family-mother", "family-mother"),
        ("family-child", "family-child"),
    ]
    assert [each.base.table for each in emitted] == ["legacy.FAMILIES"] * 2
    assert [failure for each in run_tests(project, dt.date(2026, 1, 31)) for failure in each.failures] == []


def test_a_mistake_in_one_of_the_records_is_told_where_it_stands(desk):
    found = desk.only_mistake(
        {"family.yaml": EMIT.replace("first_name: CHILD", "¦frst_name: CHILD, first_name: CHILD")}
    )
    assert found.code == "unknown_field"


def test_a_wrong_condition_of_a_record_is_told_at_its_character(desk):
    document = EMIT.replace(
        "    fields: {first_name: CHILD", "    when: CHILD = 1 ¦andd A = 2\n    fields: {first_name: CHILD"
    )
    assert desk.only_mistake({"family.yaml": document}).code == "wrong_expression"


def test_a_mistake_that_all_records_share_is_told_once(desk):
    found = desk.mistakes({"family.yaml": EMIT.replace("legacy.FAMILIES", "legcy.FAMILIES")})
    assert [each.code for each in found] == ["unknown_source"]


def test_fields_beside_emit_belong_to_one_of_the_records(desk):
    found = desk.only_mistake({"family.yaml": f"{EMIT}¦fields: {{ssn: X}}\n"})
    assert found.code == "useless_key"


def test_a_group_of_fields_is_taken_in(desk):
    project = desk.load({"people.yaml": f"{desk.people()}include: extra\n", "includes/extra.yaml": GROUP})
    fields = {each.name: each for each in project.mappings[0].fields}
    assert list(fields) == ["first_name", "last_name", "middle_name", "suffix"]
    assert (fields["suffix"].position.file, fields["suffix"].position.line) == ("includes/extra.yaml", 3)


def test_an_included_field_means_what_it_means_when_written_out(desk):
    taken = (
        desk.load({"people.yaml": f"{desk.people()}include: extra\n", "includes/extra.yaml": GROUP})
        .mappings[0]
        .checksum
    )
    (desk.folder / "includes" / "extra.yaml").unlink()
    written = desk.load({"people.yaml": desk.people("middle_name: {from: MID, do: [upper]}", "suffix: SFX")})
    assert taken == written.mappings[0].checksum


def test_a_mistake_in_a_group_is_told_in_its_file_and_once(desk):
    documents = {
        f"{name}.yaml": f"{desk.people()}include: [extra]\n".replace("mapping: people", f"mapping: {name}")
        for name in ("people", "staff")
    }
    found = desk.only_mistake({**documents, "includes/extra.yaml": GROUP.replace("upper", "¦uper")})
    assert found.code == "unknown_operation"


def test_a_field_that_stands_in_both_is_not_guessed_about(desk):
    document = f"{desk.people('suffix: X')}include: [¦extra]\n"
    assert desk.only_mistake({"people.yaml": document, "includes/extra.yaml": GROUP}).code == "duplicate_field"


def test_an_unknown_group_and_an_unused_one_are_told(desk):
    found = desk.mistakes({"people.yaml": f"{desk.people()}include: extr\n", "includes/extra.yaml": GROUP})
    assert [(each.file, each.code) for each in found] == [
        ("includes/extra.yaml", "unused_include"),
        ("people.yaml", "unknown_include"),
    ]
