"""The closed world: no column of the source is forgotten, and no document speaks of a column that is not there."""

from __future__ import annotations

import pytest

from etl.mapping.columns import check_columns
from etl.mapping.ignore import ignored_columns, ignored_reason

COLUMNS = {"legacy.PERSONS": ["PERSON_ID", "FIRST_NM", "LAST_NM"]}
JOINED = """\
mapping: people
target: person
source:
  from: legacy.PERSONS
  join:
    home: {table: legacy.HOMES, match: {PERSON_ID: PERS_ID}, pick: {order: [-SINCE]}}
  where: GONE is null
  group: {by: FAMILY, order: [-ROLE]}
key: PERSON_ID
fields:
  first_name: FIRST_NM
  last_name: {from: [LAST_NM, home.TOWN], do: [{coalesce: [SURNAME]}]}
"""
PERSONS = ["PERSON_ID", "FAMILY", "ROLE", "GONE", "FIRST_NM", "LAST_NM", "SURNAME"]
HOMES = ["PERS_ID", "SINCE", "TOWN"]


def check(desk, columns, documents=None):
    return [
        f"{each.file}:{each.line}:{each.column} {each.code}" for each in check_columns(desk.load(documents), columns)
    ]


def with_ignore(desk, ignore):
    return {"project.yaml": desk.project(f"ignore: {ignore}")}


def test_a_project_that_reads_everything_has_no_mistake(desk):
    assert check(desk, COLUMNS) == []


def test_joins_conditions_groups_and_operations_count_as_read(desk):
    assert check(desk, {"legacy.PERSONS": PERSONS, "legacy.HOMES": HOMES}, {"people.yaml": JOINED}) == []


def test_a_column_that_a_setting_names_is_told_where_it_stands(desk):
    line = "custom_fields.legacyCounty: {from: FIRST_NM, do: [{county: {state: {from: STAT}}}]}"
    known = {"legacy.PERSONS": [*COLUMNS["legacy.PERSONS"], "STATE"]}
    (found, *_) = check_columns(desk.load({"people.yaml": desk.people(line)}), known)
    assert (str(found).split()[0], found.code, found.hint) == (
        "people.yaml:8:77:",
        "unknown_column",
        "Did you mean `STATE`?",
    )


def test_an_unknown_column_is_told_at_its_field_with_the_nearest_name(desk):
    found = check_columns(desk.load(), {"legacy.PERSONS": ["PERSON_ID", "FIRST_NAME", "LAST_NM"]})
    assert [(str(each).split()[0], each.code, each.hint) for each in found[:1]] == [
        ("people.yaml:6:15:", "unknown_column", "Did you mean `FIRST_NAME`?")
    ]


@pytest.mark.parametrize(
    ("table", "missing", "place"),
    [
        ("legacy.PERSONS", "GONE", "people.yaml:7:10"),
        ("legacy.PERSONS", "FAMILY", "people.yaml:8:15"),
        ("legacy.PERSONS", "ROLE", "people.yaml:8:32"),
        ("legacy.PERSONS", "SURNAME", "people.yaml:12:60"),
        ("legacy.HOMES", "PERS_ID", "people.yaml:6:52"),
        ("legacy.HOMES", "SINCE", "people.yaml:6:78"),
        ("legacy.HOMES", "TOWN", "people.yaml:12:31"),
    ],
)
def test_an_unknown_column_is_told_wherever_it_is_used(desk, table, missing, place):
    columns = {"legacy.PERSONS": list(PERSONS), "legacy.HOMES": list(HOMES)}
    columns[table].remove(missing)
    assert check(desk, columns, {"people.yaml": JOINED}) == [f"{place} unknown_column"]


def test_an_unknown_table_is_told_once_and_not_for_each_column(desk):
    found = check(desk, {"legacy.PERSON": ["A"]}, with_ignore(desk, "{legacy.PERSON: technical}"))
    assert found == ["people.yaml:3:9 unknown_table"]


def test_a_column_that_nobody_reads_is_told_in_the_project(desk):
    columns = {"legacy.PERSONS": [*COLUMNS["legacy.PERSONS"], "EYE_COLOR"]}
    assert check(desk, columns) == ["project.yaml:1:1 forgotten_column"]
    assert check(desk, columns, with_ignore(desk, "{legacy.PERSONS: {EYE_COLOR: not case data}}")) == []


def test_a_table_that_nobody_reads_is_told_in_the_project(desk):
    columns = {**COLUMNS, "legacy.LOG": ["A", "B"]}
    assert check(desk, columns) == ["project.yaml:1:1 forgotten_table"]
    assert check(desk, columns, with_ignore(desk, "{legacy.LOG: technical}")) == []


def test_columns_of_one_table_may_be_read_by_several_mappings(desk):
    staff = "mapping: more\ntarget: person\nsource: legacy.PERSONS\nkey: STAFF\nfields: {first_name: A, last_name: B}\n"
    columns = {"legacy.PERSONS": [*COLUMNS["legacy.PERSONS"], "STAFF", "A", "B"]}
    assert check(desk, columns, {"staff.yaml": staff}) == []


def test_patterns_cover_what_is_left_of_a_table(desk):
    columns = {"legacy.PERSONS": [*COLUMNS["legacy.PERSONS"], "LAST_SEEN", "LAST_ADDR"]}
    assert check(desk, columns, with_ignore(desk, '{legacy.PERSONS: {"LAST_*": not case data}}')) == []


@pytest.mark.parametrize(
    ("ignore", "expected"),
    [
        ("{legacy.PERSONS: {EYES: no case data}}", ["project.yaml:8:27 idle_ignore"]),
        ('{legacy.PERSONS: {"EYE_*": no case data}}', ["project.yaml:8:27 idle_ignore"]),
        ("{legacy.PERSONS: {LAST_NM: no case data}}", ["project.yaml:8:27 ignored_and_read"]),
        ("{legacy.PERSONS: technical}", ["project.yaml:8:10 ignored_and_read"]),
        ("{legacy.PERSN: technical}", ["project.yaml:8:10 unknown_table"]),
    ],
)
def test_an_idle_or_contradicting_ignore_is_told_where_it_stands(desk, ignore, expected):
    project = desk.project(f"ignore: {ignore}").replace("  docs: {files: scans}\n", "  docs: {files: scans}\n")
    assert check(desk, COLUMNS, {"project.yaml": project}) == expected


def test_the_ledger_asks_why_a_table_or_column_is_left_behind(desk):
    ignore = '{legacy.LOG: technical, legacy.PERSONS: {"LAST_*": not case data, ROW: key of the system}}'
    project = desk.load(with_ignore(desk, ignore))
    assert ignored_reason(project, "legacy.LOG") == "technical"
    assert ignored_reason(project, "legacy.PERSONS") is None
    assert ignored_reason(project, "legacy.OTHER") is None
    assert ignored_columns(project, "legacy.PERSONS", ["ROW", "LAST_SEEN", "AGE"]) == {
        "ROW": "key of the system",
        "LAST_SEEN": "not case data",
    }


def test_a_join_named_like_the_start_of_base_columns_is_told(desk):
    columns = {"legacy.PERSONS": [*PERSONS, "home.AGE"], "legacy.HOMES": HOMES}
    assert "people.yaml:6:11 join_name" in check(desk, columns, {"people.yaml": JOINED})
