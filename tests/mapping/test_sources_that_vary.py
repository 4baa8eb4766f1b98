"""`varies` in project.yaml: what editions of a source lack or call otherwise, and what a newer edition brings."""

from __future__ import annotations

import pytest

from etl.mapping.columns import check_columns, new_columns

VARIES = "varies: {legacy: {PERSONS: {LAST_NM: [SURNAME], FIRST_NM: optional}}}"
TABLE = {"legacy.PERSONS": ["PERSON_ID", "FIRST_NM", "LAST_NM"]}


def varying(desk, *lines):
    return desk.load({"project.yaml": desk.project(VARIES, *lines)})


def test_a_column_is_optional_or_has_other_names_or_both(desk):
    line = "varies: {legacy: {PERSONS: {FIRST_NM: {also: [GIVEN], optional: true}, LAST_NM: [SURNAME, FAMILY]}}}"
    columns = desk.load({"project.yaml": desk.project(line)}).sources["legacy"].varies["PERSONS"].columns
    assert (columns["FIRST_NM"].also, columns["FIRST_NM"].optional) == (("GIVEN",), True)
    assert (columns["LAST_NM"].also, columns["LAST_NM"].optional) == (("SURNAME", "FAMILY"), False)


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        ("varies: {¦legcy: {}}", "unknown_source", "Did you mean `legacy`?"),
        ("varies: {legacy: ¦optional}", "wrong_form", "`TABLE: {COLUMN: optional}`"),
        ("varies: {legacy: {PERSONS: ¦[LAST_NM]}}", "wrong_form", "`{COLUMN: [OTHER_NAME]}`"),
        ("varies: {legacy: {PERSONS: {LAST_NM: ¦{optional: false}}}}", "wrong_form", "Write `optional`"),
        ("varies: {legacy: {PERSONS: {LAST_NM: {¦alo: [X]}}}}", "unknown_key", "Did you mean `also`?"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(desk, line, code, hint):
    found = desk.only_mistake({"project.yaml": desk.project(line)})
    assert (found.code, f"{found.file}:{found.line}:{found.column}") == (code, desk.marks[0])
    assert hint in found.hint


def test_a_column_that_nobody_decided_about_is_new_and_no_mistake(desk):
    project = varying(desk)
    columns = {**TABLE, "legacy.PERSONS": [*TABLE["legacy.PERSONS"], "PRONOUNS"], "legacy.VISITS": ["ID"]}
    assert check_columns(project, columns) == ()
    assert {(each.table, each.column) for each in new_columns(project, columns)} == {
        ("legacy.PERSONS", "PRONOUNS"),
        ("legacy.VISITS", ""),
    }


def test_without_varies_the_same_column_is_refused(desk):
    project = desk.load()
    columns = {"legacy.PERSONS": [*TABLE["legacy.PERSONS"], "PRONOUNS"]}
    assert [each.code for each in check_columns(project, columns)] == ["forgotten_column"]
    assert new_columns(project, columns) == ()


def test_a_column_that_an_edition_may_not_lack_is_a_mistake_where_it_is_missing(desk):
    found = check_columns(varying(desk), {"legacy.PERSONS": ["PERSON_ID", "FIRST_NM"]})
    assert [each.code for each in found] == ["unknown_column"]


def test_a_varying_table_that_is_not_there_is_a_mistake(desk):
    line = "varies: {legacy: {PERSONS: {LAST_NM: optional}, ¦PERSON: {X: optional}}}"
    project = desk.load({"project.yaml": desk.project(line)})
    found = check_columns(project, TABLE)
    assert [(each.code, f"{each.file}:{each.line}:{each.column}") for each in found] == [
        ("unknown_table", desk.marks[0])
    ]


def test_an_ignored_column_may_be_missing_from_an_edition(desk):
    project = varying(desk, "ignore: {legacy.PERSONS: {OLD_CD: of no use}, legacy.GONE: of no use}")
    assert check_columns(project, TABLE) == ()
