"""Overrides are read strictly: each is signed, fits its mapping, and no message repeats what it corrects."""

from __future__ import annotations

import datetime as dt

import pytest

HEADER = "key,column,old value,new value,who,why,until\n"
FILE = "overrides/people.csv"


def test_an_override_is_read_as_it_is_written(desk):
    project = desk.load({FILE: f"{HEADER}0007,LAST_NM,Smyth,Smith,A. Clerk,passport seen,2026-12-31\n"})
    override = project.mappings[0].overrides[0]
    assert (override.key, override.old, override.new, override.until) == (
        ("0007",),
        "Smyth",
        "Smith",
        dt.date(2026, 12, 31),
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("7,LAST_NMM,SECRET,b,who,why,", "Did you mean `LAST_NM`?"),
        ("7,LAST_NM,SECRET,b,,why,", "`who` is empty"),
        ("7,LAST_NM,SECRET,b,who,,", "`why` is empty"),
        (",LAST_NM,SECRET,b,who,why,", "`key` is empty"),
        ("7,LAST_NM,SECRET,b,who,why,soon", "`until` is no date"),
        ("7 | 8,LAST_NM,SECRET,b,who,why,", "has 1 part, here are 2"),
        ("7,LAST_NM,SECRET,b,who,why", "The row has 6 cells"),
        ('7,LAST_NM,SECRET,"b,who,why,', "A quote is not closed"),
    ],
)
def test_a_wrong_row_is_told_at_its_line_without_what_it_holds(desk, row, said):
    desk.marks.append(f"{FILE}:2:1")
    found = desk.only_mistake({FILE: f"{HEADER}{row}\n"})
    assert said in f"{found.message} {found.hint}"
    assert "SECRET" not in str(found)


def test_two_corrections_of_one_cell_contradict_each_other(desk):
    desk.marks.append(f"{FILE}:3:1")
    found = desk.only_mistake({FILE: f"{HEADER}7,LAST_NM,a,b,who,why,\n 7 ,LAST_NM,c,d,who,why,\n"})
    assert "Line 2 corrects the same column" in found.message


def test_a_header_with_other_columns_is_refused(desk):
    desk.marks.append(f"{FILE}:1:1")
    assert "exactly the columns" in desk.only_mistake({FILE: "key,column\n"}).message


def test_a_file_that_no_mapping_has_the_name_of_corrects_nothing(desk):
    desk.marks.append("overrides/poeple.csv:1:1")
    assert desk.only_mistake({"overrides/poeple.csv": HEADER}).hint == "Did you mean `people`?"


def test_a_column_that_groups_rows_cannot_be_corrected(desk):
    text = "mapping: people\ntarget: person\nsource: {from: legacy.P, group: {by: H}}\nkey: H\nfields: {first_name: F, last_name: H}\n"
    desk.marks.append(f"{FILE}:2:1")
    found = desk.only_mistake({"people.yaml": text, FILE: f"{HEADER}7,H,a,b,who,why,\n"})
    assert "joins or groups rows" in found.message


def test_an_override_changes_the_checksum_but_its_author_does_not(desk):
    def checksum(row: str) -> str:
        return desk.load({FILE: f"{HEADER}{row}\n"}).mappings[0].checksum

    plain, signed = checksum("7,LAST_NM,a,b,me,why,"), checksum("7,LAST_NM,a,b,you,because,")
    assert plain == signed != checksum("7,LAST_NM,a,c,me,why,")
